"""Formulas as a training sees them: varied ink, drawn, with boxes where the symbols stand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from amanuensis.data import read_dataset
from amanuensis.images.formula import FormulaSpec
from amanuensis.training.formulas import TrainingFormulas, opened
from drawn_formulas import draw_formulas


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_symbols_stand_where_they_are_said_to_with_every_pen_and_size(
    scale: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = read_dataset(draw_formulas(tmp_path / "drawn", train=("7 + x", "y = 7"))).split("train")
    spec = FormulaSpec(scale=scale)
    formulas, problems = opened(samples, spec, "train")
    assert not problems
    source = TrainingFormulas(formulas, spec, seed=1, distortion=1.0, places=True)
    monkeypatch.delattr("amanuensis.images.formula.find_writing")  # what is drawn is not searched as a photo
    sizes = set()
    for epoch in range(12):  # a quarter of them is drawn with a pen that is thinner than usual
        for index in range(len(samples)):
            prepared = source.prepared(epoch, index)
            sizes.add(prepared.image.shape)
            assert prepared.places is not None
            rest = prepared.image.copy()
            for left, top, right, bottom in prepared.places:
                low = np.floor([top - scale, left - scale]).astype(int).clip(0)
                high = np.ceil([bottom + scale, right + scale]).astype(int)
                inside = rest[low[0] : high[0], low[1] : high[1]]
                assert inside.any()
                inside[:] = 0
            assert not rest.any()
    assert len(sizes) > 12  # they do vary

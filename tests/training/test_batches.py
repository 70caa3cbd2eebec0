"""What an epoch draws: every line once, the same for the same (seed, epoch), whoever prepares it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ImageFont

from amanuensis.data import read_dataset
from amanuensis.data.synthetic import SyntheticLines
from amanuensis.errors import TrainingError
from amanuensis.images import AUGMENTATIONS, IMAGE_SPECS
from amanuensis.training.batches import batches_of_epoch, collate
from amanuensis.training.lines import TrainingLines, ValidationLines


def _lines(folder: Path, *, seed: int = 1, preset: str = "strong", **more: object) -> TrainingLines:
    samples = read_dataset(folder).split("train")
    return TrainingLines(
        samples=samples,
        widths=[200 + 7 * i for i in range(len(samples))],
        spec=IMAGE_SPECS["cpu"],
        augmentation=AUGMENTATIONS[preset],
        seed=seed,
        **more,
    )


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 100])
def test_every_line_is_drawn_once_an_epoch_in_an_order_of_seed_and_epoch(
    lines: Path, batch_size: int
) -> None:
    drawn = _lines(lines)
    assert sorted(i for batch in drawn.plan(0, batch_size) for i in batch) == list(range(7))
    epochs, other_seed = ([d.plan(e, batch_size) for e in range(5)] for d in (drawn, _lines(lines, seed=2)))
    assert epochs == [_lines(lines).plan(e, batch_size) for e in range(5)]
    if batch_size < 7:
        assert epochs != other_seed
        assert epochs[0] != epochs[1] or epochs[1] != epochs[2]


@pytest.mark.parametrize("epoch", range(6))
def test_every_batch_has_a_line_for_each_process(lines: Path, epoch: int) -> None:
    plan = _lines(lines).plan(epoch, 3, num_processes=2)
    assert sorted(map(len, plan)) == [
        3,
        4,
    ]  # 7 lines: the last one joins its neighbour, wherever that is drawn
    assert sorted(i for batch in plan for i in batch) == list(range(7))
    with pytest.raises(TrainingError, match="7 samples"):
        _lines(lines).plan(epoch, 3, num_processes=8)


def test_lines_of_a_batch_are_of_similar_width(lines: Path) -> None:
    assert sorted(map(sorted, _lines(lines).plan(3, 2))) == [[0, 1], [2, 3], [4, 5], [6]]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(lines: Path, workers: int) -> None:
    drawn = _lines(lines)
    plan = drawn.plan(2, 3)
    here = list(batches_of_epoch(drawn, 2, plan, workers=0))
    there = list(batches_of_epoch(drawn, 2, plan, workers=workers))
    assert [b.keys for b in here] == [b.keys for b in there]
    assert all(torch.equal(a.images, b.images) for a, b in zip(here, there, strict=True))


def test_another_epoch_is_another_augmentation(lines: Path) -> None:
    drawn = _lines(lines)
    first, again, other = (drawn.prepared(epoch, 0).image for epoch in (0, 0, 1))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_the_synthetic_share_is_exact_and_its_lines_change_by_epoch(lines: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(f"the quick brown fox number {i} jumps over a lazy dog" for i in range(50)))
    font = ImageFont.load_default(40)
    if not hasattr(font, "font_bytes") and not getattr(font, "path", None):
        pytest.skip("Pillow's own font is no file")
    font_file = tmp_path / "font.ttf"
    font_file.write_bytes(
        font.path.getvalue() if hasattr(font.path, "getvalue") else Path(font.path).read_bytes()
    )
    drawn = _lines(lines, synthetic=SyntheticLines({"en": corpus}, [font_file], 1), synthetic_share=0.3)
    assert drawn.num_synthetic == 3  # 7 real lines: 3 / 10 is exactly the share
    assert sorted(i for batch in drawn.plan(0, 4) for i in batch) == list(range(10))
    one, other = drawn.prepared(0, 8), drawn.prepared(1, 8)
    assert one.key == "synthetic/0-1"
    assert one.text == drawn.synthetic.text(0, 1)
    assert one.text != other.text


def test_collate_pads_with_zeros_and_keeps_widths(lines: Path) -> None:
    drawn = _lines(lines, preset="none")
    batch = collate([drawn.prepared(0, 0), drawn.prepared(0, 1)])
    assert batch.images.shape[2] == 64
    narrow = int(batch.widths.argmin())
    assert (batch.images[narrow, 0, :, int(batch.widths[narrow]) :] == 0).all()
    assert int(batch.widths.max()) == batch.images.shape[3]
    one = collate([drawn.prepared(0, 0)])
    assert one.images.shape[0] == 1


def test_a_fixed_width_is_kept_whatever_the_augmentation(lines: Path) -> None:
    samples = read_dataset(lines).split("train")
    drawn = TrainingLines(samples, [864] * 7, IMAGE_SPECS["paper"], AUGMENTATIONS["strong"], 1)
    assert {drawn.prepared(epoch, 0).image.shape for epoch in range(5)} == {(68, 864)}


def test_validation_lines_come_once_each_unaugmented(lines: Path) -> None:
    samples = read_dataset(lines).samples
    val = ValidationLines(samples, [10 * (i % 3) for i in range(10)], IMAGE_SPECS["cpu"])
    seen = [i for indices, _ in val.batches(3) for i in indices]
    assert sorted(seen) == list(range(10))
    for indices, batch in val.batches(3):
        assert batch.texts == tuple(samples[i].text for i in indices)


def test_widths_come_in_few_steps_so_that_kernels_are_compiled_once(lines: Path) -> None:
    drawn = _lines(lines)
    batches = list(batches_of_epoch(drawn, 0, drawn.plan(0, 2), workers=0))
    assert all(batch.images.shape[3] % 64 == 0 for batch in batches)
    assert all(batch.images.shape[3] - int(batch.widths.max()) < 64 for batch in batches)
    fixed = replace(drawn, spec=IMAGE_SPECS["paper"])
    [batch] = batches_of_epoch(fixed, 0, [[0]], workers=0)
    assert batch.images.shape[3] == 864

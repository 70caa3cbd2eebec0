"""A small data set of drawn lines, and a recipe that learns from it in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from amanuensis.training import export
from drawn_lines import WORDS, draw_lines


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)  # more only wait for each other on networks this small


@pytest.fixture(autouse=True)
def _graphs_where_they_are_read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the mark `graphs` a model folder has none: they take most of the time of a run this small."""
    if request.node.get_closest_marker("graphs") is None:
        monkeypatch.setattr(export, "onnx_graph", lambda *_, **__: b"")
        monkeypatch.setattr(export, "formula_graphs", lambda *_, **__: {})


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Ten drawn words: seven to train, two to validate, one to test."""
    folder = tmp_path / "drawn"
    draw_lines(folder, WORDS, ["train"] * 7 + ["val"] * 2 + ["test"])
    return folder


@pytest.fixture
def recipe(lines: Path) -> dict[str, Any]:
    """The parsed TOML of a run of seconds."""
    return {
        "description": "a test",
        "network": {"name": "htr-jand-student-cpu", "options": {"channels": [4, 4, 6], "hidden": 8}},
        "data": {"paths": [str(lines)]},
        "augmentation": {"preset": "paper"},
        "training": {"epochs": 3, "batch_size": 2, "workers": 0, "checkpoint_every": 1},
    }

"""What a model's card says of its scores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from amanuensis.recognition import MathConfig, ModelConfig
from amanuensis.training.card import model_card
from amanuensis.training.export import scores_of_report
from tiny_formula_model import write_tiny_formula_model


def report(beam: int) -> dict[str, Any]:
    scores = {"n": 986, "exprate": 0.3, "exprate_1": 0.4, "exprate_2": 0.5, "exprate_tree": 0.3, "wer": 0.25}
    scores |= {"exprate_interval": [0.27, 0.33]}
    return {**scores, "split": "test", "decoder": {"beam": beam}, "sets": {"crohme-2014": scores}}


@pytest.mark.parametrize(
    ("beam", "told"), [(1, "Greedy, no language model"), (10, "Beam of 10, no language model")]
)
def test_a_formula_models_card_names_the_search_that_its_scores_were_made_with(
    tmp_path: Path, beam: int, told: str
) -> None:
    folder = write_tiny_formula_model(tmp_path)
    config = ModelConfig.from_dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    assert isinstance(config, MathConfig)
    split, scores = scores_of_report(report(beam))
    assert split == "test2014"
    card = model_card(replace(config, scores={split: scores}))
    assert f"{told}, 986 formulas." in card

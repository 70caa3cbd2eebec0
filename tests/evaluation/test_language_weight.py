from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from amanuensis.data import read_dataset
from amanuensis.errors import DataError, ModelError
from amanuensis.evaluation.language_weight import WEIGHTS, WeightTrial, best_trial, try_weights
from amanuensis.language import NGramModel
from amanuensis.recognition import FormulaRecognizer
from drawn_formulas import draw_formulas
from tiny_formula_model import write_tiny_formula_model


@pytest.fixture
def recognizer(tmp_path: Path) -> FormulaRecognizer:
    """Reads everything as `x + x`, and with a language model of some weight as `y + x`."""
    script = [{"x": 0.6, "y": 0.4}, {"+": 1}, {"x": 1}]
    NGramModel.train([["y", "+", "x"]] * 8 + [["x"]], 2).save(tmp_path / "lm")
    model = write_tiny_formula_model(tmp_path / "model", script)
    return FormulaRecognizer.load(model, language_model=tmp_path / "lm", language_weight=0.5)


@pytest.fixture
def samples(tmp_path: Path):
    data = draw_formulas(tmp_path / "drawn", val=("y + x", "y + x", "x + x"), test=("x = 1",))
    return list(read_dataset(data).samples)


def test_every_weight_is_measured_on_the_same_formulas(recognizer, samples) -> None:
    val = [sample for sample in samples if sample.split == "val"]
    told = []
    trials = list(try_weights(recognizer, val, (0, 0.5), progress=lambda *counts: told.append(counts)))
    assert [(t.weight, t.num_right, t.num_formulas) for t in trials] == [(0, 1, 3), (0.5, 2, 3)]
    assert [t.wer for t in trials] == pytest.approx([2 / 9, 1 / 9])
    assert all(t.milliseconds > 0 for t in trials)
    assert told == [(3, 6), (6, 6)]
    assert best_trial(trials).weight == 0.5
    assert recognizer.config.decoder.language_weight == 0.5


def test_test_sets_choose_no_weight(recognizer, samples) -> None:
    with pytest.raises(DataError, match="test2019-0 is of a test set"):
        list(try_weights(recognizer, samples))
    with pytest.raises(DataError, match="no formula"):
        list(try_weights(recognizer, []))


def test_without_a_language_model_there_is_nothing_to_weigh(tmp_path: Path, samples) -> None:
    bare = FormulaRecognizer.load(write_tiny_formula_model(tmp_path / "bare", [{"x": 1}]))
    with pytest.raises(ModelError, match="no language model"):
        list(try_weights(bare, [samples[0]]))


def test_the_best_weight_is_the_smallest_of_those_that_are_equally_good() -> None:
    trial = WeightTrial(0.2, 5, 9, 0.3, 1.0)
    equal = [replace(trial, weight=weight) for weight in (0.3, 0.1, 0.2)]
    assert best_trial([*equal, replace(trial, weight=0, wer=0.4)]).weight == 0.1
    assert best_trial([*equal, replace(trial, weight=0, wer=0.2)]).weight == 0
    assert best_trial([*equal, replace(trial, weight=0.5, num_right=6, wer=0.9)]).weight == 0.5
    assert WEIGHTS == (0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)

"""Branches, ensembles, language models and mending in reading formulas, over models whose readings are known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from amanuensis.decoding.hypothesis import Alternative, Hypothesis
from amanuensis.errors import ModelError
from amanuensis.language import NGramModel
from amanuensis.latex import TokenVocab
from amanuensis.recognition import (
    FormulaRecognizer,
    LineOptions,
    load_recognizer,
    read_math_config,
    write_config,
)
from amanuensis.recognition.formula_decoder import FormulaDecoder
from amanuensis.recognition.formula_recognizer import FormulaOptions
from amanuensis.recognition.formula_runtime import num_branches
from amanuensis.recognition.formula_spans import Grid, token_spans
from tiny_formula_model import says, step_graph, write_tiny_formula_model
from tiny_model import write_tiny_model

PICTURE = np.full((60, 90), 255, np.uint8)
PICTURE[20:40, 30:60] = 0

FIRST = [{"x": 0.6, "y": 0.4}, {"+": 0.9, "": 0.1}, {"x": 1.0}]
SECOND = [{"x": 0.2, "y": 0.8}, {"+": 0.9, "": 0.1}, {"x": 1.0}]


def read(folder, **options):
    [reading] = FormulaRecognizer.load(folder, **options).read(PICTURE)
    return reading


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A model of two branches that differ in the first token."""
    return write_tiny_formula_model(tmp_path / "two", FIRST, SECOND)


# branches


def test_a_branch_reads_or_all_of_them_on_average(two: Path) -> None:
    assert num_branches(two) == 2
    first, second, both = (read(two, branch=branch) for branch in (1, 2, "all"))
    assert read(two) == first
    assert first.tokens == ("x", "+", "x")
    assert second.tokens == both.tokens == ("y", "+", "x")
    assert [round(r.spans[0].confidence, 3) for r in (first, second, both)] == [0.6, 0.8, 0.6]


def test_only_an_ensemble_tells_where_its_members_disagree(two: Path) -> None:
    assert [span.disagreement for span in read(two, branch=1).spans] == [None] * 3
    doubts = [span.disagreement for span in read(two, branch="all").spans]
    assert doubts == pytest.approx([0.4, 0, 0], abs=1e-6)


def test_all_of_one_branch_is_that_branch(tmp_path: Path) -> None:
    one = write_tiny_formula_model(tmp_path / "one", FIRST)
    assert read(one, branch="all") == read(one)


def test_the_branch_of_the_config_reads(two: Path) -> None:
    write_config(two, replace(read_math_config(two), decoder=FormulaDecoder(branch=2)))
    assert read(two).tokens[0] == "y"
    assert read(two, branch=1).tokens[0] == "x"
    stored = json.loads((two / "config.json").read_text())
    del stored["decoder"]["branch"]  # as models were written before there was a choice
    (two / "config.json").write_text(json.dumps(stored))
    assert read(two).tokens[0] == "x"


@pytest.mark.parametrize("branch", [0, 3, -1, "both", True, 1.0])
def test_a_branch_that_is_not_there_is_told(two: Path, branch: object) -> None:
    with pytest.raises(ModelError, match=r"branch"):
        FormulaRecognizer.load(two, branch=branch)


def test_a_step_graph_of_another_network_is_told_by_name(two: Path) -> None:
    (two / "decoder-2.onnx").write_bytes(step_graph(FIRST, TokenVocab(["x", "+", "y"]), 3))
    assert read(two).tokens == ("x", "+", "x")
    with pytest.raises(ModelError, match=r"decoder-2.onnx: does not fit .* state.3 is missing"):
        FormulaRecognizer.load(two, branch="all")


def test_several_models_read_together(tmp_path: Path, two: Path) -> None:
    one, other = (
        write_tiny_formula_model(tmp_path / name, script, name=name)
        for name, script in (("a", FIRST), ("b", SECOND))
    )
    recognizer = load_recognizer([one, other])
    [reading] = recognizer.read([PICTURE])
    assert recognizer.config.name == "a+b"
    assert reading == read(two, branch="all")
    assert load_recognizer([one]).config.name == "a"


def test_models_that_do_not_belong_together_are_told(tmp_path: Path, two: Path) -> None:
    swapped = write_tiny_formula_model(tmp_path / "swapped", [{"x": 1}], vocab=TokenVocab(["x", "+"]))
    with pytest.raises(ModelError, match="same tokens"):
        FormulaRecognizer.load([two, swapped])
    half = write_tiny_formula_model(tmp_path / "half", FIRST)
    config = read_math_config(half)
    write_config(half, replace(config, image=replace(config.image, scale=0.5)))
    with pytest.raises(ModelError, match="prepare pictures"):
        FormulaRecognizer.load([two, half])
    with pytest.raises(ModelError, match="no model"):
        FormulaRecognizer.load([])


# language models


@pytest.fixture
def lm(tmp_path: Path) -> Path:
    """A language model that has seen `y + x` often, and `x` seldom at the beginning."""
    path = tmp_path / "formulas.lm"
    NGramModel.train([["y", "+", "x"]] * 8 + [["x"]], 2).save(path)
    return path


def test_a_language_model_turns_what_is_nearly_even(two: Path, lm: Path) -> None:
    assert read(two, language_model=lm, language_weight=0.5).tokens == ("y", "+", "x")
    assert read(two, language_model=lm, language_weight=0).tokens == ("x", "+", "x")
    assert read(two, language_model=lm, language_weight=0.01).tokens == ("x", "+", "x")


def test_the_confidence_stays_the_networks_own(two: Path, lm: Path) -> None:
    reading = read(two, language_model=lm, language_weight=0.5)
    assert reading.spans[0].confidence == pytest.approx(0.4, abs=1e-6)


def test_a_model_reads_with_its_own_language_model_if_that_weighs_something(two: Path, lm: Path) -> None:
    (two / "lm.bin").write_bytes(lm.read_bytes())
    assert read(two).tokens[0] == "x"
    write_config(two, replace(read_math_config(two), decoder=FormulaDecoder(language_weight=0.5)))
    assert read(two).tokens[0] == "y"
    assert read(two, language_model="none").tokens[0] == "x"
    assert read(two, language_weight=0).tokens[0] == "x"
    (two / "lm.bin").unlink()
    with pytest.raises(ModelError, match=r"weighs 0.5, but the model has no lm.bin"):
        read(two)
    assert read(two, language_model=lm).tokens[0] == "y"


def test_what_cannot_be_a_language_model_of_formulas_is_told(two: Path, tmp_path: Path, lm: Path) -> None:
    letters, words, foreign = (tmp_path / name for name in ("letters", "words", "foreign"))
    NGramModel.train(["x+y"], 2, unit="characters").save(letters)
    NGramModel.train([["a", "b"]], 2).save(foreign)
    words.write_text("x + y\n")
    cases = [
        ({"language_model": letters, "language_weight": 0.1}, "a language model of characters"),
        ({"language_model": foreign, "language_weight": 0.1}, "knows none of the tokens"),
        ({"language_model": words, "language_weight": 0.1}, "no n-gram language model"),
        ({"language_model": tmp_path / "gone", "language_weight": 0.1}, "gone: .* cannot be read"),
        ({"language_model": lm}, "how much is it to weigh"),
        ({"language_model": "none", "language_weight": 0.1}, "none is to be used"),
        ({"language_weight": 0.1}, "has no lm.bin"),
        ({"language_model": lm, "language_weight": float("nan")}, "language_weight"),
    ]
    for options, message in cases:
        with pytest.raises(ModelError, match=message):
            FormulaRecognizer.load(two, **options)


def test_one_loaded_model_reads_with_any_weight_and_beam(two: Path, lm: Path) -> None:
    loaded = FormulaRecognizer.load(two, language_model=lm, language_weight=0.5)
    without = loaded.searching(language_weight=0, beam=3)
    assert without.read(PICTURE)[0].tokens[0] == "x"
    assert loaded.read(PICTURE)[0].tokens[0] == "y"
    assert (without.config.decoder.beam, loaded.config.decoder.beam) == (3, 1)
    with pytest.raises(ModelError, match="no language model was loaded"):
        FormulaRecognizer.load(two).searching(language_weight=0.1)


@pytest.mark.parametrize(
    "options", [{"beam": 2}, {"branch": 1}, {"language_model": "none"}, {"language_weight": 0.1}]
)
def test_a_reader_of_lines_refuses_what_is_of_formulas(tmp_path: Path, options: dict[str, object]) -> None:
    lines = write_tiny_model(tmp_path / "lines")
    with pytest.raises(ModelError, match="tiny reads lines"):
        load_recognizer(lines, formula=FormulaOptions(**options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "best-path"}, "no decoder"),
        ({"language": "eng"}, "in no language"),
        ({"length_bonus": 0.1}, "a length bonus"),
        ({"change_margin": 0.1}, "a margin of changes"),
        ({"word_model": "w.lm", "word_weight": 0.1}, "only lines have words"),
    ],
)
def test_a_reader_of_formulas_refuses_what_is_of_lines(
    two: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        load_recognizer(two, lines=LineOptions(**options))


# mending


def test_a_formula_that_was_cut_is_balanced_in_text_and_tokens(tmp_path: Path) -> None:
    cut = write_tiny_formula_model(
        tmp_path / "cut", says("x", "^", "{", "y", "+", "x"), decoder=FormulaDecoder(max_length=4)
    )
    reading = read(cut)
    assert reading.tokens == ("x", "^", "{", "y", "}")
    assert reading.text == "x^{y}"
    brace = reading.spans[-1]
    assert (brace.confidence, brace.second) == (0, None)
    assert brace.start == brace.end == reading.spans[-2].end
    assert [round(span.confidence, 3) for span in reading.spans[:-1]] == [0.9] * 4


def test_what_mending_drops_has_no_span_and_the_rest_keeps_its_place(tmp_path: Path) -> None:
    reading = read(write_tiny_formula_model(tmp_path / "m", says("x", "}", "+", "y")))
    assert reading.tokens == ("x", "+", "y")
    assert reading.text == "x+y"
    first, second, third = (span.start for span in reading.spans)
    assert second - first == pytest.approx(2 * (third - second))  # the dropped token keeps its cell


def test_a_formula_of_nothing_but_a_fault_is_read_as_nothing(tmp_path: Path) -> None:
    reading = read(write_tiny_formula_model(tmp_path / "m", says("}")))
    assert (reading.tokens, reading.text) == ((), "")


def test_a_token_that_mending_puts_first_stands_at_the_left_edge(tmp_path: Path) -> None:
    reading = read(write_tiny_formula_model(tmp_path / "m", says("^", "{", "x", "}")))
    assert reading.tokens == ("{", "}", "^", "{", "x", "}")
    assert [span.start for span in reading.spans[:2]] == [0, 0]


def test_a_place_is_where_it_lies_in_the_source_whatever_its_size() -> None:
    grid = Grid(cell=16.0, origin=(100.0, 40.0))
    maps = np.zeros((1, 3, 4))
    maps[0, 1, 2] = 1.0
    alternative = Alternative(0, 0.1)
    found = Hypothesis((1,), 0, 0.0, 0.0, "end", (0.9,), 0.9, (alternative,), maps, None)
    [span] = token_spans(found, TokenVocab(["x"]), grid)
    assert (span.start, span.end, span.row) == (100 + 32, 100 + 48, 40 + 24)
    assert span.second is not None
    assert span.second.text == "<end>"

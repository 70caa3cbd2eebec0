"""Results of formulas against captions: every formula counts, k/n beside every ratio, two models compared in pairs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from amanuensis.errors import DataError
from amanuensis.evaluation import Outcome, Results, compare_formula_results, score_formula_results
from amanuensis.language import TextNormalization
from amanuensis.records import Sample

CAPTIONS = {"a": "x ^ { 2 }", "b": "\\frac { 1 } { 2 }", "c": "x + y = z", "d": "\\sum \\limits _ { i } i"}


def _samples() -> list[Sample]:
    return [Sample(key, b"", text, "test", "crohme-2014") for key, text in CAPTIONS.items()]  # type: ignore[arg-type]


def _results(read: dict[str, str], model: str = "m") -> Results:
    outcomes = tuple(Outcome(f"crohme-2014/{key}", text, 0.5) for key, text in read.items())
    seconds = {"crohme-2014": 2.0}
    return Results(model, "test", ("crohme-2014",), TextNormalization(), {"beam": 1}, seconds, outcomes)


def test_a_missing_formula_is_wrong_and_named() -> None:
    report = score_formula_results(
        _results({"a": CAPTIONS["a"], "b": CAPTIONS["b"], "c": "x + y"}), _samples()
    )
    told = report.to_dict()
    assert (told["n"], told["exprate"], told["exprate_2"]) == (4, 0.5, 0.75)
    assert told["counts"]["exprate"]["k"] == 2
    assert told["failed"] == [{"id": "crohme-2014/d", "reason": "not in the results"}]
    assert told["errors"]["total"] == 2
    assert told["by_length"] == {"1-10": 0.5, "11-20": None, "21-30": None, "31-40": None, "41+": None}
    assert told["seconds"] == 2.0
    assert told["confusions"]


def test_trees_forgive_what_tokens_do_not_and_limits_can_be_left_out() -> None:
    read = {**CAPTIONS, "a": "x ^ 2", "d": "\\sum _ { i } i"}
    report = score_formula_results(_results(read), _samples())
    assert report.to_dict()["exprate"] == 0.5
    assert report.to_dict()["exprate_tree"] == 1.0
    assert score_formula_results(_results(read), _samples(), limits=False).to_dict()["exprate"] == 0.75


def test_two_models_are_compared_formula_by_formula() -> None:
    one = score_formula_results(_results(CAPTIONS), _samples())
    other = score_formula_results(_results({"a": CAPTIONS["a"]}), _samples())
    test = compare_formula_results(one, other)
    assert (test.both, test.b, test.c, test.neither) == (1, 3, 0, 0)
    assert test.p_value == pytest.approx(0.25)


def test_results_of_other_formulas_are_refused() -> None:
    with pytest.raises(DataError, match="none of the results"):
        score_formula_results(_results({"other": "x"}), _samples())


def test_captions_of_ordinary_latex_are_compared_token_by_token() -> None:
    samples = _samples()
    latex = {"a": "x^2", "b": r"\frac{1}{2}", "c": r"{x}^{2}_{1} \le y", "d": r"\hat{x}"}
    typed = [replace(sample, text=latex[sample.id]) for sample in samples]
    read = {**CAPTIONS, "c": r"x _ { 1 } ^ { 2 } \leq y", "d": "x"}
    report = score_formula_results(_results(read), typed)
    assert report.right == {
        "crohme-2014/a": True, "crohme-2014/b": True, "crohme-2014/c": True, "crohme-2014/d": False,
    }  # fmt: skip
    [failed] = report.failed
    assert failed.sample.key == "crohme-2014/d"
    assert "what a caption can say" in str(failed.error)

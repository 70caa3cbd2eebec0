import json
import math
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from amanuensis.errors import DataError
from amanuensis.metrics.expressions import (
    LENGTHS,
    STRUCTURE_TOKENS,
    ErrorClasses,
    FormulaPair,
    FormulaScores,
    Proportion,
    TokenEdits,
    aligned_tokens,
    proportion_interval,
    score_formula,
    score_formulas,
    token_confusions,
)

tokens = st.lists(st.sampled_from(["x", "2", "^", "{", "}", "\\limits"]), max_size=6).map(tuple)
pairs_of_tokens = st.builds(FormulaPair, tokens.filter(bool), st.one_of(st.none(), tokens))


def pair(reference, hypothesis):
    return FormulaPair(tuple(reference.split()), None if hypothesis is None else tuple(hypothesis.split()))


def differing_symbols(reference, hypothesis):
    """Stands in for a comparison of layout trees: symbols by position, whatever their structure."""
    a, b = ([t for t in side if t not in STRUCTURE_TOKENS] for side in (reference, hypothesis))
    return sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))


# Seven formulas whose figures were worked out by hand:       distance: S D I     class
HAND_MADE = [
    pair("x ^ { 2 } + 1", "x ^ { 2 } + 1"),  #                  0                 -
    pair("x ^ { 2 }", "x _ { 2 }"),  #                          1: 1 0 0          str
    pair("a + b", "a + 6"),  #                                  1: 1 0 0          sub
    pair("\\frac { a } { b }", "\\frac { a } { }"),  #          1: 0 1 0          del
    pair("1 2", "1 2 2 2"),  #                                  2: 0 0 2          ins
    pair("a b c", None),  #                                     3: 0 3 0          del
    pair("x _ { i } = y", "x i = y"),  #                        3: 0 3 0          str
]


def test_hand_made_figures():
    scores = score_formulas(HAND_MADE, tree_errors=differing_symbols)
    assert (scores.n, scores.missing) == (7, 1)
    rates = scores.by_token
    assert (rates.exprate, rates.exprate_1, rates.exprate_2) == (
        Proportion(1, 7),
        Proportion(4, 7),
        Proportion(5, 7),
    )
    assert scores.token_edits == TokenEdits(
        substitutions=2, deletions=7, insertions=2, length=7 + 5 + 3 + 7 + 2 + 3 + 7
    )
    assert scores.wer == pytest.approx(11 / 34)
    assert scores.classes == ErrorClasses(deletion=2, insertion=1, structure=2, substitution=1)
    assert (scores.classes.parsing, scores.classes.total) == (5, 6)
    trees = scores.by_tree
    assert (trees.exprate.k, trees.exprate_1.k, trees.exprate_2.k) == (3, 5, 6)


def test_a_missing_output_is_wrong_with_every_token_deleted():
    for nothing in (None, ()):
        scores = score_formula(FormulaPair(("x", "^", "{", "2", "}"), nothing))
        assert scores.exprate == Proportion(0, 1)
        assert scores.token_edits == TokenEdits(deletions=5, length=5)
        assert scores.classes == ErrorClasses(deletion=1)
        assert scores.missing == 1


def test_rates_are_of_corpus_counts_not_averages_of_formulas():
    scores = score_formulas([pair("a", "b"), pair("a b c d e f g h i", "a b c d e f g h i")])
    assert scores.wer == pytest.approx(1 / 10)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("x ^ { 2 }", "x 2", ErrorClasses(structure=1)),
        ("\\sum \\limits _ { i } i", "\\sum _ { i } i", ErrorClasses(structure=1)),
        # Structure is wrong, but so is a symbol: the symbols decide.
        ("x ^ { 2 }", "z 2", ErrorClasses(substitution=1)),
        ("x ^ { 2 }", "x", ErrorClasses(deletion=1)),
        ("x 2", "x ^ { 2 } y", ErrorClasses(insertion=1)),
        # As many deleted as inserted: mixed, so substitution.
        ("a b c", "b c a", ErrorClasses(substitution=1)),
        ("a b c d", "c d e", ErrorClasses(deletion=1)),
    ],
)
def test_each_failing_formula_has_one_class(reference, hypothesis, expected):
    assert score_formula(pair(reference, hypothesis)).classes == expected


def test_labels_name_everything_that_is_wrong():
    scores = score_formula(pair("x ^ { 2 } + 1", "z 2 +"))
    assert scores.labels == ErrorClasses(deletion=1, structure=1, substitution=1)
    assert scores.symbol_edits == TokenEdits(substitutions=1, deletions=1, length=4)
    assert score_formula(pair("x ^ { 2 }", "x ^ { 3 }")).labels == ErrorClasses(substitution=1)


def best_alignment(reference, hypothesis):
    """All alignments are tried; of the cheapest, the one with the earliest substitution, then deletion."""

    @lru_cache(None)
    def best(i, j):
        options = [(0, (), ())] if i == len(reference) and j == len(hypothesis) else []
        for order, (di, dj) in enumerate([(1, 1), (1, 0), (0, 1)]):
            if i + di <= len(reference) and j + dj <= len(hypothesis):
                pair = (reference[i] if di else "", hypothesis[j] if dj else "")
                cost, orders, pairs = best(i + di, j + dj)
                options.append((cost + (pair[0] != pair[1]), (order, *orders), (pair, *pairs)))
        return min(options)

    return list(best(0, 0)[2])


@given(tokens, tokens)
def test_alignments_are_the_best_of_all(reference, hypothesis):
    assert aligned_tokens(reference, hypothesis) == best_alignment(reference, hypothesis)


def test_ties_go_to_substitution():
    assert aligned_tokens("ab", "ba") == [("a", "b"), ("b", "a")]
    assert aligned_tokens("ab", "c") == [("a", "c"), ("b", "")]
    assert aligned_tokens("a", "bc") == [("a", "b"), ("", "c")]
    assert aligned_tokens("", "") == []


@given(
    st.lists(pairs_of_tokens, max_size=6),
    st.integers(0, 6),
    st.sampled_from(["tokens", "symbols", "tokens+eos"]),
)
def test_corpora_add_and_are_consistent(pairs, cut, unit):
    for limits in (True, False):
        rules = {"tree_errors": differing_symbols, "limits": limits, "length_unit": unit}
        total = score_formulas(pairs, **rules)
        assert score_formulas(pairs[:cut], **rules) + score_formulas(pairs[cut:], **rules) == total
        assert total.n == len(pairs)
        assert total.classes.total == total.n - total.exprate.k
        assert sum(token_confusions(pairs, limits=limits).values()) == total.token_edits.edits


@given(pairs_of_tokens)
def test_edits_are_levenshtein_distances_and_symbols_never_differ_more_than_tokens(one):
    scores = score_formula(one)
    reference, hypothesis = one.reference, one.hypothesis or ()
    assert scores.token_edits.edits == Levenshtein.distance(reference, hypothesis)
    assert scores.exprate.k == (reference == hypothesis)
    edits = scores.token_edits
    assert edits.deletions - edits.insertions == len(reference) - len(hypothesis)
    assert scores.symbol_edits.edits <= edits.edits


def test_limits_can_be_left_out_of_both_sides():
    pairs = [
        pair("\\sum \\limits _ { i } i", "\\sum _ { i } i"),
        pair("\\sum _ { i } i", "\\sum \\limits _ { i } i"),
    ]
    assert score_formulas(pairs).exprate == Proportion(0, 2)
    without = score_formulas(pairs, limits=False)
    assert without.exprate == Proportion(2, 2)
    assert without.token_edits.length == 12
    seen = []
    score_formulas(pairs, limits=False, tree_errors=lambda *sides: seen.append(sides) or 0)
    assert all("\\limits" not in side for sides in seen for side in sides)


def test_lengths_fall_into_the_buckets_of_table_7():
    lengths = (1, 10, 11, 20, 21, 30, 31, 40, 41, 204)
    scores = score_formulas([FormulaPair(("x",) * n, ("x",) * (n - n % 2)) for n in lengths])
    assert scores.by_length == (Proportion(1, 2),) * 5
    assert scores.empty_lengths == ()


def test_the_unit_of_length_decides_the_bucket():
    caption = ("x", "^", "{", *"222222", "}")  # 10 tokens, 7 symbols
    for unit, length, bucket in [("tokens", 10, 0), ("tokens", 11, 1), ("tokens+eos", 10, 1)]:
        reference = (*caption, "y")[:length]
        assert score_formula(FormulaPair(reference, ()), length_unit=unit).by_length[bucket].n == 1
    assert score_formula(FormulaPair((*caption, *"yyy"), ()), length_unit="symbols").by_length[0].n == 1
    assert score_formula(FormulaPair(("{", "}"), ()), length_unit="symbols").by_length[0] == Proportion(1, 1)


def test_an_empty_bucket_is_unknown_rather_than_right():
    scores = score_formulas([pair("x", "x")])
    assert scores.empty_lengths == LENGTHS[1:]
    report = scores.to_dict()
    assert report["wrong_by_length"]["41+"] == {"k": 0, "n": 0, "ratio": None, "interval": None}
    assert report["wrong_by_length"]["1-10"]["ratio"] == 0.0


def test_no_formulas_have_no_rate():
    nothing = score_formulas([], tree_errors=differing_symbols)
    assert (nothing.n, nothing.exprate.ratio, nothing.by_tree.exprate.ratio, nothing.wer) == (
        0,
        None,
        None,
        0.0,
    )
    json.dumps(nothing.to_dict(), allow_nan=False)


def test_every_percentage_comes_with_its_counts():
    report = json.loads(json.dumps(score_formulas(HAND_MADE, tree_errors=differing_symbols).to_dict()))
    for name in ("exprate", "exprate_1", "exprate_2", "exprate_tree", "exprate_tree_1", "exprate_tree_2"):
        low, high = report[name]["interval"]
        assert report[name]["ratio"] == report[name]["k"] / report[name]["n"]
        assert low < report[name]["ratio"] < high
    assert (report["wer"]["k"], report["wer"]["n"]) == (11, 34)
    assert report["error_classes"] == {"del": 2, "ins": 1, "str": 2, "parsing": 5, "sub": 1, "total": 6}
    assert "exprate_tree" not in score_formulas(HAND_MADE).to_dict()


def test_scores_that_were_made_differently_do_not_add():
    scores = score_formulas(HAND_MADE)
    for rules in ({"limits": False}, {"length_unit": "symbols"}, {"tree_errors": differing_symbols}):
        with pytest.raises(DataError, match="cannot be added"):
            scores + score_formulas(HAND_MADE, **rules)


def test_a_formula_without_a_caption_is_refused():
    with pytest.raises(DataError, match="without a caption"):
        score_formulas([pair("x", "x"), FormulaPair((), ("y",))])


def test_impossible_scores_are_found():
    right = score_formula(pair("x", "x"))
    with pytest.raises(AssertionError, match="classes do not add up"):
        FormulaScores(by_token=right.by_token, by_length=right.by_length, classes=ErrorClasses(deletion=1))
    with pytest.raises(AssertionError, match="lengths do not add up"):
        FormulaScores(by_token=right.by_token)
    with pytest.raises(AssertionError, match="no proportion"):
        Proportion(8, 7)


def test_confusions_name_both_sides_and_the_missing_ones():
    pairs = [pair("z ^ { 2 }", "2 ^ { 2 }"), pair("z + 1", "2 +"), pair("a", "a \\cdot"), pair("b", None)]
    assert token_confusions(pairs) == {("z", "2"): 2, ("1", ""): 1, ("", "\\cdot"): 1, ("b", ""): 1}


def test_intervals_of_proportions_solve_the_score_equation():
    z = 1.959963984540054
    for k, n in [(566, 986), (1, 7), (6, 7), (3, 1199)]:
        for bound in proportion_interval(k, n):
            assert abs(k / n - bound) == pytest.approx(z * math.sqrt(bound * (1 - bound) / n))
    assert proportion_interval(0, 10) == (0.0, pytest.approx(0.2775, abs=1e-4))
    assert proportion_interval(10, 10) == (pytest.approx(0.7225, abs=1e-4), 1.0)
    assert proportion_interval(0, 0) is None


def test_intervals_of_proportions_hold_the_truth_about_as_often_as_they_say():
    n, covered = 60, []
    intervals = [proportion_interval(k, n, level=0.9) for k in range(n + 1)]
    for p in (i / 100 for i in range(5, 96)):
        chances = (math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1))
        covered.append(sum(c for c, (low, high) in zip(chances, intervals, strict=True) if low <= p <= high))
    assert sum(covered) / len(covered) == pytest.approx(0.9, abs=0.01)
    assert min(covered) > 0.83

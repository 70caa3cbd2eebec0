import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanuensis.metrics import Claims, EditCounts, LogOddsMap, fit_log_odds, map_all

PROBABILITY = st.floats(0, 1)


def claims(confidences, edits, lengths=None):
    lengths = lengths or [1] * len(edits)
    return Claims.of(list(confidences), [EditCounts(e, n) for e, n in zip(edits, lengths, strict=True)])


def log_odds(p):
    return math.log(p / (1 - p))


@given(PROBABILITY, PROBABILITY, st.floats(0, 50), st.floats(-900, 900))
def test_a_map_stays_in_range_and_keeps_the_order(a, b, slope, shift):
    told = LogOddsMap(slope, shift)
    low, high = sorted((a, b))
    assert 0 <= told(low) <= told(high) <= 1


def test_a_map_is_a_line_in_log_odds_and_the_first_one_changes_nothing():
    assert log_odds(LogOddsMap(2.0, -1.0)(0.7)) == pytest.approx(2 * log_odds(0.7) - 1)
    assert [LogOddsMap()(p) for p in (0.0, 1e-9, 0.3, 1.0)] == [0.0, 1e-9, 0.3, 1.0]


def test_the_fit_finds_the_map_that_made_the_truth():
    rng = np.random.default_rng(0)
    confidences = rng.uniform(0.01, 0.99, 40_000)
    truth = LogOddsMap(0.6, -0.8)
    wrong = [int(draw > truth(c)) for draw, c in zip(rng.random(40_000), confidences, strict=True)]
    fitted = fit_log_odds(claims(confidences, wrong))
    assert fitted.slope == pytest.approx(0.6, abs=0.03)
    assert fitted.shift == pytest.approx(-0.8, abs=0.05)


def test_no_other_map_explains_the_truth_better():
    rng = np.random.default_rng(3)
    told = claims(rng.uniform(0.02, 0.98, 300), rng.integers(0, 4, 300).tolist(), [5] * 300)

    def loss(slope, shift):
        chance = np.array([LogOddsMap(slope, shift)(c) for c in told.confidences])
        likelihood = told.right @ np.log(chance) + (told.lengths - told.right) @ np.log(1 - chance)
        return -likelihood + ((slope - 1) ** 2 + shift**2) / 2

    fitted = fit_log_odds(told)
    best = loss(fitted.slope, fitted.shift)
    around = [(1e-2, 0), (-1e-2, 0), (0, 1e-2), (0, -1e-2), (1e-2, 1e-2), (-1e-2, -1e-2)]
    assert all(loss(fitted.slope + a, fitted.shift + b) > best for a, b in around if fitted.slope + a >= 0)


def test_a_lines_length_counts_as_so_many_trials():
    long = fit_log_odds(claims([0.8], [50], [100]))
    many = fit_log_odds(claims([0.8] * 100, [1] * 50 + [0] * 50))
    assert (long.slope, long.shift) == (pytest.approx(many.slope), pytest.approx(many.shift))
    assert long(0.8) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("wrong", [0, 1])
def test_all_right_or_all_wrong_stays_finite(wrong):
    fitted = fit_log_odds(claims([0.0, 0.5, 1.0] * 100, [wrong] * 300))
    assert 0 < fitted(0.5) < 1
    assert (fitted(0.5) > 0.9) == (wrong == 0)


def test_confidences_that_mislead_become_one_for_all():
    fitted = fit_log_odds(claims([0.9] * 100 + [0.1] * 100, [1] * 100 + [0] * 100))
    assert fitted.slope == 0
    assert fitted(0.9) == fitted(0.1) == pytest.approx(0.5)


def test_nothing_to_fit_changes_nothing():
    assert fit_log_odds(claims([], [])) == LogOddsMap()


@pytest.mark.parametrize(("slope", "shift"), [(-0.1, 0), (math.nan, 0), (1, math.inf), ("1", 0), (True, 0)])
def test_impossible_maps(slope, shift):
    with pytest.raises(ValueError, match="confidence map"):
        LogOddsMap(slope, shift)


def judged_claims(num, truth, seed=0):
    """Words with confidences and what a language model says, right as often as a map tells."""
    rng = np.random.default_rng(seed)
    confidences = rng.uniform(0.02, 0.98, num).tolist()
    lengths = rng.integers(1, 10, num).tolist()
    judged = [(float(-length * rng.uniform(0.5, 4)), length) for length in lengths]
    chances = [truth(c, said) for c, said in zip(confidences, judged, strict=True)]
    counts = [
        EditCounts(int(draw > chance), 1) for draw, chance in zip(rng.random(num), chances, strict=True)
    ]
    return Claims.of(confidences, counts, judged), np.array(chances)


def test_what_a_language_model_says_counts_as_much_as_it_tells():
    truth = LogOddsMap(0.5, 1.0, 0.3, 0.6)
    claims_of_words, chances = judged_claims(20_000, truth)
    fitted = fit_log_odds(claims_of_words)
    found, expected = (fitted.slope, fitted.language, fitted.length), (0.5, 0.3, 0.6)
    assert found == pytest.approx(expected, abs=0.05)
    assert np.abs(map_all(claims_of_words, fitted) - chances).mean() < 0.01
    # A likelier word is surer; without a language model this map can say nothing.
    assert fitted(0.5, (-3.0, 4)) > fitted(0.5, (-6.0, 4))
    with pytest.raises(ValueError, match="none has judged"):
        fitted(0.5)


def test_few_claims_lean_and_many_do_not():
    truth, other = LogOddsMap(0.5, 1.0, 0.3, 0.6), LogOddsMap(1.0, -3.0, 0.1, 0.1)
    moved = []
    for num in (30, 20_000):
        seen, _ = judged_claims(num, truth)
        alone, leaning = fit_log_odds(seen), fit_log_odds(seen.leaning(map_all(seen, other), 100))
        gaps = [np.abs(map_all(seen, one) - map_all(seen, other)).mean() for one in (alone, leaning)]
        moved.append(1 - gaps[1] / gaps[0])
    assert moved[0] > 0.4
    assert 0 <= moved[1] < 0.05


def test_leaning_adds_nothing_where_it_agrees_and_some_claims_stay_some():
    seen, chances = judged_claims(500, LogOddsMap(0.5, 1.0, 0.3, 0.6))
    more = seen.leaning(chances, 250)
    assert more.lengths.sum() == pytest.approx(750)
    assert more.right.sum() == pytest.approx(seen.right.sum() + 250 * chances.mean())
    assert len(more[np.arange(3)].judged) == 3
    empty = Claims.of([], [])
    assert len(empty.leaning(np.empty(0), 100)) == 0


@pytest.mark.parametrize("fitted", [LogOddsMap(0.5, 1.0), LogOddsMap(0.5, 1.0, 0.3, 0.6)])
def test_a_map_is_stored_without_what_it_does_not_ask(fitted):
    assert LogOddsMap(**fitted.to_dict()) == fitted
    assert ("language" in fitted.to_dict()) == bool(fitted.language)


def test_judgements_are_one_each():
    with pytest.raises(ValueError, match="not one each"):
        Claims.of([0.5, 0.5], [EditCounts(0, 1)] * 2, [(-1.0, 2)])

from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanuensis.metrics import HarmCounts, count_harm, word_edits

TEXTS = st.text("ab ", max_size=12)


@pytest.mark.parametrize(
    ("reference", "before", "after", "expected"),
    [
        ("the old mill", "the old mil", "the old mill", HarmCounts(3, 2, 0, 1)),
        ("ye olde mill", "ye olde mil", "the old mill", HarmCounts(3, 2, 2, 1)),
        ("the mill", "the mill", "the mill", HarmCounts(2, 2, 0, 0)),
        ("the mill", "", "the mill", HarmCounts(2, 0, 0, 2)),
        ("the mill", "the mill", "", HarmCounts(2, 2, 2, 0)),
        ("", "invented", "also invented", HarmCounts(0, 0, 0, 0)),
        # A word set free of its neighbor is rescued; the places of other words do not matter.
        ("a mill by the sea", "amill by the sea", "a mill by the sea", HarmCounts(5, 3, 0, 2)),
        ("one two three", "x one two three", "one two three", HarmCounts(3, 3, 0, 0)),
    ],
)
def test_words_are_followed_through_a_change(reference, before, after, expected):
    assert count_harm(reference, before, after) == expected


def test_what_a_word_is_may_be_chosen():
    assert count_harm("sea, mill", "sea mill", "sea; mill", tokenizer="punctuation") == HarmCounts(3, 2, 0, 0)
    assert count_harm("sea, mill", "sea mill", "sea, mill").rescued == 1


def test_rates_are_of_sums_and_of_nothing_are_zero():
    total = reduce(add, [HarmCounts(10, 8, 1, 0), HarmCounts(90, 12, 0, 4)], HarmCounts())
    assert (total.harm_rate, total.rescue_rate) == (1 / 20, 4 / 80)
    assert (HarmCounts().harm_rate, HarmCounts().rescue_rate) == (0, 0)


@given(TEXTS, TEXTS, TEXTS)
def test_counts_agree_with_each_other_and_are_mirrored(reference, before, after):
    there, back = count_harm(reference, before, after), count_harm(reference, after, before)
    assert (there.harmed, there.rescued) == (back.rescued, back.harmed)
    assert there.right - there.harmed + there.rescued == back.right
    assert there.right >= there.words - word_edits(reference, before).edits
    unchanged = count_harm(reference, before, before)
    assert (unchanged.harmed, unchanged.rescued) == (0, 0)


@pytest.mark.parametrize(("right", "rate"), [(200, 0.01), (2000, 0.005), (2000, 0.02)])
def test_a_bound_of_harm_is_seldom_too_low(right, rate):
    seen = np.random.default_rng(0).binomial(right, rate, 4000)
    above = np.mean([HarmCounts(right, right, int(harmed), 0).harm_bound() >= rate for harmed in seen])
    assert above >= 0.93


def test_a_bound_of_harm_shrinks_with_words_and_is_never_nothing():
    assert HarmCounts(10, 0, 0, 0).harm_bound() == 1
    assert HarmCounts(3, 3, 3, 0).harm_bound() == 1
    few, many = (HarmCounts(n, n, n // 200, 0).harm_bound() for n in (200, 2000))
    assert 0.005 < many < few < 0.03
    assert 0 < HarmCounts(1000, 1000, 0, 0).harm_bound() < 0.003
    assert HarmCounts(200, 200, 1, 0).harm_bound(0.8) < few

import itertools

import numpy as np
import pytest

from amanuensis.errors import DataError
from amanuensis.metrics import EditCounts, bootstrap_interval
from amanuensis.metrics import paired as paired_module
from amanuensis.metrics.paired import McNemar, mcnemar, paired_bootstrap, sign_test


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (0, 1), (1, 1), (2, 5), (5, 2), (0, 8), (4, 4), (3, 9)])
def test_p_values_against_every_throw_of_the_coins(b, c):
    throws = list(itertools.product((0, 1), repeat=b + c))
    as_uneven = sum(abs(2 * sum(throw) - b - c) >= abs(b - c) for throw in throws)
    assert sign_test(b, c) == as_uneven / len(throws)


def test_many_disagreements_neither_overflow_nor_lose_precision():
    assert sign_test(0, 2000) == 0.0
    assert sign_test(0, 1000) == 2 * 0.5**1000
    assert sign_test(3000, 3000) == 1.0
    # The normal approximation with its correction is close where there are many.
    assert sign_test(4900, 5100) == pytest.approx(0.0466, abs=2e-4)


def test_outcomes_are_matched_by_id_whatever_their_order():
    first = {"a": True, "b": True, "c": False, "d": False, "e": True}
    second = dict(reversed({"a": True, "b": False, "c": True, "d": False, "e": False}.items()))
    result = mcnemar(first, second)
    assert result == McNemar(both=1, b=2, c=1, neither=1, p_value=1.0)
    assert result.n == 5
    mirrored = mcnemar(second, first)
    assert (mirrored.b, mirrored.c, mirrored.p_value) == (1, 2, 1.0)
    assert mcnemar({}, {}) == McNemar(0, 0, 0, 0, 1.0)


def test_samples_that_one_system_lacks_are_named():
    with pytest.raises(DataError, match="the first lacks z; the second lacks x, y"):
        mcnemar({"x": True, "y": True, "both": True}, {"z": True, "both": False})
    many = {f"id{i}": True for i in range(8)}
    with pytest.raises(DataError, match="lacks id0, id1, id2, id3, id4 and 3 more"):
        mcnemar(many, {})


def test_the_test_rejects_equal_systems_no_more_often_than_it_says():
    rng = np.random.default_rng(0)
    p_values = [sign_test(b, 40 - b) for b in rng.binomial(40, 0.5, size=2000).tolist()]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05


def corpus(rates, seed, length=30):
    rng = np.random.default_rng(seed)
    return [EditCounts(int(rng.binomial(length, rate)), length) for rate in rates]


def test_against_every_possible_draw():
    first = [EditCounts(1, 10), EditCounts(1, 10), EditCounts(0, 20), EditCounts(9, 30)]
    second = [EditCounts(2, 10), EditCounts(0, 10), EditCounts(3, 20), EditCounts(7, 30)]
    pages = {"a": (2, 2, 20), "b": (0, 3, 20), "c": (9, 7, 30)}
    exact = []
    for draw in itertools.product(pages, repeat=3):
        a, b, length = (sum(pages[page][i] for page in draw) for i in range(3))
        exact.append((b - a) / length)
    found = paired_bootstrap(first, second, ["a", "a", "b", "c"], level=0.8, draws=20_000)
    assert found.difference == pytest.approx(1 / 70)
    assert found.interval == pytest.approx(tuple(np.quantile(exact, [0.1, 0.9])), abs=0.005)
    assert found.reversed_share == pytest.approx(np.mean([d <= 0 for d in exact]), abs=0.015)


def test_the_same_data_say_more_than_two_samples_would():
    rates = np.random.default_rng(1).uniform(0, 0.6, size=80)
    first, second = corpus(rates, 2), corpus(rates * 0.8, 3)
    groups = [str(i) for i in range(80)]
    found = paired_bootstrap(first, second, groups, draws=2000)
    low, high = found.interval
    assert low < found.difference < high < 0
    assert found.reversed_share < 0.01
    # Each by itself: the intervals overlap.
    assert bootstrap_interval(second, groups)[1] > bootstrap_interval(first, groups)[0]


def test_systems_change_places_with_the_sign():
    first, second = corpus([0.1] * 40, 4), corpus([0.13] * 40, 5)
    groups = [str(i // 2) for i in range(40)]
    there, back = (paired_bootstrap(*both, groups, draws=500) for both in ((first, second), (second, first)))
    assert there.difference == -back.difference > 0
    assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))
    assert there.reversed_share == back.reversed_share


def test_equal_systems_differ_by_nothing():
    counts = corpus([0.2] * 10, 6)
    found = paired_bootstrap(counts, counts, [str(i) for i in range(10)], draws=200)
    assert (found.difference, found.interval, found.reversed_share) == (0.0, (0.0, 0.0), 1.0)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    covered, groups = 0, [str(i) for i in range(50)]
    for seed in range(150):
        first, second = corpus([0.2] * 50, (seed, 0)), corpus([0.15] * 50, (seed, 1))
        low, high = paired_bootstrap(first, second, groups, level=0.9, draws=300, seed=seed).interval
        covered += low <= -0.05 <= high
    assert 0.82 <= covered / 150 <= 0.96


def test_the_seed_alone_decides_not_how_draws_are_cut_into_blocks(monkeypatch):
    first, second = corpus([0.1] * 30, 7), corpus([0.12] * 30, 8)
    groups = [str(i) for i in range(30)]
    found = paired_bootstrap(first, second, groups, draws=100)
    assert paired_bootstrap(first, second, groups, draws=100, seed=1) != found
    monkeypatch.setattr(paired_module, "_CELLS", 7 * 30)
    assert paired_bootstrap(first, second, groups, draws=100) == found


@pytest.mark.parametrize("groups", [[], ["a"], ["a", "a", "a"]])
def test_one_page_or_none_has_a_difference_but_no_interval(groups):
    n = len(groups)
    found = paired_bootstrap([EditCounts(1, 10)] * n, [EditCounts(2, 10)] * n, groups)
    assert found.difference == pytest.approx(0.1 if n else 0.0)
    assert found.interval is None
    assert found.reversed_share is None


def test_what_is_not_paired_is_refused():
    with pytest.raises(DataError, match="2 and 1 counts, 2 groups"):
        paired_bootstrap([EditCounts(1, 10)] * 2, [EditCounts(1, 10)], ["a", "b"])

import itertools

import numpy as np
import pytest

from amanuensis.metrics import EditCounts, bootstrap_interval


def test_against_every_possible_draw():
    # Three pages: all 27 equally likely draws can be listed.
    counts = [EditCounts(1, 10), EditCounts(1, 10), EditCounts(0, 20), EditCounts(9, 30)]
    pages = {"a": (2, 20), "b": (0, 20), "c": (9, 30)}
    rates = [
        sum(pages[p][0] for p in draw) / sum(pages[p][1] for p in draw)
        for draw in itertools.product(pages, repeat=3)
    ]
    found = bootstrap_interval(counts, ["a", "a", "b", "c"], level=0.8, draws=4000)
    assert found == pytest.approx(tuple(np.quantile(rates, [0.1, 0.9])), abs=0.01)


def test_lines_of_a_page_are_no_independent_evidence():
    rng = np.random.default_rng(0)
    counts, pages = [], []
    for page in range(20):
        rate = rng.uniform(0, 0.4)
        counts += [EditCounts(int(rng.binomial(40, rate)), 40) for _ in range(25)]
        pages += [f"page{page}"] * 25
    low, high = bootstrap_interval(counts, pages)
    line_low, line_high = bootstrap_interval(counts, [str(i) for i in range(len(counts))])
    assert high - low > 2 * (line_high - line_low)
    rate = sum(c.edits for c in counts) / sum(c.length for c in counts)
    assert low < line_low < rate < line_high < high


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        counts = [EditCounts(int(rng.binomial(30, 0.1)), 30) for _ in range(60)]
        low, high = bootstrap_interval(counts, [str(i) for i in range(60)], level=0.9, draws=300)
        covered += low <= 0.1 <= high
    assert 80 <= covered <= 97


def test_the_same_seed_gives_the_same_interval():
    counts = [EditCounts(i % 3, 10 + i * i % 17) for i in range(30)]
    groups = [str(i // 2) for i in range(30)]
    assert bootstrap_interval(counts, groups) == bootstrap_interval(counts, groups)
    assert bootstrap_interval(counts, groups, seed=1) != bootstrap_interval(counts, groups)


@pytest.mark.parametrize("groups", [[], ["a"], ["a", "a", "a"]])
def test_one_page_or_none_has_no_interval(groups):
    assert bootstrap_interval([EditCounts(1, 10)] * len(groups), groups) is None


def test_empty_references_keep_the_interval_finite():
    assert bootstrap_interval([EditCounts(0, 0), EditCounts(3, 0)], ["a", "b"]) == (0.0, 6.0)

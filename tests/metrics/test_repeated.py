"""Several trainings of one system: against brute force, and against the bootstrap of one training."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from amanuensis.errors import DataError
from amanuensis.metrics import (
    EditCounts,
    bootstrap_interval,
    repeated_difference,
    repeated_interval,
    repeated_rate,
)

PAGES = ["a", "a", "b"]
ONE = [EditCounts(1, 10), EditCounts(2, 10), EditCounts(0, 20)]
TWO = [EditCounts(4, 10), EditCounts(0, 10), EditCounts(2, 20)]


def test_the_rate_is_of_all_counts_together() -> None:
    assert repeated_rate([ONE, TWO]) == 9 / 80
    assert repeated_rate([[EditCounts()]]) == 0


def _all_draws() -> list[float]:
    """Every equally likely outcome of drawing two pages and two trainings, by hand."""
    pages = {"a": [0, 1], "b": [2]}
    rates = []
    for drawn in itertools.product(pages, repeat=2):
        for trainings in itertools.product([ONE, TWO], repeat=2):
            counts = [of[i] for of in trainings for page in drawn for i in pages[page]]
            rates.append(sum(c.edits for c in counts) / sum(c.length for c in counts))
    return rates


def test_the_interval_is_the_brute_force_one() -> None:
    low, high = np.quantile(_all_draws(), [0.1, 0.9], method="inverted_cdf")
    found = repeated_interval([ONE, TWO], PAGES, level=0.8, draws=20_000)
    assert found == pytest.approx((low, high))


def test_one_training_has_the_spread_of_pages_alone_and_two_have_more() -> None:
    rng = np.random.default_rng(1)
    pages = [str(i // 4) for i in range(200)]
    first = [EditCounts(int(n), 40) for n in rng.integers(0, 6, 200)]
    second = [EditCounts(c.edits + 2, 40) for c in first]
    alone, both = repeated_interval([first], pages), repeated_interval([first, second], pages)
    assert alone == pytest.approx(bootstrap_interval(first, pages, draws=5_000), abs=1e-3)
    assert both[1] - both[0] > 2 * (alone[1] - alone[0])


def test_pages_are_shared_by_both_systems_but_trainings_are_not() -> None:
    pages = [str(i) for i in range(30)]
    hard = [EditCounts(i, 100) for i in range(30)]
    better = [EditCounts(max(0, c.edits - 1), 100) for c in hard]
    paired = repeated_difference([hard], [better], pages)
    assert paired.difference == pytest.approx(-29 / 3000)
    assert paired.interval[1] < 0  # pages differ by far more than the systems
    assert paired.reversed_share == 0
    worse = [EditCounts(c.edits + 5, 100) for c in hard]
    unsure = repeated_difference([hard, worse], [better, worse], pages)
    assert unsure.interval[0] < 0 < unsure.interval[1]
    swapped = repeated_difference([better], [hard], pages)
    assert swapped.interval == pytest.approx((-paired.interval[1], -paired.interval[0]), abs=1e-9)


def test_one_page_has_no_interval_and_other_lines_are_refused() -> None:
    assert repeated_interval([ONE], ["a"] * 3) is None
    assert repeated_difference([ONE], [TWO], ["a"] * 3).interval is None
    with pytest.raises(DataError, match="3, 2 for 3"):
        repeated_interval([ONE, TWO[:2]], PAGES)
    with pytest.raises(DataError, match="none"):
        repeated_difference([ONE], [], PAGES)

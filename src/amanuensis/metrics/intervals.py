"""Confidence intervals of error rates: a bootstrap over groups of lines that stand or fall together.

Lines of one page share hand, ink and scan: taken one by one they would pretend to be more evidence than they
are. So whole pages (or whole writers) are drawn, not lines. The paper reports no intervals: our addition.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from amanuensis.metrics.edits import EditCounts


def bootstrap_interval(
    counts: Sequence[EditCounts],
    groups: Sequence[str],
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float] | None:
    """The percentile bootstrap interval of a corpus's error rate.

    Each draw takes as many groups as there are, with replacement, and is a ratio of summed counts.

    Args:
        counts: one per line.
        groups: the page (or writer) of each line; give every line a name of its own to draw lines.
        level: the share of draws inside, in (0, 1).
        draws: bootstrap samples.
        seed: same counts, groups and seed: same interval.

    Returns:
        (low, high) as ratios; None with fewer than two groups, which tell nothing about how groups differ.
    """
    names = {name: row for row, name in enumerate(dict.fromkeys(groups))}
    if len(names) < 2:
        return None
    table = np.zeros((len(names), 2))
    for count, group in zip(counts, groups, strict=True):
        table[names[group]] += count.edits, count.length
    rng = np.random.default_rng(seed)
    even = np.full(len(names), 1 / len(names))
    sums = np.stack([rng.multinomial(len(names), even) @ table for _ in range(draws)])
    rates = sums[:, 0] / np.maximum(1, sums[:, 1])
    low, high = np.quantile(rates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)

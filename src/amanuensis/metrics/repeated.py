"""A system that was trained several times, with different seeds: its error rate, and how sure that is.

One trained model says what that model is worth; several say what its recipe is. Each draw takes as many pages as there
are, with replacement, and of each system as many of its trainings as it has, with replacement: so an interval holds
both what another choice of pages and what another seed would have changed. With two or three trainings the second part
is drawn too small (by a half, by a third of its variance); with one it is nothing. The paper reports one figure a
system: our addition.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from amanuensis.errors import DataError
from amanuensis.metrics.edits import EditCounts
from amanuensis.metrics.paired import PairedDifference

Floats = npt.NDArray[np.float64]
Trainings = Sequence[Sequence[EditCounts]]
"""Of each training of a system its counts, one per line; all of the same lines in the same order."""

DRAWS = 5_000


def repeated_rate(trainings: Trainings) -> float:
    """The corpus error rate over all trainings together."""
    return sum((count for counts in trainings for count in counts), start=EditCounts()).rate


def repeated_interval(
    trainings: Trainings, groups: Sequence[str], *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> tuple[float, float] | None:
    """The percentile bootstrap interval of `repeated_rate` over pages and trainings.

    Args:
        trainings: at least one.
        groups: the page of each line.
        level: the share of draws inside, in (0, 1).
        draws: bootstrap samples.
        seed: same counts, groups and seed: same interval.

    Returns:
        (low, high) as ratios; None with fewer than two pages.

    Raises:
        DataError: the counts are not of the same lines.
    """
    table = _sums(trainings, groups)
    if table.shape[2] < 2:
        return None
    rng = np.random.default_rng(seed)
    rates = _drawn_rates(table, _draw(rng, table.shape[2], draws), rng)
    low, high = np.quantile(rates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def repeated_difference(
    first: Trainings,
    second: Trainings,
    groups: Sequence[str],
    *,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> PairedDifference:
    """The difference of two systems' error rates: the same pages for both, the trainings of each drawn apart.

    Args:
        first: the trainings of one system.
        second: those of the other, of the same lines; there may be more or fewer.
        groups: the page of each line.
        level: the share of draws inside, in (0, 1).
        draws: bootstrap samples.
        seed: same counts, groups and seed: same result.

    Returns:
        The second's rate less the first's.

    Raises:
        DataError: the counts are not of the same lines.
    """
    tables = _sums(first, groups), _sums(second, groups)
    observed = repeated_rate(second) - repeated_rate(first)
    num_groups = tables[0].shape[2]
    if num_groups < 2:
        return PairedDifference(observed, None, None)
    rng = np.random.default_rng(seed)
    pages = _draw(rng, num_groups, draws)
    before, after = (_drawn_rates(table, pages, rng) for table in tables)
    drawn = after - before
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return PairedDifference(
        observed, (float(low), float(high)), float(np.mean(drawn * np.sign(observed) <= 0))
    )


def _sums(trainings: Trainings, groups: Sequence[str]) -> Floats:
    """(2, S, G): edits and lengths of each training and page."""
    if not trainings or any(len(counts) != len(groups) for counts in trainings):
        sizes = ", ".join(str(len(counts)) for counts in trainings) or "none"
        raise DataError(f"trainings are compared on the same lines, not {sizes} for {len(groups)} of them")
    names = {name: column for column, name in enumerate(dict.fromkeys(groups))}
    table = np.zeros((2, len(trainings), len(names)))
    for row, counts in enumerate(trainings):
        for count, group in zip(counts, groups, strict=True):
            table[:, row, names[group]] += count.edits, count.length
    return table


def _draw(rng: np.random.Generator, size: int, draws: int) -> Floats:
    """(D, size): how often each of `size` things is drawn, `size` of them with replacement."""
    return rng.multinomial(size, np.full(size, 1 / size), size=draws).astype(np.float64)


def _drawn_rates(table: Floats, pages: Floats, rng: np.random.Generator) -> Floats:
    """(D,) rates of a system for drawn pages (D, G), its trainings drawn here."""
    chosen = _draw(rng, table.shape[1], len(pages))
    edits, lengths = (np.sum(chosen * (pages @ part.T), axis=1) for part in table)
    result: Floats = edits / np.maximum(1, lengths)
    return result

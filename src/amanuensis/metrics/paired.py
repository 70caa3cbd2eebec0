"""Is one system better than another, or was it luck: tests of two systems on the same data.

The gains of the paper's tables (CATNet: 0.3 to 2.1 points) are of the size of one standard error of a test
set with 986 formulas. Two systems that read the same formulas differ by less than two samples would, so what
counts is where they disagree. The paper tests nothing: our addition. Neither test knows of the spread between
training seeds; it says what these two trained models are worth, not what their recipes are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from amanuensis.errors import DataError
from amanuensis.metrics.edits import EditCounts

Floats = npt.NDArray[np.float64]

_NUM_NAMED = 5
_CELLS = 4_000_000  # of one block of draws: 32 MB


@dataclass(frozen=True, slots=True)
class McNemar:
    """Two systems' outcomes on the same samples, and the exact test of their difference.

    Attributes:
        both: samples that both have right.
        b: samples that only the first has right.
        c: samples that only the second has right.
        neither: samples that both have wrong.
        p_value: two-sided: how often two equally good systems would disagree at least as unevenly as b to c.
    """

    both: int
    b: int
    c: int
    neither: int
    p_value: float

    @property
    def n(self) -> int:
        """Samples."""
        return self.both + self.b + self.c + self.neither


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The difference of two systems' error rates on the same data.

    Attributes:
        difference: the second's rate less the first's; negative where the second makes fewer errors.
        interval: its percentile bootstrap interval (low, high); None with fewer than two groups.
        reversed_share: the share of draws without a difference of that sign, in [0, 1]; 1 where there is no
            difference to begin with. None with fewer than two groups.
    """

    difference: float
    interval: tuple[float, float] | None
    reversed_share: float | None


def mcnemar(first: Mapping[str, bool], second: Mapping[str, bool]) -> McNemar:
    """McNemar's test in its exact form (binomial, not chi-squared): is one of two systems right more often.

    Args:
        first: by sample id, whether the first system has it right.
        second: the same of the second system.

    Raises:
        DataError: a sample of one is missing from the other; it is named.
    """
    _check_ids(first, second)
    table = np.zeros((2, 2), dtype=np.int64)
    for key, right in first.items():
        table[int(bool(right)), int(bool(second[key]))] += 1
    b, c = int(table[1, 0]), int(table[0, 1])
    return McNemar(int(table[1, 1]), b, c, int(table[0, 0]), sign_test(b, c))


def sign_test(b: int, c: int) -> float:
    """The chance that b + c fair coins fall at least as unevenly as b to c (two-sided, exact; 1 without coins)."""
    coins = b + c
    ways = tail = 1
    for heads in range(min(b, c)):
        ways = ways * (coins - heads) // (heads + 1)
        tail += ways
    # Whole numbers until here: no rounding, however many coins. An even split is counted from both sides.
    return float(min(1.0, 2 * tail / 2**coins))


def paired_bootstrap(
    first: Sequence[EditCounts],
    second: Sequence[EditCounts],
    groups: Sequence[str],
    *,
    level: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
) -> PairedDifference:
    """The difference of two systems' corpus error rates, and how sure it is.

    Each draw takes as many groups as there are, with replacement, the same ones for both systems.

    Args:
        first: the first system's counts, one per sample.
        second: the second system's, of the same samples in the same order. Their lengths may differ: each
            system's own normalization spells the references.
        groups: the page (or writer) of each sample; give every one a name of its own to draw samples.
        level: the share of draws inside the interval, in (0, 1).
        draws: bootstrap samples.
        seed: same counts, groups and seed: same result.

    Raises:
        DataError: there are not as many counts of the one as of the other, or as groups.
    """
    if not len(first) == len(second) == len(groups):
        sizes = f"{len(first)} and {len(second)} counts, {len(groups)} groups"
        raise DataError(f"a paired comparison needs one of each per sample, not {sizes}")
    table = _group_sums(first, second, groups)
    observed = float(_differences(table.sum(axis=0, keepdims=True))[0])
    if len(table) < 2:
        return PairedDifference(observed, None, None)
    drawn = np.concatenate([_differences(sums) for sums in _resampled(table, draws=draws, seed=seed)])
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    reversed_share = float(np.mean(drawn * np.sign(observed) <= 0))
    return PairedDifference(observed, (float(low), float(high)), reversed_share)


def _check_ids(first: Mapping[str, bool], second: Mapping[str, bool]) -> None:
    lacking = {"first": second.keys() - first.keys(), "second": first.keys() - second.keys()}
    problems = [f"the {name} lacks {_listed(ids)}" for name, ids in lacking.items() if ids]
    if problems:
        raise DataError(f"two systems are compared on the same samples, but {'; '.join(problems)}")


def _listed(ids: set[str]) -> str:
    named = ", ".join(sorted(ids)[:_NUM_NAMED])
    return f"{named} and {len(ids) - _NUM_NAMED} more" if len(ids) > _NUM_NAMED else named


def _group_sums(first: Sequence[EditCounts], second: Sequence[EditCounts], groups: Sequence[str]) -> Floats:
    """(G, 4): of each group the edits and lengths of the first system, then of the second."""
    names = {name: row for row, name in enumerate(dict.fromkeys(groups))}
    table = np.zeros((len(names), 4))
    for one, other, group in zip(first, second, groups, strict=True):
        table[names[group]] += one.edits, one.length, other.edits, other.length
    return table


def _resampled(table: Floats, *, draws: int, seed: int) -> Iterator[Floats]:
    """(D', 4) sums of drawn groups, in blocks of draws that fit into memory; D' adds up to `draws`."""
    rng = np.random.default_rng(seed)
    num_groups = len(table)
    even = np.full(num_groups, 1 / num_groups)
    block = max(1, _CELLS // num_groups)
    for start in range(0, draws, block):
        yield rng.multinomial(num_groups, even, size=min(block, draws - start)) @ table


def _differences(sums: Floats) -> Floats:
    """(D, 4) sums to (D,) differences of rates, the second's less the first's."""
    rates = sums[:, 0::2] / np.maximum(1, sums[:, 1::2])
    result: Floats = rates[:, 1] - rates[:, 0]
    return result

"""Can confidences be believed: what was claimed against what was right, in bins of equal mass. Our addition.

A claim is a confidence and the counts that it is about. Of a character or a word it says how likely that is right;
of a line, which share of its characters is right (1 - CER).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from amanuensis.metrics.edits import EditCounts

NUM_BINS = 15
_DRAWS = 200


@dataclass(frozen=True, slots=True)
class Claims:
    """Confidences beside what became of them, arrays (N,).

    Attributes:
        confidences: in [0, 1].
        edits: what was wrong; of a character or word 0 or 1.
        lengths: what it is counted against; of a character or word 1.
        judged: what else speaks for a word, (N, 2): its log-probability by a language model, and how many characters
            that is of; (N, 0) where no language model read along.
    """

    confidences: NDArray[np.float64]
    edits: NDArray[np.float64]
    lengths: NDArray[np.float64]
    judged: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        confidences: Sequence[float],
        counts: Sequence[EditCounts],
        judged: Sequence[tuple[float, int]] = (),
    ) -> Claims:
        """From one confidence and its counts each, and what a language model says of each if one read along."""
        if len(confidences) != len(counts) or len(judged) not in (0, len(counts)):
            raise ValueError(
                f"{len(confidences)} confidences, {len(counts)} counts, {len(judged)} judgements: not one each"
            )
        return cls(
            np.array(confidences, np.float64),
            np.array([count.edits for count in counts], np.float64),
            np.array([max(1, count.length) for count in counts], np.float64),
            np.array(judged, np.float64) if judged else np.empty((len(counts), 0)),
        )

    @property
    def right(self) -> NDArray[np.float64]:
        """(N,): how much of each length was right, not below 0."""
        return np.maximum(0.0, self.lengths - self.edits)

    def __len__(self) -> int:
        return len(self.confidences)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Claims:
        """Some of the claims, by mask or by indices."""
        return Claims(self.confidences[chosen], self.edits[chosen], self.lengths[chosen], self.judged[chosen])

    def leaning(self, chances: NDArray[np.float64], num_claims: float) -> Claims:
        """As if so many claims more like these had been seen, right as often as chances (N,) tell."""
        more = num_claims / max(1.0, float(self.lengths.sum()))
        edits = self.edits + more * self.lengths * (1 - chances)
        return replace(self, edits=edits, lengths=self.lengths * (1 + more))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Claims of similar confidence.

    Attributes:
        n: how many.
        confidence: their mean confidence, each weighing as much as what it is counted against; in [0, 1].
        accuracy: what was right of all that; 1 - CER over lines, not below 0.
    """

    n: int
    confidence: float
    accuracy: float


def reliability(claims: Claims, *, num_bins: int = NUM_BINS) -> list[ReliabilityBin]:
    """Claims in bins of equal mass, from doubtful to sure; with fewer claims than bins, fewer bins."""
    order = np.argsort(claims.confidences, kind="stable")
    parts = np.array_split(order, num_bins)
    return [_bin_of(claims[part]) for part in parts if len(part)]


def calibration_error(bins: Sequence[ReliabilityBin]) -> float | None:
    """The mean distance between confidence and accuracy, weighted by claims (ECE); None without claims."""
    n = sum(b.n for b in bins)
    return sum(b.n * abs(b.confidence - b.accuracy) for b in bins) / n if n else None


def calibration_interval(
    claims: Claims, groups: Sequence[str], *, draws: int = _DRAWS, seed: int = 0
) -> tuple[float, float] | None:
    """The 95 % percentile bootstrap interval of the ECE, whole groups drawn.

    A draw repeats claims, so its own bins are noisier than those of the claims: the interval lies rather too high.

    Args:
        claims: of some lines.
        groups: the page of each claim.
        draws: bootstrap samples.
        seed: same claims, groups and seed: same interval.

    Returns:
        (low, high); None with fewer than two groups.
    """
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    if len(members) < 2:
        return None
    pages = [np.array(indices, np.intp) for indices in members.values()]
    rng = np.random.default_rng(seed)
    errors = []
    for _ in range(draws):
        drawn = np.concatenate([pages[i] for i in rng.integers(len(pages), size=len(pages))])
        errors.append(calibration_error(reliability(claims[drawn])) or 0.0)
    low, high = np.quantile(errors, [0.025, 0.975])
    return float(low), float(high)


def _bin_of(claims: Claims) -> ReliabilityBin:
    accuracy = 1 - claims.edits.sum() / claims.lengths.sum()
    mean = np.average(claims.confidences, weights=claims.lengths)
    return ReliabilityBin(len(claims), float(mean), max(0.0, float(accuracy)))

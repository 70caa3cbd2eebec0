"""Can confidences be believed: what was claimed for lines against what was right in them. Our addition.

A line's confidence is its path's probability to the power 1/length, a mean over symbols; so what it should
equal is the share of characters read rightly, 1 - CER.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amanuensis.metrics.edits import EditCounts


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Lines of similar confidence.

    Attributes:
        n: lines.
        confidence: their mean confidence, in [0, 1].
        accuracy: 1 - CER over them, not below 0.
    """

    n: int
    confidence: float
    accuracy: float


def reliability(
    confidences: Sequence[float], counts: Sequence[EditCounts], *, num_bins: int = 10
) -> list[ReliabilityBin]:
    """Lines in bins of equal width by confidence, from doubtful to sure; empty bins are left out.

    Args:
        confidences: one per line, in [0, 1].
        counts: the character edits of the same lines.
        num_bins: how many bins share [0, 1].
    """
    bins: dict[int, list[tuple[float, EditCounts]]] = {}
    for confidence, count in zip(confidences, counts, strict=True):
        bins.setdefault(min(int(confidence * num_bins), num_bins - 1), []).append((confidence, count))
    return [_bin_of(bins[number]) for number in sorted(bins)]


def calibration_error(bins: Sequence[ReliabilityBin]) -> float | None:
    """The mean distance between confidence and accuracy, weighted by lines (ECE); None without lines."""
    n = sum(b.n for b in bins)
    return sum(b.n * abs(b.confidence - b.accuracy) for b in bins) / n if n else None


def _bin_of(lines: Sequence[tuple[float, EditCounts]]) -> ReliabilityBin:
    counts = sum((count for _, count in lines), start=EditCounts())
    mean = sum(confidence for confidence, _ in lines) / len(lines)
    return ReliabilityBin(len(lines), mean, max(0.0, 1 - counts.rate))

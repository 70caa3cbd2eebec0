"""What readings claimed of their characters, words and lines, beside the truth. Our addition.

A character or a word is right if one optimal alignment with the reference keeps it; what was missed has no
confidence and so no claim, but counts in its line's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from amanuensis.evaluation.results import Outcome
from amanuensis.metrics import (
    Claims,
    EditCounts,
    ReliabilityBin,
    calibration_error,
    calibration_interval,
    character_edits,
    matched,
    reliability,
)

Level = Literal["characters", "words", "lines"]
LEVELS: tuple[Level, ...] = ("characters", "words", "lines")


@dataclass(frozen=True, slots=True)
class ClaimedLine:
    """One line that was read, to hold its confidences against the truth.

    Attributes:
        reference: what stands there, in the model's spelling.
        hypothesis: what was read, in the same.
        outcome: the same as the model wrote it, which the confidences belong to.
        page: what it was cut from.
    """

    reference: str
    hypothesis: str
    outcome: Outcome
    page: str

    def claims(self, level: Level) -> list[tuple[float, EditCounts]]:
        """Every confidence of that level and what became of it; none where the results did not keep them."""
        text, outcome = self.outcome.text, self.outcome
        if level == "lines":
            edits = character_edits(self.reference, self.hypothesis)
            return [] if outcome.confidence is None else [(outcome.confidence, edits)]
        if level == "characters":
            return _claims(outcome.characters, matched(self.reference, text))
        return _claims(outcome.words, matched(self.reference.split(), text.split()))

    @property
    def judgements(self) -> list[tuple[float, int]]:
        """What a language model says of every word, and its number of characters; none where none read along."""
        words = self.outcome.text.split()
        return [(said, len(word)) for said, word in zip(self.outcome.judged, words, strict=False)]


@dataclass(frozen=True, slots=True)
class PooledClaims:
    """The claims of one level over many lines, and the page of each."""

    claims: Claims
    pages: tuple[str, ...]

    @classmethod
    def of(cls, lines: Sequence[ClaimedLine], level: Level) -> PooledClaims:
        """All claims of the lines, in order."""
        told = [(claim, line.page) for line in lines for claim in line.claims(level)]
        confidences = [confidence for (confidence, _), _ in told]
        counts = [counts for (_, counts), _ in told]
        judged = [one for line in lines for one in line.judgements] if level == "words" else []
        # Lines that were read without a language model leave nothing to fit to.
        claims = Claims.of(confidences, counts, judged if len(judged) == len(counts) else ())
        return cls(claims, tuple(page for _, page in told))


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far claims and truth lie apart.

    Attributes:
        n: claims.
        error: the expected calibration error; None without claims.
        interval: its 95 % bootstrap interval over pages; None where there are fewer than two.
        bins: of equal mass, from doubtful to sure.
    """

    n: int
    error: float | None
    interval: tuple[float, float] | None
    bins: tuple[ReliabilityBin, ...]

    @classmethod
    def of(cls, pooled: PooledClaims) -> Reliability:
        """From the claims of one level."""
        bins = tuple(reliability(pooled.claims))
        interval = calibration_interval(pooled.claims, pooled.pages)
        return cls(len(pooled.claims), calibration_error(bins), interval, bins)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "n": self.n,
            "ece": self.error,
            "ece_interval": self.interval,
            "bins": [
                {"n": b.n, "confidence": round(b.confidence, 5), "right": round(b.accuracy, 5)}
                for b in self.bins
            ],
        }


def reliability_by_level(lines: Sequence[ClaimedLine]) -> dict[Level, Reliability]:
    """Of characters, words and lines; levels of which nothing was claimed are left out."""
    found = {level: Reliability.of(PooledClaims.of(lines, level)) for level in LEVELS}
    return {level: told for level, told in found.items() if told.n}


def _claims(confidences: Sequence[float], right: Sequence[bool]) -> list[tuple[float, EditCounts]]:
    if not confidences:
        return []
    return [(c, EditCounts(int(not ok), 1)) for c, ok in zip(confidences, right, strict=True)]

"""What a corrector sees and says: a line with its neighbours, and replacements that it proposes (Algorithm 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from amanuensis.records import Alternative, Reading


@dataclass(frozen=True, slots=True)
class Segment:
    """One line and its context.

    Attributes:
        text: what was read.
        confidences: of each of its characters, in [0, 1].
        alternatives: other readings of the line, and by how much (a natural logarithm) each is less likely than `text`.
        before, after: what was read in the lines around it; () at the ends of a page.
    """

    text: str
    confidences: tuple[float, ...]
    alternatives: tuple[tuple[str, float], ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A replacement for a part of a segment's text.

    Attributes:
        start, end: what is replaced, `text[start:end]`.
        text: what takes its place.
        confidence: how likely the corrector holds it, in [0, 1].
    """

    start: int
    end: int
    text: str
    confidence: float


class Corrector(Protocol):
    """What proposes corrections: a lexicon, an edit tagger, T5."""

    def propose(self, segments: Sequence[Segment]) -> list[list[Proposal]]:
        """Proposals for each segment that do not overlap, in order; none where it finds no error."""


def segments_of(readings: Sequence[Reading], *, context: int) -> list[Segment]:
    """Readings of consecutive lines as segments, each with `context` lines around it.

    A reading without spans (made by hand, or of another tool) has its own confidence at every character.
    """
    texts = [reading.text for reading in readings]
    return [
        Segment(
            text=reading.text,
            confidences=_confidences(reading),
            alternatives=tuple((other.text, _odds(other, reading)) for other in reading.alternatives),
            before=tuple(texts[max(0, place - context) : place]),
            after=tuple(texts[place + 1 : place + 1 + context]),
        )
        for place, reading in enumerate(readings)
    ]


def _odds(other: Alternative, reading: Reading) -> float:
    """Confidences are probabilities to the power 1/length; never more than 0."""
    logs = [len(one.text) * math.log(max(one.confidence, 1e-9)) for one in (other, reading)]
    return min(0.0, logs[0] - logs[1])


def _confidences(reading: Reading) -> tuple[float, ...]:
    if "".join(reading.tokens) != reading.text:
        return (reading.confidence,) * len(reading.text)
    return tuple(span.confidence for span in reading.spans for _ in span.text)

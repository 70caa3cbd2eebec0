"""Gaps in place of words that are too doubtful to show. Our addition."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from amanuensis.errors import AmanuensisError, ModelError
from amanuensis.images import load_image
from amanuensis.recognition.config import TextConfig
from amanuensis.recognition.recognizer import Load
from amanuensis.recognition.words import is_space
from amanuensis.records import Reading, Span, WordSpan

GAP = "[…]"


class LineReader(Protocol):
    """What reads lines: a `Recognizer`, or one that corrects."""

    @property
    def config(self) -> TextConfig:
        """The model's."""

    def read(self, images: Any, /) -> list[Reading]:
        """See `Recognizer.read`."""

    def read_each(
        self, sources: Iterable[Any], /, *, load: Load = ...
    ) -> Iterator[Reading | AmanuensisError]:
        """See `Recognizer.read_each`."""


class GapMarkingReader:
    """Reads, then marks gaps; it stands wherever the reader inside it can.

    Attributes:
        reader: what reads.
        below: words of less confidence are not shown.
    """

    def __init__(self, reader: LineReader, below: float) -> None:
        """Put them together.

        Raises:
            ModelError: `below` is not in [0, 1].
        """
        check_threshold(below)
        self.reader = reader
        self.below = below

    @property
    def config(self) -> TextConfig:
        """The model's."""
        return self.reader.config

    def read(self, images: Any) -> list[Reading]:
        """As `Recognizer.read`."""
        return [with_gaps(reading, self.below) for reading in self.reader.read(images)]

    def read_each(
        self, sources: Iterable[Any], *, load: Load = load_image
    ) -> Iterator[Reading | AmanuensisError]:
        """As `Recognizer.read_each`."""
        for result in self.reader.read_each(sources, load=load):
            yield with_gaps(result, self.below) if isinstance(result, Reading) else result


def with_gaps(reading: Reading, below: float) -> Reading:
    """The reading of a line with a mark in place of words that are too doubtful; neighbours share one.

    What was read stays in the gap's `read`. The line's own confidence stays what it was: it is about all that was
    read.

    Args:
        reading: of a line, with its words.
        below: words of less confidence are not shown; 0 shows all.

    Raises:
        ModelError: `below` is not in [0, 1].
    """
    check_threshold(below)
    if not reading.words:
        return reading
    runs = [_Run(blank, tuple(group)) for blank, group in itertools.groupby(reading.spans, is_space)]
    words = iter(reading.words)
    kept: list[_Run] = []
    for run in runs:
        word = None if run.blank else next(words)
        if word is None or word.confidence >= below:
            kept.append(replace(run, word=word))
        elif len(kept) > 1 and kept[-1].blank and kept[-2].is_gap:
            kept[-2:] = [_gap_run(kept[-2].word, word)]
        else:
            kept.append(_gap_run(None, word))
    if not any(run.is_gap for run in kept):
        return reading
    spans = tuple(span for run in kept for span in run.spans)
    return replace(
        reading,
        text="".join(span.text for span in spans),
        spans=spans,
        words=tuple(run.word for run in kept if run.word is not None),
    )


def check_threshold(below: float) -> None:
    """Raise a ModelError if a gap's threshold is no confidence."""
    if not 0 <= below <= 1:
        raise ModelError(f"gaps are marked below a confidence between 0 and 1, not {below!r}")


@dataclass(frozen=True, slots=True)
class _Run:
    """Symbols that stand together: white space, or a word."""

    blank: bool
    spans: tuple[Span, ...]
    word: WordSpan | None = None

    @property
    def is_gap(self) -> bool:
        return self.word is not None and self.word.is_gap


def _gap_run(before: WordSpan | None, word: WordSpan) -> _Run:
    """A gap, or the gap before it made longer; as sure as the surest word in it."""
    if before is None:
        gap = WordSpan(GAP, word.start, word.end, word.confidence, read=word.text)
    else:
        surest = max(before.confidence, word.confidence)
        gap = WordSpan(GAP, before.start, word.end, surest, read=f"{before.read} {word.text}")
    return _Run(False, (Span(GAP, gap.start, gap.end, gap.confidence),), gap)

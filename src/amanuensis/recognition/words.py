"""From a line's symbols to its words, and gaps where words are too doubtful to show. Our addition."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from amanuensis.errors import ModelError
from amanuensis.records import Reading, Span, WordSpan

GAP = "[…]"


def words_of_spans(spans: Sequence[Span]) -> list[WordSpan]:
    """The words between white space, each as sure as its symbols together: the product of their confidences.

    Of the ways to tell a word's confidence from its symbols' that were tried (product, mean, least, the path's
    probability over its frames), the product told right words from wrong ones best (`docs/experiments.md`).
    """
    words = []
    for blank, run in itertools.groupby(spans, _is_space):
        if blank:
            continue
        symbols = list(run)
        text = "".join(symbol.text for symbol in symbols)
        confidence = math.prod(symbol.confidence for symbol in symbols)
        words.append(WordSpan(text, symbols[0].start, symbols[-1].end, confidence))
    return words


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
    runs = [_Run(blank, tuple(group)) for blank, group in itertools.groupby(reading.spans, _is_space)]
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


def _is_space(span: Span) -> bool:
    return span.text.isspace()


def _gap_run(before: WordSpan | None, word: WordSpan) -> _Run:
    """A gap, or the gap before it made longer; as sure as the surest word in it."""
    if before is None:
        gap = WordSpan(GAP, word.start, word.end, word.confidence, read=word.text)
    else:
        surest = max(before.confidence, word.confidence)
        gap = WordSpan(GAP, before.start, word.end, surest, read=f"{before.read} {word.text}")
    return _Run(False, (Span(GAP, gap.start, gap.end, gap.confidence),), gap)

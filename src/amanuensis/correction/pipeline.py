"""Algorithm 5 of HTR-JAND (T5P): segment, context, detect, correct, confidence, apply above theta, format.

The paper runs T5 in it. Here the corrector is whatever speaks `Corrector`; it detects, corrects and tells its
confidence. What is around it - which lines are context, what is applied, how the corrected line is formatted and keeps
the places of its characters - is the same for all. Training SentencePiece "on D" (line 2) is no part of correcting; see
`training.corrector_t5`.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from rapidfuzz.distance import Levenshtein

from amanuensis.correction.segment import Corrector, Proposal, segments_of
from amanuensis.recognition.words import words_of_spans
from amanuensis.records import Reading, Span, WordSpan

Kind = Literal["lexicon", "tagger", "t5"]


@dataclass(frozen=True, slots=True)
class Correction:
    """A corrector and when it is believed.

    Attributes:
        kind: of the corrector.
        corrector: what proposes.
        theta: a proposal is applied if its confidence is above it (line 12).
        context: lines before and after that the corrector sees.
        facts: what to tell of it in results: its name, its settings.
    """

    kind: Kind
    corrector: Corrector
    theta: float
    context: int = 1
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As told in results."""
        return {"kind": self.kind, "theta": self.theta, "context": self.context, **self.facts}


@dataclass(frozen=True, slots=True)
class Corrected:
    """A line after correction.

    Attributes:
        reading: the corrected reading; its `uncorrected` is the text before, if that changed.
        applied: the proposals that were applied, placed in the text before.
        seconds: CPU time of this thread that correcting took, a batch's shared out evenly.
    """

    reading: Reading
    applied: tuple[Proposal, ...]
    seconds: float


def correct(readings: Sequence[Reading], correction: Correction) -> Iterator[Corrected]:
    """Correct consecutive lines, of one page if context is to make sense."""
    began = time.thread_time()
    segments = segments_of(readings, context=correction.context)
    proposed = correction.corrector.propose(segments) if segments else []
    done = []
    for reading, proposals in zip(readings, proposed, strict=True):
        applied = tuple(p for p in proposals if p.confidence > correction.theta)
        done.append((apply(reading, applied), applied))
    seconds = (time.thread_time() - began) / max(1, len(readings))
    for reading, applied in done:
        yield Corrected(reading, applied, seconds)


def apply(reading: Reading, proposals: Sequence[Proposal]) -> Reading:
    """The reading with the proposals in their places, formatted; they are in order and do not overlap.

    Characters that stay keep their spans. New ones share the room of those that they replace and have the proposal's
    confidence. The confidence of the line stays the recognizer's: it is of what was seen.
    """
    replaced = _replaced(reading.text, proposals)
    if replaced == reading.text:
        return reading
    kept = _kept_places(replaced)
    text = "".join(" " if replaced[place].isspace() else replaced[place] for place in kept)
    if text == reading.text:
        return reading
    spans: tuple[Span, ...] = ()
    if "".join(reading.tokens) == reading.text and len(reading.spans) == len(reading.text):
        placed = list(_respanned(reading.spans, proposals))
        spans = tuple(
            replace(placed[place], text=character) for place, character in zip(kept, text, strict=True)
        )
    return replace(reading, text=text, spans=spans, words=_reworded(reading, spans), uncorrected=reading.text)


def _kept_places(text: str) -> list[int]:
    """The places of a line that formatting keeps: of white space the first between words, none at the ends."""
    end = len(text.rstrip())
    return [
        place
        for place, character in enumerate(text)
        if not character.isspace() or (0 < place < end and not text[place - 1].isspace())
    ]


def formatted(text: str) -> str:
    """Composed letters, single spaces, none at the ends: as transcriptions are spelt (lines 16, X2)."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def differences(text: str, candidate: str, confidence: float) -> list[Proposal]:
    """The proposals that turn a text into a candidate: for correctors that rewrite lines."""
    return [
        Proposal(edit.src_start, edit.src_end, candidate[edit.dest_start : edit.dest_end], confidence)
        for edit in Levenshtein.opcodes(text, candidate)
        if edit.tag != "equal"
    ]


def _reworded(reading: Reading, spans: Sequence[Span]) -> tuple[WordSpan, ...]:
    """The words of new spans; those that are what they were keep the confidence that they had."""
    was = {(word.text, word.start, word.end): word for word in reading.words}
    return tuple(was.get((word.text, word.start, word.end), word) for word in words_of_spans(spans))


def _replaced(text: str, proposals: Sequence[Proposal]) -> str:
    pieces, done = [], 0
    for proposal in proposals:
        assert done <= proposal.start <= proposal.end <= len(text), f"{proposal} overlaps or lies outside"
        pieces += [text[done : proposal.start], proposal.text]
        done = proposal.end
    return "".join([*pieces, text[done:]])


def _respanned(spans: Sequence[Span], proposals: Sequence[Proposal]) -> Iterator[Span]:
    done = 0
    for proposal in proposals:
        yield from spans[done : proposal.start]
        edge = spans[proposal.start - 1].end if proposal.start else (spans[0].start if spans else 0.0)
        yield from _rewritten(spans[proposal.start : proposal.end], edge, proposal)
        done = proposal.end
    yield from spans[done:]


def _rewritten(spans: Sequence[Span], edge: float, proposal: Proposal) -> Iterator[Span]:
    """The spans of a proposal's text: old ones where it has the same character, else the old room in equal parts."""
    old = "".join(span.text for span in spans)
    done = placed = 0
    for block in Levenshtein.opcodes(old, proposal.text).as_matching_blocks():
        room, new = spans[done : block.a], proposal.text[placed : block.b]
        start, end = (room[0].start, room[-1].end) if room else (edge, edge)
        width = (end - start) / max(1, len(new))
        for place, character in enumerate(new):
            yield Span(character, start + place * width, start + (place + 1) * width, proposal.confidence)
        kept = spans[block.a : block.a + block.size]
        yield from kept
        edge = kept[-1].end if kept else end
        done, placed = block.a + block.size, block.b + block.size

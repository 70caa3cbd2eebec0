"""Lexicon correction (HTR-JAND's "LBC"; its method is not described, this is our reading: spec 2.11).

A word is suspect if the lexicon lacks it, or if the recognizer doubts it. For each suspect the candidates are the
words of the lexicon within a few edits and those of the recognizer's other readings. A candidate c is as likely as

    P(c | read) ~ P(read | c) P(c | words around)^weight,

where P(read | c) comes from the characters' confidences and the recognizer's own confusions
(`correction.confusions`), and P(c) from the lexicon. What was read competes with them; a word that the lexicon
lacks has the probability of an unknown word of its length, so old spellings, names and abbreviations that were read
surely stay as they are. The winner's share of the sum is its confidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein

from amanuensis.correction.confusions import Confusions, Floats, log_likelihoods
from amanuensis.correction.segment import Proposal, Segment
from amanuensis.language.lexicon import Lexicon, word_places


@dataclass(frozen=True, slots=True, kw_only=True)
class LexiconSettings:
    """How a lexicon corrects. The defaults were best on validation lines of open data; `tune` finds those of a model.

    Attributes:
        weight: how much a word's frequency counts against what was read.
        unknown: the share of words that a lexicon lacks, in (0, 1).
        unknown_letter: the natural logarithm of an unknown word's probability falls by so much for every letter.
        doubt: a known word is suspect if one of its characters is less sure than this.
        distance: the most edits between what was read and a candidate.
        shortest: letters of the shortest word that is touched.
        candidates: how many are weighed.
    """

    weight: float = 0.45
    unknown: float = 0.1
    unknown_letter: float = 4.25
    doubt: float = 0.5
    distance: int = 3
    shortest: int = 3
    candidates: int = 40


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a segment, and the words beside it ("" at the ends)."""

    start: int
    end: int
    text: str
    before: str
    after: str
    confidences: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Suspect:
    """A word that may be wrong, with what may stand in its place.

    Attributes:
        start, end: where it stands in the segment.
        texts: (K) what was read, then the candidates.
        likelihoods: (K) natural logarithms of P(read | text).
        frequencies: (K) natural logarithms of P(text | words around); NaN for what the lexicon lacks.
    """

    start: int
    end: int
    texts: tuple[str, ...]
    likelihoods: Floats
    frequencies: Floats


class LexiconCorrector:
    """Proposes words of a lexicon for words that were read doubtfully or are unknown."""

    def __init__(
        self, lexicon: Lexicon, confusions: Confusions | None = None, settings: LexiconSettings | None = None
    ) -> None:
        """Put a corrector together.

        Args:
            lexicon: the words.
            confusions: of the recognizer whose readings are corrected; without them all mistakes are alike.
            settings: weights and limits.
        """
        self.lexicon = lexicon
        self.confusions = confusions or Confusions()
        self.settings = settings or LexiconSettings()

    def propose(self, segments: Sequence[Segment]) -> list[list[Proposal]]:
        """See `Corrector`."""
        return [proposals_of(self.weigh(segment), self.settings) for segment in segments]

    def weigh(self, segment: Segment) -> list[Suspect]:
        """The suspects of a segment with their candidates, before any weight decides."""
        return [self._weighed(word, segment) for word in self._suspects(segment)]

    def _suspects(self, segment: Segment) -> list[_Word]:
        """DetectErrors of Algorithm 5: words that are unknown, or known but doubted."""
        words = _words(segment)
        return [
            word
            for word in words
            if len(word.text) >= self.settings.shortest
            and not _is_fragment(word, segment)
            and (word.text not in self.lexicon or min(word.confidences) < self.settings.doubt)
        ]

    def _weighed(self, word: _Word, segment: Segment) -> Suspect:
        others = {text: odds for text, odds in _other_readings(word, segment) if text in self.lexicon}
        texts = tuple(dict.fromkeys((word.text, *self._candidates(word), *others)))
        compared = [_as_read(text, like=word.text) for text in texts]
        likelihoods = log_likelihoods(word.text, word.confidences, compared, self.confusions)
        told = np.array([others.get(text, -math.inf) for text in texts])
        likelihoods = np.maximum(likelihoods, likelihoods[0] + told)
        frequencies = np.array([self._log_prob(text, word) for text in texts])
        return Suspect(word.start, word.end, texts, likelihoods, frequencies)

    def _candidates(self, word: _Word) -> list[str]:
        settings = self.settings
        # One edit in a word of three letters leaves little of what was read.
        distance = min(settings.distance, max(1, len(word.text) // 3))
        found = self.lexicon.near(word.text, distance=distance, limit=settings.candidates)
        return [_cased(self.lexicon.form(name), like=word.text) for name in found]

    def _log_prob(self, text: str, word: _Word) -> float:
        """Of a known word beside its neighbors; NaN of one that the lexicon lacks."""
        lexicon = self.lexicon
        if text not in lexicon:
            return math.nan
        forward = lexicon.log_prob(text, word.before)
        if word.after not in lexicon:
            return forward
        return forward + lexicon.log_prob(word.after, text) - lexicon.log_prob(word.after)


def proposals_of(suspects: Sequence[Suspect], settings: LexiconSettings) -> list[Proposal]:
    """What the weights make of suspects: the winning candidates, where what was read does not win itself."""
    return [proposal for suspect in suspects if (proposal := _decided(suspect, settings)) is not None]


def _decided(suspect: Suspect, settings: LexiconSettings) -> Proposal | None:
    letters = len(suspect.texts[0])
    unknown = math.log(settings.unknown) - settings.unknown_letter * letters
    frequencies = np.where(np.isnan(suspect.frequencies), unknown, suspect.frequencies)
    scores = suspect.likelihoods + settings.weight * frequencies
    shares = np.exp(scores - scores.max())
    best = int(shares.argmax())
    if best == 0:
        return None
    return Proposal(suspect.start, suspect.end, suspect.texts[best], float(shares[best] / shares.sum()))


def _words(segment: Segment) -> list[_Word]:
    places = word_places(segment.text)
    texts = [segment.text[start:end] for start, end in places]
    return [
        _Word(start, end, text, before, after, segment.confidences[start:end])
        for (start, end), text, before, after in zip(
            places, texts, ["", *texts], [*texts[1:], ""], strict=False
        )
    ]


def _is_fragment(word: _Word, segment: Segment) -> bool:
    """Whether a word goes on in the next line, or began in the line before: half a word is in no lexicon."""
    goes_on = segment.text[word.end :].strip() in ("-", "¬", "=")
    before = segment.before[-1].rstrip() if segment.before else ""
    return goes_on or (not segment.text[: word.start].strip() and before.endswith(("-", "¬", "=")))


def _cased(form: str, *, like: str) -> str:
    """The form with the capitals of what was read; what was read in small letters keeps the lexicon's own."""
    if len(like) > 1 and like.isupper():
        return form.upper()
    return form[:1].upper() + form[1:] if like[:1].isupper() else form


def _as_read(form: str, *, like: str) -> str:
    """The form to compare: a capital that only the lexicon asks for ("Paris" for "parls") is no mistake of reading."""
    return form if like[:1].isupper() or form == like else form[:1].lower() + form[1:]


def _other_readings(word: _Word, segment: Segment) -> list[tuple[str, float]]:
    """What the recognizer's other readings have in this word's place, and how likely those are, worst first."""
    return [(_in_place_of(word, segment.text, other), odds) for other, odds in reversed(segment.alternatives)]


def _in_place_of(word: _Word, text: str, other: str) -> str:
    """The part of another reading that is aligned with a word, characters put in at its edges included."""
    pieces = []
    for edit in Levenshtein.opcodes(text, other):
        first, last = max(edit.src_start, word.start), min(edit.src_end, word.end)
        if first > last or (first == last and edit.src_start != edit.src_end):
            continue
        if edit.tag == "equal":
            shift = edit.dest_start - edit.src_start
            pieces.append(other[first + shift : last + shift])
        else:
            pieces.append(other[edit.dest_start : edit.dest_end])
    return "".join(pieces)

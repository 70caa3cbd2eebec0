"""Words of transcriptions, of train lines only: whole lines again, or new ones in which every pair of words was seen.

Our default for `RandomText` (P7 of the specification): a network that is to read letters of one writer meets that
writer's words in other hands. A word bigram needs no table: one follows the text, and now and then goes on
where the same word stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from amanuensis.data.corpus import LONGEST_TEXT, SHORTEST_TEXT
from amanuensis.data.dataset import train_samples
from amanuensis.errors import DataError
from amanuensis.records import Sample

_AGAIN = 0.3  # share of texts that are a line as it was
_TURN = 0.35  # chance after every word of going on where the same word stands elsewhere


class Transcriptions:
    """A source of texts made of transcribed lines.

    Args:
        lines: what was transcribed; empty ones are left out.
        share: of synthetic lines that take their text from here, where there are corpora too.

    Raises:
        DataError: no line has a word, or the share is not in (0, 1].
    """

    def __init__(self, lines: Iterable[str], *, share: float = 0.5) -> None:
        if not 0 < share <= 1:
            raise DataError(f"the share of texts from transcriptions must be in (0, 1], not {share}")
        self.share = share
        self._words: list[str] = []
        self._starts: list[int] = []
        self._places: dict[str, list[int]] = {}
        for line in lines:
            self._add(line.split())
        if not self._words:
            raise DataError("the transcriptions hold no word to write")
        self.marks_raised = any("^" in word for word in self._places)
        """Whether these transcribers mark raised letters with ^."""

    @classmethod
    def of(cls, samples: Sequence[Sample], *, share: float = 0.5) -> Transcriptions:
        """The texts of samples.

        Raises:
            DataError: one of them may not be trained on (`train_samples`), so no training may see its words; or there
                is no word.
        """
        allowed = set(map(id, train_samples(samples)))
        for sample in samples:
            if id(sample) not in allowed:
                split = f"of the split {sample.split!r}" if sample.split else "in no split, others are"
                raise DataError(
                    f"{sample.key}: is {split}; synthetic lines may use words of train lines only"
                )
        return cls((sample.text for sample in samples), share=share)

    def _add(self, words: Sequence[str]) -> None:
        if words:
            self._starts.append(len(self._words))
        for word in words:
            self._places.setdefault(word, []).append(len(self._words))
            self._words.append(word)

    def draw(self, rng: np.random.Generator) -> str:
        """A text of one line, at most `LONGEST_TEXT` characters."""
        number = int(rng.integers(len(self._starts)))
        start, end = self._line(number)
        if rng.random() < _AGAIN:
            return _cut(self._words[start:end])
        wanted = len(" ".join(slice_ := self._words[start:end]))
        wanted = max(min(wanted, LONGEST_TEXT), SHORTEST_TEXT)
        place = int(rng.integers(len(self._words))) if len(slice_) > 1 else start
        return _cut(self._walk(place, wanted, rng))

    def _line(self, number: int) -> tuple[int, int]:
        """The first word of a line and the first of the next."""
        last = number + 1 == len(self._starts)
        return self._starts[number], len(self._words) if last else self._starts[number + 1]

    def _walk(self, place: int, wanted: int, rng: np.random.Generator) -> list[str]:
        """Words from a place on, until so many characters are written."""
        words = [self._words[place]]
        length = len(words[0])
        while True:
            if rng.random() < _TURN:
                same = self._places[self._words[place]]
                place = same[int(rng.integers(len(same)))]
            place = (place + 1) % len(self._words)
            length += 1 + len(self._words[place])
            if length > wanted:
                return words
            words.append(self._words[place])


def _cut(words: Sequence[str]) -> str:
    """As many of the words as a line holds; a single word longer than a line is cut."""
    text = ""
    for word in words:
        longer = f"{text} {word}".strip()
        if text and len(longer) > LONGEST_TEXT:
            break
        text = longer
    return text[:LONGEST_TEXT].rstrip()

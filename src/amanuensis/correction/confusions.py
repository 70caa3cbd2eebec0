"""What a recognizer's mistakes look like: which character stands there when it wrote another (spec 2.11).

The paper names "error-pattern analysis" and gives no form. Ours is a noisy channel read backwards: given that
the recognizer is wrong about a character r that it wrote, the written one is c with probability Q(c | r), or
there is none and r is extra; and between two characters one may be missing. How likely it is that r is wrong at all
is not said here: that is the recognizer's own confidence.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from amanuensis.errors import ModelError

Floats = NDArray[np.float64]

_SMOOTHING = (
    5.0  # pseudo-counts of "as characters are confused on the whole" in what is known of one character
)
_FLOOR = 1e-5  # of every character that was never confused
_GAP = 0.01  # how often a character is missing where nothing was counted
_MOST_SURE, _LEAST_SURE = 1 - 1e-4, 1e-3


class Confusions:
    """Counts of mistakes, and what they make likely.

    Attributes:
        counts: (written, read) -> how often; "" stands for the missing side. Characters read rightly are not in it.
        num_read: characters that were read in all.
    """

    def __init__(self, counts: Mapping[tuple[str, str], int] | None = None, num_read: int = 0) -> None:
        """Take counts; without any, all mistakes are equally likely."""
        self.counts = Counter(dict(counts or {}))
        self.num_read = num_read
        self._written: Counter[str] = Counter()
        self._of_read: dict[str, Counter[str]] = {}
        self._missing: Counter[str] = Counter()
        for (written, read), count in self.counts.items():
            if read:
                self._written[written] += count
                self._of_read.setdefault(read, Counter())[written] += count
            else:
                self._missing[written] += count

    @classmethod
    def learn(cls, pairs: Iterable[tuple[str, str]]) -> Confusions:
        """Count the mistakes of (reference, hypothesis) pairs, one optimal alignment of each.

        From validation lines, or from train lines that the model has not seen: never from a test set.
        """
        counts: Counter[tuple[str, str]] = Counter()
        num_read = 0
        for reference, hypothesis in pairs:
            num_read += len(hypothesis)
            for edit in Levenshtein.editops(reference, hypothesis):
                written = "" if edit.tag == "insert" else reference[edit.src_pos]
                read = "" if edit.tag == "delete" else hypothesis[edit.dest_pos]
                counts[written, read] += 1
        return cls(counts, num_read)

    def written(self, read: str, candidate: str) -> float:
        """Q: the probability that `candidate` ("" for nothing) is written where `read` was wrongly read."""
        overall = (self._written[candidate] + 1) / (self._written.total() + 100)
        seen = self._of_read.get(read, Counter())
        return max(_FLOOR, (seen[candidate] + _SMOOTHING * overall) / (seen.total() + _SMOOTHING))

    def missing(self, candidate: str) -> float:
        """The probability that `candidate`, and nothing else, is missing at a place between two characters."""
        rate = (self._missing.total() + 1) / (self.num_read + 1 / _GAP)
        share = (self._missing[candidate] + 1) / (self._missing.total() + 100)
        return max(_FLOOR * rate, rate * share)

    def to_dict(self) -> dict[str, Any]:
        """As stored beside a lexicon."""
        return {"read": self.num_read, "counts": [[w, r, n] for (w, r), n in sorted(self.counts.items())]}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Confusions:
        """The inverse of `to_dict`.

        Raises:
            ModelError: it is not what `to_dict` gives.
        """
        try:
            counts = {(str(w), str(r)): int(n) for w, r, n in stored["counts"]}
            return cls(counts, int(stored["read"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"counts of confusions that cannot be read: {error!r}") from error


def log_likelihoods(
    read: str, confidences: Sequence[float], candidates: Sequence[str], confusions: Confusions
) -> Floats:
    """How likely each candidate is what was written, by what was read and how surely.

    Args:
        read: I > 0 characters.
        confidences: (I) of them, in [0, 1].
        candidates: K strings, none of them empty.
        confusions: what mistakes look like.

    Returns:
        (K,) natural logarithms of the best alignment's probability.
    """
    alphabet = sorted({character for candidate in candidates for character in candidate})
    index = {character: place for place, character in enumerate(alphabet)}
    longest = max(map(len, candidates))
    coded = np.zeros((len(candidates), longest), dtype=np.intp)
    for row, candidate in enumerate(candidates):
        coded[row, : len(candidate)] = [index[character] for character in candidate]
    replaced, extra = _costs_of_read(read, confidences, alphabet, confusions)
    missing = np.array([math.log(confusions.missing(character)) for character in alphabet])
    table = _aligned(coded, replaced, extra, missing)
    result: Floats = table[np.arange(len(candidates)), [len(candidate) for candidate in candidates]]
    return result


def _costs_of_read(
    read: str, confidences: Sequence[float], alphabet: Sequence[str], confusions: Confusions
) -> tuple[Floats, Floats]:
    """(I, A) logarithms of each character read standing for each of the alphabet, (I,) of its being extra."""
    replaced = np.empty((len(read), len(alphabet)))
    extra = np.empty(len(read))
    for row, (character, told) in enumerate(zip(read, confidences, strict=True)):
        sure = min(_MOST_SURE, max(_LEAST_SURE, told))
        wrong = math.log1p(-sure)
        for column, candidate in enumerate(alphabet):
            same = candidate == character
            replaced[row, column] = (
                math.log(sure) if same else wrong + math.log(confusions.written(character, candidate))
            )
        extra[row] = wrong + math.log(confusions.written(character, ""))
    return replaced, extra


def _aligned(coded: NDArray[np.intp], replaced: Floats, extra: Floats, missing: Floats) -> Floats:
    """(K, L + 1): the best alignment of all that was read with each beginning of each candidate (K, L)."""
    absent = missing[coded]  # (K, L)
    row = np.concatenate([np.zeros((len(coded), 1)), np.cumsum(absent, axis=1)], axis=1)
    for place in range(len(extra)):
        matched = row[:, :-1] + replaced[place][coded]
        skipped = row + extra[place]
        row = skipped
        for column in range(coded.shape[1]):
            row[:, column + 1] = np.maximum(
                np.maximum(skipped[:, column + 1], matched[:, column]), row[:, column] + absent[:, column]
            )
    return row

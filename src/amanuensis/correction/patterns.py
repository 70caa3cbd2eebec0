"""Systematic mistakes, measured by language and period, and injected into clean text (HTR-JAND, X3).

The paper injects "systematic errors" into training pairs and says neither which nor how many. Ours are drawn as they
were counted: each character is misread as often, and as what, as characters of its kind were in its group of lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from rapidfuzz.distance import Levenshtein

from amanuensis.correction.pairs import Pair
from amanuensis.errors import DataError


@dataclass(frozen=True, slots=True)
class ErrorPattern:
    """The mistakes of one group of lines.

    Attributes:
        written: how often each character was written; "" for the places between characters.
        mistakes: written character (or "") -> what was read instead ("" for nothing) -> how often.
        sure_right, sure_wrong: confidences of characters that were read rightly, and of others.
    """

    written: Counter[str] = field(default_factory=Counter)
    mistakes: dict[str, Counter[str]] = field(default_factory=dict)
    sure_right: list[float] = field(default_factory=list)
    sure_wrong: list[float] = field(default_factory=list)

    def add(self, pair: Pair) -> None:
        """Count one line."""
        self.written.update(pair.written)
        self.written[""] += len(pair.written) + 1
        wrong: set[int] = set()
        for edit in Levenshtein.editops(pair.written, pair.read):
            source = "" if edit.tag == "insert" else pair.written[edit.src_pos]
            result = "" if edit.tag == "delete" else pair.read[edit.dest_pos]
            self.mistakes.setdefault(source, Counter())[result] += 1
            wrong |= {edit.dest_pos} if result else set()
        for place, confidence in enumerate(pair.confidences):
            (self.sure_wrong if place in wrong else self.sure_right).append(confidence)

    @property
    def rate(self) -> float:
        """Mistakes per written character."""
        characters = self.written.total() - self.written[""]
        return sum(counts.total() for counts in self.mistakes.values()) / max(1, characters)

    def misread(
        self, text: str, rng: np.random.Generator, *, strength: float = 1.0
    ) -> tuple[str, tuple[float, ...]]:
        """The text as it would be misread, and a confidence for each character of that.

        Args:
            text: clean.
            rng: where chance comes from.
            strength: mistakes are so many times as frequent as they were counted.
        """
        read: list[str] = []
        confidences: list[float] = []
        for source in ["", *(piece for character in text for piece in (character, ""))]:
            result = self._drawn(source, rng, strength)
            pool = self.sure_right if result == source else self.sure_wrong
            read.append(result)
            confidences += [pool[int(rng.integers(len(pool)))] if pool else 1.0 for _ in result]
        return "".join(read), tuple(confidences)

    def _drawn(self, written: str, rng: np.random.Generator, strength: float) -> str:
        counts = self.mistakes.get(written)
        if counts is None or rng.random() >= strength * counts.total() / self.written[written]:
            return written
        results = list(counts)
        shares = np.array([counts[result] for result in results], dtype=np.float64)
        return results[int(rng.choice(len(results), p=shares / shares.sum()))]


def error_patterns(pairs: Iterable[Pair]) -> dict[str, ErrorPattern]:
    """The mistakes of pairs, by group (language and period).

    Raises:
        DataError: there are no pairs.
    """
    patterns: dict[str, ErrorPattern] = {}
    for pair in pairs:
        patterns.setdefault(pair.group, ErrorPattern()).add(pair)
    if not patterns:
        raise DataError("no pairs to count mistakes in")
    return dict(sorted(patterns.items()))

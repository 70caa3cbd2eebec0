"""Character sets: which characters a training has, which a vocabulary has, and what to do with the rare ones.

Unification (D6 of HTR-JAND): infrequent characters are removed. The paper gives no threshold and does not say
what becomes of a removed character (our reading): counted on training texts only, it is left out of training
targets (`Vocab.restrict`) and stays in the references of val and test, where it counts as an error.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from amanuensis.errors import VocabularyError
from amanuensis.language.vocab import Vocab

RARE = 10
"""Below this many occurrences in the training texts a character is rare: too few to learn its shape."""

Status = Literal["new", "missing", "rare", "known"]


def unify(train_texts: Iterable[str], min_count: int) -> tuple[Vocab, Counter[str]]:
    """The characters that occur at least `min_count` times, and the counts of the others.

    Args:
        train_texts: normalized texts of the training split, never of another.
        min_count: 1 keeps every character.

    Raises:
        VocabularyError: no character is frequent enough.
    """
    counts = Counter[str]()
    for text in train_texts:
        counts.update(text)
    kept = sorted(symbol for symbol, count in counts.items() if count >= min_count)
    if not kept:
        raise VocabularyError(f"none of {len(counts)} characters occurs {min_count} times: lower min_count")
    return Vocab(kept), Counter({symbol: counts[symbol] for symbol in counts.keys() - set(kept)})


@dataclass(frozen=True, slots=True)
class CharacterCount:
    """One character of a `CharacterTable`.

    Attributes:
        symbol: the character.
        count: how often it occurs in the training texts.
        status: "new": the vocabulary lacks it; "missing": the vocabulary has it, the texts do not; "rare": it
            occurs less than `rare_below` times; "known": none of these.
        examples: ids of the first samples that hold it.
    """

    symbol: str
    count: int
    status: Status
    examples: tuple[str, ...]

    def __str__(self) -> str:
        name = unicodedata.name(self.symbol, "no name") if len(self.symbol) == 1 else "several code points"
        points = " ".join(f"U+{ord(c):04X}" for c in self.symbol)
        shown = f"in {', '.join(self.examples)}" if self.examples else ""
        return f"{self.status:8}{self.count:8}  {self.symbol!r:8} {points:8} {name}  {shown}".rstrip()


@dataclass(frozen=True, slots=True)
class CharacterTable:
    """The characters of training texts against those of a vocabulary, to be looked at before a training.

    Attributes:
        rows: new, missing, rare, known; within these by falling count.
    """

    rows: tuple[CharacterCount, ...]

    @classmethod
    def compare(
        cls,
        samples: Iterable[tuple[str, str]],
        vocab: Vocab,
        *,
        rare_below: int = RARE,
        num_examples: int = 3,
    ) -> CharacterTable:
        """Count the characters of training texts.

        Args:
            samples: (id, normalized text) of the training split.
            vocab: the vocabulary of the model that is to be trained; for one trained from scratch, that of
                `unify`: then "new" are the characters it removed.
            rare_below: the first count that is not rare.
            num_examples: how many ids to keep for a character.
        """
        counts = Counter[str]()
        examples: dict[str, list[str]] = {}
        for id_, text in samples:
            counts.update(text)
            for symbol in set(text):
                ids = examples.setdefault(symbol, [])
                if len(ids) < num_examples:
                    ids.append(id_)
        rows = [
            CharacterCount(s, counts[s], _status(s, counts[s], vocab, rare_below), tuple(examples.get(s, ())))
            for s in counts.keys() | set(vocab.symbols)
        ]
        order = ("new", "missing", "rare", "known")
        return cls(tuple(sorted(rows, key=lambda r: (order.index(r.status), -r.count, r.symbol))))

    def of(self, status: Status) -> tuple[CharacterCount, ...]:
        """The rows of one status."""
        return tuple(row for row in self.rows if row.status == status)

    def __str__(self) -> str:
        """What there is to look at: a row for every character that is new, missing or rare."""
        return "\n".join(str(row) for row in self.rows if row.status != "known")


def _status(symbol: str, count: int, vocab: Vocab, rare_below: int) -> Status:
    if symbol not in vocab:
        return "new"
    if not count:
        return "missing"
    return "rare" if count < rare_below else "known"

"""Edit counts between a reference and a hypothesis: the one definition of what an error is.

Levenshtein distance with unit costs (insertion, deletion, substitution), over Unicode code points or over
words. Nothing is normalized here; `amanuensis.metrics.scores` does that, on both sides.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Levenshtein

Tokenizer = Literal["whitespace", "punctuation"]


@dataclass(frozen=True, slots=True)
class EditCounts:
    """Edits and the length that they are counted against; counts add, rates do not.

    Attributes:
        edits: the edit distance, summed over lines.
        length: the length of the references in the same unit, summed over lines.
    """

    edits: int = 0
    length: int = 0

    def __add__(self, other: EditCounts) -> EditCounts:
        return EditCounts(self.edits + other.edits, self.length + other.length)

    @property
    def rate(self) -> float:
        """Edits per unit of reference; more than 1 where much was invented.

        Against an empty reference the edits themselves are the rate: finite, and 0 only if nothing was read.
        """
        return self.edits / max(1, self.length)


def character_edits(reference: str, hypothesis: str) -> EditCounts:
    """Edits over code points, white space included."""
    return EditCounts(Levenshtein.distance(reference, hypothesis), len(reference))


def word_edits(reference: str, hypothesis: str, *, tokenizer: Tokenizer = "whitespace") -> EditCounts:
    """Edits over the words that a tokenizer of `TOKENIZERS` finds."""
    split = TOKENIZERS[tokenizer]
    words = split(reference)
    return EditCounts(Levenshtein.distance(words, split(hypothesis)), len(words))


def fold_text(text: str) -> str:
    """The text without case and punctuation: what a second, more lenient score compares.

    Letters, digits, marks and symbols (such as a pound sign) stay. Washington is scored this way too, as the
    punctuation of its test labels is reconstructed.
    """
    kept = (c for c in text.lower() if not unicodedata.category(c).startswith("P"))
    return " ".join("".join(kept).split())


def aligned_pieces(reference: str, hypothesis: str) -> list[tuple[str, str]]:
    """An optimal alignment in runs, from left to right: (piece, the same piece) where both agree.

    Where they do not, the pieces differ; "" stands for the side that has nothing.
    """
    opcodes = Levenshtein.opcodes(reference, hypothesis)
    return [(reference[o.src_start : o.src_end], hypothesis[o.dest_start : o.dest_end]) for o in opcodes]


def matched(reference: Sequence[str], hypothesis: Sequence[str]) -> list[bool]:
    """Which symbols of a hypothesis are right: kept by one optimal alignment with the reference.

    Args:
        reference: characters, or words.
        hypothesis: the same.
    """
    right = [False] * len(hypothesis)
    for piece in Levenshtein.opcodes(reference, hypothesis):
        if piece.tag == "equal":
            right[piece.dest_start : piece.dest_end] = [True] * (piece.dest_end - piece.dest_start)
    return right


def _punctuation_apart(text: str) -> list[str]:
    """Runs of letters, digits and their marks; every other visible character is a word of its own.

    Not `re`'s word characters: they cut words at combining marks, which medieval transcriptions are full of.
    """
    spaced: list[str] = []
    for character in text:
        in_word = character.isalnum() or unicodedata.category(character).startswith("M")
        spaced.append(character if in_word else f" {character} ")
    return "".join(spaced).split()


TOKENIZERS: dict[Tokenizer, Callable[[str], list[str]]] = {
    "whitespace": str.split,
    "punctuation": _punctuation_apart,
}

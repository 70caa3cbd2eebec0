"""The vocabulary: which symbols a model can write, and their indices. Index 0 is CTC's blank."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from amanuensis.errors import VocabularyError

BLANK = 0


class Vocab:
    """An ordered set of symbols; the symbol `symbols[i]` has index i + 1, the blank index 0.

    For text a symbol is one Unicode code point of the normalized transcription.
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols = tuple(symbols)
        self._index = {symbol: i for i, symbol in enumerate(self.symbols, start=1)}
        if len(self._index) != len(self.symbols) or "" in self._index:
            raise VocabularyError("a vocabulary's symbols must be distinct and not empty")

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> Vocab:
        """All code points of `texts`, sorted."""
        return cls(sorted({symbol for text in texts for symbol in text}))

    def __len__(self) -> int:
        """The number of symbols without the blank; a network needs `len(vocab) + 1` outputs."""
        return len(self.symbols)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocab) and self.symbols == other.symbols

    def __hash__(self) -> int:
        return hash(self.symbols)

    @property
    def num_classes(self) -> int:
        """Symbols and blank."""
        return len(self.symbols) + 1

    def encode(self, text: str) -> list[int]:
        """The indices of a text's symbols.

        Raises:
            VocabularyError: naming every symbol that is missing.
        """
        missing = sorted({symbol for symbol in text if symbol not in self._index})
        if missing:
            named = ", ".join(f"{symbol!r} (U+{ord(symbol):04X})" for symbol in missing)
            raise VocabularyError(f"{text!r} holds symbols that the vocabulary lacks: {named}")
        return [self._index[symbol] for symbol in text]

    def restrict(self, text: str) -> str:
        """The text without the symbols that the vocabulary lacks (for training targets, never for references)."""
        return "".join(symbol for symbol in text if symbol in self._index)

    def decode(self, indices: Iterable[int]) -> str:
        """The text of a sequence of symbol indices (no blanks)."""
        return "".join(self.symbols[i - 1] for i in indices)

    def union(self, other: Vocab) -> Vocab:
        """This vocabulary followed by the symbols that only `other` has: old indices stay valid."""
        return Vocab((*self.symbols, *(s for s in other.symbols if s not in self._index)))

r"""From LaTeX source to tokens, and from tokens to a network's indices.

A *token* is what CROHME's captions put between spaces: a control word (`\frac`), a control symbol (`\{`) or a
single character. A *caption* is a tuple of tokens; as text it is the tokens with one space between them.
"""

# ruff: noqa: S105 - tokens are those of LaTeX, no secrets

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from amanuensis.errors import DataError, VocabularyError

MAX_CHARACTERS = 10_000
"""The longest source that is read."""

MAX_NESTING = 64
"""The deepest nesting of braces, roots, fractions and scripts that is read; every reader of nodes is recursive."""

_TOKEN = re.compile(r"%[^\n]*|\\[A-Za-z]+|\\[^A-Za-z]|[^\s\\$]|\\$")


def tokenize(latex: str) -> tuple[str, ...]:
    r"""The tokens of a LaTeX source, as they stand: no command is interpreted.

    Dollar signs and white space separate tokens and are dropped, and so is a comment (`%` to the end of its line).
    A backslash before white space is the token of a space. It takes time in proportion to the length.

    Raises:
        DataError: the source is longer than `MAX_CHARACTERS`, its braces are nested deeper than `MAX_NESTING`, or it
            ends with a lone backslash.
    """
    if len(latex) > MAX_CHARACTERS:
        raise DataError(f"a formula of {len(latex)} characters; at most {MAX_CHARACTERS} are read")
    found = [token for token in _TOKEN.findall(latex) if token[0] != "%"]
    if found and found[-1] == "\\":
        raise DataError(f"{latex[-20:]!r}: the formula ends with a backslash that begins no command")
    tokens = tuple("\\ " if token[1:].isspace() else token for token in found)
    depths = itertools.accumulate((token == "{") - (token == "}") for token in tokens)
    if max(depths, default=0) > MAX_NESTING:
        raise DataError(f"{latex[:20]!r}: braces nested deeper than {MAX_NESTING}")
    return tokens


class TokenVocab:
    """The tokens that a formula network can write, and their indices.

    Index 0 is `<eol>`, which ends a caption (as in CROHME's published dictionary), the token `symbols[i]` has index
    i + 1, then come `<sos>`, which begins the decoder's input, and `<pad>`. With CROHME's 110 symbols there are 113.
    """

    end = 0

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols = tuple(symbols)
        self._index = {symbol: i for i, symbol in enumerate(self.symbols, start=1)}
        if len(self._index) != len(self.symbols):
            twice = sorted({symbol for symbol in self.symbols if self.symbols.count(symbol) > 1})
            raise VocabularyError(
                f"a vocabulary's tokens must be distinct; more than once: {', '.join(twice)}"
            )
        wrong = [s for s in self.symbols if not s or s.split() != [s] or s in {"<eol>", "<sos>", "<pad>"}]
        if wrong:
            raise VocabularyError(
                f"{wrong[0]!r} is no token: no white space, and no special, which have their places"
            )

    @classmethod
    def from_captions(cls, captions: Iterable[Iterable[str]]) -> TokenVocab:
        """All tokens of `captions`, sorted."""
        return cls(sorted({token for caption in captions for token in caption}))

    def __len__(self) -> int:
        """The number of symbols, without the three specials."""
        return len(self.symbols)

    def __contains__(self, token: object) -> bool:
        return token in self._index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TokenVocab) and self.symbols == other.symbols

    def __hash__(self) -> int:
        return hash(self.symbols)

    @property
    def start(self) -> int:
        """The index of `<sos>`."""
        return len(self.symbols) + 1

    @property
    def pad(self) -> int:
        """The index of `<pad>`."""
        return len(self.symbols) + 2

    @property
    def num_classes(self) -> int:
        """Symbols and the three specials."""
        return len(self.symbols) + 3

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """The indices of a caption's tokens; neither start nor end is added.

        Raises:
            VocabularyError: naming every token that is missing.
        """
        tokens = tuple(tokens)
        missing = sorted({token for token in tokens if token not in self._index})
        if missing:
            raise VocabularyError(
                f"{' '.join(tokens)!r} holds tokens that the vocabulary lacks: {', '.join(map(repr, missing))}"
            )
        return [self._index[token] for token in tokens]

    def decode(self, indices: Iterable[int]) -> tuple[str, ...]:
        """The caption of a sequence of indices: up to the first end, without start and padding.

        Raises:
            VocabularyError: an index is not in [0, num_classes).
        """
        tokens: list[str] = []
        for index in indices:
            if not 0 <= index < self.num_classes:
                raise VocabularyError(f"index {index}; the vocabulary has {self.num_classes} classes")
            if index == self.end:
                break
            if index < self.start:
                tokens.append(self.symbols[index - 1])
        return tuple(tokens)

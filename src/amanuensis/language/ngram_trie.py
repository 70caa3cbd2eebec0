"""The counts of an n-gram model: a trie of sorted arrays, one level per order.

A node of level n is an n-gram. Its children are the entries `offsets[node]` to `offsets[node + 1]` of the next
level, sorted by their last symbol. The empty n-gram is node 0 of level 0, which has no arrays. Arrays rather than
dictionaries: a hundredth of the objects, and a file that is read without building anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TrieLevel:
    """The n-grams of one order.

    Attributes:
        offsets: (nodes of the level above + 1) where the children of each begin.
        symbols: (n-grams) the last symbol of each.
        counts: (n-grams) how often each occurred.
    """

    offsets: Ints
    symbols: Ints
    counts: Ints


@dataclass(frozen=True, slots=True, eq=False)
class NGramTrie:
    """The n-grams of orders 1 to `len(levels)`."""

    levels: tuple[TrieLevel, ...]

    @classmethod
    def count(cls, sequences: Sequence[Sequence[int]], order: int, *, num_symbols: int) -> NGramTrie:
        """Count the n-grams up to `order` within each sequence of symbols 0 to `num_symbols - 1`."""
        flat = np.array([symbol for sequence in sequences for symbol in sequence], dtype=np.int64)
        # How many symbols are left in its sequence from each place on: no n-gram reaches into the next.
        left = np.concatenate([np.arange(len(sequence), 0, -1) for sequence in sequences])
        starts, nodes, num_nodes = np.arange(len(flat)), np.zeros(len(flat), np.int64), 1
        levels = []
        for n in range(1, order + 1):
            fits = left[starts] >= n
            starts, nodes = starts[fits], nodes[fits]
            keys = nodes * num_symbols + flat[starts + n - 1]
            keys, nodes, counts = np.unique(keys, return_inverse=True, return_counts=True)
            parents, symbols = np.divmod(keys, num_symbols)
            levels.append(TrieLevel(np.searchsorted(parents, np.arange(num_nodes + 1)), symbols, counts))
            num_nodes = len(keys)
        return cls(tuple(levels))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many different n-grams there are of each order."""
        return tuple(len(level.symbols) for level in self.levels)

    def find(self, ngram: Sequence[int]) -> int | None:
        """The node of an n-gram of its level; None if it did not occur."""
        node = 0
        for level, symbol in zip(self.levels, ngram, strict=False):
            first, last = level.offsets[node : node + 2]
            at = int(first + np.searchsorted(level.symbols[first:last], symbol))
            if at == last or level.symbols[at] != symbol:
                return None
            node = at
        return node

    def followers(self, ngram: Sequence[int]) -> tuple[Ints, Ints] | None:
        """The symbols that followed an n-gram shorter than the order, and how often; None if it did not occur."""
        node = self.find(ngram)
        if node is None:
            return None
        level = self.levels[len(ngram)]
        children = slice(*level.offsets[node : node + 2])
        return level.symbols[children], level.counts[children]

    def to_bytes(self) -> bytes:
        """For each level its offsets, symbols and counts: little-endian 32-bit unsigned integers."""
        arrays = [a for level in self.levels for a in (level.offsets, level.symbols, level.counts)]
        assert all(array.max(initial=0) < 2**32 for array in arrays)
        return b"".join(array.astype("<u4").tobytes() for array in arrays)

    @classmethod
    def from_bytes(cls, content: bytes, sizes: Sequence[int], *, num_symbols: int) -> NGramTrie:
        """The inverse of `to_bytes`.

        Args:
            content: what `to_bytes` wrote.
            sizes: of the levels, none below 0.
            num_symbols: symbols are 0 to this, exclusive.

        Raises:
            ValueError: these are not the arrays of such a trie.
        """
        above = [1, *sizes[:-1]]
        lengths = [n for nodes, size in zip(above, sizes, strict=True) for n in (nodes + 1, size, size)]
        if len(content) != 4 * sum(lengths):
            raise ValueError(f"{len(content)} bytes of counts, not {4 * sum(lengths)}")
        arrays = np.split(np.frombuffer(content, "<u4").astype(np.int64), np.cumsum(lengths)[:-1])
        levels = tuple(TrieLevel(*arrays[i : i + 3]) for i in range(0, len(arrays), 3))
        for level in levels:
            _check(level, num_symbols)
        return cls(levels)


def _check(level: TrieLevel, num_symbols: int) -> None:
    offsets, symbols = level.offsets, level.symbols
    if offsets[0] != 0 or offsets[-1] != len(symbols) or (np.diff(offsets) < 0).any():
        raise ValueError("offsets out of order")
    rises = np.diff(symbols, prepend=-1) > 0
    rises[offsets[offsets < len(symbols)]] = True
    if not rises.all() or symbols.max(initial=-1) >= num_symbols:
        raise ValueError("symbols out of order")

"""The n-grams of a model as arrays: a trie, one level for each order, read from a file without building anything.

A node of level n is an n-gram. Its children are the entries `offsets[node]` to `offsets[node + 1]` of the next level,
sorted by their last symbol. The empty n-gram is node 0 of level 0, which has no arrays. A file is mapped into memory
and these arrays are views of it: a model of any size opens at once, and processes share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from amanuensis.language.smoothing import Floats, SmoothTable

Array = npt.NDArray[np.generic]
Buffer = bytes | memoryview

BITS = (8, 32)
"""Of a probability in a file: an index into 256 values, or a float."""

_NEVER = -230.0  # a logarithm for what cannot follow at all: 1e-100


@dataclass(frozen=True, slots=True, eq=False)
class Logarithms:
    """Logarithms of one level: floats, or indices into a code book.

    Attributes:
        values: (N,) float32, or uint8 indices.
        codes: (256,) float32, or None.
    """

    values: npt.NDArray[np.float32] | npt.NDArray[np.uint8]
    codes: npt.NDArray[np.float32] | None = None

    def __getitem__(self, at: int | slice) -> npt.NDArray[np.float32]:
        found = self.values[at]
        return np.asarray(found if self.codes is None else self.codes[found], dtype=np.float32)

    @classmethod
    def of(cls, values: Floats, bits: int) -> Logarithms:
        """Logarithms as they are kept: `bits` is one of `BITS`."""
        logs = np.maximum(values, _NEVER).astype(np.float32)
        if bits == 32:
            return cls(logs)
        # Bins of equal mass, each told by its mean.
        ranks = np.sort(logs)
        means = [float(part.mean()) for part in np.array_split(ranks, 256) if len(part)]
        codes = np.array(means + [0.0] * (256 - len(means)), dtype=np.float32)
        codes[: len(means)] = np.maximum.accumulate(codes[: len(means)])
        middles = (codes[1 : len(means)] + codes[: max(0, len(means) - 1)]) / 2
        return cls(np.searchsorted(middles, logs).astype(np.uint8), codes)


@dataclass(frozen=True, slots=True, eq=False)
class TrieLevel:
    """The n-grams of one order.

    Attributes:
        offsets: (nodes of the level above + 1) where the children of each begin.
        symbols: (N,) the last symbol of each.
        log_probs: (N,) natural logarithms of p(h w); see `smoothing`.
        log_backoffs: (N,) of b; none in the last level, which nothing follows.
    """

    offsets: npt.NDArray[np.uint32]
    symbols: npt.NDArray[np.unsignedinteger]
    log_probs: Logarithms
    log_backoffs: Logarithms


@dataclass(frozen=True, slots=True, eq=False)
class NGramTrie:
    """The n-grams of orders 1 to `len(levels)`. Node i of level 1 is symbol i."""

    levels: tuple[TrieLevel, ...]

    @classmethod
    def build(cls, tables: Sequence[SmoothTable], *, bits: int) -> NGramTrie:
        """From what `smooth` or `prune` gave; `bits` is one of `BITS`."""
        levels = []
        num_above = 1
        small = _symbol_type(len(tables[0]))
        for n, table in enumerate(tables, start=1):
            offsets = np.searchsorted(table.parents, np.arange(num_above + 1)).astype(np.uint32)
            with np.errstate(divide="ignore"):  # a probability of 0 is for symbols that never follow
                log_probs, log_backoffs = np.log(table.probs), np.log(table.backoffs)
            levels.append(
                TrieLevel(
                    offsets,
                    table.symbols.astype(small),
                    Logarithms.of(log_probs, bits),
                    Logarithms.of(log_backoffs if n < len(tables) else log_backoffs[:0], bits),
                )
            )
            num_above = len(table)
        return cls(tuple(levels))

    @property
    def bits(self) -> int:
        """Of a probability in a file."""
        return 32 if self.levels[0].log_probs.codes is None else 8

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many n-grams there are of each order."""
        return tuple(len(level.symbols) for level in self.levels)

    def child(self, level: int, node: int, symbol: int) -> int | None:
        """The node of level `level + 1` that a node's n-gram and one more symbol lead to; None if there is none."""
        if level == 0:
            return symbol
        below = self.levels[level]
        first, last = below.offsets[node : node + 2].tolist()
        at: int = first + int(below.symbols[first:last].searchsorted(symbol))
        return at if at < last and below.symbols[at] == symbol else None

    def children(self, level: int, node: int) -> slice:
        """The entries of level `level + 1` that are a node's children."""
        first, last = self.levels[level].offsets[node : node + 2].tolist()
        return slice(first, last)

    def arrays(self) -> Iterator[Array]:
        """All arrays in the order of a file: for each level offsets, probabilities, back-offs, symbols."""
        for level in self.levels:
            yield level.offsets
            for logs in (level.log_probs, level.log_backoffs):
                if logs.codes is not None:
                    yield logs.codes
                yield logs.values
            yield level.symbols

    @classmethod
    def from_buffer(cls, content: Buffer, sizes: Sequence[int], *, bits: int, num_symbols: int) -> NGramTrie:
        """The trie whose `arrays` lie in `content` one after another, little-endian.

        Args:
            content: bytes, or a mapped file.
            sizes: of the levels, none below 0.
            bits: one of `BITS`.
            num_symbols: symbols are 0 to this, exclusive.

        Raises:
            ValueError: these are not the arrays of such a trie.
        """
        kinds = list(_kinds(sizes, bits, num_symbols))
        expected = sum(np.dtype(kind).itemsize * length for kind, length in kinds)
        if len(content) != expected:
            raise ValueError(f"{len(content)} bytes of n-grams, not {expected}")
        arrays, at = [], 0
        for kind, length in kinds:
            arrays.append(np.frombuffer(content, kind, length, at))
            at += arrays[-1].nbytes
        each = len(arrays) // len(sizes)
        levels = tuple(_level(arrays[i : i + each]) for i in range(0, len(arrays), each))
        for level in levels:
            _check(level, num_symbols)
        return cls(levels)


def _symbol_type(num_symbols: int) -> type[np.unsignedinteger]:
    if num_symbols <= 2**8:
        return np.uint8
    return np.uint16 if num_symbols <= 2**16 else np.uint32


def _kinds(sizes: Sequence[int], bits: int, num_symbols: int) -> Iterator[tuple[str, int]]:
    """Type and length of all arrays of a file."""
    symbol = np.dtype(_symbol_type(num_symbols)).newbyteorder("<").str
    for n, (above, size) in enumerate(zip([1, *sizes[:-1]], sizes, strict=True), start=1):
        yield "<u4", above + 1
        for length in (size, size if n < len(sizes) else 0):
            if bits == 8:
                yield "<f4", 256
            yield ("<f4" if bits == 32 else "<u1"), length
        yield symbol, size


def _level(arrays: Sequence[Any]) -> TrieLevel:
    offsets, *logs, symbols = arrays
    if len(logs) == 2:
        log_probs, log_backoffs = Logarithms(logs[0]), Logarithms(logs[1])
    else:
        log_probs, log_backoffs = Logarithms(logs[1], logs[0]), Logarithms(logs[3], logs[2])
    return TrieLevel(offsets, symbols, log_probs, log_backoffs)


def _check(level: TrieLevel, num_symbols: int) -> None:
    offsets, symbols = level.offsets.astype(np.int64), level.symbols.astype(np.int64)
    if offsets[0] != 0 or offsets[-1] != len(symbols) or (np.diff(offsets) < 0).any():
        raise ValueError("offsets out of order")
    rises = np.diff(symbols, prepend=-1) > 0
    rises[offsets[offsets < len(symbols)]] = True
    if not rises.all() or symbols.max(initial=-1) >= num_symbols:
        raise ValueError("symbols out of order")

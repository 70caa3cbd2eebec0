"""Counting n-grams: one sorted table for each order, in NumPy, in memory that the number of symbols bounds.

A row of table n is an n-gram: the row of its first n - 1 symbols in table n - 1, its last symbol, how often it
occurred. Rows are sorted by parent, then symbol, so the children of a row stand together. A table is built from the one
before it: every place of the text remembers the row that ends there, and (row, next symbol) is the key of the longer
n-gram. No n-gram is ever held as an object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CountTable:
    """The n-grams of one order; N of them.

    Attributes:
        parents: (N,) the row of the n-gram without its last symbol, in the table before; 0 in the first table.
        symbols: (N,) the last symbol of each.
        counts: (N,) how often each occurred.
        suffixes: (N,) the row of the n-gram without its first symbol, in the table before; 0 in the first table.
    """

    parents: Ints
    symbols: Ints
    counts: Ints
    suffixes: Ints

    def __len__(self) -> int:
        return len(self.symbols)


def count_ngrams(
    flat: npt.NDArray[np.int32], lengths: Sequence[int], *, order: int, num_symbols: int
) -> list[CountTable]:
    """Count the n-grams of orders 1 to `order` within each sequence.

    The first table has a row for every symbol, seen or not.

    Args:
        flat: (S,) the symbols of all sequences, one after another, each 0 to `num_symbols - 1`.
        lengths: of the sequences; they add up to S.
        order: at least 1.
        num_symbols: how many different symbols there are.
    """
    left = _left(lengths)  # symbols left in its sequence from each place on: no n-gram reaches into the next
    rows = flat.astype(np.int64)
    first = np.bincount(rows, minlength=num_symbols)
    nothing = np.zeros(num_symbols, dtype=np.int64)
    tables = [CountTable(nothing, np.arange(num_symbols), first, nothing)]
    starts = np.arange(len(flat), dtype=np.int64)
    for n in range(2, order + 1):
        fits = left[starts] >= n
        starts, rows = starts[fits], rows[fits]
        keys, rows, counts = np.unique(
            rows * num_symbols + flat[starts + n - 1], return_inverse=True, return_counts=True
        )
        parents, symbols = np.divmod(keys, num_symbols)
        tables.append(
            CountTable(parents, symbols, counts, _suffixes(tables[-1], parents, symbols, num_symbols))
        )
    return tables


def _left(lengths: Sequence[int]) -> npt.NDArray[np.int32]:
    ends = np.cumsum(np.asarray(lengths, dtype=np.int64))
    return (np.repeat(ends, lengths) - np.arange(ends[-1] if len(ends) else 0)).astype(np.int32)


def _suffixes(above: CountTable, parents: Ints, symbols: Ints, num_symbols: int) -> Ints:
    """Where `symbols` follow the suffixes of `parents`, in the table above: they always do."""
    keys = above.parents * num_symbols + above.symbols
    return np.searchsorted(keys, above.suffixes[parents] * num_symbols + symbols)

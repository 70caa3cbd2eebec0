r"""ARPA, the text format that language-model toolkits exchange: written and read.

A line holds the logarithm to base 10 of an n-gram's probability, its symbols, and that of its back-off. Begin, end and
unknown are `<s>`, `</s>` and `<unk>`; a space, which would end a symbol, is `<space>`. The format does not say what its
symbols are, so reading asks for the unit. Toolkits that begin a sequence with several `<s>` write n-grams of them; here
one stands at the beginning, and n-grams with another are passed over, as nothing leads to them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from amanuensis.errors import ModelError
from amanuensis.language.ngram import NGramModel
from amanuensis.language.ngram_counts import Ints
from amanuensis.language.ngram_file import MAX_ORDER, Unit
from amanuensis.language.ngram_trie import NGramTrie
from amanuensis.language.smoothing import SmoothTable

BEGIN, END, UNKNOWN, SPACE = "<s>", "</s>", "<unk>", "<space>"
MAX_LINE = 2**16
_NEVER = -99.0  # by custom, for what cannot follow
_MISSING = 1e-7  # our addition: for an end or unknown symbol that a file does not tell


def write_arpa(model: NGramModel, path: Path | str) -> None:
    """Write a model as text.

    Raises:
        ModelError: a symbol holds white space, or is one of the four names.
    """
    names = [*map(_name, model.symbols), UNKNOWN, END, BEGIN]
    with Path(path).open("w", encoding="utf-8", newline="\n") as file:
        file.write("\\data\\\n")
        file.writelines(f"ngram {n}={size}\n" for n, size in enumerate(model.num_ngrams, start=1))
        for n, rows in enumerate(_rows(model.trie, names), start=1):
            file.write(f"\n\\{n}-grams:\n")
            file.writelines(rows)
        file.write("\n\\end\\\n")


def _name(symbol: str) -> str:
    if symbol == " ":
        return SPACE
    if symbol in {BEGIN, END, UNKNOWN, SPACE} or symbol.split() != [symbol]:
        raise ModelError(f"the symbol {symbol!r} cannot stand in an ARPA file")
    return symbol


def _rows(trie: NGramTrie, names: Sequence[str]) -> Iterator[Iterator[str]]:
    """The lines of each order."""
    above = [""]
    for n, level in enumerate(trie.levels, start=1):
        offsets = level.offsets.astype(np.int64)
        parents = np.repeat(np.arange(len(above)), offsets[1:] - offsets[:-1])
        ngrams = [
            f"{above[parent]} {names[symbol]}" if n > 1 else names[symbol]
            for parent, symbol in zip(parents.tolist(), level.symbols.tolist(), strict=True)
        ]
        log_probs = np.maximum(level.log_probs[:].astype(np.float64) / math.log(10), _NEVER).tolist()
        if n == len(trie.levels):
            yield (f"{p:.7g}\t{g}\n" for p, g in zip(log_probs, ngrams, strict=True))
        else:
            backoffs = (level.log_backoffs[:].astype(np.float64) / math.log(10)).tolist()
            yield (f"{p:.7g}\t{g}\t{b:.7g}\n" for p, g, b in zip(log_probs, ngrams, backoffs, strict=True))
        above = ngrams


def read_arpa(path: Path | str, unit: Unit) -> NGramModel:
    """Read a model from text.

    Args:
        path: the file.
        unit: what its symbols are.

    Raises:
        ModelError: naming the file and line: it cannot be read or is no such file, a line is no n-gram, numbers differ
            from those of its head, or an n-gram is there without its beginning.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            orders = _parsed(path, file)
    except OSError as error:
        raise ModelError(f"{path}: the language model cannot be read: {error.strerror}") from error
    singles = {names[0]: (log_prob, backoff) for names, log_prob, backoff in orders[0]}
    words = sorted(singles.keys() - {BEGIN, END, UNKNOWN})
    names = [*words, UNKNOWN, END, BEGIN]
    index = {name: i for i, name in enumerate(names)}
    unseen = {END: math.log10(_MISSING), UNKNOWN: math.log10(_MISSING), BEGIN: _NEVER}
    first = [((name,), *singles.get(name, (unseen.get(name, 0.0), 0.0))) for name in names]
    tables = [_table(first, index, [], path)]
    for rows in orders[1:]:
        tables.append(_table([row for row in rows if BEGIN not in row[0][1:]], index, tables, path))
    symbols = [" " if word == SPACE else word for word in words]
    return NGramModel(symbols, NGramTrie.build(tables, bits=32), unit)


_Row = tuple[tuple[str, ...], float, float]


def _parsed(path: Path, file: BinaryIO) -> list[list[_Row]]:
    """The n-grams of every order, as they stand."""
    orders: list[list[_Row]] = []
    sizes: list[int] = []
    for number, line in _lines(path, file):
        if line == "\\end\\":
            break
        if line.startswith("ngram ") and not orders:
            sizes.append(_size(path, number, line))
        elif line.startswith("\\") and line.endswith("-grams:"):
            orders.append([])
        elif line and orders:
            orders[-1].append(_row(path, number, line, len(orders)))
    if not sizes or not orders or len(sizes) > MAX_ORDER:
        raise ModelError(f"{path}: no ARPA file: \\data\\ and n-grams of 1 to {MAX_ORDER} symbols are needed")
    found = [len(rows) for rows in orders]
    if found != sizes:
        raise ModelError(f"{path}: its head tells {sizes} n-grams of each order, but there are {found}")
    return orders


def _lines(path: Path, file: BinaryIO) -> Iterator[tuple[int, str]]:
    """The lines with their numbers; never more than `MAX_LINE` bytes at once."""
    for number in itertools.count(1):
        row = file.readline(MAX_LINE + 1)
        if not row:
            return
        if len(row) > MAX_LINE:
            raise ModelError(f"{path}, line {number}: longer than {MAX_LINE:,} bytes; this is no ARPA file")
        try:
            yield number, row.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise ModelError(f"{path}, line {number}: not UTF-8 ({error.reason})") from error


def _size(path: Path, number: int, line: str) -> int:
    order, _, size = line.removeprefix("ngram ").partition("=")
    if not (order.strip().isdecimal() and size.strip().isdecimal()):
        raise ModelError(f"{path}, line {number}: {line!r} does not tell how many n-grams there are")
    return int(size)


def _row(path: Path, number: int, line: str, order: int) -> _Row:
    """The symbols of an n-gram, and the logarithms of its probability and back-off."""
    fields = line.split()
    if len(fields) not in (order + 1, order + 2):
        raise ModelError(f"{path}, line {number}: {line!r} is no n-gram of {order}")
    try:
        log_prob, backoff = float(fields[0]), float(fields[order + 1]) if len(fields) > order + 1 else 0.0
    except ValueError:
        raise ModelError(f"{path}, line {number}: {line!r} does not begin and end with numbers") from None
    if not (log_prob <= 0 and math.isfinite(backoff)):
        raise ModelError(f"{path}, line {number}: {fields[0]} is no logarithm of a probability")
    return tuple(fields[1 : order + 1]), log_prob, backoff


def _table(
    rows: Sequence[_Row], index: dict[str, int], above: Sequence[SmoothTable], path: Path
) -> SmoothTable:
    """The n-grams of one order, sorted, each with the row of its beginning."""
    try:
        symbols = np.array([[index[name] for name in names] for names, _, _ in rows], dtype=np.int64)
    except KeyError as error:
        raise ModelError(f"{path}: the symbol {error} stands in a longer n-gram, but not alone") from None
    symbols = symbols.reshape(len(rows), len(above) + 1)
    parents = np.zeros(len(rows), dtype=np.int64)
    for table, column in zip(above, symbols.T, strict=False):
        parents = _found(table, parents, column, len(index), path)
    keys = parents * len(index) + symbols[:, -1]
    order = np.argsort(keys)
    if (np.diff(keys[order]) == 0).any():
        raise ModelError(f"{path}: an n-gram of {len(above) + 1} symbols stands there twice")
    values = np.array([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), 2)[order]
    probs, backoffs = (np.exp(math.log(10) * np.maximum(column, _NEVER)) for column in values.T)
    nothing = np.zeros(len(rows), dtype=np.int64)
    return SmoothTable(parents[order], symbols[order, -1], nothing, nothing, probs, backoffs)


def _found(table: SmoothTable, parents: Ints, symbols: Ints, num_symbols: int, path: Path) -> Ints:
    """Where `symbols` follow `parents` in the table."""
    keys = table.parents * num_symbols + table.symbols
    wanted = parents * num_symbols + symbols
    found = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
    if len(wanted) and (len(keys) == 0 or (keys[found] != wanted).any()):
        raise ModelError(f"{path}: an n-gram is there without its beginning")
    return found

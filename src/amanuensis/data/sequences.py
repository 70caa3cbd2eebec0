r"""What a language model is trained on: sequences of symbols from text files, or from data sets' train splits.

A text file has one sequence a line, in UTF-8, plain or gzip. Lines of formulas may be captions or other LaTeX: a
well-formed caption is taken as it stands, all else is normalized (`latex.normalize_caption`), and what no caption can
say is named and left out. Of a data set the texts of `train` are taken; `val` is for the perplexity, and `test` is
never looked at.

Our addition: at most `MAX_SYMBOLS` symbols are taken, so that counting needs about a gigabyte, whatever the files.
"""

from __future__ import annotations

import gzip
import itertools
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from amanuensis.data.dataset import Dataset, Problem
from amanuensis.data.layouts import read_datasets
from amanuensis.errors import DataError
from amanuensis.language import Unit
from amanuensis.latex import mend, normalize_caption, tokenize

MAX_LINE_BYTES = 2**20
MAX_SYMBOLS = 2**23
_TABLES = frozenset({".zip", ".tsv", ".jsonl", ".parquet"})  # files that are data sets and not corpora
_MARK = "\ufeff"  # that some programs put before UTF-8


@dataclass(frozen=True, slots=True)
class Sequences:
    """What was found to train a language model on.

    Attributes:
        train: sequences to count; strings are sequences of their characters.
        val: of the data sets among the sources, to measure a perplexity on; there may be none.
        problems: lines and texts that are no sequence of such symbols, in the order met.
        complete: False if there was more than `MAX_SYMBOLS` symbols to train on.
    """

    train: tuple[Sequence[str], ...]
    val: tuple[Sequence[str], ...]
    problems: tuple[Problem, ...]
    complete: bool = True


def read_sequences(sources: Iterable[Path], unit: Unit, *, distinct: bool = False) -> Sequences:
    """Read text files and data sets.

    Args:
        sources: text files (`.gz` too), or data sets: folders, tables or packs.
        unit: what the symbols are.
        distinct: count each sequence once, however often it was written.

    Raises:
        DataError: a source cannot be read, is no UTF-8 text, has a line that is too long, has samples but none to train
            on; or there is no sequence at all.
    """
    problems: list[Problem] = []
    val: list[Sequence[str]] = []

    def texts() -> Iterator[tuple[str, str]]:
        for source in sources:
            if not source.is_dir() and source.suffix.lower() not in _TABLES:
                yield from _lines(source)
                continue
            datasets = read_datasets([source])
            problems.extend(problem for dataset in datasets for problem in dataset.problems)
            val.extend(sequence for _, sequence in _sequences(_texts(datasets, "val"), unit, problems))
            yield from _to_train_on(source, datasets)

    train: dict[object, Sequence[str]] = {}
    num_symbols = 0
    for number, (_, sequence) in enumerate(_sequences(texts(), unit, problems)):
        if num_symbols + len(sequence) > MAX_SYMBOLS:
            return Sequences(tuple(train.values()), tuple(val), tuple(problems), complete=False)
        key = sequence if distinct else number
        num_symbols += 0 if key in train else len(sequence)
        train.setdefault(key, sequence)
    if not train:
        first = f"; the first problem: {problems[0]}" if problems else ""
        raise DataError(f"nothing to train a language model on: no sequence of {unit} was found{first}")
    return Sequences(tuple(train.values()), tuple(val), tuple(problems))


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Where each line stands, and its text. Never more than `MAX_LINE_BYTES` of the file are held at once."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            for number in itertools.count(1):
                row = file.readline(MAX_LINE_BYTES + 1)
                if not row:
                    return
                yield f"{path}, line {number}", _decoded(row, path, number)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _decoded(row: bytes, path: Path, number: int) -> str:
    if len(row) > MAX_LINE_BYTES:
        raise DataError(
            f"{path}, line {number}: longer than {MAX_LINE_BYTES:,} bytes; a corpus has one sequence a line"
        )
    if b"\0" in row:
        raise DataError(f"{path}, line {number}: holds zero bytes; UTF-8 text is needed, plain or gzip (.gz)")
    try:
        text = row.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, line {number}: not UTF-8 ({error.reason} 0x{row[error.start]:02x}); save it as UTF-8 text"
        ) from error
    return text.removeprefix(_MARK) if number == 1 else text


def _to_train_on(source: Path, datasets: Sequence[Dataset]) -> list[tuple[str, str]]:
    found = _texts(datasets, "train")
    if not found:
        there = sorted({sample.split or "no split" for d in datasets for sample in d.samples})
        raise DataError(
            f"{source}: has no train split to take texts of (there is: {', '.join(there)}); "
            "texts without splits can be given as a text file"
        )
    return found


def _texts(datasets: Sequence[Dataset], split: str) -> list[tuple[str, str]]:
    return [(sample.key, sample.text) for dataset in datasets for sample in dataset.split(split)]


def _sequences(
    texts: Iterable[tuple[str, str]], unit: Unit, problems: list[Problem]
) -> Iterator[tuple[str, Sequence[str]]]:
    """The texts that are sequences of that unit; blank ones are passed over, and others named."""
    for where, text in texts:
        try:
            if sequence := _SPLITTERS[unit](text):
                yield where, sequence
        except DataError as error:
            problems.append(Problem(where, str(error)))


def _caption(text: str) -> Sequence[str]:
    tokens = tokenize(text)
    return _interned(normalize_caption(text) if mend(tokens).faults else tokens)


def _interned(symbols: Iterable[str]) -> tuple[str, ...]:
    """The symbols, each kept in memory once however often it is there."""
    return tuple(map(sys.intern, symbols))


_SPLITTERS: Mapping[Unit, Callable[[str], Sequence[str]]] = {
    "tokens": _caption,
    "characters": lambda text: " ".join(text.split()),
    "words": lambda text: _interned(text.split()),
}

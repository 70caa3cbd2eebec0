r"""What a language model is trained on: sequences of symbols from text files, or from data sets' train splits.

A text file has one sequence a line, in UTF-8, plain or gzip. Lines of formulas may be captions or other LaTeX: all are
brought into one form (`latex.normalize_caption`), and what no caption can say is named and left out. Of a data set the
texts of `train` are taken (of one without splits, all of them); `val` is for the perplexity, and `test` is never looked
at. Of a text file every fiftieth block of rows is held out, for the perplexity too: neighboring rows are alike, so
single rows would flatter.

Letters are composed (NFC) and runs of white space one space, as readings are spelt.

Our additions: printed text can be put into the spelling of transcribers and cut into lines of handwriting's length, so
that a model learns how lines begin and end; the texts of data sets can count several times beside a large corpus; and
at most `MAX_SYMBOLS` symbols are taken, so that counting needs about 3 GB, whatever the files.
"""

from __future__ import annotations

import gzip
import itertools
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from amanuensis.data.corpus import transcription_style
from amanuensis.data.crohme import detect_crohme
from amanuensis.data.dataset import Dataset, Problem, train_samples
from amanuensis.data.inkml_folder import detect_inkml
from amanuensis.data.layouts import read_datasets
from amanuensis.errors import DataError
from amanuensis.language import TextNormalization, Unit, split_words
from amanuensis.latex import normalize_caption

MAX_LINE_BYTES = 2**20
MAX_SYMBOLS = 2**25
HELD_OUT_ROWS = 100
HELD_OUT_BLOCKS = 50  # one of so many blocks is held out
_TABLES = frozenset({".zip", ".tsv", ".jsonl", ".parquet"})  # files that are data sets and not corpora
_MARK = "\ufeff"  # that some programs put before UTF-8


@dataclass(frozen=True, slots=True)
class Sequences:
    """What was found to train a language model on.

    Attributes:
        train: sequences to count; strings are sequences of their characters.
        val: of the data sets among the sources, to measure a perplexity on; there may be none.
        problems: lines and texts that are no sequence of such symbols, in the order met.
        held_out: blocks of the text files that are not in `train`; none of a short file.
        complete: False if there was more than `MAX_SYMBOLS` symbols to train on.
    """

    train: tuple[Sequence[str], ...]
    val: tuple[Sequence[str], ...]
    problems: tuple[Problem, ...]
    held_out: tuple[Sequence[str], ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Taking:
    """How sources become sequences.

    Attributes:
        distinct: count each sequence once, however often it was written.
        line_length: rows of text files are spelt as transcribers do (`transcription_style`) and their words put into
            lines of at most so many characters; None leaves rows as they are.
        repeat: how often each text of a data set counts.
    """

    distinct: bool = False
    line_length: int | None = None
    repeat: int = 1


class _Text(NamedTuple):
    """A text, where it stands, whether it is only to measure on, and how often it counts."""

    text: str
    where: str
    measured: bool = False
    times: int = 1


def unit_of(sources: Iterable[Path]) -> Unit:
    """What the symbols of some sources must be: tokens if one is a data set of formulas, else characters."""
    formulas = any(source.is_dir() and (detect_crohme(source) or detect_inkml(source)) for source in sources)
    return "tokens" if formulas else "characters"


def read_sequences(sources: Iterable[Path], unit: Unit, taking: Taking = Taking()) -> Sequences:
    """Read text files and data sets.

    Args:
        sources: text files (`.gz` too), or data sets: folders, tables or packs.
        unit: what the symbols are.
        taking: how rows and texts are taken.

    Raises:
        DataError: a source cannot be read, is no UTF-8 text, has a line that is too long, has samples but none to train
            on; or there is no sequence at all.
    """
    found = _Found(unit, taking)
    for source in sources:
        if not source.is_dir() and source.suffix.lower() not in _TABLES:
            complete = found.add(_of_file(source, taking.line_length))
        else:
            datasets = read_datasets([source])
            found.problems.extend(problem for dataset in datasets for problem in dataset.problems)
            found.validate(_texts(datasets, "val"))
            complete = found.add(_to_train_on(source, datasets, taking.repeat))
        if not complete:
            break
    else:
        complete = True
    if not found.train:
        first = f"; the first problem: {found.problems[0]}" if found.problems else ""
        raise DataError(f"nothing to train a language model on: no sequence of {unit} was found{first}")
    return Sequences(
        tuple(found.train), tuple(found.val), tuple(found.problems), tuple(found.held_out), complete
    )


def read_measured(
    sources: Iterable[Path], unit: Unit, split: str, taking: Taking = Taking()
) -> tuple[Sequence[str], ...]:
    """All rows of text files and one split of data sets, to measure a perplexity on.

    Raises:
        DataError: as `read_sequences`; a data set has nothing in that split.
    """
    found = _Found(unit, taking)
    for source in sources:
        if not source.is_dir() and source.suffix.lower() not in _TABLES:
            found.validate(_of_file(source, taking.line_length))
            continue
        texts = _texts(read_datasets([source]), split)
        if not texts:
            raise DataError(f"{source}: nothing is in the split {split!r}")
        found.validate(texts)
    if not found.val:
        raise DataError(f"nothing to measure a language model on: no sequence of {unit} was found")
    return tuple(found.val)


class _Found:
    """What was read so far."""

    def __init__(self, unit: Unit, taking: Taking) -> None:
        self.train: list[Sequence[str]] = []
        self.val: list[Sequence[str]] = []
        self.held_out: list[Sequence[str]] = []
        self.problems: list[Problem] = []
        self._split = _SPLITTERS[unit]
        self._seen: set[Sequence[str]] | None = set() if taking.distinct else None
        self._num_symbols = 0

    def add(self, texts: Iterable[_Text]) -> bool:
        """Take texts to train on; False if there is no more room."""
        for text in texts:
            sequence = self._sequence(text)
            if not sequence or self._is_known(sequence):
                continue
            if text.measured:
                self.held_out.append(sequence)
                continue
            self._num_symbols += text.times * len(sequence)
            if self._num_symbols > MAX_SYMBOLS:
                return False
            self.train.extend([sequence] * text.times)
        return True

    def validate(self, texts: Iterable[_Text]) -> None:
        """Take texts to measure on."""
        self.val.extend(sequence for text in texts if (sequence := self._sequence(text)))

    def _sequence(self, text: _Text) -> Sequence[str]:
        """Nothing of a blank text, nor of one that is no such sequence, which is named."""
        try:
            return self._split(text.text)
        except DataError as error:
            self.problems.append(Problem(text.where, str(error)))
            return ()

    def _is_known(self, sequence: Sequence[str]) -> bool:
        if self._seen is None:
            return False
        known = sequence in self._seen
        self._seen.add(sequence)
        return known


def _of_file(path: Path, line_length: int | None) -> Iterator[_Text]:
    """The rows of a text file, or its words put into lines; of every fiftieth block to measure on."""
    rows = ((number, text) for number, text in enumerate(_lines(path), start=1))
    for block, of_block in itertools.groupby(rows, key=lambda row: (row[0] - 1) // HELD_OUT_ROWS):
        measured = block % HELD_OUT_BLOCKS == HELD_OUT_BLOCKS - 1
        if line_length is None:
            for number, text in of_block:
                yield _Text(text, f"{path}, line {number}", measured)
        else:
            texts = (transcription_style(text) for _, text in of_block)
            for line in into_lines(texts, line_length):
                yield _Text(line, f"{path}, after line {block * HELD_OUT_ROWS}", measured)


def into_lines(texts: Iterable[str], line_length: int) -> Iterator[str]:
    """The words of running text in lines of at most so many characters; a longer word is a line of its own."""
    line = ""
    for word in itertools.chain.from_iterable(text.split() for text in texts):
        if line and len(line) + 1 + len(word) > line_length:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        yield line


def _lines(path: Path) -> Iterator[str]:
    """The text of each line. Never more than `MAX_LINE_BYTES` of the file are held at once."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            for number in itertools.count(1):
                row = file.readline(MAX_LINE_BYTES + 1)
                if not row:
                    return
                yield _decoded(row, path, number)
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


def _to_train_on(source: Path, datasets: Sequence[Dataset], times: int) -> list[_Text]:
    found = [sample for dataset in datasets for sample in train_samples(dataset.samples)]
    if not found:
        there = sorted({sample.split or "no split" for d in datasets for sample in d.samples})
        raise DataError(f"{source}: has no train split to take texts of (there is: {', '.join(there)})")
    return [_Text(sample.text, sample.key, times=times) for sample in found]


def _texts(datasets: Sequence[Dataset], split: str) -> list[_Text]:
    return [_Text(sample.text, sample.key) for dataset in datasets for sample in dataset.split(split)]


def _caption(text: str) -> Sequence[str]:
    return _interned(normalize_caption(text))


def _interned(symbols: Iterable[str]) -> tuple[str, ...]:
    """The symbols, each kept in memory once however often it is there."""
    return tuple(map(sys.intern, symbols))


_SPLITTERS: Mapping[Unit, Callable[[str], Sequence[str]]] = {
    "tokens": _caption,
    "characters": TextNormalization(),
    "words": lambda text: _interned(split_words(TextNormalization()(text))),
}

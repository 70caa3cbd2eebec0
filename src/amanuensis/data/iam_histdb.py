"""IAM-HistDB: `saintgalldb-v1.0` and `washingtondb-v1.0`, with their coded transcriptions decoded.

`ground_truth/transcription.txt` has one line a row, `ID spelling [edition words]`: characters separated by
`-`, words by `|`. Images are `data/line_images_normalized/ID.png`. Saint Gall's `sets/train.txt`, `valid.txt`
and `test.txt` list pages; Washington's `sets/cv1/` (the first of four partitions, D5) lists lines. After the
README files of the two databases; codes that those do not spell out are as our copies of the data use them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from amanuensis.data.dataset import Collector
from amanuensis.data.lists import SplitLists, numbered_lines
from amanuensis.data.pairs import IMAGE_SUFFIXES
from amanuensis.errors import DataError

_SETS = {"train.txt": "train", "valid.txt": "val", "test.txt": "test"}

# Points are marked on Saint Gall's 20 training pages only, though visible on all: so none is in the text.
_SAINT_GALL = {"et": "&", "pt": ""}

_WASHINGTON = {
    "s_pt": ".",
    "s_cm": ",",
    "s_mi": "-",
    "s_sq": ";",
    "s_qo": ":",
    "s_qt": "'",
    "s_bl": "(",
    "s_br": ")",
    "s_sl": "/",
    "s_et": "&",
    "s_lb": "£",
    "s_GW": "G.W.",
    "s_s": "s",  # the long s
}
_NUMERAL = re.compile(r"s_(\d(?:st|nd|rd|th)?)")


def decode_saint_gall(spelling: str) -> str:
    """The text of a coded line: `r-et|a-m-o-r-e-m-pt` is "r& amorem".

    Raises:
        DataError: naming a code that is unknown.
    """
    return _decode(spelling, _SAINT_GALL.get)


def decode_washington(spelling: str) -> str:
    """The text of a coded line: `s_2-s_7-s_0-s_pt|L-e-t-t-e-r-s` is "270. Letters".

    Raises:
        DataError: naming a code that is unknown.
    """
    return _decode(spelling, _washington_code)


def _washington_code(code: str) -> str | None:
    numeral = _NUMERAL.fullmatch(code)
    return numeral[1] if numeral else _WASHINGTON.get(code)


def _decode(spelling: str, meaning: Callable[[str], str | None]) -> str:
    """Decode word by word: a code of one character is that character."""
    words = []
    for word in spelling.split("|"):
        characters = [code if len(code) == 1 else meaning(code) for code in word.split("-")]
        if None in characters:
            raise DataError(f"unknown code {word.split('-')[characters.index(None)]!r}")
        words.append("".join(c for c in characters if c is not None))
    return " ".join(words)


def detect_saint_gall(path: Path) -> bool:
    """A folder with `ground_truth/transcription.txt` and `sets/train.txt`."""
    return _transcription(path).is_file() and (path / "sets" / "train.txt").is_file()


def detect_washington(path: Path) -> bool:
    """A folder with `ground_truth/transcription.txt` and `sets/cv1`."""
    return _transcription(path).is_file() and (path / "sets" / "cv1").is_dir()


def read_saint_gall(path: Path, collector: Collector) -> None:
    """Read `saintgalldb-v1.0`."""
    _read(path, path / "sets", decode_saint_gall, collector)


def read_washington(path: Path, collector: Collector) -> None:
    """Read `washingtondb-v1.0` with the partition cv1."""
    _read(path, path / "sets" / "cv1", decode_washington, collector)


def _transcription(path: Path) -> Path:
    return path / "ground_truth" / "transcription.txt"


def _read(path: Path, sets: Path, decode: Callable[[str], str], collector: Collector) -> None:
    """Read every row of the transcription; its split is that of the line or of its page."""
    splits = SplitLists({sets / name: split for name, split in _SETS.items()}, collector)
    for where, row in numbered_lines(_transcription(path), collector):
        id_, _, rest = row.strip().partition(" ")
        page = id_.rpartition("-")[0]
        split = splits.of(id_, page)
        try:
            text = decode(rest.split(" ")[0])
        except DataError as error:
            collector.problem(where, f"the transcription of {id_!r} has an {error}")
            continue
        image = collector.find(where, id_, folders=("data/line_images_normalized",), suffixes=IMAGE_SUFFIXES)
        collector.add(where, id_, image, text, split=split, page=page)
    splits.close()

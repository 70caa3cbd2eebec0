"""Text to write: rows of a corpus held compactly, and short runs of them as a line of handwriting would hold.

HTR-JAND's Algorithm 2 draws `RandomText(C)` without saying how; contiguous runs of words, mixed with dates,
numbers and capitals, are our addition.
"""

from __future__ import annotations

import gzip
import re
import unicodedata
import zlib
from pathlib import Path

import numpy as np

from amanuensis.errors import DataError

MAX_CORPUS_BYTES = 64 * 2**20
"""A corpus is read up to here, so that a worker's memory has a bound that the user's file does not move."""

SHORTEST_TEXT, LONGEST_TEXT = 3, 60

_SPELLING = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′", "'"),
        **dict.fromkeys("“”„‟″", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "…": "...",
        "\u00ad": None,
    }
)

_VISIBLE = re.compile(rb"[!-~]")

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "la": "Ian. Feb. Martii Aprilis Maii Iunii Iulii Augusti Septembris Octobris Novembris Decembris",
}


def transcription_style(text: str) -> str:
    """Printed text as transcribers spell it: straight quotes, plain hyphens, NFC, single spaces."""
    text = unicodedata.normalize("NFC", text).translate(_SPELLING).replace("--", "-")
    return " ".join(text.split())


def _has_text(row: bytes) -> bool:
    """Whether transcribers would write anything of a row; nearly every row is known by a visible ASCII character."""
    return _VISIBLE.search(row) is not None or transcription_style(row.decode("utf-8")) != ""


class Corpus:
    """The rows of one text file as one block of bytes and their ends: no object a row."""

    def __init__(self, block: bytes, ends: np.ndarray) -> None:
        self._block = block
        self._ends = ends

    @classmethod
    def read(cls, path: Path) -> Corpus:
        """Reads at most `MAX_CORPUS_BYTES` of a text file: UTF-8, one sentence a row, gzip if called *.gz.

        Raises:
            DataError: the file is missing, is damaged, or has no row of text.
        """
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                block = file.read(MAX_CORPUS_BYTES)
            if len(block) == MAX_CORPUS_BYTES:
                block = block[: block.rfind(b"\n") + 1]  # the reading may have stopped in the middle of a row
            block.decode("utf-8")
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise DataError(
                f"{path}: cannot be read as a corpus (UTF-8 text, plain or gzip): {error}"
            ) from error
        rows = [row for row in map(bytes.strip, block.splitlines()) if _has_text(row)]
        if not rows:
            raise DataError(f"{path}: holds no text; a corpus has one sentence a row")
        return cls(b"".join(rows), np.cumsum([len(row) for row in rows], dtype=np.int64))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> str:
        start = int(self._ends[index - 1]) if index else 0
        return self._block[start : int(self._ends[index])].decode("utf-8")


def sample_text(corpus: Corpus, language: str, rng: np.random.Generator) -> str:
    """A text of one line: a run of words of a random row; now and then in capitals, or with a date or number.

    `language` chooses the names of the months; of an unknown language the dates are in figures only.
    """
    text = _run_of_words(transcription_style(corpus[int(rng.integers(len(corpus)))]), rng)
    kind = rng.random()
    if kind < 0.03:
        return text.upper() if len(text) <= 25 else text
    if kind < 0.06:
        return " ".join(word[:1].upper() + word[1:] for word in text.split())
    if kind < 0.20:
        return _insert(text, _figures(language, rng), rng)
    return text


def _run_of_words(row: str, rng: np.random.Generator) -> str:
    """Whole words from a random place on, up to a random length; a single word longer than a line is cut."""
    words = row.split()
    wanted = int(rng.integers(SHORTEST_TEXT, LONGEST_TEXT + 1))
    # Starting so late that the row ends before the line does would make every second line too short.
    latest = len(words) - 1
    while latest > 0 and len(" ".join(words[latest:])) < wanted:
        latest -= 1
    first = int(rng.integers(latest + 1))
    text = words[first]
    for word in words[first + 1 :]:
        if len(text) >= SHORTEST_TEXT and len(text) + 1 + len(word) > wanted:
            break
        text = f"{text} {word}"
    return text[:LONGEST_TEXT].rstrip()


def _insert(text: str, figures: str, rng: np.random.Generator) -> str:
    """The figures before, after or amid the words that still find room beside them."""
    words: list[str] = []
    for word in text.split():
        if len(" ".join((*words, word, figures))) > LONGEST_TEXT:
            break
        words.append(word)
    words.insert(int(rng.integers(len(words) + 1)), figures)
    return " ".join(words)


def _figures(language: str, rng: np.random.Generator) -> str:
    """A date, a year, a number or a sum."""
    day, year = int(rng.integers(1, 32)), int(rng.integers(1600, 2030))
    month_number = int(rng.integers(12))
    months = _MONTHS.get(language, "").split()
    month = months[month_number] if months else str(month_number + 1)
    number = int(10 ** rng.uniform(0, 5))
    choices = (
        f"{day} {month} {year}",
        f"{month} {day}, {year}" if language == "en" else f"{day} {month}",
        f"{day}/{month_number + 1}/{year}",
        str(year),
        str(number),
        f"No {number}" if language == "en" else f"n° {number}",
        f"{number}.",
        f"({number})",
        f"{number},{int(rng.integers(100)):02d}",
        f"£{number}. {int(rng.integers(20))}. {int(rng.integers(12))}",
        f"{number} fr. {int(rng.integers(100)):02d}",
    )
    return choices[int(rng.integers(len(choices)))]

"""Lexicons: which words there are, how often, and after which others. Our reading of HTR-JAND's "LBC" (spec 2.11).

A word is a run of letters and the marks on them, so `l'ami` is two and `peut-être` too: lexicons of any
tokenization become comparable, and a French elision does not make every noun unknown. Case is kept in the forms
and ignored in looking up. A lexicon is a table, `word TAB count`, a pair of neighbours `word word TAB count`; a count
without a word is of all words together, where the table does not hold them all.
"""

from __future__ import annotations

import gzip
import math
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from amanuensis.errors import DataError

MAX_LEXICON_BYTES = 256 * 2**20
"""A lexicon is read up to here, unpacked: a wrong file must not fill the memory."""

_WORDS_BEHIND_A_LIST = 1_000_000
_PRIOR = 50.0  # how many occurrences of a word it takes until its followers count as much as frequency alone
_LONGEST = 60  # letters; what is longer is no word, and comparing it would take long


class Lexicon:
    """Words and their frequencies.

    Attributes:
        forms: how often each form, case kept, was seen.
        pairs: how often two words, case folded, were seen side by side; may be empty.
        total: occurrences of all words, or of how many a list without counts is taken to be.
    """

    def __init__(
        self, forms: Counter[str], pairs: Counter[tuple[str, str]] | None = None, *, total: int = 0
    ) -> None:
        """Take counts; see `from_texts` and `read_lexicon`. The total is at least that of the forms."""
        self.forms = forms
        self.pairs = pairs or Counter()
        self.total = max(total, sum(forms.values()))
        self._folded: Counter[str] = Counter()
        self._form_of: dict[str, str] = {}
        for form, count in sorted(forms.items(), key=lambda item: -item[1]):
            self._folded[form.lower()] += count
            self._form_of.setdefault(form.lower(), form)
        self._by_length: dict[int, list[str]] = {}
        for word in self._folded:
            self._by_length.setdefault(len(word), []).append(word)

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> Lexicon:
        """Count the words of lines or sentences, and their neighbours within a line."""
        forms: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        for text in texts:
            words = [text[start:end] for start, end in word_places(text)]
            forms.update(words)
            pairs.update(pairwise(word.lower() for word in words))
        return cls(forms, pairs)

    def __len__(self) -> int:
        """Words, case ignored."""
        return len(self._folded)

    def __contains__(self, word: str) -> bool:
        return word.lower() in self._folded

    def count(self, word: str) -> int:
        """Occurrences of a word in any case."""
        return self._folded[word.lower()]

    def form(self, word: str) -> str:
        """The commonest form of a known word: "Paris" for "paris"."""
        return self._form_of[word.lower()]

    def log_prob(self, word: str, before: str = "") -> float:
        """The natural logarithm of a known word's probability, given the word before it ("" if that is not known).

        Pair counts are smoothed by the frequency alone (a Dirichlet prior of weight 50: our choice).
        """
        folded, before = word.lower(), before.lower()
        alone = self._folded[folded] / max(1, self.total)
        if self.pairs and before:
            alone = (self.pairs[before, folded] + _PRIOR * alone) / (self._folded[before] + _PRIOR)
        return math.log(alone) if alone else -math.inf

    def near(self, word: str, *, distance: int, limit: int) -> list[str]:
        """The words, case folded, within an edit distance of a word: the nearest first, then the commonest.

        The word itself is among them if it is known.
        """
        folded = word.lower()
        if len(folded) > _LONGEST:
            return []
        found: list[tuple[int, int, str]] = []
        for length in range(max(1, len(folded) - distance), len(folded) + distance + 1):
            words = self._by_length.get(length, [])
            if not words:
                continue
            distances = process.cdist(
                [folded], words, scorer=Levenshtein.distance, score_cutoff=distance, dtype=np.uint8
            )[0]
            found += [
                (int(distances[place]), -self._folded[words[place]], words[place])
                for place in np.flatnonzero(distances <= distance)
            ]
        return [name for _, _, name in sorted(found)[:limit]]

    def union(self, other: Lexicon) -> Lexicon:
        """The counts of both added."""
        total = self.total + other.total
        return Lexicon(self.forms + other.forms, self.pairs + other.pairs, total=total)

    def to_bytes(self) -> bytes:
        """The table, commonest first, packed with gzip, without pairs seen once; equal lexicons give equal bytes."""
        return gzip.compress("".join(f"{row}\n" for row in self._rows()).encode(), mtime=0)

    def as_stored(self) -> Lexicon:
        """What `read_lexicon` makes of `to_bytes`: the one to tune a corrector with whose lexicon will be stored."""
        return _of_rows(enumerate(self._rows(), start=1), "lexicon")

    def _rows(self) -> list[str]:
        rows = [*self.forms.items(), *((f"{a} {b}", n) for (a, b), n in self.pairs.items() if n > 1)]
        rows += [("", self.total)] if self.total > sum(self.forms.values()) else []
        rows.sort(key=lambda row: (-row[1], row[0]))
        return [f"{word}\t{count}" for word, count in rows]


def word_places(text: str) -> list[tuple[int, int]]:
    """Where the words of a text stand: (start, end) of every run of letters and their marks."""
    places: list[tuple[int, int]] = []
    start = None
    for place, character in enumerate(f"{text} "):
        inside = character.isalpha() or (
            start is not None and unicodedata.category(character).startswith("M")
        )
        if inside and start is None:
            start = place
        elif not inside and start is not None:
            places.append((start, place))
            start = None
    return places


def read_lexicon(path: Path | str) -> Lexicon:
    """Read a table `word TAB count`, or a list with a word a line; UTF-8, packed with gzip or not.

    Counts default to 1. In a list without any, a word is taken for one in a million: a hundred names are not all that
    is ever written, and must not draw every other word to them. What is no letter cuts an entry into words, as it does
    in texts.

    Raises:
        DataError: the file cannot be read, is no text, too large, holds no word, or has a count that is none.
    """
    return _of_rows(_lines(Path(path)), path)


def _of_rows(rows: Iterable[tuple[int, str]], path: Path | str) -> Lexicon:
    """The lexicon of a table's numbered lines; `path` is what to call it in messages."""
    forms: Counter[str] = Counter()
    neighbors: Counter[tuple[str, str]] = Counter()
    total, has_counts = 0, False
    for number, line in rows:
        entry, _, told = line.partition("\t")
        count = _count(path, number, told.strip())
        has_counts = has_counts or bool(told.strip())
        total = total if entry.strip() else max(total, count)
        entry = unicodedata.normalize("NFC", entry)
        words = [entry[start:end] for start, end in word_places(entry)]
        if len(words) == 2 and entry == " ".join(words):
            neighbors[words[0], words[1]] += count
        else:
            for word in words:
                forms[word] += count
    if not forms and not neighbors:
        raise DataError(f"{path}: no lexicon: not one word is in it")
    return _with_neighbors(forms, neighbors, total if has_counts else _WORDS_BEHIND_A_LIST)


def read_lexicons(paths: Sequence[Path | str]) -> Lexicon:
    """Several lexicons as one, their counts added.

    Raises:
        DataError: as `read_lexicon`, or none is given.
    """
    if not paths:
        raise DataError("no lexicon is given")
    first, *rest = map(read_lexicon, paths)
    for other in rest:
        first = first.union(other)
    return first


def _with_neighbors(forms: Counter[str], neighbors: Counter[tuple[str, str]], total: int) -> Lexicon:
    """Pairs join words that are counted elsewhere; in a list of names ("New York") they are the words."""
    known = {form.lower() for form in forms}
    pairs: Counter[tuple[str, str]] = Counter()
    for (first, second), count in neighbors.items():
        pairs[first.lower(), second.lower()] += count
        for word in (first, second):
            forms[word] += 0 if word.lower() in known else count
    return Lexicon(+forms, pairs, total=total)


def _count(path: Path | str, number: int, told: str) -> int:
    if not told:
        return 1
    try:
        count = int(told)
    except ValueError:
        count = 0
    if count < 1:
        raise DataError(
            f"{path}:{number}: {told[:40]!r} is no count; a line is a word, a tab and a whole number"
        )
    return count


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that hold something, with their numbers."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as stream:
            content = stream.read(MAX_LEXICON_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: the lexicon cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error
    if len(content) > MAX_LEXICON_BYTES:
        raise DataError(f"{path}: more than {MAX_LEXICON_BYTES // 2**20} MB: that is no lexicon")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: a lexicon is UTF-8 text, and byte {error.start:,} is not") from error
    if "\0" in text:
        raise DataError(f"{path}: a lexicon is a text file, and this one holds NUL bytes")
    yield from ((number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip())

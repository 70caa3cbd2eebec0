"""Where the words of a line stand on its page (our addition).

A CTC network marks each character at some frames inside of it; the forced alignment of the text gives those frames,
but not where a character begins or ends. So the alignment says between which characters a gap has to be, and the ink
says where in there it is: words are cut in the middle of the widest run of columns without ink, and trimmed to their
ink.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from amanuensis.images import dark_on_light
from amanuensis.pages.coordinates import Box
from amanuensis.pages.crops import LineCrop
from amanuensis.records import Reading, Word, WordSpan

_INK = 0.45  # of the way from paper to the darkest ink: where a stroke's edge is
_DARKEST = 0.02  # share of the line's pixels that is taken for its ink's grey
_REACH = 1.5  # characters that the first and last letter may reach beyond where they were read


def words_of(reading: Reading, crop: LineCrop, size: tuple[int, int]) -> tuple[Word, ...]:
    """The words of a reading and their boxes on the page.

    Args:
        reading: with its words, in pixels of the crop.
        crop: what was read.
        size: width and height of the page, which boxes stay within.

    Returns:
        One for each word of the reading; none for a formula, which has no words.
    """
    if not reading.words:
        return ()
    ink = _ink_columns(crop)
    edges = itertools.pairwise(_edges(reading, ink))
    return tuple(
        Word(word.text, _box_on_page(crop, _trimmed(ink, *between, word), size), word.confidence, word.read)
        for word, between in zip(reading.words, edges, strict=True)
    )


def _ink_columns(crop: LineCrop) -> NDArray[np.int64]:
    """(W,) pixels of ink in each column of the line."""
    grey = dark_on_light(crop.grey)
    levels = grey[crop.inside]
    if not levels.size:
        return np.zeros(grey.shape[1], dtype=np.int64)
    dark, paper = np.quantile(levels, (_DARKEST, 0.5)).tolist()
    ink = (grey < paper - _INK * (paper - dark)) & crop.inside
    columns: NDArray[np.int64] = ink.sum(axis=0, dtype=np.int64)
    return columns


def _edges(reading: Reading, ink: NDArray[np.int64]) -> list[int]:
    """Where words are cut, with both ends of the line: one column more than there are words."""
    words = reading.words
    start, end = words[0].start, words[-1].end
    reach = _REACH * (end - start) / max(1, len(reading.spans))
    first = max(0, round(start - reach))
    last = min(len(ink), max(first + 1, round(end + reach)))
    cuts = [_cut(ink, before.end, after.start) for before, after in itertools.pairwise(words)]
    return [first, *cuts, last]


def _cut(ink: NDArray[np.int64], start: float, end: float) -> int:
    """The middle of the widest gap between two places; of the columns with the least ink, where there is no gap."""
    first, last = int(start), min(len(ink), max(int(start) + 1, int(np.ceil(end))))
    inside = ink[first:last]
    if not inside.size:
        return min(first, len(ink))
    lightest = np.flatnonzero(inside == inside.min())
    runs = np.split(lightest, np.flatnonzero(np.diff(lightest) > 1) + 1)
    widest = max(runs, key=len)
    return first + int(widest[0] + widest[-1] + 1) // 2


def _trimmed(ink: NDArray[np.int64], start: int, end: int, word: WordSpan) -> tuple[int, int]:
    """First and last column of a word's ink between two cuts; where there is none, where it was read."""
    columns = np.flatnonzero(ink[start:end])
    if columns.size:
        return start + int(columns[0]), start + int(columns[-1])
    last = len(ink) - 1
    first = min(last, int(word.start))
    return first, min(last, max(first, int(np.ceil(word.end)) - 1))


def _box_on_page(crop: LineCrop, columns: tuple[int, int], size: tuple[int, int]) -> Box:
    """The upright box on the page about some columns of the line's outline."""
    first, last = columns
    rows = np.flatnonzero(crop.inside[:, first : last + 1].any(axis=1))
    top, bottom = (int(rows[0]), int(rows[-1])) if rows.size else (0, crop.grey.shape[0] - 1)
    corners = np.array([(x, y, 1) for x in (first, last) for y in (top, bottom)], dtype=np.float64)
    xs, ys = np.rint(corners @ crop.to_page.T).astype(int).T
    width, height = size
    left, right = np.clip((xs.min(), xs.max()), 0, width - 1).tolist()
    upper, lower = np.clip((ys.min(), ys.max()), 0, height - 1).tolist()
    return left, upper, right, lower

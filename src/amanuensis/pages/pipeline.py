"""A page's lines, read: cut out, through a recognizer, and back into the page by their places. No line is dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from amanuensis.errors import AmanuensisError
from amanuensis.pages.crops import LineCrop, LineCutter
from amanuensis.pages.words import words_of
from amanuensis.records import Page, Reading, TextLine


class LineReader(Protocol):
    """What reads pictures of lines: a `Recognizer`."""

    def read_each(self, sources: Iterable[Any], *, load: Any = ...) -> Iterator[Reading | AmanuensisError]:
        """For every source, in order, its reading or what is wrong with it."""


def read_lines(page: Page, grey: NDArray[np.uint8], reader: LineReader) -> Page:
    """The page with a reading and words in every line, or the problem of a line that could not be read.

    Its lines are read together and with those of no other page, so that a page reads alike in any run.

    Args:
        page: its lines are known.
        grey: (H, W) its picture.
        reader: of lines.
    """
    cut = list(LineCutter(grey, page).cut_all())
    crops = [crop for _, crop in cut if isinstance(crop, LineCrop)]
    results = reader.read_each(crops, load=lambda crop: crop.grey)
    done = iter(
        [
            _failed(line, crop)
            if isinstance(crop, AmanuensisError)
            else _told(line, crop, next(results), (page.width, page.height))
            for line, crop in cut
        ]
    )
    regions = [replace(region, lines=tuple(next(done) for _ in region.lines)) for region in page.regions]
    return replace(page, regions=tuple(regions))


def _failed(line: TextLine, error: AmanuensisError) -> TextLine:
    return replace(line, reading=None, words=(), problem=str(error))


def _told(
    line: TextLine, crop: LineCrop, result: Reading | AmanuensisError, size: tuple[int, int]
) -> TextLine:
    if isinstance(result, AmanuensisError):
        return _failed(line, result)
    return replace(line, reading=result, words=words_of(result, crop, size), problem="")

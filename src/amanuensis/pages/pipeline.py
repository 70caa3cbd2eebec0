"""A page, read: its lines found or given, cut out, through a recognizer, and back into the page. None is dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from amanuensis.errors import AmanuensisError, DataError
from amanuensis.pages.crops import LineCrop, LineCutter
from amanuensis.pages.formulas import NEEDS_MODEL, FormulaReader, with_formula_lines
from amanuensis.pages.sources import PageSource
from amanuensis.pages.words import words_of
from amanuensis.records import Page, Reading, TextLine


class LineReader(Protocol):
    """What reads pictures of lines: a `Recognizer`."""

    def read_each(self, sources: Iterable[Any], *, load: Any = ...) -> Iterator[Reading | AmanuensisError]:
        """For every source, in order, its reading or what is wrong with it."""


Find = Callable[[Page, NDArray[np.uint8]], Page]
"""A page and its picture (H, W) to the page with its lines, in reading order."""


def read_page(
    source: PageSource, reader: LineReader, *, find: Find | None = None, formulas: FormulaReader | None = None
) -> Page:
    """The page of a source with all its lines read: those that its file gives, else those that are found.

    Args:
        source: where it comes from.
        reader: of lines.
        find: finds lines where the file gives none.
        formulas: reads what the file marks as formulas.

    Raises:
        ImageError: the picture cannot be read, or is not the one that the file was made for.
        DataError: the file gives no line, and there is nothing to find them with.
    """
    grey = source.load()
    page = replace(source.page, width=grey.shape[1], height=grey.shape[0])
    if not page.lines:
        if find is None:
            raise DataError(f"{source.name}: gives no lines; they have to be found first")
        page = find(page, grey)
    return read_lines(page, grey, reader, formulas=formulas)


def read_lines(
    page: Page, grey: NDArray[np.uint8], reader: LineReader, *, formulas: FormulaReader | None = None
) -> Page:
    """The page with a reading and words in every line, or the problem of a line that could not be read.

    Its lines are read together and with those of no other page, so that a page reads alike in any run.

    Args:
        page: its lines are known.
        grey: (H, W) its picture.
        reader: of lines.
        formulas: reads lines and regions that are marked as formulas; without it they say that they need one.
    """
    page = with_formula_lines(page)
    cut = list(LineCutter(grey, page).cut_all())
    of_text = [crop for line, crop in cut if isinstance(crop, LineCrop) and not line.is_formula]
    results = reader.read_each(of_text, load=lambda crop: crop.grey)
    of_formulas = [crop.grey for line, crop in cut if isinstance(crop, LineCrop) and line.is_formula]
    latex = iter(()) if formulas is None else formulas.read_each(of_formulas)

    def told(line: TextLine, crop: LineCrop | AmanuensisError) -> TextLine:
        if isinstance(crop, AmanuensisError):
            return _failed(line, crop)
        if line.is_formula:
            return _formula(line, DataError(NEEDS_MODEL) if formulas is None else next(latex))
        return _told(line, crop, next(results), (page.width, page.height))

    done = iter([told(line, crop) for line, crop in cut])
    regions = [replace(region, lines=tuple(next(done) for _ in region.lines)) for region in page.regions]
    return replace(page, regions=tuple(regions))


def _failed(line: TextLine, error: AmanuensisError) -> TextLine:
    return replace(line, reading=None, words=(), problem=str(error))


def _formula(line: TextLine, result: Reading | AmanuensisError) -> TextLine:
    if isinstance(result, AmanuensisError):
        return _failed(line, result)
    return replace(line, reading=result, words=(), problem="")


def _told(
    line: TextLine, crop: LineCrop, result: Reading | AmanuensisError, size: tuple[int, int]
) -> TextLine:
    if isinstance(result, AmanuensisError):
        return _failed(line, result)
    return replace(line, reading=result, words=words_of(result, crop, size), problem="")

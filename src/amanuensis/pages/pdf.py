"""Pages of PDF files, drawn by PDFium (extra `pages`)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amanuensis.errors import DataError, ImageError, MissingExtraError
from amanuensis.images.load import MAX_PIXELS
from amanuensis.pages.sources import PageSource, check_num_pages, page_id, picture_name
from amanuensis.records import Page

RESOLUTION = 300
"""Pixels per inch that pages are drawn at: what archives scan at, and some 60 pixels for a line of handwriting."""

_POINTS_PER_INCH = 72
_PDFIUM = threading.RLock()  # PDFium may be entered by one thread at a time


@dataclass(frozen=True, slots=True)
class PdfPicture:
    """Page `frame` of a PDF, counted from 0, drawn at `RESOLUTION`; huge sheets coarser, within `MAX_PIXELS`."""

    path: Path
    frame: int

    def file(self) -> Path:
        """The PDF."""
        return self.path

    def size(self) -> tuple[int, int]:
        """Width and height in pixels; see `Picture`."""
        with _opened(self.path) as document, _page(document, self) as page:
            scale = _scale(page)
            return _size(page, scale)

    def load(self) -> NDArray[np.uint8]:
        """(H, W) grey; see `Picture`."""
        with _opened(self.path) as document, _page(document, self) as page:
            bitmap = page.render(scale=_scale(page), grayscale=True)
            try:
                pixels = np.array(bitmap.to_numpy())
            finally:
                bitmap.close()
        return pixels.reshape(pixels.shape[:2])

    def resolution(self) -> float | None:
        """Pixels per inch that it is drawn at; see `Picture`."""
        with _opened(self.path) as document, _page(document, self) as page:
            return _POINTS_PER_INCH * _scale(page)


def read_pdf(path: Path) -> Iterator[PageSource]:
    """The pages of a PDF.

    Raises:
        DataError: it is broken, encrypted, or has too many pages.
        MissingExtraError: PDFium is not installed.
    """
    with _opened(path) as document:
        total = len(document)
        check_num_pages(total, path)
        sources = [_source(document, PdfPicture(path, frame)) for frame in range(total)]
    yield from sources


def read_pdf_page(path: Path, number: int) -> PageSource:
    """One page of a PDF, counted from 0; the others are not looked at.

    Raises:
        DataError, MissingExtraError: as `read_pdf`, or there is no such page.
    """
    with _opened(path) as document:
        total = len(document)
        check_num_pages(total, path)
        if not 0 <= number < total:
            raise DataError(f"{path}: has {total} pages, there is no page {number + 1}")
        return _source(document, PdfPicture(path, number))


def _source(document: Any, picture: PdfPicture) -> PageSource:
    width, height = _size_or_nothing(document, picture)
    name = page_id(picture.path, picture.frame, len(document))
    page = Page(name, picture_name(name), width, height, source=str(picture.path), frame=picture.frame)
    return PageSource(page, picture)


def _pdfium() -> Any:
    try:
        import pypdfium2  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("reading PDF", "pages") from error
    return pypdfium2


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    pdfium = _pdfium()
    with _PDFIUM:
        try:
            document = pdfium.PdfDocument(path)
        except (pdfium.PdfiumError, OSError) as error:
            raise DataError(
                f"{path}: PDFium cannot open it (broken, or needs a password): {error}"
            ) from error
        try:
            yield document
        finally:
            document.close()


@contextmanager
def _page(document: Any, picture: PdfPicture) -> Iterator[Any]:
    pdfium = _pdfium()
    try:
        page = document[picture.frame]
    except (pdfium.PdfiumError, IndexError) as error:
        raise ImageError(
            f"{picture.path}[{picture.frame + 1}]: PDFium cannot read this page: {error}"
        ) from error
    try:
        yield page
    except pdfium.PdfiumError as error:
        raise ImageError(f"{picture.path}[{picture.frame + 1}]: PDFium cannot draw it: {error}") from error
    finally:
        page.close()


def _scale(page: Any) -> float:
    """Pixels per point."""
    width, height = page.get_size()
    wanted = RESOLUTION / _POINTS_PER_INCH
    return float(min(wanted, (0.99 * MAX_PIXELS / max(1.0, width * height)) ** 0.5))


def _size(page: Any, scale: float) -> tuple[int, int]:
    """As PDFium rounds it."""
    width, height = page.get_size()
    return max(1, -int(-width * scale // 1)), max(1, -int(-height * scale // 1))


def _size_or_nothing(document: Any, picture: PdfPicture) -> tuple[int, int]:
    try:
        with _page(document, picture) as page:
            return _size(page, _scale(page))
    except ImageError:
        return 0, 0

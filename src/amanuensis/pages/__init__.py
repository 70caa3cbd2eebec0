"""Whole pages: read from images, PDF, PAGE, ALTO and IIIF manifests, cut into lines, written in archives' formats."""

from amanuensis.pages.pipeline import read_lines
from amanuensis.pages.read import read
from amanuensis.pages.sources import PageSource

__all__ = [
    "PageSource",
    "read",
    "read_lines",
]

"""Whole pages: read from images, PDF, PAGE, ALTO and IIIF manifests, cut into lines, written in archives' formats."""

from amanuensis.pages.image_names import FOLDERS_OF_XML
from amanuensis.pages.pipeline import read_lines
from amanuensis.pages.read import is_page_file, read
from amanuensis.pages.sources import PageSource

__all__ = [
    "FOLDERS_OF_XML",
    "PageSource",
    "is_page_file",
    "read",
    "read_lines",
]

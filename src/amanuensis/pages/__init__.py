"""Whole pages: read from images, PDF, PAGE, ALTO and IIIF manifests, cut into lines, written in archives' formats."""

from amanuensis.pages.image_names import FOLDERS_OF_XML
from amanuensis.pages.pipeline import read_lines
from amanuensis.pages.provenance import Provenance, moment_of_run
from amanuensis.pages.read import is_page_file, read
from amanuensis.pages.sources import PageSource
from amanuensis.pages.write import FORMATS, PageFormat, suffixes, write

__all__ = [
    "FOLDERS_OF_XML",
    "FORMATS",
    "PageFormat",
    "PageSource",
    "Provenance",
    "is_page_file",
    "moment_of_run",
    "read",
    "read_lines",
    "suffixes",
    "write",
]

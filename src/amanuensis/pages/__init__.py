"""Whole pages: read from images, PDF, PAGE, ALTO and IIIF manifests, cut into lines, written in archives' formats."""

from amanuensis.pages.crops import with_outlines
from amanuensis.pages.image_names import FOLDERS_OF_XML
from amanuensis.pages.overlay import draw_overlay, overlay_png
from amanuensis.pages.pipeline import LineReader, read_lines, read_page
from amanuensis.pages.provenance import Provenance, moment_of_run
from amanuensis.pages.read import is_page_file, read, read_one
from amanuensis.pages.segment import FINDERS, line_finder, segment
from amanuensis.pages.segment_found import FoundLine, FoundLines, LineFinder
from amanuensis.pages.segment_kraken import KrakenFinder
from amanuensis.pages.sources import PageSource
from amanuensis.pages.write import FORMATS, PageFormat, suffixes, write

__all__ = [
    "FINDERS",
    "FOLDERS_OF_XML",
    "FORMATS",
    "FoundLine",
    "FoundLines",
    "KrakenFinder",
    "LineFinder",
    "LineReader",
    "PageFormat",
    "PageSource",
    "Provenance",
    "draw_overlay",
    "is_page_file",
    "line_finder",
    "moment_of_run",
    "overlay_png",
    "read",
    "read_lines",
    "read_one",
    "read_page",
    "segment",
    "suffixes",
    "with_outlines",
    "write",
]

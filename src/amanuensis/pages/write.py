"""Formats that pages are written in: a name, a suffix, and a function from a page to bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from PIL import Image

from amanuensis.errors import DataError
from amanuensis.pages.provenance import Provenance
from amanuensis.pages.sources import PageSource
from amanuensis.pages.update_alto_xml import update_alto_xml
from amanuensis.pages.update_page_xml import update_page_xml
from amanuensis.pages.write_alto_xml import alto_xml
from amanuensis.pages.write_hocr import hocr
from amanuensis.pages.write_page_xml import page_xml
from amanuensis.pages.write_pdf import searchable_pdf
from amanuensis.pages.write_plain import json_document, plain_text, table
from amanuensis.pages.write_tei import tei
from amanuensis.pages.xml_files import read_bytes
from amanuensis.records import Page

Write = Callable[[Page, PageSource, Provenance], bytes]


@dataclass(frozen=True, slots=True)
class PageFormat:
    """A way to write a page.

    Attributes:
        told: what it is, in words.
        suffix: of its file.
        write: a page, its source and what read it to the file's bytes.
    """

    told: str
    suffix: str
    write: Write


def _page(page: Page, source: PageSource, provenance: Provenance) -> bytes:
    same = source.in_place(page)
    if source.given is None or source.form != "page" or same is None:
        return page_xml(page, provenance)
    return update_page_xml(read_bytes(source.given), same, provenance, str(source.given))


def _alto(page: Page, source: PageSource, provenance: Provenance) -> bytes:
    same = source.in_place(page)
    if source.given is None or source.form != "alto" or same is None:
        return alto_xml(page, provenance)
    return update_alto_xml(read_bytes(source.given), same, provenance, str(source.given))


def _png(page: Page, source: PageSource, provenance: Provenance) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(source.load()).save(encoded, "PNG", optimize=True)
    return encoded.getvalue()


FORMATS: Mapping[str, PageFormat] = {
    "txt": PageFormat("text, a row per line", ".txt", lambda page, _, __: plain_text(page)),
    "tsv": PageFormat("a table of lines with boxes and confidences", ".tsv", lambda page, _, __: table(page)),
    "json": PageFormat("everything that is known", ".json", lambda page, _, by: json_document(page, by)),
    "page": PageFormat("PAGE XML 2019-07-15; a PAGE file that was read is updated", ".page.xml", _page),
    "alto": PageFormat("ALTO XML 4.4; an ALTO file that was read is updated", ".alto.xml", _alto),
    "hocr": PageFormat("hOCR 1.2", ".hocr", lambda page, _, by: hocr(page, by)),
    "tei": PageFormat("TEI P5 with a facsimile", ".tei.xml", lambda page, _, by: tei(page, by)),
    "pdf": PageFormat(
        "searchable PDF", ".pdf", lambda page, source, by: searchable_pdf([(page, source)], by)
    ),
    "png": PageFormat("the grey picture: of a PDF or TIFF, what page files name", ".png", _png),
}
"""By the name that users give."""


def suffixes(forms: Iterable[str]) -> dict[str, str]:
    """The suffix of each format's file; XML that is the only one of a page is plain .xml, as tools expect it.

    Raises:
        DataError: there is no such format.
    """
    wanted = list(dict.fromkeys(forms))
    for form in wanted:
        if form not in FORMATS:
            raise DataError(f"there is no format {form!r} for pages; there are: {', '.join(FORMATS)}")
    found = {form: FORMATS[form].suffix for form in wanted}
    xml = [form for form, suffix in found.items() if suffix.endswith(".xml")]
    return {form: ".xml" if [form] == xml else suffix for form, suffix in found.items()}


def write(page: Page, source: PageSource, forms: Iterable[str], provenance: Provenance) -> dict[str, bytes]:
    """A page in the formats asked for: file contents by suffix.

    Args:
        page: as it was read.
        source: where it came from: a PAGE or ALTO file is updated where its format is asked for.
        forms: names of `FORMATS`.
        provenance: what read it.

    Raises:
        DataError: there is no such format, or the file that was read has changed since.
        ImageError: the picture for a PDF cannot be read.
    """
    return {suffix: FORMATS[form].write(page, source, provenance) for form, suffix in suffixes(forms).items()}

"""TEI P5: a facsimile with zones, and the text with line beginnings that point to them."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from amanuensis.pages.outlines import line_outline, region_outline
from amanuensis.pages.provenance import SOFTWARE, Provenance
from amanuensis.pages.xml_writing import Element, Ids, add, confidence_text, document, page_points, xml_text
from amanuensis.records import Page, Region, TextLine, Word


def tei(page: Page, provenance: Provenance) -> bytes:
    """A page as a TEI document. Gaps are `gap`, with what was read beneath the threshold left out."""
    root = Element("TEI", {"xmlns": "http://www.tei-c.org/ns/1.0"})
    _add_header(root, page, provenance)
    ids = Ids()
    surface = add(
        add(root, "facsimile"),
        "surface",
        {
            "xml:id": ids.new("surface"),
            "ulx": "0",
            "uly": "0",
            "lrx": str(page.width),
            "lry": str(page.height),
        },
    )
    size = {"width": f"{page.width}px", "height": f"{page.height}px"}
    add(surface, "graphic", {"url": page.image, **size})
    body = add(add(root, "text"), "body")
    division = add(body, "div")
    add(division, "pb", {"facs": "#surface", "n": str(page.frame + 1)})
    for region in page.regions:
        _add_region(surface, division, region, page, ids)
    for part in root:
        if part.tag != "text":  # white space in there would be text
            ElementTree.indent(part)
    return document(root, indented=False)


def _add_header(root: Element, page: Page, provenance: Provenance) -> None:
    header = add(root, "teiHeader")
    description = add(header, "fileDesc")
    add(add(description, "titleStmt"), "title", text=page.id)
    add(add(description, "publicationStmt"), "p", text="Read by machine, not corrected.")
    add(add(description, "sourceDesc"), "p", text=page.image)
    information = add(add(header, "encodingDesc"), "appInfo")
    attributes = {"ident": SOFTWARE, "version": provenance.version, "when": provenance.timestamp}
    application = add(information, "application", attributes)
    add(application, "label", text=f"Model: {provenance.model}")


def _add_region(surface: Element, division: Element, region: Region, page: Page, ids: Ids) -> None:
    zone = _zone(
        surface, ids.new(region.id), page_points(region_outline(region, page)), region.kind or "region"
    )
    block = add(division, "ab", {"facs": f"#{zone.get('xml:id')}"}, "\n")
    for number, line in enumerate(region.lines, 1):
        inner = _zone(zone, ids.new(line.id), page_points(line_outline(line, page)), "line")
        _add_line(block, line, str(inner.get("xml:id")), number)


def _zone(parent: Element, name: str, points: str, kind: str) -> Element:
    return add(parent, "zone", {"xml:id": name, "points": points, "rendition": kind})


def _add_line(block: Element, line: TextLine, zone: str, number: int) -> None:
    """A row of the file per line: where it begins, how sure it is, its text."""
    last = add(block, "lb", {"facs": f"#{zone}", "n": str(number)})
    if line.reading is not None:
        certainty = {
            "target": f"#{zone}",
            "locus": "value",
            "degree": confidence_text(line.reading.confidence),
        }
        last = add(block, "certainty", certainty)
    if line.problem and not line.text:
        last = add(block, "gap", {"reason": "not read"})
        add(last, "desc", text=line.problem)
    elif any(word.read is not None for word in line.words):
        last = _add_words(block, last, line.words)
    else:
        last.tail = xml_text(line.text)
    last.tail = f"{last.tail or ''}\n"


def _add_words(block: Element, last: Element, words: Sequence[Word]) -> Element:
    """Words and gaps after an element; the last element then."""
    for index, word in enumerate(words):
        last.tail = f"{last.tail or ''}{' ' if index else ''}"
        if word.read is None:
            last.tail += xml_text(word.text)
        else:
            last = add(block, "gap", {"reason": "illegible"})
    return last

"""hOCR 1.2: XHTML with the place and confidence of lines and words."""

from __future__ import annotations

from amanuensis.pages.coordinates import Box, box_of
from amanuensis.pages.outlines import line_baseline, line_outline, region_outline
from amanuensis.pages.provenance import Provenance
from amanuensis.pages.xml_writing import Element, Ids, add, document, xml_text
from amanuensis.records import Page, Points, Region, TextLine

_CAPABILITIES = "ocr_page ocr_carea ocr_line ocrx_word ocrp_wconf ocrp_poly"


def hocr(page: Page, provenance: Provenance) -> bytes:
    """A page as hOCR. The spaces between words are text, so that a browser shows it."""
    root = Element("html", {"xmlns": "http://www.w3.org/1999/xhtml"})
    head = add(root, "head")
    add(head, "title", text=page.id)
    metadata = {
        "ocr-system": f"{provenance.software} ({provenance.model})",
        "ocr-capabilities": _CAPABILITIES,
        "ocr-number-of-pages": "1",
    }
    for name, content in metadata.items():
        add(head, "meta", {"name": name, "content": content})
    image = page.image.replace('"', "'")
    title = f'image "{image}"; {_box((0, 0, max(0, page.width - 1), max(0, page.height - 1)))}; ppageno {page.frame}'
    ids = Ids()
    element = add(add(root, "body"), "div", {"class": "ocr_page", "id": ids.new("page"), "title": title})
    for region in page.regions:
        _add_region(element, region, page, ids)
    return document(root)


def _add_region(parent: Element, region: Region, page: Page, ids: Ids) -> None:
    outline = region_outline(region, page)
    attributes = {"class": "ocr_carea", "id": ids.new(region.id), "title": _box(box_of(outline))}
    area = add(parent, "div", attributes)
    for line in region.lines:
        _add_line(area, line, page, ids)


def _add_line(parent: Element, line: TextLine, page: Page, ids: Ids) -> None:
    outline = line_outline(line, page)
    box = box_of(outline)
    baseline = _baseline(line_baseline(line, page), box)
    polygon = " ".join(f"{x} {y}" for x, y in outline)
    told = "" if line.reading is None else f"; x_wconf {_percent(line.reading.confidence)}"
    title = f"{_box(box)}; {baseline}; poly {polygon}{told}"
    name = ids.new(line.id)
    element = add(parent, "span", {"class": "ocr_line", "id": name, "title": title})
    if not line.words:
        element.text = xml_text(line.text)
    for number, word in enumerate(line.words, 1):
        title = f"{_box(word.box)}; x_wconf {_percent(word.confidence)}"
        attributes = {"class": "ocrx_word", "id": ids.new(f"{name}_w{number}"), "title": title}
        add(element, "span", attributes, word.text)


def _box(box: Box) -> str:
    """HOCR's right and bottom do not belong to the box."""
    left, top, right, bottom = box
    return f"bbox {left} {top} {right + 1} {bottom + 1}"


def _percent(confidence: float) -> str:
    return f"{100 * confidence:.2f}"


def _baseline(points: Points, box: Box) -> str:
    """Slope and offset from the lower left corner of the line's box, y downwards."""
    (x, y), (end_x, end_y) = points[0], points[-1]
    slope = (end_y - y) / (end_x - x) if end_x != x else 0.0
    return f"baseline {slope:.4f} {round(y + slope * (box[0] - x)) - box[3] - 1}"

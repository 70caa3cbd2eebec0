"""PAGE 2019-07-15 as Transkribus and eScriptorium open it: whole points, relative names, ReadingOrder, baselines."""

from __future__ import annotations

from amanuensis.pages.coordinates import rectangle
from amanuensis.pages.outlines import line_baseline, line_outline, region_outline
from amanuensis.pages.provenance import Provenance
from amanuensis.pages.xml_writing import Element, Ids, add, confidence_text, document, page_points
from amanuensis.records import Page, Region, TextLine, Word

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"

_REGION_TYPES = (
    "paragraph",
    "heading",
    "caption",
    "header",
    "footer",
    "page-number",
    "drop-capital",
    "credit",
    "floating",
    "signature-mark",
    "catch-word",
    "marginalia",
    "footnote",
    "footnote-continued",
    "endnote",
    "TOC-entry",
    "list-label",
    "other",
)


def page_xml(page: Page, provenance: Provenance) -> bytes:
    """A new PAGE document.

    Lines that were not read keep what their source says; what could not be read says so in `comments`.
    """
    root = Element(
        "PcGts",
        {
            "xmlns": NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": f"{NAMESPACE} {NAMESPACE}/pagecontent.xsd",
        },
    )
    _add_metadata(root, provenance)
    size = {"imageWidth": str(page.width), "imageHeight": str(page.height)}
    element = add(root, "Page", {"imageFilename": page.image, **size})
    ids = Ids()
    names = [ids.new(region.id) for region in page.regions]
    _add_reading_order(element, ids.new("reading_order"), names)
    for index, (region, name) in enumerate(zip(page.regions, names, strict=True)):
        _add_region(element, region, name, _Writer(page, ids, index))
    return document(root)


def metadata_item(provenance: Provenance) -> Element:
    """What made the text: the software, and the model as a label."""
    attributes = {
        "type": "processingStep",
        "name": "handwritten text recognition",
        "value": provenance.software,
    }
    item = Element("MetadataItem", {**attributes, "date": provenance.timestamp})
    add(add(item, "Labels"), "Label", {"type": "model", "value": provenance.model})
    return item


def text_equivalent(text: str, confidence: float | None, **attributes: str) -> Element:
    """A TextEquiv; without a confidence where there is none."""
    told = {} if confidence is None else {"conf": confidence_text(confidence)}
    equivalent = Element("TextEquiv", {**attributes, **told})
    add(equivalent, "Unicode", text=text)
    return equivalent


def word_element(word: Word, name: str) -> Element:
    """A Word with its box, text and confidence."""
    element = Element("Word", {"id": name})
    add(element, "Coords", {"points": page_points(rectangle(word.box))})
    element.append(text_equivalent(word.text, word.confidence))
    return element


def _add_metadata(root: Element, provenance: Provenance) -> None:
    metadata = add(root, "Metadata")
    add(metadata, "Creator", text=provenance.software)
    add(metadata, "Created", text=provenance.timestamp)
    add(metadata, "LastChange", text=provenance.timestamp)
    metadata.append(metadata_item(provenance))


def _add_reading_order(page: Element, name: str, regions: list[str]) -> None:
    if not regions:  # the schema wants an order of something, or none
        return
    group = add(add(page, "ReadingOrder"), "OrderedGroup", {"id": name})
    for index, region in enumerate(regions):
        add(group, "RegionRefIndexed", {"index": str(index), "regionRef": region})


class _Writer:
    """Writes the lines of one region."""

    def __init__(self, page: Page, ids: Ids, index: int) -> None:
        self.page = page
        self.ids = ids
        self.index = index

    def add_line(self, parent: Element, line: TextLine, index: int) -> None:
        name = self.ids.new(line.id)
        attributes = {"id": name, "custom": _custom(index, _line_kind(line))}
        if line.problem:
            attributes["comments"] = f"not read: {line.problem}"
        element = add(parent, "TextLine", attributes)
        add(element, "Coords", {"points": page_points(line_outline(line, self.page))})
        add(element, "Baseline", {"points": page_points(line_baseline(line, self.page))})
        for number, word in enumerate(line.words, 1):
            element.append(word_element(word, self.ids.new(f"{name}_w{number}")))
        if line.reading is not None:
            element.append(text_equivalent(line.reading.text, line.reading.confidence))
        elif line.transcription is not None:
            element.append(text_equivalent(line.transcription, None))


def _add_region(page: Element, region: Region, name: str, writer: _Writer) -> None:
    kind = region.kind or ("formula" if region.is_formula else "")
    attributes = {"id": name, "custom": _custom(writer.index, kind)}
    if kind in _REGION_TYPES:
        attributes["type"] = kind
    element = add(page, "TextRegion", attributes)
    add(element, "Coords", {"points": page_points(region_outline(region, writer.page))})
    for index, line in enumerate(region.lines):
        writer.add_line(element, line, index)
    if any(line.text for line in region.lines):
        element.append(text_equivalent("\n".join(line.text for line in region.lines), None))


def _line_kind(line: TextLine) -> str:
    return line.kind or ("formula" if line.is_formula else "")


def _custom(index: int, kind: str) -> str:
    """Order and type as Transkribus and eScriptorium read them; what would end the type is left out of it."""
    order = f"readingOrder {{index:{index};}}"
    kind = "".join(character for character in kind if character not in ";{}")
    return f"{order} structure {{type:{kind};}}" if kind else order

"""ALTO 4.4: blocks, lines with baselines, a String per word with its confidence, in pixels, in reading order."""

from __future__ import annotations

from dataclasses import dataclass

from amanuensis.pages.coordinates import Box, box_of
from amanuensis.pages.outlines import line_baseline, line_outline, region_outline
from amanuensis.pages.provenance import SOFTWARE, Provenance
from amanuensis.pages.xml_writing import Element, Ids, add, alto_points, confidence_text, document, xml_text
from amanuensis.records import Page, Points, Region, TextLine, Word

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"

_SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"

Scale = tuple[float, float]
"""Units of the document per pixel in x and y."""


def alto_xml(page: Page, provenance: Provenance) -> bytes:
    """A new ALTO document. Lines that were not read keep what their source says, or are empty."""
    root = Element(
        "alto",
        {
            "xmlns": NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": f"{NAMESPACE} {_SCHEMA}",
            "SCHEMAVERSION": "4.4",
        },
    )
    ids = Ids()
    description = add(root, "Description")
    add(description, "MeasurementUnit", text="pixel")
    add(add(description, "sourceImageInformation"), "fileName", text=page.image)
    description.append(processing(provenance, ids.new("processing_1")))
    tags = _add_tags(root, page, ids)
    names = [ids.new(region.id) for region in page.regions]
    _add_reading_order(root, names, ids)
    layout = add(root, "Layout")
    size = {"WIDTH": str(page.width), "HEIGHT": str(page.height)}
    number = {"ID": ids.new("page"), "PHYSICAL_IMG_NR": str(page.frame + 1)}
    space = add(add(layout, "Page", {**number, **size}), "PrintSpace", {"HPOS": "0", "VPOS": "0", **size})
    writer = _Writer(page, ids, tags)
    for region, name in zip(page.regions, names, strict=True):
        writer.add_block(space, region, name)
    return document(root)


def processing(provenance: Provenance, name: str, tag: str = "Processing") -> Element:
    """What made the text, as a step of processing."""
    step = Element(tag, {"ID": name} if name else {})
    add(step, "processingCategory", text="contentGeneration")
    add(step, "processingDateTime", text=provenance.timestamp)
    add(step, "processingStepDescription", text="handwritten text recognition")
    add(step, "processingStepSettings", text=f"model: {provenance.model}")
    software = add(step, "processingSoftware")
    add(software, "softwareName", text=SOFTWARE)
    add(software, "softwareVersion", text=provenance.version)
    return step


def strings(line: TextLine, box: Box, scale: Scale = (1.0, 1.0)) -> list[Element]:
    """Strings and spaces of a line; one String for a text without words, an empty one for no text.

    Args:
        line: with its words.
        box: the line's, for a text without words, in pixels.
        scale: of the document.
    """
    if not line.words:
        confidence = None if line.reading is None else line.reading.confidence
        return [_string(line.text, box, confidence, scale)]
    elements: list[Element] = []
    before: Word | None = None
    for word in line.words:
        if before is not None:
            elements.append(_space(before.box, word.box, scale))
        elements.append(_string(word.text, word.box, word.confidence, scale))
        before = word
    return elements


def _string(text: str, box: Box, confidence: float | None, scale: Scale) -> Element:
    told = {} if confidence is None else {"WC": confidence_text(confidence)}
    return Element("String", {"CONTENT": xml_text(text), **_place(box, scale), **told})


def _space(before: Box, after: Box, scale: Scale) -> Element:
    left, right = before[2] + 1, max(before[2] + 1, after[0])
    box = (left, min(before[1], after[1]), right - 1, max(before[3], after[3]))
    place = _place(box, scale)
    return Element("SP", {key: place[key] for key in ("HPOS", "VPOS", "WIDTH")})


def _place(box: Box, scale: Scale = (1.0, 1.0)) -> dict[str, str]:
    left, top, right, bottom = box
    (across, down) = scale
    return {
        "HPOS": str(round(left * across)),
        "VPOS": str(round(top * down)),
        "WIDTH": str(round((right - left + 1) * across)),
        "HEIGHT": str(round((bottom - top + 1) * down)),
    }


def _add_tags(root: Element, page: Page, ids: Ids) -> dict[str, str]:
    """The types of regions and lines as tags: from the type to the tag's id."""
    parts: list[Region | TextLine] = [*page.regions, *page.lines]
    kinds = dict.fromkeys(map(_kind, parts))
    kinds.pop("", None)
    if not kinds:
        return {}
    tags = add(root, "Tags")
    names = {kind: ids.new(f"tag_{number}") for number, kind in enumerate(kinds, 1)}
    for kind, name in names.items():
        add(tags, "OtherTag", {"ID": name, "LABEL": kind})
    return names


def _kind(part: Region | TextLine) -> str:
    return part.kind or ("formula" if part.is_formula else "")


def _add_reading_order(root: Element, regions: list[str], ids: Ids) -> None:
    if not regions:
        return
    group = add(add(root, "ReadingOrder"), "OrderedGroup", {"ID": ids.new("reading_order")})
    for number, region in enumerate(regions, 1):
        add(group, "ElementRef", {"ID": ids.new(f"order_{number}"), "REF": region})


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the blocks of one page."""

    page: Page
    ids: Ids
    tags: dict[str, str]

    def add_block(self, parent: Element, region: Region, name: str) -> None:
        outline = region_outline(region, self.page)
        block = add(parent, "TextBlock", {"ID": name, **self._tagged(region), **_place(box_of(outline))})
        _add_shape(block, outline)
        for line in region.lines:
            self._add_line(block, line)

    def _add_line(self, block: Element, line: TextLine) -> None:
        outline = line_outline(line, self.page)
        box = box_of(outline)
        baseline = {"BASELINE": alto_points(line_baseline(line, self.page))}
        attributes = {"ID": self.ids.new(line.id), **self._tagged(line), **baseline, **_place(box)}
        element = add(block, "TextLine", attributes)
        _add_shape(element, outline)
        element.extend(strings(line, box))

    def _tagged(self, part: Region | TextLine) -> dict[str, str]:
        kind = _kind(part)
        return {"TAGREFS": self.tags[kind]} if kind else {}


def _add_shape(parent: Element, outline: Points) -> None:
    add(add(parent, "Shape"), "Polygon", {"POINTS": alto_points(outline)})

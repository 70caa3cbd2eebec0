"""Reading ALTO (versions 1 to 4) as its schema has it, and as eScriptorium, Transkribus and library scanners write it.

Coordinates may be tenths of millimeters or 1/1200 inch; they become pixels of the image. Strings are words or, as
eScriptorium writes them, whole lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amanuensis.errors import DataError
from amanuensis.pages.coordinates import MAX_COORDINATE, Box, clip, parse_points, rectangle
from amanuensis.pages.sources import NamedPicture, page_id, page_size
from amanuensis.pages.xml_files import (
    Element,
    check_all_found,
    child,
    children,
    descendants,
    is_formula_kind,
    local,
    namespace,
    unique_ids,
    whole_number,
)
from amanuensis.records import Page, Points, Region, TextLine

_NAMESPACE = re.compile(r"(http://www\.loc\.gov/standards/alto/ns-v\d#|http://schema\.ccs-gmbh\.com/ALTO|)")


def is_alto(root: Element) -> bool:
    """Whether the document is ALTO, of any version."""
    return local(root) == "alto" and _NAMESPACE.fullmatch(namespace(root)) is not None


def alto_lines(root: Element) -> dict[Element, str]:
    """Every text line of the document, in document order, and its id."""
    return unique_ids(descendants(root, "TextLine"), "ID", "line")


def image_name(root: Element) -> str:
    """The image's name as the document gives it; "" where it gives none."""
    found = next(descendants(root, "fileName"), None)
    return (found.text or "").strip() if found is not None else ""


def measurement_unit(root: Element) -> str:
    """The unit: "pixel", "mm10" or "inch1200"; pixel where the document says nothing."""
    found = next(descendants(root, "MeasurementUnit"), None)
    return (found.text or "").strip().casefold() if found is not None else "pixel"


def page_elements(root: Element) -> list[Element]:
    """The pages of the document."""
    layout = child(root, "Layout")
    return [] if layout is None else list(children(layout, "Page"))


def read_alto_xml(root: Element, path: Path) -> list[Page]:
    """The pages of an ALTO document, one in nearly all; their image is only named, and asked for its size if needed.

    Raises:
        DataError: there is no page, coordinates that are none, or a size that no picture may have.
        ImageError: the unit is not pixels, and there is no image to relate it to.
    """
    elements = page_elements(root)
    if not elements:
        raise DataError(f"{path}: ALTO without a Page")
    image, line_ids = image_name(root) or path.stem, alto_lines(root)
    pages = []
    for frame, element in enumerate(elements):
        size = _size_of_page(root, element, NamedPicture(path, image, frame), str(path))
        scale = pixels_per_unit(root, element, size, str(path))
        reader = _Reader(str(path), size, scale, line_ids, _labels(root))
        blocks = _ordered_blocks(root, element)
        regions = tuple(reader.region(block, block_id) for block, block_id in blocks)
        pages.append(Page(page_id(path, frame, len(elements)), image, *size, regions, str(path), frame))
    check_all_found(pages, line_ids, str(path))
    return pages


def _size_of_page(root: Element, page: Element, picture: NamedPicture, where: str) -> tuple[int, int]:
    """In pixels; only a document in pixels can say so itself."""
    if measurement_unit(root) == "pixel":
        return page_size(_given_size(page, where), picture, where)
    return picture.size()


def _given_size(page: Element, where: str) -> tuple[float, float]:
    """In the document's unit; 0 where it is missing."""
    return whole_number(page.attrib, "WIDTH", where), whole_number(page.attrib, "HEIGHT", where)


def pixels_per_unit(root: Element, page: Element, size: tuple[int, int], where: str) -> tuple[float, float]:
    """Pixels per unit of the document in x and y.

    Args:
        root: the document.
        page: one of its pages.
        size: of that page in pixels.
        where: what to call the document in messages.

    Raises:
        DataError: the unit is none of ALTO's, or it is not pixels and the page has no size.
    """
    unit = measurement_unit(root)
    if unit == "pixel":
        return 1.0, 1.0
    if unit not in ("mm10", "inch1200"):
        raise DataError(f"{where}: the measurement unit {unit[:40]!r} is none of pixel, mm10, inch1200")
    width, height = _given_size(page, where)
    if not (width and height):
        raise DataError(
            f"{where}: its unit is {unit}: WIDTH and HEIGHT of the page are needed to tell pixels"
        )
    return size[0] / width, size[1] / height


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns elements of one page into records."""

    path: str
    size: tuple[int, int]
    scale: tuple[float, float]
    line_ids: dict[Element, str]
    labels: dict[str, str]

    def region(self, element: Element, name: str) -> Region:
        kind = self._kind(element)
        is_formula = is_formula_kind(kind)
        lines = tuple(self._line(line, is_formula) for line in children(element, "TextLine"))
        return Region(name, self._outline(element, name), lines, kind, is_formula)

    def _line(self, element: Element, in_formula: bool) -> TextLine:
        name, kind = self.line_ids[element], self._kind(element)
        return TextLine(
            id=name,
            polygon=self._outline(element, name),
            baseline=self._baseline(element, name),
            kind=kind,
            is_formula=in_formula or is_formula_kind(kind),
            transcription=transcription_of(element),
        )

    def _kind(self, element: Element) -> str:
        """The label of its first tag; else its TYPE, of version 2."""
        tags = element.get("TAGREFS", "").split()
        return next((self.labels[tag] for tag in tags if tag in self.labels), element.get("TYPE", ""))

    def _outline(self, element: Element, name: str) -> Points:
        shape = child(element, "Shape")
        polygon = child(shape, "Polygon") if shape is not None else None
        points = () if polygon is None else self._points(polygon.get("POINTS", ""), f"Polygon of {name}")
        box = None if points else self._box(element, name)
        return points if box is None else clip(rectangle(box), *self.size)

    def _box(self, element: Element, name: str) -> Box | None:
        if not all(key in element.attrib for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT")):
            return None
        where = f"{self.path}: {name}"
        x, y = (whole_number(element.attrib, key, where, least=-MAX_COORDINATE) for key in ("HPOS", "VPOS"))
        width, height = (whole_number(element.attrib, key, where) for key in ("WIDTH", "HEIGHT"))
        (across, down) = self.scale
        left, top = round(x * across), round(y * down)
        # ALTO's box ends before its right and bottom, which belong to ours.
        right, bottom = round((x + width) * across) - 1, round((y + height) * down) - 1
        return left, top, max(left, right), max(top, bottom)

    def _baseline(self, element: Element, name: str) -> Points:
        """Points; or, before version 4, one height that goes for the whole line."""
        text = element.get("BASELINE", "").strip()
        if re.fullmatch(r"-?[\d.]+", text):
            box = self._box(element, name)
            if box is None:
                return ()
            y = self._points(f"0,{text}", f"BASELINE of {name}")[0][1]
            return clip(((box[0], y), (box[2], y)), *self.size)
        return self._points(text, f"BASELINE of {name}")

    def _points(self, text: str, what: str) -> Points:
        return clip(parse_points(text, f"{self.path}: {what}", scale=self.scale), *self.size)


def transcription_of(line: Element) -> str | None:
    """The text of a line: its Strings with a space between them, a hyphen at its end; None where it has no String."""
    strings = [string.get("CONTENT", "") for string in children(line, "String")]
    hyphens = [hyphen.get("CONTENT", "") for hyphen in children(line, "HYP")]
    return " ".join(strings) + "".join(hyphens) if strings or hyphens else None


def _labels(root: Element) -> dict[str, str]:
    tags = child(root, "Tags")
    return {} if tags is None else {tag.get("ID", ""): tag.get("LABEL", "") for tag in tags}


def _ordered_blocks(root: Element, page: Element) -> list[tuple[Element, str]]:
    """Text blocks, in composed ones too, and their ids, in reading order (version 4.3), else as in the document."""
    ids = unique_ids(descendants(root, "TextBlock"), "ID", "region")
    blocks = list(descendants(page, "TextBlock"))
    order = child(root, "ReadingOrder")
    references = [] if order is None else list(_references(order))
    mentioned = {name: place for place, name in reversed(list(enumerate(references)))}
    blocks.sort(key=lambda block: mentioned.get(block.get("ID", ""), len(mentioned)))
    return [(block, ids[block]) for block in blocks]


def _references(order: Element) -> Iterator[str]:
    for element in order.iter():
        yield from element.get("REF", "").split()

"""Reading PAGE (PRImA; 2010 to 2019) as its schema has it, and as Transkribus and eScriptorium write it.

Transkribus keeps reading order and types in the attribute `custom` and puts cells into tables; eScriptorium leaves
points empty and writes types as `custom="structure {type:...}"`. Whatever element holds text lines is a region here:
no line is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amanuensis.errors import DataError
from amanuensis.pages.coordinates import clip, parse_points
from amanuensis.pages.sources import NamedPicture, page_size
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

_NAMESPACE = re.compile(r"https?://schema\.primaresearch\.org/PAGE/gts/pagecontent/\d{4}-\d\d-\d\d")
_KEPT_EMPTY = (
    "TextRegion",
    "MathsRegion",
)  # may yet get lines; other regions count only where they have some
_ORDER = re.compile(r"readingOrder\s*\{[^}]*?index\s*:\s*(\d+)")
_TYPE = re.compile(r"structure\s*\{[^}]*?type\s*:\s*([^;}]+)")


def is_page(root: Element) -> bool:
    """Whether the document is PAGE, of any of its years."""
    return local(root) == "PcGts" and _NAMESPACE.fullmatch(namespace(root)) is not None


def page_lines(root: Element) -> dict[Element, str]:
    """Every text line of the document, in document order, and its id."""
    return unique_ids(descendants(root, "TextLine"), "id", "line")


def read_page_xml(root: Element, path: Path) -> Page:
    """The page of a PAGE document; its image is only named, and asked for its size where the document has none.

    Raises:
        DataError: there is no page, coordinates that are none, or a size that no picture may have.
    """
    element = child(root, "Page")
    if element is None:
        raise DataError(f"{path}: PAGE without a Page")
    image = element.get("imageFilename", "")
    given = (
        whole_number(element.attrib, "imageWidth", str(path)),
        whole_number(element.attrib, "imageHeight", str(path)),
    )
    width, height = page_size(given, NamedPicture(path, image), str(path))
    reader = _Reader(str(path), width, height, page_lines(root))
    page = Page(
        id=path.stem,
        image=image,
        width=width,
        height=height,
        regions=tuple(reader.region(region, name) for region, name in page_regions(element)),
        source=str(path),
    )
    check_all_found([page], reader.line_ids, str(path))
    return page


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns elements of one page into records."""

    path: str
    width: int
    height: int
    line_ids: dict[Element, str]

    def region(self, element: Element, name: str) -> Region:
        kind = _kind(element) or ("formula" if local(element) == "MathsRegion" else element.get("type", ""))
        is_formula = local(element) == "MathsRegion" or is_formula_kind(kind)
        lines = [self._line(line, is_formula) for line in _in_order(list(children(element, "TextLine")))]
        return Region(name, self._points(element, "Coords", name), tuple(lines), kind, is_formula)

    def _line(self, element: Element, in_formula: bool) -> TextLine:
        name, kind = self.line_ids[element], _kind(element)
        return TextLine(
            id=name,
            polygon=self._points(element, "Coords", name),
            baseline=self._points(element, "Baseline", name),
            kind=kind,
            is_formula=in_formula or is_formula_kind(kind),
            transcription=transcription_of(element),
        )

    def _points(self, element: Element, tag: str, name: str) -> Points:
        found = child(element, tag)
        if found is None:
            return ()
        where = f"{self.path}: {tag} of {name}"
        if "points" in found.attrib:
            points = parse_points(found.attrib["points"], where)
        else:  # 2010: one element per point
            text = " ".join(
                f"{point.get('x', '')},{point.get('y', '')}" for point in children(found, "Point")
            )
            points = parse_points(text, where)
        return clip(points, self.width, self.height)


def transcription_of(element: Element) -> str | None:
    """The text of a line: its first TextEquiv's; else its words'; None where it has neither.

    First is the one of lowest `index`, or without one.
    """
    equivalents = sorted(children(element, "TextEquiv"), key=text_index)
    for equivalent in equivalents:
        found = child(equivalent, "Unicode")
        if found is not None:
            return "".join(found.itertext())
    words = [transcription_of(word) for word in children(element, "Word")]
    return " ".join(word for word in words if word) if any(words) else None


def text_index(equivalent: Element) -> int:
    """The `index` of a TextEquiv; 0 where it has none, or no number."""
    given = equivalent.get("index", "0")
    return int(given[:9]) if given.isascii() and given.isdecimal() else 0


def _kind(element: Element) -> str:
    """The type in `custom`, which Transkribus and eScriptorium write."""
    found = _TYPE.search(element.get("custom", ""))
    return found.group(1).strip() if found else ""


def _custom_index(element: Element) -> int | None:
    found = _ORDER.search(element.get("custom", ""))
    return int(found.group(1)[:9]) if found else None


def _in_order(lines: list[Element]) -> list[Element]:
    """Lines, or regions, by the places in `custom` or `index`, if all have one; else as they stand."""
    places = [_custom_index(line) for line in lines]
    if None in places:
        given = [line.get("index", "") for line in lines]
        places = [int(index[:9]) if index.isascii() and index.isdecimal() else None for index in given]
    if None in places:
        return lines
    order = sorted(range(len(lines)), key=lambda i: places[i] or 0)
    return [lines[i] for i in order]


def page_regions(page: Element) -> list[tuple[Element, str]]:
    """The regions of a Page element with lines (or that may get some), and their ids, in reading order.

    The order is that of ReadingOrder; regions inside another follow it; what is not mentioned comes last. Without
    a ReadingOrder the places in `custom` count, and else the document's order.
    """
    regions = list(_regions(page, ()))
    ids = unique_ids((path[-1] for path in regions), "id", "region")
    mentioned = {name: place for place, name in reversed(list(enumerate(_reading_order(page))))}

    def place(path: tuple[Element, ...]) -> int:
        known = [mentioned[name] for element in path if (name := element.get("id", "")) in mentioned]
        return known[-1] if known else len(mentioned)

    ordered = sorted(regions, key=place)  # stable: as in the document where places are equal
    return [(path[-1], ids[path[-1]]) for path in ordered]


def _regions(element: Element, above: tuple[Element, ...]) -> Iterator[tuple[Element, ...]]:
    """Every region, with those that it lies in before it, in document order or by places in `custom`."""
    inside = [inner for inner in element if local(inner) != "TextLine"]
    regions = _in_order([inner for inner in inside if _is_region(inner)])
    for region in regions:
        path = (*above, region)
        if local(region) in _KEPT_EMPTY or child(region, "TextLine") is not None:
            yield path
        yield from _regions(region, path)
    for other in inside:
        if not _is_region(other):
            yield from _regions(other, above)


def _is_region(element: Element) -> bool:
    tag = local(element)
    return tag.endswith("Region") or tag == "TableCell" or child(element, "TextLine") is not None


def _reading_order(page: Element) -> Iterator[str]:
    """The ids of ReadingOrder, groups inside groups, ordered ones by index."""
    order = child(page, "ReadingOrder")
    yield from _references(order) if order is not None else ()


def _references(group: Element) -> Iterator[str]:
    indexed = local(group).startswith("Ordered")
    members = list(group)
    if indexed:
        members.sort(key=_index)
    for member in members:
        if name := member.get("regionRef"):
            yield name
        yield from _references(member)


def _index(member: Element) -> int:
    given = member.get("index", "")
    return int(given[:9]) if given.isascii() and given.isdecimal() else 10**9

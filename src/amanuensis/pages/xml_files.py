"""What PAGE and ALTO files share: opening them safely, names without their space, ids, numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sized
from pathlib import Path
from xml.etree import ElementTree

from amanuensis.errors import DataError
from amanuensis.markup import parse_xml
from amanuensis.pages.coordinates import MAX_COORDINATE
from amanuensis.records import Page

Element = ElementTree.Element

MAX_BYTES = 64 * 1024 * 1024
"""Of one page file; the largest seen, a newspaper page with glyphs, has 30 MB."""
MAX_DEPTH = 64
"""Of nested elements; PAGE's deepest, table cells with words and glyphs, needs about 10."""

_FORMULA_KINDS = frozenset(("formula", "formulas", "math", "maths", "mathematics", "equation"))
_KIND_ENDINGS = re.compile(r"(zone|line|region)$")


def read_bytes(path: Path) -> bytes:
    """A page file's bytes.

    Raises:
        DataError: it cannot be read, or is larger than `MAX_BYTES`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise DataError(f"{path}: larger than {MAX_BYTES // 1024 // 1024} MB: no page file is")
    return data


def parse_page_file(data: bytes, name: str) -> Element:
    """The root element; see `parse_xml` for what is refused.

    Raises:
        DataError: it is broken, declares what is refused, or is nested deeper than `MAX_DEPTH`.
    """
    root = parse_xml(data, name)
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise DataError(f"{name}: elements are nested deeper than {MAX_DEPTH}: no page file is")
        level = [child for element in level for child in element]
    return root


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def namespace(element: Element) -> str:
    """An element's namespace; "" where it has none."""
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""


def children(element: Element, *names: str) -> Iterator[Element]:
    """The children of these local names, in order."""
    return (child for child in element if local(child) in names)


def child(element: Element, name: str) -> Element | None:
    """The first child of a local name."""
    return next(children(element, name), None)


def descendants(element: Element, *names: str) -> Iterator[Element]:
    """All descendants of these local names, in document order."""
    return (found for found in element.iter() if found is not element and local(found) in names)


def unique_ids(elements: Iterable[Element], attribute: str, prefix: str) -> dict[Element, str]:
    """An id for every element: its own; with a number where it is used before; `prefix` and a number for none."""
    ids: dict[Element, str] = {}
    taken: set[str] = set()
    for number, element in enumerate(elements, 1):
        wanted = element.get(attribute) or f"{prefix}_{number}"
        name, again = wanted, 2
        while name in taken:
            name, again = f"{wanted}_{again}", again + 1
        taken.add(name)
        ids[element] = name
    return ids


def whole_number(attributes: Mapping[str, str], key: str, where: str, *, least: float = 0) -> float:
    """A number from `least`, as a rule 0, to `MAX_COORDINATE`; 0 where it is missing.

    Raises:
        DataError: it is no such number.
    """
    given = attributes.get(key, "0")
    try:
        number = float(given)
    except ValueError:
        number = float("nan")
    if not least <= number <= MAX_COORDINATE:
        raise DataError(
            f"{where}: {key} is {given[:40]!r}; a number of at least {least:g} and at most {MAX_COORDINATE:,} is needed"
        )
    return number


def is_formula_kind(kind: str) -> bool:
    """Whether a region's or line's type says that it is a formula: "formula", "MathsZone:inline", "equation"."""
    word = kind.casefold().partition(":")[0].strip()
    return _KIND_ENDINGS.sub("", word) in _FORMULA_KINDS


def check_all_found(pages: Iterable[Page], lines: Sized, where: str) -> None:
    """Nothing disappears: as many lines were read as there are elements of lines.

    Raises:
        DataError: lines lie where no schema lets them, in other lines or outside of any region.
    """
    found = sum(len(page.lines) for page in pages)
    if found != len(lines):
        raise DataError(f"{where}: {len(lines) - found} of {len(lines)} text lines lie outside of any region")

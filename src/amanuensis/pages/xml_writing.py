"""What the writers of XML share: text that XML may hold, ids, points, layout of the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree

from amanuensis.records import Points

Element = ElementTree.Element

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_IDS = re.compile(r"[^\w.-]")


def xml_text(text: str) -> str:
    """The text, characters that no XML document may hold (control characters) replaced by U+FFFD."""
    return _NOT_IN_XML.sub("\ufffd", text)


def add(
    parent: Element, tag: str, attributes: Mapping[str, str] | None = None, text: str | None = None
) -> Element:
    """A new child at the end."""
    child = ElementTree.SubElement(
        parent, tag, {key: xml_text(value) for key, value in (attributes or {}).items()}
    )
    child.text = None if text is None else xml_text(text)
    return child


def document(root: Element, *, indented: bool = True) -> bytes:
    """The file: UTF-8, with a declaration, indented by two spaces where white space is no text."""
    if indented:
        ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def confidence_text(confidence: float) -> str:
    """Four decimals: more would tell rounding errors apart, and results would depend on the machine."""
    return f"{confidence:.4f}"


def page_points(points: Points) -> str:
    """As PAGE writes them: x,y x,y; a single point twice, for the schema wants two."""
    return " ".join(f"{x},{y}" for x, y in (points if len(points) > 1 else points * 2))


def alto_points(points: Points) -> str:
    """As eScriptorium writes them in ALTO: x y x y."""
    return " ".join(f"{x} {y}" for x, y in points)


class Ids:
    """Ids that are unique in a document and that XML allows: the wanted ones wherever that is possible."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def new(self, wanted: str) -> str:
        """An id that no other has."""
        name = _NOT_IN_IDS.sub("_", wanted)
        if not name or not (name[0].isalpha() or name[0] == "_"):
            name = f"_{name}"
        unique, again = name, 2
        while unique in self._taken:
            unique, again = f"{name}_{again}", again + 1
        self._taken.add(unique)
        return unique

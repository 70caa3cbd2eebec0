"""Changing an XML document in place: only the bytes of what is changed differ (our addition).

A document that is parsed and written again loses what a parser does not keep: quotes, line breaks in tags, entities of
characters, comments, the order of declarations. So elements are located in the bytes, and new ones spliced in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.parsers import expat

from amanuensis.errors import DataError
from amanuensis.pages.xml_files import parse_page_file
from amanuensis.pages.xml_writing import Element, xml_text

_NAME = re.compile(rb"<([^\s/>]+)")
_TAG = re.compile(rb"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_BLANK_BEFORE = re.compile(rb"[ \t\r\n]*\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an element stands in the bytes of its document.

    Attributes:
        start: its opening `<`.
        inside: after its opening tag; `end` if it is empty (`<a/>`).
        close: the `<` of its closing tag; `end` if it is empty.
        end: after it.
    """

    start: int
    inside: int
    close: int
    end: int

    @property
    def is_empty_tag(self) -> bool:
        """Whether it is written `<a/>`."""
        return self.inside == self.close == self.end


class Splice:
    """A document and the changes to make in it.

    Args:
        data: the document.
        name: what to call it in messages.

    Raises:
        DataError: it is broken, or declares what is refused.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.root: Element = parse_page_file(data, name)
        self._data = data
        self._encoding, places = _located(data, name)
        elements = list(self.root.iter())
        if len(elements) != len(places):
            raise DataError(f"{name}: cannot be changed in place")
        self._places = dict(zip(elements, places, strict=True))
        self._edits: list[tuple[int, int, int, bytes]] = []

    def replace(self, old: Element, new: Element) -> None:
        """Put one element in the place of another, under its prefix."""
        place = self._places[old]
        self._edit(place.start, place.end, self._written(new, old))

    def replace_text(self, element: Element, text: str) -> None:
        """Change what an element holds to a text."""
        place = self._places[element]
        escaped = self._encoded(_escaped(text))
        if place.is_empty_tag:
            self._open(element, escaped)
        else:
            self._edit(place.inside, place.close, escaped)

    def remove(self, element: Element) -> None:
        """Take out an element and the white space before it."""
        place = self._places[element]
        self._edit(place.start - len(self._blank_before(place.start)), place.end, b"")

    def insert_after(self, element: Element, new: list[Element]) -> None:
        """Put elements behind another, laid out like it, under its prefix; in the order in which this is called."""
        place = self._places[element]
        blank = self._blank_before(place.start)
        self._edit(place.end, place.end, b"".join(blank + self._written(one, element) for one in new))

    def insert_first(self, parent: Element, new: list[Element]) -> None:
        """Put elements before all else that an element holds."""
        place = self._places[parent]
        written = b"".join(self._written(one, parent) for one in new)
        if place.is_empty_tag:
            self._open(parent, written)
        else:
            self._edit(place.inside, place.inside, written)

    def result(self) -> bytes:
        """The document with all changes."""
        parts: list[bytes] = []
        position = 0
        for start, end, _, new in sorted(self._edits):
            parts += [self._data[position:start], new]
            position = max(position, end)
        return b"".join([*parts, self._data[position:]])

    def _edit(self, start: int, end: int, new: bytes) -> None:
        self._edits.append((start, end, len(self._edits), new))

    def _open(self, element: Element, content: bytes) -> None:
        """Turn `<a/>` into `<a>content</a>`."""
        place = self._places[element]
        slash = self._data.rindex(b"/", place.start, place.end)
        self._edit(slash, place.end, b">" + content + b"</" + self._raw_name(element) + b">")

    def _blank_before(self, position: int) -> bytes:
        found = _BLANK_BEFORE.search(self._data, max(0, position - 200), position)
        return found.group() if found else b""

    def _raw_name(self, element: Element) -> bytes:
        found = _NAME.match(self._data, self._places[element].start)
        assert found is not None
        return found.group(1)

    def _written(self, new: Element, beside: Element) -> bytes:
        """A new element as bytes, its names under the prefix of one that is there."""
        prefix, colon, _ = self._raw_name(beside).decode(self._encoding).rpartition(":")
        for element in new.iter():
            element.tag = f"{prefix}{colon}{element.tag}"
        return self._encoded(ElementTree.tostring(new, encoding="unicode"))

    def _encoded(self, text: str) -> bytes:
        return text.encode(self._encoding, errors="xmlcharrefreplace")


def _escaped(text: str) -> str:
    return (
        xml_text(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    )


def _located(data: bytes, name: str) -> tuple[str, list[Place]]:
    """The document's encoding, and the place of every element in document order."""
    parser = expat.ParserCreate()
    starts: list[int] = []
    ends: dict[int, int] = {}
    open_elements: list[int] = []
    encoding = "utf-8"

    def declared(_version: str, declared_encoding: str | None, _standalone: int) -> None:
        nonlocal encoding
        encoding = declared_encoding or encoding

    def begin(_name: str, _attributes: dict[str, str]) -> None:
        open_elements.append(len(starts))
        starts.append(parser.CurrentByteIndex)

    def finish(_name: str) -> None:
        ends[open_elements.pop()] = parser.CurrentByteIndex

    parser.XmlDeclHandler = declared
    parser.StartElementHandler = begin
    parser.EndElementHandler = finish
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise DataError(f"{name}: broken XML: {error}") from error
    return encoding, [_place(data, start, ends[number]) for number, start in enumerate(starts)]


def _place(data: bytes, start: int, close: int) -> Place:
    tag = _TAG.match(data, start)
    assert tag is not None
    inside = tag.end()
    if data[inside - 2 : inside] == b"/>":
        return Place(start, inside, inside, inside)
    return Place(start, inside, close, data.index(b">", close) + 1)

"""InkML: strokes, symbol groups and ground truth in and out (W3C Recommendation, 2011), as CROHME uses it.

Read: `trace` with any number of channels, differences (`'`, `"`) and repeats (`*`) included, nested
`traceGroup`s, annotations and MathML; with the InkML namespace or without. Not read: brushes, pen-up traces and
channels other than X and Y. What is broken in part is read in part, and said in `problems`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

from amanuensis.errors import DataError
from amanuensis.ink.source import read_source
from amanuensis.ink.strokes import MAX_POINTS, MAX_STROKES, Ink, InkSymbol
from amanuensis.markup import parse_xml

_INKML = "http://www.w3.org/2003/InkML"
_MATHML = "http://www.w3.org/1998/Math/MathML"
_XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
_VALUE = re.compile(r"""([!'"]?)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[*TF?])""")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class InkDocument:
    """What an InkML file holds.

    Attributes:
        ink: strokes, and the symbols that its groups name.
        truth: the ground truth as it stands there (in CROHME: LaTeX), "" if there is none.
        mathml: the `math` element, or "".
        annotations: the file's other annotations by type: writer, UI, copyright, age, ...
        problems: what could not be read, in words.
    """

    ink: Ink
    truth: str = ""
    mathml: str = ""
    annotations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[str, ...] = ()


def read_inkml(source: Path | str | bytes) -> InkDocument:
    """Read an InkML file, or the bytes of one.

    Bytes that are not UTF-8 are read as Latin-1, as one of CROHME's files needs it.

    Raises:
        DataError: naming the file: missing, larger than 16 MB, broken XML, with a document type or entities
            of its own, or without a readable stroke.
    """
    name, data = read_source(source, kind="InkML")
    root = _parsed(data, name)
    problems: list[str] = []
    strokes, indices = _read_traces(root, problems)
    symbols = _read_symbols(root, indices, problems)
    annotations = _annotations(root)
    mathml = _mathml(root, problems)
    try:
        ink = Ink(strokes, symbols)
    except DataError as error:
        reasons = "".join(f"; {problem}" for problem in problems[:3])
        raise DataError(f"{name}: {error}{reasons}") from error
    truth = annotations.pop("truth", "")
    return InkDocument(ink, truth, mathml, MappingProxyType(annotations), tuple(problems))


def format_inkml(document: InkDocument) -> bytes:
    """The bytes of an InkML file that reads back the same.

    Raises:
        DataError: a text holds characters that XML cannot, or the MathML is broken.
    """
    root = ElementTree.Element("ink", xmlns=_INKML)
    channels = ElementTree.SubElement(root, "traceFormat")
    for name in "XY":
        ElementTree.SubElement(channels, "channel", name=name, type="decimal")
    truth = {"truth": document.truth} if document.truth else {}
    for kind, text in {**document.annotations, **truth}.items():
        _annotate(root, kind, text)
    if document.mathml:
        holder = ElementTree.SubElement(root, "annotationXML", type="truth")
        holder.append(_with_plain_names(_parsed(document.mathml.encode(), "the document's MathML")))
    for index, stroke in enumerate(document.ink.strokes):
        trace = ElementTree.SubElement(root, "trace", id=str(index))
        trace.text = ", ".join(f"{_number(x)} {_number(y)}" for x, y in stroke.tolist())
    if document.ink.symbols:
        groups = ElementTree.SubElement(root, "traceGroup")
        for symbol in document.ink.symbols:
            group = ElementTree.SubElement(groups, "traceGroup")
            _annotate(group, "truth", symbol.label)
            for index in symbol.strokes:
                ElementTree.SubElement(group, "traceView", traceDataRef=str(index))
    encoded: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return encoded


def _parsed(data: bytes, name: str) -> ElementTree.Element:
    """The root element.

    Raises:
        DataError: the XML is broken, or declares a document type or entities (a few lines can fill any memory).
    """
    try:
        return parse_xml(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError:
        return parse_xml(data.decode("latin-1"), name)


def _named(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """All descendants of this name, whatever their namespace."""
    return (child for child in element.iter() if _local(child) == name)


def _local(element: ElementTree.Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def _id_of(element: ElementTree.Element) -> str:
    return element.get("id") or element.get(_XML_ID) or ""


def _read_traces(root: ElementTree.Element, problems: list[str]) -> tuple[list[list[Point]], dict[str, int]]:
    """The strokes, and the index of each by its id. What follows after more than an ink may have is not read."""
    strokes: list[list[Point]] = []
    indices: dict[str, int] = {}
    columns = _columns(root)
    num_points = 0
    for number, trace in enumerate(_named(root, "trace")):
        if trace.get("type", "penDown") == "penUp":
            continue
        name = _id_of(trace) or f"number {number}"
        try:
            points = _points(trace.text or "", columns)
        except ValueError as error:
            problems.append(f"trace {name}: {error}")
            continue
        if name in indices:
            problems.append(f"trace {name}: the id is there twice; groups mean the first one")
        indices.setdefault(name, len(strokes))
        strokes.append(points)
        num_points += len(points)
        if len(strokes) > MAX_STROKES or num_points > MAX_POINTS:
            break
    return strokes, indices


def _columns(root: ElementTree.Element) -> tuple[int, int]:
    """Where X and Y stand in a point, by the first trace format; first and second if there is none."""
    for trace_format in _named(root, "traceFormat"):
        names = [channel.get("name", "").upper() for channel in _named(trace_format, "channel")]
        if "X" in names and "Y" in names:
            return names.index("X"), names.index("Y")
    return 0, 1


def _points(text: str, columns: tuple[int, int]) -> list[Point]:
    """The points of a trace, at most one more than an ink may have.

    Raises:
        ValueError: saying what is wrong with it.
    """
    channels = tuple(_Channel() for _ in columns)
    points: list[Point] = []
    for written in text.split(","):
        if not written.strip():
            continue
        values = _VALUE.findall(written)
        if _VALUE.sub("", written).strip() or len(values) <= max(columns):
            raise ValueError(f"{_short(written)} is no point of at least {max(columns) + 1} numbers")
        x, y = (
            channel.next_value(*values[column]) for channel, column in zip(channels, columns, strict=True)
        )
        if not math.isfinite(x) or not math.isfinite(y):
            raise ValueError(f"{_short(written)} is not finite")
        points.append((x, y))
        if len(points) > MAX_POINTS:
            break
    if not points:
        raise ValueError("it has no point")
    return points


def _short(written: str) -> str:
    return repr(written.strip()[:40])


class _Channel:
    """One coordinate of a trace: its values may be written as first or second differences.

    A prefix holds until another one comes: `!` value, `'` velocity, `"` acceleration.
    """

    def __init__(self) -> None:
        self._value: float | None = None
        self._velocity = 0.0
        self._prefix = "!"
        self._written = "0"

    def next_value(self, prefix: str, written: str) -> float:
        """The coordinate that one more written value leads to.

        Raises:
            ValueError: it is a boolean or missing.
        """
        if written in ("T", "F", "?"):
            raise ValueError(f"{written!r} is no coordinate")
        self._prefix = prefix or self._prefix
        self._written = self._written if written == "*" else written
        number = float(self._written)
        before = self._value or 0.0
        if self._prefix == "!":
            self._velocity = 0.0 if self._value is None else number - before
            self._value = number
        else:
            self._velocity = number if self._prefix == "'" else self._velocity + number
            self._value = before + self._velocity
        return self._value


def _read_symbols(
    root: ElementTree.Element, indices: Mapping[str, int], problems: list[str]
) -> list[InkSymbol]:
    """The groups that hold strokes themselves, in the file's order."""
    symbols = []
    for group in _named(root, "traceGroup"):
        names = [
            child.get("traceDataRef", "").removeprefix("#") if _local(child) == "traceView" else _id_of(child)
            for child in group
            if _local(child) in ("trace", "traceView")
        ]
        if not names:
            continue
        label = _annotations(group).get("truth", "")
        called = f"the symbol {label!r}" if label else f"the group {_id_of(group)!r}"
        if missing := [name for name in names if name not in indices]:
            problems.append(f"{called} names strokes that are not there: {', '.join(missing)[:80]}")
        if not label:
            problems.append(f"{called} has no label")
        elif strokes := tuple(indices[name] for name in names if name in indices):
            symbols.append(InkSymbol(label, strokes))
    return symbols


def _annotations(element: ElementTree.Element) -> dict[str, str]:
    """The element's own annotations by type; of two with one type, the first."""
    found: dict[str, str] = {}
    for child in element:
        if _local(child) == "annotation":
            found.setdefault(child.get("type", ""), (child.text or "").strip())
    return found


def _mathml(root: ElementTree.Element, problems: list[str]) -> str:
    """The first `math` element as text, in the MathML namespace, or ""."""
    element = next(_named(root, "math"), None)
    if element is None:
        return ""
    element.tail = None
    try:
        return ElementTree.tostring(_with_plain_names(element), encoding="unicode")
    except RecursionError:
        problems.append("the MathML is nested too deep")
        return ""


def _with_plain_names(element: ElementTree.Element) -> ElementTree.Element:
    """The MathML element with the default namespace in place of prefixes. Changes it in place."""
    for child in element.iter():
        child.tag = _local(child)
    element.set("xmlns", _MATHML)
    return element


def _annotate(parent: ElementTree.Element, kind: str, text: str) -> None:
    """Append an annotation.

    Raises:
        DataError: the text holds characters that XML cannot.
    """
    if _NO_XML.search(kind + text):
        raise DataError(f"the annotation {kind!r}: {text!r} holds characters that XML cannot")
    ElementTree.SubElement(parent, "annotation", type=kind).text = text


def _number(value: float) -> str:
    """The shortest decimal that reads back the same."""
    return repr(value).removesuffix(".0")

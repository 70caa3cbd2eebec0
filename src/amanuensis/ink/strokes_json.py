"""Strokes as JSON, as drawing areas in browsers send them: in and out.

Read: a list of strokes, each a list of points `[x, y]` (further numbers of a point, time or pressure, are left
out); an object with such a list as "strokes"; and an object of "x" and "y", each with one list of numbers a stroke,
as Mathpix has it, also under "strokes".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from amanuensis.errors import DataError
from amanuensis.ink.source import read_source
from amanuensis.ink.strokes import Ink

_EXPECTED = '[[[x, y], ...], ...], {"strokes": [...]} or {"x": [[...], ...], "y": [[...], ...]}'

Points = list[tuple[float, float]]


def read_strokes_json(source: Path | str | bytes) -> Ink:
    """The ink of a JSON file, or of the bytes of one.

    Raises:
        DataError: naming the file: missing, larger than 16 MB, no JSON, or no strokes of the kinds known.
    """
    name, data = read_source(source, kind="JSON")
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: no JSON of strokes: {error}") from error
    try:
        return Ink(_strokes(value))
    except (DataError, OverflowError) as error:
        raise DataError(f"{name}: {error}") from error


def format_strokes_json(ink: Ink) -> str:
    """The ink as `{"strokes": [[[x, y], ...], ...]}`; symbols are not part of it."""
    return json.dumps({"strokes": [stroke.tolist() for stroke in ink.strokes]}, separators=(",", ":"))


def _refuse(constant: str) -> NoReturn:
    """JSON has no NaN and no infinity, though Python reads them."""
    raise ValueError(f"{constant} is no coordinate")


def _strokes(value: Any) -> list[Points]:
    """The strokes of one of the known shapes.

    Raises:
        DataError: saying which stroke is wrong, or what is expected.
    """
    for _ in range(2):  # Mathpix wraps its strokes twice
        if isinstance(value, dict) and "strokes" in value:
            value = value["strokes"]
    if isinstance(value, dict) and {"x", "y"} <= set(value):
        return _from_columns(value["x"], value["y"])
    if not isinstance(value, list):
        raise DataError(f"no strokes; expected {_EXPECTED}")
    return [_stroke(number, stroke) for number, stroke in enumerate(value)]


def _stroke(number: int, stroke: Any) -> Points:
    """The points of one stroke that is a list of them."""
    if not isinstance(stroke, list):
        raise DataError(f"stroke {number}: no list of points; expected {_EXPECTED}")
    if not all(isinstance(point, list) and len(point) >= 2 for point in stroke):
        raise DataError(f"stroke {number}: a point should be [x, y]; expected {_EXPECTED}")
    return [(_coordinate(number, point[0]), _coordinate(number, point[1])) for point in stroke]


def _from_columns(xs: Any, ys: Any) -> list[Points]:
    """The strokes from two lists of lists."""
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
        raise DataError(f'"x" and "y" should be lists of as many strokes; expected {_EXPECTED}')
    strokes = []
    for number, (across, down) in enumerate(zip(xs, ys, strict=True)):
        if not isinstance(across, list) or not isinstance(down, list) or len(across) != len(down):
            raise DataError(f'stroke {number}: "x" and "y" should be lists of as many numbers')
        strokes.append(
            [(_coordinate(number, x), _coordinate(number, y)) for x, y in zip(across, down, strict=True)]
        )
    return strokes


def _coordinate(number: int, value: Any) -> float:
    """A number of JSON as a float; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"stroke {number}: {str(value)[:40]!r} is no coordinate")
    return float(value)

"""Points of page files and what is computed from them: reading, clipping, boxes. Pixels of the page's image."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from amanuensis.errors import DataError
from amanuensis.records import Points

Box = tuple[int, int, int, int]
"""Left, top, right, bottom; right and bottom belong to it."""

MAX_COORDINATE = 1_000_000
"""Pixels; no scan is that wide, and a number beyond it would only be there to fill memory."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SEPARATORS = re.compile(r"[\s,;]*")


def parse_points(text: str, name: str, *, scale: tuple[float, float] = (1.0, 1.0)) -> Points:
    """The points of "x,y x,y" (PAGE) or "x y x y" or "x,y,x,y" (ALTO's dialects).

    Fractions, as some tools write them, are rounded. A point that repeats the one before it is left out.

    Args:
        text: as it stands in the file; "" gives no points.
        name: what to call it in messages.
        scale: pixels per unit of the file, in x and y.

    Raises:
        DataError: something else than numbers, half a point, or a number beyond `MAX_COORDINATE`.
    """
    numbers = [float(number) for number in _NUMBER.findall(text)]
    if _SEPARATORS.fullmatch(_NUMBER.sub("", text)) is None or len(numbers) % 2:
        raise DataError(f"{name}: no points: {text[:60]!r}; they are written x,y x,y")
    return _without_repeats(
        (_pixel(x, scale[0], name), _pixel(y, scale[1], name))
        for x, y in zip(numbers[::2], numbers[1::2], strict=True)
    )


def _pixel(value: float, scale: float, name: str) -> int:
    if not abs(value * scale) <= MAX_COORDINATE:
        raise DataError(f"{name}: a coordinate of {value:g} lies beyond any page")
    return round(value * scale)


def _without_repeats(points: Iterable[tuple[int, int]]) -> Points:
    kept: list[tuple[int, int]] = []
    for point in points:
        if not kept or kept[-1] != point:
            kept.append(point)
    return tuple(kept)


def clip(points: Sequence[tuple[int, int]], width: int, height: int) -> Points:
    """The points, those outside of the page moved onto its edge: what page files may hold."""
    return _without_repeats(
        (min(max(x, 0), max(0, width - 1)), min(max(y, 0), max(0, height - 1))) for x, y in points
    )


def box_of(points: Sequence[tuple[int, int]]) -> Box:
    """The smallest upright box about one or more points."""
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def rectangle(box: Box) -> Points:
    """The corners of a box, clockwise from the top left."""
    left, top, right, bottom = box
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def twice_area(points: Sequence[tuple[int, int]]) -> int:
    """Twice the area of a polygon (the shoelace formula); 0 for fewer than three points or a mere line."""
    following = [*points[1:], *points[:1]]
    return abs(
        sum(x * other_y - other_x * y for (x, y), (other_x, other_y) in zip(points, following, strict=True))
    )

"""Outlines and baselines for page files that must have them, where a page's source gave none. Never invented text."""

from __future__ import annotations

from collections.abc import Sequence

from amanuensis.pages.coordinates import box_of, clip, rectangle
from amanuensis.records import Page, Points, Region, TextLine

_BASELINE = 0.75  # of the way down from the upper to the lower edge, where letters stand
_CORNERS = 5  # of a baseline that is derived
_ABOVE, _BELOW = 20, 8  # pixels about a baseline that has no outline: something to click on


def line_outline(line: TextLine, page: Page) -> Points:
    """The line's polygon; else a band about its baseline; else a pixel in the corner."""
    if len(line.polygon) > 2:
        return line.polygon
    points = line.polygon or line.baseline
    if not points:
        return rectangle((0, 0, 1, 1))
    left, top, right, bottom = box_of(points)
    return clip(rectangle((left, top - _ABOVE, right, bottom + _BELOW)), page.width, page.height)


def line_baseline(line: TextLine, page: Page) -> Points:
    """The line's baseline; else one three quarters down its outline."""
    if len(line.baseline) > 1:
        return line.baseline
    polygon = line_outline(line, page)
    left, _, right, _ = box_of(polygon)
    columns = [left + round((right - left) * i / (_CORNERS - 1)) for i in range(_CORNERS)]
    extents = [(x, _extent(polygon, x)) for x in columns]
    points = tuple((x, round(top + _BASELINE * (bottom - top))) for x, (top, bottom) in extents)
    return points if left < right else (points[0], points[0])


def region_outline(region: Region, page: Page) -> Points:
    """The region's polygon; else the box about its lines; else the whole page."""
    if len(region.polygon) > 2:
        return region.polygon
    points = [point for line in region.lines for point in line.polygon or line.baseline]
    box = box_of(points) if points else (0, 0, max(0, page.width - 1), max(0, page.height - 1))
    return rectangle(box)


def _extent(polygon: Sequence[tuple[int, int]], x: int) -> tuple[float, float]:
    """The uppermost and lowest y of a polygon's edges in a column that it reaches."""
    ys: list[float] = []
    for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if x0 == x1 == x:
            ys += [y0, y1]
        elif min(x0, x1) <= x <= max(x0, x1) and x0 != x1:
            ys.append(y0 + (y1 - y0) * (x - x0) / (x1 - x0))
    return min(ys), max(ys)

"""Found lines and the regions that somebody has drawn: which line lies in which (our addition)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from amanuensis.pages.coordinates import twice_area
from amanuensis.pages.segment_found import FoundLine
from amanuensis.records import Points, Region

_POINTS = 24  # along a line, by which it is told where it lies
_ENOUGH = 0.5  # of these points
_ABOVE = 0.2  # of a line's height


def homes_of(lines: Sequence[FoundLine], regions: Sequence[Region]) -> list[int | None]:
    """For every line the number of the smallest region that holds at least half of it; None where there is none.

    So of regions in one another the inner one has it, also where the line reaches out of it a little. A region without
    an outline holds nothing unless it is the only one: then it is the page.

    Args:
        lines: found on the page.
        regions: of the page, of text or formulas.
    """
    if len(regions) == 1 and len(regions[0].polygon) < 3:
        return [0] * len(lines)
    by_size = sorted(
        (i for i, region in enumerate(regions) if len(region.polygon) > 2),
        key=lambda i: twice_area(regions[i].polygon),
    )
    return [_home(_along(line), regions, by_size) for line in lines]


def _home(points: NDArray[np.float64], regions: Sequence[Region], by_size: Sequence[int]) -> int | None:
    return next((i for i in by_size if _inside(points, regions[i].polygon).mean() >= _ENOUGH), None)


def _along(line: FoundLine) -> NDArray[np.float64]:
    """(P, 2) points along the baseline, a little above it; without one along the middle of the outline."""
    corners = np.array(line.polygon or line.baseline, np.float64)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    if len(line.baseline) < 2:
        return np.linspace((left, (top + bottom) / 2), (right, (top + bottom) / 2), _POINTS)
    course = np.array(line.baseline, np.float64)
    at, places = np.linspace(0, len(course) - 1, _POINTS), np.arange(len(course))
    # Regions are often drawn close below their last line.
    row = np.interp(at, places, course[:, 1]) - _ABOVE * (bottom - top)
    return np.column_stack([np.interp(at, places, course[:, 0]), row])


def _inside(points: NDArray[np.float64], polygon: Points) -> NDArray[np.bool_]:
    """(P,) whether each point lies in the polygon: a ray to the right crosses its border an odd number of times."""
    corners = np.array(polygon, np.float64)
    x, y = points[:, :1], points[:, 1:]
    (x0, y0), (x1, y1) = corners.T, np.roll(corners, -1, axis=0).T
    rises = (y0 > y) != (y1 > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = x < x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    odd: NDArray[np.bool_] = ((rises & crossing).sum(axis=1) % 2).astype(bool)
    return odd

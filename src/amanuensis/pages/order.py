"""Reading order: lines into blocks and blocks into order, with columns and margins (our addition).

The page is cut where it is white from top to bottom. Where it is not, the largest part that can be cut so is taken out,
and what stands above and below it is cut likewise (recursive cuts after Nagy and Seth's X-Y tree, 1984, on lines
instead of pixels). Columns are read from left to right. A narrow block beside a larger one is its margin and is read
after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amanuensis.records import Points

MARGIN = "marginalia"
"""What PAGE calls a block of notes in the margin."""

_GUTTER = 0.5  # of the usual height of lines: how much white keeps columns apart
_NARROW = 0.45  # of its neighbor's width, and ...
_FEW = 0.6  # ... of its neighbor's lines: a margin
_COLUMN_LINES = 2  # on either side: fewer stand in the margin, or in rows
_SAME_ROW = 0.4  # of the usual height: how far baselines of one row lie apart


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that are read one after the other: their numbers, in order; `kind` is `MARGIN` or ""."""

    lines: tuple[int, ...]
    kind: str = ""


def blocks_in_order(lines: Sequence[tuple[Points, Points]]) -> list[Block]:
    """The lines of a page in blocks, in reading order; every line is in one of them.

    Args:
        lines: (polygon, baseline) of each; either may be empty, not both.
    """
    if not lines:
        return []
    boxes = _Boxes.of(lines)
    return _cut(boxes, np.arange(len(lines)), "")


@dataclass(frozen=True, slots=True, eq=False)
class _Boxes:
    """Where lines stand on the page turned level: (L,) each; `row` is the middle of the baseline."""

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    row: NDArray[np.float64]
    height: float

    @classmethod
    def of(cls, lines: Sequence[tuple[Points, Points]]) -> _Boxes:
        outlines = [np.array(polygon or baseline, np.float64) for polygon, baseline in lines]
        courses = [np.array(baseline or polygon, np.float64) for polygon, baseline in lines]
        heights = [float(np.ptp(outline[:, 1])) for outline in outlines]
        slope = _tilt([np.array(baseline, np.float64) for _, baseline in lines if len(baseline) > 1])
        turned = [outline[:, 0] + slope * outline[:, 1] for outline in outlines]
        rows = [float(np.median(course[:, 1] - slope * course[:, 0])) for course in courses]
        return cls(
            np.array([x.min() for x in turned]),
            np.array([x.max() for x in turned]),
            np.array(rows),
            max(1.0, float(np.median(heights))),
        )


def _tilt(baselines: Sequence[NDArray[np.float64]]) -> float:
    """The slope of the page's lines: their median, the long ones counting more."""
    across = np.array([line[-1, 0] - line[0, 0] for line in baselines])
    down = np.array([line[-1, 1] - line[0, 1] for line in baselines])
    kept = across > 0
    if not kept.any():
        return 0.0
    slopes, weights = down[kept] / across[kept], across[kept]
    order = np.argsort(slopes)
    half = int(np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2))
    return float(np.clip(slopes[order][half], -0.2, 0.2))


def _cut(boxes: _Boxes, some: NDArray[np.intp], kind: str) -> list[Block]:
    """A part of the page in blocks: as columns, as parts of which one has columns, or as one block."""
    columns = _columns(boxes, some)
    if columns is not None:
        return _side_by_side(boxes, *columns, kind)
    parts = _cut_across(boxes, some)
    if len(parts) > 1:
        return [block for part in parts for block in _cut(boxes, part, kind)]
    return [Block(_rows(boxes, some), kind)]


def _side_by_side(boxes: _Boxes, left: NDArray[np.intp], right: NDArray[np.intp], kind: str) -> list[Block]:
    """Two blocks next to one another: from left to right, but a margin after what it stands beside."""
    if _is_margin_of(boxes, left, right):
        return _cut(boxes, right, kind) + _cut(boxes, left, MARGIN)
    of_right = MARGIN if _is_margin_of(boxes, right, left) else kind
    return _cut(boxes, left, kind) + _cut(boxes, right, of_right)


def _is_margin_of(boxes: _Boxes, block: NDArray[np.intp], text: NDArray[np.intp]) -> bool:
    widths = [float(np.median(boxes.right[part] - boxes.left[part])) for part in (block, text)]
    return widths[0] < _NARROW * widths[1] and len(block) < _FEW * len(text)


def _columns(boxes: _Boxes, some: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """The lines left and right of a white band from top to bottom: of the widest that makes columns or a margin.

    The widest of all may set apart one line that is neither: a date, a number, a word beside the text.
    """
    order = some[np.argsort(boxes.left[some], kind="stable")]
    reached = np.maximum.accumulate(boxes.right[order])
    gaps = boxes.left[order][1:] - reached[:-1]
    wide = np.flatnonzero(gaps >= _GUTTER * boxes.height)
    for place in wide[np.argsort(-gaps[wide], kind="stable")].tolist():
        left, right = order[: place + 1], order[place + 1 :]
        margin = _is_margin_of(boxes, left, right) or _is_margin_of(boxes, right, left)
        if margin or min(len(left), len(right)) >= _COLUMN_LINES:
            return left, right
    return None


def _cut_across(boxes: _Boxes, some: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Three parts, of which the middle one is the largest that has columns; empty ones are left out.

    Every line's right end is tried as the edge of a band: the lines that cross it cut the page into parts.
    """
    order = some[np.argsort(boxes.row[some], kind="stable")]
    best: slice | None = None
    for edge in np.unique(boxes.right[order]).tolist():
        on_left = boxes.right[order] <= edge
        on_right = boxes.left[order] >= edge + _GUTTER * boxes.height
        crossing = ~on_left & ~on_right
        part = np.cumsum(crossing)
        lefts, rights = (np.bincount(part[side], minlength=part[-1] + 1) for side in (on_left, on_right))
        sizes = np.where(np.minimum(lefts, rights) >= _COLUMN_LINES, lefts + rights, 0)
        largest = int(np.argmax(sizes))
        if sizes[largest] > (0 if best is None else best.stop - best.start):
            inside = np.flatnonzero((part == largest) & ~crossing)
            best = slice(int(inside[0]), int(inside[-1]) + 1)
    parts = [order] if best is None else [order[: best.start], order[best], order[best.stop :]]
    return [part for part in parts if len(part)]


def _rows(boxes: _Boxes, some: NDArray[np.intp]) -> tuple[int, ...]:
    """From top to bottom; what stands in one row from left to right."""
    rows: list[list[int]] = []
    for line in some[np.argsort(boxes.row[some], kind="stable")].tolist():
        if rows and boxes.row[line] - boxes.row[rows[-1][0]] < _SAME_ROW * boxes.height:
            rows[-1].append(line)
        else:
            rows.append([line])
    return tuple(line for row in rows for line in sorted(row, key=lambda one: float(boxes.left[one])))

"""Ruled and squared paper: finding the printed lines in a bitmap and taking them out (our addition).

A printed line runs from edge to edge; no minus sign and no fraction bar does, unless it was cut off. Lines are found
strip by strip and straight; they may lie aslant, and bend by a pixel or two.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]

_FAINTEST = 0.25  # of the ink's contrast; a line that is seen in part only would leave dashes
_STRIPS = 40
_COVERED = 0.6  # of a strip's width: the line passes it
_PASSED = 0.85  # of the strips in which the line lies inside the picture; the outermost two among them
_INSIDE = 0.5  # of all strips, at least
_STEEPEST = 0.1
_STEP = 1.0  # rows by which neighboring slopes differ where a line ends
_MOST_LINES = 200
_REACH = 12  # rows up and down that a line may be thick
_OFF = 2  # rows that a line may lie beside its straight course
_THICKER = 1.5  # times the line's thickness: a stroke crosses here
_DARKER = 1.3  # times the line's contrast: a stroke runs along here


class _Line(NamedTuple):
    """A found line: its row in the middle of the picture, and the rows that it falls from strip to strip."""

    row: int
    fall: float


def without_rules(ink: Mask, contrast: NDArray[np.float32], level: float) -> tuple[Mask, int]:
    """The bitmap without the lines that span it, level or upright, and how many those were.

    Strokes that cross a line stay whole; where a stroke runs along one, it stays if it is thicker or darker.

    Args:
        ink: (H, W).
        contrast: (H, W), what `ink` was told by.
        level: the ink's contrast; printed lines may be half as dark as the palest ink.
    """
    faint = contrast > _FAINTEST * level
    ink, num_level = _without_level_rules(ink, faint, contrast)
    turned = (np.ascontiguousarray(picture.T) for picture in (ink, faint, contrast))
    upright_ink, num_upright = _without_level_rules(*turned)
    return (np.ascontiguousarray(upright_ink.T) if num_upright else ink), num_level + num_upright


def _without_level_rules(ink: Mask, faint: Mask, contrast: NDArray[np.float32]) -> tuple[Mask, int]:
    height, width = ink.shape
    if height < 2 or width < 2 * _STRIPS:
        return ink, 0
    lines = _find_lines(_passed_strips(faint), width / _STRIPS)
    for line in lines:
        ink = _erased(ink, contrast, line)
    return ink, len(lines)


def _passed_strips(ink: Mask) -> Mask:
    """(H, strips) where ink covers a row of a strip; rows count their neighbors, since lines fall within strips."""
    near = ink.copy()
    near[1:] |= ink[:-1]
    near[:-1] |= ink[1:]
    bounds = np.linspace(0, ink.shape[1], _STRIPS + 1).astype(np.int64)
    sums = np.add.reduceat(near, bounds[:-1], axis=1, dtype=np.int32)
    covered: Mask = sums >= _COVERED * np.diff(bounds)
    return covered


def _find_lines(passed: Mask, strip_width: float) -> list[_Line]:
    """The lines among the passed strips (H, strips), best first; those beside a better one are left out."""
    steepest = _STEEPEST * strip_width
    falls = np.arange(-steepest, steepest, 2 * _STEP / _STRIPS)
    votes = _votes(passed, falls)
    candidates = np.argwhere(votes >= _PASSED)
    order = np.argsort(-votes[tuple(candidates.T)], kind="stable")
    candidates = candidates[order]
    lines: list[_Line] = []
    while len(candidates) and len(lines) < _MOST_LINES:
        tilt, row = candidates[0]
        lines.append(_Line(int(row), float(falls[tilt])))
        # What crosses the line somewhere, or runs close by, is the same line.
        apart = candidates[:, 1] - row
        falling = (falls[candidates[:, 0]] - falls[tilt]) * _STRIPS / 2
        near = np.minimum(np.abs(apart - falling), np.abs(apart + falling)) <= _REACH / 2
        crossing = np.abs(apart) < np.abs(falling)
        candidates = candidates[~(near | crossing)]
    return lines


def _votes(passed: Mask, falls: NDArray[np.float64]) -> NDArray[np.float32]:
    """(falls, H) the share of strips that a line passes, of those where it is inside; 0 for what spans too little."""
    height = len(passed)
    hits = np.zeros((len(falls), height), np.int16)
    inside = np.zeros_like(hits)
    spanning = np.ones(hits.shape, np.bool_)
    rows = np.arange(height)
    for strip in range(_STRIPS):
        drop = np.rint(falls * (strip + 0.5 - _STRIPS / 2)).astype(np.int64)
        at = rows + drop[:, None]
        here = (at >= 0) & (at < height)
        hit = passed[np.clip(at, 0, height - 1), strip] & here
        hits += hit
        inside += here
        if strip in (0, _STRIPS - 1):
            spanning &= hit | ~here
    share = np.where(spanning & (inside >= _INSIDE * _STRIPS), hits / np.maximum(inside, 1), 0)
    return share.astype(np.float32)


def _erased(ink: Mask, contrast: NDArray[np.float32], line: _Line) -> Mask:
    """The bitmap without one line."""
    height, width = ink.shape
    columns = np.arange(width)
    course = line.row + line.fall * ((columns + 0.5) * _STRIPS / width - _STRIPS / 2)
    middle, met = _nearest_ink(ink, np.rint(course).astype(np.int64))
    up = _run(ink, middle, columns, -1)
    down = _run(ink, middle, columns, 1)
    thickness = np.where(met, up + down - 1, 0)
    depth = contrast[np.clip(middle, 0, height - 1), columns]
    if not met.any():
        return ink
    usual, usual_depth = float(np.median(thickness[met])), float(np.median(depth[met]))
    gone = met & (thickness <= _THICKER * usual + 1) & (depth <= _DARKER * usual_depth)
    rows = np.arange(height)[:, None]
    erased: Mask = ink & ~(gone & (rows > middle - up) & (rows < middle + down))
    return erased


def _nearest_ink(ink: Mask, course: Rows) -> tuple[Rows, Mask]:
    """For each column the row of ink next to the course, and whether there is any."""
    height, width = ink.shape
    columns = np.arange(width)
    nearest, met = course.copy(), np.zeros(width, np.bool_)
    for offset in sorted(range(-_OFF, _OFF + 1), key=abs):
        row = course + offset
        found = ~met & (row >= 0) & (row < height) & ink[np.clip(row, 0, height - 1), columns]
        nearest[found] = row[found]
        met |= found
    return nearest, met


def _run(ink: Mask, start: Rows, columns: Rows, step: int) -> Rows:
    """For each column how many pixels in a row are ink, from `start` on, up to `_REACH`."""
    height = ink.shape[0]
    length = np.zeros(len(columns), np.int64)
    going = np.ones(len(columns), np.bool_)
    for distance in range(_REACH):
        row = start + step * distance
        going &= (row >= 0) & (row < height) & ink[np.clip(row, 0, height - 1), columns]
        length += going
    return length

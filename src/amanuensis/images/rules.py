"""Ruled and squared paper: finding the printed lines in a bitmap and taking them out (our addition).

A printed line runs from edge to edge; no minus sign and no fraction bar does, unless it was cut off. Lines are found
strip by strip and straight; they may lie aslant, and bend by a pixel or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]

_STRIPS = 40
_COVERED = 0.6  # of a strip's width: the line passes it
_PASSED = 0.85  # of the strips in which the line lies inside the picture; the outermost two among them
_INSIDE = 0.15  # of all strips, at least: aslant lines leave at the top or below
_STEEPEST = 0.1
_STEP = 1.0  # rows by which neighboring slopes differ where a line ends
_MOST_LINES = 200
_NEAR = 2  # rows beside its course where a line is looked for
_REACH = 12  # rows up and down that a line may be thick
_THICKER = 1.5  # times the line's thickness: a stroke crosses here
_DARKER = 1.3  # times the line's contrast: a stroke runs along here


class Rule(NamedTuple):
    """A printed line: y = `offset` + `slope` x, or x = `offset` + `slope` y if it is upright; in pixels.

    `thickness` is in pixels, `depth` the line's contrast.
    """

    offset: float
    slope: float
    thickness: float
    depth: float
    upright: bool = False

    def seen(self, scale: float, origin: tuple[float, float]) -> Rule:
        """The same line in a view that begins at `origin` (x, y) and has `scale` pixels for one."""
        along, across = origin[::-1] if self.upright else origin
        offset = (self.offset + self.slope * along - across) * scale
        return self._replace(offset=offset, thickness=self.thickness * scale)

    def in_source(self, scale: float, origin: tuple[float, float]) -> Rule:
        """The inverse of `seen`."""
        along, across = origin[::-1] if self.upright else origin
        offset = self.offset / scale + across - self.slope * along
        return self._replace(offset=offset, thickness=self.thickness / scale)


def find_rules(faint: Mask, contrast: NDArray[np.float32]) -> tuple[Rule, ...]:
    """The lines that span a picture, level or upright.

    Args:
        faint: (H, W) what may be ink, the palest included: a line that is seen in part is not found.
        contrast: (H, W), what `faint` was told by.
    """
    level = _find_level(faint, contrast)
    upright = _find_level(np.ascontiguousarray(faint.T), contrast.T)
    return (*level, *(rule._replace(upright=True) for rule in upright))


class Cleaned(NamedTuple):
    """A bitmap without printed lines.

    Attributes:
        ink: (H, W) what is left.
        near: (H, W) where lines were, and some room: what lies wholly there may be left of one.
        thickness: of the lines, in pixels; 0 if there are none.
    """

    ink: Mask
    near: Mask
    thickness: float


def without_rules(ink: Mask, contrast: NDArray[np.float32], rules: Sequence[Rule], *, slack: int) -> Cleaned:
    """The bitmap without printed lines.

    Strokes that cross a line stay whole; where a stroke runs along one, it stays if it is thicker or darker.

    Args:
        ink: (H, W).
        contrast: (H, W), what `ink` was told by.
        rules: in pixels of `ink`.
        slack: pixels that a line may lie beside its course.
    """
    left, near = _without_level(ink, contrast, [rule for rule in rules if not rule.upright], slack)
    upright_rules = [rule for rule in rules if rule.upright]
    turned, beside = _without_level(left.T, contrast.T, upright_rules, slack)
    if upright_rules:
        left, near = np.ascontiguousarray(turned.T), near | beside.T
    thickness = float(np.median([rule.thickness for rule in rules])) if rules else 0.0
    return Cleaned(left, near, thickness)


def _without_level(
    ink: Mask, contrast: NDArray[np.float32], rules: Sequence[Rule], slack: int
) -> tuple[Mask, Mask]:
    """What is left, and where level lines were."""
    near = np.zeros(ink.shape, np.bool_)
    for rule in rules:
        ink = _erased(ink, contrast, rule, slack)
        _mark(near, rule, slack + 1 + rule.thickness / 2)
    return ink, near


def _mark(near: Mask, rule: Rule, reach: float) -> None:
    """Set what lies within `reach` rows of a level line."""
    height, width = near.shape
    course = rule.offset + rule.slope * (np.arange(width) + 0.5)
    for row in range(max(0, int(course.min() - reach)), min(height, int(course.max() + reach) + 2)):
        near[row] |= np.abs(row - course) <= reach


def _find_level(faint: Mask, contrast: NDArray[np.float32]) -> list[Rule]:
    height, width = faint.shape
    if height < 2 or width < 2 * _STRIPS:
        return []
    lines = _find_lines(_passed_strips(faint), width / _STRIPS)
    return [_measured(faint, contrast, *line) for line in lines]


def _measured(faint: Mask, contrast: NDArray[np.float32], offset: float, slope: float) -> Rule:
    """The line with its usual thickness and contrast."""
    place = _along(faint, Rule(offset, slope, 0.0, 0.0), _NEAR)
    thickness = (place.up + place.down - 1)[place.met]
    depth = contrast[place.row[place.met], np.flatnonzero(place.met)]
    return Rule(offset, slope, float(np.median(thickness)), float(np.median(depth)))


def _passed_strips(ink: Mask) -> Mask:
    """(H, strips) where ink covers a row of a strip; rows count their neighbors, since lines fall within strips."""
    near = ink.copy()
    near[1:] |= ink[:-1]
    near[:-1] |= ink[1:]
    bounds = np.linspace(0, ink.shape[1], _STRIPS + 1).astype(np.int64)
    sums = np.add.reduceat(near, bounds[:-1], axis=1, dtype=np.int32)
    covered: Mask = sums >= _COVERED * np.diff(bounds)
    return covered


def _find_lines(passed: Mask, strip_width: float) -> list[tuple[float, float]]:
    """Offset and slope of the lines among the passed strips (H, strips); those beside a better one are left out."""
    steepest = _STEEPEST * strip_width
    falls = np.arange(-steepest, steepest, 2 * _STEP / _STRIPS)
    votes = _votes(passed, falls)
    candidates = np.argwhere(votes >= _PASSED)
    order = np.argsort(-votes[tuple(candidates.T)], kind="stable")
    candidates = candidates[order]
    lines: list[tuple[float, float]] = []
    while len(candidates) and len(lines) < _MOST_LINES:
        tilt, row = candidates[0]
        slope = float(falls[tilt]) / strip_width
        # Votes are counted by the row in the middle of the picture.
        lines.append((float(row) - slope * strip_width * _STRIPS / 2, slope))
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


def _erased(ink: Mask, contrast: NDArray[np.float32], rule: Rule, slack: int) -> Mask:
    """The bitmap without one level line."""
    place = _along(ink, rule, slack)
    columns = np.arange(ink.shape[1])
    thin = place.up + place.down - 1 <= _THICKER * rule.thickness + 1
    pale = contrast[np.clip(place.row, 0, len(ink) - 1), columns] <= _DARKER * rule.depth
    gone = place.met & thin & pale
    erased = ink.copy()
    for distance in range(_REACH):
        for step, reach in ((-1, place.up), (1, place.down)):
            within = gone & (distance < reach)
            erased[place.row[within] + step * distance, columns[within]] = False
    return erased


class _Place(NamedTuple):
    """Where a level line meets ink, column by column: (W,) each; where it does not, `row` means nothing."""

    met: Mask
    row: Rows
    up: Rows
    down: Rows


def _along(ink: Mask, rule: Rule, slack: int) -> _Place:
    """The ink next to a line's course, and how far it reaches up and down from there, itself included."""
    columns = np.arange(ink.shape[1])
    course = np.rint(rule.offset + rule.slope * (columns + 0.5)).astype(np.int64)
    row, met = _nearest_ink(ink, course, slack)
    return _Place(met, row, _run(ink, row, columns, -1), _run(ink, row, columns, 1))


def _nearest_ink(ink: Mask, course: Rows, slack: int) -> tuple[Rows, Mask]:
    """For each column the row of ink next to the course, and whether there is any."""
    height, width = ink.shape
    columns = np.arange(width)
    nearest, met = course.copy(), np.zeros(width, np.bool_)
    for offset in sorted(range(-slack, slack + 1), key=abs):
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

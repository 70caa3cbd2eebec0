"""From cores to lines: which ink belongs to which, outlines around it, baselines beneath it (our addition).

Ink that touches one core belongs to it, however far it reaches; what touches several is shared out half-way between
them; dots and accents go to the nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amanuensis.images.components import Components, find_components
from amanuensis.pages.segment_cores import Core, cut_core, widened

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]
Rows = NDArray[np.float64]

_ENDS = 1.0  # heights by which a core is shorter than its line at either end
_UP, _DOWN = 2.0, 1.6  # heights above and below a core in which its ink is looked for
_OVER = 1.0  # heights that ink may reach beyond the ends
_LEAST_UP, _LEAST_DOWN = 0.5, 0.45  # heights that an outline keeps around its core, ink or not
_ROOM = 0.12  # heights between ink and outline
_WINDOW = 1.2  # heights: the outline is even over so much
_STEP = 0.8  # heights between points of an outline
_BASELINE_STEP = 4.0  # heights between points of a baseline, over which it is even
_DROP = 0.35  # heights above and below a baseline in which ink is compared
_SEARCH = 0.8  # heights around a core's bottom in which its baseline lies


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A line's course in pixels of the map: (N, 2) x, y each."""

    polygon: Rows
    baseline: Rows


def outlines(cores: Sequence[Core], ink: Mask) -> list[Outline]:
    """An outline and a baseline for every core.

    Args:
        cores: of whole lines.
        ink: (H, W) of the same page and scale, without ruled lines and frames.
    """
    height, width = ink.shape
    wide = [widened(core, round(_ENDS * core.height), width=width) for core in cores]
    if not wide:
        return []
    pixels = _ink_of_cores(wide, ink)
    order = np.argsort(pixels.owner, kind="stable")
    bounds = np.searchsorted(pixels.owner[order], np.arange(len(wide) + 1))
    return [
        _outline(core, pixels.row[part], pixels.column[part], (height, width))
        for core, part in zip(wide, np.split(order, bounds[1:])[: len(wide)], strict=True)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Pixels:
    """Ink and whose it is: (P,) each; pixels that belong to no line are left out."""

    row: Integers
    column: Integers
    owner: Integers


def _ink_of_cores(cores: Sequence[Core], ink: Mask) -> _Pixels:
    marked, nearest = _territories(cores, ink.shape)
    found = find_components(ink)
    owner = _owners(found, marked, nearest)
    row, column = _run_pixels(found)
    whose = np.repeat(owner[found.label], found.stop - found.start)
    # -2 is shared out.
    whose = np.where(whose == -2, nearest[row, column], whose)
    kept = whose >= 0
    return _Pixels(row[kept], column[kept], whose[kept])


def _territories(cores: Sequence[Core], shape: tuple[int, int]) -> tuple[Integers, Integers]:
    """Two maps (H, W) of cores by number: where they lie, and which is nearest up or down; -1 is none."""
    height, width = shape
    marked = np.full(shape, -1, np.int64)
    rows = np.arange(height)[:, None]
    for number, core in enumerate(cores):
        first, last = int(core.top.min()), int(np.ceil(core.bottom.max()))
        inside = (rows[first:last] >= core.top) & (rows[first:last] < core.bottom)
        marked[first:last, core.start : core.stop][inside] = number
    above = np.maximum.accumulate(np.where(marked >= 0, rows, -height), axis=0)
    below = np.minimum.accumulate(np.where(marked >= 0, rows, 2 * height)[::-1], axis=0)[::-1]
    source = np.where(rows - above <= below - rows, above, below)
    there = (source >= 0) & (source < height)
    nearest = marked[np.clip(source, 0, height - 1), np.arange(width)]
    return marked, np.where(there, nearest, -1)


def _owners(found: Components, marked: Integers, nearest: Integers) -> Integers:
    """(C,) the core of each component of ink; -1 none, -2 several."""
    row, column = _run_pixels(found)
    label = np.repeat(found.label, found.stop - found.start)
    touched = marked[row, column]
    least = np.full(len(found), np.iinfo(np.int64).max)
    most = np.full(len(found), -1)
    inside = touched >= 0
    np.minimum.at(least, label[inside], touched[inside])
    np.maximum.at(most, label[inside], touched[inside])
    middle = nearest[(found.top + found.bottom) // 2, (found.left + found.right) // 2]
    return np.where(most < 0, middle, np.where(least == most, most, -2))


def _run_pixels(found: Components) -> tuple[Integers, Integers]:
    """Row and column of every pixel of ink, run by run."""
    lengths = found.stop - found.start
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    column = np.arange(int(lengths.sum())) - first + np.repeat(found.start, lengths)
    return np.repeat(found.row, lengths), column


def _outline(core: Core, row: Integers, column: Integers, shape: tuple[int, int]) -> Outline:
    """The outline and baseline of a line that has ink at these rows and columns, on a page of shape (H, W)."""
    size = max(core.height, 2.0)
    within = (column >= core.start - _OVER * size) & (column < core.stop + _OVER * size)
    if within.any():
        first, last = int(column[within].min()), int(column[within].max()) + 1
        core = widened(core, max(0, core.start - first, last - core.stop), width=shape[1])
        first, last = min(first, core.stop - 1), max(last, core.start + 1)
        core = cut_core(core, max(0, first - core.start), last - core.start)
    inside = (column >= core.start) & (column < core.stop)
    place, row = column[inside] - core.start, row[inside]
    near = (row >= (core.top - _UP * size)[place]) & (row < (core.bottom + _DOWN * size)[place])
    place, row = place[near], row[near]
    top, bottom = core.top - _LEAST_UP * size, core.bottom + _LEAST_DOWN * size
    np.minimum.at(top, place, row - _ROOM * size)
    np.maximum.at(bottom, place, row + 1 + _ROOM * size)
    window = max(3, round(_WINDOW * size))
    top, bottom = -_envelope(-top, window), _envelope(bottom, window)
    baseline = _even(core.bottom, round(_BASELINE_STEP * size)) + _baseline_offset(core, place, row)
    return Outline(
        _polygon(core.start, top, bottom, step=round(_STEP * size), shape=shape),
        _course(core.start, baseline, step=round(_BASELINE_STEP * size), shape=shape),
    )


def _baseline_offset(core: Core, place: Integers, row: Integers) -> float:
    """How far below the core's bottom most of the ink ends."""
    size = max(core.height, 2.0)
    drop, search = max(1, round(_DROP * size)), max(1, round(_SEARCH * size))
    depth = row - np.rint(core.bottom[place]).astype(np.int64) + search + drop
    kept = (depth >= 0) & (depth < 2 * (search + drop))
    profile = np.bincount(depth[kept], minlength=2 * (search + drop))
    sums = np.concatenate([[0], np.cumsum(profile)])
    edge = np.arange(drop, len(profile) - drop + 1)
    fall = 2 * sums[edge] - sums[edge - drop] - sums[edge + drop]
    return float(edge[int(np.argmax(fall))] - search - drop) if len(place) else 0.0


def _envelope(values: Rows, window: int) -> Rows:
    """The upper envelope, even over a window."""
    padded = np.pad(values, window // 2, mode="edge")
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * (window // 2) + 1).max(axis=1)
    return _even(highest, window)


def _even(values: Rows, window: int) -> Rows:
    """A moving average; the window shrinks to what there is."""
    reach = min(max(window, 1) // 2, (len(values) - 1) // 2)
    padded = np.pad(values, reach, mode="edge")
    return np.convolve(padded, np.full(2 * reach + 1, 1 / (2 * reach + 1)), "valid")


def _course(start: int, rows: Rows, *, step: int, shape: tuple[int, int]) -> Rows:
    """Points along a curve, its ends among them: (N, 2)."""
    num = max(2, -(-len(rows) // max(1, step)) + 1)
    at = np.linspace(0, len(rows) - 1, num)
    y = np.interp(at, np.arange(len(rows)), rows)
    return np.column_stack([start + at, np.clip(y, 0, shape[0] - 1)])


def _polygon(start: int, top: Rows, bottom: Rows, *, step: int, shape: tuple[int, int]) -> Rows:
    """Along the top to the right, along the bottom back."""
    upper = _course(start, top, step=step, shape=shape)
    lower = _course(start, bottom, step=step, shape=shape)
    return np.concatenate([upper, lower[::-1]])

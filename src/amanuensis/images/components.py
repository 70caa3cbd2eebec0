"""Connected components of a bitmap, in NumPy: where they lie, how high symbols are, which to keep (our addition)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]

# Of the tallest component's height: what is lower is a dot, a bar or a minus sign and does not count, what is higher
# counts fully. A sharp bound at 0.1 (which the published bitmaps were scaled by) would make heights jump.
_COUNTED = (0.05, 0.15)
_FLAT = 0.2  # one that rises by less than this share of its width tells nothing of the writing's size


@dataclass(frozen=True, slots=True)
class Components:
    """The 8-connected components of a bitmap, as horizontal runs: N of them in C components.

    Attributes:
        shape: (H, W) of the bitmap.
        row: (N,) of each run, ascending.
        start: (N,) first column.
        stop: (N,) the column after the last.
        label: (N,) which component, from 0 to C - 1.
        left: (C,) first column; `top`, `right` and `bottom` likewise, the latter two exclusive.
        area: (C,) pixels.
    """

    shape: tuple[int, int]
    row: Integers
    start: Integers
    stop: Integers
    label: Integers
    left: Integers
    top: Integers
    right: Integers
    bottom: Integers
    area: Integers

    def __len__(self) -> int:
        return len(self.area)

    @property
    def heights(self) -> Integers:
        """(C,) in pixels."""
        return self.bottom - self.top

    @property
    def widths(self) -> Integers:
        """(C,) in pixels."""
        return self.right - self.left

    def drawn(self, kept: Mask) -> Mask:
        """The bitmap (H, W) of those components for which `kept` (C,) is True."""
        height, width = self.shape
        changes = np.zeros((height, width + 1), np.int8)
        runs = kept[self.label]
        changes[self.row[runs], self.start[runs]] = 1
        changes[self.row[runs], self.stop[runs]] -= 1
        return np.cumsum(changes[:, :-1], axis=1, dtype=np.int8).astype(bool)

    def peaks(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(C,) the largest of the values (H, W) in each component."""
        peaks = np.full(len(self), -np.inf, np.float32)
        np.maximum.at(peaks, self.label, self._over_runs(np.maximum, values))
        return peaks

    def shares(self, mask: Mask) -> NDArray[np.float64]:
        """(C,) the share of each component that lies in a mask (H, W)."""
        inside = self._over_runs(np.add, mask.astype(np.float32))
        shares: NDArray[np.float64] = np.bincount(self.label, weights=inside, minlength=len(self)) / self.area
        return shares

    def _over_runs(self, operation: np.ufunc, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N,) the values (H, W) of each run, reduced."""
        if not len(self.row):
            return np.zeros(0, np.float32)
        width = self.shape[1]
        # One value more, so that a run may end with the picture.
        flat = np.append(values.ravel(), np.float32(0))
        bounds = np.column_stack([self.row * width + self.start, self.row * width + self.stop]).ravel()
        reduced: NDArray[np.float32] = operation.reduceat(flat, bounds)[::2]
        return reduced


def find_components(mask: Mask) -> Components:
    """The components of a bitmap (H, W), numbered by their first runs, row by row."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1).ravel()
    first, last = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    row, start, stop = first // (width + 1), first % (width + 1), last % (width + 1)
    label = _labels(len(row), *_touching(row, start, stop, width + 2))
    count = int(label.max()) + 1 if len(label) else 0
    left, top = np.full(count, width), np.full(count, height)
    right, bottom = np.zeros(count, np.int64), np.zeros(count, np.int64)
    np.minimum.at(left, label, start)
    np.minimum.at(top, label, row)
    np.maximum.at(right, label, stop)
    np.maximum.at(bottom, label, row + 1)
    area = np.bincount(label, weights=stop - start, minlength=count).astype(np.int64)
    return Components((height, width), row, start, stop, label, left, top, right, bottom, area)


def _touching(row: Integers, start: Integers, stop: Integers, stride: int) -> tuple[Integers, Integers]:
    """All pairs (upper run, lower run) that touch, corners included. Runs are sorted; keys grow row by row."""
    begins, ends = row * stride + start, row * stride + stop
    below = (row + 1) * stride
    lowest = np.searchsorted(ends, below + start, "left")
    highest = np.searchsorted(begins, below + stop, "right")
    counts = np.maximum(highest - lowest, 0)
    upper = np.repeat(np.arange(len(row)), counts)
    lower = np.arange(len(upper)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(lowest, counts)
    return upper, lower


def _labels(num_runs: int, upper: Integers, lower: Integers) -> Integers:
    """(N,) component of each run: every run takes the least root among its neighbors' until none changes."""
    roots = np.arange(num_runs)
    while True:
        of_upper, of_lower = roots[upper], roots[lower]
        if np.array_equal(of_upper, of_lower):
            return np.unique(roots, return_inverse=True)[1].astype(np.int64)
        least = np.minimum(of_upper, of_lower)
        # Roots are hooked, not runs: whole trees move at once, so few rounds are enough.
        np.minimum.at(roots, of_upper, least)
        np.minimum.at(roots, of_lower, least)
        while not np.array_equal(flattened := roots[roots], roots):
            roots = flattened


def symbol_height(components: Components, *, pen: float) -> float:
    """The typical height of symbols in pixels, without the pen's width; 0 for nothing but dots.

    The mean over components that are taller than about a tenth of the tallest. On the published bitmaps, which were
    scaled by the like of it (see `amanuensis.ink.render`), its median is 29.2 and its coefficient of variation
    0.10. If none rises (a minus, an equals sign): the mean width.

    Args:
        components: at least one.
        pen: width of the strokes in pixels.
    """
    heights = np.maximum(components.heights - pen, 0.0)
    widths = np.maximum(components.widths - pen, 0.0)
    if not bool((heights > _FLAT * widths).any()):
        return float(widths.mean())
    least, fully = _COUNTED
    weights = np.clip((heights / heights.max() - least) / (fully - least), 0, 1)
    return float(np.average(heights, weights=weights))

"""Cores of lines: the band between baseline and top of the small letters, column by column (our addition).

Ascenders and descenders of neighboring lines reach into each other, cores do not. So whatever finds lines marks their
cores first: connected blobs in a map of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amanuensis.images.components import find_components

Mask = NDArray[np.bool_]
Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Core:
    """The core of a line or of a piece of one, in pixels of the map that it was found in.

    Attributes:
        start: its first column.
        top: (N,) first row of each of its columns.
        bottom: (N,) the row after the last.
    """

    start: int
    top: Rows
    bottom: Rows

    @property
    def stop(self) -> int:
        """The column after the last."""
        return self.start + len(self.top)

    @property
    def width(self) -> int:
        """In columns."""
        return len(self.top)

    @property
    def height(self) -> float:
        """The median over its columns."""
        return float(np.median(self.bottom - self.top))

    @property
    def middle(self) -> Rows:
        """(N,) half-way between top and bottom."""
        return (self.top + self.bottom) / 2

    @property
    def row(self) -> float:
        """Its middle's median."""
        return float(np.median(self.middle))

    def level_at(self, column: float, *, reach: int) -> float:
        """Where its middle goes through a column, which may lie outside: straight on from its nearer end.

        Args:
            column: in pixels.
            reach: columns at the end that tell the direction; a core that has fewer tells it less surely, and is
                gone on from the more level for it.
        """
        place = column - self.start
        if 0 <= place < self.width:
            return float(self.middle[int(place)])
        part = self.middle[:reach] if place < 0 else self.middle[-reach:]
        first = 0 if place < 0 else self.width - len(part)
        offset, slope = _straight(part)
        # About the part's middle, so that a slope that is believed less does not move it.
        center = first + (len(part) - 1) / 2
        return offset + slope * (center - first) + min(1.0, len(part) / reach) * slope * (place - center)


def cores_of(mask: Mask) -> list[Core]:
    """The connected blobs of a map (H, W) as cores, from top to bottom."""
    found = find_components(mask)
    offsets = np.concatenate([[0], np.cumsum(found.widths)])
    top = np.full(offsets[-1], mask.shape[0], np.int64)
    bottom = np.zeros(offsets[-1], np.int64)
    lengths = found.stop - found.start
    run = np.repeat(np.arange(len(lengths)), lengths)
    column = np.arange(len(run)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + found.start[run]
    place = offsets[found.label[run]] + column - found.left[found.label[run]]
    np.minimum.at(top, place, found.row[run])
    np.maximum.at(bottom, place, found.row[run] + 1)
    return [
        Core(
            int(found.left[i]),
            top[offsets[i] : offsets[i + 1]].astype(np.float64),
            bottom[offsets[i] : offsets[i + 1]].astype(np.float64),
        )
        for i in range(len(found))
    ]


def joined(cores: Sequence[Core]) -> Core:
    """Pieces of one line as one core, straight from piece to piece.

    Args:
        cores: at least one. Where two overlap, the one that begins later gives way.
    """
    cores = sorted(cores, key=lambda core: core.start)
    start, stop = cores[0].start, max(core.stop for core in cores)
    columns, top, bottom = [], [], []
    after = start
    for core in cores:
        if core.stop > after:
            skipped = max(0, after - core.start)
            columns.append(np.arange(core.start + skipped, core.stop))
            top.append(core.top[skipped:])
            bottom.append(core.bottom[skipped:])
            after = core.stop
    at = np.concatenate(columns)
    every = np.arange(start, stop)
    return Core(
        start, np.interp(every, at, np.concatenate(top)), np.interp(every, at, np.concatenate(bottom))
    )


def cut_core(core: Core, first: int, last: int) -> Core:
    """The part of a core from one of its columns to before another, counted from its own start."""
    return Core(core.start + first, core.top[first:last], core.bottom[first:last])


def widened(core: Core, columns: int, *, width: int) -> Core:
    """The core with so many more columns at both ends, inside a page of `width` columns."""
    left = min(columns, core.start)
    right = min(columns, max(0, width - core.stop))
    pad = ((left, right),)
    return Core(core.start - left, np.pad(core.top, pad, mode="edge"), np.pad(core.bottom, pad, mode="edge"))


def _straight(values: Rows) -> tuple[float, float]:
    """Offset and slope of the line through values at 0, 1, 2, ...: least squares; level through fewer than eight."""
    if len(values) < 8:
        return float(values.mean()), 0.0
    at = np.arange(len(values))
    slope = float(((at - at.mean()) * (values - values.mean())).sum() / ((at - at.mean()) ** 2).sum())
    return float(values.mean() - slope * at.mean()), slope

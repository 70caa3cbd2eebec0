"""Found lines against true ones: who is whom, and what became of every true line (our addition).

A true line is found if a line of its own has an intersection over union with it of at least `LEAST_OVERLAP`; lines
are paired one to one, the best first. A true line that has no such partner is split (several found lines share it),
merged (a found line covers it and another one), or missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from amanuensis.records import Points

LEAST_OVERLAP = 0.5
"""Of the intersection over the union, from which on a line is found."""

Fate = Literal["found", "split", "merged", "missed"]
FATES: tuple[Fate, ...] = ("found", "split", "merged", "missed")

_LONG_SIDE = 1600  # pixels that outlines are compared in
_MOSTLY = 0.5  # of a line's own area: it lies inside the other
_AT_ALL = 0.2  # of a found line's own area in a true one: it may have read something of it


@dataclass(frozen=True, slots=True)
class Matching:
    """What became of T true and F found lines.

    Attributes:
        fates: (T,) of the true lines.
        partners: (T,) the found line of each that is found, else None.
        homes: (F,) the true line that each found one overlaps most, by its own area; None if it hardly touches any.
        num_extra: found lines that are no partner, no piece and no merger: there is no such line.
    """

    fates: tuple[Fate, ...]
    partners: tuple[int | None, ...]
    homes: tuple[int | None, ...]
    num_extra: int


def match_lines(true: Sequence[Points], found: Sequence[Points], *, size: tuple[int, int]) -> Matching:
    """Pair the outlines of a page.

    Args:
        true: outlines; one of fewer than three points cannot be found.
        found: likewise.
        size: the page's width and height.
    """
    shared, of_true, of_found = _areas(true, found, size)
    union = of_true[:, None] + of_found[None, :] - shared
    partners = _paired(shared / np.maximum(union, 1))
    in_true = shared / np.maximum(of_found[None, :], 1)
    in_found = shared / np.maximum(of_true[:, None], 1)
    taken = {partner for partner in partners if partner is not None}
    useful = set(taken)
    fates: list[Fate] = []
    for i, partner in enumerate(partners):
        fate, by = _fate(i, in_true, in_found, taken) if partner is None else ("found", {partner})
        fates.append(fate)
        useful |= by
    homes = [_home(in_true[:, j]) for j in range(len(found))]
    return Matching(tuple(fates), tuple(partners), tuple(homes), len(found) - len(useful))


def _fate(
    true: int, in_true: NDArray[np.float64], in_found: NDArray[np.float64], taken: set[int]
) -> tuple[Fate, set[int]]:
    """What became of a line without a partner, and the found lines that did it."""
    pieces = {j for j in np.flatnonzero(in_true[true] >= _MOSTLY).tolist() if j not in taken}
    if len(pieces) > 1:
        return "split", pieces
    mergers = {
        j
        for j in np.flatnonzero(in_found[true] >= _MOSTLY).tolist()
        if np.count_nonzero(in_found[:, j] >= _MOSTLY) > 1
    }
    return ("merged", mergers) if mergers else ("missed", set())


def _paired(overlaps: NDArray[np.float64]) -> list[int | None]:
    """(T,) partners, one to one, the largest overlap first."""
    partners: list[int | None] = [None] * len(overlaps)
    taken: set[int] = set()
    pairs = np.argwhere(overlaps >= LEAST_OVERLAP)
    for i, j in sorted(pairs.tolist(), key=lambda pair: (-overlaps[pair[0], pair[1]], pair)):
        if partners[i] is None and j not in taken:
            partners[i] = j
            taken.add(j)
    return partners


def _home(shares: NDArray[np.float64]) -> int | None:
    if not len(shares) or shares.max() < _AT_ALL:
        return None
    return int(np.argmax(shares))


def _areas(
    true: Sequence[Points], found: Sequence[Points], size: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Pixels that are shared (T, F), and of each line (T,), (F,)."""
    scale = min(1.0, _LONG_SIDE / max(1, *size))
    one, other = ([_Filled.of(points, scale) for points in side] for side in (true, found))
    shared = np.zeros((len(one), len(other)))
    for i, first in enumerate(one):
        for j, second in enumerate(other):
            shared[i, j] = first.shared(second)
    return (
        shared,
        np.array([float(filled.inside.sum()) for filled in one]),
        np.array([float(filled.inside.sum()) for filled in other]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Filled:
    """A filled polygon: its pixels (H, W), and where the first of them lies."""

    left: int
    top: int
    inside: NDArray[np.bool_]

    @classmethod
    def of(cls, points: Points, scale: float) -> _Filled:
        if len(points) < 3:
            return cls(0, 0, np.zeros((0, 0), np.bool_))
        moved = np.array(points, np.float64) * scale
        left, top = np.floor(moved.min(axis=0)).astype(int).tolist()
        width, height = (np.ceil(np.ptp(moved, axis=0)).astype(int) + 2).tolist()
        image = Image.new("1", (width, height))
        ImageDraw.Draw(image).polygon([(x - left, y - top) for x, y in moved.tolist()], fill=1)
        return cls(left, top, np.asarray(image))

    def shared(self, other: _Filled) -> int:
        """Pixels of both."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        height = min(self.top + self.inside.shape[0], other.top + other.inside.shape[0]) - top
        width = min(self.left + self.inside.shape[1], other.left + other.inside.shape[1]) - left
        if height <= 0 or width <= 0:
            return 0
        return int(
            np.count_nonzero(self._part(left, top, width, height) & other._part(left, top, width, height))
        )

    def _part(self, left: int, top: int, width: int, height: int) -> NDArray[np.bool_]:
        y, x = top - self.top, left - self.left
        return self.inside[y : y + height, x : x + width]

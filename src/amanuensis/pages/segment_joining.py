"""Pieces of lines made whole: which of them go on from one another, which are specks or stand upright (our addition).

Lengths are told in heights of cores, so that they hold for any scan and any hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from amanuensis.pages.segment_barriers import Barriers
from amanuensis.pages.segment_cores import Core, joined

_NEAR = 1.5  # a gap between words
_FAR = 2.2  # the widest gap that needs no neighbor to be believed
_FARTHEST = 8.0  # the widest gap of a line of which a neighbor runs past all of it
_OVERLAP = 1.0  # by which a piece may begin before the last one ends
_OFF = 0.6  # how far ends may lie apart vertically, where they go on straight ...
_DRIFT = 0.06  # ... and so much more for every height of gap
_DIRECTION = 8.0  # the length at an end that tells its direction
_UNLIKE = 2.5  # ratio of heights that one hand does not have on one line
_AROUND = 9.0  # how far above and below neighbors are asked for
_OTHER = 0.8  # how far off what stands on another line is
_ALIGNED = 1.2  # how exactly lines of a column begin below one another
_COLUMN = 2  # neighbors that are enough to see a column

_SHORTEST = 0.8  # of the page's usual height: the width of what is no speck
_LOWEST = 0.4  # of the page's usual height: the height of what is no speck
_UPRIGHT = 1.6  # times the usual height, and higher than wide: writing that runs up or down


class Sorted(NamedTuple):
    """Pieces told apart: those of lines, and the number of those left out."""

    kept: list[Core]
    num_left_out: int


def without_specks(pieces: Sequence[Core]) -> Sorted:
    """The pieces that may be writing from left to right: no specks, nothing upright."""
    if not pieces:
        return Sorted([], 0)
    usual = usual_height(pieces)
    kept = [piece for piece in pieces if _may_be_line(piece, usual)]
    return Sorted(kept, len(pieces) - len(kept))


def usual_height(pieces: Sequence[Core]) -> float:
    """The height of a page's cores: the median over all their columns, so that specks hardly count."""
    return float(np.median(np.concatenate([piece.bottom - piece.top for piece in pieces])))


def join_pieces(pieces: Sequence[Core], barriers: Barriers | None = None) -> list[Core]:
    """Pieces that go on from one another become one line; the smallest gaps are closed first, none across a barrier."""
    after: dict[int, int] = {}
    before: dict[int, int] = {}
    for left, right in _candidates(pieces):
        if barriers is not None and barriers.between(pieces[left], pieces[right]):
            continue
        if left not in after and right not in before:
            after[left], before[right] = right, left
    lines = []
    for first in range(len(pieces)):
        if first not in before:
            chain = [first]
            while chain[-1] in after:
                chain.append(after[chain[-1]])
            lines.append(joined([pieces[i] for i in chain]))
    return lines


def _may_be_line(piece: Core, usual: float) -> bool:
    if piece.height > _UPRIGHT * usual and piece.height > piece.width:
        return False
    return piece.width >= _SHORTEST * usual and piece.height >= _LOWEST * usual


def _candidates(pieces: Sequence[Core]) -> list[tuple[int, int]]:
    """Pairs (left, right) that may belong to one line, the smallest gap first."""
    extents = _Extents.of(pieces)
    pairs: list[tuple[float, int, int]] = []
    for left, piece in enumerate(pieces):
        gaps = extents.start - piece.stop
        size = np.minimum(piece.height, extents.height)
        apart = np.abs(extents.row - piece.row)
        likely = (gaps >= -_OVERLAP * size) & (gaps <= _FARTHEST * size) & (apart <= _AROUND * size)
        later = (extents.start > piece.start) & (extents.stop > piece.stop)
        pairs += [
            (float(gaps[right]), left, right)
            for right in np.flatnonzero(likely & later).tolist()
            if _goes_on(piece, pieces[right]) and not _is_apart(extents, left, right)
        ]
    return [(left, right) for _, left, right in sorted(pairs)]


def _goes_on(left: Core, right: Core) -> bool:
    """Whether both are of one size, and their ends point at one another."""
    size = min(left.height, right.height)
    if max(left.height, right.height) > _UNLIKE * size:
        return False
    gap = max(0.0, right.start - left.stop)
    column = (left.stop + right.start) / 2
    reach = round(_DIRECTION * size)
    apart = left.level_at(column, reach=reach) - right.level_at(column, reach=reach)
    return abs(apart) <= _OFF * size + _DRIFT * gap


def _is_apart(extents: _Extents, left: int, right: int) -> bool:
    """Whether the gap lies between columns, or between the margin and the text, and not between words."""
    gap = int(extents.start[right] - extents.stop[left])
    size = float(min(extents.height[left], extents.height[right]))
    if gap <= _NEAR * size:
        return False
    near = extents.neighbors(left, right, _AROUND * size)
    if bool((near & (extents.start <= extents.stop[left]) & (extents.stop >= extents.start[right])).any()):
        return False
    beginning = near & (np.abs(extents.start - extents.start[right]) <= _ALIGNED * size)
    return gap > _FAR * size or int(beginning.sum()) >= _COLUMN


class _Extents(NamedTuple):
    """Where pieces lie: (P,) each."""

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    row: NDArray[np.float64]
    height: NDArray[np.float64]

    @classmethod
    def of(cls, pieces: Sequence[Core]) -> _Extents:
        return cls(
            np.array([piece.start for piece in pieces], np.int64),
            np.array([piece.stop for piece in pieces], np.int64),
            np.array([piece.row for piece in pieces], np.float64),
            np.array([piece.height for piece in pieces], np.float64),
        )

    def neighbors(self, left: int, right: int, reach: float) -> NDArray[np.bool_]:
        """(P,) which pieces lie on other lines close by."""
        row = (self.row[left] + self.row[right]) / 2
        apart = np.abs(self.row - row)
        near: NDArray[np.bool_] = (apart <= reach) & (
            apart > _OTHER * min(self.height[left], self.height[right])
        )
        near[[left, right]] = False
        return near

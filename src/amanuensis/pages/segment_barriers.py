"""Strokes that no line crosses: braces and frames that a pen has drawn beside or around a paragraph (our addition).

A note in the margin is no part of the line that stands at its height. Where somebody has drawn a stroke between the
two, that is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from amanuensis.images.components import find_components
from amanuensis.pages.segment_cores import Core, cut_core

Mask = NDArray[np.bool_]

_CROSSED = 0.7  # of a core's rows: the stroke runs through it
_LEAN = 1.5  # heights that a stroke may lean across a core; one that runs along it is no barrier
_ROOM = 0.3  # heights at the ends of a gap in which a barrier counts as well


class Barriers:
    """The strokes of one page.

    Args:
        strokes: (H, W), True where one is.
    """

    def __init__(self, strokes: Mask) -> None:
        self._strokes = strokes
        self._any = bool(strokes.any())

    def cut(self, cores: Sequence[Core]) -> list[Core]:
        """The cores in pieces, wherever a stroke runs through one; the columns of the stroke are left out."""
        return [piece for core in cores for piece in self._pieces(core)] if self._any else list(cores)

    def between(self, left: Core, right: Core) -> bool:
        """Whether a stroke runs through the gap between two pieces that seem to be of one line."""
        if not self._any:
            return False
        height = min(left.height, right.height)
        room = round(_ROOM * height)
        first, last = sorted((left.stop, right.start))
        first, last = max(0, first - room), min(self._strokes.shape[1], last + room)
        top = max(0, round(max(left.top[-1], right.top[0])))
        bottom = round(min(left.bottom[-1], right.bottom[0]))
        if bottom - top < height / 2:  # they lie aslant to one another
            middle = (left.level_at(left.stop, reach=1) + right.level_at(right.start, reach=1)) / 2
            top, bottom = max(0, round(middle - height / 2)), round(middle + height / 2)
        gap = self._strokes[top:bottom, first:last]
        return any(True for _ in _crossings(gap, height))

    def _pieces(self, core: Core) -> Iterator[Core]:
        first, last = max(0, int(core.top.min())), int(np.ceil(core.bottom.max()))
        rows = np.arange(first, min(last, len(self._strokes)))[:, None]
        inside = self._strokes[first:last, core.start : core.stop] & (rows >= core.top) & (rows < core.bottom)
        begin = 0
        for left, right in sorted(_crossings(inside, core.height)):
            if left > begin:
                yield cut_core(core, begin, left)
            begin = max(begin, right)
        if begin < core.width:
            yield cut_core(core, begin, core.width) if begin else core


def _crossings(strokes: Mask, height: float) -> Iterator[tuple[int, int]]:
    """First column and the one after the last of every stroke that runs up or down through a band so high."""
    found = find_components(strokes)
    for i in range(len(found)):
        if found.heights[i] >= _CROSSED * height and found.widths[i] <= _LEAN * height:
            yield int(found.left[i]), int(found.right[i])

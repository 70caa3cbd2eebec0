"""Very wide lines are read in overlapping windows, whose logits are stitched in the middle of each overlap.

Our addition. The seam lies as far from both windows' edges as it can, so neither reading lacks context there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def window_starts(width: int, *, window: int, overlap: int) -> list[int]:
    """Where the windows of a line begin; each ends `window` pixels further or with the line.

    The last window is longer than the overlap.

    Args:
        width: of the prepared line, in pixels.
        window: of each window, in pixels; 0: one window for any line.
        overlap: that neighbouring windows share, in pixels; less than `window`.
    """
    if not window:
        return [0]
    return list(range(0, max(1, width - overlap), window - overlap))


def stitch(logits: Sequence[NDArray[Any]], starts: Sequence[int], *, stride: int) -> NDArray[Any]:
    """The logits of a whole line from those of its windows.

    Args:
        logits: of each window, (T_i, V), at least one.
        starts: of each window, in pixels, multiples of `stride` (`window_starts`).
        stride: pixels per frame.

    Returns:
        (T, V), T the last window's start in frames and its length.
    """
    assert all(start % stride == 0 for start in starts), "windows must begin on frames"
    begins = [start // stride for start in starts]
    ends = [begin + len(part) for begin, part in zip(begins, logits, strict=True)]
    # The seam between two windows: the middle of what both cover.
    seams = [0, *((begin + end) // 2 for begin, end in zip(begins[1:], ends[:-1], strict=True)), ends[-1]]
    kept = [part[seams[i] - begins[i] : seams[i + 1] - begins[i]] for i, part in enumerate(logits)]
    return np.concatenate(kept)

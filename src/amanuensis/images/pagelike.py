"""Telling a page from a line, so that a page is refused instead of squashed into one line (our addition)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Rows are counted in a few vertical strips, since the rows of a tilted page run into each other over its
# full width; the median strip decides. Of 19,163 real lines (twelfth century to today, some with neighbours
# in the crop) one has 6 rows and none more; pages, also small, tilted by 3 degrees or with black scan
# borders, have 14 or more.
_ROWS_OF_A_PAGE = 8
_STRIPS = 5
_ROWS_SEEN_AT = 400  # pixels of height that a page is reduced to; its rows are still some ten pixels apart
_GRAIN = 2  # grey levels; the steps of a smooth shadow are no ink
# A page with few rows is told by its size: no scanner gives a line a thousand pixels.
_HEIGHT_OF_A_PAGE = 1000
# In anything longer, so many rows would each be longer (48 to 1) than the longest real line (31 to 1).
_LONGEST_ASPECT = 6


def looks_like_page(grey: NDArray[np.uint8]) -> str | None:
    """Why the picture is plainly no line of text: what was seen and what to do; None if it may be one.

    Args:
        grey: (H, W), dark on light.
    """
    height, width = grey.shape
    size = f"{width} x {height} pixels"
    if height >= _HEIGHT_OF_A_PAGE and 2 * height >= width:
        return f"looks like a page, not like a line ({size}): cut it into lines first"
    if height < 3 * _ROWS_OF_A_PAGE or width > _LONGEST_ASPECT * height:
        return None
    rows = _count_rows(grey)
    if rows >= _ROWS_OF_A_PAGE:
        return f"looks like a page, not like a line (about {rows} rows in {size}): cut it into lines first"
    return None


def _count_rows(grey: NDArray[np.uint8]) -> int:
    ink = _local_ink(grey)
    height, width = ink.shape
    strips = max(1, min(_STRIPS, width // max(8, height // _STRIPS)))
    counts = [_count_peaks(strip.mean(axis=1)) for strip in np.array_split(ink, strips, axis=1)]
    return sorted(counts)[len(counts) // 2]


def _local_ink(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much darker each pixel is than its column near it, so that shadows and dark paper are no rows."""
    reduction = -(-grey.shape[0] // _ROWS_SEEN_AT)
    levels = np.asarray(Image.fromarray(np.ascontiguousarray(grey)).reduce(reduction), dtype=np.float32)
    reach = max(1, levels.shape[0] // 6)
    sums = np.cumsum(np.pad(levels, ((reach + 1, reach), (0, 0)), mode="edge"), axis=0, dtype=np.float64)
    near = (sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1)
    ink: NDArray[np.float32] = np.maximum(near - levels - _GRAIN, 0).astype(np.float32)
    return ink


def _count_peaks(profile: NDArray[np.float32]) -> int:
    """Rows of writing: high peaks with gaps down to half of them.

    High is half of what a fifth of the profile exceeds; half of the maximum would be a scan border's.
    """
    smooth = np.convolve(np.pad(profile, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    least = float(np.quantile(smooth, 0.8)) / 2
    rows, peak, valley, rising = 0, 0.0, 0.0, True
    for value in [*smooth.tolist(), 0.0]:
        if rising:
            peak = max(peak, value)
            if value < peak / 2 and peak >= least > 0:
                rows, valley, rising = rows + 1, value, False
        else:
            valley = min(valley, value)
            if value > 2 * valley and value >= least:
                peak, rising = value, True
    return rows

"""The pen: how wide strokes are, and drawing them again at another size with another width (our addition)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Mask = NDArray[np.bool_]

# Outlines along pixel edges are longer than strokes that run aslant: twice area over outline is 2.83 for the
# published bitmaps, whose pen is 3.2 wide (ink pixels per pixel of stroke).
_OUTLINE_EXCESS = 3.2 / 2.83
_FINER = 2  # strokes are redrawn on a grid as much finer, so that widths come in halves of a pixel
_MOST_ROUNDS = 80


def pen_width(ink: Mask) -> float:
    """Mean width of the strokes of a bitmap (H, W) in pixels; 0 if there are none."""
    padded = np.pad(ink, 1)
    outline = int(np.count_nonzero(padded[1:] != padded[:-1])) + int(
        np.count_nonzero(padded[:, 1:] != padded[:, :-1])
    )
    return _OUTLINE_EXCESS * 2 * int(np.count_nonzero(ink)) / max(1, outline)


def redrawn(ink: Mask, *, scale: float, pen: float) -> Mask:
    """The strokes at another size with a pen of `pen` pixels.

    Thick ones are peeled from both sides (Zhang and Suen, CACM 27(3), 1984) until they are thin enough, so that
    none breaks; thin ones grow.

    Args:
        ink: (H, W).
        scale: result pixels per source pixel.
        pen: width to arrive at, in result pixels.

    Returns:
        (round(H * scale) + 2 r, round(W * scale) + 2 r), r = `drawn_room(pen)` pixels of room on each side.
    """
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    fine = np.pad(_resized(ink, (_FINER * height, _FINER * width)), _FINER * drawn_room(pen))
    # Half a fine pixel less, since a pixel half covered will be ink.
    aim = _FINER * pen - 0.5
    fine = _grown(_peeled(fine, aim), aim)
    parts = fine.reshape(fine.shape[0] // _FINER, _FINER, fine.shape[1] // _FINER, _FINER)
    result: Mask = parts.sum(axis=(1, 3)) * 2 >= _FINER**2
    return result


def drawn_room(pen: float) -> int:
    """How far strokes may grow beyond where they were, in pixels."""
    return math.ceil(pen)


def _resized(ink: Mask, shape: tuple[int, int]) -> Mask:
    """Nearest in shape at another size. Strokes thinner than a pixel of the result stay."""
    factor = shape[0] / ink.shape[0]
    image = Image.fromarray(ink.astype(np.uint8) * np.uint8(255))
    smooth = image.resize(shape[::-1], Image.Resampling.BICUBIC if factor > 1 else Image.Resampling.BOX)
    share = min(1.0, pen_width(ink) * factor / 2)
    kept: Mask = np.asarray(smooth) > 127 * share
    return kept


def _peeled(ink: Mask, pen: float) -> Mask:
    """Strokes at most about `pen` wide, by removing one side's edge after the other's."""
    for turn in range(_MOST_ROUNDS):
        width = pen_width(ink)
        # One more side may be peeled if that comes closer to the width that is wanted.
        if width - pen < 0.5:
            break
        thinner = ink & ~_removable(ink, turn % 2)
        if np.array_equal(thinner, ink):
            break
        ink = thinner
    return ink


def _removable(ink: Mask, side: int) -> Mask:
    """Edge pixels whose removal neither parts a stroke nor shortens a thin one: of the lower right or upper left."""
    p = np.pad(ink, 1)
    ring = [
        p[:-2, 1:-1], p[:-2, 2:], p[1:-1, 2:], p[2:, 2:], p[2:, 1:-1], p[2:, :-2], p[1:-1, :-2], p[:-2, :-2],
    ]  # fmt: skip
    north, east, south, west = ring[0], ring[2], ring[4], ring[6]
    count = np.zeros(ink.shape, np.uint8)
    rises = np.zeros(ink.shape, np.uint8)
    for here, following in zip(ring, [*ring[1:], ring[0]], strict=True):
        count += here
        rises += ~here & following
    edge = (
        ~(north & east & south) & ~(east & south & west)
        if side == 0
        else ~(north & east & west) & ~(north & south & west)
    )
    result: Mask = ink & (count >= 2) & (count <= 6) & (rises == 1) & edge
    return result


def _grown(ink: Mask, pen: float) -> Mask:
    """Strokes at least about `pen` wide, one pixel more at a time, downwards and to the right and back in turn."""
    if not ink.any():
        return ink
    for turn in range(math.ceil(pen)):
        if pen_width(ink) > pen - 0.5:
            break
        ink = _spread(ink, 1 if turn % 2 else -1)
    return ink


def _spread(ink: Mask, step: int) -> Mask:
    """Every pixel a square of 2 x 2 towards one corner."""
    for axis in (0, 1):
        shifted = np.roll(ink, step, axis=axis)  # the frame is wide enough that nothing comes round
        ink = ink | shifted
    return ink

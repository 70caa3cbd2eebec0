"""The pen: how wide strokes are, and drawing them again at another size with another width (our addition)."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Mask = NDArray[np.bool_]

# Outlines along pixel edges are longer than strokes that run aslant: twice area over outline is 2.83 for the
# published bitmaps, whose pen is 3.2 wide (ink pixels per pixel of stroke).
_OUTLINE_EXCESS = 3.2 / 2.83
_FINER = 2  # strokes are redrawn on a grid as much finer, so that widths come in halves of a pixel
_MUCH = 3.0  # times the pen that is wanted
_SIDES = (0, 4, 2, 6)  # north, south, east, west of the eight neighbors clockwise from the north


def pen_width(ink: Mask) -> float:
    """Mean width of the strokes of a bitmap (H, W) in pixels; 0 if there are none."""
    padded = np.pad(ink, 1)
    outline = np.count_nonzero(padded[1:] != padded[:-1]), np.count_nonzero(padded[:, 1:] != padded[:, :-1])
    return _width_of(int(np.count_nonzero(ink)), int(sum(outline)))


def _width_of(area: int, outline: int) -> float:
    return _OUTLINE_EXCESS * 2 * area / max(1, outline)


def redrawn(ink: Mask, *, scale: float, pen: float) -> Mask:
    """The strokes at another size with a pen of `pen` pixels.

    Thick ones are peeled, very thick ones drawn anew along their middle, thin ones grow.

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
    # Much peeling would leave slanting strokes thinner than others: those are better drawn anew.
    much = pen_width(fine) > _MUCH * aim
    fine = _grown(_thinned(fine, 0.0 if much else aim + 0.5), aim)
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


def _thinned(ink: Mask, pen: float) -> Mask:
    """Strokes as thin as `pen`, or one pixel, unbroken: peeled from four sides in turn, as Rosenfeld does.

    (Information and Control 29(3), 1975. Peeling two corners at a time is quicker, but wipes out dots.)
    """
    width = ink.shape[1]
    thin = ink.copy()
    flat = thin.ravel()
    # Clockwise from the north, as places apart; the frame of paper about the ink keeps them inside.
    around = np.array([-width, 1 - width, 1, 1 + width, width, width - 1, -1, -width - 1])
    places = np.flatnonzero(flat)
    since = 0  # sides in a row that had nothing to peel
    for side in itertools.cycle(_SIDES):
        ring = flat[places + around[:, None]]
        outline = int(np.count_nonzero(~ring[::2]))
        if since == len(_SIDES) or _width_of(len(places), outline) <= pen:
            return thin
        gone = _removable(ring, side)
        flat[places[gone]] = False
        since = 0 if gone.any() else since + 1
        places = places[~gone]
    raise AssertionError("an endless cycle ended")


def _removable(ring: Mask, side: int) -> Mask:
    """(N,) edge pixels of one side that neither connect nor end a stroke, by their eight neighbors (8, N)."""
    count = ring.sum(axis=0)
    rises = (~ring & np.roll(ring, -1, axis=0)).sum(axis=0)
    result: Mask = (count >= 2) & (count <= 6) & (rises == 1) & ~ring[side]
    return result


def _grown(ink: Mask, pen: float) -> Mask:
    """Strokes at least about `pen` wide: a square pen, as the published bitmaps were drawn with."""
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
        ink = ink | np.roll(ink, step, axis=axis)  # the frame is wide enough that nothing comes round
    return ink

"""Finding the writing in a photo: a look at the whole, then a closer one at where the ink is (our addition)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from amanuensis.images.binarize import binarize
from amanuensis.images.components import Components, find_components, symbol_height
from amanuensis.images.pen import pen_width
from amanuensis.images.rules import without_rules

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_FIRST_LOOK = 700_000  # pixels that a photo is reduced to, to find the formula in it
_SECOND_LOOK = 1_500_000  # pixels of the closer look, at most
_MOST_ENLARGED = 6.0
_PEN_BLUR = 1.2  # pixels of the closer look, a fifth of a usual pen there: pencil's grain and noise close up
_MISJUDGED = 1.3
_AROUND = 1.5  # symbol heights of paper that the closer look leaves about the ink
_LEAST_PEAK = 0.5  # of the ink's contrast, that a component reaches somewhere
_SPECK = 0.5  # of the pen's width; what is shorter or thinner is dirt, or what is left of a printed line
_LONG = 0.3  # of the longest component, to be surely a stroke that tells the pen's width
_SPAN = 0.6  # of the picture's side: what touches the edge and is as long is the desk, or where the page ends


class Writing(NamedTuple):
    """Ink told from paper in a view of the picture.

    Attributes:
        ink: (H, W) True where there is ink.
        pen: width of the strokes in pixels of the view.
        height: mean height of the symbols in pixels of the view, without the pen's width.
        scale: pixels of the view per pixel of the source.
        origin: (x, y) of the view's upper left corner in the source.
        contrast: share of the paper's light that the ink swallows, in [0, 1].
        num_components: connected pieces of ink.
        num_rules: printed lines that were taken out.
    """

    ink: Mask
    pen: float
    height: float
    scale: float = 1.0
    origin: tuple[float, float] = (0.0, 0.0)
    contrast: float = 1.0
    num_components: int = 0
    num_rules: int = 0


def find_writing(grey: Grey, *, height: float) -> Writing | None:
    """The writing in a picture, in a view where its symbols are about `height` pixels high; None if it is blank.

    Args:
        grey: (H, W), of either polarity, in any light.
        height: as `Writing.height`.
    """
    whole = (0, 0, grey.shape[1], grey.shape[0])
    first = _look(grey, whole, min(1.0, math.sqrt(_FIRST_LOOK / grey.size)))
    if first is None:
        return None
    box = _surroundings(first, grey.shape)
    pixels = (box[2] - box[0]) * (box[3] - box[1])
    limit = min(_MOST_ENLARGED, math.sqrt(_SECOND_LOOK / pixels))
    # What is lost on a closer look was a smear; the first look is then as good as any.
    second = _look(grey, box, min(limit, first.scale * height / first.height), blur=_PEN_BLUR) or first
    # Strokes in pieces had looked like low symbols.
    if second.height > _MISJUDGED * height:
        second = _look(grey, box, min(limit, second.scale * height / second.height), blur=_PEN_BLUR) or second
    return second


def measured(ink: Mask, components: Components) -> Writing:
    """The writing that a bitmap (H, W) is, told of its components (at least one)."""
    pen = pen_width(ink)
    height = symbol_height(components, pen=pen) or pen
    return Writing(ink, pen, height, num_components=len(components))


def _look(grey: Grey, box: tuple[int, int, int, int], scale: float, *, blur: float = 0.0) -> Writing | None:
    """What a part of the picture holds, seen at a scale; None if nothing."""
    size = max(1, round((box[2] - box[0]) * scale)), max(1, round((box[3] - box[1]) * scale))
    image = Image.fromarray(np.ascontiguousarray(grey[box[1] : box[3], box[0] : box[2]]))
    if image.size != size:
        kernel = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX
        image = image.resize(size, kernel, reducing_gap=2.0)
    seen = binarize(np.asarray(image.filter(ImageFilter.GaussianBlur(blur)) if blur else image))
    ink, num_rules = without_rules(seen.ink, seen.contrast, seen.level)
    components = find_components(ink)
    if not len(components):
        return None
    kept = _is_writing(components, components.peaks(seen.contrast), seen.level)
    if not kept.any():
        return None
    ink = components.drawn(kept)
    return measured(ink, find_components(ink))._replace(
        scale=size[0] / (box[2] - box[0]),
        origin=(float(box[0]), float(box[1])),
        contrast=seen.level,
        num_rules=num_rules,
    )


def _is_writing(components: Components, peaks: NDArray[np.float32], level: float) -> Mask:
    """(C,) which components are neither faint, nor specks, nor the edge of page or desk."""
    kept: Mask = peaks >= _LEAST_PEAK * level
    if not kept.any():
        return kept
    height, width = components.shape
    at_side = (components.left == 0) | (components.right == width)
    at_end = (components.top == 0) | (components.bottom == height)
    edge = (at_side & (components.heights > _SPAN * height)) | (at_end & (components.widths > _SPAN * width))
    if (kept & ~edge).any():
        kept &= ~edge
    length = np.maximum(components.heights, components.widths)
    long = kept & (length >= _LONG * length[kept].max())
    # A dot is as long as the pen is wide, and a stroke as thick.
    pen = pen_width(components.drawn(long))
    kept &= (length > _SPECK * pen) & (components.area > _SPECK * pen * length)
    return kept


def _surroundings(found: Writing, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The ink's bounds and some paper about them, in pixels of the source, (left, top, right, bottom)."""
    room = _AROUND * (found.height + found.pen)
    bounds = []
    for axis, side in ((0, shape[1]), (1, shape[0])):
        inked = np.flatnonzero(found.ink.any(axis=axis))
        first = found.origin[axis] + (float(inked[0]) - room) / found.scale
        last = found.origin[axis] + (float(inked[-1]) + 1 + room) / found.scale
        bounds.append((max(0, math.floor(first)), min(side, math.ceil(last))))
    (left, right), (top, bottom) = bounds
    return left, top, right, bottom

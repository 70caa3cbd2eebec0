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
from amanuensis.images.rules import Cleaned, Rule, find_rules, without_rules

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Boxes = NDArray[np.float64]

_FIRST_LOOK = 700_000  # pixels that a photo is reduced to, to find the formula in it
_SECOND_LOOK = 1_500_000  # pixels of the closer look, at most
_MOST_ENLARGED = 6.0
_AROUND = 1.5  # symbol heights of paper that the closer look leaves about the ink
_BESIDE = 0.5  # symbol heights from what the first look found, within which the closer look may find more
_PEN_BLUR = 1.2  # pixels of the closer look, a fifth of a usual pen there: pencil's grain and noise close up
_MISJUDGED = 1.3  # times the height that was wanted: the first look saw strokes in pieces

_LEAST_PEAK = 0.5  # of the ink's contrast, that a component reaches somewhere
_FAINTEST_RULE = 0.25  # of the ink's contrast: printed lines may be paler than any ink
_OFF_COURSE = 2  # pixels that a printed line may bend
_ALONG = 0.9  # of a component, that lies where a line was
_REMNANT = 1.6  # times the line's thickness
_SPAN = 0.6  # of the picture's side: what touches the edge and is as long is the desk, or where the page ends
_LONG = 0.3  # of the longest component, to be surely a stroke that tells the pen's width
_SPECK = 0.45  # of the pen's width; what is shorter is dirt
_HAIR = 0.4  # of the pen's width; what is thinner is dirt, or what is left of a printed line
_STRAY = 3.0  # mean heights away from everything else
_LITTLE = 0.05  # of the ink, that may lie astray
_MOST_COMPARED = 2000  # components, for their distances to be taken


class Writing(NamedTuple):
    """Ink told from paper in a view of the picture.

    Attributes:
        ink: (H, W) True where there is ink.
        components: those of `ink`.
        pen: width of the strokes in pixels of the view.
        height: mean height of the symbols in pixels of the view, without the pen's width.
        scale: pixels of the view per pixel of the source.
        origin: (x, y) of the view's upper left corner in the source.
        contrast: share of the paper's light that the ink swallows, in [0, 1].
        inverted: whether the ink is lighter than the paper.
        rules: printed lines that were taken out, in the source.
    """

    ink: Mask
    components: Components
    pen: float
    height: float
    scale: float = 1.0
    origin: tuple[float, float] = (0.0, 0.0)
    contrast: float = 1.0
    inverted: bool = False
    rules: tuple[Rule, ...] = ()

    @property
    def boxes(self) -> Boxes:
        """(C, 4) left, top, right and bottom of each component in the source."""
        boxes: Boxes = _boxes(self.components) / self.scale + np.asarray(self.origin * 2)
        return boxes


def find_writing(grey: Grey, *, height: float) -> Writing | None:
    """The writing in a picture, in a view where its symbols are about `height` pixels high; None if it is blank.

    Args:
        grey: (H, W), of either polarity, in any light.
        height: as `Writing.height`.
    """
    whole = (0, 0, grey.shape[1], grey.shape[0])
    first = _look(_view(grey, whole, min(1.0, math.sqrt(_FIRST_LOOK / grey.size))))
    if first is None:
        return None
    # What is lost on a closer look was a smear; the look before is then as good as any.
    second = _closer(grey, first, height) or first
    if second.height > _MISJUDGED * height:
        second = _closer(grey, second, height) or second
    return second


def measured(ink: Mask, components: Components) -> Writing:
    """The writing that a bitmap (H, W) is, told of its components (at least one)."""
    pen = pen_width(ink)
    return Writing(ink, components, pen, symbol_height(components, pen=pen) or pen)


class _View(NamedTuple):
    """A part of the picture at some scale; the fields are those of `Writing`."""

    image: Image.Image
    scale: float
    origin: tuple[float, float]


def _view(grey: Grey, box: tuple[int, int, int, int], scale: float) -> _View:
    """What lies in a box (left, top, right, bottom) of the picture."""
    size = max(1, round((box[2] - box[0]) * scale)), max(1, round((box[3] - box[1]) * scale))
    image = Image.fromarray(np.ascontiguousarray(grey[box[1] : box[3], box[0] : box[2]]))
    if image.size != size:
        kernel = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX
        image = image.resize(size, kernel, reducing_gap=2.0)
    return _View(image, size[0] / (box[2] - box[0]), (float(box[0]), float(box[1])))


def _closer(grey: Grey, found: Writing, height: float) -> Writing | None:
    """A look at where writing was found, at the scale that gives it the height that is wanted."""
    left, top, right, bottom = box = _surroundings(found, grey.shape)
    limit = min(_MOST_ENLARGED, math.sqrt(_SECOND_LOOK / ((right - left) * (bottom - top))))
    view = _view(grey, box, min(limit, found.scale * height / found.height))
    blurred = view.image.filter(ImageFilter.GaussianBlur(_PEN_BLUR))
    return _look(view._replace(image=blurred), found)


def _look(view: _View, known: Writing | None = None) -> Writing | None:
    """What writing a view shows, or None; where an earlier look knows better, it is believed."""
    level, inverted = (known.contrast, known.inverted) if known else (None, None)
    seen = binarize(np.asarray(view.image), level=level, inverted=inverted)
    if not seen.ink.any():
        return None
    if known:
        rules, slack = known.rules, math.ceil(_OFF_COURSE * max(1.0, view.scale / known.scale))
    else:
        faint = seen.contrast > _FAINTEST_RULE * seen.level
        rules, slack = (
            tuple(rule.in_source(*view[1:]) for rule in find_rules(faint, seen.contrast)),
            _OFF_COURSE,
        )
    cleaned = without_rules(seen.ink, seen.contrast, [rule.seen(*view[1:]) for rule in rules], slack=slack)
    components = find_components(cleaned.ink)
    kept: Mask = np.greater_equal(components.peaks(seen.contrast), _LEAST_PEAK * seen.level)
    kept &= _is_no_remnant(components, cleaned)
    if known:
        kept &= _is_known(components, view, known)
    for sift in (_is_no_edge, _is_no_speck, _is_not_astray):
        if not kept.any():
            return None
        kept &= sift(components, kept)
    if not kept.any():
        return None
    ink = components.drawn(kept)
    return measured(ink, find_components(ink))._replace(
        scale=view.scale, origin=view.origin, contrast=seen.level, inverted=seen.inverted, rules=rules
    )


def _is_known(components: Components, view: _View, known: Writing) -> Mask:
    """(C,) whether a component lies in or beside one that an earlier look has found."""
    if len(components) > _MOST_COMPARED:
        return np.ones(len(components), np.bool_)
    room = _BESIDE * known.height / known.scale
    nearby = known.boxes + np.array([-room, -room, room, room])
    gaps = _gaps(_boxes(components), (nearby - np.asarray(view.origin * 2)) * view.scale)
    found: Mask = gaps.min(axis=1) <= 0
    return found


def _is_no_remnant(components: Components, cleaned: Cleaned) -> Mask:
    """(C,) False for what is left of printed lines: it lies along them and is about as thick."""
    length = np.maximum(components.heights, components.widths)
    thin = components.area <= (_REMNANT * cleaned.thickness + 1) * length
    return ~(thin & (components.shares(cleaned.near) > _ALONG))


def _is_no_edge(components: Components, kept: Mask) -> Mask:
    """(C,) False for the end of the page or of the desk; if there were nothing else, it is writing cut close."""
    height, width = components.shape
    at_side = (components.left == 0) | (components.right == width)
    at_end = (components.top == 0) | (components.bottom == height)
    edge = (at_side & (components.heights > _SPAN * height)) | (at_end & (components.widths > _SPAN * width))
    return ~edge if bool((kept & ~edge).any()) else np.ones(len(components), np.bool_)


def _is_no_speck(components: Components, kept: Mask) -> Mask:
    """(C,) whether a component is about as long as the pen is wide (a dot is), and as thick as a stroke."""
    length = np.maximum(components.heights, components.widths)
    long = kept & (length >= _LONG * length[kept].max())
    pen = pen_width(components.drawn(long))
    big: Mask = (length > _SPECK * pen) & (components.area > _HAIR * pen * length)
    return big


def _is_not_astray(components: Components, kept: Mask) -> Mask:
    """(C,) whether a component belongs to the body of the writing: what little lies far from it is dirt."""
    if np.count_nonzero(kept) > _MOST_COMPARED:
        return kept
    boxes, area = _boxes(components)[kept], components.area[kept]
    reach = _STRAY * float(np.average(components.heights[kept], weights=area))
    close = _gaps(boxes, boxes) <= reach
    group = _groups(close)
    sizes = np.bincount(group, weights=area)
    height, width = components.shape
    at_edge = (boxes[:, :2] == 0).any(axis=1) | (boxes[:, 2] == width) | (boxes[:, 3] == height)
    belongs = kept.copy()
    astray = (sizes < _LITTLE * sizes.max()) | (np.bincount(group, weights=at_edge) > 0)
    astray[sizes.argmax()] = False
    belongs[kept] = ~astray[group]
    return belongs


def _groups(close: Mask) -> NDArray[np.int64]:
    """(C,) which group of those that are close (C, C) to one another, directly or by way of others."""
    group = np.full(len(close), -1)
    for first in range(len(close)):
        if group[first] >= 0:
            continue
        body = close[first]
        while not np.array_equal(grown := close[body].any(axis=0), body):
            body = grown
        group[body] = group.max() + 1
    return group


def _boxes(components: Components) -> Boxes:
    """(C, 4) left, top, right, bottom in pixels of the view."""
    sides = (components.left, components.top, components.right, components.bottom)
    return np.stack(sides, axis=1).astype(np.float64)


def _gaps(boxes: Boxes, others: Boxes) -> Boxes:
    """(M, N) pixels between two boxes, along the axis where they are further apart; 0 or less if they meet."""
    a, b = boxes[:, None], others[None, :]
    gaps: Boxes = np.maximum(a[..., :2] - b[..., 2:], b[..., :2] - a[..., 2:]).max(axis=-1)
    return gaps


def _surroundings(found: Writing, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The ink's bounds and some paper about them, in pixels of the source, (left, top, right, bottom)."""
    boxes = found.boxes
    room = _AROUND * (found.height + found.pen) / found.scale
    left, top = np.floor(boxes[:, :2].min(axis=0) - room).astype(int).tolist()
    right, bottom = np.ceil(boxes[:, 2:].max(axis=0) + room).astype(int).tolist()
    return max(0, left), max(0, top), min(shape[1], right), min(shape[0], bottom)

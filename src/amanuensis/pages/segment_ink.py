"""The ink of a page that may be writing: no ruled lines, frames, edges of paper or dirt (our addition)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from amanuensis.images.binarize import FAINTEST_INK, binarize
from amanuensis.images.components import Components, find_components
from amanuensis.images.rules import find_rules, without_rules

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_FAINT = 0.4  # of the ink's contrast: a ruled line is paler than writing
_SLACK = 2  # pixels that a ruled line may lie beside its course
_SMALLEST = 6  # pixels: fewer are dirt
_LONGEST = 0.25  # of the page's height or width: what is longer and thin is a frame or a flourish
_THIN = 0.06  # the share of its box that such a thing fills
_SLENDER = 0.004  # of the page's height: how thick a long upright stroke is at most, all over its height
_BORDER = 0.5  # what touches an edge of the page and is so long, or ...
_SOLID = 0.5  # ... fills so much of a box that no letter is so large
_LETTER = 0.08  # of the page's height


class PageInk(NamedTuple):
    """The ink of a page, told apart: (H, W) each.

    Attributes:
        writing: what may be writing.
        strokes: long strokes of a pen that are none: braces, and frames around a paragraph. No line goes on beyond one.
    """

    writing: Mask
    strokes: Mask


def page_ink(grey: Grey) -> PageInk:
    """The ink that may be writing, and what sets it apart.

    Args:
        grey: (H, W), at a scale at which letters are some 10 to 40 pixels high.
    """
    found = binarize(grey)
    if not found.ink.any():
        return PageInk(found.ink, found.ink)
    faint = found.contrast > max(FAINTEST_INK / 2, _FAINT * found.level)
    rules = find_rules(faint, found.contrast)
    ink = without_rules(found.ink, found.contrast, rules, slack=_SLACK).ink if rules else found.ink
    parts = find_components(ink)
    long = _long_strokes(parts)
    border = _borders(parts)
    return PageInk(
        parts.drawn(~long & ~border & ~_dirt_and_blots(parts)),
        parts.drawn(long & ~border & (parts.heights > _LONGEST * len(grey))),
    )


def _long_strokes(parts: Components) -> Mask:
    """(C,) which components are frames or flourishes: long and thin."""
    height, width = parts.shape
    tall, wide = parts.heights > _LONGEST * height, parts.widths > _LONGEST * width
    slender = parts.area < _SLENDER * height * parts.heights
    strokes: Mask = (tall & slender) | ((tall | wide) & (_filled(parts) < _THIN))
    return strokes


def _borders(parts: Components) -> Mask:
    """(C,) which components are edges of the paper."""
    height, width = parts.shape
    at_edge = (parts.left == 0) | (parts.top == 0) | (parts.right == width) | (parts.bottom == height)
    borders: Mask = at_edge & ((parts.heights > _BORDER * height) | (parts.widths > _BORDER * width))
    return borders


def _dirt_and_blots(parts: Components) -> Mask:
    """(C,) which components are too small or too solid to be writing."""
    large = np.minimum(parts.heights, parts.widths) > _LETTER * parts.shape[0]
    left_out: Mask = (parts.area < _SMALLEST) | (large & (_filled(parts) > _SOLID))
    return left_out


def _filled(parts: Components) -> NDArray[np.float64]:
    """(C,) the share of its box that a component fills."""
    filled: NDArray[np.float64] = parts.area / (parts.heights * parts.widths)
    return filled

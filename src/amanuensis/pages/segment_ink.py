"""The ink of a page that may be writing: no ruled lines, frames, edges of paper or dirt (our addition)."""

from __future__ import annotations

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
_BORDER = 0.5  # what touches an edge of the page and is so long, or ...
_SOLID = 0.5  # ... fills so much of a box that no letter is so large
_LETTER = 0.08  # of the page's height


def page_ink(grey: Grey) -> Mask:
    """(H, W) the ink that may be writing.

    Args:
        grey: (H, W), at a scale at which letters are some 10 to 40 pixels high.
    """
    found = binarize(grey)
    if not found.ink.any():
        return found.ink
    faint = found.contrast > max(FAINTEST_INK / 2, _FAINT * found.level)
    rules = find_rules(faint, found.contrast)
    ink = without_rules(found.ink, found.contrast, rules, slack=_SLACK).ink if rules else found.ink
    parts = find_components(ink)
    return parts.drawn(_may_be_writing(parts))


def _may_be_writing(parts: Components) -> Mask:
    """(C,) which components are no dirt, frames, flourishes, edges of paper."""
    height, width = parts.shape
    filled = parts.area / (parts.heights * parts.widths)
    long = (parts.heights > _LONGEST * height) | (parts.widths > _LONGEST * width)
    at_edge = (parts.left == 0) | (parts.top == 0) | (parts.right == width) | (parts.bottom == height)
    border = at_edge & ((parts.heights > _BORDER * height) | (parts.widths > _BORDER * width))
    blot = (np.minimum(parts.heights, parts.widths) > _LETTER * height) & (filled > _SOLID)
    kept: Mask = (parts.area >= _SMALLEST) & ~(long & (filled < _THIN)) & ~border & ~blot
    return kept

"""Where in its picture each token of a caption was written, where the ink says which strokes make which symbol.

CROHME names the strokes of every symbol, but not which token of the caption a symbol is. One `x` is found by its name;
of several the one that stands where the caption's layout expects it (`latex.arrangement`). Our addition: the paper does
not use the segmentation.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from amanuensis.errors import DataError
from amanuensis.images.formula import FormulaSpec, Measured
from amanuensis.ink import Ink, RenderSettings, stroke_boxes
from amanuensis.latex.arrangement import Place, arrange

Boxes = NDArray[np.float32]

_GAIN = 1e-9  # smaller gains are rounding, and could go round in circles
_ROWS = 1.5  # a difference in height counts so much more than one in width: formulas are wide


def places_of(
    tokens: Sequence[str], ink: Ink, settings: RenderSettings, spec: FormulaSpec, seen: Measured
) -> Boxes:
    """(L, 4) left, top, right, bottom of every token in pixels of the prepared picture; NaN for what has no place.

    Args:
        tokens: the caption, L of them.
        ink: with its symbols.
        settings: how it is drawn.
        spec: how the drawing is prepared.
        seen: where that put it: what `normalize_drawing` says of the drawing.
    """
    boxes = np.full((len(tokens), 4), np.nan, dtype=np.float32)
    sides = np.array([-0.5, -0.5, 0.5, 0.5])  # half a pen's width beyond the line that it was led along
    pen = settings.pen if seen.clean and seen.scale == 1 else spec.pen  # else strokes were drawn anew
    lines = stroke_boxes(ink, settings) - settings.pen * sides - np.asarray(seen.origin * 2)
    reach = _reach(ink, (lines * seen.scale + pen * sides) * spec.scale)
    for token, symbol in matched_symbols(tokens, ink):
        boxes[token] = reach[symbol]
    return boxes


def matched_symbols(tokens: Sequence[str], ink: Ink) -> list[tuple[int, int]]:
    """Pairs (token of the caption, symbol of the ink); none if the caption is not well-formed."""
    try:
        places = arrange(tokens)
    except DataError:
        return []
    strokes = np.array([[*stroke.min(axis=0), *stroke.max(axis=0)] for stroke in ink.strokes])
    return matched(places, [symbol.label for symbol in ink.symbols], _reach(ink, strokes))


def _reach(ink: Ink, strokes: NDArray[np.floating]) -> list[NDArray[np.floating]]:
    """The box of each symbol, from those of the strokes (S, 4)."""
    parts = [strokes[list(symbol.strokes)] for symbol in ink.symbols]
    return [np.concatenate([part[:, :2].min(axis=0), part[:, 2:].max(axis=0)]) for part in parts]


def matched(
    places: Sequence[Place], labels: Sequence[str], boxes: Sequence[NDArray[np.floating]]
) -> list[tuple[int, int]]:
    """Pairs (token, symbol) of the same name, each used once; of several the nearest first, in the formula's own sides.

    Args:
        places: of the caption's tokens.
        labels: of the ink's symbols.
        boxes: of the same symbols, (4,) each.
    """
    if not places or not boxes:
        return []
    expected = _framed(np.array([(place.x, place.y) for place in places]))
    middles = _framed(np.array([((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in boxes]))
    by_label: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for i, place in enumerate(places):
        by_label[place.label][0].append(i)
    for j, label in enumerate(labels):
        by_label[label][1].append(j)
    pairs = []
    for ours, theirs in by_label.values():
        pairs += _nearest(ours, theirs, expected, middles)
    return [(places[i].token, j) for i, j in pairs]


def _framed(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Points in [0, 1] of their own extent, heights weighed."""
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    framed: NDArray[np.float64] = (points - low) / np.where(extent > 0, extent, 1.0)
    ratio = min(1.0, _ROWS * float(extent[1]) / float(extent[0])) if extent[0] > 0 else 1.0
    framed *= np.array([1.0, ratio])
    return framed


def _nearest(
    ours: Sequence[int],
    theirs: Sequence[int],
    expected: NDArray[np.float64],
    middles: NDArray[np.float64],
) -> list[tuple[int, int]]:
    """Nearest pairs first, then exchanged while that makes the sum of all distances smaller."""
    cost = np.abs(expected[list(ours), None] - middles[None, list(theirs)]).sum(axis=2)
    pairs: list[list[int]] = []
    free = cost.copy()
    for _ in range(min(cost.shape)):
        i, j = np.unravel_index(int(free.argmin()), free.shape)
        pairs.append([int(i), int(j)])
        free[i, :] = free[:, j] = np.inf
    changed = True
    while changed:
        changed = False
        for one, other in itertools.combinations(pairs, 2):
            (a, b), (c, d) = one, other
            if cost[a, d] + cost[c, b] < cost[a, b] + cost[c, d] - _GAIN:
                one[1], other[1] = d, b
                changed = True
    return [(ours[i], theirs[j]) for i, j in pairs]

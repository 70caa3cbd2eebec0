"""Draws the sample formulas: glyphs of our own as a few points each, set, shaken by hand, smoothed, written as JSON.

    python samples/formulas/draw.py

It is deterministic: the files beside it are what it writes. Units are pixels of a tablet, about 40 to an x's height.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

X_HEIGHT = 40.0
_PER_SPAN = 6  # points of the pen between two of a glyph's
_SHAKE = 0.03  # of the x-height: how far the hand misses a point
_SLANT = 0.12

# Strokes as points (x, y): y 0 is the baseline, 1 the x-height, ascenders reach 1.7, descenders -0.7. The last number
# is the advance.
GLYPHS: dict[str, tuple[list[list[tuple[float, float]]], float]] = {
    "a": (
        [
            [
                (0.78, 0.85),
                (0.5, 1.0),
                (0.15, 0.75),
                (0.05, 0.35),
                (0.25, 0.02),
                (0.55, 0.2),
                (0.78, 0.9),
                (0.76, 0.4),
                (0.82, 0.08),
                (1.0, 0.12),
            ]
        ],
        1.1,
    ),
    "b": (
        [
            [
                (0.22, 1.7),
                (0.15, 1.0),
                (0.12, 0.3),
                (0.15, 0.05),
                (0.2, 0.5),
                (0.5, 0.95),
                (0.78, 0.7),
                (0.75, 0.25),
                (0.45, 0.0),
                (0.16, 0.12),
            ]
        ],
        1.0,
    ),
    "d": (
        [
            [
                (0.75, 0.8),
                (0.45, 1.0),
                (0.12, 0.7),
                (0.08, 0.3),
                (0.35, 0.0),
                (0.65, 0.3),
                (0.8, 1.0),
                (0.84, 1.7),
                (0.8, 0.9),
                (0.8, 0.2),
                (0.95, 0.02),
            ]
        ],
        1.1,
    ),
    "i": ([[(0.1, 0.95), (0.14, 0.5), (0.16, 0.1), (0.32, 0.05)], [(0.2, 1.32), (0.24, 1.3)]], 0.45),
    "n": (
        [
            [
                (0.08, 0.95),
                (0.12, 0.5),
                (0.1, 0.0),
                (0.14, 0.45),
                (0.4, 0.95),
                (0.62, 0.8),
                (0.64, 0.3),
                (0.7, 0.03),
                (0.88, 0.1),
            ]
        ],
        1.0,
    ),
    "x": (
        [
            [(0.05, 0.9), (0.22, 0.98), (0.4, 0.55), (0.55, 0.1), (0.8, 0.08)],
            [(0.8, 0.98), (0.5, 0.65), (0.25, 0.25), (0.02, 0.02)],
        ],
        0.95,
    ),
    "y": (
        [
            [
                (0.06, 0.95),
                (0.1, 0.4),
                (0.35, 0.1),
                (0.62, 0.4),
                (0.72, 0.95),
                (0.68, 0.2),
                (0.55, -0.5),
                (0.25, -0.68),
                (0.1, -0.45),
            ]
        ],
        0.9,
    ),
    "0": (
        [
            [
                (0.5, 1.55),
                (0.18, 1.25),
                (0.08, 0.7),
                (0.22, 0.15),
                (0.48, 0.0),
                (0.76, 0.3),
                (0.82, 0.9),
                (0.7, 1.4),
                (0.46, 1.56),
            ]
        ],
        1.0,
    ),
    "1": ([[(0.08, 1.15), (0.3, 1.4), (0.42, 1.58), (0.4, 1.0), (0.38, 0.4), (0.38, 0.0)]], 0.65),
    "2": (
        [
            [
                (0.1, 1.25),
                (0.25, 1.52),
                (0.55, 1.55),
                (0.72, 1.25),
                (0.55, 0.8),
                (0.25, 0.35),
                (0.05, 0.03),
                (0.35, 0.08),
                (0.6, 0.0),
                (0.85, 0.06),
            ]
        ],
        1.0,
    ),
    "+": ([[(0.08, 0.7), (0.4, 0.72), (0.82, 0.7)], [(0.46, 1.1), (0.44, 0.7), (0.44, 0.28)]], 1.25),
    "=": ([[(0.05, 0.88), (0.45, 0.92), (0.85, 0.88)], [(0.07, 0.5), (0.45, 0.52), (0.83, 0.49)]], 1.25),
    "(": ([[(0.42, 1.8), (0.18, 1.4), (0.06, 0.7), (0.16, 0.05), (0.4, -0.4)]], 0.6),
    ")": ([[(0.06, 1.8), (0.3, 1.4), (0.4, 0.7), (0.3, 0.05), (0.06, -0.4)]], 0.6),
    "\\sum": (
        [
            [
                (1.15, 1.75),
                (1.12, 1.95),
                (0.6, 1.95),
                (0.12, 1.92),
                (0.35, 1.4),
                (0.66, 0.85),
                (0.35, 0.25),
                (0.08, -0.28),
                (0.6, -0.26),
                (1.15, -0.3),
                (1.22, -0.1),
            ]
        ],
        1.5,
    ),
    "\\int": (
        [
            [
                (0.85, 2.1),
                (0.75, 2.35),
                (0.55, 2.2),
                (0.46, 1.4),
                (0.4, 0.4),
                (0.32, -0.6),
                (0.15, -0.85),
                (0.02, -0.62),
            ]
        ],
        0.95,
    ),
}


@dataclass(frozen=True)
class Box:
    """Strokes placed about the origin, y upwards in x-heights, and how far the next symbol is."""

    strokes: tuple[Points, ...]
    advance: float

    @property
    def top(self) -> float:
        """The highest point."""
        return max(float(stroke[:, 1].max()) for stroke in self.strokes)

    @property
    def bottom(self) -> float:
        """The lowest point."""
        return min(float(stroke[:, 1].min()) for stroke in self.strokes)

    def placed(self, x: float = 0.0, y: float = 0.0, *, size: float = 1.0) -> Box:
        """Scaled about the origin, then moved."""
        strokes = tuple(stroke * size + (x, y) for stroke in self.strokes)
        return Box(strokes, self.advance * size)


class Hand:
    """A writer: sets symbols side by side, above and inside each other, never twice the same."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def symbols(self, names: str) -> Box:
        """Symbols, given apart by spaces, in a row."""
        return self.row(self._symbol(name) for name in names.split())

    def row(self, boxes: Iterable[Box]) -> Box:
        """One after the other, not quite on the line."""
        strokes: list[Points] = []
        x = 0.0
        for box in boxes:
            strokes += box.placed(x, self._off(0.04)).strokes
            x += box.advance * (1 + self._off(0.04)) + 0.12
        return Box(tuple(strokes), x)

    def scripted(self, base: Box, *, above: Box | None = None, below: Box | None = None) -> Box:
        """With an upper and a lower index."""
        strokes = list(base.strokes)
        reach = base.advance
        if above:
            strokes += above.placed(base.advance, base.top - 0.35 + self._off(0.05), size=0.62).strokes
            reach = max(reach, base.advance + above.advance * 0.62)
        if below:
            x = base.advance - 0.25
            strokes += below.placed(x, base.bottom - 0.3 + self._off(0.05), size=0.62).strokes
            reach = max(reach, x + below.advance * 0.62)
        return Box(tuple(strokes), reach)

    def limits(self, base: Box, *, above: Box, below: Box) -> Box:
        """With limits over and under it."""
        width = max(base.advance, 0.62 * above.advance, 0.62 * below.advance)
        middle = width / 2
        strokes = [
            *base.placed(middle - base.advance / 2).strokes,
            *below.placed(middle - 0.31 * below.advance, base.bottom - 1.15, size=0.62).strokes,
            *above.placed(middle - 0.31 * above.advance, base.top + 0.35, size=0.62).strokes,
        ]
        return Box(tuple(strokes), width + 0.1)

    def fraction(self, upper: Box, lower: Box) -> Box:
        """A bar at 0.7 x-heights, with one thing above it and another below."""
        width = max(upper.advance, lower.advance) + 0.5
        lift = self._off(0.05)
        bar = np.array([(0.0, 0.7), (width / 3, 0.74), (2 * width / 3, 0.7 + lift), (width, 0.72 + lift)])
        strokes = [
            *upper.placed((width - upper.advance) / 2, 1.05 - min(0.0, upper.bottom)).strokes,
            bar,
            *lower.placed((width - lower.advance) / 2, 0.35 - lower.top).strokes,
        ]
        return Box(tuple(strokes), width + 0.15)

    def root(self, inside: Box) -> Box:
        """Under a square root, in one stroke."""
        right, top = 1.05 + inside.advance, inside.top + 0.35
        sign = [(0.0, 0.55), (0.18, 0.7), (0.42, inside.bottom - 0.15), (0.8, top), (0.9, top + 0.03)]
        sign += [((0.9 + right) / 2, top + 0.05), (right, top + self._off(0.04))]
        return Box((np.array(sign), *inside.placed(1.08).strokes), right + 0.1)

    def ink(self, box: Box) -> list[list[list[float]]]:
        """The strokes as a pen's track: slanted, smooth, in pixels with y downwards, from (20, 20) on."""
        tracks = [_smooth(stroke + (_SLANT * stroke[:, 1:] * (1, 0))) for stroke in box.strokes]
        pixels = [track * (X_HEIGHT, -X_HEIGHT) for track in tracks]
        corner = np.concatenate(pixels).min(axis=0) - 20
        return [[[round(x, 1), round(y, 1)] for x, y in (track - corner).tolist()] for track in pixels]

    def _symbol(self, name: str) -> Box:
        strokes, advance = GLYPHS[name]
        size = 1 + self._off(0.05)
        lean = self._off(0.04)
        shaken = []
        for stroke in strokes:
            points = np.array(stroke) * size
            points[:, 0] += lean * points[:, 1]
            shaken.append(points + self._rng.normal(0, _SHAKE, points.shape))
        return Box(tuple(shaken), advance * size)

    def _off(self, spread: float) -> float:
        return float(self._rng.normal(0, spread))


def _smooth(points: Points) -> Points:
    """A centripetal Catmull-Rom curve through the points, close together where it turns."""
    if len(points) < 3:
        return points
    ends = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    curve = [_span(ends[i : i + 4]) for i in range(len(points) - 1)]
    return np.concatenate([*curve, points[-1:]])


def _span(four: Points) -> Points:
    """The curve from the second of four points to just before the third (Barry and Goldman's pyramid)."""
    steps = np.sqrt(np.maximum(np.hypot(*np.diff(four, axis=0).T), 1e-6))
    t0, t1, t2, t3 = np.concatenate([[0.0], np.cumsum(steps)])
    t = np.linspace(t1, t2, _PER_SPAN, endpoint=False)[:, None]

    def between(a: Points, b: Points, start: float, end: float) -> Points:
        return ((end - t) * a + (t - start) * b) / (end - start)

    a, b, c = (between(*four[i : i + 2], *span) for i, span in enumerate([(t0, t1), (t1, t2), (t2, t3)]))
    return between(between(a, b, t0, t2), between(b, c, t1, t3), t1, t2)


def _pythagoras(hand: Hand) -> Box:
    squares = [hand.scripted(hand.symbols(name), above=hand.symbols("2")) for name in "xy"]
    return hand.row([squares[0], hand.symbols("+"), squares[1], hand.symbols("= 1")])


def _binomial(hand: Hand) -> Box:
    closing = hand.scripted(hand.symbols(")"), above=hand.symbols("2"))
    return hand.row([hand.symbols("( a + b"), closing])


def _sum(hand: Hand) -> Box:
    sign = hand.limits(hand.symbols("\\sum"), above=hand.symbols("n"), below=hand.symbols("i = 1"))
    return hand.row([sign, hand.symbols("i")])


def _integral(hand: Hand) -> Box:
    sign = hand.scripted(hand.symbols("\\int"), above=hand.symbols("1"), below=hand.symbols("0"))
    return hand.row([sign, hand.symbols("x d x")])


FORMULAS = {
    "circle": ("x ^ { 2 } + y ^ { 2 } = 1", _pythagoras),
    "fraction": ("\\frac { a } { b }", lambda hand: hand.fraction(hand.symbols("a"), hand.symbols("b"))),
    "root": ("\\sqrt { 2 }", lambda hand: hand.root(hand.symbols("2"))),
    "sum": ("\\sum _ { i = 1 } ^ { n } i", _sum),
    "binomial": ("( a + b ) ^ { 2 }", _binomial),
    "integral": ("\\int _ { 0 } ^ { 1 } x d x", _integral),
}


def formula(name: str) -> dict[str, str | Sequence[object]]:
    """A sample as its file holds it."""
    latex, compose = FORMULAS[name]
    hand = Hand(seed=sum(map(ord, name)))
    strokes = hand.ink(compose(hand))
    assert all(math.isfinite(value) for stroke in strokes for point in stroke for value in point)
    return {"latex": latex, "strokes": strokes}


def main() -> None:
    """Write all samples beside this file."""
    folder = Path(__file__).parent
    for name in FORMULAS:
        text = json.dumps(formula(name), separators=(",", ":"))
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""A written line on its picture: size, slant, a baseline that wanders, letters that are never twice the same.

One mesh does it all: every corner of a coarse grid on the picture is looked up in the written line, with the
baseline, the slant and the width of the letters each a curve along the line, and a little noise on each
corner. Our addition to HTR-JAND's Algorithm 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from amanuensis.data.handwriting import Range, Writing
from amanuensis.data.pens import X_HEIGHT

Curve = NDArray[np.float64]

_SMOOTH = Image.Resampling.BILINEAR


@dataclass(frozen=True, slots=True)
class PlacingStyle:
    """How lines stand on their pictures; every range is drawn from once a line.

    Attributes:
        x_height: the most that the x-height may take of the picture's height.
        fill: share of the height that the line's ink takes; beyond 1 the crop cuts into it.
        across: width of the letters against the font's.
        slant: tangent of it, added to the font's; to the right is positive.
        wander: standard deviation of the baseline's waves, in x-heights.
        drift: how far the baseline falls from left to right, as a share of the height; negative rises.
        unevenness: standard deviation of the letters' size (as a share of it) and slant along the line.
        wobble: standard deviation of what deforms single letters, in x-heights.
        margins: paper left and right of the line, as a share of the height.
    """

    x_height: Range = (0.26, 0.42)
    fill: Range = (0.7, 1.03)
    across: Range = (0.85, 1.3)
    slant: Range = (-0.1, 0.3)
    wander: Range = (0.02, 0.14)
    drift: Range = (-0.08, 0.08)
    unevenness: Range = (0.02, 0.08)
    wobble: Range = (0.01, 0.08)
    margins: Range = (0.02, 0.18)


@dataclass(frozen=True, slots=True, eq=False)
class PlacedLine:
    """A line on its picture.

    Attributes:
        ink: (H, W) uint8, 255 where the pen was.
        x_height: pixels.
        stroke: mean breadth of the strokes, in pixels.
        columns: (K,) x of the corners at which the curves are given.
        baseline: (K,) its row.
        upper, lower: (K,) rows between which the line's own ink stands thereabouts.
    """

    ink: NDArray[np.uint8]
    x_height: float
    stroke: float
    columns: Curve
    baseline: Curve
    upper: Curve
    lower: Curve


def place(writing: Writing, style: PlacingStyle, height: int, rng: np.random.Generator) -> PlacedLine:
    """Puts a line on a picture of `height` rows, as wide as it then is."""
    drawn = {
        name: float(rng.uniform(*getattr(style, name)))
        for name in ("x_height", "fill", "across", "slant", "wander", "drift", "unevenness", "wobble")
    }
    rows = writing.ascent + writing.descent
    drift = drawn["drift"] * height
    scale = min(drawn["fill"] * (height - abs(drift)) / rows, drawn["x_height"] * height / X_HEIGHT)
    across = scale * drawn["across"]
    lean = drawn["slant"] * scale
    margins = rng.uniform(*style.margins, 2) * height
    left = margins[0] + max(0.0, -lean) * writing.ascent + max(0.0, lean) * writing.descent
    right = margins[1] + max(0.0, lean) * writing.ascent + max(0.0, -lean) * writing.descent
    length = writing.strokes.shape[1]
    width = max(8, round(across * length + left + right))
    columns = _corners(width, 0.5 * height)
    free = height - scale * rows - abs(drift)
    middle = scale * writing.ascent + abs(drift) / 2 + rng.uniform(0.2, 0.8) * free
    waves = _wavy(columns, 2.5 * height, drawn["wander"] * scale * X_HEIGHT, rng)
    baseline = middle + drift * (columns / width - 0.5) + waves
    along = _stretched(columns, (left, width - right), length, rng)
    sizes = scale * (1 + _wavy(columns, height, drawn["unevenness"], rng))
    slants = drawn["slant"] + _wavy(columns, height, drawn["unevenness"], rng)
    mesh = _Mesh(columns, _bands(middle, scale * X_HEIGHT, height), baseline, along, sizes, slants)
    ink = mesh.look_up(writing, drawn["wobble"] * X_HEIGHT, rng)
    upper, lower = _outline(writing, along, scale)
    x_height = scale * X_HEIGHT
    curves = (columns, baseline, baseline + upper, baseline + lower)
    return PlacedLine(ink, x_height, writing.stroke * x_height, *curves)


@dataclass(frozen=True, slots=True, eq=False)
class _Mesh:
    """The grid on the picture, and what it is looked up by."""

    columns: Curve
    rows: Curve
    baseline: Curve
    along: Curve
    scale: Curve
    slant: Curve

    def look_up(self, writing: Writing, noise: float, rng: np.random.Generator) -> NDArray[np.uint8]:
        """The strokes as seen from the picture: (H, W) uint8."""
        v = (self.rows[:, None] - self.baseline) / self.scale  # (rows, columns), below the baseline
        u = self.along + self.slant * v
        corners = np.stack([u, v + writing.baseline], axis=-1)
        corners += rng.normal(0, noise, corners.shape)
        quads = np.concatenate(
            [corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]], axis=-1
        ).tolist()
        xs, ys = self.columns.astype(int).tolist(), self.rows.astype(int).tolist()
        mesh = [
            ((xs[i], ys[j], xs[i + 1], ys[j + 1]), tuple(quads[j][i]))
            for j in range(len(ys) - 1)
            for i in range(len(xs) - 1)
        ]
        image = Image.fromarray(writing.strokes)
        return np.asarray(image.transform((xs[-1], ys[-1]), Image.Transform.MESH, mesh, _SMOOTH))


def _corners(width: int, step: float) -> Curve:
    """Whole columns from 0 to the width, about `step` apart."""
    return np.linspace(0, width, max(2, round(width / step) + 1)).round()


def _bands(baseline: float, x_height: float, height: int) -> Curve:
    """Whole rows that part the picture above the small letters, through their height and below: 0 to the height."""
    inner = np.clip(np.array([baseline - x_height, baseline]).round(), 1, height - 1)
    return np.unique(np.concatenate([[0.0], inner, [float(height)]]))


def _wavy(columns: Curve, step: float, strength: float, rng: np.random.Generator) -> Curve:
    """A smooth curve about 0 that turns about every `step` pixels."""
    knots = rng.normal(0, strength, int(columns[-1] / step) + 3)
    places = columns / step + rng.uniform(0, 1)
    before = places.astype(int)
    share = places - before
    share = share * share * (3 - 2 * share)
    curve: Curve = knots[before] * (1 - share) + knots[before + 1] * share
    return curve


def _stretched(columns: Curve, ends: Range, length: int, rng: np.random.Generator) -> Curve:
    """Where along the written line every column looks: now wider, now narrower, from 0 to `length` at the ends."""
    pace = np.exp(_wavy(columns, max(1.0, 1.5 * (columns[1] - columns[0])), 0.12, rng))
    way = np.concatenate([[0.0], np.cumsum((pace[1:] + pace[:-1]) / 2 * np.diff(columns))])
    first, last = np.interp(ends, columns, way)
    curve: Curve = (way - first) * (length / max(1e-6, last - first))
    return curve


def _outline(writing: Writing, along: Curve, scale: float) -> tuple[Curve, Curve]:
    """The uppermost and lowest ink near every corner, in pixels of the picture from the baseline."""
    places = np.clip(along, 0, writing.strokes.shape[1] - 1).astype(int)
    firsts = np.concatenate([places[:1], places[:-1]])
    lasts = np.concatenate([places[1:], places[-1:]]) + 1
    upper = [writing.tops[a:b].min() for a, b in zip(firsts, lasts, strict=True)]
    lower = [writing.bottoms[a:b].max() for a, b in zip(firsts, lasts, strict=True)]
    return scale * np.array(upper, float), scale * np.array(lower, float)

"""Ink: how broad and how dark the strokes of a line come out, by the tool that wrote them.

A quill swells in downstrokes, runs dry and is dipped again; iron-gall ink lies unevenly and bleeds; a pencil
skips the paper's valleys; a ballpoint is even. Our addition to HTR-JAND's Algorithm 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amanuensis.data.handwriting import Range
from amanuensis.data.placing import PlacedLine
from amanuensis.data.textures import Grey, Textures

_FINEST = 1.3  # pixels; finer strokes are lost in a scan, and with them the line


@dataclass(frozen=True, slots=True)
class Tool:
    """What writes, and how its ink comes out; every range is drawn from once a line.

    Attributes:
        darkness: share of the paper's light that full ink takes.
        stroke: how broad strokes are made, in x-heights, as far as a pixel more or less does it.
        swelling: pixels that downstrokes are broader under pressure, at 64 rows.
        fading: how much paler the ink gets before the pen is dipped again.
        pooling: unevenness of the ink within strokes.
        dryness: how much of the paper's grain shows through.
        bleeding: softness of the strokes' edges; 0.3 is a blur of about a pixel.
    """

    darkness: Range
    stroke: Range = (0.1, 0.16)
    swelling: Range = (0.0, 0.3)
    fading: Range = (0.0, 0.1)
    pooling: Range = (0.0, 0.1)
    dryness: Range = (0.0, 0.1)
    bleeding: Range = (0.0, 0.15)


QUILL = Tool(
    darkness=(0.65, 0.98),
    stroke=(0.09, 0.16),
    swelling=(0.1, 1.0),
    fading=(0.05, 0.35),
    pooling=(0.05, 0.2),
    dryness=(0.0, 0.15),
    bleeding=(0.0, 0.15),
)
"""Iron-gall ink, dark to brown: on grey pictures the browns are paler."""

STEEL_NIB = Tool(
    darkness=(0.65, 0.98),
    stroke=(0.07, 0.14),
    swelling=(0.1, 0.9),
    fading=(0.0, 0.25),
    pooling=(0.03, 0.14),
    dryness=(0.0, 0.1),
)
FADED = Tool(
    darkness=(0.38, 0.62),
    stroke=(0.08, 0.15),
    swelling=(0.0, 0.6),
    fading=(0.1, 0.45),
    pooling=(0.1, 0.25),
    dryness=(0.05, 0.3),
    bleeding=(0.05, 0.2),
)
BALLPOINT = Tool(
    darkness=(0.6, 0.92), stroke=(0.09, 0.13), swelling=(0.0, 0.1), fading=(0.0, 0.08), dryness=(0.05, 0.2)
)
FELT = Tool(darkness=(0.75, 0.97), stroke=(0.13, 0.22), swelling=(0.0, 0.2), bleeding=(0.08, 0.2))
PENCIL = Tool(
    darkness=(0.42, 0.72),
    stroke=(0.09, 0.15),
    fading=(0.0, 0.15),
    pooling=(0.05, 0.2),
    dryness=(0.2, 0.5),
    bleeding=(0.05, 0.15),
)


def press(line: PlacedLine, tool: Tool, textures: Textures, rng: np.random.Generator) -> Grey:
    """How much of the paper's light the ink takes at every pixel, in [0, 1).

    Args:
        line: where the pen was.
        tool: what wrote.
        textures: of paper and ink.
        rng: the only randomness.

    Returns:
        (H, W) float32.
    """
    height, width = line.ink.shape
    wanted = max(_FINEST, float(rng.uniform(*tool.stroke)) * line.x_height)
    swelling = float(rng.uniform(*tool.swelling)) * height / 64
    strokes = line.ink.astype(np.float32) * np.float32(1 / 255)
    pressure = 1 + _curve(width, 60, 0.4, rng)
    strokes = _swollen(strokes, np.clip(swelling * pressure, 0, 1.5))
    strokes = _broadened(strokes, wanted - line.stroke)
    strokes = soften(strokes, float(rng.uniform(*tool.bleeding)))
    strokes *= rng.uniform(*tool.darkness) * (1 - _dips(width, float(rng.uniform(*tool.fading)), rng))
    pooling = np.float32(rng.uniform(*tool.pooling))
    strokes *= 1 - pooling * textures.piece(textures.mottle, (height, width), rng)
    dryness = np.float32(rng.uniform(*tool.dryness))
    strokes *= 1 - np.clip(dryness * (textures.piece(textures.grain, (height, width), rng) + 0.3), 0, 1)
    return np.clip(strokes, 0, 0.98, out=strokes)


def _curve(length: int, step: int, strength: float, rng: np.random.Generator) -> Grey:
    """A random curve about 0 that changes every `step` pixels: (length,)."""
    knots = rng.normal(0, strength, length // step + 2)
    return np.interp(np.arange(length) / step, np.arange(len(knots)), knots).astype(np.float32)


def _dips(length: int, fading: float, rng: np.random.Generator) -> Grey:
    """How much paler the ink is along the line: more and more, until the pen is dipped again: (length,)."""
    every = float(rng.uniform(150, 700))
    since = (np.arange(length) / every + rng.random()) % 1
    return (fading * since + _curve(length, 25, 0.25 * fading, rng)).astype(np.float32)


def _swollen(strokes: Grey, pixels: Grey) -> Grey:
    """Broader to the right only, so downstrokes swell and hairlines do not; `pixels` (W,) may differ along the line."""
    once = np.clip(pixels, 0, 1)
    wider = strokes.copy()
    np.maximum(strokes[:, 1:], strokes[:, :-1], out=wider[:, 1:])
    result: Grey = strokes + once * (wider - strokes)
    return result


def _broadened(strokes: Grey, pixels: float) -> Grey:
    """All strokes broader by up to a pixel, or finer by a negative number."""
    extreme = np.maximum if pixels > 0 else np.minimum
    wider = strokes.copy()
    for ours, theirs in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        extreme(wider[ours], strokes[theirs], out=wider[ours])
    strokes += np.float32(min(abs(pixels), 1.0)) * (wider - strokes)
    return strokes


def soften(image: Grey, side: float) -> Grey:
    """A three-tap average along and across; `side` is the weight of each neighbor; below 0 it sharpens."""
    w = np.float32(side)
    result = image * (1 - 2 * w)
    result[:, 1:-1] += w * (image[:, :-2] + image[:, 2:])
    result[:, [0, -1]] = image[:, [0, -1]]
    across = result * (1 - 2 * w)
    across[1:-1] += w * (result[:-2] + result[2:])
    across[[0, -1]] = result[[0, -1]]
    return across

"""Ink as another hand might have written it: variation for training, drawn from a generator alone.

Our addition. The paper trains on the ink as it is; what CoMER (Zhao and Gao, ECCV 2022) adds, formulas
scaled by 0.7 to 1.4, is in `vary_settings`, since `render` brings all ink to one size.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from amanuensis.ink.render import RenderSettings, stroke_height
from amanuensis.ink.strokes import Ink, Points

_ROTATION = 3.0  # degrees, either way
_SHEAR = 0.15  # tangent of the slant, either way
_STRETCH = 0.15  # logarithm of width over height, either way
_JITTER = 0.04  # standard deviation of a stroke's shift, in stroke heights; a third of it in its size
_WAVE = 0.08  # standard deviation of the wavy displacement, in stroke heights
_WAVELENGTHS = (3.0, 9.0)  # in stroke heights: from a symbol to a few
_NUM_WAVES = 4
_SCALES = (0.7, 1.4)


def distort(ink: Ink, generator: np.random.Generator, strength: float = 1.0) -> Ink:
    """A varied copy of the ink: rotated, slanted, stretched, its strokes moved a little, its course wavy.

    Args:
        ink: the strokes; symbols stay with them.
        generator: the only randomness. It is drawn from equally often for equally many strokes.
        strength: 1 is right for training; 0 changes nothing.

    Returns:
        As many strokes and points, about the same middle.
    """
    unit = stroke_height(ink) or 1.0
    middle = (ink.points.min(axis=0) + ink.points.max(axis=0)) / 2
    points = (ink.points - middle) / unit
    points = _jittered(ink, points, generator, strength)
    points = points + strength * _waves(points, generator)
    points = points @ _linear_part(generator, strength).T
    return ink.moved(points * unit + middle)


def vary_settings(
    settings: RenderSettings, generator: np.random.Generator, strength: float = 1.0
) -> RenderSettings:
    """The settings with another size, 0.7 to 1.4 times (evenly in the logarithm), and another pen.

    Args:
        settings: those of reading.
        generator: the only randomness: two draws.
        strength: exponent of the scale; at 0 nothing changes.

    Returns:
        The pen is as it was in half of the cases, else one pixel narrower or wider (at least 2).
    """
    low, high = (math.log(scale) for scale in _SCALES)
    size, luck = generator.random(2).tolist()
    height = settings.height * math.exp(strength * (low + (high - low) * size))
    change = 0 if not strength or luck < 0.5 else (-1 if luck < 0.75 else 1)
    return replace(settings, height=height, pen=max(min(settings.pen, 2), settings.pen + change))


def _linear_part(generator: np.random.Generator, strength: float) -> Points:
    """(2, 2): rotation times slant times stretch; areas stay as they are."""
    turn, slant, stretch = (strength * generator.uniform(-1, 1, 3)).tolist()
    angle = math.radians(_ROTATION * turn)
    wide = math.exp(_STRETCH * stretch / 2)
    cosine, sine = math.cos(angle), math.sin(angle)
    rotate = np.array([[cosine, -sine], [sine, cosine]])
    matrix: Points = rotate @ np.array([[wide, _SHEAR * slant / wide], [0.0, 1 / wide]])
    return matrix


def _jittered(ink: Ink, points: Points, generator: np.random.Generator, strength: float) -> Points:
    """Every stroke moved, and scaled about its own middle. In stroke heights."""
    lengths = [len(stroke) for stroke in ink.strokes]
    starts = np.cumsum([0, *lengths[:-1]])
    draws = strength * _JITTER * generator.standard_normal((len(lengths), 4))
    middles = (np.minimum.reduceat(points, starts) + np.maximum.reduceat(points, starts)) / 2
    shifts, scales, middles = (
        np.repeat(rows, lengths, axis=0) for rows in (draws[:, :2], np.exp(draws[:, 2:] / 3), middles)
    )
    moved: Points = middles + (points - middles) * scales + shifts
    return moved


def _waves(points: Points, generator: np.random.Generator) -> Points:
    """(N, 2): a smooth displacement, the sum of a few plane waves. In stroke heights."""
    lengths = generator.uniform(*_WAVELENGTHS, _NUM_WAVES)
    angles, phases = generator.uniform(0, 2 * math.pi, (2, _NUM_WAVES))
    directions = np.stack([np.cos(angles), np.sin(angles)])  # (2, waves)
    # Each wave has a variance of a half.
    amplitudes = generator.standard_normal((_NUM_WAVES, 2)) * _WAVE * math.sqrt(2 / _NUM_WAVES)
    displacement: Points = np.sin(2 * math.pi * (points @ directions) / lengths + phases) @ amplitudes
    return displacement

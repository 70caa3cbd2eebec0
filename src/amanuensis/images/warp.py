"""Moving a line's pixels: rotation, scale, shear, shift and waves, in one resampling, so strokes blur once.

The transforms are P5's (our reading of the paper's eq. 2) with stretch, shear and waves added. That ink stays
inside the picture is our addition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from amanuensis.images.spec import BACKGROUND

# A rotation moves the line's ends by at most this share of the height: what 1.5 degrees do to 128 x 1024
# pixels. Longer lines would lose their ends' ascenders.
_MAX_TILT = 0.1


@dataclass(frozen=True, slots=True)
class Warp:
    """One drawn distortion; units as in `Augmentation`, 0 is none."""

    rotation: float = 0.0
    shrink: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    stretch: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0


def warped(image: NDArray[np.float32], warp: Warp, rng: np.random.Generator) -> NDArray[np.float32]:
    """The picture distorted, in the same shape; what comes in from outside is background.

    Args:
        image: (H, W) in [-1, 1].
        warp: the distortion.
        rng: draws the waves.

    Returns:
        (H, W) float32.
    """
    if warp == Warp():
        return image
    height, width = image.shape
    forward = _linear_part(warp, height, width)
    backward = np.linalg.inv(forward)
    middle = np.array([width / 2, height / 2])
    shift = np.array([_shift_with_room(image, forward, warp.shift_x * width), warp.shift_y * height])
    affine = np.column_stack([backward, middle - backward @ (middle + shift)])
    canvas = Image.fromarray(image)
    if warp.elastic:
        mesh = _wavy_mesh(image.shape, affine, warp.elastic * height, rng)
        canvas = canvas.transform(
            canvas.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR, fillcolor=BACKGROUND
        )
    else:
        canvas = canvas.transform(
            canvas.size,
            Image.Transform.AFFINE,
            affine.ravel().tolist(),
            Image.Resampling.BILINEAR,
            fillcolor=BACKGROUND,
        )
    return np.asarray(canvas)


def _linear_part(warp: Warp, height: int, width: int) -> NDArray[np.float64]:
    """(2, 2) from source to result, in (x, y)."""
    limit = math.atan2(_MAX_TILT * height, width / 2)
    angle = min(max(math.radians(warp.rotation), -limit), limit)
    wide = (1 - warp.shrink) * (1 - max(0.0, warp.stretch))
    high = (1 - warp.shrink) * (1 + min(0.0, warp.stretch))
    cosine, sine = math.cos(angle), math.sin(angle)
    rotate = np.array([[cosine, -sine], [sine, cosine]])
    slant_and_scale = np.array([[wide, warp.shear * high], [0.0, high]])
    matrix: NDArray[np.float64] = rotate @ slant_and_scale
    return matrix


def _shift_with_room(image: NDArray[np.float32], forward: NDArray[np.float64], wanted: float) -> float:
    """The horizontal shift, cut to what keeps the ink inside; or as much as brings it back inside."""
    height, width = image.shape
    columns = np.flatnonzero(image.min(axis=0) < 0)
    if not len(columns):
        return wanted
    slant = abs(forward[0, 1]) * height / 2
    left = width / 2 + forward[0, 0] * (columns[0] - width / 2) - slant
    right = width / 2 + forward[0, 0] * (columns[-1] + 1 - width / 2) + slant
    least, most = -left, width - right
    return float(min(max(wanted, least), most)) if least <= most else float(least + most) / 2


def _wavy_mesh(
    shape: tuple[int, ...], affine: NDArray[np.float64], strength: float, rng: np.random.Generator
) -> list[tuple[tuple[int, int, int, int], tuple[float, ...]]]:
    """Pillow's MESH: cells of about half the height, and the wavy quadrilateral that each is taken from.

    Args:
        shape: (H, W).
        affine: (2, 3), result to source, in (x, y).
        strength: standard deviation of the corners' displacement, in pixels.
        rng: draws it.
    """
    height, width = shape
    xs = _ticks(width, max(1, round(2 * width / height)))
    ys = _ticks(height, 2)
    corners = np.stack(np.meshgrid(xs, ys), axis=-1)  # (rows + 1, columns + 1, 2)
    sources = corners @ affine[:, :2].T + affine[:, 2] + rng.normal(0, strength, corners.shape)
    # Upper left, lower left, lower right, upper right.
    quads = np.concatenate([sources[:-1, :-1], sources[1:, :-1], sources[1:, 1:], sources[:-1, 1:]], axis=-1)
    return [
        ((xs[i], ys[j], xs[i + 1], ys[j + 1]), tuple(quads[j, i].tolist()))
        for j in range(len(ys) - 1)
        for i in range(len(xs) - 1)
    ]


def _ticks(length: int, parts: int) -> list[int]:
    """`parts` nearly equal steps from 0 to `length`, fewer if there are fewer pixels."""
    parts = min(parts, length)
    return [length * i // parts for i in range(parts + 1)]

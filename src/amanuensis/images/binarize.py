"""From a photo's greys to ink and paper: even light, threshold, no ruled lines (all our addition).

The paper has no photos. The threshold is Bernsen's idea (half-way between local paper and local ink, 1986) on a picture
that was divided by its background first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Contrast = NDArray[np.float32]

FAINTEST_INK = 0.12
"""Share of the paper's light that ink must swallow: less is grain, or what the back shines through with."""

_TILES = 20  # along the shorter side: light and ink are taken to be even over one of them
_SMALLEST_TILE = 12
_NEAR = 2  # tiles in each direction that the paper's light is found in
_PAPER_QUANTILE = 0.7
_DARKEST_PAPER = 40.0  # grey levels; where there is less light, noise would be stretched to look like ink
_INK_QUANTILE = 0.98
_RAREST_INK = 0.003  # share of the pixels that is enough to tell whether ink is dark or light
_LEVEL = 0.42  # of the ink's darkness: where the edge of a stroke is, however blurred
_LEAST_LOCAL = 0.8  # of the whole picture's ink, that is the least to be taken for ink anywhere
_CLEAR_NOISE = 0.02  # standard deviation of the contrast that needs no smoothing


@dataclass(frozen=True, slots=True)
class Binarized:
    """A picture told apart.

    Attributes:
        ink: (H, W) True where there is ink.
        contrast: (H, W) share of the paper's light that is swallowed, in [0, 1].
        level: the ink's contrast, 0 if there is none.
        inverted: whether the ink was lighter than the paper.
    """

    ink: Mask
    contrast: Contrast
    level: float
    inverted: bool


def binarize(grey: Grey, *, level: float | None = None, inverted: bool | None = None) -> Binarized:
    """Tell ink from paper in a picture with any light and of any polarity.

    Args:
        grey: (H, W).
        level: the ink's contrast, where it is known from a larger part of the picture.
        inverted: whether the ink is the lighter, where that is known.
    """
    contrast, inverted = even_light(grey, inverted=inverted)
    contrast = _smoothed(contrast)
    tile = _tile_of(grey.shape)
    darkest = _tile_quantiles(contrast, tile, _INK_QUANTILE)
    level = _ink_level(darkest) if level is None else level
    if level < FAINTEST_INK:
        return Binarized(np.zeros(grey.shape, np.bool_), contrast, 0.0, inverted)
    local = np.clip(_near_tiles(darkest, 1).max(axis=-1), _LEAST_LOCAL * level, level)
    ink = contrast > _LEVEL * _spread_out(local, contrast.shape, tile)
    return Binarized(ink, contrast, level, inverted)


def even_light(grey: Grey, *, inverted: bool | None = None) -> tuple[Contrast, bool]:
    """How much of the paper's light is swallowed, pixel by pixel, wherever shadows fall.

    Args:
        grey: (H, W).
        inverted: whether the ink is the lighter, where that is known.

    Returns:
        (H, W) in [0, 1], and whether the picture had to be inverted since its ink is the lighter.
    """
    tile = _tile_of(grey.shape)
    if inverted is None:
        inverted = _is_ink_lighter(grey, tile)
    if inverted:
        grey = 255 - grey
    paper = _background(grey, tile, _PAPER_QUANTILE)
    contrast: Contrast = np.clip((paper - grey) / np.maximum(paper, _DARKEST_PAPER), 0, 1)
    return contrast, inverted


def _is_ink_lighter(grey: Grey, tile: int) -> bool:
    """Whether the rare pixels are further above the local background than below it."""
    apart = (grey - _background(grey, tile, 0.5))[::2, ::2]
    below, above = np.quantile(apart, (_RAREST_INK, 1 - _RAREST_INK)).tolist()
    return bool(above > -below)


def _tile_of(shape: tuple[int, ...]) -> int:
    return max(_SMALLEST_TILE, min(shape) // _TILES)


def _background(grey: Grey, tile: int, quantile: float) -> Contrast:
    """(H, W) the paper's grey: of each tile a quantile, the median of those near it, smoothly between."""
    levels = np.median(_near_tiles(_tile_quantiles(grey, tile, quantile), _NEAR), axis=-1)
    return _spread_out(levels.astype(np.float32), grey.shape, tile)


def _tile_quantiles(values: NDArray[np.generic], tile: int, quantile: float) -> Contrast:
    """(rows, columns) a quantile of each tile, from some of its pixels; the last tiles repeat the edge."""
    height, width = values.shape
    step = max(1, tile // 16)
    rows, columns = -(-height // tile), -(-width // tile)
    inside = np.arange(0, tile, step)
    y = np.minimum((np.arange(rows)[:, None] * tile + inside).ravel(), height - 1)
    x = np.minimum((np.arange(columns)[:, None] * tile + inside).ravel(), width - 1)
    tiles = values[np.ix_(y, x)].reshape(rows, len(inside), columns, len(inside))
    flat = tiles.transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    place = min(flat.shape[-1] - 1, round(quantile * (flat.shape[-1] - 1)))
    return np.partition(flat, place, axis=-1)[..., place].astype(np.float32)


def _near_tiles(tiles: Contrast, reach: int) -> Contrast:
    """(rows, columns, (2 reach + 1)^2) the tiles about each, edges repeated."""
    padded = np.pad(tiles, reach, mode="edge")
    window = 2 * reach + 1
    near = np.lib.stride_tricks.sliding_window_view(padded, (window, window))
    return near.reshape(*tiles.shape, -1)


def _spread_out(tiles: Contrast, shape: tuple[int, ...], tile: int) -> Contrast:
    """(H, W) from one value per tile, bilinear between the tiles' centers."""
    rows, columns = tiles.shape
    whole = Image.fromarray(tiles).resize((columns * tile, rows * tile), Image.Resampling.BILINEAR)
    return np.asarray(whole)[: shape[0], : shape[1]]


def _smoothed(contrast: Contrast) -> Contrast:
    """Noise averaged out where there is much of it, at the cost of sharp edges."""
    # Neighbors differ by noise nearly everywhere: the median sees no strokes.
    steps = np.abs(np.diff(contrast[::2], axis=1))
    noise = float(np.median(steps)) / 0.95 if steps.size else 0.0
    if noise < _CLEAR_NOISE:
        return contrast
    radius = 1.0 if noise < 3 * _CLEAR_NOISE else 2.0
    image = Image.fromarray((contrast * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(image, np.float32) / np.float32(255)


def _ink_level(darkest: Contrast) -> float:
    """The contrast of ink: the median of those tiles that are at least half as dark as the darkest few."""
    ranked = np.sort(darkest.ravel())[::-1]
    near_most = float(ranked[min(len(ranked) - 1, max(1, len(ranked) // 200))])
    return float(np.median(ranked[ranked >= 0.5 * near_most])) if near_most > 0 else 0.0

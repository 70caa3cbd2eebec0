"""Lines found without a network: level ridges in the ink, smeared along the lines (our addition).

What a profile is to a straight page, a ridge of smeared ink is to a real one: it may bend, begin and end anywhere.
The page is sheared level first. How much to smear is told by the distance between its lines.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from amanuensis.images.components import find_components
from amanuensis.pages.segment_cores import Core, cores_of, cut_core

Mask = NDArray[np.bool_]
Values = NDArray[np.float32]
Scalar = TypeVar("Scalar", bound=np.generic)

_STEEPEST = 0.09  # of the slopes that are tried for the page's tilt: five degrees
_SLOPES = 37
_REDUCTION = 4  # by which the ink is reduced to find the tilt
_STRIPS = 8  # in which the distance between lines is told
_WORDS = 2.2  # pitches of components that tell the height of writing: taller ones are several lines
_ALONG, _ACROSS = 0.6, 0.13  # of the pitch: standard deviations of the smear
_RIDGE = 0.25  # of a strong ridge's height: what is a ridge at all
_STROKES = 0.65  # that begin in a length of the core's height: fewer are no writing
_STRETCH = 2.5  # heights of the core, over which strokes are counted
_MUCH_LONGER = 2.0  # times as long
_TOO_CLOSE = 0.65  # of the pitch
_NARROWEST, _WIDEST = 12.0, 160.0  # pixels: pitches that are believed


def core_pieces(ink: Mask) -> list[Core]:
    """The cores of pieces of lines in a page's ink (H, W), in its pixels."""
    if not ink.any():
        return []
    slope = tilt_of(ink)
    level = sheared(ink, slope)
    pitch = pitch_of(level)
    ridges = _ridges(level, pitch)
    written = [part for core in cores_of(ridges) for part in _written_parts(core, level)]
    middle = ink.shape[1] / 2
    return [
        Core(core.start, core.top + fall, core.bottom + fall)
        for core in _foremost(written, pitch)
        for fall in [np.rint(slope * (np.arange(core.start, core.stop) - middle))]
    ]


def _written_parts(core: Core, ink: Mask) -> list[Core]:
    """Where enough strokes cross the core, each part trimmed to its ink; flourishes and frames run along it."""
    window = max(3, round(_STRETCH * core.height)) | 1
    strokes = _strokes(core, ink)
    padded = np.pad(np.concatenate([[0.0], np.cumsum(strokes)]), window // 2, mode="edge")
    density = (padded[window:] - padded[:-window])[: core.width]
    enough = np.pad(density >= _STROKES * window / core.height, window // 2)
    # What lies within half a stretch of enough strokes belongs to them: at the ends of lines half of it is empty.
    dense = np.flatnonzero(np.lib.stride_tricks.sliding_window_view(enough, window).any(axis=1))
    parts = np.split(dense, np.flatnonzero(np.diff(dense) > 1) + 1) if len(dense) else []
    cut = [cut_core(core, int(part[0]), int(part[-1]) + 1) for part in parts]
    return [one for one in (_trimmed(part, ink) for part in cut) if one.width > 1]


def _strokes(core: Core, ink: Mask) -> NDArray[np.float64]:
    """(N,) how many strokes begin at each column, on average over three rows of the core."""
    columns = np.arange(core.start, core.stop)
    quarter = (core.bottom - core.top) / 4
    begun = np.zeros(core.width)
    for row in (core.middle - quarter, core.middle, core.middle + quarter):
        along = ink[np.clip(np.rint(row).astype(np.int64), 0, len(ink) - 1), columns]
        begun[1:] += along[1:] & ~along[:-1]
        begun[0] += along[0]
    return begun / 3


def _trimmed(core: Core, ink: Mask) -> Core:
    """The core without the columns at its ends in which it holds no ink; one column where it holds none."""
    first, last = int(core.top.min()), int(core.bottom.max())
    rows = np.arange(first, last)[:, None]
    inside = (rows >= core.top) & (rows < core.bottom) & ink[first:last, core.start : core.stop]
    there = np.flatnonzero(inside.any(axis=0))
    return cut_core(core, int(there[0]), int(there[-1]) + 1) if len(there) else cut_core(core, 0, 1)


def _foremost(cores: list[Core], pitch: float) -> list[Core]:
    """The cores without those that lie close above or below a much longer one: rows of ascenders or descenders."""
    return [core for core in cores if not any(_shadows(other, core, pitch) for other in cores)]


def _shadows(longer: Core, core: Core, pitch: float) -> bool:
    if longer.width < _MUCH_LONGER * core.width or abs(longer.row - core.row) > 4 * pitch:
        return False
    first, last = max(longer.start, core.start), min(longer.stop, core.stop)
    if last - first < core.width / 2:
        return False
    there = longer.middle[first - longer.start : last - longer.start]
    here = core.middle[first - core.start : last - core.start]
    return float(np.abs(there - here).mean()) < _TOO_CLOSE * pitch


def tilt_of(ink: Mask) -> float:
    """The slope of the lines (down to the right is positive): that at which their profile is the sharpest."""
    small = np.asarray(Image.fromarray(ink.astype(np.uint8) * 255).reduce(_REDUCTION), np.float32)
    slopes = np.linspace(-_STEEPEST, _STEEPEST, _SLOPES)
    sharpness = [float((np.diff(sheared(small, slope).sum(axis=1)) ** 2).sum()) for slope in slopes]
    return float(slopes[int(np.argmax(sharpness))])


def sheared(values: NDArray[Scalar], slope: float) -> NDArray[Scalar]:
    """(H, W) with every column moved up by the fall of a line of this slope; what leaves comes in as nothing."""
    height, width = values.shape
    fall = np.rint(slope * (np.arange(width) - width / 2)).astype(np.int64)
    row = np.arange(height)[:, None] + fall
    moved: NDArray[Scalar] = values[np.clip(row, 0, height - 1), np.arange(width)]
    moved[(row < 0) | (row >= height)] = 0
    return moved


def pitch_of(ink: Mask) -> float:
    """The distance between lines in pixels: where the profiles of strips are most like themselves."""
    height = len(ink)
    longest = int(min(_WIDEST, height // 3))
    shortest = int(_NARROWEST)
    guess = _height_of_words(ink) * 1.3
    if longest <= shortest:
        return guess
    total = np.zeros(longest + 1)
    for strip in np.array_split(ink, _STRIPS, axis=1):
        profile = strip.sum(axis=1, dtype=np.float64)
        profile -= profile.mean()
        total += np.correlate(profile, profile, "full")[height - 1 : height + longest]
    lags = np.arange(longest + 1)
    # A page's lines are also like the lines after the next ones: near the words' height the first of them lies.
    total *= np.exp(-0.5 * (np.log(np.maximum(lags, 1) / guess) / 0.45) ** 2)
    best = int(np.argmax(total[shortest:])) + shortest
    return float(best) if total[best] > 0 else guess


def _height_of_words(ink: Mask) -> float:
    """The usual height of what hangs together, by area."""
    found = find_components(ink)
    wide = found.widths > 0.5 * found.heights
    kept = wide & (found.heights > 4) if (wide & (found.heights > 4)).any() else np.ones(len(found), np.bool_)
    heights, weights = found.heights[kept], found.area[kept]
    order = np.argsort(heights)
    half = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(np.clip(heights[order][min(half, len(order) - 1)], _NARROWEST, _WIDEST))


def _ridges(ink: Mask, pitch: float) -> Mask:
    """(H, W) where smeared ink bulges: the cores of lines."""
    smeared = _blurred(_blurred(ink.astype(np.float32), _ALONG * pitch, axis=1), _ACROSS * pitch, axis=0)
    reach = max(1, round(0.3 * pitch))
    padded = np.pad(smeared, ((reach, reach), (0, 0)))
    bulge = smeared - (padded[: -2 * reach] + padded[2 * reach :]) / 2
    strong = float(np.quantile(bulge[ink], 0.7))
    return bulge > _RIDGE * strong


def _blurred(values: Values, deviation: float, *, axis: int) -> Values:
    """Blurred along an axis by three moving averages, which together are nearly Gaussian."""
    reach = max(1, round(deviation))  # three of 2 r + 1: variance r (r + 1)
    length = 2 * reach + 1
    pad = [(0, 0), (0, 0)]
    pad[axis] = (reach + 1, reach)
    for _ in range(3):
        sums = np.cumsum(np.pad(values, pad), axis=axis, dtype=np.float64)
        high = np.take(sums, np.arange(length, sums.shape[axis]), axis=axis)
        low = np.take(sums, np.arange(sums.shape[axis] - length), axis=axis)
        values = ((high - low) / length).astype(np.float32)
    return values

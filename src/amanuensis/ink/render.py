"""Ink as the bitmap that a formula network is trained on: white strokes, three pixels wide, on black.

Our reading, found by measuring the bitmaps published with WAP (Zhang et al., Pattern Recognition 71, 2017)
against their ink; only their look was ever described. A stroke counts if it is taller than a tenth of the
tallest one; the mean height of those, rounded down to whole units of the tablet, becomes 28 pixels; points
fall to the pixel at their upper left; lines one pixel wide are thickened by a square of 3 x 3. No symbol
segmentation takes part, so test sets may be rendered this way. From the original InkML the published pictures
come out pixel by pixel; where only the offset of the ink is lost, their sides are the same within a pixel.

Our addition is what those test sets never show: ink that is flat all over, units that are no pixels, and a
bound on the size.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from amanuensis.errors import DataError
from amanuensis.ink.strokes import Ink, Points

_COUNTED = 0.1  # strokes at most this share of the tallest are dots, bars and minus signs
_FLAT = 0.2  # a stroke that rises by less than this share of its width tells nothing of the writing's size
_FAR = 10_000.0  # units; single precision tells a thousandth of a unit there
_DOT = 1e-9  # units; what is smaller has no size
_WHOLE_UNITS = 10.0  # heights below are no counts of tablet units, and rounding them down would distort


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """How ink becomes a picture. The defaults give the bitmaps that CROHME's test sets were published as.

    Attributes:
        height: pixels that the mean height of the strokes becomes (see `stroke_height`).
        pen: width of a stroke in pixels; the pen is a square.
        margin_before: empty pixels at the left and at the top.
        margin_after: empty pixels at the right and at the bottom.
        max_pixels: a picture that would have more is drawn smaller; the largest published one has 380,664.
    """

    height: float = 28.0
    pen: int = 3
    margin_before: int = 12
    margin_after: int = 11
    max_pixels: int = 4_000_000

    def __post_init__(self) -> None:
        """Raises DataError for settings that nothing can be drawn with."""
        if not 0 < self.height <= 1000 or not 1 <= self.pen <= 100:
            raise DataError(f"height {self.height} and pen {self.pen}: use up to 1000 and 1 to 100 pixels")
        if (
            min(self.margin_before, self.margin_after) < 0
            or max(self.margin_before, self.margin_after) > 1000
        ):
            raise DataError(f"margins {self.margin_before} and {self.margin_after}: use 0 to 1000 pixels")
        if self.max_pixels < 2 * self.frame**2:
            raise DataError(f"max_pixels {self.max_pixels}: pen and margins alone fill it")

    @property
    def frame(self) -> int:
        """Sides of the picture of a single point: margins and pen."""
        return self.margin_before + self.pen + self.margin_after


PUBLISHED = RenderSettings()


def render(ink: Ink, settings: RenderSettings = PUBLISHED) -> NDArray[np.uint8]:
    """Draw ink.

    Args:
        ink: the strokes.
        settings: sizes in pixels.

    Returns:
        (H, W) uint8, 255 where the pen was and 0 elsewhere. Ink touches the margins on all four sides.
    """
    pixels = _drawn(ink, settings)
    width, height = (pixels.max(axis=0) + settings.frame).tolist()
    canvas = Image.new("L", (width, height))
    draw = ImageDraw.Draw(canvas)
    first = settings.margin_before
    start = 0
    for stroke in ink.strokes:
        path = (pixels[start : start + len(stroke)] + first).ravel().tolist()
        start += len(stroke)
        if len(path) > 2:
            draw.line(path, fill=255)
        draw.point(path[-2:], fill=255)
    return _thickened(np.asarray(canvas), settings.pen)


def stroke_boxes(ink: Ink, settings: RenderSettings = PUBLISHED) -> NDArray[np.int64]:
    """Where `render` puts the strokes: (S, 4) pixels, left, top, and one beyond right and bottom, of each stroke."""
    pixels = _drawn(ink, settings) + settings.margin_before
    starts = np.cumsum([0, *(len(stroke) for stroke in ink.strokes[:-1])])
    low, high = np.minimum.reduceat(pixels, starts), np.maximum.reduceat(pixels, starts)
    return np.concatenate([low, high + settings.pen], axis=1)


def stroke_height(ink: Ink) -> float:
    """The typical height of the strokes in the ink's units, which sizes follow; 0 for nothing but dots.

    The mean over the strokes that are taller than a tenth of the tallest, rounded down to a whole number if
    it is at least 10 (where tablets count pixels, as in CROHME's test sets). If no stroke rises (a minus, an
    equals sign), the mean width: heights are those of a shaking hand then.
    """
    sizes = np.array([np.ptp(stroke, axis=0) for stroke in ink.strokes])
    widths, heights = sizes.T
    if not (heights > _FLAT * widths).any():
        return float(widths.mean())
    mean = float(heights[heights > _COUNTED * heights.max()].mean())
    return float(math.floor(mean)) if mean >= _WHOLE_UNITS else mean


def png_of(picture: NDArray[np.uint8]) -> bytes:
    """A picture encoded as PNG, without the time of day: the same picture gives the same bytes."""
    encoded = io.BytesIO()
    Image.fromarray(picture).save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()


@dataclass(frozen=True, slots=True)
class InkImage:
    """Ink that is drawn when somebody asks for the image: an `ImageSource`.

    Attributes:
        ink: the strokes.
        name: what to call the image in messages.
        settings: how it is drawn.
    """

    ink: Ink
    name: str
    settings: RenderSettings = PUBLISHED

    def read(self) -> bytes:
        """The drawn bitmap as PNG."""
        return png_of(render(self.ink, self.settings))


def _drawn(ink: Ink, settings: RenderSettings) -> NDArray[np.int64]:
    """(N, 2): the pixels of all points, from 0."""
    unit = stroke_height(ink)
    scale = _bounded(settings.height / unit if unit > _DOT else 1.0, ink.extent, settings)
    return _pixels(ink.points, scale, unit)


def _bounded(scale: float, extent: Points, settings: RenderSettings) -> float:
    """The scale, smaller if the picture would have more than `max_pixels`.

    (w s + f)(h s + f) = `max_pixels`, solved for s, where w, h are the ink's sides and f is the frame's, and
    one pixel more for the rounding.
    """
    width, height = extent.tolist()
    frame, limit = settings.frame + 1, settings.max_pixels
    if (width * scale + frame) * (height * scale + frame) <= limit:
        return scale
    linear, free = frame * (width + height), float(limit - frame * frame)
    # The form of the root that stays exact where one side is 0.
    root: float = 2 * free / (linear + math.sqrt(linear**2 + 4 * width * height * free))
    return root


def _pixels(points: Points, scale: float, unit: float) -> NDArray[np.int64]:
    """(N, 2) pixels from 0: the coordinates scaled, then rounded down.

    The published pictures come out exactly where whole units are scaled where they stand, in single precision
    (which decides the many products that are whole numbers). Single precision is too little far from the origin.
    """
    if unit >= _WHOLE_UNITS and float(np.abs(points).max()) <= _FAR:
        pixels = np.floor(points.astype(np.float32) * np.float32(scale)).astype(np.int64)
    else:
        pixels = np.floor((points - points.min(axis=0)) * scale).astype(np.int64)
    moved: NDArray[np.int64] = pixels - pixels.min(axis=0)
    return moved


def _thickened(lines: NDArray[np.uint8], pen: int) -> NDArray[np.uint8]:
    """Every pixel a square of `pen` x `pen` to its right and below; there must be room for it."""
    wide = lines.copy()
    for shift in range(1, pen):
        np.maximum(wide[:, shift:], lines[:, :-shift], out=wide[:, shift:])
    result = wide.copy()
    for shift in range(1, pen):
        np.maximum(result[shift:], wide[:-shift], out=result[shift:])
    return result

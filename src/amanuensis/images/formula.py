"""The formula spec: how a bitmap or a photo of a formula becomes a network's input.

The paper (CATNet) trains and tests on CROHME's published bitmaps: strokes of about 3 pixels, white on black, two
levels, a mean symbol some 29 pixels high, margins of 12 pixels left and above and 11 right and below (measured on all
2,133 of them). Such a picture passes as it is.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from amanuensis.errors import ModelError
from amanuensis.images.components import find_components
from amanuensis.images.pen import drawn_room, redrawn
from amanuensis.images.photo import Writing, find_writing, measured

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SCALES = (1.0, 0.5)

_FLAT = 16  # grey levels about either extreme that still count as one of two levels
# What the published bitmaps have, with some room: pens 2.9 to 3.9, symbols 20 to 54, ink 2 to 18 %.
_CLEAN_PENS = (2.5, 4.6)
_CLEAN_HEIGHTS = (14.0, 75.0)
_CLEAN_INK = 0.35
# Beyond what is usual, a warning.
_FAINT = 0.2
_MUCH_INK = 0.35
_MANY_PIECES = 120  # the published bitmaps have 1 to 98, 99 % of them up to 38
_LOW_SYMBOLS = 10.0
_HEAVY_PEN = 0.4
_MOST_HEIGHT = 500.0  # pixels; half of a symbol's
_MOST_ENLARGED = 6.0  # times the source: symbols of fewer than five pixels stay small
_CLOSER = 2.0  # how much larger than in the result symbols are when they are told from paper


@dataclass(frozen=True, slots=True)
class FormulaSpec:
    """What a network expects of a formula's picture; stored in every model.

    Attributes:
        scale: applied to the normalized picture: 1, or 0.5 (the mean of every 2 x 2 pixels).
        pen: width of the strokes that photos are redrawn with, in pixels at scale 1.
        symbol_height: mean height of a symbol that photos are scaled to, in pixels at scale 1.
        margin: pixels of paper left and above at scale 1; right and below it is one less, as in the published bitmaps.
        max_pixels: of the picture at scale 1; a larger one is scaled down to it.
        min_size: least height and width at scale 1; a smaller one is padded with paper (26: a dot and its margins).
    """

    scale: float = 1.0
    pen: float = 3.2
    symbol_height: float = 29.2
    margin: int = 12
    max_pixels: int = 500_000
    min_size: int = 26

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ModelError(f"formula spec: scale {self.scale!r} is none of {', '.join(map(str, SCALES))}")
        if not 1 <= self.pen <= self.symbol_height / 2 <= _MOST_HEIGHT:
            raise ModelError(
                f"formula spec: symbols {self.symbol_height} high cannot be drawn with a pen {self.pen} wide"
            )
        if self.margin < 1 or self.min_size < 1 or self.max_pixels < self.min_size**2:
            raise ModelError(
                f"formula spec: margin {self.margin}, min_size {self.min_size} and "
                f"max_pixels {self.max_pixels} leave no room for a picture"
            )

    def to_dict(self) -> dict[str, Any]:
        """As stored in a model's `config.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> FormulaSpec:
        """The inverse of `to_dict`.

        Raises:
            ModelError: a key is unknown or missing, or a value impossible.
        """
        kinds: dict[str, type] = {key: type(value) for key, value in asdict(cls()).items()}
        if set(stored) != set(kinds):
            odd = ", ".join(sorted(set(stored) ^ set(kinds)))
            raise ModelError(f"formula spec {stored!r}: unknown or missing: {odd}")
        for key, value in stored.items():
            if type(value) is not kinds[key] and not (kinds[key] is float and type(value) is int):
                wanted = "a number" if kinds[key] is float else "a whole number"
                raise ModelError(f"formula spec: {key} is {value!r}, not {wanted}")
        return cls(**{key: kinds[key](value) for key, value in stored.items()})


class Measured(NamedTuple):
    """What was seen in a picture; lengths are in its own pixels.

    Attributes:
        clean: whether it looked like the published bitmaps and kept its pixels.
        pen: width of the strokes; 0 if there are none.
        symbol_height: mean, without the pen's width; 0 if there are none.
        contrast: share of the paper's light that the ink swallows, in [0, 1].
        ink_share: share of ink within the ink's bounds.
        num_components: connected pieces of ink.
        num_rules: printed lines that were taken out.
        scale: pixels of the normalized picture (at the spec's scale 1) per pixel of the source.
        origin: of the normalized picture in the source: its pixel (x, y) comes from (x, y) / `scale` + `origin`.
        warnings: what is far from what networks were trained on, in words for users; mostly none.
    """

    clean: bool = False
    pen: float = 0.0
    symbol_height: float = 0.0
    contrast: float = 0.0
    ink_share: float = 0.0
    num_components: int = 0
    num_rules: int = 0
    scale: float = 1.0
    origin: tuple[float, float] = (0.0, 0.0)
    warnings: tuple[str, ...] = ()


def prepare_formula(grey: Grey, spec: FormulaSpec) -> NDArray[np.float32]:
    """A network's input from a grey picture of a formula: normalized, then scaled as the model wants it.

    Args:
        grey: (H, W), of either polarity.
        spec: the model's.

    Returns:
        (h, w) float32 in [0, 1]: ink 1, paper 0.
    """
    return to_input(normalize_formula(grey, spec)[0], spec)


def to_input(bitmap: Grey, spec: FormulaSpec) -> NDArray[np.float32]:
    """The network's input from a normalized bitmap (H, W), white on black: at the model's scale, in [0, 1]."""
    levels: NDArray[np.float32] = bitmap.astype(np.float32) / np.float32(255)
    return levels if spec.scale == 1 else _halved(levels)


def normalize_formula(grey: Grey, spec: FormulaSpec) -> tuple[Grey, Measured]:
    """Any picture as a bitmap of the published kind, and what was seen in it.

    A clean one keeps its pixels but for polarity; only its margins are set.

    Args:
        grey: (H, W), of either polarity.
        spec: the model's.

    Returns:
        (h, w) uint8, ink 255 on paper 0.
    """
    writing = _clean_writing(grey)
    if writing is None:
        return normalize_photo(grey, spec)
    return _normalized(writing, spec, clean=True)


def normalize_photo(grey: Grey, spec: FormulaSpec) -> tuple[Grey, Measured]:
    """As `normalize_formula`, for a picture that is known to be no clean bitmap."""
    writing = find_writing(grey, height=_CLOSER * spec.symbol_height)
    if writing is None:
        blank = np.zeros((max(spec.min_size, 2 * spec.margin - 1),) * 2, np.uint8)
        return blank, Measured(warnings=("no writing found: the picture looks blank",))
    return _normalized(writing, spec, clean=False)


def normalize_drawing(bitmap: Grey, spec: FormulaSpec) -> tuple[Grey, Measured]:
    """As `normalize_formula`, for ink that `ink.render` drew, white on black: there is no paper to tell it from.

    A drawing of the published kind keeps its pixels; one with another pen is redrawn, as a photo is.

    Args:
        bitmap: (H, W), some of it white.
        spec: the model's.
    """
    ink = bitmap > bitmap.max() // 2
    writing = measured(ink, find_components(ink))
    return _normalized(writing, spec, clean=_is_clean(writing))


def is_clean_bitmap(grey: Grey) -> bool:
    """Whether a picture is of the published kind, so that its pixels are kept.

    It has two levels (or nearly: none is further than 16 from the darkest or the lightest), of which the rarer, the
    ink, takes at most 35 %, in strokes some 3 pixels wide (2.5 to 4.6 on average) and symbols of about the
    published height (14 to 75 pixels on average). Those of CROHME's 2,133 published bitmaps lie well within.

    Args:
        grey: (H, W), of either polarity.
    """
    return _clean_writing(grey) is not None


def _clean_writing(grey: Grey) -> Writing | None:
    low, high = int(grey.min()), int(grey.max())
    if high - low < 128:
        return None
    light = grey >= high - _FLAT
    if not bool((light | (grey <= low + _FLAT)).all()):
        return None
    ink = light if 2 * int(np.count_nonzero(light)) <= light.size else ~light
    if np.count_nonzero(ink) > _CLEAN_INK * ink.size:
        return None
    writing = measured(ink, find_components(ink))
    return writing if _is_clean(writing) else None


def _is_clean(writing: Writing) -> bool:
    return _within(writing.pen, _CLEAN_PENS) and _within(writing.height, _CLEAN_HEIGHTS)


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


def _normalized(writing: Writing, spec: FormulaSpec, *, clean: bool) -> tuple[Grey, Measured]:
    """The bitmap of the writing, redrawn unless it is clean and not too large."""
    ink, left, top = _cropped(writing.ink)
    wanted = 1.0 if clean else min(spec.symbol_height / writing.height, _MOST_ENLARGED / writing.scale)
    scale = _bounded(wanted, ink.shape, spec)
    drawn, dx, dy = ink, 0, 0
    if not clean or scale < 1:
        drawn, dx, dy = _cropped(redrawn(ink, scale=scale, pen=spec.pen))
        dx, dy = dx - drawn_room(spec.pen), dy - drawn_room(spec.pen)
    seen = Measured(
        clean=clean,
        pen=writing.pen / writing.scale,
        symbol_height=writing.height / writing.scale,
        contrast=writing.contrast,
        ink_share=float(ink.mean()),
        num_components=len(writing.components),
        num_rules=len(writing.rules),
        scale=scale * writing.scale,
        origin=(
            writing.origin[0] + (left + (dx - spec.margin) / scale) / writing.scale,
            writing.origin[1] + (top + (dy - spec.margin) / scale) / writing.scale,
        ),
    )
    return _framed(drawn, spec), seen._replace(warnings=_warnings(seen, shrunk=scale / wanted))


def _cropped(ink: Mask) -> tuple[Mask, int, int]:
    """The ink's bounds of a bitmap that has some, and where they begin: column and row."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], int(columns[0]), int(rows[0])


def _framed(ink: Mask, spec: FormulaSpec) -> Grey:
    """White on black with the spec's margins, padded to its least size at the right and below."""
    sides = [
        (spec.margin, max(spec.margin - 1, spec.min_size - spec.margin - length)) for length in ink.shape
    ]
    return np.pad(ink.astype(np.uint8) * np.uint8(255), sides)


def _bounded(scale: float, shape: tuple[int, ...], spec: FormulaSpec) -> float:
    """The scale, or less if the framed picture would have more than `spec.max_pixels`.

    (h s + f)(w s + f) = `max_pixels` solved for s, where f is the frame: margins, a pixel for rounding, and what
    strokes may grow.
    """
    height, width = shape
    frame = 2 * spec.margin + 1 + spec.pen
    if (height * scale + frame) * (width * scale + frame) <= spec.max_pixels:
        return scale
    linear, free = frame * (height + width), spec.max_pixels - frame**2
    return 2 * free / (linear + math.sqrt(linear**2 + 4 * height * width * free))


def _warnings(seen: Measured, *, shrunk: float) -> tuple[str, ...]:
    """What is far from what networks were trained on; `shrunk` is the scale's share that a large picture was left."""
    told = []
    if seen.contrast < _FAINT:
        told.append(f"faint ink: it swallows only {seen.contrast:.0%} of the paper's light")
    if seen.ink_share > _MUCH_INK:
        told.append(f"ink covers {seen.ink_share:.0%} of its bounds: this may be no handwriting")
    if seen.num_components > _MANY_PIECES:
        told.append(f"{seen.num_components} pieces of ink: this may be a page, not one formula")
    if seen.symbol_height < _LOW_SYMBOLS:
        told.append(f"symbols are only about {seen.symbol_height:.0f} pixels high: take a larger picture")
    if seen.pen > _HEAVY_PEN * seen.symbol_height:
        told.append(f"strokes {seen.pen:.0f} pixels wide are heavy for symbols {seen.symbol_height:.0f} high")
    if shrunk < 1:
        told.append(f"a large formula: drawn at {shrunk:.0%} of the size that networks are trained on")
    return tuple(told)


def _halved(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of every 2 x 2 pixels; odd sizes are padded by one row or column of paper."""
    height, width = levels.shape
    even = np.pad(levels, ((0, height % 2), (0, width % 2)))
    cells = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2)
    halved: NDArray[np.float32] = cells.mean(axis=(1, 3), dtype=np.float32)
    return halved

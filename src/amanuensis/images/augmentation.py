"""Augmentation: a line as it might have been written and scanned another time.

Paper: eq. 2 only says that transforms are composed. Our reading (P5, HTR-Flor's generator): rotation of
+-1.5 degrees, scale down to 0.95, shifts of +-2.5 % and +-5 %, erosion up to 5, dilation up to 3, for lines
of 128 x 1024 pixels. Our addition: shear, stretch, elastic distortion, tone, blur and noise; ink is not
pushed out of the picture; and strengths follow the height, since at 64 pixels a 3 x 3 dilation wipes
hairlines out.

Every picture keeps its shape, so widths, buckets and the frames that a target needs stay what they were.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

_REFERENCE_HEIGHT = 128  # the height that kernels are given for
_MAX_TILT = (
    0.1  # a rotation moves the line's ends by at most this share of the height: 1.5 degrees at 128 x 1024
)
_MAX_FADING = 0.6  # the share of a hairline's ink that thinning may take


@dataclass(frozen=True, slots=True)
class Chance:
    """How strong a transform may be (drawn evenly from nothing to this), and how often it happens."""

    strength: float
    probability: float = 1.0


NEVER = Chance(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Which transforms, how strong, how often. The default is none.

    Attributes:
        rotation: degrees, either way; less for long lines, whose ends would leave the picture.
        shrink: share of the size that is lost; 0.05 is a scale of 0.95.
        shift_x: share of the width, either way, as far as there is paper.
        shift_y: share of the height, either way.
        stretch: share of the width or of the height that is lost, which changes the letters' proportions.
        shear: tangent of the slant, either way.
        elastic: standard deviation of a wavy distortion, as a share of the height.
        erosion: side of the kernel that thickens dark strokes, at 128 pixels of height.
        dilation: side of the kernel that thins them; either of the two happens, not both.
        tone: paler ink, darker paper, another gamma.
        blur: radius in pixels at 128 pixels of height.
        noise: standard deviation, on the scale of [-1, 1].
    """

    rotation: Chance = NEVER
    shrink: Chance = NEVER
    shift_x: Chance = NEVER
    shift_y: Chance = NEVER
    stretch: Chance = NEVER
    shear: Chance = NEVER
    elastic: Chance = NEVER
    erosion: Chance = NEVER
    dilation: Chance = NEVER
    tone: Chance = NEVER
    blur: Chance = NEVER
    noise: Chance = NEVER


_PAPER = Augmentation(
    rotation=Chance(1.5),
    shrink=Chance(0.05),
    shift_x=Chance(0.05),
    shift_y=Chance(0.025),
    erosion=Chance(5, 0.5),
    dilation=Chance(3, 0.5),
)
_STRONG = Augmentation(
    rotation=Chance(1.5, 0.7),
    shrink=Chance(0.1, 0.7),
    shift_x=Chance(0.05, 0.7),
    shift_y=Chance(0.04, 0.7),
    stretch=Chance(0.15, 0.5),
    shear=Chance(0.3, 0.5),
    elastic=Chance(0.025, 0.5),
    erosion=Chance(5, 0.3),
    dilation=Chance(3, 0.3),
    tone=Chance(0.4, 0.5),
    blur=Chance(1.5, 0.25),
    noise=Chance(0.1, 0.25),
)
AUGMENTATIONS = {"none": Augmentation(), "paper": _PAPER, "strong": _STRONG}


def augment(
    image: NDArray[np.float32], augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A varied copy of a line (the paper's eq. 2).

    Args:
        image: (H, W) in [-1, 1], paper about +1, as `normalize_contrast` or `prepare` gives it.
        augmentation: the transforms.
        rng: the only randomness, e.g. `generator_for(seed, epoch, sample.key)`.

    Returns:
        (H, W) float32 in [-1, 1].
    """
    drawn = _Drawn.draw(augmentation, rng)
    if not drawn.anything:
        return image.copy()
    grey = np.rint((image + 1) * 127.5).astype(np.uint8)
    grey = _warped(grey, drawn, rng)
    scale = image.shape[0] / _REFERENCE_HEIGHT
    grey = _thinned_or_thickened(grey, drawn, scale)
    if drawn.blur:
        blur = ImageFilter.GaussianBlur(drawn.blur * scale)
        grey = np.asarray(Image.fromarray(grey).filter(blur))
    result: NDArray[np.float32] = _tone_curve(drawn.tone, rng)[grey]
    if drawn.noise:
        result += np.float32(drawn.noise) * rng.standard_normal(result.shape, dtype=np.float32)
        np.clip(result, -1, 1, out=result)
    return result


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One draw of every strength: 0 is "not this time"."""

    rotation: float
    shrink: float
    shift_x: float
    shift_y: float
    stretch: float
    shear: float
    elastic: float
    erosion: float
    dilation: float
    tone: float
    blur: float
    noise: float

    @classmethod
    def draw(cls, augmentation: Augmentation, rng: np.random.Generator) -> _Drawn:
        """Two numbers a transform, always: one transform's chance does not change another's draw."""
        signed = {"rotation", "shift_x", "shift_y", "stretch", "shear"}
        values = {}
        draws = rng.random((len(fields(cls)), 2)).tolist()
        for field, (luck, size) in zip(fields(cls), draws, strict=True):
            chance: Chance = getattr(augmentation, field.name)
            share = 2 * size - 1 if field.name in signed else size
            values[field.name] = chance.strength * share if luck < chance.probability else 0.0
        return cls(**values)

    @property
    def anything(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


def _warped(grey: NDArray[np.uint8], drawn: _Drawn, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Rotation, scale, shear, shift and elastic distortion in one resampling: strokes blur only once."""
    height, width = grey.shape
    forward = _matrix(drawn, height, width)
    if not (drawn.elastic or drawn.shift_x or drawn.shift_y) and np.array_equal(forward, np.eye(2)):
        return grey
    xs, ys = _mesh(height, width, elastic=bool(drawn.elastic))
    middle = np.array([width / 2, height / 2])
    shift = np.array([_room_for_shift(grey, forward, drawn.shift_x * width), drawn.shift_y * height])
    corners = np.stack(np.meshgrid(xs, ys), axis=-1).astype(np.float64)
    sources = (corners - middle - shift) @ np.linalg.inv(forward).T + middle
    if drawn.elastic:
        sources += rng.normal(0, drawn.elastic * height, sources.shape)
    mesh = [
        ((xs[i], ys[j], xs[i + 1], ys[j + 1]), _quad(sources, i, j))
        for j in range(len(ys) - 1)
        for i in range(len(xs) - 1)
    ]
    image = Image.fromarray(grey)
    warped = image.transform(
        (width, height), Image.Transform.MESH, mesh, Image.Resampling.BILINEAR, fillcolor=255
    )
    return np.asarray(warped)


def _matrix(drawn: _Drawn, height: int, width: int) -> NDArray[np.float64]:
    """The linear part, (2, 2), source to result, in (x, y)."""
    limit = math.degrees(math.atan2(_MAX_TILT * height, width / 2))
    angle = math.radians(float(np.clip(drawn.rotation, -limit, limit)))
    scale = 1 - drawn.shrink
    wide, high = scale * (1 - max(0.0, drawn.stretch)), scale * (1 + min(0.0, drawn.stretch))
    rotate = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix: NDArray[np.float64] = rotate @ np.array([[1, drawn.shear], [0, 1]]) @ np.diag([wide, high])
    return matrix


def _room_for_shift(grey: NDArray[np.uint8], forward: NDArray[np.float64], wanted: float) -> float:
    """The shift, cut to what keeps the ink inside, or as much as brings it back."""
    height, width = grey.shape
    columns = np.flatnonzero((grey < 128).any(axis=0))
    if not len(columns):
        return wanted
    ends = np.array([columns[0], columns[-1] + 1]) - width / 2
    slant = abs(forward[0, 1]) * height / 2
    left = forward[0, 0] * ends[0] - slant + width / 2
    right = forward[0, 0] * ends[1] + slant + width / 2
    least, most = -left, width - right
    return float(np.clip(wanted, least, most)) if least <= most else float(least + most) / 2


def _mesh(height: int, width: int, *, elastic: bool) -> tuple[list[int], list[int]]:
    """Where the mesh's lines stand: cells of half the height, or a single one for an affine transform."""
    if not elastic:
        return [0, width], [0, height]
    across, down = max(1, round(2 * width / height)), min(2, height)
    across = min(across, width)
    return [width * i // across for i in range(across + 1)], [height * j // down for j in range(down + 1)]


def _quad(sources: NDArray[np.float64], i: int, j: int) -> tuple[float, ...]:
    """A cell's source corners in Pillow's order: upper left, lower left, lower right, upper right."""
    corners = (sources[j, i], sources[j + 1, i], sources[j + 1, i + 1], sources[j, i + 1])
    return tuple(float(value) for corner in corners for value in corner)


def _thinned_or_thickened(grey: NDArray[np.uint8], drawn: _Drawn, scale: float) -> NDArray[np.uint8]:
    """Strokes a fraction of a pixel to a few pixels wider, or narrower."""
    thicker, thinner = (max(0.0, kernel - 1) * scale for kernel in (drawn.erosion, drawn.dilation))
    if thicker >= thinner:
        return _grown(grey, thicker)
    # max(I) is min on the negative. Less than a whole pixel at a time, and never all of a hairline.
    return 255 - _grown(255 - grey, min(thinner, _MAX_FADING))


def _grown(grey: NDArray[np.uint8], pixels: float) -> NDArray[np.uint8]:
    """Dark areas wider by `pixels`, which may be a fraction: a blend of the kernels below and above."""
    whole = int(pixels)
    for _ in range(whole):
        grey = _min_two(grey)
    rest = round(256 * (pixels - whole))
    if not rest:
        return grey
    blended = grey.astype(np.uint16) * (256 - rest) + _min_two(grey).astype(np.uint16) * rest
    return (blended >> 8).astype(np.uint8)


def _min_two(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The least of every 2 x 2 pixels; it anchors at the upper left, half a pixel that nobody sees."""
    result = grey.copy()
    np.minimum(result[:, 1:], grey[:, :-1], out=result[:, 1:])
    rows = result.copy()
    np.minimum(result[1:], rows[:-1], out=result[1:])
    return result


def _tone_curve(tone: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """What every grey level becomes, (256,) in [-1, 1]: paper gets darker, ink paler or heavier."""
    ink = 1 - np.arange(256) / 255
    if tone:
        darker, paler, bend = rng.random(3).tolist()
        paper = 0.4 * tone * darker
        ink = paper + (1 - paper - 0.7 * tone * paler) * ink ** math.exp(tone * (2 * bend - 1))
    return (1 - 2 * np.clip(ink, 0, 1)).astype(np.float32)

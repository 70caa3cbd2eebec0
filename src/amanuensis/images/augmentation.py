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

from amanuensis.images.warp import Warp, warped

Grey = NDArray[np.float32]

_REFERENCE_HEIGHT = 128  # the height that kernels and radii are given for
_MAX_THINNING = 0.6  # pixels; a whole one would wipe out hairlines


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


# HTR-Flor draws whole kernels below 5 and below 3: 4 and 2 at most.
_PAPER = Augmentation(
    rotation=Chance(1.5),
    shrink=Chance(0.05),
    shift_x=Chance(0.05),
    shift_y=Chance(0.025),
    erosion=Chance(4, 0.5),
    dilation=Chance(2, 0.5),
)
_STRONG = Augmentation(
    rotation=Chance(1.5, 0.7),
    shrink=Chance(0.1, 0.7),
    shift_x=Chance(0.05, 0.7),
    shift_y=Chance(0.04, 0.7),
    stretch=Chance(0.15, 0.5),
    shear=Chance(0.3, 0.5),
    elastic=Chance(0.025, 0.5),
    erosion=Chance(4, 0.3),
    dilation=Chance(2, 0.3),
    tone=Chance(0.4, 0.5),
    blur=Chance(1.5, 0.25),
    noise=Chance(0.1, 0.25),
)
AUGMENTATIONS = {"none": Augmentation(), "paper": _PAPER, "strong": _STRONG}


def augment(image: Grey, augmentation: Augmentation, rng: np.random.Generator) -> Grey:
    """A varied copy of a line (the paper's eq. 2).

    Args:
        image: (H, W) in [-1, 1], paper about +1, as `normalize_contrast` or `prepare` gives it.
        augmentation: the transforms.
        rng: the only randomness, e.g. `generator_for(seed, epoch, sample.key)`.

    Returns:
        (H, W) float32 in [-1, 1].
    """
    drawn = _draw(augmentation, rng)
    if not any(drawn.values()):
        return image.copy()
    scale = image.shape[0] / _REFERENCE_HEIGHT
    result = warped(image, Warp(**{field.name: drawn[field.name] for field in fields(Warp)}), rng)
    result = _restroked(result, (drawn["erosion"] - 1) * scale, (drawn["dilation"] - 1) * scale)
    result = _blurred(result, drawn["blur"] * scale)
    result = _toned(result, drawn["tone"], rng)
    if drawn["noise"]:
        # Evenly distributed: four times faster to draw than a normal one.
        noise = rng.random(result.shape, dtype=np.float32) - np.float32(0.5)
        result = result + np.float32(drawn["noise"] * math.sqrt(12)) * noise
    return np.clip(result, -1, 1)


_EITHER_WAY = {"rotation", "shift_x", "shift_y", "stretch", "shear"}


def _draw(augmentation: Augmentation, rng: np.random.Generator) -> dict[str, float]:
    """Every strength, 0 for "not this time". Two draws each, always: one chance does not move the others."""
    names = [field.name for field in fields(augmentation)]
    drawn = {}
    for name, (luck, size) in zip(names, rng.random((len(names), 2)).tolist(), strict=True):
        chance: Chance = getattr(augmentation, name)
        share = 2 * size - 1 if name in _EITHER_WAY else size
        drawn[name] = chance.strength * share if luck < chance.probability else 0.0
    return drawn


def _restroked(image: Grey, thicker: float, thinner: float) -> Grey:
    """Strokes wider or narrower, by pixels and fractions of them; whichever is more."""
    if thicker > 0 and thicker >= thinner:
        return _thickened(image, thicker)
    if thinner > 0:
        return -_thickened(-image, min(thinner, _MAX_THINNING))
    return image


def _thickened(image: Grey, pixels: float) -> Grey:
    """Dark areas wider by `pixels`: two kernels blended for the fraction."""
    for _ in range(int(pixels)):
        image = _minimum_of_four(image)
    return image + np.float32(pixels % 1) * (_minimum_of_four(image) - image)


def _minimum_of_four(image: Grey) -> Grey:
    """The darkest of every 2 x 2 pixels: strokes one pixel wider, to the right and downwards."""
    wider = image.copy()
    np.minimum(image[:, 1:], image[:, :-1], out=wider[:, 1:])
    result = wider.copy()
    np.minimum(wider[1:], wider[:-1], out=result[1:])
    return result


def _blurred(image: Grey, sigma: float) -> Grey:
    """A Gaussian blur by repeated three-tap averages, each of variance 2 w <= 0.5."""
    passes = math.ceil(2 * sigma**2)
    for _ in range(passes):
        w = np.float32(sigma**2 / passes / 2)
        padded = np.pad(image, ((1, 1), (0, 0)), mode="edge")
        image = image + w * (padded[:-2] + padded[2:] - 2 * image)
        padded = np.pad(image, ((0, 0), (1, 1)), mode="edge")
        image = image + w * (padded[:, :-2] + padded[:, 2:] - 2 * image)
    return image


def _toned(image: Grey, tone: float, rng: np.random.Generator) -> Grey:
    """Another scanner and another ink: paper darker, ink paler, middle tones lighter or heavier."""
    if not tone:
        return image
    darker, paler, bend = (rng.random(3) - (0, 0, 0.5)) * (0.4 * tone, 0.7 * tone, 2 * tone)
    ink = (np.float32(1) - image) * np.float32(0.5)
    ink += np.float32(bend) * ink * (1 - ink)
    ink *= np.float32(-2 * (1 - darker - paler))
    ink += np.float32(1 - 2 * darker)
    return ink

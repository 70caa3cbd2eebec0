"""The image spec: how a picture of a line becomes a network's input. One definition for training and reading.

Paper (HTR-JAND, eq. 1 and section III): 68 x 864 pixels, grey, stretched to [-1, 1] by the extremes.
Our reading: the aspect ratio is kept; the line stands left, vertically centred, on background.
Our addition: the `cpu` spec, 64 pixels high, as wide as the line, stretched by percentiles, which
specks cannot move.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from amanuensis.errors import ImageError, ModelError
from amanuensis.images.polarity import FAINTEST, dark_on_light, ranked

Contrast = Literal["minmax", "percentile"]

BACKGROUND = 1.0
MIN_WIDTH = 8
MAX_WIDTH = (
    65_536  # pixels at model height; a longer "line" is a scratch in a scan, or an attack on the memory
)

_INK_SHARE, _PAPER_SHARE = 0.005, 0.9


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """What a network expects of its input; stored in every model.

    Attributes:
        height: pixels.
        width: pixels, or None if the width follows the line.
        contrast: "minmax" (the paper's eq. 1) or "percentile".
        window: lines wider than this many prepared pixels are read in overlapping windows; 0: never.
        overlap: pixels that neighbouring windows share.
    """

    height: int
    width: int | None = None
    contrast: Contrast = "percentile"
    window: int = 0
    overlap: int = 0

    def __post_init__(self) -> None:
        if self.contrast not in get_args(Contrast):
            raise ModelError(
                f"image spec: contrast {self.contrast!r} is none of {', '.join(get_args(Contrast))}"
            )
        if self.height < 1 or (self.width is not None and self.width < MIN_WIDTH):
            raise ModelError(f"image spec: {self.height} x {self.width} is no size for a line")
        if not 0 <= self.overlap <= self.window // 2:
            raise ModelError(
                f"image spec: overlap {self.overlap} must be at most half of window {self.window}"
            )

    @classmethod
    def paper(cls) -> ImageSpec:
        """The paper's: 68 x 864, eq. 1."""
        return cls(height=68, width=864, contrast="minmax")

    @classmethod
    def cpu(cls) -> ImageSpec:
        """Ours: 64 high, free width, percentiles, windows of 2400 pixels."""
        return cls(height=64, width=None, contrast="percentile", window=2400, overlap=256)

    @property
    def size(self) -> tuple[int, int | None]:
        """Height and width: all that a stored picture depends on; contrast and windows come later."""
        return self.height, self.width

    @property
    def told_size(self) -> str:
        """The size for people."""
        return f"{self.height} x {self.width} pixels" if self.width else f"{self.height} pixels of height"

    def to_dict(self) -> dict[str, Any]:
        """As stored in a model's `config.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> ImageSpec:
        """The inverse of `to_dict`.

        Raises:
            ModelError: a key is unknown or missing, or a value impossible.
        """
        known = {field.name for field in fields(cls)}
        if set(stored) != known:
            odd = ", ".join(sorted(set(stored) ^ known))
            raise ModelError(f"image spec {stored!r}: unknown or missing: {odd}")
        for key, value in stored.items():
            if key != "contrast" and type(value) is not int and not (key == "width" and value is None):
                raise ModelError(f"image spec: {key} is {value!r}, not a whole number")
        return cls(**stored)


IMAGE_SPECS = {"paper": ImageSpec.paper(), "cpu": ImageSpec.cpu()}


def _content_size(shape: tuple[int, ...], spec: ImageSpec) -> tuple[int, int]:
    """Height and width of the scaled line, before any padding."""
    height, width = shape
    shrink = height / spec.height
    if spec.width is not None and width / spec.width > shrink:
        return max(1, round(height * spec.width / width)), spec.width
    return spec.height, max(1, round(width / shrink))


def scale_of(shape: tuple[int, ...], spec: ImageSpec) -> float:
    """Prepared pixels per source pixel, horizontally: divide by it to get back to the source.

    Args:
        shape: (H, W) of the source.
        spec: the model's.
    """
    return _content_size(shape, spec)[1] / shape[1]


def resize_to_spec(grey: NDArray[np.uint8], spec: ImageSpec) -> NDArray[np.uint8]:
    """The line at model height, dark on light. Applied to its own result it changes nothing.

    Args:
        grey: (H, W), H and W at least 1.
        spec: the model's.

    Returns:
        (h, w): h = `spec.height`, or less for a line too wide for a fixed width; w at least 8.

    Raises:
        ImageError: the line would be absurdly wide.
    """
    height, width = _content_size(grey.shape, spec)
    if width > MAX_WIDTH:
        raise ImageError(
            f"a picture of {grey.shape[1]} x {grey.shape[0]} pixels is no line: "
            f"at {spec.height} pixels high it would be {width} wide (at most {MAX_WIDTH})"
        )
    if grey.shape != (height, width):
        image = Image.fromarray(np.ascontiguousarray(grey))
        grey = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0))
    # Polarity is judged on the scaled picture, so that judging the result again comes to the same.
    grey = dark_on_light(grey)
    if width < MIN_WIDTH:
        grey = np.pad(grey, ((0, 0), (0, MIN_WIDTH - width)), constant_values=grey.max())
    return grey


def normalize_contrast(grey: NDArray[np.uint8], spec: ImageSpec) -> NDArray[np.float32]:
    """Greys stretched to [-1, 1]: paper about +1, ink about -1. A constant picture is all background, +1.

    "minmax" is the paper's eq. 1, I' = 2 (I - min I) / (max I - min I) - 1. "percentile" (our addition) puts
    the darkest 0.5 % at -1 and the lightest 10 % at +1.

    Args:
        grey: (H, W), dark on light.
        spec: the model's.

    Returns:
        (H, W) float32.
    """
    if spec.contrast == "minmax":
        low, high = int(grey.min()), int(grey.max())
    else:
        last = grey.size - 1
        low, high = ranked(grey, [int(_INK_SHARE * last), int(_PAPER_SHARE * last)])
        # A blank strip has only the paper's grain: stretched to the full range it would look like writing.
        low = min(low, high - FAINTEST)
    if low == high:
        return np.full(grey.shape, BACKGROUND, np.float32)
    slope = np.float32(2 / (high - low))
    stretched: NDArray[np.float32] = grey * slope - (low * slope + 1)
    return stretched.clip(-1, 1)


def pad_to_spec(image: NDArray[np.float32], spec: ImageSpec) -> NDArray[np.float32]:
    """The line on background: left and vertically centred (our reading). Without a fixed width: unchanged.

    Args:
        image: (h, w), what `normalize_contrast` gave.
        spec: the model's.

    Returns:
        (`spec.height`, `spec.width`), or (h, w).
    """
    if spec.width is None or image.shape == (spec.height, spec.width):
        return image
    padded = np.full((spec.height, spec.width), BACKGROUND, np.float32)
    top = (spec.height - image.shape[0]) // 2
    padded[top : top + image.shape[0], : image.shape[1]] = image
    return padded


def prepare(grey: NDArray[np.uint8], spec: ImageSpec) -> NDArray[np.float32]:
    """A network's input from a grey picture of a line: scaled, dark on light, stretched, padded.

    Args:
        grey: (H, W).
        spec: the model's.

    Returns:
        (`spec.height`, W') float32 in [-1, 1]; W' is `spec.width` if that is fixed.

    Raises:
        ImageError: the line would be absurdly wide.
    """
    return pad_to_spec(normalize_contrast(resize_to_spec(grey, spec), spec), spec)

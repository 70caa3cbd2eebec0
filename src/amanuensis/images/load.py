"""Loading pictures safely: out comes a right grey picture, or an error that names the source."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from amanuensis.errors import ImageError
from amanuensis.records import ImageSource

Source = Path | str | bytes | ImageSource | NDArray[Any] | Image.Image

MAX_PIXELS = 100_000_000

_COARSEST, _FINEST = 50.0, 2400.0  # pixels per inch that are believed

_ORIENTATION = 0x0112  # EXIF's number of the tag, and TIFF's
_WIDTH, _HEIGHT = 0x0100, 0x0101  # TIFF's, as stored
_QUARTER_TURNS = frozenset((5, 6, 7, 8))  # its values that exchange width and height

_WHITES = (255.0, 4095.0, 65535.0)  # of 8, 12 and 16 bits
_OVERSHOOT = 1.5  # floats up to here are in [0, 1]: interpolation overshoots
_DARK = 32.0  # floats from here on are in [0, 255]: no picture of writing is darker

# Only formats that Pillow decodes by itself: some of its others start programs (EPS) or fetch what they lack.
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "JPEG2000", "AVIF", "MPO")


def load_image(source: Source, *, frame: int = 0) -> NDArray[np.uint8]:
    """A picture as grey levels, upright; 0 is black. Light writing on dark is not turned yet.

    EXIF turns are applied, transparency shows white paper, colours become luminance, deep greys
    are scaled.

    Args:
        source: a file, encoded bytes, a source of them, a Pillow image as it stands, or an array: (H, W) or
            (H, W, 1 to 4: grey, grey + alpha, RGB, RGBA); integers from 0, or floats in [0, 1] or [0, 255]. What
            overshoots 1 a little, as after a resize, is white.
        frame: which picture of a TIFF, counted from 0.

    Returns:
        (H, W) uint8, writable.

    Raises:
        ImageError: naming the source: missing, empty, truncated, no picture, too large, no such frame, or an
            array of another shape or range.
    """
    name = _name_of(source)
    if isinstance(source, np.ndarray):
        _check_frame(frame, 1, name)
        return _from_array(source, name)
    if isinstance(source, Image.Image):
        _check_frame(frame, 1, name)
        return _decode(source, name)
    with _opened(source, name) as image:
        if frame:
            _check_frame(frame, _count_frames(image, name), name)
            with _failures_named(name), _quiet():
                image.seek(frame)
        return _decode(image, name)


def num_frames(source: Source) -> int:
    """How many pictures a source holds: 1, or the frames of a TIFF, GIF, WebP or PNG.

    Raises:
        ImageError: naming the source, which cannot be opened.
    """
    if isinstance(source, np.ndarray | Image.Image):
        return 1
    name = _name_of(source)
    with _opened(source, name) as image:
        return _count_frames(image, name)


def image_size(source: Source, *, frame: int = 0) -> tuple[int, int]:
    """Width and height of a picture as `load_image` gives it, upright; nothing is decoded.

    Raises:
        ImageError: naming the source: it cannot be opened, is too large, or has no such frame.
    """
    name = _name_of(source)
    if isinstance(source, np.ndarray | Image.Image):
        height, width = load_image(source, frame=frame).shape
        return width, height
    with _opened(source, name) as image:
        if frame:
            _check_frame(frame, _count_frames(image, name), name)
        with _failures_named(name), _quiet():
            image.seek(frame)
        _check_size(*image.size, name)
        return _upright_size(image)


def frame_sizes(source: Path | str | bytes | ImageSource) -> list[tuple[int, int]]:
    """Width and height of every picture in a source, upright; 0 x 0 for one that cannot be opened or is too large.

    Raises:
        ImageError: naming the source, which cannot be opened.
    """
    name = _name_of(source)
    with _opened(source, name) as image:
        return [_frame_size(image, frame, name) for frame in range(_count_frames(image, name))]


def _frame_size(image: Image.Image, frame: int, name: str) -> tuple[int, int]:
    try:
        with _failures_named(name), _quiet():
            image.seek(frame)
        _check_size(*image.size, name)
    except ImageError:
        return 0, 0
    return _upright_size(image)


def _upright_size(image: Image.Image) -> tuple[int, int]:
    turn, (width, height) = 1, image.size
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # Newer versions of Pillow give a TIFF's `size` upright, older ones as it is stored; its tags never change.
        tags = image.tag_v2
        turn, width, height = tags.get(_ORIENTATION, 1), tags[_WIDTH], tags[_HEIGHT]
    else:
        with _quiet(), suppress(Exception):  # broken EXIF data turns nothing
            turn = image.getexif().get(_ORIENTATION, 1)
    return (height, width) if turn in _QUARTER_TURNS else (width, height)


def image_resolution(source: Path | str | bytes) -> float | None:
    """Pixels per inch as the file says; None where it says nothing, or what no scanner does.

    Raises:
        ImageError: naming the source: it cannot be opened.
    """
    with _opened(source, _name_of(source)) as image:
        stated = image.info.get("dpi", (0,))[0]
    try:
        resolution = float(stated)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return resolution if _COARSEST <= resolution <= _FINEST else None


def _name_of(source: Source) -> str:
    if isinstance(source, Path | str):
        return str(source)
    if isinstance(source, ImageSource):
        return source.name
    return {bytes: "image bytes", np.ndarray: "image array"}.get(type(source), "image")


def _read_bytes(source: Path | str | bytes | ImageSource, name: str) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, ImageSource):
        return source.read()
    try:
        return Path(source).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{name}: cannot be read: {reason}") from error


_WARNINGS = threading.Lock()


@contextmanager
def _quiet() -> Iterator[None]:
    """No warning of Pillow's leaks. Warning filters are global to the process, hence the lock."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _failures_named(name: str) -> Iterator[None]:
    """Any failure of a decoder becomes an `ImageError`.

    Broken files make Pillow raise OSError, SyntaxError, ValueError, struct.error, KeyError, IndexError,
    ZeroDivisionError and more, so nothing less than Exception will do.
    """
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: more than {MAX_PIXELS // 1_000_000} million pixels") from error
    except Exception as error:
        raise ImageError(f"{name}: broken or truncated image: {error}") from error


@cache
def _formats() -> tuple[str, ...]:
    """Those of `_FORMATS` that this build of Pillow has."""
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


@contextmanager
def _opened(source: Path | str | bytes | ImageSource, name: str) -> Iterator[Image.Image]:
    encoded = _read_bytes(source, name)
    if not encoded:
        raise ImageError(f"{name}: empty (zero bytes)")
    try:
        with _failures_named(name), _quiet():
            image = Image.open(io.BytesIO(encoded), formats=_formats())
    except ImageError as error:
        if isinstance(error.__cause__, UnidentifiedImageError):
            known = ", ".join(_formats()[:-1])
            raise ImageError(f"{name}: no image of a kind that can be read ({known})") from error
        raise
    with image:
        yield image


def _count_frames(image: Image.Image, name: str) -> int:
    # The second picture in a phone's MPO is a depth or brightness map, not another photo.
    if image.format == "MPO":
        return 1
    with _failures_named(name), _quiet():
        return int(getattr(image, "n_frames", 1))


def _check_frame(frame: int, count: int, name: str) -> None:
    if not 0 <= frame < count:
        frames = "one frame" if count == 1 else f"{count} frames"
        raise ImageError(f"{name}: has {frames} (counted from 0), there is no frame {frame}")


def _check_size(width: int, height: int, name: str) -> None:
    if width < 1 or height < 1:
        raise ImageError(f"{name}: {width} x {height} pixels: nothing to see")
    if width * height > MAX_PIXELS:
        raise ImageError(f"{name}: {width} x {height} is more than {MAX_PIXELS // 1_000_000} million pixels")


def _decode(image: Image.Image, name: str) -> NDArray[np.uint8]:
    _check_size(*image.size, name)
    with _failures_named(name):
        image.load()
        # Broken EXIF data turns nothing, as in any viewer; the picture itself may be sound.
        with _quiet(), suppress(Exception):
            image = ImageOps.exif_transpose(image)
        return _to_grey(image, name)


def _to_grey(image: Image.Image, name: str) -> NDArray[np.uint8]:
    if image.mode.startswith(("I", "F")):
        return _to_eight_bits(np.asarray(image), name)
    if image.mode == "LAB":
        return np.array(image.getchannel("L"))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image).convert("RGB")
    return np.array(image.convert("L"))


def _to_eight_bits(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Any numbers as uint8. Arrays do not store a depth, and files often a wrong one: the values tell it."""
    if values.dtype == np.uint8:
        return np.array(values)
    if values.dtype == np.bool_:
        return np.where(values, np.uint8(255), np.uint8(0))
    if values.dtype.kind not in "iuf":
        raise ImageError(f"{name}: numbers of type {values.dtype} are no grey levels")
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0:
        raise ImageError(
            f"{name}: grey levels from {low:g} to {high:g}: they must be finite and not negative"
        )
    # Beyond 16 bits there is no agreed white: the brightest pixel is.
    white = next((step for step in _WHITES if high <= step), high)
    if values.dtype.kind == "f":
        white = _white_of_floats(high, name)
    return np.rint(np.minimum(values * (255.0 / white), 255.0)).astype(np.uint8)


def _white_of_floats(high: float, name: str) -> float:
    """Which of the two ranges of floats is meant, by the largest of them; between the two nobody can tell."""
    if high <= _OVERSHOOT:
        return 1.0
    if high < _DARK:
        raise ImageError(
            f"{name}: floats up to {high:g}: grey levels are in [0, 1] or in [0, 255], and this is neither"
        )
    return max(255.0, high)


def _from_array(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    channels = values.shape[2] if values.ndim == 3 else 1
    if values.ndim not in (2, 3) or not 1 <= channels <= 4:
        raise ImageError(f"{name}: shape {values.shape} is not (H, W) nor (H, W, 1 to 4)")
    _check_size(values.shape[1], values.shape[0], name)
    levels = _to_eight_bits(values, name)
    if values.ndim == 2:
        return levels
    if channels == 1:
        return levels[:, :, 0]
    return _to_grey(Image.fromarray(levels), name)

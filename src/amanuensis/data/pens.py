"""Fonts as pens: scaled by x-height, asked what they can write, and the stamps of words and letters they leave.

Fonts are scaled by x-height, because at one font size the letters of one are four times as high as those of
another. A stamp is a word or a letter, drawn once and kept: most of a line's words were written before.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from amanuensis.errors import DataError
from amanuensis.randomness import generator_for

X_HEIGHT = 18
"""Pixels of x-height at which every font is drawn; what places a line on its picture gives it its size."""

MAX_STAMP_BYTES = 16 * 2**20
"""Stamps are kept up to here in every process; the oldest go first."""

NUM_VARIANTS = 6
"""Shapes of one letter or word: 0 is the font's own, the last is the most deformed."""

RAISED_SIZE = 0.62

_SMOOTH = Image.Resampling.BILINEAR
_NO_CHARACTER = "\ufffe"  # a code point that no font has: what it draws is the sign for "missing"
_FONTS = (".ttf", ".otf")


def find_fonts(folder: Path) -> list[Path]:
    """The TrueType and OpenType fonts of a folder.

    Raises:
        DataError: there is no such folder, or it holds no font.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder; name one that holds handwriting fonts (.ttf or .otf)")
    fonts = sorted(path for path in folder.iterdir() if path.suffix.lower() in _FONTS)
    if not fonts:
        raise DataError(f"{folder}: holds no .ttf or .otf font to write synthetic lines with")
    return fonts


@dataclass(frozen=True, eq=False)
class Pen:
    """A font at the size where its x-height is `X_HEIGHT` pixels.

    Attributes:
        font: the font at that size.
        joins: whether its letters touch; then they cannot be spaced out.
        composes: whether letters set one by one look as the font sets a word; else it has forms for neighbors.
        stroke: mean breadth of its strokes, in x-heights.
        missing: what the font draws for a character that it lacks.
    """

    font: ImageFont.FreeTypeFont
    joins: bool
    composes: bool
    stroke: float
    missing: bytes
    _has: dict[str, bool] = field(default_factory=dict)
    _advances: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Pen:
        """Opens and measures a font.

        Raises:
            DataError: the file is no font, or has no letter x.
        """
        try:
            font = ImageFont.truetype(str(path), 100)
        except OSError as error:
            raise DataError(f"{path}: cannot be opened as a font: {error}") from error
        return cls.of(font, str(path))

    @classmethod
    def of(cls, font: ImageFont.FreeTypeFont, name: str) -> Pen:
        """The same font scaled by its x-height; `name` is what to call it in messages.

        Raises:
            DataError: the font has no letter x.
        """
        x_height = -font.getbbox("x", anchor="ls")[1]
        if x_height <= 0:
            raise DataError(f"{name}: has no letter x to scale it by")
        font = font.font_variant(size=font.size * X_HEIGHT / x_height)
        letters = np.asarray(_drawn(font, "nuimn"))
        columns = letters.max(axis=0) > 64
        gaps = np.count_nonzero(np.diff(np.trim_zeros(columns.astype(np.int8))) < 0)
        missing = _drawn(font, _NO_CHARACTER).tobytes()
        return cls(font, bool(gaps == 0), _composes(font, "whatever"), _stroke(letters), missing)

    def lacking(self, text: str) -> set[str]:
        """The characters of a text that the font cannot write."""
        return {character for character in set(text) - {" "} if not self._writes(character)}

    def _writes(self, character: str) -> bool:
        if character not in self._has:
            self._has[character] = _drawn(self.font, character).tobytes() != self.missing
        return self._has[character]

    def advance(self, text: str) -> float:
        """How far the pen moves on, in pixels; remembered for single characters."""
        if len(text) > 1:
            return self.font.getlength(text)
        if text not in self._advances:
            self._advances[text] = self.font.getlength(text)
        return self._advances[text]


def _composes(font: ImageFont.FreeTypeFont, word: str) -> bool:
    """Whether the letters of a word, drawn one after the other, cover what the font draws for it."""
    whole = _drawn(font, word)
    one_by_one = Image.new("L", whole.size)
    x = float(round(font.size))
    for letter in word:
        ImageDraw.Draw(one_by_one).text((x, 2 * round(font.size)), letter, fill=255, font=font, anchor="ls")
        x += font.getlength(letter)
    ours, theirs = np.asarray(one_by_one).astype(int), np.asarray(whole).astype(int)
    return bool(2 * np.minimum(ours, theirs).sum() > 0.9 * (ours.sum() + theirs.sum()))


def _stroke(letters: NDArray[np.uint8]) -> float:
    """The mean breadth of strokes in x-heights: their area against half their outline."""
    ink = letters.astype(np.float64)
    # Counted along rows and columns, an outline is 4 / pi as long as it is.
    outline = np.pi / 4 * (np.abs(np.diff(ink, axis=0)).sum() + np.abs(np.diff(ink, axis=1)).sum())
    return float(2 * ink.sum() / max(outline, 1.0) / X_HEIGHT)


def _drawn(font: ImageFont.FreeTypeFont, text: str) -> Image.Image:
    """A text in white on black with room around it."""
    size = round(font.size)
    image = Image.new("L", (round(font.getlength(text)) + 2 * size, 4 * size))
    ImageDraw.Draw(image).text((size, 2 * size), text, fill=255, font=font, anchor="ls")
    return image


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """A letter or a word as it was once drawn.

    Attributes:
        mask: (h, w) uint8, ink 255, cut to its ink; it may be empty.
        left, top: of the mask from the pen's place on the baseline, in pixels; above it is negative.
        advance: how far the pen moves on, in pixels.
    """

    mask: NDArray[np.uint8]
    left: int
    top: int
    advance: float


class Stamps:
    """Stamps that were drawn before, within `max_bytes`; a stamp depends on font, text, variant and size alone."""

    def __init__(self, max_bytes: int = MAX_STAMP_BYTES) -> None:
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._kept: OrderedDict[tuple[Pen, str, int, bool], Stamp] = OrderedDict()

    def get(self, pen: Pen, text: str, variant: int = 0, *, raised: bool = False) -> Stamp:
        """One of the `NUM_VARIANTS` stamps of a text; smaller if it is `raised` above the line."""
        key = (pen, text, variant, raised)
        stamp = self._kept.get(key)
        if stamp is not None:
            self._kept.move_to_end(key)
            return stamp
        stamp = self._kept[key] = make_stamp(pen, text, variant, raised=raised)
        self._num_bytes += stamp.mask.nbytes
        while self._num_bytes > self._max_bytes and len(self._kept) > 1:
            self._num_bytes -= self._kept.popitem(last=False)[1].mask.nbytes
        return stamp


def make_stamp(pen: Pen, text: str, variant: int, *, raised: bool) -> Stamp:
    """Draws a text, deformed by a linear map about its place on the baseline: turned, leaning, larger, narrower."""
    # Measuring the ink first would shape the text twice; the room is more than any flourish takes.
    advance, size = pen.font.getlength(text), round(pen.font.size)
    origin = np.array([size, 2 * size])
    image = Image.new("L", (round(advance) + 3 * size, 7 * size // 2))
    ImageDraw.Draw(image).text((size, 2 * size), text, fill=255, font=pen.font, anchor="ls")
    linear = _deformation(text, variant) / (RAISED_SIZE if raised else 1)
    if variant or raised:
        coefficients = np.column_stack([linear, origin - linear @ origin])
        image = image.transform(image.size, Image.Transform.AFFINE, coefficients.ravel().tolist(), _SMOOTH)
    box = image.getbbox() or (0, 0, 0, 0)
    left, top = box[0] - size, box[1] - 2 * size
    return Stamp(np.asarray(image.crop(box)), left, top, float(advance / linear[0, 0]))


def _deformation(text: str, variant: int) -> NDArray[np.float64]:
    """(2, 2) from the deformed text back to the font's."""
    if not variant:
        return np.eye(2)
    strength = variant / (NUM_VARIANTS - 1)
    wide, high, lean, turn = generator_for("stamp", text, variant).normal(0, strength, 4)
    return np.array([[1 + 0.08 * wide, 0.09 * lean + 0.08 * turn], [-0.08 * turn, 1 + 0.08 * high]])

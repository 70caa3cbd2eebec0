"""Simple synthetic lines: text of a corpus, written with handwriting fonts on paper that is not quite clean.

After Algorithm 2 of HTR-JAND (SDG: a text, a font, a rendering). The paper does not say how it renders;
everything about pen, ink and paper here is our addition. Fonts are scaled by x-height, because at one font
size the letters of one are four times as high as those of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from amanuensis.data.corpus import Corpus, sample_text
from amanuensis.errors import DataError
from amanuensis.randomness import generator_for

X_HEIGHT = 18
"""Pixels of x-height at which every font is drawn; the affine map that slants a line gives it its size."""

_SMOOTH = Image.Resampling.BILINEAR
_ATTEMPTS = 20  # texts that are tried before we say that no font can write the corpus
_NO_CHARACTER = "\ufffe"  # a code point that no font has: what it draws is the sign for "missing"


class SyntheticLines:
    """Lines of handwriting fonts, each a function of (seed, epoch, index) and nothing else.

    Args:
        corpora: language ("en", "fr", ...) -> text file, plain or gzip, one sentence a row; drawn evenly.
        fonts: font files (TrueType or OpenType), drawn evenly.
        seed: of all randomness.
        height: of the images, in pixels.

    Raises:
        DataError: there is no corpus or no font. The files themselves are opened by the first `sample`.
    """

    def __init__(
        self, corpora: Mapping[str, Path], fonts: Sequence[Path], seed: int, height: int = 64
    ) -> None:
        if not corpora or not fonts:
            raise DataError("synthetic lines need at least one corpus and one font")
        self._paths = dict(sorted(corpora.items()))
        # By name, so that neither the order nor the place of the files changes what is drawn.
        self._fonts = sorted(fonts, key=lambda path: (path.name, path))
        self._seed = seed
        self._height = height
        self._corpora: dict[str, Corpus] = {}
        self._pens: dict[Path, Pen] = {}

    def sample(self, epoch: int, index: int) -> tuple[NDArray[np.uint8], str]:
        """The line `index` of an epoch: a grey image uint8 (height, W), dark on light, and its text.

        Raises:
            DataError: a file cannot be read, or no font has the characters of the corpus.
        """
        rng = generator_for("synthetic", self._seed, epoch, index)
        text, pen = self._text_and_pen(rng)
        return write_line(text, pen, self._height, rng), text

    def text(self, epoch: int, index: int) -> str:
        """The text of that line alone, without drawing it (to guess its width).

        Raises:
            DataError: as `sample`.
        """
        return self._text_and_pen(generator_for("synthetic", self._seed, epoch, index))[0]

    def _text_and_pen(self, rng: np.random.Generator) -> tuple[str, Pen]:
        """A text and a font that has all of its characters."""
        for _ in range(_ATTEMPTS):
            language = list(self._paths)[int(rng.integers(len(self._paths)))]
            text = sample_text(self._corpus(language), language, rng)
            for position in rng.permutation(len(self._fonts)):
                pen = self._pen(self._fonts[position])
                if not pen.lacking(text):
                    return text, pen
        raise DataError(f"no font has all the characters of {text!r} (corpus {self._paths[language]})")

    def _corpus(self, language: str) -> Corpus:
        if language not in self._corpora:
            self._corpora[language] = Corpus.read(self._paths[language])
        return self._corpora[language]

    def _pen(self, path: Path) -> Pen:
        if path not in self._pens:
            self._pens[path] = Pen.load(path)
        return self._pens[path]


@dataclass(frozen=True)
class Pen:
    """A font at the size where its x-height is `X_HEIGHT` pixels.

    Attributes:
        font: the font at that size.
        joins: whether its letters touch; then they cannot be spaced out.
        missing: what the font draws for a character that it lacks.
    """

    font: ImageFont.FreeTypeFont
    joins: bool
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
        columns = np.asarray(_drawn(font, "nuimn")).max(axis=0) > 64
        gaps = np.count_nonzero(np.diff(np.trim_zeros(columns.astype(np.int8))) < 0)
        return cls(font, joins=bool(gaps == 0), missing=_drawn(font, _NO_CHARACTER).tobytes())

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


def _drawn(font: ImageFont.FreeTypeFont, text: str) -> Image.Image:
    """A text in white on black with room around it."""
    size = round(font.size)
    image = Image.new("L", (round(font.getlength(text)) + 2 * size, 4 * size))
    ImageDraw.Draw(image).text((size, 2 * size), text, fill=255, font=font, anchor="ls")
    return image


def write_line(text: str, pen: Pen, height: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Writes a text with a pen on paper: uint8 (height, W), dark on light."""
    strokes, ascent = _strokes(text, pen, rng)
    ink, baseline = _place(strokes, ascent, height, rng)
    coverage = _press(ink, rng)
    height, width = coverage.shape
    paper = _paper((height, width), baseline, rng)
    darkness = np.float32(rng.uniform(0.5, 1.0)) * _clouds((1, width), rng.uniform(0, 0.15), rng)
    image: NDArray[np.float32] = paper * (1 - coverage * np.clip(darkness, 0.4, 0.97))
    return np.clip(image, 0, 255).astype(np.uint8)


def _strokes(text: str, pen: Pen, rng: np.random.Generator) -> tuple[Image.Image, int]:
    """The text white on black, cut to its ink, and the rows of it that stand above the baseline.

    Words are drawn one by one, each a little off the baseline, with spaces of their own; letters that do not
    join are sometimes spaced too.
    """
    font = pen.font
    # Calligraphic fonts set words closer than a hand does, so a space has a least width.
    space = max(pen.advance(" "), 0.6 * X_HEIGHT) * rng.uniform(0.8, 2.2)
    spacing = rng.normal(0.5, 1.5) if not pen.joins and rng.random() < 0.4 else 0.0
    jitter = rng.uniform(0, 0.08) * X_HEIGHT
    room = round(3 * font.size)
    width = round(font.getlength(text) * 1.2 + len(text) * (abs(spacing) + 2 * space / 3)) + 2 * room
    image = Image.new("L", (width, 2 * room))
    draw = ImageDraw.Draw(image)
    x = float(room)
    for word in text.split(" "):
        y = room + rng.normal(0, jitter)
        # Letter by letter only when they are spaced: kerning and ligatures are the font's when they are not.
        for part in word if spacing else (word,):
            draw.text((x, y), part, fill=255, font=font, anchor="ls")
            x += pen.advance(part) + spacing
        x += space * rng.uniform(0.8, 1.3)
    left, top, right, bottom = image.getbbox() or (room, room - X_HEIGHT, room + X_HEIGHT, room)
    # A text of low letters alone must not be blown up: every line keeps room for its x-height.
    top, bottom = min(top, room - X_HEIGHT), max(bottom, room)
    return image.crop((left, top, right, bottom)), room - top


def _place(
    strokes: Image.Image, ascent: int, height: int, rng: np.random.Generator
) -> tuple[Image.Image, float]:
    """Scales, slants and tilts the strokes into `height` rows; with them where the baseline starts."""
    drift = rng.normal(0, 0.025) * height
    wanted = rng.uniform(0.18, 0.44) * height / X_HEIGHT
    scale = min(wanted, (height - 4 - abs(drift)) / strokes.height)
    across = scale * rng.uniform(0.8, 1.3)
    slant = rng.normal(0.03, 0.14)
    lean = abs(slant) * scale * strokes.height
    margins = rng.uniform(2, 0.4 * height, size=2)
    width = max(8, round(across * strokes.width + lean + margins.sum()))
    slope = drift / width
    free = height - scale * strokes.height - abs(drift)
    baseline = scale * ascent + max(0.0, -drift) + rng.uniform(0.1, 0.9) * free
    left = (
        margins[0] + max(0.0, slant) * scale * (strokes.height - ascent) + max(0.0, -slant) * scale * ascent
    )
    # Seen from the output: (X, Y) -> v above or below the baseline, u along it, both in pixels of `strokes`.
    v = np.array([-slope, 1, slope * left - baseline]) / scale
    u = (np.array([1, 0, -left]) + slant * scale * v) / across
    coefficients = (*u, *(v + np.array([0, 0, ascent])))
    return strokes.transform((width, height), Image.Transform.AFFINE, coefficients, _SMOOTH), float(baseline)


def _press(ink: Image.Image, rng: np.random.Generator) -> NDArray[np.float32]:
    """The ink's coverage in [0, 1] by a broader or finer pen and a softer or sharper scan: (height, W)."""
    thin = np.asarray(ink)
    weight = rng.uniform(-0.6, 0.6)
    if weight > 0:
        broad = _over_neighbours(np.maximum, thin)
    else:
        broad, thin, weight = thin, _over_neighbours(np.minimum, thin), 1 + weight
    coverage: NDArray[np.float32] = (thin + np.float32(weight) * (broad - thin.astype(np.float32))) / 255
    side = np.float32(rng.uniform(0, 0.25))
    coverage[:, 1:-1] = (1 - 2 * side) * coverage[:, 1:-1] + side * (coverage[:, :-2] + coverage[:, 2:])
    coverage[1:-1] = (1 - 2 * side) * coverage[1:-1] + side * (coverage[:-2] + coverage[2:])
    return coverage


def _over_neighbours(extreme: np.ufunc, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The extreme of every pixel and its four neighbours (Pillow's rank filters take 20 times as long)."""
    result = image.copy()
    for ours, theirs in ((np.s_[1:], np.s_[:-1]), (np.s_[:-1], np.s_[1:])):
        extreme(result[ours], image[theirs], out=result[ours])
        extreme(result[:, ours], image[:, theirs], out=result[:, ours])
    return result


def _paper(shape: tuple[int, int], baseline: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Paper of one tone with clouds, grain and, now and then, a ruled line near the baseline: (height, W)."""
    tone = rng.uniform(165, 255)
    paper = np.float32(tone) * _clouds(shape, rng.uniform(0, 0.03), rng)
    if rng.random() < 0.15:
        row = round(baseline + rng.normal(1, 0.05 * shape[0]))
        if 0 <= row < shape[0]:
            paper[row : row + int(rng.integers(1, 3))] *= rng.uniform(0.55, 0.9)
    grain = np.frombuffer(rng.bytes(shape[0] * shape[1]), dtype=np.int8).reshape(shape)
    return paper + np.float32(rng.uniform(0, 8) / 128) * grain


def _clouds(shape: tuple[int, int], strength: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth random factors about 1 that change every 40 pixels along and across: (height, width)."""
    curves = []
    for size in shape:
        knots = rng.normal(0, strength, size // 40 + 2)
        curves.append(np.interp(np.arange(size) / 40, np.arange(len(knots)), knots).astype(np.float32))
    return 1 + curves[0][:, None] + curves[1]

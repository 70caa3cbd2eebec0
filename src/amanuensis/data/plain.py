"""The style `plain`: a text, a font, one affine map, paper that is not quite clean. The fastest, and the first we had.

After Algorithm 2 of HTR-JAND (SDG: a text, a font, a rendering). The paper does not say how it renders;
everything about pen, ink and paper here is our addition.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from amanuensis.data.pens import X_HEIGHT, Pen

_SMOOTH = Image.Resampling.BILINEAR


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

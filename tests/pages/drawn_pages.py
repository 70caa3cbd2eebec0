"""Pages of drawn words, of which it is known where their lines stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

PAPER, INK = 225, 40
WORDS = ("the quick brown fox jumps over a lazy dog and runs along the river until night falls").split()  # noqa: SIM905


@dataclass(frozen=True)
class Written:
    """Where a line was written: left, top, right, bottom of its ink, and y of its baseline."""

    box: tuple[int, int, int, int]
    baseline: int


class DrawnPage:
    def __init__(self, width: int = 1000, height: int = 1400, *, paper: int = PAPER) -> None:
        self.image = Image.new("L", (width, height), paper)
        self.lines: list[Written] = []

    def write(self, text: str, x: int, baseline: int, *, size: int = 34, ink: int = INK) -> None:
        font = ImageFont.load_default(size)
        draw = ImageDraw.Draw(self.image)
        left, top, right, bottom = (
            round(side) for side in draw.textbbox((x, baseline), text, font=font, anchor="ls")
        )
        draw.text((x, baseline), text, fill=ink, font=font, anchor="ls")
        self.lines.append(Written((left, top, right, bottom), baseline))

    def column(self, x: int, width: int, rows: range, *, size: int = 34, first: int = 0) -> None:
        """Lines of words that fill a width, one at every baseline of `rows`."""
        font = ImageFont.load_default(size)
        word = first
        for baseline in rows:
            text = WORDS[word % len(WORDS)]
            while font.getlength(longer := f"{text} {WORDS[(word + 1) % len(WORDS)]}") <= width:
                text, word = longer, word + 1
            word += 1
            self.write(text, x, baseline, size=size)

    @property
    def grey(self) -> NDArray[np.uint8]:
        return np.array(self.image)


def overlap(polygon: tuple[tuple[int, int], ...], box: tuple[int, int, int, int]) -> float:
    """Intersection over union of a polygon and a box, by counting pixels."""
    xs, ys = zip(*polygon, strict=True)
    if min(xs) > box[2] or max(xs) < box[0] or min(ys) > box[3] or max(ys) < box[1]:
        return 0.0
    size = (max(*xs, box[2]) + 1, max(*ys, box[3]) + 1)
    one, other = Image.new("1", size), Image.new("1", size)
    ImageDraw.Draw(one).polygon(polygon, fill=1)
    ImageDraw.Draw(other).rectangle(box, fill=1)
    first, second = np.asarray(one), np.asarray(other)
    return float((first & second).sum() / (first | second).sum())

"""A picture of what was found on a page: outlines, baselines, numbers in reading order, regions (our addition)."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from amanuensis.records import Page, Points, TextLine

_LONG_SIDE = 1600
_PAPER = 0.35  # of the picture's contrast is kept, so that lines stand out
_REGION = (90, 90, 90)
_COURSE = (200, 30, 120)
_ORDER = (0, 0, 0)
_LINES = ((0, 92, 185), (196, 78, 0), (0, 128, 72))  # told apart by color-blind readers too
_FORMULA = (130, 0, 160)


def draw_overlay(page: Page, grey: NDArray[np.uint8]) -> Image.Image:
    """The page with its regions, its lines and their order.

    Args:
        page: whose coordinates fit `grey`.
        grey: (H, W), its picture.
    """
    scale = min(1.0, _LONG_SIDE / max(grey.shape))
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    pale = 255 - (255 - np.asarray(Image.fromarray(grey).resize((width, height)), np.float32)) * _PAPER
    picture = Image.fromarray(pale.astype(np.uint8)).convert("RGB")
    draw = ImageDraw.Draw(picture)
    for region in page.regions:
        if len(region.polygon) > 1:
            draw.polygon(_scaled(region.polygon, scale), outline=_REGION)
    _draw_order(draw, page, scale)
    for number, line in enumerate(page.lines):
        _draw_line(draw, line, scale, number)
    return picture


def overlay_png(page: Page, grey: NDArray[np.uint8]) -> bytes:
    """`draw_overlay` as a PNG file's content."""
    buffer = io.BytesIO()
    draw_overlay(page, grey).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _draw_line(draw: ImageDraw.ImageDraw, line: TextLine, scale: float, number: int) -> None:
    color = _FORMULA if line.is_formula else _LINES[number % len(_LINES)]
    if len(line.polygon) > 1:
        draw.polygon(_scaled(line.polygon, scale), outline=color, width=2)
    if len(line.baseline) > 1:
        draw.line(_scaled(line.baseline, scale), fill=_COURSE, width=2)
    if start := _start(line):
        [place] = _scaled((start,), scale)
        font = ImageFont.load_default(size=16)
        box = draw.textbbox(place, str(number + 1), font=font, anchor="rm")
        draw.rectangle((box[0] - 3, box[1] - 2, box[2] + 3, box[3] + 2), fill=color)
        draw.text(place, str(number + 1), fill="white", font=font, anchor="rm")


def _draw_order(draw: ImageDraw.ImageDraw, page: Page, scale: float) -> None:
    """A thin path from the beginning of every line to that of the next."""
    starts = [start for line in page.lines if (start := _start(line))]
    if len(starts) > 1:
        draw.line(_scaled(tuple(starts), scale), fill=_ORDER, width=1)


def _start(line: TextLine) -> tuple[int, int] | None:
    """Where a line begins."""
    points: Points = line.baseline or line.polygon
    return min(points) if points else None


def _scaled(points: Points, scale: float) -> list[tuple[float, float]]:
    return [((x + 0.5) * scale, (y + 0.5) * scale) for x, y in points]

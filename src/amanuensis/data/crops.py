"""Crops and scans: what a line loses between its page and the file: outlines, light, sharpness, JPEG.

Line images of public data sets are cut along an outline and the rest is filled with the page's grey, or they are
plain rectangles; most were kept as JPEG. Our addition to HTR-JAND's Algorithm 2.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from amanuensis.data.handwriting import Range
from amanuensis.data.inking import soften
from amanuensis.data.placing import PlacedLine
from amanuensis.data.textures import Grey


@dataclass(frozen=True, slots=True)
class ScanStyle:
    """How lines are cut out and scanned; ranges are drawn from once a line, single numbers are shares of lines.

    Attributes:
        outlined: cut along an outline and filled with the paper's grey beyond it.
        outline_room: paper kept above and below the ink, in x-heights.
        blur: of the scan; 0.3 is about a pixel; below 0 it was sharpened.
        jpeg: kept as JPEG ...
        quality: ... of this quality.
        bleached: the paper was made white, as a scanner's text mode does.
    """

    outlined: float = 0.5
    outline_room: Range = (0.15, 0.6)
    blur: Range = (-0.15, 0.15)
    jpeg: float = 0.7
    quality: Range = (45, 85)
    bleached: float = 0.0


def scan(page: Grey, line: PlacedLine, style: ScanStyle, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Cuts a line out of its page and scans it: (H, W) uint8."""
    page = soften(page, float(rng.uniform(*style.blur)))
    bleached, outlined, jpeg = rng.random(3).tolist()
    if bleached < style.bleached:
        page = _bleach(page, rng)
    if outlined < style.outlined:
        _cut_along_outline(page, line, style, rng)
    image = np.clip(page, 0, 255).astype(np.uint8)
    return _through_jpeg(image, round(rng.uniform(*style.quality))) if jpeg < style.jpeg else image


def _bleach(page: Grey, rng: np.random.Generator) -> Grey:
    """Paper to white, the darkest to black or not far from it."""
    paper = np.float32(np.median(page[::4, ::8])) - np.float32(rng.uniform(5, 25))
    return page * np.float32(255 / max(1.0, float(paper)))


def _cut_along_outline(page: Grey, line: PlacedLine, style: ScanStyle, rng: np.random.Generator) -> None:
    """Fills what is beyond an angular outline about the ink with the paper's grey."""
    height, width = page.shape
    fill = np.float32(np.median(page[::4, ::8]))
    room = rng.uniform(*style.outline_room, (2, len(line.columns))) * line.x_height
    x = np.arange(width)
    upper = np.interp(x, line.columns, line.upper - room[0]).astype(np.float32)
    lower = np.interp(x, line.columns, line.lower + room[1]).astype(np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    page[(rows < upper) | (rows > lower)] = fill


def _through_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The image as it comes back from a JPEG file."""
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, "JPEG", quality=quality)
    return np.asarray(Image.open(encoded))

"""Pictures drawn for the tests: dark strokes on light, grainy paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw


def written_line(height: int = 64, width: int = 500, *, seed: int = 0) -> NDArray[np.uint8]:
    """(height, width): one row of looping strokes with a margin on either side."""
    return written_page(1, height, width, seed=seed)


def written_page(rows: int, row_height: int, width: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """(rows * row_height, width): rows of looping strokes."""
    rng = np.random.default_rng(seed)
    paper = rng.integers(210, 240, (rows * row_height, width), dtype=np.uint8)
    image = Image.fromarray(paper)
    pen = ImageDraw.Draw(image)
    for row in range(rows):
        middle = (row + 0.5) * row_height
        x = 0.03 * width
        while x < 0.95 * width:
            size = row_height * rng.uniform(0.1, 0.22)
            box = (x, middle - size, min(x + size, 0.97 * width), middle + size)
            pen.arc(box, rng.uniform(0, 180), rng.uniform(200, 400), fill=40, width=max(1, row_height // 24))
            x += size * rng.uniform(0.8, 1.6)
    return np.asarray(image).copy()

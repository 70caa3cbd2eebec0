"""Which is the ink: dark writing on light paper is the rule; the other way round is turned (our addition)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Ink covers less of a picture than paper does, so the median grey is paper, and lies nearer to the
# paper's end of the range. On 19,000 real lines the asymmetry below was at most 0.05 (torn scraps on white),
# and under -0.1 but for ten. It is exactly antisymmetric, so a picture that was turned is never turned back.
_TAIL = 0.01
_LEAST_ASYMMETRY = 0.1

FAINTEST = 30
"""Grey levels between paper and ink below which there is no writing: the faintest real lines have 34."""


def ranked(grey: NDArray[np.uint8], ranks: list[int]) -> list[int]:
    """The grey levels at the given places among all pixels, sorted from dark to light.

    Args:
        grey: (H, W).
        ranks: each from 0 to H * W - 1.
    """
    # Pillow counts levels several times faster than NumPy does.
    counts = Image.fromarray(np.ascontiguousarray(grey)).histogram()
    return [int(level) for level in np.searchsorted(np.cumsum(counts), ranks, side="right")]


def is_light_on_dark(grey: NDArray[np.uint8]) -> bool:
    """Whether the writing is lighter than its ground (chalk on slate, a negative, a dark-mode screenshot).

    Args:
        grey: (H, W).
    """
    last = grey.size - 1
    tail, half = int(_TAIL * last), last // 2
    low, below, above, high = ranked(grey, [tail, half, last - half, last - tail])
    spread = high - low
    asymmetry = (low + high) - (below + above)
    return spread >= FAINTEST and asymmetry > 2 * _LEAST_ASYMMETRY * spread


def dark_on_light(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with dark writing: itself, or inverted if it `is_light_on_dark`.

    Args:
        grey: (H, W).
    """
    return 255 - grey if is_light_on_dark(grey) else grey

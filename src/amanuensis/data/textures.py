"""Textures of paper and ink: three sheets of noise, drawn once, of which every line takes a piece.

Drawing smooth noise anew for every line would cost more than all the rest of it. The sheets depend on nothing,
so a line stays a function of its own randomness, which says what piece it takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amanuensis.randomness import generator_for

Grey = NDArray[np.float32]

_ROWS, _COLUMNS = 128, 2048


@dataclass(frozen=True, eq=False)
class Textures:
    """Noise that repeats itself at its edges, about 0 with a standard deviation of 1, kept as int8 (32 is 1).

    Attributes:
        grain: changes from pixel to pixel, as a sensor's noise and paper's fibres do.
        mottle: changes every five pixels.
        clouds: changes every forty pixels.
    """

    grain: NDArray[np.int8]
    mottle: NDArray[np.int8]
    clouds: NDArray[np.int8]

    @classmethod
    def drawn(cls) -> Textures:
        """The sheets, always the same."""
        return cls(*(_smooth_noise(name, size) for name, size in (("a", 0.7), ("b", 2.5), ("c", 20.0))))

    def piece(self, sheet: NDArray[np.int8], shape: tuple[int, int], rng: np.random.Generator) -> Grey:
        """A piece of one of the sheets from a random place, now and then turned over: (H, W)."""
        top, left, turned = rng.random(3).tolist()
        first_row, first_column = int(top * _ROWS), int(left * _COLUMNS)
        if first_row + shape[0] > _ROWS or first_column + shape[1] > _COLUMNS:
            rows = np.arange(first_row, first_row + shape[0]) % _ROWS
            columns = np.arange(first_column, first_column + shape[1]) % _COLUMNS
            found = sheet[rows][:, columns]
        else:
            found = sheet[first_row : first_row + shape[0], first_column : first_column + shape[1]]
        if turned < 0.5:
            found = found[::-1]
        return found * np.float32(1 / 32)


def _smooth_noise(name: str, sigma: float) -> NDArray[np.int8]:
    """Normal noise blurred by a Gaussian of `sigma` pixels, periodic."""
    noise = generator_for("texture", name).normal(size=(_ROWS, _COLUMNS))
    squares = np.fft.fftfreq(_ROWS)[:, None] ** 2 + np.fft.rfftfreq(_COLUMNS) ** 2
    spectrum = np.fft.rfft2(noise) * np.exp(-2 * (np.pi * sigma) ** 2 * squares)
    smooth = np.fft.irfft2(spectrum, s=noise.shape)
    levels = np.clip(32 * (smooth - smooth.mean()) / smooth.std(), -127, 127)
    return np.asarray(levels, np.int8)

"""Attention that is shown where to look: a term that falls as attention comes to lie on the symbol being written.

Our addition, as in Liu et al. 2016 (supervised attention for translation): CROHME says which strokes make which symbol.
Left alone, the attention of a small network finds the symbols only after thousands of updates (docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_LEAST = 1e-4  # mass that counts as none, so that the logarithm stays finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """-log of the attention's mass within the symbol's box, half a cell about it included.

    Attributes:
        weight: per token at the beginning, falling linearly ...
        until: ... to 0 when this share of all steps is done.
        stride: pixels of the picture per cell of the attention.
        mean_steps: what the sum over a caption's tokens is divided by, as a `Profile` does; None: its own number.
    """

    weight: float
    until: float
    stride: int
    mean_steps: float | None

    def factor(self, done: float) -> float:
        """The weight when the share `done` of all steps is done."""
        return self.weight * max(0.0, 1 - done / self.until)

    def __call__(
        self, attention: Sequence[Tensor], places: Sequence[NDArray[np.float32] | None]
    ) -> tuple[Tensor, float]:
        """The unweighted term, summed over branches and samples, and the mean mass on its symbol per token.

        Args:
            attention: (B, L, H', W') of each branch, sums to 1.
            places: (l, 4) boxes of each sample's tokens in pixels, NaN for a token without a place; None: unknown.
        """
        allowed, placed = self.cells(attention[0].shape, places)
        allowed, placed = allowed.to(attention[0].device), placed.to(attention[0].device)
        divisor = placed.sum(1).clamp(min=1) if self.mean_steps is None else self.mean_steps
        total, mass_sum = attention[0].new_zeros(()), 0.0
        for branch in attention:
            mass = (branch * allowed).sum((2, 3))
            losses = -mass.clamp(min=_LEAST).log().masked_fill(~placed, 0.0)
            total = total + (losses.sum(1) / divisor).sum()
            mass_sum += float(mass.detach()[placed].mean()) if placed.any() else 0.0
        return total, mass_sum / len(attention)

    def cells(
        self, shape: Sequence[int], places: Sequence[NDArray[np.float32] | None]
    ) -> tuple[Tensor, Tensor]:
        """(B, L, H', W') bool, the cells that touch the symbol; (B, L) bool, the tokens that have a place."""
        batch, steps, height, width = shape
        boxes = np.full((batch, steps, 4), np.nan, dtype=np.float32)
        for row, known in enumerate(places):
            if known is not None:
                boxes[row, : len(known)] = known
        tensor = torch.from_numpy(boxes / self.stride)[..., None]
        middles = [torch.arange(length) + 0.5 for length in (width, height)]
        across = (tensor[..., 0, :] - 1 < middles[0]) & (middles[0] < tensor[..., 2, :] + 1)
        down = (tensor[..., 1, :] - 1 < middles[1]) & (middles[1] < tensor[..., 3, :] + 1)
        allowed = down[..., :, None] & across[..., None, :]
        return allowed, allowed.flatten(2).any(2)

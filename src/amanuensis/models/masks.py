"""Pictures of different sizes in one batch: where each is valid, and batch normalization that leaves the rest out.

Our addition, as for text lines (`models.layers`): **padding is inert**. Every normalization of an encoder leaves
out what lies beyond a picture and zeroes it, so a formula's features never depend on the batch it was padded with.
Conventions: B batch, C channels, H x W map; sizes (B, 2) are valid (height, width), counted from the top left.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def valid_area(sizes: Tensor, height: int, width: int) -> Tensor:
    """A mask (B, 1, height, width) bool, True for the first sizes[b, 0] rows and sizes[b, 1] columns."""
    rows = torch.arange(height, device=sizes.device)[None, :] < sizes[:, :1]
    columns = torch.arange(width, device=sizes.device)[None, :] < sizes[:, 1:]
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def reduced(sizes: Tensor, stride: int) -> Tensor:
    """Valid sizes (B, 2) after a layer of that stride that keeps partial cells: ceil(size / stride)."""
    return (sizes + stride - 1) // stride


class MaskedBatchNorm(nn.BatchNorm2d):
    """Batch normalization of the cells inside the pictures alone; the rest becomes zero.

    While training, the valid cells are gathered, normalized by torch as one long list and put back. With the
    map in channels_last memory this takes a third to a half of the time of masked sums (in bfloat16 a quarter),
    and torch keeps the statistics in float32 whatever the type of the map.
    """

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
        """Normalize.

        Args:
            x: (B, C, H, W), of any value where padded: nothing need mask it before.
            mask: (B, 1, H, W), bool or float, True (1) where valid.

        Returns:
            (B, C, H, W) in x's type, zero where padded: a ReLU may follow, and then a convolution.
        """
        cells = mask.flatten().nonzero().flatten() if self.training else None
        if cells is None or len(cells) == 1:  # a single cell has no variance
            y = F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
            return y * mask.to(y.dtype)
        batch, channels, height, width = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(-1, channels)
        normalized = self._normalized(rows.index_select(0, cells))
        rows = normalized.new_zeros(rows.shape).index_copy(0, cells, normalized)
        return rows.view(batch, height, width, channels).permute(0, 3, 1, 2)

    def _normalized(self, cells: Tensor) -> Tensor:
        """(N, C) by its own mean and variance, which the running statistics follow."""
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        return F.batch_norm(
            cells,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=True,
            momentum=self.momentum or 0.0,
            eps=self.eps,
        )


def whole_sizes(images: Tensor) -> Tensor:
    """Sizes (B, 2) of pictures (B, 1, H, W) without padding; counted, so that a trace does not freeze them."""
    whole = torch.ones_like(images[:, 0], dtype=torch.int64)
    return torch.stack([whole[:, :, 0].sum(1), whole[:, 0].sum(1)], dim=1)

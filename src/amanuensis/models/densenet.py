"""CATNet's encoder: a DenseNet of bottleneck layers whose maps no padding can reach.

Source: CATNet, section 3.1, "similar to Zhang 2018" (DenseWAP); its inside is our reading (spec M1): stem 7x7 with
stride 2, batch norm, ReLU, 2x2 max-pooling; dense blocks of bottleneck layers (1x1 to 4g channels, 3x3 to g);
between blocks a 1x1 convolution to half the channels and 2x2 average pooling. Convolution, batch norm, ReLU, in
that order, and no bias. With growth 24 and three blocks of 16: 48 -> 432 -> 216 -> 600 -> 300 -> 684 channels.

Every reduction keeps partial cells (ceil mode), so a side of n pixels becomes ceil(n / stride) cells.

Our addition: between the 3x3 convolutions, a padded batch is a list of the cells inside its pictures, (N, C). There
1x1 convolutions are matrix products, no statistic sees padding, nothing is spent on it, and zeros come back where a
list is laid out as a map. With `_dropout` this takes a fifth off a training step with masked maps (catnet-small, batch
8, one CPU thread). A picture alone stays a map throughout, which exports to plain convolutions.

Conventions: B batch, C channels, H x W the map, N the cells of a batch that lie inside its pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from amanuensis.models.masks import reduced, valid_area


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseNetConfig:
    """The shape of one encoder.

    Attributes:
        growth: channels that each layer adds; the stem has twice as many.
        blocks: layers of each dense block.
        stem_stride: 2, or 1 for pictures at half scale.
        dropout: after every convolution of a dense layer or transition, while training.
    """

    growth: int = 24
    blocks: tuple[int, ...] = (16, 16, 16)
    stem_stride: int = 2
    dropout: float = 0.2

    @property
    def stride(self) -> int:
        """Pixels per cell of the output map, along either axis."""
        return int(self.stem_stride * 2 ** len(self.blocks))

    @property
    def width(self) -> int:
        """Channels D of the output map."""
        channels = 2 * self.growth
        for index, layers in enumerate(self.blocks):
            channels = (channels // 2 if index > 0 else channels) + layers * self.growth
        return channels


class Area:
    """The cells of a batch of maps that lie inside the pictures, and the two ways between map and list."""

    def __init__(self, sizes: Tensor, height: int, width: int) -> None:
        self.sizes = sizes
        self.shape = (len(sizes), height, width)
        self.mask = valid_area(sizes, height, width)
        self._cells = self.mask.flatten().nonzero().flatten()
        self._padded = len(self._cells) < self.mask.numel()

    def smaller(self, stride: int) -> Area:
        """The area after a reduction by `stride` that keeps partial cells."""
        return Area(reduced(self.sizes, stride), *(-(-side // stride) for side in self.shape[1:]))

    def cells(self, x: Tensor) -> Tensor:
        """A map (B, C, H, W) -> its valid cells (N, C)."""
        rows = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
        return rows.index_select(0, self._cells) if self._padded else rows

    def map(self, rows: Tensor) -> Tensor:
        """Valid cells (N, C) -> a map (B, C, H, W) in channels_last memory, zero elsewhere."""
        if self._padded:
            rows = rows.new_zeros(self.mask.numel(), rows.shape[1]).index_copy(0, self._cells, rows)
        return rows.view(*self.shape, rows.shape[1]).permute(0, 3, 1, 2)


class DenseNet(nn.Module):
    """Pictures in, a feature map out. `width` is its number of channels D, `stride` the pixels per cell."""

    def __init__(self, config: DenseNetConfig) -> None:
        super().__init__()
        self.width = config.width
        self.stride = config.stride
        channels = 2 * config.growth
        self.stem = _Convolution(1, channels, size=7, stride=config.stem_stride)
        self.blocks = nn.ModuleList()
        self.transitions = nn.ModuleList()
        for index, layers in enumerate(config.blocks):
            if index > 0:
                self.transitions.append(_Transition(channels, config.dropout))
                channels //= 2
            self.blocks.append(_DenseBlock(channels, layers, config))
            channels += layers * config.growth

    def forward(self, images: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Encode a batch.

        Args:
            images: (B, 1, H, W) in [0, 1]; what lies beyond a picture's size is ignored.
            sizes: (B, 2) int64, valid (height, width) in pixels, at least 1; None where nothing is padded.

        Returns:
            Features (B, D, H', W'), zero beyond each picture, and its valid sizes (B, 2); H' = ceil(H / stride).
        """
        if sizes is None:
            x = self._whole(images)
            return x, torch.tensor(x.shape[2:], device=x.device).expand(x.shape[0], 2)
        return self._padded(images, Area(sizes, images.shape[2], images.shape[3]))

    def _whole(self, x: Tensor) -> Tensor:
        """Pictures without padding, as maps throughout."""
        x = F.max_pool2d(self.stem(x), 2, ceil_mode=True)
        for index, block in enumerate(self.blocks):
            if index > 0:
                x = F.avg_pool2d(self.transitions[index - 1](x), 2, ceil_mode=True)
            x = block(x)
        return x

    def _padded(self, x: Tensor, area: Area) -> tuple[Tensor, Tensor]:
        """Pictures with padding, as lists of cells where that will do."""
        x = x * area.mask.to(x.dtype)
        area = area.smaller(self.stem.stride)
        x = F.max_pool2d(area.map(self.stem(x, area)), 2, ceil_mode=True)  # after a ReLU zeros never win
        area = area.smaller(2)
        rows = area.cells(x)
        for index, block in enumerate(self.blocks):
            if index > 0:
                rows, area = _averaged(self.transitions[index - 1](rows), area)
            rows = block(rows, area)
        return area.map(rows), area.sizes


def _averaged(rows: Tensor, area: Area) -> tuple[Tensor, Area]:
    """Cells (N, C) -> those of the map at half the size: the mean of the valid ones of 2x2 cells."""
    smaller = area.smaller(2)
    share = F.avg_pool2d(area.mask.to(rows.dtype), 2, ceil_mode=True)
    return smaller.cells(F.avg_pool2d(area.map(rows), 2, ceil_mode=True)) / smaller.cells(share), smaller


class _CellNorm(nn.BatchNorm1d):
    """Batch normalization of cells, as a list (N, C) or a map (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalized, by the running statistics where a single cell has no variance."""
        if self.training and x.numel() == x.shape[1]:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(x)

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name for it
        assert input.dim() in (2, 4)


class _Convolution(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, in_channels: int, channels: int, *, size: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(in_channels, channels, size, stride=stride, padding=size // 2, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        self.norm = _CellNorm(channels)

    def forward(self, x: Tensor, area: Area | None = None) -> Tensor:
        """A map -> a map (B, channels, ceil(H / stride), ceil(W / stride)), or -> its cells within `area`.

        A list of cells (N, C) -> (N, channels), for a 1x1 convolution.
        """
        if x.dim() == 2:
            x = F.linear(x, self.conv.weight.flatten(1))
        else:
            x = self.conv(x)
            x = x if area is None else area.cells(x)
        return F.relu(self.norm(x), inplace=True)


class _DenseBlock(nn.Module):
    """Layers that each add `growth` channels to all that came before them."""

    def __init__(self, channels: int, layers: int, config: DenseNetConfig) -> None:
        super().__init__()
        growth = config.growth
        self.layers = nn.ModuleList(
            _DenseLayer(channels + index * growth, growth, config.dropout) for index in range(layers)
        )

    def forward(self, x: Tensor, area: Area | None = None) -> Tensor:
        """Cells (N, C) of an area -> (N, C + layers x growth); or maps -> maps."""
        for layer in self.layers:
            x = torch.cat([x, layer(x, area)], dim=1)
        return x


class _DenseLayer(nn.Module):
    """A bottleneck of four times the growth, then a 3x3 convolution to the growth."""

    def __init__(self, channels: int, growth: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.squeeze = _Convolution(channels, 4 * growth, size=1)
        self.grow = _Convolution(4 * growth, growth, size=3)

    def forward(self, x: Tensor, area: Area | None) -> Tensor:
        """Cells (N, C) of an area -> (N, growth); or maps -> maps."""
        x = _dropout(self.squeeze(x), self.dropout, training=self.training)
        x = self.grow(x if area is None else area.map(x), area)
        return _dropout(x, self.dropout, training=self.training)


class _Transition(nn.Module):
    """A 1x1 convolution to half the channels; the pooling after it is the caller's."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.convolution = _Convolution(channels, channels // 2, size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Cells (N, C) -> (N, C / 2); or maps -> maps."""
        return _dropout(self.convolution(x), self.dropout, training=self.training)


def _dropout(x: Tensor, probability: float, *, training: bool) -> Tensor:
    """Dropout that draws a byte per value: torch's own is a tenth of a training step on a CPU (our addition).

    The probability is rounded to 1/256, and the values that stay are scaled by what it then is.
    """
    dropped = round(256 * probability)
    if not training or dropped == 0:
        return x
    words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device).random_(-(2**63), None)
    kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= dropped
    return x * kept * (256 / (256 - dropped))

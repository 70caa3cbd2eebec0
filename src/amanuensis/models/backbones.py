"""Other encoders for formulas: MobileNetV2, Xception, ResNet-18 and ResNet-34, for the rows of CATNet's Table 4.

Sources: Sandler et al. 2018 (MobileNetV2, table 2), Chollet 2017 (Xception, figure 5), He et al. 2016 (ResNet,
table 1). CATNet says no more than "MobileNetV2, Xception, ResNet18 and ResNet34"; *our reading* (spec C31): each is
cut where it has reduced a picture sixteenfold, its first convolution takes one channel, and a 1x1 convolution with
normalization and ReLU gives the width D that the decoder expects (684, as DenseNet's). Weights start at random
(He-normal), as everything in CATNet does.

*Our addition*: padding is inert (`models.masks`). Every layer takes a map (B, C, H, W) and the mask (B, 1, H, W) of
its valid cells, and returns both; the map is zero where the mask is False. A layer of stride 2 gives ceil(H / 2)
rows, its window centered on the even ones, so that its mask is every other cell of the mask before. Convolutions
are padded on all sides (Xception's first two are not in its paper).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from amanuensis.models.masks import MaskedBatchNorm, reduced, valid_area

STRIDE = 16  # pixels of the picture for a cell of the features, in both directions
WIDTH = 684  # D of the paper's DenseNet


class Backbone(nn.Module):
    """A trunk of masked layers, and the 1x1 convolution to `width` channels. Pictures in, features out.

    Attributes:
        width: channels D of the features.
        stride: pixels of the picture for a cell of them.
    """

    def __init__(self, layers: Sequence[nn.Module], channels: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.stride = STRIDE
        self.trunk = _Trunk(*layers)
        self.project = _ConvNorm(channels, width, 1, activation=F.relu)

    def forward(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a batch.

        Args:
            images: (B, 1, H, W); what lies beyond a picture's size is ignored.
            sizes: (B, 2) int64, the valid (height, width) of each picture.

        Returns:
            The features (B, D, ceil(H / 16), ceil(W / 16)), zero where padded, and their valid sizes (B, 2).
        """
        mask = valid_area(sizes, images.shape[2], images.shape[3])
        x, mask = self.trunk(images * mask.to(images.dtype), mask)
        x, _ = self.project(x, mask)
        return x, reduced(sizes, STRIDE)


class _Trunk(nn.Sequential):
    """Layers one after the other, each taking and returning (map, mask)."""

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        for layer in self:
            x, mask = layer(x, mask)
        return x, mask


Activation = Callable[[Tensor], Tensor]


class _ConvNorm(nn.Module):
    """A convolution without bias, masked batch normalization, and an activation that keeps zero (or none)."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int,
        *,
        stride: int = 1,
        depthwise: bool = False,
        activation: Activation | None = None,
    ) -> None:
        super().__init__()
        groups = in_channels if depthwise else 1
        self.conv = _conv(in_channels, channels, kernel, stride=stride, groups=groups)
        self.norm = MaskedBatchNorm(channels)
        self.stride = stride
        self.activation = activation

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        mask = _strided(mask, self.stride)
        x = self.norm(self.conv(x), mask)
        return (x if self.activation is None else self.activation(x)), mask


def _conv(in_channels: int, channels: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A convolution without bias that keeps the size, divided by the stride and rounded up; He-normal."""
    conv = nn.Conv2d(
        in_channels, channels, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False
    )
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return conv


def _strided(mask: Tensor, stride: int) -> Tensor:
    """The mask of a strided layer's output: its windows are centered on every `stride`-th cell."""
    return mask if stride == 1 else mask[:, :, ::stride, ::stride]


class _MaxPool(nn.Module):
    """3x3 max-pooling of stride 2 that sees valid cells alone, also where they are all negative."""

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        x = x.masked_fill(~mask, torch.finfo(x.dtype).min)
        mask = _strided(mask, 2)
        return F.max_pool2d(x, 3, stride=2, padding=1) * mask.to(x.dtype), mask


class _BasicBlock(nn.Module):
    """ResNet's block of two 3x3 convolutions; a projection where the shape changes (the paper's option B)."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.first = _ConvNorm(in_channels, channels, 3, stride=stride, activation=F.relu)
        self.second = _ConvNorm(channels, channels, 3)
        self.shortcut = (
            _ConvNorm(in_channels, channels, 1, stride=stride)
            if stride > 1 or in_channels != channels
            else None
        )

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        shortcut = x if self.shortcut is None else self.shortcut(x, mask)[0]
        x, mask = self.second(*self.first(x, mask))
        return F.relu(x + shortcut), mask


def _resnet(repeats: tuple[int, int, int], width: int) -> Backbone:
    layers: list[nn.Module] = [_ConvNorm(1, 64, 7, stride=2, activation=F.relu), _MaxPool()]
    in_channels = 64
    for channels, count in zip((64, 128, 256), repeats, strict=True):
        for index in range(count):
            stride = 2 if index == 0 and channels > 64 else 1
            layers.append(_BasicBlock(in_channels, channels, stride))
            in_channels = channels
    return Backbone(layers, in_channels, width)


def resnet18(width: int = WIDTH) -> Backbone:
    """ResNet-18 up to conv4_x: 2,952,984 parameters at D = 684."""
    return _resnet((2, 2, 2), width)


def resnet34(width: int = WIDTH) -> Backbone:
    """ResNet-34 up to conv4_x: 8,340,504 parameters at D = 684."""
    return _resnet((3, 4, 6), width)


class _InvertedResidual(nn.Module):
    """MobileNetV2's block: widen 1x1, filter each channel 3x3, narrow 1x1 without activation."""

    def __init__(self, in_channels: int, channels: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = expansion * in_channels
        steps: list[nn.Module] = []
        if expansion > 1:
            steps.append(_ConvNorm(in_channels, hidden, 1, activation=F.relu6))
        steps.append(_ConvNorm(hidden, hidden, 3, stride=stride, depthwise=True, activation=F.relu6))
        steps.append(_ConvNorm(hidden, channels, 1))
        self.steps = _Trunk(*steps)
        self.residual = stride == 1 and in_channels == channels

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        y, mask = self.steps(x, mask)
        return (x + y if self.residual else y), mask


# (expansion t, channels c, repeats n, stride s) of table 2, up to the stages at stride 16
_MOBILENET_V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1))


def mobilenet_v2(width: int = WIDTH) -> Backbone:
    """MobileNetV2 up to its stage of 96 channels: 608,984 parameters at D = 684."""
    layers: list[nn.Module] = [_ConvNorm(1, 32, 3, stride=2, activation=F.relu6)]
    in_channels = 32
    for expansion, channels, count, first_stride in _MOBILENET_V2:
        for index in range(count):
            stride = first_stride if index == 0 else 1
            layers.append(_InvertedResidual(in_channels, channels, expansion=expansion, stride=stride))
            in_channels = channels
    return Backbone(layers, in_channels, width)


class _SeparableConv(nn.Module):
    """Xception's layer: a 3x3 filter for each channel, then 1x1 across them, nothing between; normalized."""

    def __init__(self, in_channels: int, channels: int, *, relu_first: bool = True) -> None:
        super().__init__()
        self.depthwise = _conv(in_channels, in_channels, 3, groups=in_channels)
        self.pointwise = _ConvNorm(in_channels, channels, 1)
        self.relu_first = relu_first

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        x = self.depthwise(F.relu(x) if self.relu_first else x)
        y: tuple[Tensor, Tensor] = self.pointwise(x, mask)
        return y


class _EntryBlock(nn.Module):
    """A block of Xception's entry flow: two separable convolutions and a pool, beside a strided 1x1 shortcut."""

    def __init__(self, in_channels: int, channels: int, *, relu_first: bool) -> None:
        super().__init__()
        self.steps = _Trunk(
            _SeparableConv(in_channels, channels, relu_first=relu_first),
            _SeparableConv(channels, channels),
            _MaxPool(),
        )
        self.shortcut = _ConvNorm(in_channels, channels, 1, stride=2)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        shortcut, _ = self.shortcut(x, mask)
        x, mask = self.steps(x, mask)
        return x + shortcut, mask


class _MiddleBlock(nn.Module):
    """A block of Xception's middle flow: three separable convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.steps = _Trunk(*(_SeparableConv(channels, channels) for _ in range(3)))

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        y, _ = self.steps(x, mask)
        return x + y, mask


def xception(width: int = WIDTH) -> Backbone:
    """Xception's entry and middle flow: 14,517,312 parameters at D = 684."""
    entry = ((64, 128), (128, 256), (256, 728))
    return Backbone(
        [
            _ConvNorm(1, 32, 3, stride=2, activation=F.relu),
            _ConvNorm(32, 64, 3, activation=F.relu),
            *(_EntryBlock(narrow, wide, relu_first=narrow > 64) for narrow, wide in entry),
            *(_MiddleBlock(728) for _ in range(8)),
        ],
        728,
        width,
    )


BACKBONES: Mapping[str, Callable[[int], nn.Module]] = MappingProxyType(
    {"mobilenet-v2": mobilenet_v2, "xception": xception, "resnet-18": resnet18, "resnet-34": resnet34}
)

"""HTR-JAND's line recognizers: gated CNN with SE, BiLSTMs, multi-head and Proxima attention, CTC heads.

Source: HTR-JAND, section III-B. The paper's text and parameter counts do not determine the network; this is
configuration A of our specification (3.2): four BiLSTMs, each followed by a projection 2h -> h (reading 2.4), which
gives 1,503,328 and 749,596 parameters against the printed 1,504,544 and 750,654 (103 characters and the blank).

Our additions, off in the paper's two networks and on in the `-cpu` ones: a residual connection around BiLSTM 2 to 4
and a LayerNorm on the feature sequence (without them training stays on CTC's plateau for long, spec 3.6), a
space-to-depth stem, pooling before BN and ReLU, and a fourfold horizontal reduction (spec/cpu.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from amanuensis.errors import ModelError
from amanuensis.models.classifier import Classifier
from amanuensis.models.layers import (
    BiLSTM,
    CombinedAttention,
    ConvBlock,
    MultiHeadAttention,
    ProximaAttention,
    valid_columns,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HtrJandConfig:
    """The shape of one network, and a switch for every part (spec 2.29).

    Attributes:
        height: rows of the input image.
        channels: filters of each CNN block (Teacher: 5 blocks, Student: 3).
        hidden: LSTM units per direction.
        heads: attention heads of each of the two attentions.
        fourfold: reduce the width by 4 (two blocks pool columns too); False is the paper's MaxPool(2, 1).
        space_to_depth: fold 2 x 2 pixels into 4 channels in place of block 1's pooling.
        pool_first: pool before BN and ReLU.
        residual: connections around BiLSTM 2 to 4.
        feature_norm: LayerNorm on the CNN's feature sequence.
        projection: a linear layer 2h -> h after each BiLSTM.
        squeeze_excitation, gate, multi_head, proxima, auxiliary: whether that part exists.
        proxima_rounds, proxima_window: see `ProximaAttention`.
        dropout: on the input of every BiLSTM while training.
    """

    height: int
    channels: tuple[int, ...]
    hidden: int
    heads: int
    fourfold: bool = False
    space_to_depth: bool = False
    pool_first: bool = False
    residual: bool = False
    feature_norm: bool = False
    projection: bool = True
    squeeze_excitation: bool = True
    gate: bool = True
    multi_head: bool = True
    proxima: bool = True
    auxiliary: bool = True
    proxima_rounds: int = 2
    proxima_window: int | None = None
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Raises ModelError naming every value that no network can have."""
        wrong = _wrong_types(self) or _problems(self)
        if wrong:
            raise ModelError("; ".join(f"{name}: {problem}" for name, problem in wrong))

    @property
    def width(self) -> int:
        """Features of a frame between the BiLSTMs and in the attention."""
        return self.hidden if self.projection else 2 * self.hidden


_SWITCHES = (
    *("fourfold", "space_to_depth", "pool_first", "residual", "feature_norm", "projection"),
    *("squeeze_excitation", "gate", "multi_head", "proxima", "auxiliary"),
)


def _wrong_types(config: HtrJandConfig) -> list[tuple[str, str]]:
    """What is no count, no switch, no share."""
    counts = {name: getattr(config, name) for name in ("height", "hidden", "heads", "proxima_rounds")}
    switches = {name: getattr(config, name) for name in _SWITCHES}
    wrong = [(name, f"{value!r}, not 1 or more") for name, value in counts.items() if not _is_count(value)]
    wrong += [
        (name, f"{value!r}, not true or false") for name, value in switches.items() if type(value) is not bool
    ]
    channels, window, dropout = config.channels, config.proxima_window, config.dropout
    checks = [
        (
            "channels",
            isinstance(channels, tuple) and bool(channels) and all(map(_is_count, channels)),
            f"{channels!r}, not one or more counts",
        ),
        ("proxima_window", window is None or _is_count(window, least=0), f"{window!r}, not 0 or more"),
        ("dropout", isinstance(dropout, int | float) and 0 <= dropout <= 1, f"{dropout!r}, not from 0 to 1"),
    ]
    return wrong + [(name, problem) for name, fine, problem in checks if not fine]


def _is_count(value: object, *, least: int = 1) -> bool:
    return type(value) is int and value >= least


def _problems(config: HtrJandConfig) -> list[tuple[str, str]]:
    """What does not go together."""
    width, heads = config.width, config.heads
    attends = config.multi_head or config.proxima
    checks = [
        ("heads", not attends or width % heads == 0, f"{heads}, which do not divide {width} features"),
        (
            "height",
            _rows_left(config) > 0,
            f"{config.height}, of which {len(config.channels)} blocks leave no row",
        ),
    ]
    return [(name, problem) for name, fine, problem in checks if not fine]


class LineOutput(NamedTuple):
    """What a line network returns.

    Attributes:
        logits: (B, T, V) of the CTC head.
        lengths: (B,) valid frames of each line.
        auxiliary: (B, T, V) of the auxiliary CTC head, or None.
        attention: (B, heads, T, T) weights of the combined attention, or None.
    """

    logits: Tensor
    lengths: Tensor
    auxiliary: Tensor | None
    attention: Tensor | None


class HtrJand(nn.Module):
    """A line image in, CTC logits out. `stride` is the width of a frame in pixels."""

    def __init__(self, config: HtrJandConfig, num_classes: int) -> None:
        super().__init__()
        self.config = config
        self.stride = 4 if config.fourfold else 1
        self.blocks = nn.ModuleList(_conv_blocks(config))
        features = config.channels[-1] * _rows_left(config)
        self.feature_norm = nn.LayerNorm(features) if config.feature_norm else None
        self.recurrent = _RecurrentStack(features, config)
        width = self.recurrent.width
        self.attention = _attention(width, config)
        self.head = Classifier(width, num_classes)
        self.auxiliary_head = Classifier(features, num_classes) if config.auxiliary else None

    def forward(self, images: Tensor, widths: Tensor) -> LineOutput:
        """Read a batch.

        Args:
            images: (B, 1, H, W) in [-1, 1]; what lies beyond a line's width is ignored.
            widths: (B,) int64, the valid widths in pixels, at least `stride`.
        """
        features, lengths = self.features(images, widths)
        x = self.recurrent(features, lengths)
        attention = None
        if self.attention is not None:
            x, attention = self.attention(x, lengths)
        auxiliary = None if self.auxiliary_head is None else self.auxiliary_head(features)
        return LineOutput(self.head(x), lengths, auxiliary, attention)

    def features(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """The CNN's feature sequence (B, T, C x rows) and the valid frames (B,)."""
        x, widths = self._stem(images, widths)
        for block in self.blocks:
            x, widths = block(x, widths)
        sequence = x.permute(0, 3, 1, 2).flatten(2)
        return (sequence if self.feature_norm is None else self.feature_norm(sequence)), widths

    def _stem(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        if self.config.space_to_depth:
            images = images[:, :, : images.shape[2] // 2 * 2, : images.shape[3] // 2 * 2]
            images, widths = F.pixel_unshuffle(images, 2), widths // 2
        return images * valid_columns(widths, images.shape[3])[:, None, None, :].to(images.dtype), widths


class _RecurrentStack(nn.Module):
    """Four BiLSTMs, each with its projection (our reading 2.4), optionally with residual connections (ours)."""

    num_layers = 4

    def __init__(self, features: int, config: HtrJandConfig) -> None:
        super().__init__()
        hidden = config.hidden
        self.width = config.width
        sizes = [features] + [self.width] * (self.num_layers - 1)
        self.layers = nn.ModuleList(BiLSTM(size, hidden) for size in sizes)
        self.projections = nn.ModuleList(
            nn.Linear(2 * hidden, hidden) if config.projection else nn.Identity() for _ in sizes
        )
        self.residual = config.residual
        self.dropout = config.dropout

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, features) -> (B, T, width)."""
        for index, (lstm, project) in enumerate(zip(self.layers, self.projections, strict=True)):
            y = project(lstm(F.dropout(x, self.dropout, self.training), lengths))
            x = x + y if self.residual and index > 0 else y
        return x


def _conv_blocks(config: HtrJandConfig) -> list[ConvBlock]:
    blocks = []
    in_channels = 4 if config.space_to_depth else 1
    for index, channels in enumerate(config.channels):
        blocks.append(
            ConvBlock(
                in_channels,
                channels,
                _pool_of_block(index, config),
                pool_first=config.pool_first,
                squeeze_excitation=config.squeeze_excitation,
                gate=config.gate,
            )
        )
        in_channels = channels
    return blocks


def _pool_of_block(index: int, config: HtrJandConfig) -> tuple[int, int]:
    """(rows, columns): (2, 1) as in eq. 7; the first two blocks halve the columns too if `fourfold`."""
    if index == 0 and config.space_to_depth:
        return (1, 1)
    return (2, 2) if config.fourfold and index < 2 else (2, 1)


def _rows_left(config: HtrJandConfig) -> int:
    rows = config.height
    for _ in config.channels:
        rows //= 2
    return rows


def _attention(width: int, config: HtrJandConfig) -> CombinedAttention | None:
    if not (config.multi_head or config.proxima):
        return None
    multi_head = MultiHeadAttention(width, config.heads) if config.multi_head else None
    proxima = None
    if config.proxima:
        rounds, window = config.proxima_rounds, config.proxima_window
        proxima = ProximaAttention(width, config.heads, rounds=rounds, window=window)
    return CombinedAttention(width, multi_head, proxima)


def num_parameters(network: nn.Module) -> int:
    """The number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def parameter_breakdown(network: HtrJand) -> dict[str, int]:
    """Trainable parameters by part, in the order of spec 3.2; they sum to `num_parameters`."""
    parts: dict[str, nn.Module | None] = {
        f"block {i}": block for i, block in enumerate(network.blocks, start=1)
    }
    parts["feature norm"] = network.feature_norm
    stack = network.recurrent
    for i, (lstm, projection) in enumerate(zip(stack.layers, stack.projections, strict=True), start=1):
        parts[f"BiLSTM {i} and projection"] = nn.ModuleList([lstm, projection])
    if network.attention is not None:
        parts["multi-head attention"] = network.attention.multi_head
        parts["Proxima attention"] = network.attention.proxima
        parts["fusion W_f"] = network.attention.fuse
        parts["fusion LayerNorm"] = network.attention.norm
    parts["CTC head"] = network.head
    parts["auxiliary head"] = network.auxiliary_head
    return {name: num_parameters(part) for name, part in parts.items() if part is not None}


def example_input(config: HtrJandConfig, *, batch: int = 2, width: int = 160) -> tuple[Tensor, Tensor]:
    """A batch of noise of the right shape, for tracing and counting."""
    images = torch.rand(batch, 1, config.height, width) * 2 - 1
    return images, torch.arange(width, width - 8 * batch, -8)

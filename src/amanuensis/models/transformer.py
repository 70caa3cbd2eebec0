"""Transformer decoder layers that read many tokens at once or one after another, and 2-D positions of a picture.

Sources: Vaswani et al. 2017 (layers, sines and cosines; normalization after each sublayer), Zhao et al. 2021 (BTTR:
positions of a picture's cells). Conventions: B pictures, N hypotheses, L or Q tokens, T or P cells attended to,
K classes, D width, h heads. Masks are True where attention may go.

Teacher forcing and step-wise decoding are one computation: `TransformerDecoder` reads Q further tokens after those
whose keys and values its state holds. Training reads all of them after none; a search reads one after t others; a
prefix that a user has fixed is read in one piece.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from amanuensis.errors import ModelError
from amanuensis.models.classifier import Classifier


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerConfig:
    """The shape of a decoder.

    Attributes:
        width: D of tokens, cells and layers.
        heads: attention heads of every layer.
        layers: how many.
        feed_forward: units between a layer's two last matrices.
        dropout: on embeddings, attention weights and sublayers while training.
    """

    width: int = 256
    heads: int = 8
    layers: int = 3
    feed_forward: int = 1024
    dropout: float = 0.3

    def __post_init__(self) -> None:
        """Raises ModelError where the width cannot be divided as it must."""
        if self.heads < 1 or self.width % self.heads or self.width % 4:
            raise ModelError(
                f"width {self.width}: it must be a multiple of 4 (sines and cosines of rows and columns) "
                f"and of the number of heads, {self.heads}"
            )


class ImageMemory(NamedTuple):
    """What one decoder attends to in each picture, worked out once.

    Attributes:
        keys: (B, layers, h, P, D / h).
        values: (B, layers, h, P, D / h).
        mask: (B, H', W') bool, True inside the picture; P = H' x W'.
    """

    keys: Tensor
    values: Tensor
    mask: Tensor


class TokenState(NamedTuple):
    """What one decoder remembers of the t tokens that each hypothesis has read.

    Attributes:
        keys: (N, layers, h, t, D / h).
        values: (N, layers, h, t, D / h).
    """

    keys: Tensor
    values: Tensor


def sinusoid(positions: Tensor, width: int) -> Tensor:
    """Positions of any shape -> (..., width): sines, then cosines, wavelengths from 2 pi to 10,000 * 2 pi."""
    half = width // 2
    frequencies = torch.exp(torch.arange(half, device=positions.device) * (-math.log(10_000.0) / half))
    angles = positions[..., None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def image_positions(sizes: Tensor, height: int, width: int, channels: int) -> Tensor:
    """BTTR's 2-D positions (B, height, width, channels): the row in the first half, the column in the second.

    Args:
        sizes: (B, 2), the valid (height, width) of each map.
        height: rows of all maps, padding included.
        width: columns of all maps, padding included.
        channels: a multiple of 4.

    Both are fractions of the picture's own size (B, 2), times 2 pi, so that they are the same for small writing
    and large, and whatever the padding.
    """
    rows = torch.arange(1, height + 1, device=sizes.device) / sizes[:, :1] * (2 * math.pi)
    columns = torch.arange(1, width + 1, device=sizes.device) / sizes[:, 1:] * (2 * math.pi)
    row_part = sinusoid(rows, channels // 2)[:, :, None].expand(-1, -1, width, -1)
    column_part = sinusoid(columns, channels // 2)[:, None].expand(-1, height, -1, -1)
    return torch.cat([row_part, column_part], dim=3)


class Attention(nn.Module):
    """Multi-head attention whose keys and values are worked out apart, so that they can be kept."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.dropout = config.dropout
        self.query = nn.Linear(config.width, config.width)
        self.key = nn.Linear(config.width, config.width, bias=False)  # a bias would cancel in the softmax
        self.value = nn.Linear(config.width, config.width)
        self.output = nn.Linear(config.width, config.width)

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, T, D) -> keys and values, each (N, h, T, D / h)."""
        return _split_heads(self.key(x), self.heads), _split_heads(self.value(x), self.heads)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Attend from (N, Q, D) where the mask (1 or N, 1, 1 or Q, T) is True.

        Returns:
            The output (N, Q, D) and the weights (N, Q, T), averaged over the heads, without dropout.
        """
        query = _split_heads(self.query(x), self.heads)
        scores = query @ keys.transpose(2, 3) / math.sqrt(query.shape[3])
        weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(3)
        context = F.dropout(weights, self.dropout, self.training).to(values.dtype) @ values
        return self.output(context.transpose(1, 2).flatten(2)), weights.mean(1)


def _split_heads(x: Tensor, heads: int) -> Tensor:
    """(N, T, D) -> (N, h, T, D / h)."""
    return x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


class TransformerLayer(nn.Module):
    """A transformer decoder layer: attend to the tokens so far, to the picture, think; normalize after each."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.to_tokens = Attention(config)
        self.to_image = Attention(config)
        self.widen = nn.Linear(config.width, config.feed_forward)
        self.narrow = nn.Linear(config.feed_forward, config.width)
        self.norms = nn.ModuleList(nn.LayerNorm(config.width) for _ in range(3))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, state: TokenState, memory: ImageMemory) -> tuple[Tensor, Tensor, TokenState]:
        """Read Q further tokens (N, Q, D); state and memory are this layer's, without the layer axis.

        Returns:
            (N, Q, D), the attention to the cells (N, Q, P), and the state with the Q tokens.
        """
        past = state.keys.shape[2]
        state = TokenState(*map(_joined, state, self.to_tokens.keys_values(x)))
        attended, _ = self.to_tokens(x, *state, _causal(x, past))
        x = self.norms[0](x + self.dropout(attended))
        attended, weights = self.to_image(
            x, memory.keys, memory.values, memory.mask.flatten(1)[:, None, None]
        )
        x = self.norms[1](x + self.dropout(attended))
        thought = self.narrow(self.dropout(F.relu(self.widen(x))))
        return self.norms[2](x + self.dropout(thought)), weights, state


def _joined(past: Tensor, new: Tensor) -> Tensor:
    """(N, h, t, D / h) and (N, h, Q, D / h), which may be of half precision -> (N, h, t + Q, D / h)."""
    return torch.cat([past.to(new.dtype), new], dim=2)


def _causal(x: Tensor, past: int) -> Tensor:
    """(1, 1, Q, past + Q): token q of x (N, Q, D) sees the past, those before it and itself."""
    count = x.shape[1]
    steps = torch.arange(past + count, device=x.device)
    return (steps[None, :] <= steps[past:, None])[None, None]


class TransformerDecoder(nn.Module):
    """A stack of layers and the output matrix. It reads one token or many, from an empty state or a grown one."""

    def __init__(self, config: TransformerConfig, num_classes: int) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(TransformerLayer(config) for _ in range(config.layers))
        self.head = Classifier(config.width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def look(self, cells: Tensor, mask: Tensor) -> ImageMemory:
        """Cells (B, P, D) and mask (B, H', W') -> what each layer attends to."""
        pairs: list[tuple[Tensor, Tensor]] = []
        for layer in self.layers:
            assert isinstance(layer, TransformerLayer)
            pairs.append(layer.to_image.keys_values(cells))
        keys, values = (torch.stack(part, dim=1) for part in zip(*pairs, strict=True))
        return ImageMemory(keys, values, mask)

    def begin(self, batch: int) -> TokenState:
        """The state of `batch` hypotheses before any token."""
        config, heads = self.config, self.config.heads
        empty = self.head.weight.new_zeros(batch, config.layers, heads, 0, config.width // heads)
        return TokenState(empty, empty)

    def forward(self, x: Tensor, state: TokenState, memory: ImageMemory) -> tuple[Tensor, Tensor, TokenState]:
        """Embedded tokens (N, Q, D) -> logits (N, Q, K), attention (N, Q, H', W'), the state after them."""
        states: list[TokenState] = []
        for index, layer in enumerate(self.layers):
            own = ImageMemory(memory.keys[:, index], memory.values[:, index], memory.mask)
            x, weights, new = layer(x, TokenState(state.keys[:, index], state.values[:, index]), own)
            states.append(new)
        keys, values = (torch.stack(part, dim=1) for part in zip(*states, strict=True))
        return self.head(x), weights.unflatten(2, memory.mask.shape[1:]), TokenState(keys, values)

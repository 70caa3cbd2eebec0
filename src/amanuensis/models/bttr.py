"""A bidirectional transformer that reads formulas: BTTR, and CATNet's mutual training of it ("BTTR-Dual").

Sources: Zhao et al. 2021 (BTTR); CATNet, Table 4. One decoder reads a formula both from left to right (L2R) and from
right to left (R2L), with the same weights and **in one batch**; only the first token tells it which way: L2R goes
from `<sos>` to `<eol>`, R2L from `<eol>` to `<sos>`. *Our reading* of what is not printed: DenseNet as CATNet's, 3
layers, 8 heads, width 256, feed-forward 1024, dropout 0.3, embeddings of unit variance. In "-Dual" (*our reading*,
CATNet gives no detail) two decoders share encoder, image projection and embedding and differ in their random start;
they teach each other, each direction its like.

**Step by step.** A decoder keeps the keys and values of the tokens that it has read. `Bttr.begin` gives the empty
state and `Bttr.step` takes one token a hypothesis, so a search over arrays needs two graphs: `encode` (once for a
picture) and `step`; `BttrEncoderGraph` and `BttrStepGraph` are these, for the first decoder. Every tensor of a state
has the hypotheses first: a beam reorders by indexing. The direction is not in the state: who begins with `<sos>`
must stop at `<eol>`, and the other way round.

**Joint rescoring.** A hypothesis of either direction is scored by both: the mean of its L2R and R2L log-probabilities
(`Bttr.joint_log_probs`). Both have a term for every token and one for the end, so either may be divided by the same
length. A search without torch gets the same number by stepping the reversed hypothesis through `step`.

Conventions: B pictures, N hypotheses, L tokens, K classes, D width, P = H' x W' cells of the map. The first class is
`<eol>`, the last two are `<sos>` and `<pad>`, as in `latex.TokenVocab`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from amanuensis.errors import ModelError
from amanuensis.models.backbones import BACKBONES, STRIDE
from amanuensis.models.catnet import DENSENET, FormulaOutput
from amanuensis.models.densenet import DenseNet, DenseNetConfig
from amanuensis.models.masks import valid_area, whole_sizes
from amanuensis.models.transformer import (
    ImageMemory,
    TokenState,
    TransformerConfig,
    TransformerDecoder,
    image_positions,
    sinusoid,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BttrConfig:
    """The shape of one network; the defaults are our reading of BTTR.

    Attributes:
        encoder: "densenet" or one of `BACKBONES`.
        growth, blocks, stem_stride, encoder_dropout: of the DenseNet, see `DenseNetConfig`.
        encoder_width: channels of another encoder's map; a DenseNet's follow from its shape.
        decoders: 1 is BTTR, 2 is "BTTR-Dual".
        width, heads, layers, feed_forward, dropout: of each decoder, see `TransformerConfig`.
    """

    encoder: str = DENSENET
    growth: int = 24
    blocks: tuple[int, ...] = (16, 16, 16)
    stem_stride: int = 2
    encoder_dropout: float = 0.2
    encoder_width: int = 684
    decoders: int = 1
    width: int = 256
    heads: int = 8
    layers: int = 3
    feed_forward: int = 1024
    dropout: float = 0.3

    def __post_init__(self) -> None:
        """Raises ModelError naming a value that no network can have."""
        encoders = (DENSENET, *BACKBONES)
        if self.encoder not in encoders:
            raise ModelError(f"encoder: {self.encoder!r}, not one of {', '.join(encoders)}")
        if self.decoders < 1:
            raise ModelError(f"decoders: {self.decoders}; 1 is BTTR, 2 is BTTR-Dual")
        _ = self.decoder

    @property
    def densenet(self) -> DenseNetConfig:
        """The DenseNet's part of it."""
        return DenseNetConfig(
            growth=self.growth,
            blocks=self.blocks,
            stem_stride=self.stem_stride,
            dropout=self.encoder_dropout,
        )

    @property
    def decoder(self) -> TransformerConfig:
        """Each decoder's part of it."""
        return TransformerConfig(
            width=self.width,
            heads=self.heads,
            layers=self.layers,
            feed_forward=self.feed_forward,
            dropout=self.dropout,
        )

    @property
    def stride(self) -> int:
        """Pixels per cell of the attention's grid, along either axis."""
        return self.densenet.stride if self.encoder == DENSENET else STRIDE

    @property
    def reversed_branches(self) -> tuple[bool, ...]:
        """For each branch of the output whether it reads backwards: branches 2k and 2k + 1 are decoder k's."""
        return (False, True) * self.decoders


class Bttr(nn.Module):
    """Pictures of formulas and the symbols so far in, logits of the next symbols out, in both directions."""

    def __init__(self, config: BttrConfig, num_classes: int) -> None:
        super().__init__()
        self.config = config
        self.num_classes = num_classes
        self.stride = config.stride
        self.end, self.start, self.pad = 0, num_classes - 2, num_classes - 1
        dense = config.encoder == DENSENET
        features = config.densenet.width if dense else config.encoder_width
        self.encoder = DenseNet(config.densenet) if dense else BACKBONES[config.encoder](features)
        self.image = _ImageTokens(features, config.width)
        self.embedding = nn.Embedding(num_classes, config.width)
        self.decoders = nn.ModuleList(
            TransformerDecoder(config.decoder, num_classes) for _ in range(config.decoders)
        )

    def forward(self, images: Tensor, sizes: Tensor, tokens: Tensor) -> FormulaOutput:
        """Read a batch with the true symbols as the past (teacher forcing).

        Args:
            images: (B, 1, H, W) in [0, 1], ink 1; what lies beyond a picture's size is ignored.
            sizes: (B, 2) int64, valid (height, width) in pixels.
            tokens: (B, L) int64, `<sos>` and the caption, then `<pad>`; the R2L inputs are made from them.

        Returns:
            Two branches a decoder, in the order of `BttrConfig.reversed_branches`. An R2L branch's targets are the
            caption reversed, then `<sos>`. The attention is the last layer's, averaged over its heads.
        """
        features, cells, mask = self._cells(images, sizes)
        inputs = torch.cat([tokens, right_to_left(tokens, end=self.end, pad=self.pad)])
        logits: list[Tensor] = []
        attention: list[Tensor] = []
        for index in range(self.config.decoders):
            memory = _twice(self.decoder(index).look(cells, mask))
            predicted, attended = self._read(inputs, memory, index)
            logits.extend(predicted.chunk(2))
            attention.extend(attended.chunk(2))
        return FormulaOutput(tuple(logits), tuple(attention), (features,), mask)

    def encode(self, images: Tensor, sizes: Tensor, *, decoder: int = 0) -> ImageMemory:
        """What that decoder attends to in each of B pictures (B, 1, H, W) of valid sizes (B, 2)."""
        _, cells, mask = self._cells(images, sizes)
        return self.decoder(decoder).look(cells, mask)

    def begin(self, memory: ImageMemory) -> TokenState:
        """The state before any token, of one hypothesis a picture (N = B)."""
        return self.decoder(0).begin(len(memory.mask))

    def step(
        self, tokens: Tensor, state: TokenState, memory: ImageMemory, *, decoder: int = 0
    ) -> tuple[Tensor, Tensor, TokenState]:
        """Read one token of every hypothesis and predict the next.

        Args:
            tokens: (N,) int64: first `<sos>` (L2R) or `<eol>` (R2L), then what was chosen.
            state: of the tokens before, from `begin` or the last step.
            memory: of one picture for all hypotheses (B = 1), or of N pictures.
            decoder: whose state and memory these are.

        Returns:
            Logits (N, K), attention (N, H', W') and the new state.
        """
        embedded = self._embedded(tokens[:, None], past=state.keys.shape[3])
        logits, attention, state = self.decoder(decoder)(embedded, state, memory)
        return logits[:, 0], attention[:, 0], state

    def joint_log_probs(self, memory: ImageMemory, tokens: Tensor, *, decoder: int = 0) -> Tensor:
        """Joint rescoring: the mean of the L2R and R2L log-probabilities of each hypothesis.

        Args:
            memory: of one picture for all hypotheses (B = 1), or of N pictures.
            tokens: (N, L) int64, `<sos>` and the hypothesis from left to right, then `<pad>`.
            decoder: the one that scores, and whose memory this is.

        Returns:
            (N,), at most 0, the ends of both directions included.
        """
        backward = right_to_left(tokens, end=self.end, pad=self.pad)
        targets = torch.cat(
            [
                following(tokens, last=self.end, pad=self.pad),
                following(backward, last=self.start, pad=self.pad),
            ]
        )
        shared = memory if len(memory.mask) == 1 else _twice(memory)
        logits, _ = self._read(torch.cat([tokens, backward]), shared, decoder)
        log_probs = logits.float().log_softmax(2).gather(2, targets[:, :, None])[:, :, 0]
        return (log_probs * (targets != self.pad)).sum(1).reshape(2, -1).mean(0)

    def for_reading(self, decoder: int = 0) -> Bttr:
        """A copy of the network with that decoder alone."""
        alone = copy.deepcopy(self)
        alone.config = replace(self.config, decoders=1)
        alone.decoders = nn.ModuleList([alone.decoders[decoder]])
        return alone

    def decoder(self, index: int = 0) -> TransformerDecoder:
        """One of the decoders; each reads in both directions."""
        decoder = self.decoders[index]
        assert isinstance(decoder, TransformerDecoder)
        return decoder

    def _cells(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features (B, C, H', W'), cells (B, P, D) and mask (B, H', W') of a batch."""
        features, sizes = self.encoder(images, sizes)
        mask = valid_area(sizes, features.shape[2], features.shape[3])[:, 0]
        return features, self.image(features, sizes), mask

    def _read(self, inputs: Tensor, memory: ImageMemory, decoder: int) -> tuple[Tensor, Tensor]:
        """Logits (N, L, K) and attention (N, L, H', W') of whole inputs (N, L)."""
        chosen = self.decoder(decoder)
        logits, attention, _ = chosen(self._embedded(inputs, past=0), chosen.begin(len(inputs)), memory)
        return logits, attention

    def _embedded(self, tokens: Tensor, *, past: int) -> Tensor:
        """Tokens (N, L) that follow `past` others, with their positions: (N, L, D)."""
        positions = torch.arange(past, past + tokens.shape[1], device=tokens.device)
        embedded = self.embedding(tokens) + sinusoid(positions, self.config.width)
        return F.dropout(embedded, self.config.dropout, self.training)


class _ImageTokens(nn.Module):
    """Features (B, C, H', W') and their sizes (B, 2) -> cells (B, P, D): projected, placed, normalized."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(channels, width)  # a 1x1 convolution
        self.norm = nn.LayerNorm(width)

    def forward(self, features: Tensor, sizes: Tensor) -> Tensor:
        _, _, height, width = features.shape
        cells = self.project(features.permute(0, 2, 3, 1))
        cells = cells + image_positions(sizes, height, width, cells.shape[3])
        normalized: Tensor = self.norm(cells.flatten(1, 2))
        return normalized


def _twice(memory: ImageMemory) -> ImageMemory:
    """The same pictures for a batch of both directions."""
    return ImageMemory(*(torch.cat([part, part]) for part in memory))


def right_to_left(tokens: Tensor, *, end: int, pad: int) -> Tensor:
    """R2L inputs of L2R ones: (B, L) of `<sos> a b c <pad>` -> `<eol> c b a <pad>`."""
    steps = torch.arange(tokens.shape[1], device=tokens.device)[None, :]
    lengths = (tokens != pad).sum(1, keepdim=True)
    mirrored = tokens.gather(1, (lengths - steps).clamp(0, tokens.shape[1] - 1))
    return mirrored.masked_fill(steps >= lengths, pad).masked_fill(steps == 0, end)


def following(inputs: Tensor, *, last: int, pad: int) -> Tensor:
    """What each step of (B, L) inputs is to predict: the token after it, and `last` after the last one."""
    steps = torch.arange(inputs.shape[1], device=inputs.device)[None, :]
    lengths = (inputs != pad).sum(1, keepdim=True)
    return F.pad(inputs[:, 1:], (0, 1), value=pad).masked_fill(steps == lengths - 1, last)


class BttrEncoderGraph(nn.Module):
    """What of a network runs once per picture, for export: the first decoder's keys and values, and its first state."""

    def __init__(self, network: Bttr) -> None:
        super().__init__()
        self.network = network
        self.train(network.training)  # or an export would leave the network in another mode

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """(1, 1, H, W), all of it valid -> keys and values (1, layers, h, P, D / h), mask (1, H', W'), state.

        The state is keys and values of no token: (1, layers, h, 0, D / h) each.
        """
        network = self.network
        features, _ = network.encoder(
            image, None if isinstance(network.encoder, DenseNet) else whole_sizes(image)
        )
        mask = torch.ones_like(features[:, 0], dtype=torch.bool)
        memory = network.decoder(0).look(network.image(features, whole_sizes(features)), mask)
        return *memory, *network.begin(memory)


class BttrStepGraph(nn.Module):
    """What of a network runs once per symbol, for export: N hypotheses look at one picture, from left to right."""

    def __init__(self, network: Bttr) -> None:
        super().__init__()
        self.network = network
        self.train(network.training)

    def forward(self, tokens: Tensor, *given: Tensor) -> tuple[Tensor, ...]:
        """Tokens (N,) int64, then the memory's keys, values and mask, and the state's keys and values (N, ...).

        Returns:
            Logits (N, K), attention (N, H', W') and the new state's tensors, one token longer.
        """
        memory, state = ImageMemory(*given[:3]), TokenState(*given[3:])
        logits, attention, state = self.network.step(tokens, state, memory)
        return logits, attention, *state

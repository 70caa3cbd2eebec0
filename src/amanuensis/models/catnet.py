"""CATNet: one encoder and parallel attention decoders that teach each other, of which one reads.

Source: CATNet (spec 1.2). Branches share the encoder and, if asked for, the embedding of the symbols; their
decoders have the same structure, weights of their own and different initializations (C5). What the paper compares
is a configuration: any number of branches, two encoders with one decoder (C30), other encoders (C31).

Conventions: B batch, H x W pictures, H' x W' the encoder's grid, L target steps, K classes, D encoder width.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from amanuensis.errors import ModelError
from amanuensis.models.backbones import BACKBONES, STRIDE
from amanuensis.models.coverage import (
    CELLS,
    INITIALIZATIONS,
    CoverageDecoder,
    DecoderConfig,
    Memory,
    State,
    Step,
    initialize,
)
from amanuensis.models.densenet import DenseNet, DenseNetConfig
from amanuensis.models.masks import valid_area, whole_sizes

DENSENET = "densenet"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatnetConfig:
    """The shape of one network; the defaults are the paper's.

    Attributes:
        encoder: "densenet" or one of `BACKBONES`.
        growth, blocks, stem_stride: of the DenseNet, see `DenseNetConfig`.
        encoder_width: channels D of another encoder's map; a DenseNet's follow from its shape.
        encoders: 2 for Two+One: one decoder runs on the map of each (C30).
        branches: decoders over one map.
        shared_embedding: one embedding of the symbols for all branches.
        initializations: of the branches' weights, "kaiming-uniform" or "xavier-uniform", repeated as needed.
        attention, embedding, hidden, kernels, kernel_layer, nonlinear, literal, cell: see `DecoderConfig`.
        dropout: in the DenseNet and before each decoder's last layer, while training.
    """

    encoder: str = DENSENET
    growth: int = 24
    blocks: tuple[int, ...] = (16, 16, 16)
    stem_stride: int = 2
    encoder_width: int = 684
    encoders: int = 1
    branches: int = 2
    shared_embedding: bool = True
    initializations: tuple[str, ...] = INITIALIZATIONS
    attention: int = 512
    embedding: int = 256
    hidden: int = 256
    kernels: tuple[int, ...] = (3, 11)
    kernel_layer: bool = False
    nonlinear: bool = False
    literal: bool = False
    cell: str = "gru"
    dropout: float = 0.2

    def __post_init__(self) -> None:
        """Raises ModelError naming every value that no network can have."""
        wrong = [f"{name}: {problem}" for name, problem in _problems(self)]
        if wrong:
            raise ModelError("; ".join(wrong))

    @property
    def densenet(self) -> DenseNetConfig:
        """The DenseNet's part of it."""
        return DenseNetConfig(**{f.name: getattr(self, f.name) for f in fields(DenseNetConfig)})

    @property
    def decoder(self) -> DecoderConfig:
        """Each decoder's part of it."""
        return DecoderConfig(**{f.name: getattr(self, f.name) for f in fields(DecoderConfig)})

    @property
    def stride(self) -> int:
        """Pixels per cell of the attention's grid, along either axis."""
        return self.densenet.stride if self.encoder == DENSENET else STRIDE


def _problems(config: CatnetConfig) -> list[tuple[str, str]]:
    encoders = (DENSENET, *BACKBONES)
    unknown = [name for name in config.initializations if name not in INITIALIZATIONS]
    checks = [
        ("encoder", config.encoder in encoders, f"{config.encoder!r}, not one of {', '.join(encoders)}"),
        ("cell", config.cell in CELLS, f"{config.cell!r}, not one of {', '.join(CELLS)}"),
        (
            "initializations",
            bool(config.initializations) and not unknown,
            f"{config.initializations}, not of {', '.join(INITIALIZATIONS)}",
        ),
        (
            "kernels",
            bool(config.kernels) and all(k > 0 and k % 2 for k in config.kernels),
            f"{config.kernels}, not one or more odd sizes",
        ),
        ("stem_stride", config.stem_stride in (1, 2), f"{config.stem_stride}, neither 1 nor 2"),
        (
            "blocks",
            bool(config.blocks) and min(config.blocks) > 0,
            f"{config.blocks}, not one or more counts",
        ),
        ("embedding", config.embedding % 2 == 0, f"{config.embedding}, odd: the maxout takes pairs"),
        ("branches", config.branches > 0, f"{config.branches}, not 1 or more"),
        ("encoders", config.encoders > 0, f"{config.encoders}, not 1 or more"),
        ("encoders", min(config.encoders, config.branches) <= 1, "several need one branch, and the reverse"),
    ]
    return [(name, problem) for name, fine, problem in checks if not fine]


class FormulaOutput(NamedTuple):
    """What a formula network returns under teacher forcing.

    Attributes:
        logits: (B, L, K), one per branch (or per encoder, where several share one decoder).
        attention: (B, L, H', W'), as many; each map sums to 1.
        features: the encoder's maps (B, D, H', W'), one per encoder run.
        mask: (B, H', W') bool, True where valid.
    """

    logits: tuple[Tensor, ...]
    attention: tuple[Tensor, ...]
    features: tuple[Tensor, ...]
    mask: Tensor


@dataclass(frozen=True, slots=True)
class Branch:
    """One decoder with its embedding, to read step by step."""

    embedding: nn.Module
    decoder: CoverageDecoder

    def project(self, memory: Memory) -> Memory:
        """The memory with what of it this branch would else compute at every step."""
        return self.decoder.project(memory)

    def begin(self, memory: Memory) -> State:
        """The state of B hypotheses that have read nothing."""
        return self.decoder.begin(memory)

    def step(self, tokens: Tensor, state: State, memory: Memory) -> Step:
        """Advance N hypotheses by the symbols last written, (N,) int64, first `<sos>`; see `CoverageDecoder`."""
        return self.decoder.step(self.embedding(tokens), state, memory)


class Catnet(nn.Module):
    """Pictures of formulas and the symbols so far in, logits of the next symbols out, from every branch."""

    def __init__(self, config: CatnetConfig, num_classes: int) -> None:
        super().__init__()
        self.config = config
        self.num_classes = num_classes
        self.stride = config.stride
        self.encoders = nn.ModuleList(_encoder(config) for _ in range(config.encoders))
        tables = 1 if config.shared_embedding else config.branches
        self.embeddings = nn.ModuleList(nn.Embedding(num_classes, config.embedding) for _ in range(tables))
        self.decoders = nn.ModuleList()
        width = config.densenet.width if config.encoder == DENSENET else config.encoder_width
        for index in range(config.branches):
            decoder = CoverageDecoder(config.decoder, width=width, num_classes=num_classes)
            initialize(decoder, config.initializations[index % len(config.initializations)])
            self.decoders.append(decoder)

    def forward(self, images: Tensor, sizes: Tensor, tokens: Tensor) -> FormulaOutput:
        """Read a batch with the true symbols as the past (teacher forcing).

        Args:
            images: (B, 1, H, W) in [0, 1], ink 1; what lies beyond a picture's size is ignored.
            sizes: (B, 2) int64, valid (height, width) in pixels.
            tokens: (B, L) int64 symbols before each step, the first of them `<sos>`.
        """
        maps, memories = zip(*(_run(encoder, images, sizes) for encoder in self.encoders), strict=True)
        pairs = [(memory, index) for memory in memories for index in range(self.config.branches)]
        outputs = [self._decode(tokens, memory, index) for memory, index in pairs]
        logits, attention = zip(*outputs, strict=True)
        return FormulaOutput(logits, attention, maps, memories[0].mask)

    def encode(self, images: Tensor, sizes: Tensor) -> Memory:
        """The first encoder's memory: what reading looks at."""
        return _run(self.encoders[0], images, sizes)[1]

    def branch(self, index: int = 0) -> Branch:
        """A decoder with its embedding."""
        decoder = self.decoders[index]
        assert isinstance(decoder, CoverageDecoder)
        return Branch(self._embedding(index), decoder)

    @torch.no_grad()
    def for_reading(self, branch: int = 0) -> Catnet:
        """The network that reads: the first encoder, one branch, its coverage kernels fused to one (M11, C4)."""
        fusable = not self.config.nonlinear
        config = replace(self.config, encoders=1, branches=1)
        if fusable:
            config = replace(config, kernels=(max(config.kernels),), kernel_layer=False)
        with torch.random.fork_rng(devices=()):  # its first weights are overwritten: they cost no randomness
            network = Catnet(config, self.num_classes)
        network.encoders[0].load_state_dict(self.encoders[0].state_dict())
        network.embeddings[0].load_state_dict(self._embedding(branch).state_dict())
        source = self.branch(branch).decoder
        network.branch().decoder.load_state_dict(source.fused_state() if fusable else source.state_dict())
        return network.to(next(self.parameters()).device).train(self.training)

    def _decode(self, tokens: Tensor, memory: Memory, index: int) -> tuple[Tensor, Tensor]:
        output: tuple[Tensor, Tensor] = self.decoders[index](self._embedding(index)(tokens), memory)
        return output

    def _embedding(self, index: int) -> nn.Module:
        return self.embeddings[0 if self.config.shared_embedding else index]


def _encoder(config: CatnetConfig) -> nn.Module:
    if config.encoder == DENSENET:
        return DenseNet(config.densenet)
    return BACKBONES[config.encoder](config.encoder_width)


def _run(encoder: nn.Module, images: Tensor, sizes: Tensor) -> tuple[Tensor, Memory]:
    """The map (B, D, H', W') of an encoder, and what decoders look at."""
    features, sizes = encoder(images, sizes)
    mask = valid_area(sizes, features.shape[2], features.shape[3])[:, 0]
    return features, Memory(features.flatten(2).transpose(1, 2), mask)


class EncoderGraph(nn.Module):
    """What of a branch runs once per picture, for export: the memory, its projection and the first state."""

    def __init__(self, network: Catnet, branch: int = 0) -> None:
        super().__init__()
        self.encoder = network.encoders[0]
        self.decoder = network.branch(branch).decoder
        self.train(network.training)  # or an export would leave the network in another mode

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """(1, 1, H, W), all of it valid -> memory (1, P, D), projected (1, P, A), state.

        The state is hidden (1, S), for an LSTM its cell (1, S), and coverage (1, H', W'), which tells the grid.
        """
        features, _ = self.encoder(image, None if isinstance(self.encoder, DenseNet) else whole_sizes(image))
        mask = torch.ones_like(features[:, 0], dtype=torch.bool)
        memory = self.decoder.project(Memory(features.flatten(2).transpose(1, 2), mask))
        assert memory.projected is not None
        return memory.cells, memory.projected, *self.decoder.begin(memory)


class StepGraph(nn.Module):
    """What of a branch runs once per symbol, for export: N hypotheses look at one picture's memory."""

    def __init__(self, network: Catnet, branch: int = 0) -> None:
        super().__init__()
        chosen = network.branch(branch)
        self.embedding = chosen.embedding
        self.decoder = chosen.decoder
        self.train(network.training)

    def forward(
        self, tokens: Tensor, memory: Tensor, projected: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """Tokens (N,) int64, memory (1, P, D), projected (1, P, A) and the state, each tensor with leading N.

        Returns:
            Logits (N, K), attention (N, H', W') and the new state's tensors.
        """
        mask = torch.ones_like(state[-1][:1], dtype=torch.bool)
        step = self.decoder.step(self.embedding(tokens), state, Memory(memory, mask, projected))
        return step.logits, step.attention, *step.state

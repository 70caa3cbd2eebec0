"""The attention decoder of a CATNet branch: recurrent state, coverage attention, maxout output.

Source: CATNet, equations 1-6 (spec M5-M9), which follow WAP (Zhang et al. 2017). The paper leaves open what our
specification reads: two recurrent cells a step (C2; `literal` is the paper's one), the maxout over pairs (C1), the
initial state (M5), and the biases, which the parameter counts of spec 3.1 fix.

The "multi-scale" attention of equation 4 sums convolutions of one map before the tanh: together they are one
convolution (C4). So the kernels are separate while they learn and are fused once per forward pass; a step then
costs one matrix product with the patches of the coverage map, whatever the number of kernels.

Conventions: B batch, N hypotheses of one step (B, or any number that shares one picture's memory), L target steps,
K classes, E embedding width, S hidden width, A attention width, D encoder width, H' x W' the encoder's grid and
P = H'W' its cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from amanuensis.models.classifier import Classifier

State = tuple[Tensor, ...]
"""What a hypothesis carries: hidden state(s) (N, S) and last the coverage (N, H', W'); a beam reorders by index."""

CELLS = ("gru", "lstm")
INITIALIZATIONS = ("kaiming-uniform", "xavier-uniform")


class Memory(NamedTuple):
    """What a decoder looks at.

    Attributes:
        cells: (B, P, D) of the encoder's map row by row, zero beyond each picture.
        mask: (B, H', W') bool, True where valid.
        projected: U_f F (B, P, A) of one branch, or None until `project` computed it.
    """

    cells: Tensor
    mask: Tensor
    projected: Tensor | None = None


class Step(NamedTuple):
    """What one step of N hypotheses gives.

    Attributes:
        logits: (N, K) of the next symbol.
        attention: (N, H', W'), each map sums to 1.
        state: to go on from.
    """

    logits: Tensor
    attention: Tensor
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderConfig:
    """The shape of one decoder, and its readings.

    Attributes:
        attention: width A of the space where the attention compares.
        embedding: width E of the embedded symbols.
        hidden: width S of the state.
        kernels: odd sizes of the coverage convolutions, each straight to width A.
        kernel_layer: a linear layer A -> A after each convolution (as ABM has it).
        nonlinear: a ReLU after each convolution; not the paper, and not fusable.
        literal: equations 2 and 4 as printed: one cell, the attention asks with the previous state (C2).
        cell: "gru" (paper) or "lstm" (DWAP-LSTM).
        dropout: before the last layer, while training.
    """

    attention: int = 512
    embedding: int = 256
    hidden: int = 256
    kernels: tuple[int, ...] = (3, 11)
    kernel_layer: bool = False
    nonlinear: bool = False
    literal: bool = False
    cell: str = "gru"
    dropout: float = 0.2


class CoverageDecoder(nn.Module):
    """One branch: embedded symbols and a memory in, logits and attention out. The embedding is the caller's."""

    def __init__(self, config: DecoderConfig, *, width: int, num_classes: int) -> None:
        super().__init__()
        self.config = config
        self.initial = nn.Linear(width, config.hidden)
        self.recurrence = _Recurrence(config, config.embedding)
        self.attention = CoverageAttention(config, width)
        self.update = None if config.literal else _Recurrence(config, width)
        self.from_symbol = nn.Linear(config.embedding, config.embedding)
        self.from_state = nn.Linear(config.hidden, config.embedding)
        self.from_context = nn.Linear(width, config.embedding)
        self.output = Classifier(config.embedding // 2, num_classes)
        self.dropout = config.dropout

    def forward(self, embedded: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Read with the true previous symbols (teacher forcing).

        Args:
            embedded: (B, L, E) of the symbols before each step.
            memory: of B pictures.

        Returns:
            Logits (B, L, K) and attention (B, L, H', W').
        """
        memory = self.project(memory)
        convolution = self.attention.coverage.fuse()
        state = self.begin(memory)
        hidden, contexts, maps = [], [], []
        for symbol in self.recurrence.project(embedded).unbind(1):
            state, context, attention = self._advance(symbol, state, memory, convolution)
            hidden.append(state[0])
            contexts.append(context)
            maps.append(attention)
        logits = self._logits(embedded, torch.stack(hidden, 1), torch.stack(contexts, 1))
        return logits, torch.stack(maps, 1)

    def begin(self, memory: Memory) -> State:
        """The state before the first step: tanh(W mean(F) + b) over valid cells (M5), and no coverage."""
        count = memory.mask.sum((1, 2), dtype=torch.float32)[:, None]
        mean = memory.cells.sum(1, dtype=torch.float32) / count
        hidden = torch.tanh(self.initial(mean)).float()  # states stay float32 under autocast
        cell = (torch.zeros_like(hidden),) if self.config.cell == "lstm" else ()
        return (hidden, *cell, torch.zeros_like(memory.mask, dtype=torch.float32))

    def project(self, memory: Memory) -> Memory:
        """The memory with this branch's U_f F, once for all steps."""
        if memory.projected is not None:
            return memory
        return memory._replace(projected=self.attention.feature(memory.cells))

    def step(self, embedded: Tensor, state: State, memory: Memory) -> Step:
        """Advance N hypotheses by one symbol each.

        Args:
            embedded: (N, E) of the symbols last written.
            state: of the N hypotheses.
            memory: of N pictures, or of the one that all look at. `project` it before the first step.
        """
        memory = self.project(memory)
        convolution = self.attention.coverage.fuse()
        symbol = self.recurrence.project(embedded)
        state, context, attention = self._advance(symbol, state, memory, convolution)
        return Step(self._logits(embedded, state[0], context), attention, state)

    def fused_state(self) -> dict[str, Tensor]:
        """The weights of a decoder with one kernel and no kernel layer that equals this one; linear ones only."""
        fused = self.attention.coverage.fuse()
        prefix = "attention.coverage."
        state = {name: value for name, value in self.state_dict().items() if not name.startswith(prefix)}
        state[prefix + "kernels.0"] = fused.weights[0].view(-1, 1, fused.size, fused.size)
        if fused.bias is not None:
            state["attention.feature.bias"] = state["attention.feature.bias"] + fused.bias
        return state

    def _advance(
        self, symbol: Tensor, state: State, memory: Memory, convolution: FusedCoverage
    ) -> tuple[State, Tensor, Tensor]:
        """The new state, the context (N, D) and the attention (N, H', W')."""
        *before, coverage = state
        now = self.recurrence(symbol, before)
        query = before[0] if self.update is None else now[0]
        attention = self.attention(query, coverage, memory, convolution)
        context = _weighted(attention.flatten(1), memory.cells)
        if self.update is not None:
            now = self.update(self.update.project(context), now)
        return (*now, coverage + attention), context, attention

    def _logits(self, embedded: Tensor, hidden: Tensor, context: Tensor) -> Tensor:
        """W_o maxout(W_y E + W_h h + W_c c): eq. 1, C1. (..., E), (..., S), (..., D) -> (..., K) float32."""
        mixed = self.from_symbol(embedded) + self.from_state(hidden) + self.from_context(context)
        pairs = mixed.reshape(*mixed.shape[:-1], -1, 2).amax(-1)
        with torch.autocast(pairs.device.type, enabled=False):  # branches compare their logits: not in 8 bits
            logits: Tensor = self.output(F.dropout(pairs.float(), self.dropout, self.training))
        return logits


def _weighted(weights: Tensor, cells: Tensor) -> Tensor:
    """Sums (N, D) of the cells (N, P, D), or of one picture's (1, P, D) for all, with weights (N, P)."""
    if len(cells) == 1:
        return weights @ cells[0]
    return torch.bmm(weights[:, None], cells)[:, 0]


class FusedCoverage(NamedTuple):
    """The coverage convolutions as products with the patches of the coverage map, computed once per forward pass.

    Attributes:
        size: edge of the patches, the largest kernel's.
        weights: one (A, size^2) in all, or one per kernel where a ReLU stands between.
        bias: (A,), or None.
    """

    size: int
    weights: tuple[Tensor, ...]
    bias: Tensor | None


class CoverageKernels(nn.Module):
    """U_a and U_b of equation 4 (M8): convolutions without bias of the coverage map, one map to A."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        width = config.attention
        self.sizes = config.kernels
        self.kernels = nn.ParameterList(torch.empty(width, 1, size, size) for size in config.kernels)
        for kernel in self.kernels:
            nn.init.kaiming_uniform_(kernel, nonlinearity="linear")
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in config.kernels if config.kernel_layer)
        self.nonlinear = config.nonlinear

    def fuse(self) -> FusedCoverage:
        """One kernel of the largest size that does what all do (C4); their layers' biases add up too."""
        size = max(self.sizes)
        margins = [(size - own) // 2 for own in self.sizes]
        weights = [F.pad(k, (m, m, m, m)).flatten(1) for k, m in zip(self.kernels, margins, strict=True)]
        if self.nonlinear:
            return FusedCoverage(size, tuple(weights), None)
        if not self.layers:
            return FusedCoverage(size, (torch.stack(weights).sum(0),), None)
        matrices = [layer.get_parameter("weight") for layer in self.layers]
        products = [matrix @ weight for matrix, weight in zip(matrices, weights, strict=True)]
        biases: list[Tensor] = [layer.get_parameter("bias") for layer in self.layers]
        return FusedCoverage(size, (torch.stack(products).sum(0),), torch.stack(biases).sum(0))

    def forward(self, coverage: Tensor, fused: FusedCoverage) -> Tensor:
        """Coverage (N, H', W') -> (N, P, A)."""
        patches = F.unfold(coverage[:, None], fused.size, padding=fused.size // 2).transpose(1, 2)
        if not self.nonlinear:
            return F.linear(patches, fused.weights[0], fused.bias)
        parts = [F.relu(F.linear(patches, weight)) for weight in fused.weights]
        if self.layers:
            parts = [layer(part) for layer, part in zip(self.layers, parts, strict=True)]
        return torch.stack(parts).sum(0)


class CoverageAttention(nn.Module):
    """e = v^T tanh(W h + U_f F + U_a beta + U_b beta), softmax over the valid cells: eqs. 3-5."""

    def __init__(self, config: DecoderConfig, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(config.hidden, config.attention, bias=False)
        self.feature = nn.Linear(width, config.attention)
        self.coverage = CoverageKernels(config)
        # Its bias, which a softmax ignores and nothing trains, is in the counts of spec 3.1.
        self.energy = nn.Linear(config.attention, 1)

    def forward(self, query: Tensor, coverage: Tensor, memory: Memory, convolution: FusedCoverage) -> Tensor:
        """Query (N, S) and coverage (N, H', W') -> attention (N, H', W') float32, zero beyond each picture."""
        assert memory.projected is not None
        past = self.coverage(coverage.to(memory.projected.dtype), convolution)
        compared = torch.tanh(memory.projected + self.query(query)[:, None] + past)
        energy = self.energy(compared)[..., 0].float()
        energy = energy.masked_fill(~memory.mask.flatten(1), -torch.inf)
        attention: Tensor = energy.softmax(dim=1).view_as(coverage)
        return attention


class _Recurrence(nn.Module):
    """A GRU or LSTM cell whose input products can be had for all steps at once."""

    def __init__(self, config: DecoderConfig, width: int) -> None:
        super().__init__()
        self.cell = (nn.LSTMCell if config.cell == "lstm" else nn.GRUCell)(width, config.hidden)
        self.lstm = config.cell == "lstm"

    def project(self, inputs: Tensor) -> Tensor:
        """(..., width) -> (..., gates x S)."""
        return F.linear(inputs, self.cell.weight_ih, self.cell.bias_ih)

    def forward(self, projected: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Projected inputs (N, gates x S) and hidden state(s) (N, S) -> the next ones."""
        recurrent = F.linear(state[0], self.cell.weight_hh, self.cell.bias_hh)
        if self.lstm:
            return _lstm(projected + recurrent, state[1])
        return (_gru(projected, recurrent, state[0]),)


def _gru(projected: Tensor, recurrent: Tensor, hidden: Tensor) -> Tensor:
    """One step of a GRU from its gates (N, 3S): torch's order, reset, update, new."""
    width = 2 * hidden.shape[1]
    reset, update = torch.sigmoid(projected[:, :width] + recurrent[:, :width]).chunk(2, dim=1)
    new = torch.tanh(projected[:, width:] + reset * recurrent[:, width:])
    return new + update * (hidden - new)


def _lstm(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """One step of an LSTM from its gates (N, 4S): torch's order, input, forget, new, output."""
    enter, forget, new, leave = gates.chunk(4, dim=1)
    cell = torch.sigmoid(forget) * cell + torch.sigmoid(enter) * torch.tanh(new)
    return torch.sigmoid(leave) * torch.tanh(cell), cell


def initialize(module: nn.Module, scheme: str) -> None:
    """Draw a branch's weights anew: branches that teach each other start from different places (M2).

    Kaiming-uniform or Xavier-uniform for every matrix and kernel, gate by gate, and zero biases (as ABM does;
    our reading, the paper names no scheme). The randomness is torch's global generator's.
    """
    draw = nn.init.kaiming_uniform_ if scheme == "kaiming-uniform" else nn.init.xavier_uniform_
    for part in module.modules():
        gates = 4 if isinstance(part, nn.LSTMCell) else 3 if isinstance(part, nn.GRUCell) else 1
        for parameter in part.parameters(recurse=False):
            if parameter.dim() < 2:
                nn.init.zeros_(parameter)
                continue
            for matrix in parameter.data.chunk(gates):
                draw(matrix)

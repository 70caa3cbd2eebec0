"""Formula networks as the graphs that people read with: encoder and step decoder, and their parity with the network."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from amanuensis.data.captions import captioned
from amanuensis.decoding.attention import search
from amanuensis.decoding.steps import State, StepDecoder, StepOutput
from amanuensis.errors import DataError, ModelError
from amanuensis.images import load_image
from amanuensis.images.formula import prepare_formula
from amanuensis.metrics import FormulaPair, score_formulas
from amanuensis.models import Bttr, Catnet, FormulaNetwork
from amanuensis.models.bttr import BttrEncoderGraph, BttrStepGraph
from amanuensis.models.catnet import EncoderGraph, StepGraph
from amanuensis.models.coverage import CoverageDecoder, Memory
from amanuensis.recognition import ENCODER_FILE, FormulaRuntime, MathConfig
from amanuensis.recognition.formula_runtime import MEMORY, NEXT, STATE, decoder_file, log_softmax
from amanuensis.records import Sample
from amanuensis.training.formula_objectives import Peers

OPSET = 17
LARGEST_DIFFERENCE = 1e-2  # of a token's log-probability, between the trained network and the graphs

_Axes = Mapping[int, str]
_NO_AXES: _Axes = {}
_HYPOTHESES: _Axes = {0: "hypotheses"}


def released(network: nn.Module) -> nn.Module:
    """What of a network under training is kept to read with: of `Peers` the first, of all others the whole."""
    return network.networks[0] if isinstance(network, Peers) else network


@dataclass(frozen=True, slots=True)
class _Graphs:
    """The two parts of a network that reads, and the shapes of what goes from one to the other.

    Attributes:
        encoder: a picture (1, 1, H, W) to the memory's tensors, then the state's.
        step: tokens (N,), memory and state to logits (N, K), attention (N, H', W') and the next state.
        memory: names of the memory's tensors, and their axes that a picture's size decides.
        state: the same axes of each of the state's tensors, besides their first, the hypotheses.
    """

    encoder: nn.Module
    step: nn.Module
    memory: Mapping[str, _Axes]
    state: tuple[_Axes, ...]

    @classmethod
    def of(cls, network: FormulaNetwork, branch: int) -> _Graphs:
        """Those of one branch, in evaluation mode.

        Raises:
            ModelError: the network has no such branch.
        """
        count = len(network.decoders)
        if branch not in range(count):
            raise ModelError(f"there is no branch {branch}; the network has {count}, the first is 0")
        reading = network.for_reading(branch).train(False)
        grid = {1: "rows", 2: "columns"}
        if isinstance(reading, Bttr):
            cells, read = {3: "cells"}, {3: "read"}
            memory = {"keys": cells, "values": cells, "mask": grid}
            return cls(BttrEncoderGraph(reading), BttrStepGraph(reading), memory, (read, read))
        vectors = [_NO_AXES] * (2 if reading.config.cell == "lstm" else 1)
        memory = {"features": {1: "cells"}, "projected": {1: "cells"}}
        return cls(EncoderGraph(reading), StepGraph(reading), memory, (*vectors, grid))

    def named(self, number: int) -> tuple[dict[str, _Axes], dict[str, _Axes]]:
        """Memory and state as branch `number`, from 1 on, names them; the encoder's features are all branches' own."""
        own = "" if number == 1 else f".{number}"
        memory = {MEMORY + n + ("" if n == "features" else own): axes for n, axes in self.memory.items()}
        prefix = STATE if number == 1 else f"{STATE}{number}."
        return memory, {f"{prefix}{i}": axes for i, axes in enumerate(self.state)}


class TorchFormulaRuntime:
    """A `recognition.FormulaRuntime` over one branch of the network itself, for validation and for parity."""

    def __init__(self, config: MathConfig, network: FormulaNetwork, *, branch: int = 0) -> None:
        self._vocab = config.vocabulary
        self._graphs = _Graphs.of(network, branch)
        self._device = next(network.parameters()).device

    @torch.inference_mode()
    def decoder(self, image: NDArray[np.float32]) -> StepDecoder:
        """A picture (H, W) to the decoder that is bound to it."""
        encoded = self._graphs.encoder(torch.from_numpy(image)[None, None].to(self._device))
        count = len(self._graphs.memory)
        special = (self._vocab.start, self._vocab.end, (self._vocab.pad,))
        return _TorchDecoder(self._graphs.step, encoded[:count], encoded[count:], *special)


@dataclass(frozen=True, slots=True)
class _TorchDecoder:
    """A `StepDecoder` over the step of a branch and one picture's memory and first state."""

    network: nn.Module
    memory: tuple[Tensor, ...]
    first: tuple[Tensor, ...]
    start: int
    end: int
    forbidden: tuple[int, ...]

    def begin(self) -> State:
        """See `StepDecoder`."""
        return tuple(part.cpu().numpy() for part in self.first)

    @torch.inference_mode()
    def step(self, tokens: NDArray[np.int64], state: State) -> StepOutput:
        """See `StepDecoder`."""
        device = self.memory[0].device
        given = [torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in (tokens, *state)]
        logits, attention, *following = self.network(given[0], *self.memory, *given[1:])
        maps = attention.float().cpu().numpy()
        return StepOutput(
            log_softmax(logits.float().cpu().numpy()), maps, tuple(part.cpu().numpy() for part in following)
        )


class _ManyBranches(nn.Module):
    """One encoder for several branches of a Catnet: the picture is encoded once, and each begins to read it."""

    def __init__(self, first: EncoderGraph, others: Sequence[CoverageDecoder]) -> None:
        super().__init__()
        self.first = first
        self.others = nn.ModuleList(others)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """(1, 1, H, W) -> what `EncoderGraph` gives, then of every other branch its projected memory and its state."""
        cells, projected, *state = self.first(image)
        found = [cells, projected, *state]
        mask = torch.ones_like(state[-1], dtype=torch.bool)
        for decoder in self.others:
            assert isinstance(decoder, CoverageDecoder)
            memory = decoder.project(Memory(cells, mask))
            assert memory.projected is not None
            found += [memory.projected, *decoder.begin(memory)]
        return tuple(found)


def formula_graphs(network: FormulaNetwork, *, all_branches: bool = False) -> dict[str, bytes]:
    """File name -> ONNX graph: the encoder and step decoders, named as `recognition.formula_runtime` reads them.

    Free are the picture's height and width and the number of hypotheses.

    Args:
        network: what was trained.
        all_branches: write every branch of a Catnet; else, and of a transformer, the first alone.
    """
    count = len(network.decoders) if all_branches and isinstance(network, Catnet) else 1
    parts = [_Graphs.of(network, branch) for branch in range(count)]
    encoder = parts[0].encoder
    if isinstance(encoder, EncoderGraph) and count > 1:
        encoder = _ManyBranches(encoder, [p.step.decoder for p in parts[1:] if isinstance(p.step, StepGraph)])
    picture = torch.rand(1, 1, 48, 80)
    with torch.no_grad():
        values = encoder.cpu()(picture)
    named = [part.named(number) for number, part in enumerate(parts, start=1)]
    axes = {name: free for memory, state in named for name, free in (*memory.items(), *state.items())}
    encoded = dict(zip(axes, values, strict=True))
    free = {"image": {2: "rows", 3: "columns"}, **axes}
    files = {ENCODER_FILE: _traced(encoder, (picture,), (["image"], list(axes)), free)}
    for number, (part, (memory, state)) in enumerate(zip(parts, named, strict=True), start=1):
        files[decoder_file(number)] = _step_graph(part.step.cpu(), memory, state, encoded)
    return files


def _step_graph(
    step: nn.Module, memory: Mapping[str, _Axes], state: Mapping[str, _Axes], encoded: Mapping[str, Tensor]
) -> bytes:
    """A step as a graph, traced on one picture's encoding."""
    # Traced with one hypothesis the axis would be frozen at places that broadcast it.
    two = [encoded[name].repeat(2, *[1] * (encoded[name].dim() - 1)) for name in state]
    given = (torch.zeros(2, dtype=torch.int64), *(encoded[name] for name in memory), *two)
    states = {name: {0: "hypotheses", **axes} for name, axes in state.items()}
    following = {name.replace(STATE, NEXT): _after_a_step(axes) for name, axes in states.items()}
    outputs = {"logits": _HYPOTHESES, "attention": {0: "hypotheses", 1: "rows", 2: "columns"}, **following}
    inputs = {"token": _HYPOTHESES, **memory, **states}
    return _traced(step, given, (list(inputs), list(outputs)), {**inputs, **outputs})


def _after_a_step(axes: _Axes) -> _Axes:
    """A state's axes when one token more was read: what counts tokens is another number, and needs another name."""
    return {axis: "read_with_this" if name == "read" else name for axis, name in axes.items()}


def _traced(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    names: tuple[list[str], list[str]],
    axes: Mapping[str, _Axes],
) -> bytes:
    """A module as a graph; `names` are of its inputs and outputs, `axes` are their free ones."""
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: shapes that it sees as constants are constants here
        path = Path(scratch) / "graph.onnx"
        torch.onnx.export(
            module,
            inputs,
            str(path),
            input_names=names[0],
            output_names=names[1],
            dynamic_axes={name: dict(axes[name]) for name in (*names[0], *names[1]) if axes.get(name)},
            opset_version=OPSET,
            dynamo=False,
        )
        return path.read_bytes()


@dataclass(frozen=True, slots=True)
class FormulaParity:
    """How the exported graphs compare with the trained network.

    Attributes:
        formulas: compared.
        same_tokens: of them read alike, greedily.
        largest_difference: of any token's log-probability on those.
        wer_network, wer_graph: on those formulas.
    """

    formulas: int
    same_tokens: int
    largest_difference: float
    wer_network: float
    wer_graph: float

    @property
    def holds(self) -> bool:
        """Whether the graphs may stand for the network."""
        return self.same_tokens == self.formulas and self.largest_difference <= LARGEST_DIFFERENCE

    def told(self) -> str:
        """For people."""
        return (
            f"{self.same_tokens} of {self.formulas} formulas read alike; WER {self.wer_network:.4f} before, "
            f"{self.wer_graph:.4f} after; largest difference of a log-probability {self.largest_difference:.1e}"
        )


def compare_formulas(
    config: MathConfig, network: FormulaNetwork, graph: FormulaRuntime, samples: Sequence[Sample]
) -> FormulaParity:
    """Read formulas greedily with network and graphs and compare tokens and probabilities."""
    direct = TorchFormulaRuntime(config, network)
    largest, same = 0.0, 0
    pairs: tuple[list[FormulaPair], list[FormulaPair]] = ([], [])
    for sample in samples:
        image = prepare_formula(load_image(sample.image), config.image)
        one, other = (search(runtime.decoder(image))[0] for runtime in (direct, graph))
        if one.tokens == other.tokens:
            same += 1
            logs = [np.log(np.maximum(h.probabilities, 1e-12)) for h in (one, other)]
            largest = max(largest, float(np.abs(logs[0] - logs[1]).max(initial=0.0)))
        for found, hypothesis in zip(pairs, (one, other), strict=True):
            read = config.vocabulary.decode(hypothesis.tokens)
            found.append(FormulaPair(_reference(sample), read))
    network_wer, graph_wer = (score_formulas(found).wer for found in pairs)
    return FormulaParity(len(samples), same, largest, network_wer, graph_wer)


def _reference(sample: Sample) -> tuple[str, ...]:
    """The caption's tokens; what no caption can say is wrong in both readings alike."""
    try:
        return tuple(captioned(sample).text.split())
    except DataError:
        return tuple(sample.text.split())

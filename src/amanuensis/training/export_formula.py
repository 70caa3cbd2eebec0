"""Formula networks as the graphs that people read with: encoder and step decoder, and their parity with the network."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from amanuensis.decoding.attention import search
from amanuensis.decoding.steps import State, StepDecoder, StepOutput
from amanuensis.images import load_image
from amanuensis.images.formula import prepare_formula
from amanuensis.metrics import FormulaPair, score_formulas
from amanuensis.models import FormulaNetwork
from amanuensis.models.catnet import EncoderGraph, StepGraph
from amanuensis.recognition import FormulaRuntime, MathConfig
from amanuensis.recognition.formula_runtime import MEMORY, NEXT, STATE, log_softmax
from amanuensis.records import Sample

OPSET = 17
LARGEST_DIFFERENCE = 1e-2  # of a token's log-probability, between the trained network and the graphs
_MEMORY = ("features", "projected")


class TorchFormulaRuntime:
    """A `recognition.FormulaRuntime` over one branch of the network itself, for validation and for parity."""

    def __init__(self, config: MathConfig, network: FormulaNetwork, *, branch: int = 0) -> None:
        self._vocab = config.vocabulary
        reading = network.for_reading(branch).eval()
        self._device = next(network.parameters()).device
        self._encoder, self._step = EncoderGraph(reading).eval(), StepGraph(reading).eval()

    @torch.inference_mode()
    def decoder(self, image: NDArray[np.float32]) -> StepDecoder:
        """A picture (H, W) to the decoder that is bound to it."""
        encoded = self._encoder(torch.from_numpy(image)[None, None].to(self._device))
        return _TorchDecoder(self._step, encoded, self._vocab.start, self._vocab.end, (self._vocab.pad,))


@dataclass(frozen=True, slots=True)
class _TorchDecoder:
    """A `StepDecoder` over the step of a branch and one picture's encoding."""

    network: nn.Module
    encoded: tuple[Tensor, ...]
    start: int
    end: int
    forbidden: tuple[int, ...]

    def begin(self) -> State:
        """See `StepDecoder`."""
        return tuple(part.cpu().numpy() for part in self.encoded[len(_MEMORY) :])

    @torch.inference_mode()
    def step(self, tokens: NDArray[np.int64], state: State) -> StepOutput:
        """See `StepDecoder`."""
        memory = self.encoded[: len(_MEMORY)]
        device = memory[0].device
        given = [torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in (tokens, *state)]
        logits, attention, *following = self.network(given[0], *memory, *given[1:])
        maps = attention.float().cpu().numpy()
        return StepOutput(
            log_softmax(logits.float().cpu().numpy()), maps, tuple(part.cpu().numpy() for part in following)
        )


def formula_graphs(network: FormulaNetwork, *, branch: int = 0) -> tuple[bytes, bytes]:
    """Encoder and step decoder of one branch as ONNX graphs, named as `recognition.formula_runtime` reads them.

    Free are the picture's height and width and the number of hypotheses.
    """
    reading = network.for_reading(branch).cpu().eval()
    encoder, step = EncoderGraph(reading).eval(), StepGraph(reading).eval()
    picture = torch.rand(1, 1, 48, 80)
    with torch.no_grad():
        encoded = encoder(picture)
    memory, state = encoded[: len(_MEMORY)], encoded[len(_MEMORY) :]
    states = [f"{STATE}{i}" for i in range(len(state))]
    memories = [MEMORY + name for name in _MEMORY]
    following = [name.replace(STATE, NEXT) for name in states]
    grid = {2: "rows", 3: "columns"}
    axes = {"image": grid, **{name: {1: "cells"} for name in memories}}
    axes |= {states[-1]: {1: "rows", 2: "columns"}}
    encoder_graph = _traced(encoder, (picture,), ["image"], [*memories, *states], axes)
    free = {0: "hypotheses"}
    axes |= dict.fromkeys(("token", "logits", *states[:-1], *following[:-1]), free)
    maps = {**free, 1: "rows", 2: "columns"}
    axes |= dict.fromkeys(("attention", states[-1], following[-1]), maps)
    # Traced with one hypothesis the axis would be frozen at places that broadcast it.
    two = tuple(part.repeat(2, *[1] * (part.dim() - 1)) for part in state)
    tokens = torch.zeros(2, dtype=torch.int64)
    step_graph = _traced(
        step,
        (tokens, *memory, *two),
        ["token", *memories, *states],
        ["logits", "attention", *following],
        axes,
    )
    return encoder_graph, step_graph


def _traced(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    input_names: list[str],
    output_names: list[str],
    axes: dict[str, dict[int, str]],
) -> bytes:
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: shapes that it sees as constants are constants here
        path = Path(scratch) / "graph.onnx"
        torch.onnx.export(
            module,
            inputs,
            str(path),
            input_names=input_names,
            output_names=output_names,
            dynamic_axes={name: axes[name] for name in (*input_names, *output_names) if name in axes},
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
            found.append(FormulaPair(tuple(sample.text.split()), read))
    network_wer, graph_wer = (score_formulas(found).wer for found in pairs)
    return FormulaParity(len(samples), same, largest, network_wer, graph_wer)

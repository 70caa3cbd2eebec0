"""Running a formula model's graphs with ONNX Runtime: the encoder once, step decoders token by token.

The names of the graphs' inputs and outputs say how they fit: what a step takes as `memory.*` the encoder puts out
once, and it is given to every step as it is; what it takes as `state.*` the encoder begins, and the step returns the
next one as `next.*`, with the same ending. So a decoder of another kind is another pair of graphs and not another
runtime, and the branches of one network are step graphs that share an encoder: `decoder.onnx` is branch 1,
`decoder-2.onnx` branch 2. Names that branches do not share, they tell apart (`memory.projected.2`, `state.2.0`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from amanuensis.decoding.ensemble import Ensemble
from amanuensis.decoding.steps import State, StepDecoder, StepOutput
from amanuensis.errors import ModelError
from amanuensis.latex import TokenVocab
from amanuensis.recognition.config import MathConfig
from amanuensis.recognition.folder import DECODER_FILE, ENCODER_FILE, read_math_config
from amanuensis.recognition.formula_decoder import ALL_BRANCHES, Branch, checked_branch
from amanuensis.recognition.runtime import at_least_one, open_session

MEMORY, STATE, NEXT = "memory.", "state.", "next."
LOGITS, ATTENTION = "logits", "attention"


class FormulaRuntime(Protocol):
    """What turns a prepared picture into a decoder that is bound to it."""

    def decoder(self, image: NDArray[np.float32]) -> StepDecoder:
        """A picture (H, W) as `prepare_formula` gives it to the decoder of its tokens."""


class OnnxFormulaRuntime:
    """The graphs `encoder.onnx` and `decoder.onnx` of a model folder, or of another branch, or of all of them.

    The encoder maps `image` float32 (1, 1, H, W) to `memory.*` and `state.*`; a step maps `token` int64 (N,), its
    states with a leading N and its memory to `logits` (N, K), `attention` (N, H', W') if it tells, and `next.*`.
    """

    def __init__(self, folder: Path | str, threads: int = 1, *, branch: Branch = 1) -> None:
        """Load the graphs.

        Args:
            folder: a model folder.
            threads: of this model.
            branch: which one reads, from 1 on; "all" for their ensemble.

        Raises:
            ModelError: there is no such branch, or a graph is missing, cannot be loaded or does not fit the encoder.
        """
        self.config: MathConfig = read_math_config(folder)
        threads = at_least_one(threads, "number of threads")
        self._encoder = open_session(_existing(Path(folder) / ENCODER_FILE), threads)
        encoded = {node.name for node in self._encoder.get_outputs()}
        self._steps = [
            _Step.of(path, open_session(path, threads), encoded) for path in _chosen(Path(folder), branch)
        ]
        needed = (name for step in self._steps for name in (*step.memory, *step.states))
        self._encoded = list(dict.fromkeys(needed))

    def decoder(self, image: NDArray[np.float32]) -> StepDecoder:
        """See `FormulaRuntime`."""
        values = self._encoder.run(self._encoded, {"image": image[None, None]})
        encoded = dict(zip(self._encoded, values, strict=True))
        decoders = [_OnnxDecoder(step, encoded, self.config.vocabulary) for step in self._steps]
        return decoders[0] if len(decoders) == 1 else Ensemble(decoders)


class RuntimeEnsemble:
    """Several models that read one picture together (CATNet's "Ours-E", over whole networks)."""

    def __init__(self, runtimes: Sequence[OnnxFormulaRuntime]) -> None:
        """Bind models together.

        Raises:
            ModelError: there is none, or they differ in their tokens or in how a picture is prepared.
        """
        if not runtimes:
            raise ModelError("an ensemble needs at least one model")
        self._runtimes = tuple(runtimes)
        first = runtimes[0].config
        for other in (runtime.config for runtime in runtimes[1:]):
            if other.vocabulary != first.vocabulary:
                raise ModelError(f"{first.name} and {other.name} do not write the same tokens in one order")
            if other.image != first.image:
                raise ModelError(f"{first.name} and {other.name} do not prepare pictures alike")

    def decoder(self, image: NDArray[np.float32]) -> StepDecoder:
        """See `FormulaRuntime`."""
        return Ensemble([runtime.decoder(image) for runtime in self._runtimes])


def decoder_file(branch: int) -> str:
    """The file of a branch's step graph, in a model folder; branches are numbered from 1 on."""
    stem, suffix = DECODER_FILE.split(".")
    return DECODER_FILE if branch == 1 else f"{stem}-{branch}.{suffix}"


def num_branches(folder: Path | str) -> int:
    """How many branches of a model folder can read."""
    return next(n for n in itertools.count() if not (Path(folder) / decoder_file(n + 1)).is_file())


def _chosen(folder: Path, branch: Branch) -> list[Path]:
    """The step graphs of a branch or of all."""
    checked_branch(branch)
    first, there = _existing(folder / DECODER_FILE), num_branches(folder)
    if branch == ALL_BRANCHES:
        return [folder / decoder_file(n) for n in range(1, there + 1)]
    if branch not in range(1, there + 1):
        raise ModelError(f"{folder}: there is no branch {branch}; the model reads with {there}")
    return [first if branch == 1 else folder / decoder_file(int(branch))]


@dataclass(frozen=True, slots=True)
class _Step:
    """A step graph.

    Attributes:
        session: the graph.
        memory, states: its inputs of these kinds, in its order.
        outputs: logits, the attention if it tells, then a `next.*` for every state.
        tells_attention: whether it does.
    """

    session: ort.InferenceSession
    memory: tuple[str, ...]
    states: tuple[str, ...]
    outputs: tuple[str, ...]
    tells_attention: bool

    @classmethod
    def of(cls, path: Path, session: ort.InferenceSession, encoded: Iterable[str]) -> _Step:
        """The graph of a file, if the encoder's outputs `encoded` feed it and it feeds itself."""
        inputs = [node.name for node in session.get_inputs()]
        there = {node.name for node in session.get_outputs()}
        memory, states = (tuple(n for n in inputs if n.startswith(kind)) for kind in (MEMORY, STATE))
        following = [NEXT + name.removeprefix(STATE) for name in states]
        lacking = {*inputs} - {"token", *encoded} | {LOGITS, *following} - there
        if lacking:
            raise ModelError(
                f"{path}: does not fit the {ENCODER_FILE} beside it: {', '.join(sorted(lacking))} is missing"
            )
        tells = ATTENTION in there
        outputs = (LOGITS, *([ATTENTION] if tells else []), *following)
        return cls(session, memory, states, outputs, tells)


class _OnnxDecoder:
    """A `StepDecoder` over a step graph and one picture's encoding."""

    def __init__(self, step: _Step, encoded: dict[str, Any], vocab: TokenVocab) -> None:
        self._step = step
        self._memory = {name: encoded[name] for name in step.memory}
        self._first = tuple(encoded[name] for name in step.states)
        self.start, self.end, self.forbidden = vocab.start, vocab.end, (vocab.pad,)

    def begin(self) -> State:
        """See `StepDecoder`."""
        return self._first

    def step(self, tokens: NDArray[np.int64], state: State) -> StepOutput:
        """See `StepDecoder`."""
        step = self._step
        inputs = {"token": tokens, **self._memory, **dict(zip(step.states, state, strict=True))}
        logits, *rest = step.session.run(step.outputs, inputs)
        attention, following = (rest[0], rest[1:]) if step.tells_attention else (None, rest)
        return StepOutput(log_softmax(logits), attention, tuple(following))


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, K) logits to normalized natural logarithms."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    normalized: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalized


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ModelError(
            f"{path.parent}: the model has no {path.name} to read with; `amanuensis export` writes it"
        )
    return path

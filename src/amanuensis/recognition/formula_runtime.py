"""Running a formula model's two graphs with ONNX Runtime: the encoder once, the step decoder token by token.

The names of the graphs' inputs and outputs say how they fit: what the encoder calls `memory.*` is given to every
step as it is; what it calls `state.*` begins the decoder's state, and a step returns the next one as `next.*`. So
a decoder of another kind is another pair of graphs and not another runtime.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from amanuensis.decoding.steps import State, StepDecoder, StepOutput
from amanuensis.errors import ModelError
from amanuensis.latex import TokenVocab
from amanuensis.recognition.config import MathConfig
from amanuensis.recognition.folder import DECODER_FILE, ENCODER_FILE, read_math_config
from amanuensis.recognition.runtime import at_least_one, open_session

MEMORY, STATE, NEXT = "memory.", "state.", "next."


class FormulaRuntime(Protocol):
    """What turns a prepared picture into a decoder that is bound to it."""

    def decoder(self, image: NDArray[np.float32]) -> StepDecoder:
        """A picture (H, W) as `prepare_formula` gives it to the decoder of its tokens."""


class OnnxFormulaRuntime:
    """The graphs `encoder.onnx` and `decoder.onnx` of a model folder.

    The encoder maps `image` float32 (1, 1, H, W) to `memory.*` and `state.*`; a step maps `token` int64 (N,), the
    states with a leading N and the memory to `logits` (N, K), `attention` (N, H', W') and `next.*`.
    """

    def __init__(self, folder: Path | str, threads: int = 1) -> None:
        """Load both graphs.

        Args:
            folder: a model folder.
            threads: of this model.

        Raises:
            ModelError: a graph is missing, cannot be loaded, or the two do not fit each other.
        """
        self.config: MathConfig = read_math_config(folder)
        threads = at_least_one(threads, "number of threads")
        self._encoder, self._step = (
            open_session(_existing(Path(folder) / name), threads) for name in (ENCODER_FILE, DECODER_FILE)
        )
        self._encoded = [node.name for node in self._encoder.get_outputs()]
        _check_fit(folder, self._encoded, self._step)

    def decoder(self, image: NDArray[np.float32]) -> StepDecoder:
        """See `FormulaRuntime`."""
        values = self._encoder.run(self._encoded, {"image": image[None, None]})
        return _OnnxDecoder(self._step, dict(zip(self._encoded, values, strict=True)), self.config.vocabulary)


class _OnnxDecoder:
    """A `StepDecoder` over the step graph and one picture's encoding."""

    def __init__(self, step: ort.InferenceSession, encoded: dict[str, Any], vocab: TokenVocab) -> None:
        self._session = step
        self._memory = {name: value for name, value in encoded.items() if name.startswith(MEMORY)}
        self._states = [name for name in encoded if name.startswith(STATE)]
        self._first = tuple(encoded[name] for name in self._states)
        self._outputs = ["logits", "attention", *(NEXT + name.removeprefix(STATE) for name in self._states)]
        self.start, self.end, self.forbidden = vocab.start, vocab.end, (vocab.pad,)

    def begin(self) -> State:
        """See `StepDecoder`."""
        return self._first

    def step(self, tokens: NDArray[np.int64], state: State) -> StepOutput:
        """See `StepDecoder`."""
        inputs = {"token": tokens, **self._memory, **dict(zip(self._states, state, strict=True))}
        logits, attention, *following = self._session.run(self._outputs, inputs)
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


def _check_fit(folder: Path | str, encoded: Sequence[str], step: ort.InferenceSession) -> None:
    needed = {node.name for node in step.get_inputs()} - {"token"}
    if needed != {name for name in encoded if name.startswith((MEMORY, STATE))}:
        raise ModelError(f"{folder}: {ENCODER_FILE} and {DECODER_FILE} do not fit each other")

"""Running a model's graph with ONNX Runtime on a stated number of CPU threads; no PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from amanuensis.errors import ModelError
from amanuensis.recognition.batching import logits_of_lines
from amanuensis.recognition.folder import GRAPH_FILE, read_text_config

INPUTS = ("image", "widths")
OUTPUTS = ("logits", "lengths")
DEFAULT_BATCH_SIZE = 8


class Runtime(Protocol):
    """What turns prepared lines into logits."""

    def logits(self, images: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Images (H, W_i) to logits (T_i, V), each as if it were read alone."""


class OnnxRuntime:
    """The graph `model.onnx` of a model folder.

    Its inputs are `image` float32 (B, 1, H, W) and `widths` int64 (B,), the valid columns; its outputs
    `logits` float32 (B, T, V) and `lengths` int64 (B,), the valid frames.
    """

    def __init__(self, folder: Path | str, threads: int = 1, *, batch_size: int = DEFAULT_BATCH_SIZE) -> None:
        """Load the graph.

        Args:
            folder: a model folder.
            threads: of this model; many workers should have one each, or N workers take N x cores threads.
            batch_size: lines that go through the network together; it changes speed and memory only.

        Raises:
            ModelError: the folder lacks the graph, or ONNX Runtime or we cannot read it.
        """
        self.config = read_text_config(folder)
        self.batch_size = at_least_one(batch_size, "batch size")
        path = Path(folder) / GRAPH_FILE
        if not path.is_file():
            raise ModelError(
                f"{folder}: the model has no {GRAPH_FILE} to read with; `amanuensis export` writes it"
            )
        self._session = open_session(path, at_least_one(threads, "number of threads"))
        _check_signature(self._session, path)

    def logits(self, images: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Images (H, W_i) as `images.prepare` gives them to logits (T_i, V), in the same order."""
        config = self.config
        return logits_of_lines(
            images, self._forward, spec=config.image, stride=config.stride, batch_size=self.batch_size
        )

    def _forward(
        self, images: NDArray[np.float32], widths: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        logits, lengths = self._session.run(OUTPUTS, dict(zip(INPUTS, (images, widths), strict=True)))
        if logits.shape[2] != self.config.vocabulary.num_classes:
            raise ModelError(
                f"{self.config.name}: the graph has {logits.shape[2]} outputs, but the vocabulary needs "
                f"{self.config.vocabulary.num_classes}; the files are not of one model"
            )
        return logits, lengths


def at_least_one(value: int, what: str) -> int:
    """The value; a ModelError if it is less than 1."""
    if value < 1:
        raise ModelError(f"the {what} must be at least 1, not {value}")
    return value


def open_session(path: Path, threads: int) -> ort.InferenceSession:
    """A graph, ready to run on so many threads.

    Raises:
        ModelError: ONNX Runtime cannot load it.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # Idle threads sleep: spinning takes the core from other workers for a few percent of speed.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no base but Exception
        raise ModelError(f"{path}: ONNX Runtime {ort.__version__} cannot load it: {error}") from error


def _check_signature(session: ort.InferenceSession, path: Path) -> None:
    inputs = {node.name for node in session.get_inputs()}
    outputs = {node.name for node in session.get_outputs()}
    if inputs != set(INPUTS) or not outputs.issuperset(OUTPUTS):
        raise ModelError(
            f"{path}: it maps {', '.join(sorted(inputs))} to {', '.join(sorted(outputs))}; "
            f"a text model maps {', '.join(INPUTS)} to {', '.join(OUTPUTS)}"
        )

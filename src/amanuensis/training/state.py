"""The state to resume from: weights, optimizer moments and progress in one safetensors file, no pickle.

All randomness being a function of (seed, epoch, sample) and (seed, step), no generator's state is part of it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from amanuensis.errors import TrainingError
from amanuensis.recognition import write_atomically
from amanuensis.training.curriculum import CourseState

_UNREADABLE = (OSError, KeyError, RuntimeError, ValueError, TypeError, SafetensorError)


@dataclass(slots=True)
class Progress:
    """Where a run stands.

    Attributes:
        step: updates made.
        epoch, step_in_epoch: the epoch under way and its updates made.
        total_steps: of the whole run, fixed once (from the epochs or the budget).
        best_error: smallest validation error (CER of lines, WER of formulas) so far; the released weights are its.
        best_loss: the last validation loss that improved by what early stopping asks for.
        stale: validations since `best_loss` (or, where the rate is halved, `best_error`) improved.
        halvings: of the learning rate, because the validation error was stale.
        skipped: updates left out because a gradient was not finite.
        seconds: spent training, over all slices.
        course: where the training's course stands (curriculum, weights of data sets), if it follows one.
        stopped: why the run ended early, "" otherwise.
    """

    total_steps: int
    step: int = 0
    epoch: int = 0
    step_in_epoch: int = 0
    best_error: float = float("inf")
    best_loss: float = float("inf")
    stale: int = 0
    halvings: int = 0
    skipped: int = 0
    seconds: float = 0.0
    stopped: str = ""
    course: CourseState | None = None

    @property
    def done(self) -> float:
        """The share of all steps that is done."""
        return self.step / self.total_steps

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        return self.step >= self.total_steps or bool(self.stopped)


def save_state(
    path: Path, network: torch.nn.Module, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Write the state atomically: a crash leaves the previous one."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors.update({f"optimizer.{index}.{name}": value for name, value in moments.items()})
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(contiguous, {"progress": json.dumps(asdict(progress))}))


def load_state(path: Path, network: torch.nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Put a saved state into network and optimizer and return where the run stood.

    Raises:
        TrainingError: the file is not a state of this network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        network.load_state_dict(_with_prefix(tensors, "network."))
        _load_optimizer(optimizer, _with_prefix(tensors, "optimizer."))
        return _progress(json.loads(metadata["progress"]))
    except _UNREADABLE as error:
        raise TrainingError(f"{path}: not a state of this run, cannot resume from it: {error}") from error


def read_progress(path: Path) -> Progress:
    """Where the run of a saved state stood, without reading its tensors.

    Raises:
        TrainingError: the file is not a state.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return _progress(json.loads((file.metadata() or {})["progress"]))
    except _UNREADABLE as error:
        raise TrainingError(f"{path}: not a state of a run: {error}") from error


def _progress(stored: dict[str, Any]) -> Progress:
    course = stored.pop("course", None)
    return Progress(**stored, course=None if course is None else CourseState(**course))


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _load_optimizer(optimizer: torch.optim.Optimizer, moments: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in moments.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})

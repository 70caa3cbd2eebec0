"""A run's folder: what it was begun with, its log, its state, and the model folders `best/` and `last/`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from amanuensis.errors import TrainingError
from amanuensis.recognition import MathConfig, ModelConfig, TextConfig, write_atomically
from amanuensis.training.export import write_model_folder
from amanuensis.training.progress import Reporter
from amanuensis.training.recipe import Recipe, to_toml_dict
from amanuensis.training.state import Progress, load_state, read_progress, save_state
from amanuensis.training.validation import Validation

RUN_FILE = "run.json"
STATE_FILE = "state.safetensors"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is decided once and holds for all slices of a run.

    Attributes:
        config: of the model under training: alphabet, image spec, network.
        fingerprints: of the data sets.
        total_steps: from the epochs or the budget.
        facts: budget, device, start model, versions: for the reader.
    """

    config: TextConfig | MathConfig
    fingerprints: Mapping[str, str]
    total_steps: int
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run keeps its files."""

    path: Path

    @property
    def best(self) -> Path:
        """The model folder with the smallest validation CER."""
        return self.path / "best"

    @property
    def last(self) -> Path:
        """The model folder of the newest validation."""
        return self.path / "last"

    @property
    def state(self) -> Path:
        """What a run resumes from."""
        return self.path / STATE_FILE

    def begin(self, recipe: Recipe, beginning: Beginning) -> None:
        """Write down what the run is; a state that another one left here is not its own."""
        self.state.unlink(missing_ok=True)
        stored = {
            "recipe": to_toml_dict(recipe),
            "model": beginning.config.to_dict(),
            "fingerprints": dict(beginning.fingerprints),
            "total_steps": beginning.total_steps,
            **beginning.facts,
        }
        encoded = json.dumps(stored, indent=2, ensure_ascii=False) + "\n"
        write_atomically(self.path / RUN_FILE, encoded.encode())

    def resume(self, recipe: Recipe) -> Beginning | None:
        """What the run here was begun with; None if it was cut off before that was written.

        Raises:
            TrainingError: there is no run, it cannot be read, or it was begun with another recipe.
        """
        if not self.path.is_dir():
            raise TrainingError(f"{self.path}: there is no run to resume")
        path = self.path / RUN_FILE
        if not path.exists():
            return None
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            config = ModelConfig.from_dict(stored["model"])
            fingerprints, total_steps = stored["fingerprints"], int(stored["total_steps"])
            begun_by = dict(stored["recipe"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(f"{path}: cannot resume from it: {error}") from error
        self._check(begun_by, to_toml_dict(recipe), "was begun with another recipe; these sections differ")
        return Beginning(config, fingerprints, total_steps, {"start_from": stored.get("start_from")})

    def check_data(self, stored: Mapping[str, str], found: Mapping[str, str]) -> None:
        """The data must be what the run was begun with, or resuming would not equal going on.

        Raises:
            TrainingError: naming the data sets that changed.
        """
        self._check(stored, found, "these data sets are not what the run was begun with")

    def _check(self, stored: Mapping[str, Any], found: Mapping[str, Any], complaint: str) -> None:
        changed = sorted(key for key in {*stored, *found} if stored.get(key) != found.get(key))
        if changed:
            raise TrainingError(f"{self.path}: {complaint}: {', '.join(changed)}")

    def check_free(self) -> None:
        """A new run never writes over another.

        Raises:
            TrainingError: a run lies there already.
        """
        if (self.path / RUN_FILE).exists():
            raise TrainingError(
                f"{self.path}: holds a run already; --resume goes on with it, --out chooses another"
            )

    def create(self) -> None:
        """Make the folder, if it is not there."""
        self.path.mkdir(parents=True, exist_ok=True)

    def progress(self) -> Progress | None:
        """Where the run stands, without its weights; None if it has not come to its first state.

        Raises:
            TrainingError: the state cannot be read.
        """
        return read_progress(self.state) if self.state.exists() else None

    def load_progress(
        self, network: torch.nn.Module, optimizer: torch.optim.Optimizer, total_steps: int
    ) -> Progress:
        """Where the run stands, with the state put into network and optimizer."""
        if not self.state.exists():
            return Progress(total_steps=total_steps)
        return load_state(self.state, network, optimizer)


@dataclass(frozen=True)
class FolderRecorder:
    """The loop's `Recorder`: keeps state and models in the run's folder and tells the reporter the rest."""

    run: RunFolder
    config: TextConfig | MathConfig
    network: torch.nn.Module
    optimizer: torch.optim.Optimizer
    reporter: Reporter

    def step(self, progress: Progress, values: dict[str, float]) -> None:
        """See `Recorder`."""
        self.reporter.step(progress, values)

    def skipped(self, progress: Progress, keys: Sequence[str]) -> None:
        """See `Recorder`."""
        self.reporter.skipped(progress, keys)

    def checkpoint(self, progress: Progress) -> None:
        """See `Recorder`."""
        save_state(self.run.state, self.network, self.optimizer, progress)

    def validation(self, progress: Progress, result: Validation, *, best: bool) -> None:
        """See `Recorder`."""
        config = replace(self.config, scores={"val": {**result.scores, "step": progress.step}})
        if isinstance(config, TextConfig):
            config = replace(config, calibration=result.calibration)
        write_model_folder(self.run.last, config, self.network)
        if best:
            write_model_folder(self.run.best, config, self.network)
        # The state comes last: a crash before it repeats the validation, and so both folders.
        self.checkpoint(progress)
        self.reporter.validation(progress, result)

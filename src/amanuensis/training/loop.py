"""The one training loop. It knows steps, devices, time and files; the objective knows the mathematics.

Everything random in an update is a function of (seed, epoch, sample) or (seed, step), so that a resumed run equals
a straight one to the last bit on the same machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import torch
from torch import nn

from amanuensis.errors import TrainingError
from amanuensis.randomness import seed_for
from amanuensis.training.batches import Batch, TrainingSource, batches_of_epoch
from amanuensis.training.curriculum import Course, Guided
from amanuensis.training.distributed import World
from amanuensis.training.memory import give_back_free_memory
from amanuensis.training.objectives import Objective
from amanuensis.training.schedules import Schedule
from amanuensis.training.state import Progress
from amanuensis.training.validation import Validation

MAX_SKIPPED_IN_A_ROW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSettings:
    """The loop's numbers; their meaning stands in `recipe.TrainingSection` and its neighbours."""

    seed: int
    learning_rate: float
    schedule: Schedule
    warmup: float
    batch_size: int
    accumulate: int
    clip_norm: float
    patience: int
    min_improvement: float
    halve_after: int | None
    max_halvings: int
    validate_every: int
    checkpoint_every: int
    workers: int
    freeze: Sequence[str] = ()
    freeze_share: float = 1.0


class Recorder(Protocol):
    """What the loop tells about itself, and where it leaves its weights."""

    def step(self, progress: Progress, values: dict[str, float]) -> None:
        """An update was made."""

    def validation(self, progress: Progress, result: Validation, *, best: bool) -> None:
        """A validation was made and `progress` counts it: keep weights and state, the `best` ones apart."""

    def skipped(self, progress: Progress, keys: Sequence[str]) -> None:
        """An update was left out because of a gradient that is not finite; these lines were in it."""

    def checkpoint(self, progress: Progress) -> None:
        """Keep the state to resume from."""


@dataclass
class Fit:
    """One training run under way: call it to train to the end of `progress.total_steps`.

    `pause` is asked after every update; on True the state is kept and the call returns, the run unfinished.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    objective: Objective
    source: TrainingSource
    validate: Callable[[], Validation]
    settings: FitSettings
    progress: Progress
    recorder: Recorder | None
    device: torch.device
    world: World
    pause: Callable[[], bool] | None = None

    def __post_init__(self) -> None:
        self._wrapped = self.world.wrap(self.network)
        self._skipped_in_a_row = 0
        self._course = self._resumed_course()

    def __call__(self) -> Progress:
        """Train until all steps are made or validation stops improving."""
        while not self.progress.finished:
            if not self._epoch():
                return self.progress
            progress = self.progress
            if progress.epoch % self.settings.validate_every == 0 or progress.step >= progress.total_steps:
                self._validate()
        return self.progress

    def _resumed_course(self) -> Course | None:
        """The course that the source follows, if it does, where the progress left it."""
        course = self.source.course if isinstance(self.source, Guided) else None
        if course is not None and self.progress.course is not None:
            course.state = self.progress.course
        return course

    def _epoch(self) -> bool:
        """Train an epoch, or what is left of it; False if a pause came before its end."""
        progress, settings = self.progress, self.settings
        began = time.monotonic() - progress.seconds
        if (
            self._course is not None
        ):  # told what was done when the epoch began, though it may be resumed half-way
            self._course.begin(
                progress.epoch, (progress.step - progress.step_in_epoch) / progress.total_steps
            )
        plan = self.source.plan(progress.epoch, settings.batch_size, num_processes=self.world.size)
        for group in self._groups(plan):
            if progress.step >= progress.total_steps:
                return True
            self._update(group)
            progress.seconds = time.monotonic() - began
            paused = self._is_paused()
            if (paused or self._is_due()) and self.recorder:
                self.recorder.checkpoint(progress)
            if paused:
                return False
        progress.epoch += 1
        progress.step_in_epoch = 0
        return True

    def _is_due(self) -> bool:
        """Whether to keep the state; never after the last update, whose validation a resumed run would leave out."""
        progress = self.progress
        return progress.step % self.settings.checkpoint_every == 0 and progress.step < progress.total_steps

    def _is_paused(self) -> bool:
        """Whether to stop here, in all processes alike; never after the last update, which a validation follows."""
        if self.pause is None or self.progress.step >= self.progress.total_steps:
            return False
        return bool(self.world.agree(float(self.pause()))[0])

    def _groups(self, plan: list[list[int]]) -> Iterator[list[Batch]]:
        """The rest of an epoch's batches, `accumulate` at a time."""
        accumulate = self.settings.accumulate
        rest = [self.world.share_of(batch) for batch in plan[self.progress.step_in_epoch * accumulate :]]
        batches = batches_of_epoch(self.source, self.progress.epoch, rest, workers=self.settings.workers)
        while group := list(islice(batches, accumulate)):
            yield group

    def _update(self, group: list[Batch]) -> None:
        """One optimizer step: the mean over all lines of all batches (and processes) of the group."""
        self._prepare_step()
        num_lines = self._total(sum(len(batch.texts) for batch in group))
        parts: dict[str, float] = {}
        for position, batch in enumerate(group):
            with self.world.without_sync(self._wrapped, last=position == len(group) - 1):
                loss = self.objective(self._wrapped, batch.to(self.device), self.progress.done)
                (loss.total * (self.world.size / num_lines)).backward()  # type: ignore[no-untyped-call]
            for name, value in loss.parts.items():
                parts[name] = parts.get(name, 0.0) + value / sum(len(b.texts) for b in group)
        norm = float(nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip_norm))
        self._apply(norm, [key for batch in group for key in batch.keys])
        rate = max(g["lr"] for g in self.optimizer.param_groups)
        values = {**parts, "gradient_norm": norm, "learning_rate": rate, "lines": num_lines}
        if self._course is not None:
            values |= self._course.told()
        if self.recorder:
            self.recorder.step(self.progress, values)

    def _prepare_step(self) -> None:
        settings, progress = self.settings, self.progress
        torch.manual_seed(seed_for("step", settings.seed, progress.step, self.world.rank))
        factor = settings.schedule(progress.done, settings.warmup) * 0.5**progress.halvings
        rate = settings.learning_rate * factor
        frozen = progress.done < settings.freeze_share
        for group in self.optimizer.param_groups:
            group["lr"] = 0.0 if group["frozen"] and frozen else rate
        self._wrapped.train()
        for name in settings.freeze if frozen else ():
            self.network.get_submodule(name).train(False)  # running statistics stay too
        self.optimizer.zero_grad(set_to_none=True)

    def _apply(self, norm: float, keys: Sequence[str]) -> None:
        progress = self.progress
        if norm < float("inf"):  # False for NaN too
            self.optimizer.step()
            self._skipped_in_a_row = 0
        else:
            progress.skipped += 1
            self._skipped_in_a_row += 1
            if self.recorder:
                self.recorder.skipped(progress, keys)
            if self._skipped_in_a_row >= MAX_SKIPPED_IN_A_ROW:
                raise TrainingError(
                    f"{MAX_SKIPPED_IN_A_ROW} updates in a row had gradients that are not finite; "
                    f"the last one held {', '.join(keys[:4])}. Lower optimizer.learning_rate"
                )
        progress.step += 1
        progress.step_in_epoch += 1

    def _total(self, num_lines: int) -> int:
        if self.world.size == 1:
            return num_lines
        count = torch.tensor(num_lines, device=self.device)
        torch.distributed.all_reduce(count)
        return int(count)

    def _validate(self) -> None:
        progress = self.progress
        result = self.validate() if self.world.leads else None
        give_back_free_memory()
        loss, error, *errors = self.world.agree(*self._measured(result))
        best = error < progress.best_error
        progress.best_error = min(error, progress.best_error)
        if self._course is not None:
            progress.course = self._course.advance(progress.epoch, progress.done, error, errors)
        if self.settings.halve_after is None:
            self._stop_early(loss, read_better=best)
        else:
            self._halve(self.settings.halve_after, improved=best)
        if result is not None and self.recorder:
            self.recorder.validation(progress, result, best=best)

    def _measured(self, result: Validation | None) -> list[float]:
        """Loss, error, and the errors of the sets that the course asks for: as many numbers in every process."""
        if result is None:
            return [0.0, 0.0, *([0.0] * len(self._course.sets) if self._course else [])]
        return [result.loss, result.error, *(self._course.errors_of(result.scores) if self._course else [])]

    def _stop_early(self, loss: float, *, read_better: bool) -> None:
        """HTR-JAND's end (R5): the validation loss has not improved for `patience` validations of the last stage.

        Our addition: nor has the error. Late in a cycle it often falls while the loss does not, and the best model is
        the one of the smallest error.
        """
        progress, settings = self.progress, self.settings
        counts = self._course is None or self._course.was_in_last_stage(progress.epoch)
        improved = loss < progress.best_loss - settings.min_improvement
        if improved:  # not with every smaller loss: many steps that are each too small would never add up
            progress.best_loss = loss
        progress.stale = progress.stale + 1 if counts and not improved and not read_better else 0
        if progress.stale >= settings.patience and progress.step < progress.total_steps:
            progress.stopped = f"validation has not improved for {progress.stale} times"

    def _halve(self, after: int, *, improved: bool) -> None:
        """CATNet's end (section 4.2; spec C23): half the rate when the error is stale, until it was halved enough."""
        progress = self.progress
        progress.stale = 0 if improved else progress.stale + 1
        if progress.stale < after:
            return
        progress.stale, progress.halvings = 0, progress.halvings + 1
        if progress.halvings > self.settings.max_halvings and progress.step < progress.total_steps:
            progress.stopped = f"the learning rate was halved {self.settings.max_halvings} times"

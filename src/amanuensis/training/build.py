"""The composition root: the only place that turns the names of a recipe into networks, data, objectives and files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from amanuensis.errors import TrainingError
from amanuensis.models import num_parameters
from amanuensis.training import formula_task, text_task
from amanuensis.training.batches import batches_of_epoch
from amanuensis.training.budget import TIMED_BATCHES, parse_duration, seconds_per_batch, steps_within
from amanuensis.training.distributed import World, world_of_this_process
from amanuensis.training.loop import Fit, FitSettings
from amanuensis.training.objectives import InBfloat16, Objective
from amanuensis.training.optimizers import OptimizerSettings, make_optimizer
from amanuensis.training.progress import Console, Reporter, duration
from amanuensis.training.recipe import Recipe, load_recipe
from amanuensis.training.run import Beginning, FolderRecorder, RunFolder
from amanuensis.training.schedules import SCHEDULES
from amanuensis.training.task import Parts, Task, named, versions
from amanuensis.training.weights import Start, load_start

FEW_LINES = 1000  # below this a model from scratch reads badly: spec/product.md, pain 2
TASKS: Mapping[str, Task] = {"text": text_task, "math": formula_task}


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a user says beside the recipe.

    Attributes:
        out: the run's folder; by default `runs/RECIPE`.
        resume: go on with the run that lies there.
        start_from: a model to fine-tune.
        budget: a time, e.g. "2h30m", in place of the recipe's epochs.
        pause_after: a time after which to stop where it is, to be resumed; the run's length stays what it is.
        device: "cpu", "cuda", ...; by default CUDA if there is one.
        threads: of PyTorch, in this process.
        quiet: print nothing but errors.
    """

    out: Path | None = None
    resume: bool = False
    start_from: str | None = None
    budget: str | None = None
    pause_after: str | None = None
    device: str | None = None
    threads: int | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a training happens: on what device, beside which processes, who hears of it, and until when."""

    device: torch.device
    world: World
    console: Console
    deadline: float | None = None

    def is_over(self) -> bool:
        """Whether the time until a pause is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline


def train(recipe: str | Path, *, overrides: Sequence[str] = (), options: RunOptions | None = None) -> Path:
    """Train by a recipe.

    Args:
        recipe: a shipped name or a TOML file.
        overrides: `section.key=value` changes, values as in TOML.
        options: where to, from what, for how long, on what.

    Returns:
        The folder of the model with the smallest validation error.

    Raises:
        RecipeError: the recipe is wrong.
        DataError: its data cannot be read.
        TrainingError: the run cannot start or go on.
    """
    options = options or RunOptions()
    checked = load_recipe(recipe, overrides)
    for told in filter(None, (options.budget, options.pause_after)):
        parse_duration(told)  # a slip is told before thousands of images are opened
    fit_settings(checked)
    if options.threads:
        torch.set_num_threads(options.threads)
    with world_of_this_process() as world:
        _check_shares(checked, world)
        return _train(checked, RunFolder(options.out or Path("runs") / Path(recipe).stem), options, world)


def _train(recipe: Recipe, run: RunFolder, options: RunOptions, world: World) -> Path:
    device = _device(options.device, world)
    console = Console(quiet=options.quiet or not world.leads)
    place = Place(device, world, console, _deadline(options))
    beginning = run.resume(recipe) if options.resume else None
    if not options.resume:
        run.check_free()
    elif beginning is None:
        console.say(f"{run.path}: was cut off before it began, so it begins anew")
    start = _start(run, options, beginning)
    task = TASKS[recipe.task]
    sources = task.read_samples(recipe)
    for warning in sources.warnings:
        console.say(f"warning: {warning}")
    run.create()  # a slip in a name leaves no empty folder behind
    if beginning is not None:
        run.check_data(beginning.fingerprints, sources.fingerprints)
    config = beginning.config if beginning else task.model_config(recipe, sources, start, console)
    parts = task.assemble(recipe, config, sources, console)
    if start is not None:
        start.put_into(parts.network)
    # A tenth faster on a CPU (docs/experiments.md); torch's stubs lack the keyword.
    parts.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if beginning is None:
        steps = total_steps(recipe, parts, options.budget, place)
        beginning = Beginning(config, sources.fingerprints, steps, _facts(options, device, world))
        if world.leads:
            run.begin(recipe, beginning)
    return _fit(recipe, parts, run, beginning, place)


def _check_shares(recipe: Recipe, world: World) -> None:
    """Every process needs a sample of every batch."""
    size = recipe.training.batch_size
    if size < world.size:
        raise TrainingError(
            f"training.batch_size: {size} samples cannot be shared among {world.size} processes; "
            "raise it, or start fewer"
        )


def _start(run: RunFolder, options: RunOptions, beginning: Beginning | None) -> Start | None:
    """The model that the network's weights come from; None where they are fresh, or those of a state."""
    if beginning is not None and run.state.exists():
        return None
    name = options.start_from if beginning is None else beginning.facts["start_from"]
    return load_start(name) if name else None


def _fit(recipe: Recipe, parts: Parts, run: RunFolder, beginning: Beginning, place: Place) -> Path:
    console, device, world = place.console, place.device, place.world
    settings = fit_settings(recipe)
    optimizer = make_optimizer(parts.network, _optimizer_settings(recipe), freeze=settings.freeze)
    progress = run.load_progress(parts.network, optimizer, beginning.total_steps)
    console.say(_summary(recipe, parts, progress.total_steps, place))
    recorder = None
    if world.leads:
        reporter = Reporter(run.path, resume_at=progress.step, console=console)
        reporter.left_out(parts.left_out)
        recorder = FolderRecorder(run, beginning.config, parts.network, optimizer, reporter)
        if progress.step == 0:
            recorder.checkpoint(progress)  # to resume from it needs no model that the run started from
    fit = Fit(
        network=parts.network,
        optimizer=optimizer,
        objective=_objective(recipe, parts),
        source=parts.train,
        validate=lambda: parts.measure(device),
        settings=settings,
        progress=progress,
        recorder=recorder,
        device=device,
        world=world,
        pause=place.is_over if place.deadline is not None else None,
    )
    finished = fit()
    if finished.finished:
        console.say(
            finished.stopped or f"done after {duration(finished.seconds)}; the best model is {run.best}"
        )
    else:
        console.say(f"paused after {finished.step} of {finished.total_steps} updates; --resume goes on")
    return run.best


def _deadline(options: RunOptions) -> float | None:
    """When to pause, by `time.monotonic`; the time that the data take to load counts."""
    return time.monotonic() + parse_duration(options.pause_after) if options.pause_after else None


def _objective(recipe: Recipe, parts: Parts) -> Objective:
    """The objective in the recipe's precision; validation stays in float32."""
    return InBfloat16(parts.objective) if recipe.training.precision == "bf16" else parts.objective


def _device(name: str | None, world: World) -> torch.device:
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise TrainingError(f"device {name!r} cannot be used: {error}") from error
    if device.type == "cuda" and world.size > 1:
        device = torch.device("cuda", world.rank % torch.cuda.device_count())
        torch.cuda.set_device(device)
    return device


def fit_settings(recipe: Recipe) -> FitSettings:
    """The loop's numbers of a recipe."""
    training, tuning = recipe.training, recipe.fine_tuning
    return FitSettings(
        seed=recipe.seed,
        learning_rate=recipe.optimizer.learning_rate,
        schedule=named(SCHEDULES, recipe.schedule.name, "schedule.name"),
        warmup=recipe.schedule.warmup,
        batch_size=training.batch_size,
        accumulate=training.accumulate,
        clip_norm=training.clip_norm,
        patience=training.patience,
        min_improvement=training.min_improvement,
        halve_after=recipe.schedule.halve_after,
        max_halvings=recipe.schedule.max_halvings,
        validate_every=training.validate_every,
        checkpoint_every=training.checkpoint_every,
        workers=training.workers,
        freeze=tuple(tuning.freeze) if tuning else (),
        freeze_share=tuning.freeze_share if tuning else 1.0,
    )


def _optimizer_settings(recipe: Recipe) -> OptimizerSettings:
    return OptimizerSettings(**recipe.optimizer.model_dump())


def total_steps(recipe: Recipe, parts: Parts, budget: str | None, place: Place) -> int:
    """Updates of the whole run: from the epochs, or from the budget by timing real batches once."""
    training, world = recipe.training, place.world
    last = training.epochs - 1  # at full strength, whatever the first ones keep to
    by_size: dict[int, int] = {}

    def steps_of(epoch: int) -> int:
        size = parts.train.num_samples(epoch)
        if size not in by_size:
            plan = parts.train.plan(epoch, training.batch_size, num_processes=world.size)
            by_size[size] = -(-len(plan) // training.accumulate)
        return by_size[size]

    if budget is None and training.updates is not None:
        return training.updates
    if budget is None:
        return sum(map(steps_of, range(training.epochs)))
    plan = parts.train.plan(last, training.batch_size)[:TIMED_BATCHES]
    per_batch = seconds_per_batch(
        parts.network,
        _objective(recipe, parts),
        batches_of_epoch(parts.train, last, plan, workers=training.workers),
        num_batches=len(plan),
        device=place.device,
    )
    steps = steps_within(
        parse_duration(budget),
        per_step=per_batch * training.accumulate / world.size,
        steps_per_epoch=steps_of(last),
        validate=lambda: parts.measure(place.device).seconds,
        validate_every=training.validate_every,
    )
    return int(world.agree(steps)[0])


def _summary(recipe: Recipe, parts: Parts, steps: int, place: Place) -> str:
    train, world = parts.train, place.world
    synthetic = f" + {train.num_synthetic} synthetic" if train.num_synthetic else ""
    processes = f", {world.size} processes" if world.size > 1 else ""
    summary = (
        f"{num_parameters(parts.network):,} parameters; {train.num_real}{synthetic} samples to train, "
        f"{parts.num_val} to validate; {steps} steps on {place.device}{processes}"
    )
    from_scratch = recipe.fine_tuning is None and not recipe.data.validate_on_train
    if recipe.task == "text" and from_scratch and train.num_real < FEW_LINES:
        summary += (
            f"\nwarning: {train.num_real} lines are too few to learn reading from; "
            "start from a model that reads: train --from text-small --data ..."
        )
    return summary


def _facts(options: RunOptions, device: torch.device, world: World) -> dict[str, object]:
    return {
        "start_from": options.start_from,
        "budget": options.budget,
        "device": str(device),
        "threads": torch.get_num_threads(),
        "processes": world.size,
        "versions": versions(),
    }

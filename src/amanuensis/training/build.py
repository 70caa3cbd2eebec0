"""The composition root: the only place that turns the names of a recipe into networks, data, objectives and files."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

import amanuensis
from amanuensis.decoding import min_frames
from amanuensis.errors import RecipeError, TrainingError
from amanuensis.images import AUGMENTATIONS, IMAGE_SPECS
from amanuensis.language import CharacterTable, TextNormalization, unify
from amanuensis.models import HtrJand, build_network, network_config, num_parameters
from amanuensis.randomness import seed_for
from amanuensis.recognition import Architecture, ModelConfig, TrainingData
from amanuensis.training.batches import TrainingLines, ValidationLines
from amanuensis.training.budget import parse_duration, seconds_per_batch, steps_within
from amanuensis.training.distributed import World, world_of_this_process
from amanuensis.training.loop import Fit, FitSettings, make_optimizer
from amanuensis.training.objectives import CtcObjective, InBfloat16, Objective
from amanuensis.training.progress import Console, Reporter, duration
from amanuensis.training.recipe import Recipe, load_recipe
from amanuensis.training.run import Beginning, FolderRecorder, RunFolder
from amanuensis.training.schedules import SCHEDULES
from amanuensis.training.sources import (
    LeftOut,
    Lines,
    Sources,
    fitting,
    read_sources,
    readable,
    synthetic_lines,
)
from amanuensis.training.validation import Validation, validate
from amanuensis.training.weights import Start, load_start, network_of

FEW_LINES = 1000  # below this a model from scratch reads badly: spec/product.md, pain 2
PRINTABLE_ASCII = "".join(map(chr, range(0x20, 0x7F)))
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a user says beside the recipe.

    Attributes:
        out: the run's folder; by default `runs/RECIPE`.
        resume: go on with the run that lies there.
        start_from: a model to fine-tune.
        budget: a time, e.g. "2h30m", in place of the recipe's epochs.
        device: "cpu", "cuda", ...; by default CUDA if there is one.
        threads: of PyTorch, in this process.
        quiet: print nothing but errors.
    """

    out: Path | None = None
    resume: bool = False
    start_from: str | None = None
    budget: str | None = None
    device: str | None = None
    threads: int | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """What a training is made of."""

    recipe: Recipe
    network: HtrJand
    objective: CtcObjective
    train: TrainingLines
    val: ValidationLines
    left_out: Sequence[LeftOut]

    @property
    def training_objective(self) -> Objective:
        """The objective in the recipe's precision; validation stays in float32."""
        return InBfloat16(self.objective) if self.recipe.training.precision == "bf16" else self.objective

    def measure(self, device: torch.device) -> Validation:
        """One validation of the network as it stands."""
        size = self.recipe.training.batch_size
        return validate(self.network, self.objective, self.val, batch_size=size, device=device)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a training happens: on what device, beside which processes, and who hears of it."""

    device: torch.device
    world: World
    console: Console


def train(recipe: str | Path, *, overrides: Sequence[str] = (), options: RunOptions | None = None) -> Path:
    """Train by a recipe.

    Args:
        recipe: a shipped name or a TOML file.
        overrides: `section.key=value` changes, values as in TOML.
        options: where to, from what, for how long, on what.

    Returns:
        The folder of the model with the smallest validation CER.

    Raises:
        RecipeError: the recipe is wrong.
        DataError: its data cannot be read.
        TrainingError: the run cannot start or go on.
    """
    options = options or RunOptions()
    checked = load_recipe(recipe, overrides)
    if options.budget:
        parse_duration(options.budget)  # a slip is told before thousands of images are opened
    if options.threads:
        torch.set_num_threads(options.threads)
    with world_of_this_process() as world:
        return _train(checked, RunFolder(options.out or Path("runs") / Path(recipe).stem), options, world)


def _train(recipe: Recipe, run: RunFolder, options: RunOptions, world: World) -> Path:
    device = _device(options.device, world)
    console = Console(quiet=options.quiet or not world.leads)
    place = Place(device, world, console)
    beginning = run.resume(recipe) if options.resume else None
    if not options.resume:
        run.create()
    start = load_start(options.start_from) if options.start_from and beginning is None else None
    sources = read_sources(recipe.data, recipe.seed)
    if beginning is not None:
        run.check_data(beginning.fingerprints, sources.fingerprints)
    config = beginning.config if beginning else model_config(recipe, sources, start, console)
    parts = assemble(recipe, config, sources, console)
    if start is not None:
        start.put_into(parts.network)
    # A tenth faster on a CPU (docs/experiments.md); torch's stubs lack the keyword.
    parts.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if beginning is None:
        steps = total_steps(parts, options.budget, device, world)
        beginning = Beginning(config, sources.fingerprints, steps, _facts(options, device, world))
        if world.leads:
            run.begin(recipe, beginning)
    return _fit(parts, run, beginning, place)


def _fit(parts: Parts, run: RunFolder, beginning: Beginning, place: Place) -> Path:
    console, device, world = place.console, place.device, place.world
    settings = fit_settings(parts.recipe)
    optimizer = make_optimizer(parts.network, settings)
    progress = run.load_progress(parts.network, optimizer, beginning.total_steps)
    console.say(_summary(parts, progress.total_steps, device, world))
    recorder = None
    if world.leads:
        reporter = Reporter(run.path, resume_at=progress.step, console=console)
        if progress.step == 0:
            reporter.left_out(parts.left_out)
        recorder = FolderRecorder(run, beginning.config, parts.network, optimizer, reporter)
    fit = Fit(
        network=parts.network,
        optimizer=optimizer,
        objective=parts.training_objective,
        lines=parts.train,
        validate=lambda: parts.measure(device),
        settings=settings,
        progress=progress,
        recorder=recorder,
        device=device,
        world=world,
    )
    finished = fit()
    console.say(finished.stopped or f"done after {duration(finished.seconds)}; the best model is {run.best}")
    return run.best


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


def model_config(recipe: Recipe, sources: Sources, start: Start | None, console: Console) -> ModelConfig:
    """What the run's model will be: alphabet (D6), network, image spec; the start model's where there is one.

    Raises:
        RecipeError: the recipe names no network and no model to start from is given, or they contradict.
    """
    normalization = start.config.normalization if start else TextNormalization(form=recipe.text.form)
    texts = [normalization(sample.text) for sample in sources.train]
    if recipe.synthetic:
        # A corpus may hold what the lines lack; each printable character is let in once, however rare.
        texts += [PRINTABLE_ASCII] * recipe.text.min_count
    vocab, removed = unify(texts, recipe.text.min_count)
    keys = (sample.key for sample in sources.train)
    known = start.config.vocabulary if start else vocab
    table = CharacterTable.compare(zip(keys, texts, strict=False), known)
    console.say(f"characters that are new, missing or rare in train:\n{table}")
    if removed and not start:
        console.say(
            f"left out of the alphabet: {len(removed)} characters seen fewer than {recipe.text.min_count} times"
        )
    architecture = _architecture(recipe, start)
    if start:
        vocab = start.config.vocabulary.union(vocab)
    network = build_network(architecture.name, vocab.num_classes, architecture.options)
    card = recipe.card
    return ModelConfig(
        name=card.name or (start.config.name + "-tuned" if start else architecture.name),
        description=card.description,
        architecture=architecture,
        vocabulary=vocab,
        image=start.config.image if start else _named(IMAGE_SPECS, recipe.image.spec, "image.spec"),
        normalization=normalization,
        stride=network.stride,
        parameters=num_parameters(network),
        languages=tuple(card.languages) or (start.config.languages if start else ()),
        data=tuple(TrainingData(credit.name, credit.licence) for credit in card.data),
        licence=card.licence,
        recipe=recipe.description,
        versions=versions(),
    )


def _architecture(recipe: Recipe, start: Start | None) -> Architecture:
    network = recipe.network
    if start is None:
        if network is None:
            raise RecipeError("this recipe fine-tunes: say which model with --from MODEL")
        height = _named(IMAGE_SPECS, recipe.image.spec, "image.spec").height
        if network_config(network.name, network.options).height != height:
            raise RecipeError(
                f"network.name: {network.name} does not read lines {height} px high; change image.spec"
            )
        return Architecture(network.name, network.options)
    told = start.config.architecture
    if network is not None and network.name != told.name:
        raise RecipeError(f"network.name: {network.name}, but {start.config.name} is a {told.name}")
    return Architecture(told.name, {**told.options, **(network.options if network else {})})


def assemble(recipe: Recipe, config: ModelConfig, sources: Sources, console: Console) -> Parts:
    """Network, objective and lines; and the lines that are not used, with reasons."""
    torch.manual_seed(seed_for("network", recipe.seed))
    network = network_of(config)
    objective = CtcObjective(
        config.vocabulary,
        config.normalization,
        auxiliary_weight=recipe.objective.auxiliary_weight,
        auxiliary_start=recipe.objective.auxiliary_start,
        auxiliary_warmup=recipe.objective.auxiliary_warmup,
    )
    console.say(f"opening {len(sources.train) + len(sources.val)} images once")
    train_lines, unreadable = readable(sources.train, config.image, "train")
    val_lines, val_unreadable = readable(sources.val, config.image, "val")
    train_lines, too_long = fitting(
        train_lines, lambda text: _min_width(text, objective, config.stride), "train"
    )
    return Parts(
        recipe,
        network,
        objective,
        _training_lines(recipe, config, train_lines),
        ValidationLines(val_lines.samples, val_lines.widths, config.image),
        [*sources.problems, *unreadable, *val_unreadable, *too_long],
    )


def _training_lines(recipe: Recipe, config: ModelConfig, lines: Lines) -> TrainingLines:
    return TrainingLines(
        samples=lines.samples,
        widths=lines.widths,
        spec=config.image,
        augmentation=_named(AUGMENTATIONS, recipe.augmentation.preset, "augmentation.preset"),
        seed=recipe.seed,
        synthetic=synthetic_lines(recipe.synthetic, config.image, recipe.seed),
        synthetic_share=recipe.synthetic.share if recipe.synthetic else 0.0,
    )


def _min_width(text: str, objective: CtcObjective, stride: int) -> int:
    """The prepared pixels that a text's CTC target needs; at least one frame."""
    return stride * max(1, min_frames(objective.encode(text)))


def fit_settings(recipe: Recipe) -> FitSettings:
    """The loop's numbers of a recipe."""
    training, tuning = recipe.training, recipe.fine_tuning
    return FitSettings(
        seed=recipe.seed,
        learning_rate=recipe.optimizer.learning_rate,
        weight_decay=recipe.optimizer.weight_decay,
        betas=recipe.optimizer.betas,
        schedule=_named(SCHEDULES, recipe.schedule.name, "schedule.name"),
        warmup=recipe.schedule.warmup,
        batch_size=training.batch_size,
        accumulate=training.accumulate,
        clip_norm=training.clip_norm,
        patience=training.patience,
        min_improvement=training.min_improvement,
        validate_every=training.validate_every,
        checkpoint_every=training.checkpoint_every,
        workers=training.workers,
        freeze=tuple(tuning.freeze) if tuning else (),
        freeze_share=tuning.freeze_share if tuning else 1.0,
    )


def total_steps(parts: Parts, budget: str | None, device: torch.device, world: World) -> int:
    """Updates of the whole run: from the epochs, or from the budget by timing real batches once."""
    training = parts.recipe.training
    batches = len(parts.train.plan(0, training.batch_size, num_processes=world.size))
    steps_per_epoch = -(-batches // training.accumulate)
    if budget is None:
        return training.epochs * steps_per_epoch
    per_batch = seconds_per_batch(
        parts.network,
        parts.training_objective,
        parts.train,
        batch_size=training.batch_size,
        workers=training.workers,
        device=device,
    )
    steps = steps_within(
        parse_duration(budget),
        per_step=per_batch * training.accumulate / world.size,
        steps_per_epoch=steps_per_epoch,
        validate=lambda: parts.measure(device).seconds,
        validate_every=training.validate_every,
    )
    return int(world.agree(steps)[0])


def _named(table: Mapping[str, T], name: str, key: str) -> T:
    if name not in table:
        raise RecipeError(f"{key}: nothing is called {name!r}; there are: {', '.join(table)}")
    return table[name]


def _summary(parts: Parts, steps: int, device: torch.device, world: World) -> str:
    lines = parts.train
    synthetic = f" + {lines.num_synthetic} synthetic" if lines.num_synthetic else ""
    processes = f", {world.size} processes" if world.size > 1 else ""
    summary = (
        f"{num_parameters(parts.network):,} parameters, {len(parts.objective.vocab)} characters; "
        f"{len(lines.samples)}{synthetic} lines to train, {len(parts.val.samples)} to validate; "
        f"{steps} steps on {device}{processes}"
    )
    from_scratch = parts.recipe.fine_tuning is None and not parts.recipe.data.validate_on_train
    if from_scratch and len(lines.samples) < FEW_LINES:
        summary += (
            f"\nwarning: {len(lines.samples)} lines are too few to learn reading from; "
            "start from a model that reads: train finetune --from text-small"
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


def versions() -> dict[str, str]:
    """What a run was made with."""
    return {
        "amanuensis": amanuensis.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }

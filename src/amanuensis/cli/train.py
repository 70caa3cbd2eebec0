"""`amanuensis train` and `amanuensis export`: thin doors to `amanuensis.training`."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from amanuensis.cli.console import count, note, teach
from amanuensis.cli.options import Quiet
from amanuensis.errors import DataError, MissingExtraError
from amanuensis.records import Sample

HELP = teach(
    "Train a network by a recipe. That is a TOML file, or the name of one that comes with the package; with --from it "
    "may be left out, and the one for as many lines as you have is taken. The run's folder holds its log, its state to "
    "resume from, and in best/ the best model, ready for transcribe -m.",
    (
        "amanuensis train --from text-small --data data/letters --out runs/letters",
        "teaches the shipped model the hand of your own lines, be they some dozens or thousands",
    ),
    (
        "amanuensis train --from text-small --data data/letters --fonts fonts/ --out runs/letters",
        "the same, with 3 lines of 10 written anew in these fonts: for when there are few",
    ),
    (
        "amanuensis train text-small --budget 2h30m --out runs/mine --resume",
        "goes on with a training for about two and a half hours that was cut off",
    ),
)
EXPORT_HELP = teach(
    "Export a trained model to ONNX. It then reads without PyTorch; with --check, network and graph are compared on "
    "lines of yours, and the comparison is kept in the model.",
    ("amanuensis export runs/letters -o letters", "makes the model folder letters/ of a run's best weights"),
    (
        "amanuensis export runs/letters -o letters --check data/letters",
        "and makes sure that both read every val line alike",
    ),
)


def train(
    recipe: Annotated[
        str | None, typer.Argument(metavar="RECIPE", help="A recipe's name or TOML file.")
    ] = None,
    *,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data", metavar="DATA", help="Train on this, not on what the recipe says; may be repeated."
        ),
    ] = None,
    fonts: Annotated[
        Path | None,
        typer.Option(
            "--fonts", metavar="DIR", help="Add synthetic lines of the train lines' texts in these fonts."
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one value of the recipe; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The run's folder; runs/RECIPE by default.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    start_from: Annotated[
        str | None, typer.Option("--from", metavar="MODEL", help="Start from this model's weights.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="TIME", help="Train for about this long, e.g. 2h30m.")
    ] = None,
    pause_after: Annotated[
        str | None,
        typer.Option("--pause-after", metavar="TIME", help="Stop after this time, to --resume later."),
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...; cuda if there is one.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="In place of the recipe's.")] = None,
    quiet: Quiet = False,
) -> None:
    """Train."""
    need_training("training")
    from amanuensis import training  # noqa: PLC0415

    options = training.RunOptions(
        out=out,
        resume=resume,
        start_from=start_from,
        budget=budget,
        pause_after=pause_after,
        device=device,
        threads=threads,
        quiet=quiet,
    )
    changes = training.tuning_changes(data or (), fonts)
    changes += [*(overrides or ()), *([] if seed is None else [f"seed={seed}"])]
    if start_from is not None and (recipe is None or recipe in training.TUNING_RECIPES):
        recipe = _tuning_recipe(recipe, changes, quiet=quiet)
    if recipe is None:
        raise typer.BadParameter("name a recipe, or with --from a model to start from")
    typer.echo(training.train(recipe, overrides=changes, options=options))


def _tuning_recipe(recipe: str | None, changes: list[str], *, quiet: bool) -> str:
    """The recipe that was named, or the one that fits the lines; where they differ, that is said."""
    from amanuensis import training  # noqa: PLC0415

    fitting, number = training.fitting_recipe(recipe, changes)
    if recipe is None:
        note(f"{count(number, 'train line')}: by the recipe {fitting}", quiet=quiet)
    elif recipe != fitting:
        note(f"{count(number, 'train line')}: the recipe {fitting} is made for so many", quiet=quiet)
    return recipe or fitting


def export(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_MODEL", help="A run's folder or a model folder.")],
    *,
    target: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The model folder to write.")],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--check", metavar="DATA", help="Compare network and graph on this data; may be repeated."
        ),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="Which lines of it.")] = "val",
    reports: Annotated[
        list[Path] | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Keep these scores (of evaluate --json) in the model; may be repeated.",
        ),
    ] = None,
    with_attention: Annotated[
        bool, typer.Option("--with-attention", help="Keep attention weights as an output of the graph.")
    ] = False,
    all_branches: Annotated[
        bool, typer.Option("--all-branches", help="Of a formula network: keep every branch that learned.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Export."""
    need_training("export")
    from amanuensis import training  # noqa: PLC0415

    samples = _samples(data, split) if data else []
    kept = [_report(path) for path in reports or ()]
    report = training.export_model(
        source,
        target,
        with_attention=with_attention,
        all_branches=all_branches,
        samples=samples,
        reports=kept,
    )
    if report is not None:
        note(report.told(), quiet=quiet)
    typer.echo(target)


def _report(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a report of evaluate --json: {error}") from error
    if not isinstance(report, dict):
        raise DataError(f"{path}: not a report of evaluate --json")
    return report


def _samples(paths: list[Path], split: str) -> list[Sample]:
    from amanuensis.data import read_datasets  # noqa: PLC0415

    samples = [sample for dataset in read_datasets(paths) for sample in dataset.split(split)]
    if not samples:
        raise DataError(f"no line is in the split {split!r} of {', '.join(map(str, paths))}")
    return samples


def need_training(feature: str) -> None:
    """Say what to install before an import fails.

    Raises:
        MissingExtraError: the extra `train` is not complete.
    """
    for package in ("torch", "pydantic", "onnx", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(f"{feature} (it lacks {package})", "train")

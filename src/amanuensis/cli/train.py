"""`amanuensis train` and `amanuensis export`: thin doors to `amanuensis.training`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from amanuensis.cli.console import note, teach
from amanuensis.cli.options import Quiet
from amanuensis.errors import MissingExtraError

HELP = teach(
    "Train a network by a recipe. That is a TOML file, or the name of one that comes with the package. The "
    "run's folder holds its log, its state to resume from and the best model, ready for transcribe -m.",
    (
        "amanuensis train text-small --set data.train='[\"data/letters\"]' --budget 2h30m --out runs/letters",
        "trains from scratch on your lines for two and a half hours",
    ),
    (
        "amanuensis train fine-tune --from text-small --out runs/letters --resume",
        "goes on with a run that was cut off; it began with the shipped model",
    ),
)
EXPORT_HELP = teach(
    "Export a trained model to ONNX. It then reads without PyTorch, and is checked to read the same.",
    ("amanuensis export runs/letters -o letters", "makes the model folder letters/ of a run's best weights"),
    (
        "amanuensis export runs/letters -o letters --with-attention",
        "keeps the attention weights as an output",
    ),
)


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name or TOML file.")],
    *,
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
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...; cuda if there is one.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="In place of the recipe's.")] = None,
    quiet: Quiet = False,
) -> None:
    """Train."""
    _need_training("training")
    from amanuensis import training  # noqa: PLC0415

    folder = training.train(
        recipe,
        overrides=overrides or (),
        out=out,
        resume=resume,
        start_from=start_from,
        budget=budget,
        device=device,
        threads=threads,
        seed=seed,
        quiet=quiet,
    )
    typer.echo(folder)


def export(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_MODEL", help="A run's folder or a model folder.")],
    target: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The model folder to write.")],
    with_attention: Annotated[
        bool, typer.Option("--with-attention", help="Keep attention weights as an output of the graph.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Export."""
    _need_training("export")
    from amanuensis import training  # noqa: PLC0415

    report = training.export_model(source, target, with_attention=with_attention, validation=None)
    note(f"{report}", quiet=quiet)
    typer.echo(target)


def _need_training(feature: str) -> None:
    """Say what to install before an import fails.

    Raises:
        MissingExtraError: the extra `train` is not complete.
    """
    for package in ("torch", "pydantic", "onnx", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(f"{feature} (it lacks {package})", "train")

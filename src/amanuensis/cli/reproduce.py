"""`amanuensis reproduce`: train the rows of the papers' tables, and print the tables from what was read."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amanuensis.cli.console import note, print_json, print_table, teach
from amanuensis.cli.options import Json, Quiet
from amanuensis.cli.reproduce_text import tell_if_empty
from amanuensis.errors import DataError

if TYPE_CHECKING:
    from amanuensis.records import Sample
    from amanuensis.reproduce import Training

app = typer.Typer(no_args_is_help=True, help="The papers' tables from runs of your own.")

ABLATION_HELP = teach(
    "Train one row of CATNet's tables, or list the rows. It is `amanuensis train` with the changes that are printed, "
    "so that it can be done by hand; then it says how to read the test formulas with what was trained.",
    ("amanuensis reproduce math-ablation", "lists all rows, and which of them are trained"),
    (
        "amanuensis reproduce math-ablation --scale cpu --row +KL",
        "trains the row '+KL' of Table 2 at a size that a laptop can bear, in runs/math-cpu-kl",
    ),
    (
        "amanuensis reproduce math-ablation --scale paper --row BTTR-Dual --print",
        "only prints the commands",
    ),
)
TABLE_HELP = teach(
    "Print one of CATNet's Tables 1 to 7 from the result files of `amanuensis evaluate`: figures of ours with k and n "
    "and McNemar's test, 'not run' where there is no file, and what the paper prints in columns apart.",
    (
        "amanuensis reproduce math-table 2 --results results --scale cpu",
        "prints the ablation of the runs of scale cpu, as far as they were read",
    ),
    ("amanuensis reproduce math-table 7 --results results --json", "the same with all counts, for programs"),
)


class ScaleName(StrEnum):
    """How large the networks and their trainings are."""

    paper = "paper"
    small = "small"
    cpu = "cpu"


ScaleOption = Annotated[
    ScaleName,
    typer.Option(
        "--scale", help="paper: as printed, for a GPU; small: as math-small; cpu: a quarter of that."
    ),
]
Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="The folder of all runs.")]
Seed = Annotated[int, typer.Option("--seed", min=1, help="Of the trainings; every seed has runs of its own.")]


@app.command("math-ablation", help=ABLATION_HELP)
def math_ablation(
    *,
    row: Annotated[
        str | None, typer.Option("--row", help="As a table calls it; without it they are listed.")
    ] = None,
    scale: ScaleOption = ScaleName.cpu,
    seed: Seed = 1,
    runs: Runs = Path("runs"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut off.")] = False,
    only_print: Annotated[
        bool, typer.Option("--print", help="Print the commands and train nothing.")
    ] = False,
    device: Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...")] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads.")] = None,
    quiet: Quiet = False,
) -> None:
    """Train a row."""
    from amanuensis.reproduce import (  # noqa: PLC0415
        READINGS,
        SCALES,
        reading_commands,
        reading_named,
        training_of,
        years_of,
    )

    if row is None:
        _list_rows(scale.value, seed, runs)
        return
    name = reading_named(row)
    training = training_of(READINGS[name].system, scale.value, seed=seed, runs=runs)
    split = "test2014" if years_of(name) == (2014,) else "test"
    reading = reading_commands(name, scale.value, seed=seed, runs=runs, split=split)
    if only_print:
        typer.echo("\n".join([training.command(runs), *reading]))
        return
    note(f"{scale.value}: {SCALES[scale.value].label}\n{training.command(runs)}", quiet=quiet)
    _check_teacher(training, scale.value, seed)
    _train(training, runs / training.name, resume=resume, device=device, threads=threads, quiet=quiet)
    note("to read the test formulas with it:\n" + "\n".join(reading), quiet=quiet)


def _list_rows(scale: str, seed: int, runs: Path) -> None:
    from amanuensis.recognition import is_model_folder  # noqa: PLC0415
    from amanuensis.reproduce import READINGS, TABLES, training_of  # noqa: PLC0415

    rows: dict[tuple[str, str], list[str]] = {}
    for number, table in TABLES.items():
        for row in {row.title: row for of_year in table.rows.values() for row in of_year}.values():
            if row.reading is not None:
                rows.setdefault((row.title, row.reading), []).append(str(number))
    cells = []
    for (title, reading), numbers in rows.items():
        name = training_of(READINGS[reading].system, scale, seed=seed, runs=runs).name
        state = "trained" if is_model_folder(runs / name / "best") else "-"
        cells.append((title, ", ".join(numbers), name, state))
    print_table(("row", "tables", "run", ""), cells)


def _check_teacher(training: Training, scale: str, seed: int) -> None:
    from amanuensis.recognition import is_model_folder  # noqa: PLC0415

    if training.teacher is not None and not is_model_folder(training.teacher):
        raise DataError(
            f"{training.teacher}: {training.name} learns from this model, which is not there; train it first: "
            f"amanuensis reproduce math-ablation --row Baseline --scale {scale} --seed {seed}"
        )


def _train(
    training: Training, out: Path, *, resume: bool, device: str | None, threads: int | None, quiet: bool
) -> None:
    from amanuensis.cli.train import train  # noqa: PLC0415

    overrides = list(training.overrides)
    train(
        training.recipe,
        overrides=overrides,
        out=out,
        resume=resume,
        device=device,
        threads=threads,
        quiet=quiet,
    )


@app.command("math-table", help=TABLE_HELP)
def math_table(
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=7, help="The table: 1 to 7.")],
    *,
    results: Annotated[
        Path, typer.Option("--results", metavar="DIR", help="The folder of result files, of any names.")
    ] = Path("results"),
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DATA", help="CROHME; by default $AMANUENSIS_DATA/math/crohme."),
    ] = None,
    scale: ScaleOption = ScaleName.cpu,
    seed: Seed = 1,
    runs: Runs = Path("runs"),
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print a table."""
    from amanuensis.reproduce import SCALES, TABLES, Source, formulas_by_year, printed_table  # noqa: PLC0415

    table = TABLES[number]
    samples = _formulas(data)
    tell_if_empty(results, quiet=quiet)
    by_year = formulas_by_year(samples, table.rows, SCALES[scale.value].max_tokens)
    source = Source(results, scale.value, seed, by_year)
    parts, notes = printed_table(table, source, runs=runs)
    if as_json:
        print_json({"table": number, "parts": [part.document for part in parts], "notes": notes})
        return
    for part in parts:
        typer.echo(part.title)
        print_table(part.header, part.rows)
        typer.echo()
    for line in notes:
        note(line, quiet=quiet)


def _formulas(data: Path | None) -> list[Sample]:
    from amanuensis.data import read_datasets  # noqa: PLC0415

    if data is None and "AMANUENSIS_DATA" not in os.environ:
        raise DataError(
            "where is CROHME? Say so with --data, or set the environment variable AMANUENSIS_DATA"
        )
    folder = data or Path(os.environ["AMANUENSIS_DATA"]) / "math" / "crohme"
    return [sample for dataset in read_datasets([folder]) for sample in dataset.samples]

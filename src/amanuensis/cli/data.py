"""`amanuensis data`: what a data set holds, whether it is sound, and one file to move it in."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from amanuensis.cli.console import complain, count, note, print_json, print_table, teach
from amanuensis.cli.options import Json, Quiet

app = typer.Typer(no_args_is_help=True, help="Count, check and pack data sets of labelled lines.")

Paths = Annotated[list[Path], typer.Argument(metavar="DATA", help="Data sets: folders, tables or packs.")]

STATS_HELP = teach(
    "Count lines and characters of data sets: by split, distinct ones, the longest text (Table II of "
    "HTR-JAND, whose longest text is 2 longer).",
    ("amanuensis data stats data/*/", "a row for every data set, and one for all"),
    ("amanuensis data stats data/letters --json", "the same for programs"),
)
CHECK_HELP = teach(
    "Name what is wrong with data sets, opening every image: missing or broken images, empty texts, "
    "doublets, test lines that are also in train. Status 1 if anything is.",
    ("amanuensis data check data/letters", "checks one data set"),
    ("amanuensis data check data/*/ --json > problems.json", "checks several against each other too"),
)
PACK_HELP = teach(
    "Pack data sets into one .zip file. Images become grey and of a model's height: small, easy to move.",
    ("amanuensis data pack data/letters -o letters.zip", "packs for networks that read 64 pixels of height"),
    (
        "amanuensis data pack data/*/ -o all.zip --spec paper --codec jpeg",
        "packs several for the paper's 68 x 864 pixels; JPEG takes less room",
    ),
)


class Spec(StrEnum):
    """A named image spec."""

    cpu = "cpu"
    paper = "paper"


class Codec(StrEnum):
    """How packed images are encoded."""

    png = "png"
    jpeg = "jpeg"


@app.command("stats", help=STATS_HELP)
def stats(paths: Paths, as_json: Json = False) -> None:
    """Count."""
    from amanuensis.data import read_datasets, statistics  # noqa: PLC0415

    rows = [asdict(row) for row in statistics(read_datasets(paths))]
    if as_json:
        print_json(rows)
        return
    header = ("set", "train", "val", "test", "other", "vocab", "longest", "with 2", "problems")
    keys = ("train", "val", "test", "other", "vocab", "raw", "max_length", "problems")
    print_table(header, [(row["name"], *(f"{row[key]:,}" for key in keys)) for row in rows])


@app.command("check", help=CHECK_HELP)
def check(paths: Paths, as_json: Json = False, quiet: Quiet = False) -> None:
    """Check."""
    from amanuensis.data import check_datasets, read_datasets  # noqa: PLC0415

    datasets = read_datasets(paths)
    problems = check_datasets(datasets)
    num_lines = sum(len(dataset.samples) for dataset in datasets)
    if as_json:
        print_json({"lines": num_lines, "problems": [asdict(problem) for problem in problems]})
    else:
        for problem in problems:
            typer.echo(f"{problem}")
    note(f"{count(num_lines, 'line')} checked, {count(len(problems), 'problem')}", quiet=quiet)
    if problems:
        raise typer.Exit(1)


@app.command("pack", help=PACK_HELP)
def pack(
    paths: Paths,
    *,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.zip", help="The file to write.")],
    spec: Annotated[
        Spec, typer.Option("--spec", help="The image spec of the network to be trained.")
    ] = Spec.cpu,
    codec: Annotated[Codec, typer.Option("--codec", help="png keeps every pixel.")] = Codec.png,
    quiet: Quiet = False,
) -> None:
    """Pack."""
    from amanuensis.data import pack as pack_datasets  # noqa: PLC0415
    from amanuensis.data import read_datasets  # noqa: PLC0415
    from amanuensis.images import IMAGE_SPECS  # noqa: PLC0415

    output.parent.mkdir(parents=True, exist_ok=True)
    counts = pack_datasets(read_datasets(paths), output, IMAGE_SPECS[spec.value], codec.value)
    for problem in counts.problems:
        complain(f"{problem}")
    size = f"{counts.num_bytes / 1e6:.1f} MB"
    left_out = f", {count(len(counts.problems), 'problem')}" if counts.problems else ""
    note(f"{output}: {count(counts.num_samples, 'line')}, {size}{left_out}", quiet=quiet)
    if counts.problems:
        raise typer.Exit(1)

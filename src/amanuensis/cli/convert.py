"""`amanuensis data convert`: formulas as InkML, as JSON strokes, or as pictures with a table."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from amanuensis.cli.console import complain, count, note, teach
from amanuensis.cli.options import Quiet

HELP = teach(
    "Write formulas in another form: as InkML, as strokes in JSON, or drawn as pictures with a table labels.tsv. Each "
    "form can be read again. Status 1 if a formula could not be written; it is named.",
    (
        "amanuensis data convert crohme --split test2014 --to inkml -o crohme-2014",
        "one InkML file for each formula, its caption inside",
    ),
    ("amanuensis data convert notes/ --to pictures -o drawn", "draws InkML as it is drawn for reading"),
)


class Form(StrEnum):
    """What formulas are written as."""

    inkml = "inkml"
    json = "json"
    pictures = "pictures"


def convert(
    paths: Annotated[
        list[Path], typer.Argument(metavar="DATA", help="Data sets of formulas: CROHME, folders of InkML.")
    ],
    *,
    form: Annotated[Form, typer.Option("--to", help="The form to write.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="A new folder.")],
    split: Annotated[str | None, typer.Option("--split", help="Only this split.")] = None,
    quiet: Quiet = False,
) -> None:
    """Convert."""
    from amanuensis.data import read_datasets  # noqa: PLC0415
    from amanuensis.data.convert import convert as write  # noqa: PLC0415

    datasets = read_datasets(paths)
    samples = [s for d in datasets for s in (d.samples if split is None else d.split(split))]
    written, problems = write(samples, output, form.value)
    for problem in (*(p for d in datasets for p in d.problems), *problems):
        complain(str(problem))
    note(f"{count(written, 'formula')} written to {output}", quiet=quiet)
    if problems or not written:
        raise typer.Exit(1)

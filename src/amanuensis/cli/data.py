"""`amanuensis data`: what a data set holds, whether it is sound, and one file to move it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from amanuensis.cli.console import complain, count, note, print_json, print_table, teach
from amanuensis.cli.options import Json, Quiet
from amanuensis.records import Sample

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

SYNTH_HELP = teach(
    "Write synthetic lines: text in handwriting fonts, on paper, as scanned. Look at them on a contact sheet, beside "
    "real lines if you name some, before you train on them; or write them as a data set.",
    (
        "amanuensis data synth --corpus en=books.txt --fonts fonts --style archive --preview sheet.png",
        "24 lines in the style of old letters on one sheet",
    ),
    (
        "amanuensis data synth --corpus fr.txt.gz --fonts fonts --style archive --real data/letters "
        "--preview sheet.png > key.txt",
        "12 real train lines and 12 synthetic ones in random order; the key says which is which",
    ),
    (
        "amanuensis data synth --transcriptions data/letters --fonts fonts --style letter=1 --style archive=3 "
        "--count 2000 -o data/synthetic",
        "a data set of 2,000 lines with words of your own train lines",
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


@app.command("synth", help=SYNTH_HELP)
def synth(
    *,
    fonts: Annotated[Path, typer.Option("--fonts", metavar="DIR", help="A folder of .ttf and .otf fonts.")],
    corpora: Annotated[
        list[str] | None,
        typer.Option(
            "--corpus",
            metavar="FILE|LANG=FILE",
            help="A text file, one sentence a row, .gz or not. The language (en, fr, de, la) says how dates and "
            "old spellings look; by default it is the file's name up to its first dot.",
        ),
    ] = None,
    transcriptions: Annotated[
        list[Path] | None,
        typer.Option(
            "--transcriptions", metavar="DATA", help="Data sets whose train lines lend their words."
        ),
    ] = None,
    styles: Annotated[
        list[str] | None,
        typer.Option(
            "--style",
            metavar="NAME[=WEIGHT]",
            help="plain (the default), letter or archive; several are mixed.",
        ),
    ] = None,
    real: Annotated[
        list[Path] | None,
        typer.Option("--real", metavar="DATA", help="Data sets whose train lines are shown among them."),
    ] = None,
    preview: Annotated[
        Path | None, typer.Option("--preview", metavar="FILE.png", help="The contact sheet to write.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="The data set to write.")
    ] = None,
    number: Annotated[int, typer.Option("--count", min=1, help="How many lines.")] = 24,
    height: Annotated[int, typer.Option("--height", min=16, max=512, help="Pixels.")] = 64,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, other lines.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Write."""
    from amanuensis.data.contact_sheet import contact_sheet, exhibits, write_dataset  # noqa: PLC0415
    from amanuensis.data.pens import find_fonts  # noqa: PLC0415
    from amanuensis.data.synthetic import SyntheticLines  # noqa: PLC0415
    from amanuensis.data.transcriptions import Transcriptions  # noqa: PLC0415

    if preview is None and output is None:
        raise typer.BadParameter("nothing to write: name --preview FILE.png, or -o DIR, or both")
    lines = SyntheticLines(
        _corpora(corpora or ()),
        find_fonts(fonts),
        seed,
        height,
        style=_weights(styles or ("plain",)),
        transcriptions=Transcriptions.of(_train_lines(transcriptions)) if transcriptions else None,
    )
    if preview is not None:
        shown = exhibits(lines, number, real=_train_lines(real or ()), seed=seed, height=height)
        preview.parent.mkdir(parents=True, exist_ok=True)
        contact_sheet(shown).save(preview)
        for place, exhibit in enumerate(shown, start=1):
            typer.echo(f"{place}\t{exhibit.source or 'synthetic'}\t{exhibit.text}")
        note(f"{preview}: {count(len(shown), 'line')}", quiet=quiet)
    if output is not None:
        write_dataset(lines, output, number)
        note(f"{output}: {count(number, 'line')}", quiet=quiet)


def _corpora(named: Sequence[str]) -> dict[str, Path]:
    """Language -> file, from FILE or LANG=FILE."""
    corpora: dict[str, Path] = {}
    for value in named:
        language, equals, file = value.partition("=")
        if equals and language.isalpha():
            path = Path(file)
        else:
            path = Path(value)
            language = path.name.partition(".")[0]
        if language in corpora:
            raise typer.BadParameter(f"two corpora are called {language!r}: {corpora[language]} and {path}")
        corpora[language] = path
    return corpora


def _weights(styles: Sequence[str]) -> dict[str, float]:
    """Style -> weight, from NAME or NAME=WEIGHT."""
    weights = {}
    for value in styles:
        name, equals, weight = value.partition("=")
        try:
            weights[name] = float(weight) if equals else 1.0
        except ValueError:
            raise typer.BadParameter(f"--style {value}: {weight!r} is no number") from None
    return weights


def _train_lines(paths: Sequence[Path]) -> list[Sample]:
    """The lines of data sets that a training may see."""
    from amanuensis.data import read_datasets, train_samples  # noqa: PLC0415

    datasets = read_datasets(paths) if paths else ()
    return [sample for dataset in datasets for sample in train_samples(dataset.samples)]

"""`amanuensis lm`: make language models, measure them, exchange them, and tune how much they weigh in reading."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amanuensis.cli.console import count, note, print_json, print_table, teach
from amanuensis.cli.lm_tune import TUNE_HELP, tune
from amanuensis.cli.options import Json, Quiet
from amanuensis.errors import DataError, ModelError

if TYPE_CHECKING:
    from amanuensis.data.sequences import Sequences
    from amanuensis.language import NGramModel, Unit

app = typer.Typer(no_args_is_help=True, help="Language models that read lines and formulas along.")

TRAIN_HELP = teach(
    "Train an n-gram language model on text files (one sentence, line or formula a line; .gz too) and on the train "
    "splits of data sets. The perplexity is told on what the model has not seen: every fiftieth block of 100 rows of a "
    "text file, and the val splits; test splits are never looked at. A name in .arpa is written as ARPA.",
    (
        "amanuensis lm train english.txt.gz -o english.lm",
        "counts characters, to read lines along (about a minute for 20 MB)",
    ),
    (
        "amanuensis lm train english.txt.gz data/letters --repeat 20 --max-ngrams 400000 --bits 8 -o letters.lm",
        "lets the spelling of your own transcriptions count; a file of 2 MB",
    ),
    ("amanuensis lm train crohme -o formulas.lm", "counts the tokens of CROHME's distinct train captions"),
)
PERPLEXITY_HELP = teach(
    "Measure a language model: on all rows of text files, and on one split of data sets.",
    ("amanuensis lm perplexity english.lm unseen.txt", "how surprised it is by a symbol, on average"),
    ("amanuensis lm perplexity letters.lm data/letters --split val", "on the validation lines of a data set"),
)
CONVERT_HELP = teach(
    "Write a language model in the other format: a name in .arpa is ARPA, which other toolkits read and write; "
    "any other is a file that amanuensis reads with.",
    ("amanuensis lm convert english.lm english.arpa", "for another toolkit"),
    ("amanuensis lm convert theirs.arpa theirs.lm --unit words", "ARPA does not say what its symbols are"),
)
_ARPA = ".arpa"
_ORDERS = {"characters": 6, "tokens": 3, "words": 3}
_SHORTEST_LINE = 8


class UnitName(StrEnum):
    """What a language model's symbols are."""

    tokens = "tokens"
    characters = "characters"
    words = "words"


class SmoothingName(StrEnum):
    """How counts become probabilities."""

    witten_bell = "witten-bell"
    kneser_ney = "kneser-ney"


Sources = Annotated[list[Path], typer.Argument(metavar="SOURCE", help="Text files or data sets.")]
UnitOption = Annotated[
    UnitName | None,
    typer.Option(
        "--unit",
        help="Characters or words of lines, tokens of formulas; by default tokens if a source is a data set of "
        "formulas, else characters.",
    ),
]


@app.command("train", help=TRAIN_HELP)
def train(
    sources: Sources,
    *,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")],
    unit: UnitOption = None,
    order: Annotated[
        int | None,
        typer.Option(
            "--order",
            min=1,
            max=8,
            help="Symbols looked at together, the next one too: 6 characters, else 3.",
        ),
    ] = None,
    smoothing: Annotated[
        SmoothingName, typer.Option("--smoothing", help="How counts become probabilities.")
    ] = SmoothingName.witten_bell,
    max_ngrams: Annotated[
        int | None,
        typer.Option("--max-ngrams", min=1, help="Keep only so many n-grams, those that matter most."),
    ] = None,
    bits: Annotated[
        int, typer.Option("--bits", help="Of a probability: 32, or 8 for a file of a third the size.")
    ] = 32,
    min_count: Annotated[
        int | None,
        typer.Option(
            "--min-count", min=1, help="Rarer symbols are unknown: 3, words 2, tokens 1 by default."
        ),
    ] = None,
    line_length: Annotated[
        int | None,
        typer.Option(
            "--line-length",
            min=0,
            help="Put text files into lines of so many characters, spelt as transcribers do; 45 for characters, 0 for "
            "rows as they are.",
        ),
    ] = None,
    repeat: Annotated[
        int, typer.Option("--repeat", min=1, help="Count each text of a data set so often beside text files.")
    ] = 1,
    distinct: Annotated[
        bool | None,
        typer.Option(
            "--distinct/--repeated",
            help="Count a sequence once or as often as it is there; formulas once, lines as often.",
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train."""
    from amanuensis.data.sequences import Taking, read_sequences, unit_of  # noqa: PLC0415
    from amanuensis.language import Estimation, NGramModel, frequent_symbols  # noqa: PLC0415

    symbols: Unit = unit.value if unit else unit_of(sources)
    of_characters = symbols == "characters"
    length = (45 if of_characters else 0) if line_length is None else line_length
    if 0 < length < _SHORTEST_LINE:
        raise typer.BadParameter(f"--line-length is at least {_SHORTEST_LINE}, or 0 for rows as they are")
    once = symbols == "tokens" if distinct is None else distinct
    how = Estimation(smoothing.value, max_ngrams, bits)
    found = read_sequences(sources, symbols, Taking(once, length or None, repeat))
    _tell_what_is_left_out(found, quiet=quiet)
    rarest = min_count or {"characters": 3, "words": 2, "tokens": 1}[symbols]
    known = frequent_symbols(found.train, rarest)
    model = NGramModel.train(found.train, order or _ORDERS[symbols], known, unit=symbols, how=how)
    output.parent.mkdir(parents=True, exist_ok=True)
    _write(model, output)
    told = _described(model, found)
    if as_json:
        print_json({"file": str(output), **told})
        return
    print_table(("file", *told), [(str(output), *(_shown(value) for value in told.values()))])


@app.command("perplexity", help=PERPLEXITY_HELP)
def perplexity(
    model: Annotated[Path, typer.Argument(metavar="LM", help="A language model, or ARPA.")],
    sources: Sources,
    *,
    split: Annotated[str, typer.Option("--split", help="Of data sets.")] = "val",
    line_length: Annotated[
        int,
        typer.Option(
            "--line-length", min=0, help="As in lm train; 0 takes the rows of text files as they are."
        ),
    ] = 0,
    unit: UnitOption = None,
    as_json: Json = False,
) -> None:
    """Measure."""
    from amanuensis.data.sequences import Taking, read_measured  # noqa: PLC0415

    language = _read(model, unit)
    taking = Taking(line_length=line_length or None)
    found = read_measured(sources, language.unit, split, taking)
    num_symbols = sum(len(sequence) + 1 for sequence in found)
    unknown = sum(symbol not in language for sequence in found for symbol in sequence)
    told = {
        "unit": language.unit,
        "sequences": len(found),
        "symbols and ends": num_symbols,
        "unknown": unknown,
        "perplexity": round(language.perplexity(found), 3),
    }
    if as_json:
        print_json({"file": str(model), **told})
        return
    print_table(("file", *told), [(str(model), *(_shown(value) for value in told.values()))])


@app.command("convert", help=CONVERT_HELP)
def convert(
    source: Annotated[Path, typer.Argument(metavar="LM", help="A language model, or ARPA.")],
    target: Annotated[Path, typer.Argument(metavar="NEW", help="The file to write.")],
    *,
    unit: UnitOption = None,
) -> None:
    """Convert."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _write(_read(source, unit), target)


app.command("tune", help=TUNE_HELP)(tune)


def _read(path: Path, unit: UnitName | None) -> NGramModel:
    from amanuensis.language import NGramModel, read_arpa  # noqa: PLC0415

    if path.suffix.lower() != _ARPA:
        return NGramModel.load(path)
    if unit is None:
        raise DataError(f"{path}: ARPA does not say what its symbols are; say it with --unit")
    return read_arpa(path, unit.value)


def _write(model: NGramModel, path: Path) -> None:
    from amanuensis.language import write_arpa  # noqa: PLC0415

    try:
        if path.suffix.lower() == _ARPA:
            write_arpa(model, path)
        else:
            model.save(path)
    except OSError as error:
        raise ModelError(f"{path}: the language model cannot be written: {error.strerror}") from error


def _tell_what_is_left_out(found: Sequences, *, quiet: bool) -> None:
    if found.problems:
        note(
            f"{count(len(found.problems), 'text')} left out, the first: {found.problems[0]}",
            quiet=quiet,
        )
    if not found.complete:
        note(
            f"only the first {count(len(found.train), 'sequence')} are taken: the rest is too much to count",
            quiet=quiet,
        )


def _described(model: NGramModel, found: Sequences) -> dict[str, str | int | float | None]:
    return {
        "unit": model.unit,
        "order": model.order,
        "sequences": len(found.train),
        "symbols": len(model.symbols),
        "n-grams": sum(model.num_ngrams),
        "held-out perplexity": round(model.perplexity(found.held_out), 2) if found.held_out else None,
        "val perplexity": round(model.perplexity(found.val), 2) if found.val else None,
    }


def _shown(value: str | float | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:,}"

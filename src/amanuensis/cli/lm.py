"""`amanuensis lm`: train a language model, and find out how much it should weigh in reading formulas."""

from __future__ import annotations

from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amanuensis.cli.console import Progress, count, note, print_json, print_table, teach
from amanuensis.cli.options import Json, Quiet, Threads
from amanuensis.errors import DataError

if TYPE_CHECKING:
    from amanuensis.data.sequences import Sequences
    from amanuensis.evaluation.language_weight import WeightTrial
    from amanuensis.language import NGramModel
    from amanuensis.recognition import FormulaRecognizer
    from amanuensis.records import Sample

app = typer.Typer(no_args_is_help=True, help="Language models that read formulas along.")

TRAIN_HELP = teach(
    "Train an n-gram language model on text files (one formula, line or sentence a line; .gz too) or on the train "
    "splits of data sets. Of data sets, the perplexity on the val split is told; test splits are never looked at.",
    (
        "amanuensis lm train crohme -o lm.bin",
        "counts the tokens of CROHME's distinct train captions",
    ),
    (
        "amanuensis lm train crohme captions.txt.gz -o lm.bin --order 2",
        "and the formulas of a text file: captions or other LaTeX, one a line",
    ),
)
TUNE_HELP = teach(
    "Try weights of a language model on validation formulas: 0 (without it) to 0.5. With --save, the best weight and "
    "the language model become part of the model folder, and every reading with that model uses them.",
    (
        "amanuensis lm tune models/mine crohme --lm lm.bin",
        "prints ExpRate, WER and time for every weight",
    ),
    (
        "amanuensis lm tune models/mine crohme --lm lm.bin --limit 200 --save",
        "tries them on 200 formulas and keeps the best",
    ),
)


class UnitName(StrEnum):
    """What a language model's symbols are."""

    tokens = "tokens"
    characters = "characters"
    words = "words"


@app.command("train", help=TRAIN_HELP)
def train(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE", help="Text files or data sets.")],
    *,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")],
    order: Annotated[
        int, typer.Option("--order", min=1, max=6, help="Symbols looked at together, the next one included.")
    ] = 3,
    unit: Annotated[
        UnitName, typer.Option("--unit", help="tokens of formulas; characters or words of lines.")
    ] = UnitName.tokens,
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
    from amanuensis.data.sequences import read_sequences  # noqa: PLC0415
    from amanuensis.language import NGramModel  # noqa: PLC0415

    once = unit is UnitName.tokens if distinct is None else distinct
    found = read_sequences(sources, unit.value, distinct=once)
    _tell_what_is_left_out(found, quiet=quiet)
    model = NGramModel.train(found.train, order, unit=unit.value)
    output.parent.mkdir(parents=True, exist_ok=True)
    model.save(output)
    told = _described(model, found)
    if as_json:
        print_json({"file": str(output), **told})
        return
    print_table(("file", *told), [(str(output), *(_shown(value) for value in told.values()))])


def _tell_what_is_left_out(found: Sequences, *, quiet: bool) -> None:
    if found.problems:
        what = f"{count(len(found.problems), 'text')} left out, the first: {found.problems[0]}"
        note(what, quiet=quiet)
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
        "val perplexity": round(model.perplexity(found.val), 2) if found.val else None,
    }


def _shown(value: str | float | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:,}"


@app.command("tune", help=TUNE_HELP)
def tune(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model that reads formulas.")],
    paths: Annotated[list[Path], typer.Argument(metavar="DATA", help="Data sets: folders, tables or packs.")],
    *,
    language_model: Annotated[
        Path | None,
        typer.Option("--lm", metavar="FILE", help="What lm train wrote; by default the model's own."),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="Which formulas; never a test set.")] = "val",
    beam: Annotated[int, typer.Option("--beam", min=1, help="Hypotheses kept in the search.")] = 10,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only so many formulas, spread evenly over the data.")
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep language model, best weight and beam in the model folder.")
    ] = False,
    threads: Threads = 1,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tune."""
    from amanuensis.evaluation.language_weight import WEIGHTS, best_trial, try_weights  # noqa: PLC0415
    from amanuensis.recognition import FormulaRecognizer  # noqa: PLC0415

    if save and not Path(model).is_dir():
        raise DataError(f"{model}: --save changes a model folder of yours; name one")
    recognizer = FormulaRecognizer.load(
        model, threads=threads, beam=beam, language_model=language_model, language_weight=WEIGHTS[-1]
    )
    samples = _samples(paths, split, limit)
    with Progress("formulas", len(WEIGHTS) * len(samples), quiet=quiet) as progress:
        trials = list(try_weights(recognizer, samples, WEIGHTS, progress=progress.update))
    best = best_trial(trials)
    if as_json:
        print_json({"beam": beam, "best": best.weight, "trials": [_document(trial) for trial in trials]})
    else:
        _print_trials(trials, best)
    if save:
        _save(Path(model), recognizer, language_model, (trials[0], best))
        note(f"{model}: weight {best.weight:g} and beam {beam} are kept", quiet=quiet)


def _samples(paths: list[Path], split: str, limit: int | None) -> list[Sample]:
    from amanuensis.data import read_datasets  # noqa: PLC0415

    found = [sample for dataset in read_datasets(paths) for sample in dataset.split(split)]
    if not found:
        raise DataError(f"no formula is in the split {split!r} of {', '.join(map(str, paths))}")
    number = min(limit or len(found), len(found))
    return [found[i * len(found) // number] for i in range(number)]


def _document(trial: WeightTrial) -> dict[str, float]:
    return {**asdict(trial), "exprate": trial.exprate, "milliseconds": trial.milliseconds}


def _print_trials(trials: list[WeightTrial], best: WeightTrial) -> None:
    header = ("weight", "ExpRate %", "right", "WER %", "ms/formula", "")
    rows = [
        (
            f"{trial.weight:.2f}",
            f"{100 * trial.exprate:.2f}",
            f"{trial.num_right}/{trial.num_formulas}",
            f"{100 * trial.wer:.2f}",
            f"{trial.milliseconds:.0f}",
            "best" if trial is best else "",
        )
        for trial in trials
    ]
    print_table(header, rows)


def _save(
    folder: Path,
    recognizer: FormulaRecognizer,
    language_model: Path | None,
    measured: tuple[WeightTrial, WeightTrial],
) -> None:
    """The language model first: a folder whose config weighs one always has it."""
    from amanuensis.language import NGramModel  # noqa: PLC0415
    from amanuensis.recognition import write_config  # noqa: PLC0415
    from amanuensis.recognition.formula_language import LANGUAGE_MODEL_FILE  # noqa: PLC0415

    without, best = measured
    if language_model is not None and best.weight:
        NGramModel.load(language_model).save(folder / LANGUAGE_MODEL_FILE)
    config = recognizer.searching(language_weight=best.weight).config
    scores = {"without": _document(without), "with": _document(best), "beam": config.decoder.beam}
    write_config(folder, replace(config, scores={**config.scores, "language_model": scores}))

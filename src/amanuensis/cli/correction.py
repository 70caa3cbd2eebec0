"""`amanuensis correction`: make what corrects, for a model and its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amanuensis.cli.console import Progress, count, note, print_json, print_table, teach
from amanuensis.cli.options import DEFAULT_MODEL, BatchSize, Json, Quiet, Threads
from amanuensis.errors import DataError, ModelError

if TYPE_CHECKING:
    from amanuensis.data import Dataset
    from amanuensis.evaluation.tune_lexicon import ReadLine, TunedLexicon
    from amanuensis.language.lexicon import Lexicon
    from amanuensis.recognition import Recognizer

app = typer.Typer(
    no_args_is_help=True,
    help="Make correctors of what a model reads. A lexicon corrects at once with any list of words; tuned to a model "
    "and its data it corrects more and breaks less. Test splits are never looked at.",
)

LEXICON_HELP = teach(
    "Make a lexicon corrector for a model: words of the train lines and of lists, the model's confusions and the best "
    "settings from the val lines. The table tells what the settings do to the val lines (whose words are left out "
    "meanwhile). Status 1, and nothing is written, if no setting mends more than it breaks.",
    (
        "amanuensis correction lexicon data/letters -m runs/letters/best -o letters-lexicon",
        "words of your own transcriptions",
    ),
    (
        "amanuensis correction lexicon data/letters --words fr.tsv.gz -o letters-lexicon --language fra",
        "and those of a list; transcribe --correct lexicon --corrector letters-lexicon corrects by it",
    ),
)


@app.command("lexicon", help=LEXICON_HELP)
def lexicon(
    paths: Annotated[list[Path], typer.Argument(metavar="DATA", help="Data sets: folders, tables or packs.")],
    *,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder to write.")],
    model: Annotated[
        str, typer.Option("-m", "--model", metavar="MODEL", help="The model whose readings are corrected.")
    ] = DEFAULT_MODEL,
    lists: Annotated[
        list[Path] | None,
        typer.Option("--words", metavar="FILE", help="A list of words, with counts or not; may be repeated."),
    ] = None,
    max_harm: Annotated[
        float,
        typer.Option("--max-harm", min=0.0, max=1.0, help="The share of right words that may be broken."),
    ] = 0.01,
    languages: Annotated[
        list[str] | None, typer.Option("--language", metavar="CODE", help="For the record: eng, fra, ...")
    ] = None,
    threads: Threads = 1,
    batch_size: BatchSize = 8,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a lexicon corrector."""
    from amanuensis.correction import CorrectorConfig, write_lexicon_corrector  # noqa: PLC0415
    from amanuensis.data import read_datasets  # noqa: PLC0415
    from amanuensis.evaluation.tune_lexicon import scores_of, settings_to_dict, tune_lexicon  # noqa: PLC0415
    from amanuensis.recognition import Recognizer  # noqa: PLC0415

    datasets = read_datasets(paths)
    words = _words(datasets, lists or [])
    recognizer = Recognizer.load(model, threads=threads, batch_size=batch_size)
    lines = _read_validation(recognizer, datasets, quiet=quiet)
    with Progress("settings", 1, quiet=quiet) as progress:
        tuned = tune_lexicon(lines, words, max_harm=max_harm, progress=progress.update)
    _tell(tuned, as_json=as_json)
    if tuned.best is None:
        raise ModelError(
            f"no setting mends more than it breaks and harms at most {max_harm:.1%} of right words: nothing is written"
        )
    config = CorrectorConfig(
        kind="lexicon",
        theta=tuned.best.theta,
        context=1,
        settings=settings_to_dict(tuned.best.settings),
        languages=tuple(languages or ()),
        data=(*(dataset.name for dataset in datasets), *(path.name for path in lists or ())),
        scores={"model": recognizer.config.name, **scores_of(tuned, len(lines))},
    )
    write_lexicon_corrector(output, tuned.corrector, config=config)
    note(f"{output}: {count(len(tuned.corrector.lexicon), 'word')}; theta {tuned.best.theta}", quiet=quiet)


def _words(datasets: Sequence[Dataset], lists: list[Path]) -> Lexicon:
    from amanuensis.language.lexicon import Lexicon, read_lexicons  # noqa: PLC0415

    words = Lexicon.from_texts(sample.text for dataset in datasets for sample in dataset.split("train"))
    if lists:
        words = words.union(read_lexicons(lists))
    if not len(words):
        raise DataError("no words: the data has no train lines, and no list is named (--words)")
    return words


def _read_validation(recognizer: Recognizer, datasets: Sequence[Dataset], *, quiet: bool) -> list[ReadLine]:
    from amanuensis.evaluation.report import page_of  # noqa: PLC0415
    from amanuensis.evaluation.tune_lexicon import ReadLine  # noqa: PLC0415
    from amanuensis.records import Reading  # noqa: PLC0415

    samples = [sample for dataset in datasets for sample in dataset.split("val")]
    if not samples:
        raise DataError("no val lines in the data: the settings are chosen on them")
    spelt = recognizer.config.normalization
    lines, failed = [], []
    with Progress("lines", len(samples), quiet=quiet) as progress:
        results = recognizer.read_each(sample.image for sample in samples)
        for sample, reading in zip(samples, results, strict=True):
            progress.advance()
            if isinstance(reading, Reading):
                lines.append(ReadLine(spelt(sample.text), reading, page_of(sample)))
            else:
                failed.append(f"{sample.key}: {reading}")
    if failed:
        note(f"{count(len(failed), 'line')} could not be read, the first: {failed[0]}", quiet=quiet)
    if not lines:
        raise DataError("none of the val lines could be read")
    return lines


def _tell(tuned: TunedLexicon, *, as_json: bool) -> None:
    best = tuned.best
    if as_json:
        interval = tuned.difference.interval if tuned.difference else None
        print_json(
            {
                "cer_before": tuned.before.rate,
                "best": best.to_dict() if best else None,
                "cer_difference_interval": interval,
                "trials": [trial.to_dict() for trial in tuned.trials],
            }
        )
        return
    header = ("weight", "unknown letter", "theta", "CER %", "before", "rescued", "harm %", "")
    ranked = sorted(tuned.trials, key=lambda trial: trial.characters.edits)
    shown = ranked[:10] if best is None or best in ranked[:10] else [*ranked[:9], best]
    rows = [
        (
            f"{trial.settings.weight:g}",
            f"{trial.settings.unknown_letter:g}",
            f"{trial.theta:g}",
            f"{100 * trial.characters.rate:.2f}",
            f"{100 * tuned.before.rate:.2f}",
            f"{trial.harm.rescued:,}",
            f"{100 * trial.harm.harm_rate:.2f}",
            "best" if trial is best else "",
        )
        for trial in shown
    ]
    print_table(header, rows)

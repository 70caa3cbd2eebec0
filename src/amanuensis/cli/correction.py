"""`amanuensis correction`: make what corrects, for a model and its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amanuensis.cli.console import Progress, count, note, print_json, print_table, teach
from amanuensis.cli.options import DEFAULT_MODEL, BatchSize, Json, Quiet, Threads
from amanuensis.cli.train import need_training
from amanuensis.errors import DataError, ModelError

if TYPE_CHECKING:
    from amanuensis.data import Dataset
    from amanuensis.evaluation.choose_theta import ThetaTrial
    from amanuensis.evaluation.tune_lexicon import ReadLine, TunedLexicon
    from amanuensis.language import TextNormalization
    from amanuensis.language.lexicon import Lexicon
    from amanuensis.recognition import Recognizer
    from amanuensis.training.corrector_tagger import TrainedCorrector

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
    recognizer = Recognizer.load(model, threads=threads, batch_size=batch_size)
    words = _words(datasets, lists or [], recognizer.config.normalization)
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


def _words(datasets: Sequence[Dataset], lists: list[Path], spelt: TextNormalization) -> Lexicon:
    from amanuensis.data import train_samples  # noqa: PLC0415
    from amanuensis.language.lexicon import Lexicon, read_lexicons  # noqa: PLC0415

    words = Lexicon.from_texts(
        spelt(sample.text) for dataset in datasets for sample in train_samples(dataset.samples)
    )
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


PAIRS_HELP = teach(
    "Make pairs to train a corrector on: what is read in train lines by models that did not learn from them. For each "
    "of two folds (or more) the recipe is trained on the other pages, half as long, and reads those that were left "
    "out. The val lines are read by the model that is to be corrected.",
    (
        "amanuensis correction pairs text-small -m text-small --runs runs/folds -o pairs.jsonl",
        "trains two models in runs/folds; the same command goes on with what was cut off",
    ),
)
TAGGER_HELP = teach(
    "Train the small corrector: it keeps, deletes, replaces or inserts characters, and begins by keeping all. It is "
    "written only if its CER on the val pairs is below that of leaving lines alone, with a 95 % interval that leaves 0 "
    "out, and breaks no more right words than allowed; otherwise status 1.",
    (
        "amanuensis correction tagger pairs.jsonl -o tagger",
        "then transcribe --correct tagger --corrector tagger",
    ),
)
T5_HELP = teach(
    "Fine-tune T5 on pairs, or train a small one from scratch with a SentencePiece model of its own. It is written "
    "only if it helps, like the tagger. Needs the extra t5.",
    (
        "amanuensis correction t5 pairs.jsonl --from t5-small/ -o t5",
        "fine-tunes what lies in the folder t5-small",
    ),
    ("amanuensis correction t5 pairs.jsonl -o t5 --epochs 20", "trains a small T5 from nothing"),
)

Pairs = Annotated[list[Path], typer.Argument(metavar="PAIRS", help="What correction pairs wrote.")]
Folder = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder to write.")]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="Passes over the train pairs.")]
Rate = Annotated[float | None, typer.Option("--learning-rate", min=0.0, help="Of AdamW, at its peak.")]
Injected = Annotated[
    float, typer.Option("--injected", min=0.0, max=1.0, help="The share of lines with mistakes drawn anew.")
]
MaxHarm = Annotated[
    float, typer.Option("--max-harm", min=0.0, max=1.0, help="The share of right words that may be broken.")
]
Seed = Annotated[int, typer.Option("--seed", help="Of all that is drawn.")]


@app.command("pairs", help=PAIRS_HELP)
def pairs(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name or TOML file.")],
    *,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")],
    runs: Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where the folds are trained.")],
    folds: Annotated[int, typer.Option("--folds", min=2, help="Parts of the train pages.")] = 2,
    model: Annotated[
        str | None, typer.Option("-m", "--model", metavar="MODEL", help="The model that is to be corrected.")
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="MODEL", help="Start every fold from a model that never saw these lines."
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe; may be repeated."),
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads.")] = None,
    quiet: Quiet = False,
) -> None:
    """Make pairs."""
    need_training("making pairs")
    from amanuensis.correction.pairs import write_pairs  # noqa: PLC0415
    from amanuensis.training import RunOptions  # noqa: PLC0415
    from amanuensis.training.corrector_pairs import CrossFit, cross_fit  # noqa: PLC0415

    plan = CrossFit(recipe, folds, runs, tuple(overrides or ()), model)
    found = list(cross_fit(plan, options=RunOptions(threads=threads, quiet=quiet, start_from=start_from)))
    write_pairs(output, found)
    num_train = sum(pair.split == "train" for pair in found)
    note(
        f"{output}: {count(num_train, 'train pair')}, {count(len(found) - num_train, 'val pair')}",
        quiet=quiet,
    )


@app.command("tagger", help=TAGGER_HELP)
def tagger(
    paths: Pairs,
    *,
    output: Folder,
    epochs: Epochs = None,
    learning_rate: Rate = None,
    injected: Injected = 0.3,
    max_harm: MaxHarm = 0.01,
    seed: Seed = 1,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train an edit tagger."""
    need_training("training a corrector")
    from amanuensis.correction.pairs import read_pairs  # noqa: PLC0415
    from amanuensis.training.corrector_tagger import CorrectorTraining, train_tagger  # noqa: PLC0415

    settings = CorrectorTraining(
        epochs=epochs or 6,
        learning_rate=learning_rate or 2e-3,
        injected=injected,
        max_harm=max_harm,
        seed=seed,
    )
    _tell_trained(train_tagger(read_pairs(paths), output, settings=settings), as_json=as_json, quiet=quiet)


@app.command("t5", help=T5_HELP)
def t5(
    paths: Pairs,
    *,
    output: Folder,
    start: Annotated[
        str | None, typer.Option("--from", metavar="T5", help="A pre-trained T5: a folder or a hub id.")
    ] = None,
    epochs: Epochs = None,
    learning_rate: Rate = None,
    injected: Injected = 0.3,
    max_harm: MaxHarm = 0.01,
    seed: Seed = 1,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train T5."""
    need_training("training a corrector")
    from amanuensis.correction.pairs import read_pairs  # noqa: PLC0415
    from amanuensis.training.corrector_t5 import train_t5  # noqa: PLC0415
    from amanuensis.training.corrector_tagger import CorrectorTraining  # noqa: PLC0415

    settings = CorrectorTraining(
        epochs=epochs or 3,
        batch_size=16,
        learning_rate=learning_rate or 1e-3,
        injected=injected,
        max_harm=max_harm,
        seed=seed,
    )
    trained = train_t5(read_pairs(paths), output, settings=settings, start=start)
    _tell_trained(trained, as_json=as_json, quiet=quiet)


def _tell_trained(trained: TrainedCorrector, *, as_json: bool, quiet: bool) -> None:
    """What each theta does to the val pairs; status 1 if none helps."""
    if as_json:
        best = trained.best.to_dict() if trained.best else None
        print_json({"best": best, "trials": [trial.to_dict() for trial in trained.trials]})
    else:
        header = ("theta", "CER %", "before", "difference, 95 %", "rescued", "harm %", "")
        print_table(header, [_trial_row(trial, best=trial is trained.best) for trial in trained.trials])
    if trained.best is None:
        raise ModelError(
            "it is not better than leaving lines alone, within the bound on harm: nothing is written"
        )
    note(f"{trained.folder}: theta {trained.best.theta:g}", quiet=quiet)


def _trial_row(trial: ThetaTrial, *, best: bool) -> tuple[str, ...]:
    interval = trial.difference.interval
    return (
        f"{trial.theta:g}",
        f"{100 * trial.characters.rate:.2f}",
        f"{100 * trial.before.rate:.2f}",
        " to ".join(f"{100 * end:+.2f}" for end in interval) if interval else "-",
        f"{trial.harm.rescued:,}",
        f"{100 * trial.harm.harm_rate:.2f}",
        "best" if best else "",
    )

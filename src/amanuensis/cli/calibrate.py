"""`amanuensis calibrate`: make a model's confidences mean what they say, on validation lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amanuensis.cli.console import Progress, note, print_json, print_table, teach
from amanuensis.cli.options import BatchSize, Json, Language, Quiet, Search, Threads
from amanuensis.errors import DataError

if TYPE_CHECKING:
    from amanuensis.evaluation import CalibrationTrial
    from amanuensis.recognition import Calibration, Recognizer, TextConfig
    from amanuensis.records import Sample

HELP = teach(
    "Fit a model's confidences to what is right on validation lines, so that of the words with a confidence of 0.8 "
    "eight in ten are right. The table tells how far claims and truth lie apart before, and after on pages that were "
    "not fitted on. With --save, the fit becomes part of the model folder, and every reading with that model uses it.",
    (
        "amanuensis calibrate runs/letters/best data/letters",
        "shows what calibration would do for your model",
    ),
    (
        "amanuensis calibrate runs/letters/best data/letters --save",
        "and keeps it",
    ),
    (
        "amanuensis calibrate runs/letters/best data/letters --language fra --save",
        "the same for reading with a language model: every way of reading has confidences of its own",
    ),
    (
        "amanuensis calibrate runs/letters/best data/charters --language lat --toward fra --save",
        "for a language of few lines: as if 100 words more had been seen that the French calibration fits",
    ),
)


def calibrate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model that reads lines.")],
    paths: Annotated[list[Path], typer.Argument(metavar="DATA", help="Data sets: folders, tables or packs.")],
    *,
    split: Annotated[str, typer.Option("--split", help="Which lines; never a test split.")] = "val",
    decoder: Search = None,
    language: Language = None,
    toward: Annotated[
        str | None,
        typer.Option(
            "--toward",
            metavar="CODE",
            help="Lean on what is kept for another language, where the lines are few.",
        ),
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep the fit in the model folder.")] = False,
    threads: Threads = 1,
    batch_size: BatchSize = 8,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Calibrate."""
    from amanuensis.evaluation import evaluate, try_calibration  # noqa: PLC0415
    from amanuensis.recognition import LineOptions, Recognizer  # noqa: PLC0415

    if save and not Path(model).is_dir():
        raise DataError(f"{model}: --save changes a model folder of yours; name one")
    samples = _samples(paths, split)
    options = LineOptions(decoder, language)
    recognizer = Recognizer.load(model, threads=threads, batch_size=batch_size, options=options)
    leant = None if toward is None else _kept_for(recognizer.config, toward)
    if leant is not None and leant.words.asks_language and not recognizer.config.decoder.language_model:
        raise DataError(
            f"--toward {toward}: what is kept for it asks a language model, and these lines are read without one; "
            "choose one with --language"
        )
    with Progress("lines", len(samples), quiet=quiet) as progress:
        results = evaluate(recognizer.uncalibrated, samples, progress=progress.update)
    fitted, trials = try_calibration(results, samples, toward=leant)
    _tell(recognizer.config.decoder.mode, trials, as_json=as_json)
    if save:
        _save(Path(model), recognizer, fitted)
        note(f"{model}: the calibration is kept", quiet=quiet)


def _kept_for(config: TextConfig, language: str) -> Calibration:
    found = config.language_decoders.get(language)
    if found is None or found.mode not in config.calibration:
        raise DataError(
            f"--toward {language}: {config.name} keeps no calibration for {language!r} to lean on"
        )
    return config.calibration[found.mode]


def _samples(paths: list[Path], split: str) -> list[Sample]:
    from amanuensis.data import read_datasets  # noqa: PLC0415

    if split.startswith("test"):
        raise DataError("a calibration is fitted on validation lines, never on a test split")
    found = [sample for dataset in read_datasets(paths) for sample in dataset.split(split)]
    if not found:
        raise DataError(f"no line is in the split {split!r} of {', '.join(map(str, paths))}")
    return found


def _tell(mode: str, trials: Sequence[CalibrationTrial], *, as_json: bool) -> None:
    if as_json:
        print_json({"decoder": mode, **{trial.level: trial.to_dict() for trial in trials}})
        return
    header = ("confidence of", "claims", "off before", "off after", "slope", "shift", "language", "length")
    rows = [
        (
            trial.level,
            f"{trial.n:,}",
            _points(trial.before),
            _points(trial.after),
            f"{trial.fitted.slope:.3f}",
            f"{trial.fitted.shift:+.3f}",
            f"{trial.fitted.language:.3f}",
            f"{trial.fitted.length:.3f}",
        )
        for trial in trials
    ]
    print_table(header, rows)


def _points(error: float | None) -> str:
    return "-" if error is None else f"{100 * error:.1f} %"


def _save(folder: Path, recognizer: Recognizer, fitted: Calibration) -> None:
    """Under the mode that was calibrated; the model's other modes, and its own decoder, stay as they are."""
    from amanuensis.recognition import read_text_config, write_config  # noqa: PLC0415

    stored = read_text_config(folder)
    kept = {**stored.calibration, recognizer.config.decoder.mode: fitted}
    write_config(folder, replace(stored, calibration=kept))

"""`amanuensis lm tune`: how much a language model should weigh in reading, tried on validation data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amanuensis.cli.console import Progress, note, print_json, print_table, teach
from amanuensis.cli.options import Json, Quiet, Threads
from amanuensis.errors import DataError

if TYPE_CHECKING:
    from amanuensis.evaluation.language_tuning import LanguageTrial
    from amanuensis.evaluation.language_weight import WeightTrial
    from amanuensis.recognition import FormulaRecognizer, Recognizer
    from amanuensis.records import Sample

TUNE_HELP = teach(
    "Try weights of a language model on validation data. For lines of one language: CER, and how many right words it "
    "makes wrong (harm), with the 95 % upper bound of that; the best is the smallest CER of those whose bound is at "
    "most --max-harm. Where the lines hold too few words to show it of any, it is one of least harm. For formulas: "
    "ExpRate. With --save, the best weight and the language model become part of the model folder.",
    (
        "amanuensis lm tune runs/letters/best data/letters --language fra",
        "tries the French language model that comes along",
    ),
    (
        "amanuensis lm tune runs/letters/best data/letters --language fra --lm letters.lm --save",
        "tries one of your own and keeps it: transcribe --language fra then reads with it",
    ),
    (
        "amanuensis lm tune models/mine crohme --lm formulas.lm --limit 200 --save",
        "a language model of tokens, on 200 formulas",
    ),
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a command line asks for: the model, the language model, the data, and what to do with the best."""

    model: str
    language_model: str | None
    samples: list[Sample]
    language: str | None
    max_harm: float
    beam: int | None
    save: bool
    threads: int
    as_json: bool
    quiet: bool


def tune(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model that reads lines or formulas.")],
    paths: Annotated[list[Path], typer.Argument(metavar="DATA", help="Data sets: folders, tables or packs.")],
    *,
    language_model: Annotated[
        str | None,
        typer.Option(
            "--lm",
            metavar="FILE",
            help="What lm train wrote; by default the one that comes along for --language, or the formula model's own.",
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", metavar="CODE", help="Of lines: eng, fra, lat, ...")
    ] = None,
    split: Annotated[str, typer.Option("--split", help="Which samples; never a test set.")] = "val",
    max_harm: Annotated[
        float,
        typer.Option(
            "--max-harm",
            min=0.0,
            max=1.0,
            help="Of lines: right words that may be made wrong, a share: the limit of the upper bound.",
        ),
    ] = 0.01,
    beam: Annotated[
        int | None,
        typer.Option("--beam", min=1, help="Hypotheses kept in the search: 16 for lines, 10 for formulas."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only so many samples, spread evenly over the data.")
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep language model, best weight and beam in the model folder.")
    ] = False,
    threads: Threads = 1,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tune."""
    from amanuensis.recognition import TextConfig, find_model, read_config  # noqa: PLC0415

    if save and not Path(model).is_dir():
        raise DataError(f"{model}: --save changes a model folder of yours; name one")
    reads_lines = isinstance(read_config(find_model(model)), TextConfig)
    asked = _Asked(
        model,
        language_model,
        _samples(paths, split, limit),
        language,
        max_harm,
        beam,
        save,
        threads,
        as_json,
        quiet,
    )
    if reads_lines:
        _tune_lines(asked)
    elif language is not None:
        raise DataError(f"{model} reads formulas: they are in no language {language!r}")
    else:
        _tune_formulas(asked)


def _samples(paths: list[Path], split: str, limit: int | None) -> list[Sample]:
    from amanuensis.data import read_datasets  # noqa: PLC0415

    found = [sample for dataset in read_datasets(paths) for sample in dataset.split(split)]
    if not found:
        raise DataError(f"nothing is in the split {split!r} of {', '.join(map(str, paths))}")
    number = min(limit or len(found), len(found))
    return [found[i * len(found) // number] for i in range(number)]


def _tune_lines(asked: _Asked) -> None:
    from amanuensis.evaluation.language_tuning import (  # noqa: PLC0415
        best_language_trial,
        is_shown,
        num_trials,
        try_language,
    )

    if asked.language is None:
        raise DataError("which language are these lines in? Say so with --language (eng, fra, lat, ...)")
    recognizer = _line_recognizer(asked, asked.language)
    with Progress("lines", num_trials() * len(asked.samples), quiet=asked.quiet) as progress:
        told = try_language(recognizer, asked.samples, max_harm=asked.max_harm, progress=progress.update)
        trials = list(told)
    best = best_language_trial(trials, asked.max_harm)
    if asked.as_json:
        documents = [_line_document(trial) for trial in trials]
        print_json({"language": asked.language, "best": _line_document(best), "trials": documents})
    else:
        _print_line_trials(trials, best)
    if best is trials[0]:
        note("no weight is better than none within that harm", quiet=asked.quiet)
    elif not is_shown(best, asked.max_harm):
        note(
            f"{best.harm.right} right words are too few to show of any weight that it harms at most "
            f"{100 * asked.max_harm:g} %: the best is one of least harm",
            quiet=asked.quiet,
        )
    if not asked.save:
        return
    if best is not trials[0]:
        _save_language(Path(asked.model), recognizer, asked, (trials[0], best))
        note(f"{asked.model}: kept for {asked.language}: weight {best.weight:g}", quiet=asked.quiet)
    elif _forget_language(Path(asked.model), asked.language):
        note(f"{asked.model}: the weight kept for {asked.language} is taken out", quiet=asked.quiet)


def _line_recognizer(asked: _Asked, language: str) -> Recognizer:
    from amanuensis.evaluation.language_tuning import WEIGHTS  # noqa: PLC0415
    from amanuensis.recognition import LineOptions, Recognizer, tuned_search  # noqa: PLC0415

    options = LineOptions(language_model=asked.language_model or language, language_weight=WEIGHTS[0][0])
    loaded = Recognizer.load(asked.model, threads=asked.threads, options=options)
    return loaded.searching(tuned_search(loaded.config.decoder, asked.beam))


def _line_document(trial: LanguageTrial) -> dict[str, Any]:
    return {
        "weight": trial.weight,
        "bonus": trial.bonus,
        "margin": trial.margin,
        "lines": trial.scores.n,
        "cer": round(trial.scores.cer, 5),
        "wer": round(trial.scores.wer, 5),
        "harm": round(trial.harm.harm_rate, 5),
        "harm_bound": round(trial.harm.harm_bound(), 5) if trial.weight else 0.0,
        "right_words": trial.harm.right,
        "harmed": trial.harm.harmed,
        "rescued": trial.harm.rescued,
    }


def _print_line_trials(trials: list[LanguageTrial], best: LanguageTrial) -> None:
    header = (
        "weight",
        "bonus",
        "margin",
        "CER %",
        "WER %",
        "harm %",
        "at most",
        "harmed",
        "rescued",
        "CPU ms/line",
        "",
    )
    rows = [
        (
            f"{trial.weight:.3g}",
            f"{trial.bonus:.3g}",
            f"{trial.margin:.3g}",
            f"{100 * trial.scores.cer:.2f}",
            f"{100 * trial.scores.wer:.2f}",
            f"{100 * trial.harm.harm_rate:.2f}",
            f"{100 * trial.harm.harm_bound():.2f}" if trial.weight else "",
            f"{trial.harm.harmed}/{trial.harm.right}",
            f"{trial.harm.rescued}",
            f"{trial.milliseconds:.0f}",
            "best" if trial is best else "",
        )
        for trial in trials
    ]
    print_table(header, rows)


def _save_language(
    folder: Path, recognizer: Recognizer, asked: _Asked, measured: tuple[LanguageTrial, LanguageTrial]
) -> None:
    """The language model first: a config that names one always finds it.

    A calibration of that way of reading was fitted with another language model or weight, and goes.
    """
    from amanuensis.evaluation.language_tuning import weighed  # noqa: PLC0415
    from amanuensis.recognition import (  # noqa: PLC0415
        read_text_config,
        shipped_language_models,
        write_config,
    )

    assert asked.language is not None
    without, best = measured
    decoder = weighed(recognizer.config.decoder, best.weight, best.bonus, best.margin)
    if decoder.language_model not in shipped_language_models():
        assert recognizer.language is not None
        decoder = replace(decoder, language_model=f"lm-{asked.language}.bin")
        recognizer.language.characters.save(folder / decoder.language_model)
    config = read_text_config(folder)
    if decoder.mode in config.calibration:
        note(
            f"{folder}: its confidences for {asked.language} have to be calibrated again "
            f"(amanuensis calibrate {folder} DATA --language {asked.language} --save)",
            quiet=asked.quiet,
        )
    calibration = {mode: fitted for mode, fitted in config.calibration.items() if mode != decoder.mode}
    kept = {**config.language_decoders, asked.language: decoder}
    scores = {"without": _line_document(without), "with": _line_document(best)}
    known = config.scores.get("language_models", {})
    scores = {**config.scores, "language_models": {**known, asked.language: scores}}
    write_config(folder, replace(config, language_decoders=kept, calibration=calibration, scores=scores))


def _forget_language(folder: Path, language: str) -> bool:
    """Take out what an earlier tuning kept for a language, if one did, with its calibration and scores.

    The config first: it never names a language model that is gone.
    """
    from amanuensis.recognition import read_text_config, write_config  # noqa: PLC0415

    config = read_text_config(folder)
    if language not in config.language_decoders:
        return False
    kept = dict(config.language_decoders)
    decoder = kept.pop(language)
    calibration, scores = dict(config.calibration), dict(config.scores)
    if all(other.mode != decoder.mode for other in (config.decoder, *kept.values())):
        calibration.pop(decoder.mode, None)
    scores["language_models"] = {**scores.get("language_models", {})}
    scores["language_models"].pop(language, None)
    write_config(folder, replace(config, language_decoders=kept, calibration=calibration, scores=scores))
    own = f"lm-{language}.bin"
    if all(own != other.language_model for other in (config.decoder, *kept.values())):
        (folder / own).unlink(missing_ok=True)
    return True


def _tune_formulas(asked: _Asked) -> None:
    from amanuensis.evaluation.language_weight import WEIGHTS, best_trial, try_weights  # noqa: PLC0415
    from amanuensis.recognition import FormulaRecognizer  # noqa: PLC0415

    recognizer = FormulaRecognizer.load(
        asked.model,
        threads=asked.threads,
        beam=asked.beam or 10,
        language_model=asked.language_model,
        language_weight=WEIGHTS[-1],
    )
    with Progress("formulas", len(WEIGHTS) * len(asked.samples), quiet=asked.quiet) as progress:
        trials = list(try_weights(recognizer, asked.samples, WEIGHTS, progress=progress.update))
    best = best_trial(trials)
    beam = recognizer.config.decoder.beam
    if asked.as_json:
        print_json({"beam": beam, "best": best.weight, "trials": [_document(trial) for trial in trials]})
    else:
        _print_trials(trials, best)
    if asked.save:
        _save(Path(asked.model), recognizer, asked.language_model, (trials[0], best))
        note(f"{asked.model}: weight {best.weight:g} and beam {beam} are kept", quiet=asked.quiet)


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
    language_model: str | None,
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

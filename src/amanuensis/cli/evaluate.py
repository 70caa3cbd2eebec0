"""`amanuensis evaluate`: read labelled lines, keep what was read, score it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amanuensis.cli.console import Progress, count, note, teach
from amanuensis.cli.evaluate_pages import PageOptions, evaluate_pages
from amanuensis.cli.options import (
    DEFAULT_MODEL,
    BatchSize,
    Beam,
    Branch,
    ChangeMargin,
    Combination,
    Correct,
    CorrectorFolder,
    Finder,
    FinderName,
    Json,
    Language,
    LanguageModel,
    LanguageWeight,
    LengthBonus,
    Lexicons,
    Models,
    Quiet,
    Search,
    Theta,
    Threads,
    Together,
    WordModel,
    WordWeight,
    correction_of,
    formula_options,
    lexicon_of,
    line_options,
)
from amanuensis.cli.scores import Scoring, check_writable, read_rival
from amanuensis.errors import DataError

if TYPE_CHECKING:
    from amanuensis.correction import Correction
    from amanuensis.data import Dataset
    from amanuensis.evaluation import Results
    from amanuensis.language import TextNormalization
    from amanuensis.recognition import FormulaRecognizer, LineEnsemble, Recognizer
    from amanuensis.records import Sample

HELP = teach(
    "Score a model on labelled lines: CER, WER and SER as corpus counts, with 95 % intervals; or on formulas: ExpRate "
    "by token and by layout tree. What was read is kept line by line in a result file (without the reference) to be "
    "scored again.",
    (
        "amanuensis evaluate data/letters --split test --html report.html",
        "reads the test lines with the shipped model; the report shows the worst lines",
    ),
    (
        "amanuensis evaluate data/letters --split test --from-results letters.jsonl --json",
        "scores a result file again, without reading an image",
    ),
    (
        "amanuensis evaluate data/letters --split test --correct lexicon --lexicon words.txt",
        "corrects by a list of words, and says what that mended and what it broke",
    ),
    (
        "amanuensis evaluate --pages scans/ground-truth --html pages.html",
        "finds the lines of whole pages that have PAGE or ALTO files, reads them, and scores both",
    ),
    (
        "amanuensis evaluate crohme --split test2014 -m math --against one-branch.jsonl",
        "reads CROHME's formulas of 2014, and says whether another model's results differ by more than luck",
    ),
)


class Words(StrEnum):
    """How a text is cut into words."""

    whitespace = "whitespace"
    punctuation = "punctuation"


def evaluate(
    paths: Annotated[list[Path], typer.Argument(metavar="DATA", help="Data sets: folders, tables or packs.")],
    *,
    split: Annotated[
        str | None,
        typer.Option("--split", help="train, val, test, test2014, ...; not needed if there is only one."),
    ] = None,
    model: Models = [DEFAULT_MODEL],  # noqa: B006 - typer copies it
    combine: Together = Combination.vote,
    pages: Annotated[
        bool,
        typer.Option(
            "--pages", help="DATA are whole pages with PAGE or ALTO files: find their lines, then read."
        ),
    ] = False,
    finder: Finder = FinderName.auto,
    as_json: Json = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a report to look at.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            "--results",
            metavar="FILE",
            help="Where the result file goes; by default results-MODEL-SPLIT.jsonl, with a number if that is taken.",
        ),
    ] = None,
    from_results: Annotated[
        Path | None, typer.Option("--from-results", metavar="FILE", help="Score this file; read nothing.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only so many lines, spread evenly over the data.")
    ] = None,
    tokenizer: Annotated[
        Words, typer.Option("--tokenizer", help="Words end at white space, or at punctuation too.")
    ] = Words.whitespace,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without", metavar="SET", help="Give totals without this data set too; may be repeated."
        ),
    ] = None,
    decoder: Search = None,
    beam: Beam = None,
    language: Language = None,
    language_model: LanguageModel = None,
    language_weight: LanguageWeight = None,
    length_bonus: LengthBonus = None,
    change_margin: ChangeMargin = None,
    word_model: WordModel = None,
    word_weight: WordWeight = None,
    branch: Branch = None,
    limits: Annotated[
        bool, typer.Option("--limits/--no-limits", help="Of formulas: whether \\limits is compared.")
    ] = True,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Another model's results: is the difference luck?"),
    ] = None,
    correct: Correct = None,
    corrector: CorrectorFolder = None,
    lexicons: Lexicons = None,
    theta: Theta = None,
    oracle: Annotated[
        bool,
        typer.Option("--oracle", help="Let the lexicon know the words of these lines: a bound, no score."),
    ] = False,
    threads: Threads = 1,
    batch_size: BatchSize = 8,
    quiet: Quiet = False,
) -> None:
    """Read labelled lines and score."""
    from amanuensis.correction import with_answers  # noqa: PLC0415
    from amanuensis.data import read_datasets  # noqa: PLC0415
    from amanuensis.evaluation import correct_results, free_path, read_results, write_results  # noqa: PLC0415
    from amanuensis.recognition import load_recognizer  # noqa: PLC0415

    correction = correction_of(correct, corrector=corrector, lexicons=lexicons, theta=theta)
    if oracle and correction is None:
        raise typer.BadParameter("--oracle belongs to --correct lexicon")
    if from_results is not None and results is not None and correction is None:
        raise typer.BadParameter("a result file is either read (--from-results) or written (--results)")

    def load() -> Recognizer | LineEnsemble | FormulaRecognizer:
        return load_recognizer(
            model,
            threads=threads,
            batch_size=batch_size,
            lines=line_options(
                decoder,
                language=language,
                language_model=language_model,
                language_weight=language_weight,
                length_bonus=length_bonus,
                change_margin=change_margin,
                word_model=word_model,
                word_weight=word_weight,
            ),
            formula=formula_options(
                beam=beam,
                branch=branch,
                language_model=language_model,
                language_weight=language_weight,
            ),
            combination=combine.value,
        )

    if pages:
        of_lines = {
            "--split": split,
            "--limit": limit,
            "--without": without,
            "--against": against,
            "--correct": correction,
        }
        if given := [name for name, value in of_lines.items() if value is not None]:
            raise typer.BadParameter(f"{given[0]} is of lines; whole pages (--pages) are scored without it")
        evaluate_pages(
            paths, load, PageOptions(finder.value, threads, results, from_results, html), as_json, quiet
        )
        return
    datasets = read_datasets(paths)
    samples = _spread(_samples(datasets, split), limit)
    problems = [f"{problem}" for dataset in datasets for problem in dataset.problems]
    if problems:
        note(f"{count(len(problems), 'problem')} in the data, the first: {problems[0]}", quiet=quiet)
    rival = None if against is None else read_rival(against, samples)  # before an hour of reading

    def knowing(correction: Correction, spelt: TextNormalization) -> Correction:
        return with_answers(correction, (s.text for s in samples), spelt) if oracle else correction

    if from_results is not None:
        if results is not None:
            check_writable(results, spare=[against, from_results])
        found = read_results(from_results)
        if correction is not None:
            correction = knowing(correction, found.normalization)
            found = correct_results(found, correction)
        if results is not None:
            write_results(found, results)
    else:
        recognizer = load()
        if correction is not None:
            correction = knowing(correction, recognizer.config.normalization)
        target = results or free_path(Path(f"results-{recognizer.config.name}-{split or 'all'}.jsonl"))
        check_writable(target, spare=[against])
        found = _read(recognizer, samples, correction, quiet=quiet)
        write_results(found, target)
        note(f"what was read, line by line: {target}", quiet=quiet)
    scoring = Scoring(
        samples, tokenizer.value, tuple(without or ()), limits, html, rival, lexicon_of(correction)
    )
    told = scoring.formulas(found) if _are_formulas(found) else scoring.lines(found)
    told.tell(problems, as_json=as_json, quiet=quiet)
    if told.num_failed:
        note(f"{count(told.num_failed, 'sample')} could not be read and count as wrong")
        raise typer.Exit(1)


def _are_formulas(results: Results) -> bool:
    """Whether results are of formulas: their searches have a beam, those of lines a method."""
    return "method" not in results.decoder


def _samples(datasets: Sequence[Dataset], split: str | None) -> list[Sample]:
    """The lines of one split; of all where there is no choice."""
    numbers: dict[str, int] = {}
    for dataset in datasets:
        for sample in dataset.samples:
            numbers[sample.split] = numbers.get(sample.split, 0) + 1
    there = ", ".join(f"{name or 'no split'} ({number:,})" for name, number in numbers.items())
    if split is None:
        if len(numbers) > 1:
            raise typer.BadParameter(f"the data has several splits: {there}; choose with --split")
        return [sample for dataset in datasets for sample in dataset.samples]
    chosen = [sample for dataset in datasets for sample in dataset.split(split)]
    if not chosen:
        raise DataError(f"no line is in the split {split!r}; there are: {there}")
    return chosen


def _spread(samples: list[Sample], limit: int | None) -> list[Sample]:
    """`limit` of the samples, at even distances, so that every data set has its share."""
    if limit is None or limit >= len(samples):
        return samples
    return [samples[i * len(samples) // limit] for i in range(limit)]


def _read(
    recognizer: Recognizer | LineEnsemble | FormulaRecognizer,
    samples: Sequence[Sample],
    correction: Correction | None,
    *,
    quiet: bool,
) -> Results:
    from amanuensis import evaluation  # noqa: PLC0415
    from amanuensis.correction import CorrectingRecognizer  # noqa: PLC0415
    from amanuensis.recognition import LineEnsemble  # noqa: PLC0415

    kept = evaluation.caption if recognizer.config.task == "math" else evaluation.transcription

    with Progress("lines", len(samples), quiet=quiet) as progress:
        if correction is None:
            return evaluation.evaluate(recognizer, samples, kept=kept, progress=progress.update)
        if isinstance(recognizer, LineEnsemble) and any(member.only for member in recognizer.members):
            raise DataError("--correct does not go with models of some data sets only (MODEL@NAME)")
        correcting = CorrectingRecognizer(recognizer, correction)
        results = evaluation.evaluate(correcting, samples, kept=kept, progress=progress.update)
    ensemble = recognizer.to_dict() if isinstance(recognizer, LineEnsemble) else None
    return replace(results, correction=correcting.to_dict(), ensemble=ensemble)

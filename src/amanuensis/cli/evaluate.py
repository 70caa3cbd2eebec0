"""`amanuensis evaluate`: read labelled lines, keep what was read, score it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amanuensis.cli.console import Progress, count, note, print_json, print_table, teach
from amanuensis.cli.options import DEFAULT_MODEL, BatchSize, Json, Model, Quiet, Search, Threads
from amanuensis.errors import DataError

if TYPE_CHECKING:
    from amanuensis.data import Dataset
    from amanuensis.evaluation import Report, Results, Summary
    from amanuensis.recognition import Recognizer
    from amanuensis.records import Sample

HELP = teach(
    "Score a model on labelled lines: CER, WER and SER as corpus counts, with 95 % intervals. "
    "What was read is kept line by line in a result file (without the reference) to be scored again.",
    (
        "amanuensis evaluate data/letters --split test --html report.html",
        "reads the test lines with the shipped model; the report shows the worst lines",
    ),
    (
        "amanuensis evaluate data/letters --split test --from-results letters.jsonl --json",
        "scores a result file again, without reading an image",
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
        str | None, typer.Option("--split", help="train, val or test; not needed if the data has only one.")
    ] = None,
    model: Model = DEFAULT_MODEL,
    as_json: Json = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a report to look at.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            "--results", metavar="FILE", help="Where the result file goes; results-MODEL-SPLIT.jsonl."
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
    threads: Threads = 1,
    batch_size: BatchSize = 8,
    quiet: Quiet = False,
) -> None:
    """Read labelled lines and score."""
    from amanuensis.data import read_datasets  # noqa: PLC0415
    from amanuensis.evaluation import read_results, score, write_html, write_results  # noqa: PLC0415
    from amanuensis.recognition import Recognizer  # noqa: PLC0415

    if from_results is not None and results is not None:
        raise typer.BadParameter("a result file is either read (--from-results) or written (--results)")
    datasets = read_datasets(paths)
    samples = _spread(_samples(datasets, split), limit)
    problems = [f"{problem}" for dataset in datasets for problem in dataset.problems]
    if problems:
        note(f"{count(len(problems), 'problem')} in the data, the first: {problems[0]}", quiet=quiet)
    if from_results is not None:
        found = read_results(from_results)
    else:
        recognizer = Recognizer.load(model, threads=threads, batch_size=batch_size, decoder=decoder)
        target = results or Path(f"results-{recognizer.config.name}-{split or 'all'}.jsonl")
        _check_writable(target)
        found = _read(recognizer, samples, quiet=quiet)
        write_results(found, target)
        note(f"what was read, line by line: {target}", quiet=quiet)
    report = score(found, samples, tokenizer=tokenizer.value, without=without or ())
    if html is not None:
        write_html(report, html)
        note(f"the report: {html}", quiet=quiet)
    _print(report, problems, as_json=as_json)
    if report.failed:
        note(f"{count(len(report.failed), 'line')} could not be read and count as wrong")
        raise typer.Exit(1)


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


def _check_writable(target: Path) -> None:
    """Find out before an hour of reading, not after it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() or not os.access(target.parent, os.W_OK):
        raise DataError(f"{target}: cannot be written; choose another place with --results")


def _read(recognizer: Recognizer, samples: Sequence[Sample], *, quiet: bool) -> Results:
    from amanuensis import evaluation  # noqa: PLC0415

    with Progress("lines", len(samples), quiet=quiet) as progress:
        return evaluation.evaluate(recognizer, samples, progress=progress.update)


def _print(report: Report, problems: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_json({**report.to_dict(), "problems": list(problems)})
        return
    summaries = dict(report.sets)
    if len(summaries) > 1:
        summaries["all"] = report.total
    if report.without is not None:
        summaries[f"without {', '.join(report.left_out)}"] = report.without
    header = ("set", "lines", "CER %", "95 % interval", "WER %", "SER %", "lines/s")
    print_table(header, [_row(name, summary) for name, summary in summaries.items()])


def _row(name: str, summary: Summary) -> tuple[str, ...]:
    numbers: dict[str, Any] = summary.to_dict()
    interval, rate = numbers["cer_interval"], numbers["lines_per_second"]
    return (
        name,
        f"{numbers['n']:,}",
        _percent(numbers["cer"]),
        f"{_percent(interval[0])} - {_percent(interval[1])}" if interval else "-",
        _percent(numbers["wer"]),
        _percent(numbers["ser"]),
        f"{rate:.1f}" if rate else "-",
    )


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.2f}"

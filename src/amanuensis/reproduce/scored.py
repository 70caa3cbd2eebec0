"""From result files and runs to what a table shows: which files belong to which row, their scores, their trainings.

A row is known by what its file's header says: model, branch, language model (`readings.Reading.made`). Nothing is
taken from file names, and two files for one row are an error and not a choice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from amanuensis.errors import DataError
from amanuensis.evaluation import FormulaReport, Results, is_page_results, read_results, score_formula_results
from amanuensis.records import Sample
from amanuensis.reproduce.readings import READINGS

Key = tuple[str, int]
"""A reading and the year of a test set."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the figures of a table come from.

    Attributes:
        results: the folder of result files.
        scale, seed: of the trainings that are shown.
        samples: the test formulas by year, all of which count.
    """

    results: Path
    scale: str
    seed: int
    samples: Mapping[int, Sequence[Sample]]


def formulas_by_year(
    samples: Iterable[Sample], years: Iterable[int], max_tokens: int | None
) -> dict[int, list[Sample]]:
    """Test formulas of data sets whose names end in a year, those with captions of at most `max_tokens`."""
    tests = [sample for sample in samples if sample.split == "test"]
    if max_tokens is not None:
        tests = [sample for sample in tests if len(sample.text.split()) <= max_tokens]
    return {year: [sample for sample in tests if sample.dataset.endswith(str(year))] for year in years}


def find_reports(source: Source, wanted: Iterable[Key]) -> dict[Key, FormulaReport]:
    """The scores of all readings for which there is a file.

    Raises:
        DataError: the folder is not there, a file in it is no result file, or two files are of one reading and year.
    """
    files = _read_all(source.results)
    found: dict[Key, FormulaReport] = {}
    for name, year in dict.fromkeys(wanted):
        samples = source.samples.get(year, ())
        keys = {sample.key for sample in samples}
        of_row = {
            path: results
            for path, results in files.items()
            if READINGS[name].made(results, source.scale, source.seed)
            and any(outcome.id in keys for outcome in results.outcomes)
        }
        if len(of_row) > 1:
            told = " and ".join(map(str, of_row))
            raise DataError(
                f"{told}: are all results of {name} on {year}; leave one of them in {source.results}"
            )
        for results in of_row.values():
            found[name, year] = score_formula_results(results, samples)
    return found


def _read_all(folder: Path) -> dict[Path, Results]:
    if not folder.is_dir():
        raise DataError(
            f"{folder}: there is no such folder; `amanuensis evaluate --results` writes files to one"
        )
    return {path: read_results(path) for path in result_files(folder)}


def result_files(folder: Path) -> list[Path]:
    """The result files of a folder, by name; those of whole pages belong to no table."""
    return [path for path in sorted(folder.glob("*.jsonl")) if not is_page_results(path)]


def num_not_read(report: FormulaReport) -> int:
    """Formulas that the result file does not mention, and that count as wrong."""
    mentioned = {outcome.id for outcome in report.results.outcomes}
    return sum(formula.sample.key not in mentioned for formula in report.formulas)


@dataclass(frozen=True, slots=True)
class Trained:
    """How long a run has trained: updates, and seconds with all validations."""

    updates: int
    seconds: float


def trained(run: Path) -> Trained | None:
    """What a run's log says of its last validation; None if there is none.

    Raises:
        DataError: the log is not what a training writes.
    """
    log = run / "log.jsonl"
    if not log.is_file():
        return None
    try:
        events = [
            json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.endswith("}")
        ]
        last = [event for event in events if event["event"] == "validation"][-1:]
        return Trained(int(last[0]["step"]), float(last[0]["seconds"])) if last else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{log}: not the log of a training: {error!r}") from error

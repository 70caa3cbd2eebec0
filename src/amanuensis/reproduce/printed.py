"""A table as it is printed: our figures where a file has them, "not run" where none has, the paper's in columns apart.

Every percentage has its k and n beside it, and every row McNemar's test against its baseline on the same formulas:
what the paper calls an improvement is of the size of one standard error (math.md 3.4, C34).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amanuensis.evaluation import FormulaReport, compare_formula_results
from amanuensis.reproduce.readings import READINGS
from amanuensis.reproduce.scored import Key, Source, Trained, find_reports, num_not_read, trained
from amanuensis.reproduce.systems import SCALES, training_name
from amanuensis.reproduce.tables import Row, Table

NOT_RUN = "not run"
NO_RECIPE = "literature"


@dataclass(frozen=True, slots=True)
class Printed:
    """One test set of a table, ready to be printed.

    Attributes:
        title: with the test set and how many of its formulas count.
        header, rows: its cells; those of the paper have headers that begin with "paper".
        document: the rows as JSON, with all counts.
    """

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What the rows of a table are filled from."""

    table: Table
    source: Source
    runs: Path
    reports: Mapping[Key, FormulaReport]

    def printed(self, year: int) -> Printed:
        """One test set."""
        rows = self.table.rows[year]
        cells = [self._cells(row, year) for row in rows]
        title = f"{self.table.title}. CROHME {year}: {self._counted(year)}"
        document = {
            "title": self.table.title,
            "year": year,
            "scale": self.source.scale,
            "seed": self.source.seed,
            "rows": [self._document(row, year) for row in rows],
        }
        return Printed(title, self._header(), cells, document)

    def _counted(self, year: int) -> str:
        longest = SCALES[self.source.scale].max_tokens
        of_length = f" with captions of up to {longest} tokens" if longest else ""
        return f"{len(self.source.samples.get(year, ())):,} formulas{of_length}"

    def _header(self) -> tuple[str, ...]:
        columns = self.table.columns
        paper = [f"paper {column.name}" for column in columns if column.printed]
        return (
            "method",
            *(c.name for c in columns),
            "against its baseline",
            "search",
            "training",
            *paper,
            "by",
        )

    def _cells(self, row: Row, year: int) -> tuple[str, ...]:
        report = self._report(row, year)
        if report is None:
            said = NO_RECIPE if row.reading is None else NOT_RUN
            ours = [said, *[""] * (len(self.table.columns) + 2)]
        else:
            ours = [column.of(report.total) for column in self.table.columns]
            ours += [self._against(row, year), _search(report), _training(self._trained(row))]
        return (row.title, *ours, *(figure or "-" for figure in row.paper), row.source)

    def _report(self, row: Row, year: int) -> FormulaReport | None:
        return None if row.reading is None else self.reports.get((row.reading, year))

    def _against(self, row: Row, year: int) -> str:
        report = self._report(row, year)
        other = None if row.against is None else self.reports.get((row.against, year))
        if report is None or other is None:
            return "" if row.against is None else f"{row.against} {NOT_RUN}"
        test = compare_formula_results(report, other)
        return f"+{test.b} -{test.c}, p {test.p_value:.2g}"

    def _trained(self, row: Row) -> Trained | None:
        if row.reading is None:
            return None
        name = training_name(READINGS[row.reading].system, self.source.scale, self.source.seed)
        return trained(self.runs / name)

    def _document(self, row: Row, year: int) -> dict[str, Any]:
        report, run = self._report(row, year), self._trained(row)
        paper = zip((c.name for c in self.table.columns if c.printed), row.paper, strict=True)
        return {
            "method": row.title,
            "reading": row.reading,
            "status": (NO_RECIPE if row.reading is None else NOT_RUN) if report is None else "run",
            "ours": None if report is None else report.total.to_dict(),
            "decoder": None if report is None else dict(report.results.decoder),
            "against": None if report is None else self._against(row, year),
            "updates": run.updates if run else None,
            "seconds": run.seconds if run else None,
            "paper": {name: figure or None for name, figure in paper},
            "source": row.source,
        }

    def notes(self) -> list[str]:
        """What a reader must know beside the figures."""
        scale = SCALES[self.source.scale]
        said = [f"Scale {self.source.scale}: {scale.label}.", *self.table.notes]
        if scale.max_tokens is not None:
            said.append(
                "The paper's figures are of all formulas, whatever their length: not to be compared with ours."
            )
        for (name, year), report in self.reports.items():
            if lacking := num_not_read(report):
                said.append(
                    f"{name} on {year}: {lacking} formulas are not in its results and count as wrong."
                )
        systems = dict.fromkeys(READINGS[name].system for name, _ in self.reports)
        runs = {
            name: trained(self.runs / training_name(name, self.source.scale, self.source.seed))
            for name in systems
        }
        updates = {name: run.updates for name, run in runs.items() if run}
        if len(set(updates.values())) > 1:
            told = ", ".join(f"{name} {count:,}" for name, count in updates.items())
            said.append(f"These were not trained with the same number of updates: {told}.")
        return said


def printed_table(table: Table, source: Source, *, runs: Path) -> tuple[list[Printed], list[str]]:
    """A table, one part for each test set, and its notes.

    Args:
        table: of `TABLES`.
        source: the results.
        runs: the folder of all runs, for updates and times.

    Raises:
        DataError: see `find_reports` and `trained`.
    """
    wanted = {
        (name, year)
        for year, rows in table.rows.items()
        for row in rows
        for name in (row.reading, row.against)
        if name is not None
    }
    sheet = _Sheet(table, source, runs, find_reports(source, sorted(wanted)))
    return [sheet.printed(year) for year in table.rows], sheet.notes()


def _search(report: FormulaReport) -> str:
    decoder = report.results.decoder
    beam, weight = decoder.get("beam", 1), decoder.get("language_weight", 0)
    return ("greedy" if beam == 1 else f"beam {beam}") + (f", LM {weight:g}" if weight else "")


def _training(run: Trained | None) -> str:
    return "" if run is None else f"{run.updates:,} updates, {run.seconds / 3600:.1f} h"

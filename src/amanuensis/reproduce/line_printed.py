"""A table of line readers as it is printed: a part for each data set and one for all, with intervals and differences.

Every figure is over all trainings (seeds) of its row; intervals and differences are bootstrapped over pages and
trainings (`metrics.repeated`). What their vote reads stands beside it. What was not run says so, and what the paper
prints stands in columns apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from amanuensis.metrics import PairedDifference, repeated_difference, repeated_interval, repeated_rate
from amanuensis.reproduce.line_claims import impossible_figures
from amanuensis.reproduce.line_scores import MEASURES, LineSource, Read
from amanuensis.reproduce.line_systems import LINE_SCALES
from amanuensis.reproduce.line_tables import COMBINED, PAPER_SETS, LineReading, LineRow, LineTable
from amanuensis.reproduce.printed import NOT_RUN, Printed
from amanuensis.reproduce.scored import Trained, trained

ALL = "all"


@dataclass(frozen=True)
class _Part:
    """A table on some data sets."""

    table: LineTable
    source: LineSource
    name: str

    @property
    def sets(self) -> Sequence[str]:
        """The data sets of this part."""
        return list(self.source.samples) if self.name == ALL else [self.name]

    @property
    def has_paper(self) -> bool:
        """Whether the paper prints anything of these rows."""
        return any(row.paper for row in self.table.rows)

    def printed(self) -> Printed:
        """Cells and document."""
        read = {row.title: self.source.read(row.reading, self.sets) for row in self.table.rows}
        rows = [_Row(row, read, self) for row in self.table.rows]
        lines = sum(len(self.source.samples[name]) for name in self.sets)
        title = f"{self.table.title}. {' + '.join(self.sets)}, {self.source.split}: {lines:,} lines"
        header = ("row", "model", "seeds", "CER %", "95 % interval", "WER %", "SER %", "voted CER %")
        compared = (*self.table.compared, "training")
        paper = ("paper CER", "paper WER", "paper SER") if self.has_paper else ()
        document = {
            "title": self.table.title,
            "sets": list(self.sets),
            "split": self.source.split,
            "scale": self.source.study.scale,
            "lines": lines,
            "rows": [row.document() for row in rows],
        }
        return Printed(title, (*header, *compared, *paper), [row.cells() for row in rows], document)


@dataclass(frozen=True)
class _Row:
    """A row of a part, with what all rows of the part read."""

    row: LineRow
    read: dict[str, Read | None]
    part: _Part

    @property
    def own(self) -> Read | None:
        """What this row read."""
        return self.read[self.row.title]

    def cells(self) -> tuple[str, ...]:
        """As text."""
        own, paper = self.own, self._paper()
        if own is None:
            ours = [NOT_RUN, *[""] * 8]
        else:
            rates = [f"{100 * repeated_rate(own.counts(name)):.2f}" for name in MEASURES]
            interval = _told_interval(repeated_interval(own.counts("CER"), own.pages))
            differences = [self._told_difference(other) for other in self.row.against]
            seeds = ", ".join(map(str, own.seeds))
            voted = f"{100 * repeated_rate(vote.counts('CER')):.2f}" if (vote := self._vote()) else ""
            ours = [seeds, rates[0], interval, *rates[1:], voted, *differences, self._training(own)]
        printed = [figure or "-" for figure in paper] if self.part.has_paper else []
        return (self.row.title, self.row.reading.title, *ours, *printed)

    def _vote(self) -> Read | None:
        """What the trainings of all seeds read together, in a row that tells what each reads alone."""
        reading, source = self.row.reading, self.part.source
        if reading.ensemble or self.own is None or self.own.seeds != source.seeds:
            return None
        return source.read(replace(reading, ensemble=True), self.part.sets)

    def _paper(self) -> tuple[str, str, str]:
        """The paper's figures of the same data sets: its totals are of its five, and of no others."""
        name = self.part.name
        if name == ALL and set(self.part.sets) == PAPER_SETS:
            name = COMBINED
        return self.row.paper.get(name, ("", "", ""))

    def _told_difference(self, other: str | None) -> str:
        if other is None or self.own is None:
            return ""
        before = self.read[other]
        return f"{other} {NOT_RUN}" if before is None else told_difference(before, self.own)

    def _training(self, own: Read) -> str:
        runs = self._runs(own)
        if not runs:
            return ""
        updates = sorted({run.updates for run in runs})
        hours = sum(run.seconds for run in runs) / len(runs) / 3600
        return f"{' to '.join(f'{count:,}' for count in updates[:: max(1, len(updates) - 1)])} updates, {hours:.1f} h"

    def _runs(self, own: Read) -> list[Trained]:
        study, reading = self.part.source.study, self.row.reading
        studies = [study.alone(one) for one in study.sets] if reading.specialist else [study]
        runs = [trained(s.runs / s.name(reading.system, seed)) for s in studies for seed in own.seeds]
        return [run for run in runs if run is not None]

    def document(self) -> dict[str, Any]:
        """As JSON, with all counts; rates are ratios."""
        own, row = self.own, self.row
        told: dict[str, Any] = {
            "row": row.title,
            "model": row.reading.title,
            "status": NOT_RUN if own is None else "run",
            "paper": dict(zip(MEASURES, (figure or None for figure in self._paper()), strict=True)),
        }
        if own is None:
            return told
        told["seeds"] = list(own.seeds)
        for name in MEASURES:
            counts = own.counts(name)
            told[name.lower()] = {
                "rate": repeated_rate(counts),
                "interval": repeated_interval(counts, own.pages),
                "by_seed": [repeated_rate([of_seed]) for of_seed in counts],
            }
        if vote := self._vote():
            counts = vote.counts("CER")
            told["vote"] = {
                "rate": repeated_rate(counts),
                "interval": repeated_interval(counts, vote.pages),
                "against_one": _difference_document(own, vote)["cer"],
            }
        told["against"] = {
            other: _difference_document(before, own)
            for other in filter(None, row.against)
            if (before := self.read[other]) is not None
        }
        told["trainings"] = [{"updates": run.updates, "seconds": run.seconds} for run in self._runs(own)]
        return told


def printed_line_table(table: LineTable, source: LineSource) -> tuple[list[Printed], list[str]]:
    """A table, one part for each data set and one for all of them, and its notes.

    Raises:
        DataError: see `LineSource.files`.
    """
    names = [name for name, samples in source.samples.items() if samples]
    parts = [_Part(table, source, name).printed() for name in [*names, *([ALL] if len(names) > 1 else [])]]
    notes = [*table.notes, *lines_not_read(source, {row.title: row.reading for row in table.rows})]
    if any(row.reading.system.fewer is None for row in table.rows):
        notes.insert(0, f"Scale {source.study.scale}: {LINE_SCALES[source.study.scale].label}.")
    if source.split != "test" and any(row.paper for row in table.rows):
        notes.append(f"The split is {source.split}: the paper's figures are of its test splits.")
    return parts, [*notes, *impossible_figures(table, source.samples)]


def lines_not_read(source: LineSource, readings: Mapping[str, LineReading]) -> list[str]:
    """What tables must say of rows whose result files lack lines of a set.

    Args:
        source: of the results.
        readings: by the titles of their rows.
    """
    notes = []
    for title, reading in readings.items():
        for name, samples in source.samples.items():
            read = source.read(reading, [name]) if samples else None
            if read is not None and read.num_not_read:
                notes.append(
                    f"{title} on {name}: {read.num_not_read} lines are not in all of its results; they count as wrong."
                )
    return notes


def told_difference(before: Read, after: Read) -> str:
    """The difference of two CERs in points, with its interval and what share of the first it is."""
    found = _difference(before, after, "CER")
    base = repeated_rate(before.counts("CER"))
    share = f" = {100 * found.difference / base:+.0f} %" if base else ""
    interval = f" ({_told_interval(found.interval, signed=True)})" if found.interval else ""
    return f"{100 * found.difference:+.2f}{interval}{share}"


def _difference(before: Read, after: Read, measure: str) -> PairedDifference:
    return repeated_difference(before.counts(measure), after.counts(measure), after.pages)


def _difference_document(before: Read, after: Read) -> dict[str, Any]:
    return {
        name.lower(): {
            "difference": found.difference,
            "interval": found.interval,
            "reversed_share": found.reversed_share,
        }
        for name in MEASURES
        for found in [_difference(before, after, name)]
    }


def _told_interval(interval: tuple[float, float] | None, *, signed: bool = False) -> str:
    if interval is None:
        return "-"
    shape = "+.2f" if signed else ".2f"
    return f"{100 * interval[0]:{shape}} to {100 * interval[1]:{shape}}"

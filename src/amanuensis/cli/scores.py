"""What `evaluate` says of results: of lines and of formulas, as a table or JSON, beside another model's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amanuensis.cli.console import count, note, print_json, print_table
from amanuensis.errors import DataError

if TYPE_CHECKING:
    from amanuensis.evaluation import FormulaReport, Report, Results, Summary
    from amanuensis.language.lexicon import Lexicon
    from amanuensis.metrics import FormulaScores, Tokenizer
    from amanuensis.records import Sample


@dataclass(frozen=True, slots=True)
class Told:
    """A report, ready to be printed.

    Attributes:
        document: as JSON.
        header, rows: as a table.
        remarks: what else is said.
        num_failed: samples that could not be read.
    """

    document: dict[str, Any]
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    remarks: tuple[str, ...]
    num_failed: int

    def tell(self, problems: Sequence[str], *, as_json: bool, quiet: bool) -> None:
        """Print JSON and nothing else, or the table on stdout and the remarks beside it."""
        if as_json:
            print_json({**self.document, "problems": list(problems)})
            return
        print_table(self.header, self.rows)
        for remark in self.remarks:
            note(remark, quiet=quiet)


def check_writable(target: Path, *, spare: Sequence[Path | None] = ()) -> None:
    """Find out before an hour of reading, not after it.

    Args:
        target: where results are to go.
        spare: result files that are read.

    Raises:
        DataError: no result file can be written there, or it would take the place of one that is read.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if any(path is not None and target.resolve() == path.resolve() for path in spare):
        raise DataError(f"{target}: is read itself; choose another place with --results")
    if target.is_dir() or not os.access(target.parent, os.W_OK):
        raise DataError(f"{target}: cannot be written; choose another place with --results")


def read_rival(path: Path, samples: Sequence[Sample]) -> Results:
    """Another model's results on the same samples.

    Raises:
        DataError: the file is no result file, or lacks some of them: read empty, they would speak for this model.
    """
    from amanuensis.evaluation import read_results  # noqa: PLC0415

    rival = read_results(path)
    there = {outcome.id for outcome in rival.outcomes}
    if lacking := [sample.key for sample in samples if sample.key not in there]:
        raise DataError(
            f"{path}: lacks {len(lacking):,} of the {count(len(samples), 'sample')} to be compared, the first of "
            f"them {lacking[0]!r}; --against takes a file that has them all"
        )
    return rival


@dataclass(frozen=True, slots=True)
class Scoring:
    """How results are scored.

    Attributes:
        samples: what they are scored on.
        tokenizer, without, html: of lines: words, sets left out of a second total, a report to look at.
        limits: of formulas.
        rival: another model's results on the same samples, see `read_rival`.
        lexicon: of the correction, to tell which words it lacks; None if there is none.
    """

    samples: Sequence[Sample]
    tokenizer: Tokenizer
    without: tuple[str, ...]
    limits: bool
    html: Path | None
    rival: Results | None
    lexicon: Lexicon | None = None

    def lines(self, results: Results) -> Told:
        """The scores of lines."""
        from amanuensis.evaluation import report_corrections, score, write_html  # noqa: PLC0415

        report = score(results, self.samples, tokenizer=self.tokenizer, without=self.without)
        corrections = report_corrections(report, known=self.lexicon) if results.correction else None
        remarks = []
        if self.html is not None:
            write_html(report, self.html, corrections=corrections)
            remarks.append(f"the report: {self.html}")
        document = report.to_dict()
        if corrections is not None:
            document["correction"] = corrections.to_dict()
            remarks.append(_told_correction(document["correction"]))
        if words := document["calibration"].get("words"):
            remarks.append(f"confidence of words: {100 * words['ece']:.1f} points off on average (ECE)")
        if self.rival is not None:
            document["against"] = self._against_lines(report, self.rival)
            remarks.append(_told_difference(document["against"]))
        summaries = dict(report.sets)
        if len(summaries) > 1:
            summaries["all"] = report.total
        if report.without is not None:
            summaries[f"without {', '.join(report.left_out)}"] = report.without
        header = ("set", "lines", "CER %", "95 % interval", "WER %", "SER %", "lines/s")
        rows = [_row(name, summary) for name, summary in summaries.items()]
        return Told(document, header, rows, tuple(remarks), len(report.failed))

    def formulas(self, results: Results) -> Told:
        """The scores of formulas."""
        from amanuensis.evaluation import compare_formula_results, score_formula_results  # noqa: PLC0415

        if self.html is not None:
            raise DataError("--html shows lines; results of formulas are told as a table or with --json")
        report = score_formula_results(results, self.samples, limits=self.limits)
        document, remarks = report.to_dict(), []
        if self.rival is not None:
            other = score_formula_results(self.rival, self.samples, limits=self.limits)
            test = compare_formula_results(report, other)
            document["against"] = {
                **{"model": self.rival.model, "exprate": other.total.exprate.ratio},
                **{"only_this": test.b, "only_other": test.c, "p_value": test.p_value},
                "failed": len(other.failed),
            }
            remarks.append(
                f"against {self.rival.model}: {test.b} right only here, {test.c} only there, "
                f"McNemar p = {test.p_value:.3g}{_told_failed(len(other.failed))}"
            )
        header = ("set", "formulas", "ExpRate %", "right", "<= 1 %", "<= 2 %", "tree %", "WER %")
        return Told(document, header, _formula_rows(report), tuple(remarks), len(report.failed))

    def _against_lines(self, report: Report, rival: Results) -> dict[str, Any]:
        from amanuensis.evaluation import score  # noqa: PLC0415
        from amanuensis.metrics import HarmCounts, count_harm, paired_bootstrap  # noqa: PLC0415

        # In one spelling, or harm and difference would be of the spellings too.
        alike = replace(rival, normalization=report.results.normalization)
        other = score(alike, self.samples, tokenizer=self.tokenizer)
        groups = [f"{s.dataset}/page/{s.page}" if s.page else s.key for s in self.samples]
        first, second = ([line.scores.characters for line in r.lines] for r in (other, report))
        found = paired_bootstrap(first, second, groups)
        harms = (
            count_harm(before.reference, before.hypothesis, after.hypothesis, tokenizer=self.tokenizer)
            for before, after in zip(other.lines, report.lines, strict=True)
        )
        harm = sum(harms, start=HarmCounts())
        return {
            **{"model": rival.model, "cer": other.total.scores.cer, "difference": found.difference},
            **{"interval": found.interval, "reversed_share": found.reversed_share},
            **{"right_words": harm.right, "harmed_words": harm.harmed, "harm_rate": harm.harm_rate},
            **{"rescued_words": harm.rescued, "rescue_rate": harm.rescue_rate},
            "failed": len(other.failed),
        }


def _told_difference(against: dict[str, Any]) -> str:
    interval = against["interval"]
    shown = f" ({_points(interval[0])} to {_points(interval[1])})" if interval else ""
    return (
        f"against {against['model']}: CER {_points(against['difference'])} points{shown}, paired over pages; "
        f"{against['rescued_words']:,} words right only here, {against['harmed_words']:,} only there "
        f"({_percent(against['harm_rate'])} % of those that were right there){_told_failed(against['failed'])}"
    )


def _told_failed(number: int) -> str:
    """What a rival could not read, which counts as read empty."""
    return f"; {count(number, 'sample')} could not be read there and count as read empty" if number else ""


def _told_correction(told: dict[str, Any]) -> str:
    interval = told["cer_difference_interval"]
    shown = f" ({_points(interval[0])} to {_points(interval[1])})" if interval else ""
    time = told.get("milliseconds_per_line")
    oracle = " with the answers in it (an oracle, no score)" if told.get("oracle") else ""
    took = f", {time:.1f} ms a line" if time else ""
    return (
        f"corrected by {told['kind']}{oracle}: CER {_percent(told['cer_before'])} -> {_percent(told['cer'])} %{shown}; "
        f"{told['rescued_words']:,} words rescued, {told['harmed_words']:,} of {told['right_words']:,} right "
        f"words harmed ({_percent(told['harm_rate'])} %){took}"
    )


def _points(ratio: float) -> str:
    return f"{100 * ratio:+.2f}"


def _formula_rows(report: FormulaReport) -> list[tuple[str, ...]]:
    scores = dict(report.sets)
    if len(scores) > 1:
        scores["all"] = report.total
    return [_formula_row(name, of_set) for name, of_set in scores.items()]


def _formula_row(name: str, scores: FormulaScores) -> tuple[str, ...]:
    by_token, by_tree = scores.by_token, scores.by_tree
    return (
        name,
        f"{scores.n:,}",
        _share(by_token.exprate.ratio),
        f"{by_token.exprate.k}/{scores.n}",
        _share(by_token.exprate_1.ratio),
        _share(by_token.exprate_2.ratio),
        _share(by_tree.exprate.ratio) if by_tree else "-",
        _percent(scores.wer),
    )


def _share(ratio: float | None) -> str:
    return "-" if ratio is None else _percent(ratio)


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

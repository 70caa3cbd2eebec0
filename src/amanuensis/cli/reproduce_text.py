"""`amanuensis reproduce text-ablation, text-table, few-lines`: train, read and print what HTR-JAND's tables compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amanuensis.cli.console import note, print_json, print_table, teach
from amanuensis.cli.options import Json, Quiet
from amanuensis.errors import TrainingError

if TYPE_CHECKING:
    from amanuensis.reproduce import Job, LineRow, LineSource, LineStudy, LineTable, Printed

ABLATION_HELP = teach(
    "Train and read what HTR-JAND's Table V and the clean ablations of Student and Teacher lack, then print them: "
    "every row with its model, 95 % intervals over pages and seeds, and what it differs by. What was not run says so. "
    "Cut off or out of time, the same command goes on, and several at once share the work. --table and --row choose "
    "what is worked on and printed, by titles.",
    (
        "amanuensis reproduce text-ablation --scale cpu --seeds 1 --row Baseline --row +KD --budget 2h",
        "works on two rows of one seed for two hours",
    ),
    (
        "amanuensis reproduce text-ablation --table student --row base --row +KD --row +CL",
        "the first rows of the Student's clean ablation",
    ),
    (
        "amanuensis reproduce text-ablation --scale cpu --print",
        "lists all trainings, as commands, and their state",
    ),
)
TABLE_HELP = teach(
    "Print HTR-JAND's Table 3, 5 or 7, or the clean ablation of the student or the teacher, from what was read. "
    "Nothing is trained. Table 7 has times: --measure takes them, on a machine that does nothing else.",
    ("amanuensis reproduce text-table 5 --results results", "prints Table V as far as its rows were run"),
    (
        "amanuensis reproduce text-table student --split val --json",
        "the Student's ablation on validation lines",
    ),
)
FEW_HELP = teach(
    "Train, read and print what 50, 200 and 325 lines of one hand are worth: tuned from a model that reads, against "
    "from scratch, with and without synthetic lines of the same texts.",
    (
        "amanuensis reproduce few-lines --lines 50 --seeds 1 --budget 20m",
        "the rows of 50 lines with one seed",
    ),
)


class LineScaleName(StrEnum):
    """How large the networks and their trainings are."""

    cpu = "cpu"
    paper = "paper"


class LineTableName(StrEnum):
    """Tables of line readers."""

    three = "3"
    five = "5"
    seven = "7"
    student = "student"
    teacher = "teacher"


class AblationName(StrEnum):
    """Tables of `text-ablation`."""

    five = "5"
    student = "student"
    teacher = "teacher"


class Split(StrEnum):
    """Which lines are read."""

    test = "test"
    val = "val"


Scale = Annotated[
    LineScaleName, typer.Option("--scale", help="cpu: -cpu networks; paper: as printed, for a GPU.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--sets",
        metavar="SET",
        help="A data set, by its name in $AMANUENSIS_DATA/text or its path; may be repeated. By default the scale's.",
    ),
]
Seeds = Annotated[
    str, typer.Option("--seeds", metavar="1,2,3", help="Of the trainings, each a run of its own.")
]
Rows = Annotated[
    list[str] | None, typer.Option("--row", help="Only this row, by its title; may be repeated.")
]
Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="The folder of all runs.")]
Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="The folder of result files.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change every recipe; may be repeated."),
]
Budget = Annotated[
    str | None, typer.Option("--budget", metavar="TIME", help="Stop after about this time, e.g. 2h30m.")
]
SplitOption = Annotated[
    Split, typer.Option("--split", help="test, once all is decided; val while it is not.")
]
OnlyPrint = Annotated[bool, typer.Option("--print", help="Print the trainings as commands; do nothing.")]
Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...")]
CpuThreads = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads.")]


def text_ablation(
    *,
    scale: Scale = LineScaleName.cpu,
    sets: Sets = None,
    tables: Annotated[
        list[AblationName] | None,
        typer.Option("--table", help="Only this table; may be repeated. By default all three."),
    ] = None,
    rows: Rows = None,
    seeds: Seeds = "1,2,3",
    budget: Budget = None,
    split: SplitOption = Split.test,
    runs: Runs = Path("runs"),
    results: Results = Path("results"),
    changes: Changes = None,
    only_print: OnlyPrint = False,
    device: Device = None,
    threads: CpuThreads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the ablations, or some of their rows."""
    from amanuensis.reproduce import LINE_TABLES, LineStudy  # noqa: PLC0415

    study = LineStudy.of(scale.value, tuple(sets or ()), runs=runs, changes=tuple(changes or ()))
    plan = _Plan(
        [LINE_TABLES[name] for name in tables or list(AblationName)],
        study,
        _numbers(seeds),
        rows or [],
        split,
        results,
    )
    plan.carry_out(_Working(budget, device, threads, only_print, as_json, quiet))


def few_lines(
    *,
    start: Annotated[
        str, typer.Option("--from", metavar="MODEL", help="The model that is tuned: a name or a folder's.")
    ] = "text-small",
    sets: Sets = None,
    lines: Annotated[
        list[int] | None, typer.Option("--lines", help="Only the rows of so many lines; may be repeated.")
    ] = None,
    seeds: Seeds = "1,2,3",
    budget: Budget = None,
    split: SplitOption = Split.test,
    runs: Runs = Path("runs"),
    results: Results = Path("results"),
    changes: Changes = None,
    only_print: OnlyPrint = False,
    device: Device = None,
    threads: CpuThreads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the study of few lines."""
    from amanuensis.reproduce import FEW_LINES_SET, LineStudy, few_lines_table  # noqa: PLC0415

    study = LineStudy.of("cpu", tuple(sets or (FEW_LINES_SET,)), runs=runs, changes=tuple(changes or ()))
    table = few_lines_table(start)
    chosen = [row.title for row in table.rows if int(row.title.split(",")[0]) in (lines or ())]
    if lines and not chosen:
        raise typer.BadParameter(
            f"--lines is one of {', '.join(dict.fromkeys(r.title.split(',')[0] for r in table.rows))}"
        )
    plan = _Plan([table], study, _numbers(seeds), chosen, split, results)
    plan.carry_out(_Working(budget, device, threads, only_print, as_json, quiet))


def text_table(
    name: Annotated[LineTableName, typer.Argument(metavar="TABLE", help="3, 5, 7, student or teacher.")],
    *,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure", help="Of Table 7: read lines one by one with its models, and take the time."
        ),
    ] = False,
    threads: CpuThreads = None,
    scale: Scale = LineScaleName.cpu,
    sets: Sets = None,
    seeds: Seeds = "1,2,3",
    split: SplitOption = Split.test,
    runs: Runs = Path("runs"),
    results: Results = Path("results"),
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print a table."""
    from amanuensis.reproduce import LINE_TABLES, LineStudy  # noqa: PLC0415

    study = LineStudy.of(scale.value, tuple(sets or ()), runs=runs)
    tell_if_empty(results, quiet=quiet)
    seven = name is LineTableName.seven
    plan = _Plan([] if seven else [LINE_TABLES[name.value]], study, _numbers(seeds), [], split, results)
    if measure and not seven:
        raise typer.BadParameter("--measure belongs to Table 7")
    if seven:
        _tell_speed(plan.source(), threads=(threads or 1) if measure else None, as_json=as_json, quiet=quiet)
    else:
        plan.tell(plan.source(), as_json=as_json, quiet=quiet)


def tell_if_empty(results: Path, *, quiet: bool) -> None:
    """Say why every row of a table is "not run" where its folder holds nothing to read: a path may be mistyped."""
    if not any(results.glob("*.jsonl")):
        note(f"{results}: {'no result files here' if results.is_dir() else 'no such folder'}", quiet=quiet)


def _tell_speed(source: LineSource, *, threads: int | None, as_json: bool, quiet: bool) -> None:
    """Print Table VII, measured before with so many threads if any are given."""
    from amanuensis.reproduce import measure_rows, printed_speed_table  # noqa: PLC0415

    for path in [] if threads is None else measure_rows(source, threads=threads):
        note(f"measured: {path}", quiet=quiet)
    part, notes = printed_speed_table(source)
    if as_json:
        print_json([{"parts": [part.document], "notes": notes}])
    else:
        _tell_part(part, notes, quiet=quiet)


COMMANDS: Mapping[str, tuple[Callable[..., None], str]] = {
    "text-ablation": (text_ablation, ABLATION_HELP),
    "text-table": (text_table, TABLE_HELP),
    "few-lines": (few_lines, FEW_HELP),
}
"""The commands here and their helps, by name."""


@dataclass(frozen=True, slots=True)
class _Working:
    """How a plan is carried out."""

    budget: str | None
    device: str | None
    threads: int | None
    only_print: bool
    as_json: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """Tables, and the rows of them that are worked on; no names: all."""

    tables: Sequence[LineTable]
    study: LineStudy
    seeds: tuple[int, ...]
    names: Sequence[str]
    split: Split
    results: Path

    def carry_out(self, how: _Working) -> None:
        """Train and read what is missing, and print; or only list it."""
        from amanuensis.cli.train import need_training  # noqa: PLC0415
        from amanuensis.reproduce import Machine, read_together, work  # noqa: PLC0415

        need_training("reproducing trainings")
        from amanuensis.training import parse_duration  # noqa: PLC0415

        jobs = self._jobs()
        if how.only_print:
            source = self.source() if self.results.exists() else None
            print_table(("state", "training"), [self._listed(job, source) for job in jobs])
            return
        machine = Machine(
            seconds=None if how.budget is None else parse_duration(how.budget),
            device=how.device,
            threads=how.threads,
            quiet=how.quiet,
            say=lambda told: note(told, quiet=how.quiet),
        )
        failures = work(jobs, self.source(), machine)
        failures += read_together(self._rows(), self.source(), machine)
        self.tell(self.source(), as_json=how.as_json, quiet=how.quiet)
        for failure in failures:
            note(f"failed: {failure}")
        if failures:
            raise typer.Exit(1)

    def source(self) -> LineSource:
        """The lines to read and what was read of them."""
        from amanuensis.reproduce import LineSource, samples_of  # noqa: PLC0415

        samples = samples_of(self.study.sets, self.split.value)
        return LineSource(self.study, self.results, samples, self.split.value, self.seeds)

    def tell(self, source: LineSource, *, as_json: bool, quiet: bool) -> None:
        """Print the tables."""
        from amanuensis.reproduce import printed_line_table  # noqa: PLC0415

        told = [printed_line_table(table, source) for table in self.tables]
        if as_json:
            print_json(
                [{"parts": [part.document for part in parts], "notes": notes} for parts, notes in told]
            )
            return
        for parts, notes in told:
            for part in parts[:-1]:
                _tell_part(part, (), quiet=quiet)
            _tell_part(parts[-1], notes, quiet=quiet)

    def _jobs(self) -> list[Job]:
        from amanuensis.reproduce import jobs_of  # noqa: PLC0415

        return jobs_of(self._rows(), self.study, self.seeds)

    def _rows(self) -> list[LineRow]:
        rows = [row for table in self.tables for row in table.rows]
        known = {row.title.casefold() for row in rows}
        wanted = {name.casefold() for name in self.names}
        if unknown := sorted(wanted - known):
            raise typer.BadParameter(
                f"no row is called {unknown[0]!r}; there are {', '.join(dict.fromkeys(r.title for r in rows))}"
            )
        return [row for row in rows if not wanted or row.title.casefold() in wanted]

    def _listed(self, job: Job, source: LineSource | None) -> tuple[str, str]:
        from amanuensis.reproduce import is_read_elsewhere, is_trained  # noqa: PLC0415

        try:
            if source is not None and is_read_elsewhere(job, source):
                state = "read"
            else:
                state = "trained" if is_trained(job) else "begun" if (job.run / "run.json").exists() else "-"
        except TrainingError as error:  # of another recipe, or broken: the others are listed all the same
            note(f"{error}")
            state = "failed"
        return state, job.training.command(self.study.runs)


def _tell_part(part: Printed, notes: Sequence[str], *, quiet: bool) -> None:
    typer.echo(part.title)
    print_table(part.header, part.rows)
    typer.echo()
    for line in notes:
        note(line, quiet=quiet)


def _numbers(seeds: str) -> tuple[int, ...]:
    """The seeds of "1,2,3"."""
    parts = [part.strip() for part in seeds.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise typer.BadParameter(f"--seeds is a list of numbers from 1 on, such as 1,2,3, not {seeds!r}")
    return tuple(dict.fromkeys(map(int, parts)))

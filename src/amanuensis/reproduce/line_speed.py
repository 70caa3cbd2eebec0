"""HTR-JAND's Table VII: parameters, milliseconds a line and CER of Teacher and Student, as measured here.

Source: HTR-JAND, Table VII (text.md O7; readings 2.2, 2.3, 2.31). A line is read from its file to its text, one at a
time, decoding included; the median of at least 100 is told, with threads and machine. Times of other machines are never
set against ours: those that the paper prints, of its own networks and of others, stand in columns apart.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amanuensis.errors import DataError
from amanuensis.metrics import repeated_interval, repeated_rate
from amanuensis.records import Sample
from amanuensis.reproduce.line_printed import lines_not_read
from amanuensis.reproduce.line_scores import LineSource
from amanuensis.reproduce.line_systems import LineSystem
from amanuensis.reproduce.line_tables import STUDENT_KD_CL, TEACHER_CL, LineReading
from amanuensis.reproduce.printed import NO_RECIPE, NOT_RUN, Printed

MIN_LINES = 100
_WARM_UP = 5

# Title, our system, the paper's parameters in millions, milliseconds, CER on IAM, and whose row it is.
_ROWS: tuple[tuple[str, LineSystem | None, tuple[str, str, str], str], ...] = (
    ("Teacher (+CL)", TEACHER_CL, ("1.50", "58", "2.34"), "HTR-JAND"),
    ("Student (+CL)", STUDENT_KD_CL, ("0.75", "28", "4.12"), "HTR-JAND"),
    ("Puigcerver", None, ("9.4", "81", "4.94"), "as HTR-JAND prints it"),
    ("Bluche", None, ("0.7", "32", "6.60"), "as HTR-JAND prints it"),
    ("Flor", None, ("0.8", "55", "3.72"), "as HTR-JAND prints it"),
)


@dataclass(frozen=True, slots=True)
class ReadingTime:
    """What reading a line takes a model.

    Attributes:
        model: its name.
        parameters: of the network, its auxiliary head included, as the paper's counts are read.
        milliseconds: the median over lines of wall-clock time, from file to text, one line at a time.
        lines: how many were read.
        threads: of the network.
        machine: what was read on.
    """

    model: str
    parameters: int
    milliseconds: float
    lines: int
    threads: int
    machine: str


def measure_reading(folder: Path, samples: Sequence[Sample], *, threads: int) -> ReadingTime:
    """Read lines one by one.

    Args:
        folder: of the model.
        samples: the first `MIN_LINES` or, if there are more, all of these are read.
        threads: CPU threads.

    Raises:
        DataError: there are fewer lines.
        ImageError: one cannot be read.
    """
    from amanuensis.recognition import LineOptions, Recognizer  # noqa: PLC0415 - needs ONNX Runtime

    if len(samples) < MIN_LINES:
        raise DataError(f"a time is told of at least {MIN_LINES} lines; there are {len(samples)}")
    plain = LineOptions(method="best-path", language_model="none")
    recognizer = Recognizer.load(folder, threads=threads, batch_size=1, options=plain)
    recognizer.read([sample.image for sample in samples[:_WARM_UP]])
    seconds = []
    for sample in samples:
        began = time.perf_counter()
        recognizer.read([sample.image])
        seconds.append(time.perf_counter() - began)
    config = recognizer.config
    median = round(1000 * statistics.median(seconds), 3)
    return ReadingTime(config.name, config.parameters, median, len(seconds), threads, _machine())


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def measure_rows(source: LineSource, *, threads: int) -> list[Path]:
    """Measure the table's trained networks, of the first seed, and leave a file for each in the folder of results."""
    lines = [sample for samples in source.samples.values() for sample in samples]
    written = []
    for _, system, _, _ in _ROWS:
        name = None if system is None else source.study.name(system, source.seeds[0])
        if name is not None and (folder := source.study.runs / name / "best").is_dir():
            path = _time_file(source, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                json.dumps(asdict(measure_reading(folder, lines, threads=threads)), indent=2) + "\n"
            )
            written.append(path)
    return written


def _time_file(source: LineSource, name: str) -> Path:
    return source.results / f"{name}-time.json"


def _measured(source: LineSource, name: str) -> ReadingTime | None:
    path = _time_file(source, name)
    if not path.is_file():
        return None
    try:
        return ReadingTime(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path}: not a time of reading: {error}") from error


def printed_speed_table(source: LineSource) -> tuple[Printed, list[str]]:
    """Table VII, and what Student and Teacher differ by.

    Raises:
        DataError: a file of results or of a time cannot be read.
    """
    header = ("row", "parameters", "ms a line", "lines", "threads", "machine", "CER %", "95 % interval")
    paper = ("paper M", "paper ms", "paper IAM CER", "by")
    rows: list[tuple[str, ...]] = []
    documents: list[dict[str, Any]] = []
    times: list[ReadingTime] = []
    for title, system, printed, by in _ROWS:
        found = None if system is None else _measured(source, source.study.name(system, source.seeds[0]))
        cer = ["", ""] if system is None else _cer(source, system)
        if found is None:
            ours = [NO_RECIPE if system is None else NOT_RUN, "", "", "", ""]
        else:
            times.append(found)
            counts = (
                f"{found.parameters:,}",
                f"{found.milliseconds:.1f}",
                str(found.lines),
                str(found.threads),
            )
            ours = [*counts, found.machine]
        rows.append((title, *ours, *cer, *printed, by))
        documents.append({"row": title, "measured": found and asdict(found), "paper": printed, "by": by})
    sets = " + ".join(source.samples)
    told = Printed(
        f"Table VII: size and time. {sets}, {source.split}", (*header, *paper), rows, {"rows": documents}
    )
    readings = {title: LineReading(system) for title, system, _, _ in _ROWS if system is not None}
    return told, [
        *_compared(times),
        *lines_not_read(source, readings),
        "Only our own times were measured here, and only they compare (2.3).",
    ]


def _cer(source: LineSource, system: LineSystem) -> list[str]:
    read = source.read(LineReading(system), list(source.samples))
    if read is None:
        return [NOT_RUN, ""]
    interval = repeated_interval(read.counts("CER"), read.pages)
    shown = f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f}" if interval else "-"
    return [f"{100 * repeated_rate(read.counts('CER')):.2f}", shown]


def _compared(times: Sequence[ReadingTime]) -> list[str]:
    """The Student against the Teacher, computed: the paper says 48 and 49 % less, its own figures 50.1 and 51.7 %."""
    if len(times) < 2:
        return []
    teacher, student = times
    fewer = 100 * (1 - student.parameters / teacher.parameters)
    if (teacher.machine, teacher.threads) != (student.machine, student.threads):
        return [f"The Student has {fewer:.1f} % fewer parameters; the two times are of different machines."]
    faster = 100 * (student.milliseconds / teacher.milliseconds - 1)
    return [f"Student against Teacher: {fewer:.1f} % fewer parameters, time a line {faster:+.1f} %."]

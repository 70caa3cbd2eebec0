"""Table VII: times are of a file, read one by one; what was not measured says so; differences are computed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from amanuensis.errors import DataError
from amanuensis.records import Sample
from amanuensis.reproduce import NOT_RUN, LineSource, LineStudy, measure_rows, printed_speed_table
from amanuensis.reproduce.line_speed import measure_reading
from tiny_model import draw, write_tiny_model


@pytest.fixture
def source(tmp_path: Path) -> LineSource:
    """A hundred times one line, and a trained Teacher and Student of the tiny kind."""
    Image.fromarray(draw("ab", scale=2)).save(tmp_path / "line.png")
    samples = [Sample(str(i), tmp_path / "line.png", "ab", "test", "own") for i in range(100)]
    study = LineStudy.of("cpu", ("x/own",), runs=tmp_path / "runs")
    return LineSource(study, tmp_path / "results", {"own": samples}, "test", (1,))


def test_times_are_measured_kept_and_compared(source: LineSource) -> None:
    part, notes = printed_speed_table(source)
    assert [row[1] for row in part.rows] == [NOT_RUN, NOT_RUN, *["literature"] * 3]
    assert measure_rows(source, threads=1) == []
    names = ["teacher-histdb-cl-on-own", "histdb-student-kd-cl-on-own"]
    for name in names:
        write_tiny_model(source.study.runs / name / "best", name=name)
    assert [path.name for path in measure_rows(source, threads=1)] == [f"{name}-time.json" for name in names]
    student = source.results / f"{names[1]}-time.json"
    told = json.loads(student.read_text())
    assert told["lines"] == 100
    assert told["milliseconds"] > 0
    student.write_text(json.dumps(told | {"parameters": 1, "milliseconds": 28.0}))
    teacher = source.results / f"{names[0]}-time.json"
    teacher.write_text(json.dumps(told | {"parameters": 2, "milliseconds": 58.0}))
    part, notes = printed_speed_table(source)
    assert part.rows[1][:5] == ("Student (+CL)", "1", "28.0", "100", "1")
    assert part.rows[0][8:11] == ("1.50", "58", "2.34")
    assert notes[0] == "Student against Teacher: 50.0 % fewer parameters, time a line -51.7 %."
    teacher.write_text(json.dumps(told | {"machine": "another"}))
    assert "different machines" in printed_speed_table(source)[1][0]
    teacher.write_text("{}")
    with pytest.raises(DataError, match="not a time of reading"):
        printed_speed_table(source)


def test_a_time_of_a_few_lines_is_none(source: LineSource, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 100 lines; there are 99"):
        measure_reading(tmp_path, source.samples["own"][:99], threads=1)

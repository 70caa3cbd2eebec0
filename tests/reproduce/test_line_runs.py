"""Working through trainings: in time, one process a run, no Student before its Teacher, the rest after a failure."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from amanuensis.reproduce import LINE_TABLES, Job, LineSource, LineStudy, Machine, jobs_of, line_runs, work

STUDENT_ROWS = [row for row in LINE_TABLES["student"].rows if row.title in ("base", "+KD")]


@pytest.fixture
def source(tmp_path: Path) -> LineSource:
    study = LineStudy.of("cpu", runs=tmp_path / "runs")
    return LineSource(study, tmp_path / "results", {}, "test", (1,))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of runs in the order of their trainings, which do nothing but leave what a finished run does."""
    names: list[str] = []

    def train(job: Job, machine: Machine, left: float | None) -> None:
        names.append(job.run.name)
        _finish(job)

    monkeypatch.setattr(line_runs, "_train", train)
    return names


def _finish(job: Job, *, step: int = 2) -> None:
    job.run.mkdir(parents=True, exist_ok=True)
    (job.run / "run.json").write_text('{"total_steps": 2}')
    event = {"event": "validation", "step": step, "seconds": 1.0}
    (job.run / "log.jsonl").write_text(json.dumps(event) + "\n")


def _work(source: LineSource, **machine: object) -> tuple[list[str], list[str]]:
    said: list[str] = []
    failures = work(jobs_of(STUDENT_ROWS, source.study, (1,)), source, Machine(say=said.append, **machine))
    return said, failures


def test_what_is_done_is_not_done_again(source: LineSource, trained: list[str]) -> None:
    assert _work(source)[1] == []
    assert trained == ["histdb-student", "teacher-histdb", "histdb-student-kd"]
    assert _work(source) == ([], [])
    assert len(trained) == 3


def test_no_job_begins_when_the_time_is_over_and_that_is_said(source: LineSource, trained: list[str]) -> None:
    ticks = itertools.count(0, 50)  # every look at the clock takes 50 seconds
    said, failures = _work(source, seconds=140.0, clock=lambda: float(next(ticks)))
    assert failures == []
    assert trained == ["histdb-student", "teacher-histdb"]
    assert said[-1] == "the time is over; 1 of 3 trainings were not reached"


def test_a_student_does_not_learn_from_half_a_teacher(source: LineSource, trained: list[str]) -> None:
    [student] = [job for job in jobs_of(STUDENT_ROWS, source.study, (1,)) if job.teacher is not None]
    _finish(student.teacher, step=1)
    said: list[str] = []
    [failure] = work([student], source, Machine(say=said.append))
    assert "learns from teacher-histdb, whose training is not at its end" in failure
    assert trained == []


def test_a_run_that_another_process_works_on_is_passed_over(source: LineSource, trained: list[str]) -> None:
    pytest.importorskip("fcntl")
    run = source.study.runs / "histdb-student"
    with line_runs._alone(run) as alone:
        assert alone
        said, failures = _work(source)
    assert said[0] == "histdb-student: another process works on it; passed over"
    assert failures == []
    assert trained == ["teacher-histdb", "histdb-student-kd"]
    _work(source)
    assert trained[-1] == "histdb-student"

"""Working through trainings: in time, one process a run, no Student before its Teacher, the rest after a failure."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest

from amanuensis.errors import DataError
from amanuensis.evaluation import Outcome, Results, write_results
from amanuensis.language import TextNormalization
from amanuensis.records import Sample
from amanuensis.reproduce import LINE_TABLES, Job, LineSource, LineStudy, Machine, jobs_of, line_runs, work
from amanuensis.training import RunFolder, load_recipe
from amanuensis.training.run import Beginning
from tiny_model import CONFIG

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
    recipe = load_recipe(job.training.recipe, job.training.overrides)
    RunFolder(job.run).begin(recipe, Beginning(CONFIG, {}, 2, {}))
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


def test_a_finished_run_of_another_recipe_is_no_row(source: LineSource, trained: list[str]) -> None:
    _work(source)
    changed = replace(source, study=replace(source.study, changes=("training.patience=3",)))
    _, failures = _work(changed)
    assert len(failures) == 3
    assert "begun with another recipe; these sections differ: training" in failures[0]
    assert len(trained) == 3


def test_lines_that_a_file_lacks_are_read_and_what_was_read_is_kept(
    source: LineSource, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [Sample(one, Path("none.png"), "ab", "test", "washington") for one in "123"]
    source = replace(source, samples={"washington": samples})
    asked: list[list[str]] = []

    def read(job: Job, lacking: list[Sample], source: LineSource, machine: Machine) -> None:
        asked.append([sample.id for sample in lacking])

    monkeypatch.setattr(line_runs, "_read", read)
    header = ("histdb-student", "test", ("washington",), TextNormalization(), {"method": "best-path"}, {})
    part = source.new_file("histdb-student-washington")
    write_results(Results(*header, (Outcome("washington/2", "ab", 0.5),)), part)
    _work(source)
    assert asked == [["1", "3"], ["1", "2", "3"], ["1", "2", "3"]]
    assert source.new_file("histdb-student-washington").name == "histdb-student-washington-test-2.jsonl"


def test_results_without_their_run_are_taken_and_only_a_teacher_of_others_is_trained_again(
    source: LineSource, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_runs, "_read", lambda *_: None)
    samples = [Sample(one, Path("none.png"), "ab", "test", "washington") for one in "12"]
    source = replace(source, samples={"washington": samples})
    outcomes = tuple(Outcome(f"washington/{one}", "ab", 0.5) for one in "12")

    def brought(model: str, num_lines: int) -> None:
        header = (model, "test", ("washington",), TextNormalization(), {"method": "best-path"}, {})
        write_results(Results(*header, outcomes[:num_lines]), source.new_file(model))

    brought("histdb-student", 2)
    brought("teacher-histdb", 2)
    brought("histdb-student-kd", 1)
    said, failures = _work(replace(source))
    assert trained == [
        "teacher-histdb",
        "histdb-student-kd",
    ]  # one line was not read, so the Teacher is needed
    assert said[0] == "trainings whose results lie there without their runs are not done again: 1"
    assert failures == []

    trained.clear()
    elsewhere = replace(source, study=replace(source.study, runs=source.study.runs / "elsewhere"))
    header = ("histdb-student-kd", "test", ("washington",), TextNormalization(), {"method": "best-path"}, {})
    write_results(Results(*header, outcomes[1:]), source.new_file("histdb-student-kd"))
    said, _ = _work(replace(elsewhere))
    assert trained == []  # the Teacher is nobody's any more
    assert said == ["trainings whose results lie there without their runs are not done again: 3"]


def test_a_broken_result_file_is_told_before_training_and_one_of_pages_is_passed_over(
    source: LineSource, trained: list[str]
) -> None:
    source.results.mkdir()
    (source.results / "pages.jsonl").write_text('{"format": 1, "kind": "pages"}\n{"id": "set/p"}\n')
    assert source.files == {}
    (source.results / "x.jsonl").write_text("no result file")
    with pytest.raises(DataError, match=r"x\.jsonl"):
        _work(replace(source))
    assert trained == []


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
    with line_runs.alone(run) as free:
        assert free
        said, failures = _work(source)
    assert said[0] == "histdb-student: another process works on it; passed over"
    assert failures == []
    assert trained == ["teacher-histdb", "histdb-student-kd"]
    _work(source)
    assert trained[-1] == "histdb-student"

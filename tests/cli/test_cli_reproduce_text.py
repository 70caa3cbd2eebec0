"""`reproduce text-ablation` and `few-lines` on drawn lines: trained, paused, resumed, read, printed; nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from amanuensis.cli.app import app
from amanuensis.errors import DataError, RecipeError
from amanuensis.training.build import Place
from drawn_lines import WORDS, draw_lines

TINY = (
    ("training.updates=4", "training.workers=0", "training.validate_every=9", "augmentation.preset=none"),
    ("network.options={ channels = [4, 4, 6], hidden = 8, heads = 1 }",),
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def place(tmp_path: Path) -> list[str]:
    """Drawn lines, and options that keep all else in the test's folder and the networks tiny."""
    draw_lines(tmp_path / "drawn", WORDS, ["train"] * 6 + ["val"] * 2 + ["test"] * 2)
    folders = ["--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "results")]
    changes = [part for group in TINY for change in group for part in ("--set", change)]
    return ["--sets", str(tmp_path / "drawn"), *folders, *changes, "-q"]


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["--debug", "reproduce", *arguments])


def _rows(result: Result) -> dict[str, dict[str, object]]:
    """The rows of the first part of the first table."""
    return {row["row"]: row for row in json.loads(result.stdout)[0]["parts"][0]["rows"]}


def test_an_ablation_is_trained_read_and_told_and_goes_on_where_it_was(
    place: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ["text-ablation", *place, "--row", "Baseline", "--seeds", "1", "--json"]
    over = iter([False, False, True])
    with monkeypatch.context() as patch:
        patch.setattr(Place, "is_over", lambda _: next(over))
        paused = _run(*wanted, "--budget", "1h")
    assert paused.exit_code == 0, paused.exception
    assert _rows(paused)["Baseline"]["status"] == "not run"
    listed = _run(*[w for w in wanted if w != "--json"], "--print")
    assert listed.stdout.splitlines()[1].startswith("begun")
    assert not (tmp_path / "results").exists()
    told = _rows(_run(*wanted, "--budget", "1h"))
    assert told["Baseline"]["status"] == "run"
    assert told["Baseline"]["trainings"][0]["updates"] == 4
    assert told["Baseline"]["cer"]["by_seed"] == [told["Baseline"]["cer"]["rate"]]
    assert told["+KD"]["status"] == "not run"
    [results] = (tmp_path / "results").glob("*.jsonl")
    written, begun = results.stat(), (tmp_path / "runs/histdb-student-on-drawn/run.json").stat()
    assert _rows(_run(*wanted)) == told
    assert results.stat() == written
    assert (tmp_path / "runs/histdb-student-on-drawn/run.json").stat() == begun
    other = _run(*[w for w in wanted if w != "--json"], "--set", "training.patience=3", "--print")
    assert other.stdout.splitlines()[1].startswith("failed")
    assert "these sections differ: training" in other.stderr
    table = _run("text-table", "5", *place[:6], "--seeds", "1", "--json")
    assert _rows(table)["Baseline"]["cer"] == told["Baseline"]["cer"]
    plain = [w for w in wanted if w != "--json"]
    assert _run(*plain, "--print").stdout.splitlines()[1].startswith("trained")
    (tmp_path / "runs/histdb-student-on-drawn").rename(tmp_path / "elsewhere")
    assert _run(*plain, "--print").stdout.splitlines()[1].startswith("read")


def test_a_student_brings_its_teacher_and_a_failure_does_not_keep_the_rest_from_being_run(
    place: list[str], tmp_path: Path
) -> None:
    broken = tmp_path / "runs/histdb-student-on-drawn/run.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    wanted = ["text-ablation", *place, "--row", "Baseline", "--row", "+KD", "--seeds", "1"]
    ran = _run(*wanted, "--json")
    assert ran.exit_code == 1
    assert "failed: histdb-student-on-drawn" in ran.stderr
    assert [_rows(ran)[row]["status"] for row in ("Baseline", "+KD", "+CL")] == ["not run", "run", "not run"]
    listed = _run(*wanted, "--print").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == ["begun", "trained", "trained"]
    assert f"distillation.teacher={tmp_path / 'runs'}/teacher-histdb-on-drawn/best" in listed[3]


def test_a_row_of_one_table_brings_none_of_that_name_in_another(place: list[str]) -> None:
    wanted = ["text-ablation", *place, "--seeds", "1", "--row", "+CL", "--print"]
    runs = [line.split("/runs/")[-1] for line in _run(*wanted, "--table", "student").stdout.splitlines()[1:]]
    assert runs == ["teacher-histdb-on-drawn", "histdb-student-kd-cl-on-drawn"]
    assert "teacher-histdb-cl-on-drawn" in _run(*wanted).stdout


def test_wrong_choices_are_told(place: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "'4' is not one of" in _run("text-ablation", *place, "--table", "4", "--print").output
    assert "no row is called '+kx'" in _run("text-ablation", *place, "--row", "+KX", "--print").output
    assert "1,2,3" in _run("text-ablation", *place, "--seeds", "one").output
    assert "50, 200, 325" in _run("few-lines", *place, "--lines", "51", "--print").output
    monkeypatch.delenv("AMANUENSIS_DATA", raising=False)
    assert isinstance(_run("text-table", "5").exception, DataError)
    mistyped = _run("text-table", "5", *place[:2], "--results", "resluts")
    assert mistyped.exit_code == 0
    assert "resluts: no such folder" in mistyped.stderr
    twice = _run("text-table", "5", "--sets", "a/mine", "--sets", "b/mine")
    assert isinstance(twice.exception, RecipeError)


def test_few_lines_are_tuned_by_the_recipe_for_so_many(place: list[str]) -> None:
    listed = _run("few-lines", *place[:6], "--from", "models/own", "--lines", "50", "--seeds", "1", "--print")
    commands = listed.stdout.splitlines()[1:]
    assert [line.split()[3] for line in commands] == ["histdb-student"] * 2 + ["finetune-few"] * 2
    assert all("--from models/own" in line for line in commands[2:])
    assert "/runs/50-lines-from-models-own-on-drawn" in commands[2]
    assert ["synthetic" in line for line in commands] == [False, True, False, True]
    assert all("data.max_lines=50" in line for line in commands)

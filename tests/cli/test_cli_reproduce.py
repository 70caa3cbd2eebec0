"""`amanuensis reproduce`: rows are listed and printed, trained as `train` would, and told in tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from amanuensis.cli.reproduce import app
from amanuensis.errors import DataError, RecipeError
from drawn_formulas import draw_formulas


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_rows_are_listed_with_their_tables_and_runs() -> None:
    result = _run("math-ablation", "--scale", "small")
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if line.startswith("+KL"))
    assert row.split()[1:4] == ["2,", "3", "math-small-kl"]


def test_commands_are_printed_and_nothing_is_trained(tmp_path: Path) -> None:
    result = _run("math-ablation", "--row", "+KL", "--runs", tmp_path / "runs", "--print")
    first, second = result.stdout.splitlines()
    assert first.startswith("amanuensis train math-small --set")
    assert "evaluate" in second
    assert not (tmp_path / "runs").exists()
    assert isinstance(_run("math-ablation", "--row", "+KX", "--print").exception, RecipeError)


def test_a_student_without_its_teacher_is_told_what_to_train_first(tmp_path: Path) -> None:
    result = _run("math-ablation", "--row", "Baseline+KD", "--runs", tmp_path)
    assert isinstance(result.exception, DataError)
    assert "--row Baseline --scale cpu" in str(result.exception)


def test_a_row_is_trained_by_the_train_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}

    def train(recipe: str, **options: object) -> None:
        given.update(options, recipe=recipe)

    monkeypatch.setattr("amanuensis.cli.train.train", train)
    result = _run("math-ablation", "--row", "+Focal", "--scale", "paper", "--runs", tmp_path, "--resume")
    assert result.exit_code == 0, result.exception
    assert (given["recipe"], given["out"], given["resume"]) == (
        *("math-paper", tmp_path / "math-paper-focal"),
        True,
    )
    assert "network.options.shared_embedding=false" in given["overrides"]
    assert "evaluate" in result.stderr


def test_a_table_of_nothing_says_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = draw_formulas(tmp_path / "crohme", test=("x = 1", "7 + 7"))
    (tmp_path / "results").mkdir()
    arguments = ("math-table", 2, "--results", tmp_path / "results", "--data", data)
    result = _run(*arguments)
    assert result.exit_code == 0, result.exception
    assert result.stdout.count("not run") == 7
    assert "results: no result files here" in result.stderr
    told = json.loads(_run(*arguments, "--json").stdout)
    assert [row["status"] for row in told["parts"][0]["rows"]] == ["not run"] * 7
    monkeypatch.delenv("AMANUENSIS_DATA", raising=False)
    assert isinstance(_run(*arguments[:4]).exception, DataError)

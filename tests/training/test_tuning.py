"""Which recipe is for how many lines: the bounds, the lines that count, what is said; options that change recipes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from amanuensis import training
from amanuensis.cli.app import app
from amanuensis.training import fitting_recipe, load_recipe, tuning_changes
from amanuensis.training.tuning import recipe_for
from drawn_lines import draw_lines


def test_few_hundreds_and_more() -> None:
    wanted = {1: "few", 149: "few", 150: "hundreds", 999: "hundreds"}
    assert {n: recipe_for(n) for n in wanted} == {n: f"finetune-{name}" for n, name in wanted.items()}
    assert recipe_for(1000) == "finetune"


def test_all_of_them_rest_the_convolutions_as_long_as_lines_are_few() -> None:
    few, hundreds, many = (load_recipe(name, ["data.paths=[]"]) for name in training.TUNING_RECIPES)
    assert (few.fine_tuning.freeze, few.fine_tuning.freeze_share) == (["blocks"], 1.0)
    assert (hundreds.fine_tuning.freeze, hundreds.fine_tuning.freeze_share) == (["blocks"], 0.25)
    assert many.fine_tuning.freeze == []
    assert few.schedule.warmup > 0
    assert few.optimizer.learning_rate < hundreds.optimizer.learning_rate < many.optimizer.learning_rate


def test_test_and_validation_lines_do_not_count(tmp_path: Path) -> None:
    draw_lines(tmp_path / "own", ["minim"] * 160, ["train"] * 149 + ["val"] * 5 + ["test"] * 6)
    changes = tuning_changes([tmp_path / "own"], None)
    assert fitting_recipe(None, changes) == ("finetune-few", 149)
    assert fitting_recipe(None, [*changes, "data.max_lines=3"]) == ("finetune-few", 3)
    labels = tmp_path / "own" / "labels.tsv"
    labels.write_text(labels.read_text().replace("\tval\t", "\ttrain\t"))
    # Without a val split the recipe's own share is held back: 0.2 or 0.1 of 154 lines.
    assert fitting_recipe(None, changes)[1] == 154 - 31
    assert fitting_recipe("finetune-hundreds", changes)[1] == 154 - 15


def test_paths_and_fonts_of_any_name_become_changes() -> None:
    changes = tuning_changes([Path('a "b" é'), Path("c")], Path("fonts'"))
    recipe = load_recipe("finetune-few", [*changes, "synthetic.share=0.2"])
    assert recipe.data.paths == ['a "b" é', "c"]
    assert recipe.synthetic.fonts == "fonts'"
    assert (recipe.synthetic.texts, recipe.synthetic.share) == ("train", 0.2)
    assert load_recipe("finetune-few", tuning_changes([Path("c")], None)).synthetic is None


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command asks of training, which does nothing."""
    asked: dict[str, Any] = {}

    def train(recipe: str, *, overrides: list[str], options: training.RunOptions) -> Path:
        asked.update(recipe=recipe, overrides=overrides, options=options)
        return Path("best")

    monkeypatch.setattr(training, "train", train)
    return asked


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["--debug", "train", *map(str, arguments)])


def test_the_command_picks_a_recipe_or_names_a_better_one(tmp_path: Path, trained: dict[str, Any]) -> None:
    draw_lines(tmp_path / "own", ["minim"] * 4, ["train"] * 3 + ["val"])
    own = ("--from", "text-small", "--data", tmp_path / "own")
    result = _run(*own, "--fonts", tmp_path, "--seed", 3)
    assert result.exit_code == 0, result.exception
    assert trained["recipe"] == "finetune-few"
    assert "3 train lines: by the recipe finetune-few" in result.stderr
    recipe = load_recipe(trained["recipe"], trained["overrides"])
    assert (recipe.seed, recipe.synthetic.texts) == (3, "train")
    assert trained["options"].start_from == "text-small"
    named = _run("finetune", *own)
    assert trained["recipe"] == "finetune"
    assert "the recipe finetune-few is made for so many" in named.stderr
    shutil.rmtree(tmp_path / "own")
    assert _run("smoke", *own).exit_code == 0  # no recipe for tuning: its lines are not counted
    assert _run("--data", tmp_path).exit_code == 2

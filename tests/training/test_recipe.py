"""Recipes are read strictly: a misspelt key never trains with the default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amanuensis.errors import RecipeError
from amanuensis.images import AUGMENTATIONS, IMAGE_SPECS
from amanuensis.models import formula_network_config, network_config
from amanuensis.training import load_recipe, shipped_recipes
from amanuensis.training.formula_task import FORMULA_SPECS, PROFILES
from amanuensis.training.optimizers import OPTIMIZERS
from amanuensis.training.recipe import expand, validate_recipe
from amanuensis.training.schedules import SCHEDULES


def test_a_misspelt_key_is_an_error_with_the_nearest_name(recipe: dict[str, Any]) -> None:
    recipe["training"]["bach_size"] = 4
    with pytest.raises(RecipeError, match=r"training\.bach_size: unknown key; did you mean 'batch_size'"):
        validate_recipe(recipe, "r")


def test_all_problems_are_told_at_once(recipe: dict[str, Any]) -> None:
    recipe["optimiser"] = {}
    recipe["training"]["epochs"] = 0
    recipe["objective"] = {"auxiliary_weight": 2}
    with pytest.raises(RecipeError) as caught:
        validate_recipe(recipe, "r")
    for part in ("did you mean 'optimizer'", "training.epochs", "objective.auxiliary_weight"):
        assert part in str(caught.value)


def test_overrides_have_toml_values_and_bare_words_are_strings() -> None:
    recipe = load_recipe(
        "smoke", ["training.epochs=5", "network.name=htr-jand-teacher-cpu", "data.paths=['a']"]
    )
    assert recipe.training.epochs == 5
    assert recipe.network is not None
    assert recipe.network.name == "htr-jand-teacher-cpu"
    assert recipe.data.paths == ["a"]


@pytest.mark.parametrize("wrong", ["training.epochs", "=3", "description.x=1", "training.epoch=3"])
def test_wrong_overrides_are_named(wrong: str) -> None:
    with pytest.raises(
        RecipeError, match=wrong.split("=", maxsplit=1)[0].split(".", maxsplit=1)[0] or "section.key"
    ):
        load_recipe("smoke", [wrong])


def test_unknown_and_broken_recipes_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'smoke'"):
        load_recipe("smok")
    (tmp_path / "broken.toml").write_text("[data\n")
    with pytest.raises(RecipeError, match=r"broken\.toml: not valid TOML"):
        load_recipe(tmp_path / "broken.toml")
    with pytest.raises(RecipeError, match=r"none\.toml: cannot be read"):
        load_recipe(tmp_path / "none.toml")


def test_every_shipped_recipe_names_only_what_exists() -> None:
    names = shipped_recipes()
    assert {"smoke", "overfit-64", "text-small", "teacher-histdb", "paper-teacher", "finetune"} <= set(names)
    for name in names:
        recipe = load_recipe(name)
        assert recipe.augmentation.preset in AUGMENTATIONS
        assert recipe.schedule.name in SCHEDULES
        assert recipe.optimizer.name in OPTIMIZERS
        if recipe.task == "math":
            assert recipe.image.spec in FORMULA_SPECS
            assert recipe.formula.profile in PROFILES
            assert recipe.network is None or formula_network_config(
                recipe.network.name, recipe.network.options
            )
        elif recipe.network is not None:
            config = network_config(recipe.network.name, recipe.network.options)
            assert config.height == IMAGE_SPECS[recipe.image.spec].height
        else:
            assert recipe.fine_tuning is not None


def test_released_and_benchmark_models_never_touch_test_data_or_the_unseen_hand() -> None:
    text_small = load_recipe("text-small")
    assert "doniau-danest-fr-1914" in text_small.data.exclude
    assert all("/text/" not in path for path in text_small.data.paths)  # not free to release


def test_a_missing_environment_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(RecipeError, match="NOT_SET"):
        expand("$NOT_SET/open")
    monkeypatch.setenv("NOT_SET", "there")
    assert expand("$NOT_SET/open") == "there/open"


def test_schedules_start_low_peak_once_and_end_low() -> None:
    for name, schedule in SCHEDULES.items():
        values = [schedule(step / 1000, 0.1) for step in range(1001)]
        assert max(values) == pytest.approx(1, abs=1e-6), name
        assert values[0] < 0.1, name
        assert all(v > 0 for v in values), name
        peak = values.index(max(values))
        assert values[peak:] == sorted(values[peak:], reverse=True), name
    assert SCHEDULES["step"](0.6, 0.0) == pytest.approx(0.1)
    assert SCHEDULES["step"](0.8, 0.0) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("name", "override"), [("smoke", "formula.mutual=1"), ("math-small", "text.min_count=2")]
)
def test_a_section_that_the_task_does_not_read_is_refused(name: str, override: str) -> None:
    with pytest.raises(RecipeError, match=f"does not read .{override.split('.', maxsplit=1)[0]}."):
        load_recipe(name, [override])


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["data.held_out=1"], "data: held_out = 1 needs folds"),
        (["data.folds=2", "data.held_out=2"], "data: held_out = 2, but the 2 folds are 0 to 1"),
    ],
)
def test_a_fold_that_is_not_there_is_refused(overrides: list[str], told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        load_recipe("smoke", overrides)
    assert load_recipe("smoke", ["data.folds=2", "data.held_out=1"]).data.held_out == 1

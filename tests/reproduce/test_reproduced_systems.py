"""Every row of the tables is a configuration: its recipe is valid, its network is built, its objective fits."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import torch

from amanuensis.errors import RecipeError
from amanuensis.images.formula import FormulaSpec
from amanuensis.latex import TokenVocab
from amanuensis.models import Bttr, build_formula_network, formula_network_config
from amanuensis.recognition import Architecture, MathConfig
from amanuensis.reproduce import (
    READINGS,
    SCALES,
    SYSTEMS,
    TABLES,
    reading_commands,
    reading_named,
    training_of,
)
from amanuensis.reproduce.tables import years_of
from amanuensis.training import load_recipe, shipped_recipes
from amanuensis.training.batches import Prepared, collate
from amanuensis.training.formula_objectives import Peers
from amanuensis.training.formula_task import FORMULA_SPECS, formula_objective
from amanuensis.training.recipe import Recipe

VOCAB = TokenVocab(["x", "+", "1"])


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_recipe_is_valid_and_names_a_network_that_there_is(system: str, scale: str) -> None:
    training = training_of(system, scale)
    recipe = load_recipe(training.recipe, training.overrides)
    assert recipe.network is not None
    config = formula_network_config(recipe.network.name, recipe.network.options)
    assert recipe.card.name == training.name
    # The attention's grid is a sixteenth of the picture everywhere: what is compared looks equally closely.
    assert config.stride / FORMULA_SPECS[recipe.image.spec].scale == 16
    teaches = recipe.formula.mutual > 0
    assert teaches or system in {
        *("baseline", "two-branches", "one-branch", "lstm", "bttr"),
        *("mobilenet-v2", "xception", "resnet-18", "resnet-34"),
    }


def _length_of(recipe: Recipe) -> dict[str, object]:
    """What decides how many updates a run makes and how."""
    return {
        **recipe.training.model_dump(),
        **{"phases": recipe.formula.phases, "data": recipe.data, "seed": recipe.seed},
        **{"optimizer": recipe.optimizer, "schedule": recipe.schedule},
    }


@pytest.mark.parametrize("scale", SCALES)
def test_all_systems_of_a_scale_make_the_same_updates(scale: str) -> None:
    trainings = [training_of(system, scale) for system in SYSTEMS]
    lengths = [_length_of(load_recipe(t.recipe, t.overrides)) for t in trainings]
    assert all(length == lengths[0] for length in lengths)
    assert len({t.name for t in trainings}) == len(trainings)


def test_the_final_system_is_the_shipped_recipe_and_the_cpu_sees_short_captions_only() -> None:
    for scale in ("paper", "small"):
        training = training_of("catnet", scale)
        assert (training.recipe, training.name, training.overrides) == (f"math-{scale}", f"math-{scale}", ())
        assert training.recipe in shipped_recipes()
    cpu = training_of("catnet", "cpu")
    recipe = load_recipe(cpu.recipe, cpu.overrides)
    assert sum(phase.epochs for phase in recipe.formula.phases) == recipe.training.epochs
    assert max(phase.max_tokens for phase in recipe.formula.phases) == SCALES["cpu"].max_tokens


def test_the_papers_own_training_is_the_papers() -> None:
    recipe = load_recipe("math-paper")
    assert recipe.network is not None
    config = formula_network_config(recipe.network.name, recipe.network.options)
    assert (config.branches, config.kernels, config.shared_embedding) == (2, (3, 11), True)
    formula, optimizer, schedule = recipe.formula, recipe.optimizer, recipe.schedule
    assert (formula.classification, formula.profile, formula.mutual) == ("dfl", "paper", 5000)
    assert formula.temperature == 4
    assert (optimizer.name, optimizer.learning_rate, optimizer.weight_decay) == ("adadelta", 1.0, 1e-4)
    assert (schedule.name, schedule.halve_after, schedule.max_halvings) == ("constant", 15, 10)
    assert (recipe.training.batch_size, recipe.training.clip_norm) == (40, 100)


TINY = {
    "catnet-small": {"growth": 2, "blocks": [1, 1], "attention": 4, "embedding": 4, "hidden": 4},
    "bttr-small": {"growth": 2, "blocks": [1, 1], "width": 8, "heads": 2, "layers": 1, "feed_forward": 8},
}


def _config_of(recipe: Recipe) -> MathConfig:
    """A model of the row's network, shrunk where that can be."""
    assert recipe.network is not None
    options = {**recipe.network.options, **TINY[recipe.network.name]}
    if "encoder_width" in options:
        options["encoder_width"] = 4
    architecture = Architecture(recipe.network.name, options)
    return MathConfig(
        name="tiny",
        architecture=architecture,
        stride=1,
        parameters=1,
        vocabulary=VOCAB,
        image=FormulaSpec(),
    )


# Their encoders are what they are and take seconds; mobilenet-v2 and resnet-18 stand for them.
SLOW = {"xception", "xception-dual", "resnet-34", "resnet-34-dual"}


@pytest.mark.parametrize("system", [name for name in SYSTEMS if name not in SLOW])
def test_every_row_has_a_loss_that_its_network_can_learn_from(
    system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = training_of(system, "cpu")
    recipe = load_recipe(training.recipe, training.overrides)
    config = _config_of(recipe)
    architecture = config.architecture

    def build() -> torch.nn.Module:
        return build_formula_network(architecture.name, VOCAB.num_classes, architecture.options)

    monkeypatch.setattr("amanuensis.training.formula_task._teacher", lambda name, student: build())
    objective = formula_objective(recipe.formula, config)
    network = Peers([build(), build()]) if recipe.formula.trains_two else build()
    image = torch.rand(40, 64).numpy()
    batch = collate([Prepared(image, "x + 1", "a"), Prepared(image[:33, :50], "1", "b")])
    loss = objective(network, batch, 0.0)
    loss.total.backward()
    assert loss.total.isfinite()
    expected = {"kd": "distillation", "kdcl": "ensemble"}.get(recipe.formula.method or "", "mutual")
    assert (expected in loss.parts) == (recipe.formula.mutual > 0)
    assert ("features" in loss.parts) == (system == "dml-l2")
    assert recipe.formula.classification in loss.parts
    assert isinstance(network, Bttr) == system.startswith("bttr")


def test_printed_commands_do_what_the_training_does() -> None:
    for system in SYSTEMS:
        training = training_of(system, "cpu", seed=2, runs=Path("my runs"))
        typed = shlex.split(training.command(Path("my runs")))
        assert typed[:3] == ["amanuensis", "train", training.recipe]
        assert [typed[i + 1] for i, part in enumerate(typed) if part == "--set"] == list(training.overrides)
        assert typed[-2:] == ["--out", f"my runs/{training.name}"]
        assert load_recipe(training.recipe, training.overrides).seed == 2
        assert training.name.endswith("-seed2")


def test_the_readings_of_the_final_system_are_told_by_commands() -> None:
    def commands(name: str) -> str:
        return "\n".join(reading_commands(name, "small", seed=1, runs=Path("runs"), split="test"))

    assert "--branch" not in commands("catnet")
    assert "--all-branches" in commands("branch-2")
    assert "--branch 2" in commands("branch-2")
    assert "--branch all" in commands("ensemble")
    assert "--lm-weight" in commands("language-model")
    assert years_of("catnet") == (2014, 2016, 2019)
    assert years_of("kl") == (2014,)


def test_rows_are_found_by_the_papers_titles_and_ours() -> None:
    assert reading_named("+KL") == "kl"
    assert reading_named("ours-e") == "ensemble"
    assert reading_named("baseline+dml w l2") == "dml-l2"
    assert reading_named("resnet-18") == "resnet-18"
    with pytest.raises(RecipeError, match=r"did you mean '\+KL'"):
        reading_named("+KLL")
    with pytest.raises(RecipeError, match="no system"):
        training_of("nothing", "cpu")
    with pytest.raises(RecipeError, match="no scale"):
        training_of("kl", "huge")


def test_every_system_is_shown_in_a_table_and_every_row_has_a_reading() -> None:
    shown = {row.reading for table in TABLES.values() for rows in table.rows.values() for row in rows}
    assert shown - {None} == set(READINGS)

"""Recipes of lines: sections of distillation, curriculum and synthetic texts say what they mean, or are refused."""

from __future__ import annotations

import pytest

from amanuensis.errors import RecipeError
from amanuensis.images import AUGMENTATIONS
from amanuensis.training import load_recipe, shipped_recipes
from amanuensis.training.objectives import WeightPlan
from amanuensis.training.recipe import to_toml_dict

KD = "distillation.teacher=text-small"


def test_of_the_shipped_students_one_keeps_the_cross_entropy_alive_and_all_presets_exist() -> None:
    betas = {}
    for name in shipped_recipes():
        recipe = load_recipe(name)
        if told := recipe.distillation:
            plan = WeightPlan(alpha=told.alpha, gamma=told.gamma, delta=recipe.objective.auxiliary_weight)
            betas[name] = [plan.at(position).cross_entropy for position in (0, 0.5, 1)]
        if recipe.curriculum:
            assert set(recipe.curriculum.augmentations) <= set(AUGMENTATIONS)
    assert betas["histdb-student-kd"] == betas["text-student"] == [0, 0, 0]
    assert betas["smoke-kd"] == pytest.approx([0.2, 0.2, 0.2])


def test_the_baseline_differs_from_the_distilled_student_in_its_teacher_alone() -> None:
    """Reading 2.17: same network, data, augmentation, epochs."""
    base, taught = (to_toml_dict(load_recipe(name)) for name in ("histdb-student", "histdb-student-kd"))
    assert {key for key in {*base, *taught} if base.get(key) != taught.get(key)} == {
        "description",
        "card",
        "distillation",
    }


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (
            [KD, "distillation.alpha=[0.7,0.6]"],
            r"alpha 0\.6 \+ gamma 0\.5 \+ objective\.auxiliary_weight 0\.1",
        ),
        ([KD, "objective.auxiliary_weight=0.2"], "is over 1"),
        ([KD, "distillation.joint.name=htr-jand-teacher-cpu"], "distillation: name either a teacher"),
        (["distillation.temperature=2"], "distillation: name either a teacher"),
        ([KD, "distillation.temprature=2"], "did you mean 'temperature'"),
        (["curriculum.augmentations=['none']"], "curriculum.augmentations"),
        (["synthetic.fonts=x", "synthetic.share=0.1"], "synthetic: there is nothing to write"),
        (
            [
                "synthetic.fonts=x",
                "synthetic.share=0.1",
                "synthetic.texts=train",
                "synthetic.corpora={en='x'}",
            ],
            "reads no corpora",
        ),
        (
            [
                "synthetic.fonts=x",
                "synthetic.share=0.1",
                "synthetic.texts=train",
                "curriculum.start_share=0.2",
            ],
            r"curriculum\.start_share 0\.2 is over synthetic\.share 0\.1",
        ),
    ],
)
def test_sections_that_contradict_themselves_are_refused_in_a_sentence(
    overrides: list[str], told: str
) -> None:
    with pytest.raises(RecipeError, match=told) as caught:
        load_recipe("smoke", overrides)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "section", ["distillation.teacher=x", "curriculum.short=0.5", "multi_task.clip=[1,1]"]
)
def test_formulas_do_not_read_them(section: str) -> None:
    with pytest.raises(RecipeError, match=f"does not read .{section.split('.', maxsplit=1)[0]}."):
        load_recipe("math-smoke", [section])

"""What is trained for each row: recipes that are read, one change a row, names that tell rows apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from amanuensis.errors import RecipeError
from amanuensis.reproduce import LINE_TABLES, LineStudy, LineSystem, few_lines_table, jobs_of
from amanuensis.training import load_recipe

ROWS = [row for table in (*LINE_TABLES.values(), few_lines_table()) for row in table.rows]
SYSTEMS = list(dict.fromkeys(row.reading.system for row in ROWS))
SECTIONS = {
    "kd": "distillation",
    "joint": "distillation",
    "cl": "curriculum",
    "synthetic": "synthetic",
    "balance": "balance",
    "mtl": "multi_task",
}


@pytest.mark.parametrize("scale", ["cpu", "paper"])
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda s: s.title)
def test_every_training_is_a_recipe_that_has_what_its_row_says(system: LineSystem, scale: str) -> None:
    plan = LineStudy.of(scale).training(system, seed=2)
    recipe = load_recipe(plan.recipe, plan.overrides)
    assert (recipe.seed, recipe.card.name) == (2, plan.name)
    there = {name for name in set(SECTIONS.values()) if getattr(recipe, name) is not None}
    assert there == {SECTIONS[method] for method in system.methods}
    assert ("teacher" in plan.recipe) == (system.network == "teacher")
    if "joint" in system.methods:
        assert recipe.distillation.teacher is None
    if system.fewer is not None:
        assert recipe.data.max_lines == system.fewer.lines
        assert recipe.synthetic is None or recipe.synthetic.share == 0.3


@pytest.mark.parametrize("name", ["student", "teacher", "5", "3"])
def test_all_rows_of_one_network_have_equally_many_updates(name: str) -> None:
    study = LineStudy.of("cpu")
    updates: dict[str, set[int]] = {}
    for row in LINE_TABLES[name].rows:
        plan = study.training(row.reading.system)
        updates.setdefault(row.reading.system.network, set()).add(
            load_recipe(plan.recipe, plan.overrides).training.updates
        )
    assert all(len(found) == 1 for found in updates.values())


def test_rows_of_few_lines_differ_in_synthetic_lines_alone() -> None:
    study = LineStudy.of("cpu", ("washington",))
    rows = {row.title: study.training(row.reading.system) for row in few_lines_table().rows}
    for title in (t for t in rows if not t.endswith("synthetic")):
        plain, mixed = (
            load_recipe(p.recipe, p.overrides) for p in (rows[title], rows[f"{title}, synthetic"])
        )
        changed = {name for name in type(plain).model_fields if getattr(plain, name) != getattr(mixed, name)}
        assert changed == {"synthetic", "card"}
        assert ("tuned" in title) == (rows[title].start == "text-small") == (plain.fine_tuning is not None)


def test_names_tell_trainings_apart_and_shipped_recipes_keep_theirs() -> None:
    study = LineStudy.of("cpu")
    assert study.name(LineSystem("teacher")) == "teacher-histdb"
    assert study.name(LineSystem("student", ("kd",))) == "histdb-student-kd"
    names = [
        s.name(system, seed)
        for s in (study, study.alone("washington"), study.alone("saintgall"), LineStudy.of("paper"))
        for system in SYSTEMS
        for seed in (1, 2)
        if system.fewer is None or s.scale == "cpu"  # a study of few lines has no other scale
    ]
    assert len(set(names)) == len(names)


def test_sets_are_names_or_paths_and_may_not_share_a_name() -> None:
    study = LineStudy.of("cpu", ("data/mine", "washington"))
    plan = study.training(LineSystem("student"))
    assert load_recipe(plan.recipe, plan.overrides).data.paths == [
        "data/mine",
        "$AMANUENSIS_DATA/text/washington",
    ]
    assert plan.name == "histdb-student-on-mine-washington"
    with pytest.raises(RecipeError, match="one name"):
        LineStudy.of("cpu", ("data/mine", "other/mine"))
    with pytest.raises(RecipeError, match="did you mean 'paper'"):
        LineStudy.of("papre")


def test_jobs_go_seed_by_seed_and_teachers_first() -> None:
    study = LineStudy.of("cpu", runs=Path("r"))
    jobs = jobs_of(LINE_TABLES["5"].rows, study, (1, 2))
    names = [job.training.name for job in jobs]
    assert len(set(names)) == len(names)
    assert names.index("teacher-histdb") < names.index("histdb-student-kd")
    assert names.index("histdb-student-kd-cl") < names.index("histdb-student-seed2")
    student = next(job for job in jobs if job.run.name == "histdb-student-kd-seed2")
    assert student.training.teacher == Path("r/teacher-histdb/best")
    specialists = [j.training.name for j in jobs_of(LINE_TABLES["3"].rows, study, (1,))]
    assert specialists.index("teacher-histdb-on-washington") < specialists.index(
        "histdb-student-kd-on-washington"
    )

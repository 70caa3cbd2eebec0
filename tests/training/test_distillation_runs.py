"""Runs with a Teacher, a curriculum, balance and several data sets: what they leave, refuse, and resume to."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from amanuensis.errors import ModelError, RecipeError, TrainingError
from amanuensis.recognition import Recognizer, find_model, read_config
from amanuensis.training import RunOptions, train
from amanuensis.training.run import FolderRecorder
from amanuensis.training.state import Progress
from drawn_lines import WORDS, draw_lines, write_recipe

WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Teacher that was trained for one update."""
    folder = tmp_path_factory.mktemp("teacher")
    draw_lines(folder / "drawn", WORDS, ["train"] * 7 + ["val"] * 3)
    told = {
        "description": "a test",
        "network": {"name": "htr-jand-teacher-cpu", "options": {"channels": [4] * 5, "hidden": 8}},
        "data": {"paths": [str(folder / "drawn")]},
        "training": {"epochs": 1, "batch_size": 7, "workers": 0},
    }
    return _train(folder / "run", told)


def _train(out: Path, recipe: dict[str, Any], *overrides: str, **options: Any) -> Path:
    path = write_recipe(out.with_suffix(".toml"), recipe)
    return train(path, overrides=overrides, options=RunOptions(out=out, quiet=True, **options))


def _events(run: Path, kind: str) -> list[dict[str, Any]]:
    events = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    return [event for event in events if event["event"] == kind]


@pytest.mark.graphs
def test_a_student_learns_from_a_teacher_that_stays_what_it_was(
    recipe: dict[str, Any], tmp_path: Path, teacher: Path, lines: Path
) -> None:
    before = (teacher / WEIGHTS).read_bytes()
    told = recipe | {"distillation": {"teacher": str(teacher), "alpha": [0.5, 0.3]}}
    best = _train(tmp_path / "run", told, "training.precision=bf16", "training.accumulate=2")
    assert (teacher / WEIGHTS).read_bytes() == before
    assert isinstance(Recognizer.load(best).read(lines / "p0_0.png")[0].text, str)
    assert read_config(best).vocabulary == read_config(teacher).vocabulary
    [event] = _events(tmp_path / "run", "train")
    assert {"ctc", "distillation", "cross_entropy", "auxiliary"} <= set(event)
    begun = json.loads((tmp_path / "run" / "run.json").read_text())
    assert begun["recipe"]["distillation"]["teacher"] == str(teacher)
    known = begun["model"]["recipe"]["teacher"]
    assert known["name"] == "htr-jand-teacher-cpu"
    assert re.fullmatch("[0-9a-f]{32}", known["fingerprint"])
    assert read_config(best).recipe == begun["model"]["recipe"]


def test_the_teacher_may_not_change_between_two_slices_of_a_run(
    recipe: dict[str, Any], tmp_path: Path, teacher: Path
) -> None:
    copy = shutil.copytree(teacher, tmp_path / "copy")
    told = recipe | {"distillation": {"teacher": str(copy)}}
    _train(tmp_path / "run", told, "training.epochs=1")
    tensors = load_file(copy / WEIGHTS)
    tensors["head.bias"][0] += 1e-3
    save_file(tensors, copy / WEIGHTS)
    with pytest.raises(TrainingError, match="not the Teacher that the run was begun with"):
        _train(tmp_path / "run", told, "training.epochs=1", resume=True)


def test_teachers_that_cannot_teach_are_refused(
    recipe: dict[str, Any], tmp_path: Path, teacher: Path, lines: Path
) -> None:
    draw_lines(tmp_path / "other", ["zebra", "zoo", "nun"], ["train", "train", "val"])
    told = recipe | {"distillation": {"teacher": str(teacher)}}
    with pytest.raises(RecipeError, match=r"one alphabet.*'b' 'e' 'r' 'z'"):
        _train(tmp_path / "a", told, f"data.paths=['{tmp_path / 'other'}']")
    with pytest.raises(RecipeError, match=r"image\.spec"):
        _train(tmp_path / "b", told, "image.spec=paper", "network.name=htr-jand-student")
    with pytest.raises(ModelError, match="runs/none/best"):
        _train(tmp_path / "c", told, "distillation.teacher=runs/none/best")
    with pytest.raises(RecipeError, match="64 px high"):
        _train(tmp_path / "d", recipe | {"distillation": {"joint": {"name": "htr-jand-teacher"}}})
    few = (
        tmp_path / "few"
    )  # fewer characters than the Teacher writes: the Student takes the Teacher's alphabet
    draw_lines(few, ["nun", "mum", "unum"], ["train", "train", "val"])
    best = _train(tmp_path / "e", told, f"data.paths=['{few}']", "training.epochs=1")
    assert read_config(best).vocabulary == read_config(teacher).vocabulary


def test_algorithm_4_leaves_the_student_and_keeps_both_to_resume_from(
    recipe: dict[str, Any], tmp_path: Path
) -> None:
    beside = {"name": "htr-jand-teacher-cpu", "options": {"channels": [4] * 5, "hidden": 8}}
    told = recipe | {"distillation": {"joint": beside}}
    best = _train(tmp_path / "run", told, "training.epochs=1")
    assert read_config(best).architecture.name == "htr-jand-student-cpu"
    assert not any("networks" in name for name in load_file(best / WEIGHTS))
    state = load_file(tmp_path / "run" / "state.safetensors")
    assert any(name.startswith("network.networks.1.") for name in state)
    [event] = _events(tmp_path / "run", "train")
    assert {"distillation", "teacher_ctc"} <= set(event)
    with pytest.raises(RecipeError, match="leave --from out"):
        _train(tmp_path / "tuned", told, start_from=str(best))


def _cut_off_and_resume(run: Path, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends after its sixth update, in the middle of an epoch and of a stage, and goes on from there."""
    kept = FolderRecorder.checkpoint

    def interrupted(self: FolderRecorder, progress: Progress) -> None:
        kept(self, progress)
        if progress.step == 6:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FolderRecorder, "checkpoint", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _train(run, told, threads=1)
    _train(run, told, threads=1, resume=True)


def test_a_resumed_course_equals_a_straight_one_to_the_last_bit(
    recipe: dict[str, Any], tmp_path: Path, teacher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_lines(tmp_path / "second", ["nun", "minimum", "una", "manu"], ["train"] * 3 + ["val"])
    told = recipe | {
        "distillation": {"teacher": str(teacher), "skip_blank": 0.99},
        "curriculum": {"threshold": 0.0, "threshold_step": 0.0, "short": 0.5},
        "balance": {},
        "multi_task": {},
    }
    told["data"] = {"paths": [*recipe["data"]["paths"], str(tmp_path / "second")]}
    told["training"] = recipe["training"] | {"epochs": 5, "batch_size": 3, "patience": 99}
    told["network"]["options"] |= {"dropout": 0.2}
    _train(tmp_path / "straight", told, threads=1)
    _cut_off_and_resume(tmp_path / "cut", told, monkeypatch)
    one, other = (load_file(tmp_path / run / "last" / WEIGHTS) for run in ("straight", "cut"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    one, other = ([e["loss"] for e in _events(tmp_path / run, "validation")] for run in ("straight", "cut"))
    assert one == other
    last = _events(tmp_path / "straight", "train")[-1]
    assert last["stage"] > 1
    assert {"weight of drawn", "weight of second"} <= set(last)


def test_a_remembered_teacher_resumes_to_the_last_bit_too(
    recipe: dict[str, Any], tmp_path: Path, teacher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = recipe | {"distillation": {"teacher": str(teacher)}, "augmentation": {"preset": "none"}}
    _train(tmp_path / "straight", told, threads=1)
    _cut_off_and_resume(tmp_path / "cut", told, monkeypatch)
    one, other = (load_file(tmp_path / run / "last" / WEIGHTS) for run in ("straight", "cut"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_shipped_recipe_with_all_four_terms_runs_on_whatever_lines_it_is_given(
    tmp_path: Path, lines: Path
) -> None:
    options = RunOptions(out=tmp_path / "run", quiet=True)
    best = train("smoke-kd", overrides=[f"data.paths=['{lines}']"], options=options)
    assert read_config(best).vocabulary == read_config(find_model("text-small")).vocabulary
    [event] = _events(tmp_path / "run", "train")
    assert event["cross_entropy"] > 0


def test_fine_tuning_learns_from_synthetic_lines_of_its_own_texts(
    recipe: dict[str, Any], tmp_path: Path
) -> None:
    from PIL import ImageFont  # noqa: PLC0415

    font = ImageFont.load_default(40)
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "f.ttf").write_bytes(font.path.getvalue())
    told = recipe | {"synthetic": {"fonts": str(tmp_path / "fonts"), "texts": "train", "share": 0.3}}
    best = _train(tmp_path / "run", told, "training.epochs=1")
    # The alphabet is that of the lines: nothing else is written.
    assert set(read_config(best).vocabulary.symbols) == set("minauo")
    [event] = _events(tmp_path / "run", "train")
    assert event["lines"] == 2  # 7 real and 3 synthetic lines in batches of two

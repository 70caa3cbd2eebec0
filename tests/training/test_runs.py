"""Whole runs: the folder they leave, killing and resuming them, fine-tuning, several processes, budgets."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import ImageFont
from safetensors.torch import load_file

from amanuensis.data import pack, read_dataset
from amanuensis.errors import DataError, ModelError, RecipeError, TrainingError
from amanuensis.images import ImageSpec
from amanuensis.recognition import Recognizer, read_config
from amanuensis.training import RunFolder, RunOptions, build, loop, text_task, train
from amanuensis.training.build import Place
from amanuensis.training.distributed import World, world_of_this_process
from amanuensis.training.recipe import DataSection
from amanuensis.training.run import FolderRecorder
from amanuensis.training.sources import packed_otherwise, read_sources
from drawn_lines import WORDS, draw_lines, write_recipe

QUIET = RunOptions(quiet=True)


def _options(out: Path, **more: Any) -> RunOptions:
    return RunOptions(out=out, quiet=True, **more)


@pytest.mark.graphs
def test_a_run_leaves_models_that_read_a_log_and_what_it_was_begun_with(
    recipe: dict[str, Any], tmp_path: Path, lines: Path
) -> None:
    best = train(write_recipe(tmp_path / "r.toml", recipe), options=_options(tmp_path / "run"))
    assert best == tmp_path / "run" / "best"
    [reading] = Recognizer.load(best).read([lines / "p0_0.png"])
    assert isinstance(reading.text, str)
    config = read_config(best)
    assert config.calibration["best-path"].fitted_on == config.scores["val"]["n"]
    assert config.scores["val"]["n"] == 2
    assert set(config.vocabulary.symbols) == set("".join(WORDS[:7]))
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [e["step"] for e in events if e["event"] == "validation"] == [4, 8, 12]
    begun = json.loads((tmp_path / "run" / "run.json").read_text())
    assert begun["total_steps"] == 12
    assert begun["recipe"]["training"]["epochs"] == 3
    assert list(begun["fingerprints"]) == ["drawn"]


@pytest.mark.graphs
def test_the_shipped_smoke_recipe_runs_on_whatever_lines_it_is_given(tmp_path: Path, lines: Path) -> None:
    best = train("smoke", overrides=[f"data.paths=['{lines}']"], options=_options(tmp_path / "run"))
    assert len(Recognizer.load(best).read(lines / "p9_0.png")) == 1


def test_the_papers_network_trains_on_the_papers_images(recipe: dict[str, Any], tmp_path: Path) -> None:
    recipe["network"]["name"] = "htr-jand-student"
    recipe["training"]["epochs"] = 1
    path = write_recipe(tmp_path / "r.toml", recipe)
    with pytest.raises(RecipeError, match="64 px high"):
        train(path, options=_options(tmp_path / "wrong"))
    best = train(path, overrides=["image.spec=paper"], options=_options(tmp_path / "run"))
    config = read_config(best)
    assert (config.image.height, config.image.width, config.stride) == (68, 864, 1)


def test_killed_and_resumed_is_the_same_to_the_last_bit(recipe: dict[str, Any], tmp_path: Path) -> None:
    recipe["training"] |= {"epochs": 8, "accumulate": 2, "patience": 99}
    recipe["network"]["options"]["dropout"] = 0.2
    path = write_recipe(tmp_path / "r.toml", recipe)
    train(path, options=_options(tmp_path / "straight", threads=1))
    _kill_once_it_has_a_state(path, tmp_path / "killed")
    killed_at = json.loads((tmp_path / "killed" / "log.jsonl").read_text().splitlines()[-1])["step"]
    assert killed_at < 16
    train(path, options=_options(tmp_path / "killed", resume=True, threads=1))
    for folder in ("last", "best"):
        straight, resumed = (
            load_file(tmp_path / run / folder / "model.safetensors") for run in ("straight", "killed")
        )
        assert straight.keys() == resumed.keys()
        assert all(torch.equal(straight[name], resumed[name]) for name in straight)
    logs = [_losses(tmp_path / run / "log.jsonl") for run in ("straight", "killed")]
    assert logs[0] == logs[1]


def _validations(log: Path) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return [event for event in events if event["event"] == "validation"]


def _losses(log: Path) -> list[tuple[int, float]]:
    events = map(json.loads, log.read_text().splitlines())
    return [(e["step"], e["loss"]) for e in events if e["event"] == "validation"]


def _kill_once_it_has_a_state(recipe: Path, out: Path) -> None:
    command = (
        "import sys; from amanuensis.cli import main; from amanuensis.training import export; "
        "export.onnx_graph = lambda *_, **__: b''; sys.exit(main())"
    )
    arguments = ["train", str(recipe), "--out", str(out), "--threads", "1", "--quiet"]
    process = subprocess.Popen([sys.executable, "-c", command, *arguments])
    log = out / "log.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if log.exists() and log.read_text().count("validation") >= 2 and (out / "state.safetensors").exists():
            break
        time.sleep(0.01)
    assert process.poll() is None, "the run ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_finished_run_resumes_to_nothing_and_another_recipe_is_refused(
    recipe: dict[str, Any], tmp_path: Path, lines: Path
) -> None:
    path = write_recipe(tmp_path / "r.toml", recipe)
    out = tmp_path / "run"
    train(path, options=_options(out))
    weights = (out / "last" / "model.safetensors").read_bytes()
    train(path, options=_options(out, resume=True))
    assert (out / "last" / "model.safetensors").read_bytes() == weights
    with pytest.raises(TrainingError, match="holds a run already"):
        train(path, options=_options(out))
    with pytest.raises(TrainingError, match="differ: optimizer"):
        train(path, overrides=["optimizer.learning_rate=0.5"], options=_options(out, resume=True))
    begun = (out / "run.json").read_text()
    (out / "run.json").write_text(json.dumps({k: v for k, v in json.loads(begun).items() if k != "recipe"}))
    with pytest.raises(TrainingError, match=r"run\.json: cannot resume from it: 'recipe'"):
        train(path, options=_options(out, resume=True))
    (out / "run.json").write_text("null")
    with pytest.raises(TrainingError, match=r"run\.json: cannot resume from it"):
        train(path, options=_options(out, resume=True))
    (out / "run.json").write_text(begun)
    with pytest.raises(TrainingError, match="no run to resume"):
        train(path, options=_options(tmp_path / "nothing", resume=True))
    labels = lines / "labels.tsv"
    labels.write_text(labels.read_text().replace("minim", "mimim"))
    with pytest.raises(TrainingError, match="drawn"):
        train(path, options=_options(out, resume=True))


def test_a_slip_leaves_no_folder_behind(recipe: dict[str, Any], tmp_path: Path) -> None:
    path, out = write_recipe(tmp_path / "r.toml", recipe), tmp_path / "run"
    with pytest.raises(ModelError, match="nosuch"):
        train(path, options=_options(out, start_from="nosuch"))
    with pytest.raises(DataError, match="nowhere"):
        train(path, overrides=["data.paths=['nowhere']"], options=_options(out))
    with pytest.raises(RecipeError, match=r"schedule\.name: nothing is called 'cosine'"):
        train(path, overrides=["schedule.name=cosine"], options=_options(out))
    assert not out.exists()


def test_lines_without_a_split_beside_others_are_named_where_nothing_is_left(
    recipe: dict[str, Any], tmp_path: Path
) -> None:
    draw_lines(tmp_path / "letters", ["ab", "ba", "aa"], ["", "", "val"])
    path = write_recipe(tmp_path / "r.toml", recipe)
    overrides = [f"data.paths=['{tmp_path / 'letters'}']", "data.exclude=['leters']"]
    with pytest.raises(DataError, match=r"letters: 2 lines are in no split.*did you mean 'letters'"):
        train(path, overrides=overrides, options=_options(tmp_path / "run"))


def test_parts_and_options_that_no_network_has_are_told_before_an_image_is_opened(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = write_recipe(tmp_path / "r.toml", recipe), tmp_path / "run"
    monkeypatch.setattr(text_task, "readable", lambda *_: pytest.fail("an image was opened"))
    with pytest.raises(RecipeError, match=r"fine_tuning\.freeze: .* 'block'; did you mean 'blocks'"):
        train(path, overrides=["fine_tuning.freeze=['block']"], options=_options(out))
    with pytest.raises(ModelError, match="heads: 3"):
        train(path, overrides=["network.options.heads=3"], options=_options(out))
    with pytest.raises(RecipeError, match=r"augmentation\.preset: nothing is called 'papers'"):
        train(path, overrides=["augmentation.preset=papers"], options=_options(out))
    assert not (out / "run.json").exists()


def test_fine_tuning_unites_alphabets_and_keeps_what_is_frozen(
    recipe: dict[str, Any], tmp_path: Path
) -> None:
    first = train(write_recipe(tmp_path / "r.toml", recipe), options=_options(tmp_path / "first"))
    draw_lines(tmp_path / "other", ["zebra", "zoo", "bazaar"], ["train", "train", "val"])
    tuning = {
        "description": "a test",
        "data": {"paths": [str(tmp_path / "other")]},
        "training": {"epochs": 2, "batch_size": 2, "workers": 0},
        "fine_tuning": {"freeze": ["blocks"]},
    }
    path = write_recipe(tmp_path / "t.toml", tuning)
    second = train(path, options=_options(tmp_path / "second", start_from=str(first)))
    before, after = load_file(first / "model.safetensors"), load_file(second / "model.safetensors")
    old, new = read_config(first).vocabulary, read_config(second).vocabulary
    assert new.symbols[: len(old)] == old.symbols
    assert set("zebro") <= set(new.symbols)
    blocks = [name for name in before if name.startswith("blocks.")]
    assert any("running_mean" in name for name in blocks)
    assert all(torch.equal(before[name], after[name]) for name in blocks)
    assert not torch.equal(before["head.weight"], after["head.weight"][: before["head.weight"].shape[0]])
    with pytest.raises(RecipeError, match="--from"):
        train(path, options=_options(tmp_path / "third"))


def test_lines_that_cannot_be_used_are_named_before_the_first_epoch(
    recipe: dict[str, Any], tmp_path: Path, lines: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (lines / "p0_0.png").write_bytes(b"")
    labels = lines / "labels.tsv"
    labels.write_text(labels.read_text().replace("annum", "a" * 200))
    train(write_recipe(tmp_path / "r.toml", recipe), options=RunOptions(out=tmp_path / "run"))
    told = capsys.readouterr().err
    assert "left out of train: drawn/p0_0" in told
    assert "left out of train: drawn/p1_0" in told
    assert "200 characters" in told
    assert "5 samples to train" in told
    train(tmp_path / "r.toml", options=RunOptions(out=tmp_path / "run", resume=True))
    assert "left out of train: drawn/p0_0" in capsys.readouterr().err
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [(e["step"], e["line"]) for e in events if e["event"] == "left out"] == [
        (step, line) for step in (0, 9) for line in ("drawn/p0_0", "drawn/p1_0")
    ]


def test_a_validation_line_longer_than_its_frames_counts_in_the_error_and_not_in_the_loss(
    recipe: dict[str, Any], tmp_path: Path, lines: Path
) -> None:
    recipe["training"]["epochs"] = 1
    path, labels = write_recipe(tmp_path / "r.toml", recipe), lines / "labels.tsv"
    labels.write_text(labels.read_text().replace(WORDS[8], "m" * 200))
    train(path, options=_options(tmp_path / "both"))
    (lines / "p8_0.png").write_bytes(b"")  # left out
    train(path, options=_options(tmp_path / "one"))
    both, one = (_validations(tmp_path / run / "log.jsonl")[0] for run in ("both", "one"))
    assert (both["n"], one["n"]) == (2, 1)
    assert both["loss"] == pytest.approx(one["loss"], rel=1e-4)


def test_data_of_which_nothing_can_be_used_are_refused_before_the_run_begins(
    recipe: dict[str, Any], tmp_path: Path, lines: Path
) -> None:
    path, out = write_recipe(tmp_path / "r.toml", recipe), tmp_path / "run"
    labels = (lines / "labels.tsv").read_text()
    (lines / "labels.tsv").write_text(labels.replace("\ttrain", "a" * 200 + "\ttrain"))
    with pytest.raises(TrainingError, match=r"0 samples are left to train and 2 .* the first: drawn/p0_0: "):
        train(path, options=_options(out))
    (lines / "labels.tsv").write_text(labels)
    for number in (7, 8):
        (lines / f"p{number}_0.png").write_bytes(b"")
    with pytest.raises(TrainingError, match=r"7 samples are left to train and 0 to validate on"):
        train(path, options=_options(out))
    assert not (out / "run.json").exists()


def test_an_exclusion_that_matches_no_data_set_is_told(
    recipe: dict[str, Any], tmp_path: Path, lines: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_lines(tmp_path / "other", WORDS[:2], ["train", "train"])
    recipe["data"] = {"paths": [str(lines), str(tmp_path / "other")], "exclude": ["othr", "other", "xyz"]}
    recipe["training"]["epochs"] = 1
    train(write_recipe(tmp_path / "r.toml", recipe), options=RunOptions(out=tmp_path / "run"))
    told = capsys.readouterr().err
    assert "warning: data.exclude: no data set is called 'othr'; did you mean 'other'?" in told
    assert "no data set is called 'xyz'; there are: drawn, other" in told
    assert "called 'other'" not in told
    assert "7 samples to train" in told


def test_what_the_alphabet_lacks_is_told_of_synthetic_lines(
    recipe: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bundled.ttf").write_bytes(ImageFont.load_default(20).path.getvalue())
    (tmp_path / "de.txt").write_text("die Straße ist lang\n", encoding="utf-8")
    recipe["synthetic"] = {"fonts": str(tmp_path), "share": 0.3, "corpora": {"de": str(tmp_path / "de.txt")}}
    recipe["training"]["epochs"] = 1
    best = train(write_recipe(tmp_path / "r.toml", recipe), options=RunOptions(out=tmp_path / "run"))
    assert "ß" not in read_config(best).vocabulary
    assert re.search(
        r"left out of synthetic lines: words .* \(in so many of 1000 texts\): 'ß' \(\d+\)",
        capsys.readouterr().err,
    )


@pytest.mark.parametrize("has_state", [True, False])
def test_a_tuning_that_was_cut_off_at_once_still_begins_with_its_model(
    recipe: dict[str, Any], tmp_path: Path, has_state: bool
) -> None:
    first = train(write_recipe(tmp_path / "r.toml", recipe), options=_options(tmp_path / "first"))
    recipe["training"]["epochs"] = 1
    path = write_recipe(tmp_path / "t.toml", recipe)
    train(path, options=_options(tmp_path / "straight", start_from=str(first), threads=1))
    cut = tmp_path / "cut"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Fit, "__call__", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(path, options=_options(cut, start_from=str(first), threads=1))
    assert RunFolder(cut).progress().step == 0
    if not has_state:  # as runs of before were left
        (cut / "state.safetensors").unlink()
    train(path, options=_options(cut, resume=True, threads=1))
    straight, resumed = (load_file(tmp_path / r / "last/model.safetensors") for r in ("straight", "cut"))
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


def test_a_run_that_was_cut_off_in_its_last_validation_makes_it(
    recipe: dict[str, Any], tmp_path: Path
) -> None:
    recipe["training"]["epochs"] = 1
    path = write_recipe(tmp_path / "r.toml", recipe)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FolderRecorder, "validation", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(path, options=_options(tmp_path / "run"))
    assert not (tmp_path / "run" / "last").exists()
    train(path, options=_options(tmp_path / "run", resume=True))
    assert read_config(tmp_path / "run" / "last").scores["val"]["step"] == 4


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_without_a_val_split_whole_pages_of_train_validate(recipe: dict[str, Any], tmp_path: Path) -> None:
    draw_lines(tmp_path / "nosplit", WORDS, ["train"] * 10)
    recipe["data"] = {"paths": [str(tmp_path / "nosplit")], "validation_share": 0.2}
    recipe["training"]["epochs"] = 1
    best = train(write_recipe(tmp_path / "r.toml", recipe), options=_options(tmp_path / "run"))
    assert read_config(best).scores["val"]["n"] == 2


def test_lines_in_no_split_are_trained_on_only_where_no_line_has_one(tmp_path: Path) -> None:
    draw_lines(tmp_path / "listed", WORDS[:5], ["train", "", "", "val", "test"])
    draw_lines(tmp_path / "free", WORDS[:3], ["", "", ""])
    section = DataSection(paths=[str(tmp_path / "listed"), str(tmp_path / "free")], validation_share=0.3)
    sources = read_sources(section, 0)
    assert [sample.key for sample in sources.train if sample.dataset == "listed"] == ["listed/p0_0"]
    assert [sample.key for sample in sources.val if sample.dataset == "listed"] == ["listed/p3_0"]
    assert len([sample for sample in sources.train if sample.dataset == "free"]) == 2
    [said] = sources.problems
    assert (said.key, said.reason) == ("listed", "2 lines are in no split, and the others are")


def test_lines_that_were_packed_for_another_network_are_told(lines: Path, tmp_path: Path) -> None:
    pack([read_dataset(lines)], tmp_path / "all.zip", ImageSpec.paper())
    samples = read_dataset(tmp_path / "all.zip").samples
    assert packed_otherwise(samples, ImageSpec.paper()) == ""
    assert packed_otherwise(read_dataset(lines).samples, ImageSpec.cpu()) == ""
    told = packed_otherwise(samples, ImageSpec.cpu())
    assert "10 lines were packed for 68 x 864 pixels" in told
    assert "64 pixels of height" in told


def test_no_lines_and_no_path_are_clear_errors(recipe: dict[str, Any], tmp_path: Path) -> None:
    recipe["data"] = {"paths": [str(tmp_path / "nowhere*")]}
    with pytest.raises(DataError, match="nowhere"):
        train(write_recipe(tmp_path / "r.toml", recipe), options=_options(tmp_path / "run"))
    draw_lines(tmp_path / "tests", WORDS[:2], ["test", "test"])
    recipe["data"] = {"paths": [str(tmp_path / "tests")]}
    with pytest.raises(DataError, match="0 train"):
        train(write_recipe(tmp_path / "r.toml", recipe), options=_options(tmp_path / "run"))


def test_a_budget_becomes_steps_once(recipe: dict[str, Any], tmp_path: Path) -> None:
    path = write_recipe(tmp_path / "r.toml", recipe)
    with pytest.raises(TrainingError, match="2h30m"):
        train(path, options=_options(tmp_path / "wrong", budget="soon"))
    train(path, options=_options(tmp_path / "run", budget="2s"))
    begun = json.loads((tmp_path / "run" / "run.json").read_text())
    assert begun["budget"] == "2s"
    steps = begun["total_steps"]
    assert 1 <= steps < 2000
    train(path, options=_options(tmp_path / "run", budget="50s", resume=True))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["total_steps"] == steps


def test_a_pause_loses_nothing_and_the_length_stays(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe["training"] |= {"epochs": 2, "checkpoint_every": 100}
    path = write_recipe(tmp_path / "r.toml", recipe)
    with pytest.raises(TrainingError, match="2h30m"):
        train(path, options=_options(tmp_path / "wrong", pause_after="soon"))
    train(path, options=_options(tmp_path / "straight", threads=1))
    run = RunFolder(tmp_path / "slices")
    assert run.progress() is None
    asked = iter([False, True] * 99)  # a pause after every second update
    monkeypatch.setattr(Place, "is_over", lambda _: next(asked))
    steps = []
    while run.progress() is None or not run.progress().finished:
        train(path, options=_options(run.path, resume=run.path.exists(), pause_after="1h", threads=1))
        steps.append(run.progress().step)
    assert steps == [2, 4, 6, 8]
    straight, slices = (load_file(tmp_path / r / "last/model.safetensors") for r in ("straight", "slices"))
    assert all(torch.equal(straight[name], slices[name]) for name in straight)


def test_updates_hold_whatever_an_epoch_has(recipe: dict[str, Any], tmp_path: Path) -> None:
    path = write_recipe(tmp_path / "r.toml", recipe)
    for changes in (
        ["training.updates=6"],
        ["training.updates=6", "data.max_lines=3", "training.patience=99"],
    ):
        out = tmp_path / str(len(changes))
        train(path, overrides=changes, options=_options(out))
        assert RunFolder(out).progress().step == 6
    (tmp_path / "3" / "state.safetensors").write_bytes(b"no state")
    with pytest.raises(TrainingError, match="not a state"):
        RunFolder(tmp_path / "3").progress()


def test_more_processes_than_a_batch_has_lines_are_refused(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "world_of_this_process", lambda: nullcontext(World(0, 3)))
    with pytest.raises(TrainingError, match=r"training\.batch_size: 2 samples .* 3 processes"):
        train(write_recipe(tmp_path / "r.toml", recipe), options=_options(tmp_path / "run"))


def test_processes_agree_in_cpu_tensors_where_there_are_gpus_too(monkeypatch: pytest.MonkeyPatch) -> None:
    backends: list[str] = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.distributed, "init_process_group", backends.append)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: None)
    with world_of_this_process() as world:
        assert not world.leads
    assert backends == ["cpu:gloo,cuda:nccl"]


@pytest.mark.slow
def test_two_gloo_processes_train_one_model(recipe: dict[str, Any], tmp_path: Path) -> None:
    recipe["training"] |= {"epochs": 2, "batch_size": 3}
    path = write_recipe(tmp_path / "r.toml", recipe)
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=29511"]
    module = ["-m", "amanuensis", "train", str(path), "--out", str(tmp_path / "run"), "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launch, *module], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "2 processes" in done.stderr
    assert done.stderr.count("done after") == 1  # only the leader speaks
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert sum(e["event"] == "validation" for e in log) == 2
    assert max(e["step"] for e in log) == 4

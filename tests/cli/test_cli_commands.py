from __future__ import annotations

import importlib.util
import inspect
import json
import sys
import types
from dataclasses import fields
from pathlib import Path

import pytest

from amanuensis import __version__
from amanuensis.cli import doctor as doctor_module
from amanuensis.cli import models as models_module
from amanuensis.errors import ModelError, TrainingError
from tiny_formula_model import says, write_tiny_formula_model
from tiny_model import write_tiny_model

COMMANDS = [
    ("transcribe",),
    ("evaluate",),
    ("train",),
    ("export",),
    ("doctor",),
    ("models", "list"),
    ("models", "show"),
    ("data", "stats"),
    ("data", "check"),
    ("data", "pack"),
    ("data", "convert"),
    ("data", "synth"),
    ("lm", "train"),
    ("lm", "tune"),
    ("reproduce", "math-ablation"),
    ("reproduce", "math-table"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_by_two_examples(run, command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert result.stdout.count(f"\n    amanuensis {' '.join(command)}") >= 2


def test_version(run) -> None:
    assert run("--version").stdout == f"amanuensis {__version__}\n"


def test_no_command_shows_help(run) -> None:
    result = run()
    assert result.exit_code == 2
    assert "transcribe" in result.output


def test_an_unknown_command_is_usage(run) -> None:
    result = run("transcrib")
    assert result.exit_code == 2
    assert "transcrib" in result.stderr


def test_debug_shows_the_error_itself(run) -> None:
    assert isinstance(run("--debug", "models", "show", "a/b/c").exception, ModelError)


# models


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_tiny_model(tmp_path / "tiny")
    monkeypatch.setattr("amanuensis.recognition.shipped_models", lambda: {"tiny": folder})
    return folder


def test_models_are_listed(run, shipped: Path) -> None:
    document = json.loads(run("models", "list", "--json").stdout)
    [model] = document["models"]
    assert (model["name"], model["languages"], model["licence"]) == ("tiny", ["eng"], "CC0-1.0")
    assert "tiny" in run("models", "list").stdout


def test_a_model_is_shown(run, tiny_model: Path) -> None:
    shown = json.loads(run("models", "show", tiny_model, "--json").stdout)
    assert (shown["name"], shown["vocabulary"], shown["parameters"]) == ("tiny", "abé ", 1)
    assert shown["files"]["model.onnx"] > 0
    assert "licence: CC0-1.0" in run("models", "show", tiny_model).stdout


def test_a_network_is_shown_by_parts(run) -> None:
    pytest.importorskip("torch")
    shown = json.loads(run("models", "show", "htr-jand-student", "--json").stdout)
    assert shown["parameters"] == pytest.approx(750_654, rel=0.002)
    assert sum(shown["parts"].values()) == shown["parameters"]


def test_a_formula_network_is_listed_and_shown(run, shipped: Path) -> None:
    pytest.importorskip("torch")
    assert "catnet-small" in run("models", "list").stdout
    shown = json.loads(run("models", "show", "catnet-small", "--json").stdout)
    assert list(shown["parts"]) == ["encoders", "embeddings", "decoders"]
    assert sum(shown["parts"].values()) == shown["parameters"] > 0


@pytest.mark.parametrize(
    ("task", "scores", "told"),
    [
        ("text", {"val": {"cer": 0.5}, "test": {"cer": 0.125}}, "CER 12.5 % (test)"),
        ("math", {"test2014": {"exprate": 0.25, "wer": 0.5}, "test2016": {}}, "ExpRate 25.0 % (test2014)"),
        ("math", {"val": {"exprate": 0.25}}, "-"),
    ],
)
def test_a_model_is_listed_with_the_score_of_its_task(task: str, scores: dict, told: str) -> None:
    config = types.SimpleNamespace(name="m", languages=(), task=task, scores=scores, parameters=1, licence="")
    assert models_module._row(config)[2] == told


def test_a_network_needs_torch(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models_module, "_has_torch", lambda: False)
    result = run("models", "show", "htr-jand-teacher", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    told = " If it is a network's name, showing it needs an extra: pip install 'amanuensis[train]'"
    assert f"did you mean text-teacher?{told}" in result.stderr
    assert f"){told.replace(' If', '. If')}" in run("models", "show", "zzz").stderr  # nothing is near


# data


def test_data_is_counted(run, dataset: Path) -> None:
    [row] = json.loads(run("data", "stats", dataset, "--json").stdout)
    assert (row["train"], row["test"], row["vocab"], row["raw"]) == (2, 4, 4, 3)
    assert "bars" in run("data", "stats", dataset).stdout


def test_sound_data_passes_the_check(run, dataset: Path) -> None:
    result = run("data", "check", dataset, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"lines": 6, "problems": []}


def test_a_broken_image_fails_the_check(run, dataset: Path) -> None:
    (dataset / "lines" / "p3_1.png").write_bytes(b"broken")
    result = run("data", "check", dataset)
    assert result.exit_code == 1
    assert "p3_1" in result.stdout
    assert "1 problem" in result.stderr


def test_packed_data_can_be_evaluated(run, dataset: Path, tiny_model: Path) -> None:
    assert run("data", "pack", dataset, "-o", "packs/bars.zip").exit_code == 0
    report = json.loads(
        run("evaluate", "packs/bars.zip", "--split", "test", "-m", tiny_model, "--json").stdout
    )
    assert (report["n"], report["ser"]) == (4, 0.25)


@pytest.mark.parametrize("command", ["stats", "check"])
def test_data_that_is_not_there(run, command: str) -> None:
    result = run("data", command, "nowhere")
    assert result.exit_code == 1
    assert "nowhere" in result.stderr


def test_a_pack_must_be_a_zip(run, dataset: Path) -> None:
    result = run("data", "pack", dataset, "-o", "bars.tar")
    assert result.exit_code == 1
    assert "zip" in result.stderr


# doctor


def test_the_doctor_finds_a_sound_installation_well(
    run, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("doctor", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["well"]) == (0, True)
    assert report["models"] == {"tiny": {"state": "reads"}}
    assert report["core"]["numpy"]["state"].count(".") >= 1
    assert "Reading works." in run("doctor").stdout


def test_the_doctor_knows_models_of_formulas(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    math = write_tiny_formula_model(tmp_path / "math", says("x"))
    monkeypatch.setattr("amanuensis.recognition.shipped_models", lambda: {"tiny-math": math})
    result = run("doctor", "--json")
    assert json.loads(result.stdout)["models"] == {"tiny-math": {"state": "reads"}}
    assert result.exit_code == 0


def test_the_doctor_says_what_mends(run, shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shipped / "model.onnx").unlink()
    monkeypatch.setitem(doctor_module.EXTRAS, "train", ("no-such-package",))
    result = run("doctor")
    assert result.exit_code == 1
    assert "no-such-package: missing  -> pip install 'amanuensis[train]'" in result.stdout
    assert "model.onnx" in result.stdout


@pytest.mark.usefixtures("shipped")
def test_a_missing_extra_is_no_illness(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor_module.EXTRAS, "train", ("no-such-package",))
    assert run("doctor").exit_code == 0


# train and export: thin doors


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """Stands in for `amanuensis.training`, and remembers how it was called."""
    called = types.SimpleNamespace()

    def train(recipe: str, **options) -> Path:
        if recipe == "broken":
            raise TrainingError("broken: no such recipe")
        called.train = (recipe, options)
        return Path("runs/x/best")

    def export_model(source: Path, target: Path, **options) -> types.SimpleNamespace | None:
        called.export = (source, target, options)
        if not options["samples"]:
            return None
        return types.SimpleNamespace(told=lambda: "3 of 3 lines read alike")

    module = types.ModuleType("amanuensis.training")
    module.train, module.export_model, module.RunOptions = train, export_model, types.SimpleNamespace
    module.TUNING_RECIPES, module.tuning_changes = (), lambda data, fonts: []
    monkeypatch.setitem(sys.modules, "amanuensis.training", module)
    monkeypatch.setattr("amanuensis.training", module, raising=False)
    return called


def test_train_passes_everything_on(run, training: types.SimpleNamespace) -> None:
    result = run(
        *("train", "smoke", "--set", "a.b=1", "--set", "c=d", "--out", "o", "--resume", "--from", "m"),
        *("--budget", "2h", "--pause-after", "1h", "--device", "cpu", "--threads", 2, "--seed", 3, "-q"),
    )
    assert result.stdout == "runs/x/best\n"
    recipe, given = training.train
    assert (recipe, given["overrides"]) == ("smoke", ["a.b=1", "c=d", "seed=3"])
    assert vars(given["options"]) == {
        "out": Path("o"),
        "resume": True,
        "start_from": "m",
        "budget": "2h",
        "pause_after": "1h",
        "device": "cpu",
        "threads": 2,
        "quiet": True,
    }


def test_the_doors_fit_the_training(run) -> None:
    """The stand-in above takes anything; the real functions must know these names."""
    pytest.importorskip("torch")
    from amanuensis import training  # noqa: PLC0415

    given = {"out", "resume", "start_from", "budget", "pause_after"}
    assert {field.name for field in fields(training.RunOptions)} >= given
    assert training.TUNING_RECIPES
    assert training.tuning_changes([], None) == []
    assert {"recipe", "overrides", "options"} <= set(inspect.signature(training.train).parameters)
    names = {"source", "target", "with_attention", "samples"}
    assert names <= set(inspect.signature(training.export_model).parameters)
    parity = training.ParityReport(
        lines=3, same_text=2, largest_difference=1e-5, cer_network=0.1, cer_graph=0.1
    )
    assert parity.told().startswith("2 of 3 lines read alike")
    assert not parity.holds


def test_a_training_error_is_told(run, training: types.SimpleNamespace) -> None:
    result = run("train", "broken")
    assert (result.exit_code, result.stderr) == (1, "amanuensis: broken: no such recipe\n")


def test_export_without_a_check(run, training: types.SimpleNamespace) -> None:
    result = run("export", "runs/x", "-o", "m", "--with-attention")
    assert (result.stdout, result.stderr) == ("m\n", "")
    assert training.export == (
        Path("runs/x"),
        Path("m"),
        {"with_attention": True, "all_branches": False, "samples": [], "reports": []},
    )


def test_export_keeps_reports_and_refuses_what_is_none(
    run, training: types.SimpleNamespace, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    report.write_text('{"split": "test"}')
    run("export", "runs/x", "-o", "m", "--report", report)
    assert training.export[2]["reports"] == [{"split": "test"}]
    report.write_text("no JSON")
    wrong = run("export", "runs/x", "-o", "m", "--report", report)
    assert wrong.exit_code == 1
    assert "report.json: not a report" in wrong.stderr


def test_export_tells_its_parity(run, training: types.SimpleNamespace, dataset: Path) -> None:
    result = run("export", "runs/x", "-o", "m", "--check", dataset, "--split", "train")
    assert "3 of 3 lines read alike" in result.stderr
    assert [sample.text for sample in training.export[2]["samples"]] == ["bab", "bbb"]
    missing = run("export", "runs/x", "-o", "m", "--check", dataset)
    assert missing.exit_code == 1
    assert "no line is in the split 'val'" in missing.stderr


@pytest.mark.parametrize("arguments", [("train", "smoke"), ("export", "x", "-o", "y")])
def test_training_without_its_extra(run, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else find(name))
    result = run(*arguments)
    assert result.exit_code == 1
    assert "lacks torch" in result.stderr
    assert "pip install 'amanuensis[train]'" in result.stderr


def test_export_needs_a_target(run) -> None:
    assert run("export", "x").exit_code == 2

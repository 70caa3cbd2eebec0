"""Who teaches a formula network: every method trains, what it leaves reads alone, wrong combinations are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from amanuensis.data import read_dataset
from amanuensis.errors import ModelError, RecipeError
from amanuensis.latex import TokenVocab
from amanuensis.models import Bttr, Catnet
from amanuensis.recognition import FormulaRecognizer, MathConfig, OnnxFormulaRuntime, read_config
from amanuensis.training import RunOptions, export_model, load_recipe, train
from amanuensis.training.export import write_model_folder
from amanuensis.training.export_formula import TorchFormulaRuntime, compare_formulas
from amanuensis.training.formula_objectives import KnowledgeDistillation
from amanuensis.training.formula_task import formula_objective
from amanuensis.training.weights import load_network
from drawn_formulas import draw_formulas

ONE_BRANCH = "network.options.branches=1"
BTTR = (
    "network={ name = 'bttr-small', options = { growth = 4, blocks = [2, 2], decoders = 2, width = 16, heads = 2, "
    "layers = 1, feed_forward = 16 } }"
)


@pytest.fixture(scope="module")
def formulas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_formulas(tmp_path_factory.mktemp("data") / "drawn")


@pytest.fixture(scope="module")
def teacher(formulas: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return _train(formulas, tmp_path_factory.mktemp("teacher") / "run", ONE_BRANCH)


def _train(data: Path, out: Path, *changes: str, **options: object) -> Path:
    tiny = ("training.epochs=1", "formula.phases=[]", "formula.validate_on=1", "formula.distort=0")
    overrides = [f"data.paths=['{data}']", *tiny, *changes]
    return train("math-smoke", overrides=overrides, options=RunOptions(out=out, quiet=True, **options))


def _parts(run: Path) -> set[str]:
    """The names of the losses in a run's log."""
    events = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    return {name for event in events if event["event"] == "train" for name in event}


@pytest.mark.graphs
def test_a_transformer_with_two_decoders_trains_and_its_graphs_read_what_it_reads(
    formulas: Path, tmp_path: Path
) -> None:
    best = _train(formulas, tmp_path / "run", BTTR)
    assert {"dfl", "mutual"} <= _parts(tmp_path / "run")
    FormulaRecognizer.load(best).read(read_dataset(formulas).samples[0].image)
    config, network = load_network(best)
    assert isinstance(network, Bttr)
    assert isinstance(config, MathConfig)
    with torch.no_grad():
        network.decoder(0).head.bias[0] = -10.0  # it would end at once, and there would be little to compare
    write_model_folder(tmp_path / "model", config, network)
    runtime = OnnxFormulaRuntime(tmp_path / "model")
    samples = read_dataset(formulas).split("train")[:3]
    assert compare_formulas(config, network, runtime, samples).holds
    wide = replace(config, decoder=replace(config.decoder, beam=3, max_length=12))
    found = FormulaRecognizer(wide, runtime).read(samples[0].image)[0]
    expected = FormulaRecognizer(wide, TorchFormulaRuntime(config, network)).read(samples[0].image)[0]
    assert found.tokens == expected.tokens
    assert len(found.tokens) > 2
    assert found.confidence == pytest.approx(expected.confidence, abs=1e-4)


@pytest.mark.graphs
def test_attention_is_guided_where_ink_names_its_symbols(formulas: Path, tmp_path: Path) -> None:
    varied = ("formula.guidance=0.5", "formula.exchange=1", "formula.distort=1", "formula.excerpts=0.5")
    best = _train(formulas, tmp_path / "run", ONE_BRANCH, *varied)
    assert {"dfl", "guidance", "attention_on_symbol"} <= _parts(tmp_path / "run")
    FormulaRecognizer.load(best).read(read_dataset(formulas).samples[0].image)


def test_a_trained_model_teaches_and_takes_no_part_in_validation(
    formulas: Path, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    taught = KnowledgeDistillation._taught
    monkeypatch.setattr(
        KnowledgeDistillation,
        "_taught",
        lambda *given: asked.append(torch.is_inference_mode_enabled()) or taught(*given),
    )
    before = (teacher / "model.safetensors").read_bytes()
    kd = ("formula.method=kd", f"formula.teacher={teacher}")
    best = _train(formulas, tmp_path / "run", ONE_BRANCH, *kd)
    assert {"dfl", "distillation"} <= _parts(tmp_path / "run")
    assert (teacher / "model.safetensors").read_bytes() == before
    assert set(asked) == {False}
    assert read_config(best).parameters == read_config(teacher).parameters


@pytest.mark.graphs
@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (("formula.method=dml",), {"mutual"}),
        (("formula.method=dml", "formula.l2_weight=0.5"), {"mutual", "features"}),
        (("formula.method=kdcl",), {"ensemble"}),
    ],
)
def test_of_two_networks_that_learn_together_the_first_is_kept(
    formulas: Path, teacher: Path, tmp_path: Path, changes: tuple[str, ...], parts: set[str]
) -> None:
    best = _train(formulas, tmp_path / "run", ONE_BRANCH, *changes)
    assert parts <= _parts(tmp_path / "run")
    kept = load_file(best / "model.safetensors")
    assert kept.keys() == load_file(teacher / "model.safetensors").keys()
    state = load_file(tmp_path / "run" / "state.safetensors")
    assert all(torch.equal(kept[name], state[f"network.networks.0.{name}"]) for name in kept)
    weights = [name for name in kept if name.endswith("weight") and kept[name].dim() > 1]
    assert not any(torch.equal(kept[name], state[f"network.networks.1.{name}"]) for name in weights)
    config, network = load_network(best)
    assert isinstance(network, Catnet)
    assert config.parameters == read_config(teacher).parameters
    FormulaRecognizer.load(best).read(read_dataset(formulas).samples[0].image)


def test_both_peers_are_resumed_to_the_last_bit(formulas: Path, tmp_path: Path) -> None:
    changes = (ONE_BRANCH, "formula.method=dml", "training.epochs=2", "training.checkpoint_every=1")
    _train(formulas, tmp_path / "straight", *changes, threads=1)
    with pytest.MonkeyPatch.context() as patch:
        from amanuensis.training.run import FolderRecorder  # noqa: PLC0415

        kept = FolderRecorder.checkpoint

        def interrupted(self: FolderRecorder, progress: object) -> None:
            kept(self, progress)
            if progress.step == 3:
                raise KeyboardInterrupt

        patch.setattr(FolderRecorder, "checkpoint", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _train(formulas, tmp_path / "cut", *changes, threads=1)
    _train(formulas, tmp_path / "cut", *changes, threads=1, resume=True)
    one, other = (load_file(tmp_path / run / "state.safetensors") for run in ("straight", "cut"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.graphs
def test_every_branch_is_exported_if_asked_for_and_reads_as_in_the_network(
    formulas: Path, tmp_path: Path
) -> None:
    best = _train(formulas, tmp_path / "run")
    assert not (best / "decoder-2.onnx").exists()
    export_model(best, tmp_path / "model", all_branches=True)
    config, network = load_network(best)
    assert isinstance(config, MathConfig)
    samples = read_dataset(formulas).split("train")[:2]
    for branch in (1, 2):
        runtime = OnnxFormulaRuntime(tmp_path / "model", branch=branch)
        found = FormulaRecognizer(config, runtime).read([sample.image for sample in samples])
        direct = TorchFormulaRuntime(config, network, branch=branch - 1)
        expected = FormulaRecognizer(config, direct).read([sample.image for sample in samples])
        assert [reading.tokens for reading in found] == [reading.tokens for reading in expected]
        assert [r.confidence for r in found] == pytest.approx([r.confidence for r in expected], abs=1e-4)
    with pytest.raises(ModelError, match="no branch 2"):
        TorchFormulaRuntime(config, network, branch=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("method=kd",), "needs a teacher"),
        (("teacher=m",), "'kd' alone"),
        (("method=dml", "teacher=m"), "'kd' alone"),
        (("method=kdcl", "l2_weight=1"), "'dml' alone"),
        (("method=dml", "detach=true"), "'mutual' alone"),
        (("direction=peer_first",), "without detach"),
        (("method=dml", "mutual=0"), "teach nothing"),
        (("method=dmll",), "formula.method"),
    ],
)
def test_keys_that_a_method_does_not_read_are_refused(changes: tuple[str, ...], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("math-smoke", [f"formula.{change}" for change in changes])


def test_a_run_that_names_no_method_is_the_run_that_it_was() -> None:
    """New keys are not written down where they are not given: older runs can be resumed."""
    from amanuensis.training.recipe import to_toml_dict  # noqa: PLC0415

    stored = to_toml_dict(load_recipe("math-smoke"))["formula"]
    assert not {"method", "teacher", "l2_weight", "detach", "direction"} & stored.keys()


def test_teachers_that_cannot_answer_are_refused(formulas: Path, teacher: Path, tmp_path: Path) -> None:
    config = read_config(teacher)
    assert isinstance(config, MathConfig)

    def section(name: str) -> object:
        return load_recipe("math-smoke", ["formula.method=kd", f"formula.teacher={name}"]).formula

    with pytest.raises(RecipeError, match="other tokens"):
        formula_objective(section(str(teacher)), replace(config, vocabulary=TokenVocab(["x"])))
    with pytest.raises(RecipeError, match="another spec"):
        formula_objective(section(str(teacher)), replace(config, image=replace(config.image, scale=1.0)))
    with pytest.raises(RecipeError, match="reads lines"):
        formula_objective(section("text-small"), config)
    with pytest.raises(ModelError):
        formula_objective(section(str(tmp_path / "nowhere")), config)
    with pytest.raises(RecipeError, match="from scratch"):
        _train(formulas, tmp_path / "x", "formula.method=dml", start_from=str(teacher))

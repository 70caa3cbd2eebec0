"""Formula trainings whole: the folder they leave reads, resumes exactly, exports with parity, and refuses lines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from amanuensis.data import read_dataset
from amanuensis.errors import ModelError, RecipeError, TrainingError
from amanuensis.ink import Ink, render
from amanuensis.recognition import FormulaRecognizer, MathConfig, Recognizer, load_recognizer, read_config
from amanuensis.training import RunOptions, build, export_model, formula_task, train
from amanuensis.training.formula_task import FORMULA_SPECS
from amanuensis.training.formulas import TrainingFormulas, opened
from amanuensis.training.recipe import load_recipe
from drawn_formulas import CAPTIONS, draw_formulas, strokes_of

TINY = ("training.epochs=3", "training.checkpoint_every=1", "formula.validate_on=2")


@pytest.fixture
def formulas(tmp_path: Path) -> Path:
    return draw_formulas(tmp_path / "drawn", test=("x = 1", "7 + 7"))


def _train(data: Path, out: Path, *changes: str, **options: object) -> Path:
    overrides = [f"data.paths=['{data}']", *TINY, *changes]
    return train("math-smoke", overrides=overrides, options=RunOptions(out=out, quiet=True, **options))


@pytest.mark.graphs
def test_a_run_leaves_a_model_that_reads_ink_pictures_and_files(formulas: Path, tmp_path: Path) -> None:
    best = _train(formulas, tmp_path / "run")
    config = read_config(best)
    assert isinstance(config, MathConfig)
    assert set(config.vocabulary.symbols) == {token for caption in CAPTIONS for token in caption.split()}
    assert config.scores["val"]["n"] == 2
    recognizer = load_recognizer(best)
    assert isinstance(recognizer, FormulaRecognizer)
    ink = Ink(strokes_of(["x", "=", "1"]))
    (tmp_path / "ink.json").write_text(
        json.dumps([[list(p) for p in stroke] for stroke in ink.strokes], default=list)
    )
    [drawn], [from_file] = recognizer.read(ink), recognizer.read(tmp_path / "ink.json")
    assert drawn == from_file
    assert 0 <= drawn.confidence <= 1
    assert len(drawn.spans) == len(drawn.tokens)
    wide = FormulaRecognizer.load(best, beam=3).read(ink, n_best=3)[0]
    assert len(wide.alternatives) <= 2
    forced = recognizer.complete(ink, ["x", "+"])
    assert forced.tokens[:2] == ("x", "+")


def test_killed_after_an_epoch_and_resumed_is_the_same_to_the_last_bit(
    formulas: Path, tmp_path: Path
) -> None:
    def log(run: str) -> list[dict[str, object]]:
        events = map(json.loads, (tmp_path / run / "log.jsonl").read_text().splitlines())
        return [e for e in events if e["event"] == "validation"]

    _train(formulas, tmp_path / "straight", threads=1)
    stop = "KeyboardInterrupt"
    with pytest.MonkeyPatch.context() as patch:
        from amanuensis.training.run import FolderRecorder  # noqa: PLC0415

        kept = FolderRecorder.checkpoint

        def interrupted(self: FolderRecorder, progress: object) -> None:
            kept(self, progress)
            if progress.step == 3:
                raise KeyboardInterrupt(stop)

        patch.setattr(FolderRecorder, "checkpoint", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _train(formulas, tmp_path / "cut", threads=1)
    _train(formulas, tmp_path / "cut", threads=1, resume=True)
    one, other = (load_file(tmp_path / run / "last" / "model.safetensors") for run in ("straight", "cut"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert [e["loss"] for e in log("straight")] == [e["loss"] for e in log("cut")]


@pytest.mark.graphs
def test_the_exported_graphs_read_what_the_network_reads(formulas: Path, tmp_path: Path) -> None:
    best = _train(formulas, tmp_path / "run")
    samples = read_dataset(formulas).split("train")
    report = export_model(best, tmp_path / "model", samples=samples)
    assert report is not None
    assert report.same_tokens == report.formulas == len(CAPTIONS)
    assert read_config(tmp_path / "model").scores["parity"]["same_tokens"] == len(CAPTIONS)
    Image.fromarray(render(Ink(strokes_of(["x", "=", "1"])))).save(tmp_path / "typed.png")
    spaced, typed, _ = (
        export_model(
            best, tmp_path / "model", samples=[replace(samples[0], image=tmp_path / "typed.png", text=text)]
        )
        for text in ("x = 1", "x=1", r"\hat{x}")  # the last no caption can say: it costs no export
    )
    assert spaced == typed


def test_fine_tuning_keeps_the_vocabulary_and_names_what_it_cannot_write(
    formulas: Path, tmp_path: Path
) -> None:
    best = _train(formulas, tmp_path / "run")
    other = draw_formulas(tmp_path / "other", train=("x = 1", "x + z"), val=("x = 1",))
    tuned = _train(other, tmp_path / "tuned", start_from=str(best))
    assert read_config(tuned).vocabulary == read_config(best).vocabulary
    events = [json.loads(line) for line in (tmp_path / "tuned" / "log.jsonl").read_text().splitlines()]
    assert [e["reason"] for e in events if e["event"] == "left out"] == ["the model cannot write z"]


def test_lines_and_formulas_are_told_apart(formulas: Path, tmp_path: Path) -> None:
    best = _train(formulas, tmp_path / "run")
    with pytest.raises(ModelError, match="reads formulas"):
        Recognizer.load(best)
    with pytest.raises(ModelError, match="reads lines"):
        FormulaRecognizer.load("text-small")
    with pytest.raises(RecipeError, match="reads formulas"):
        train(
            "smoke",
            overrides=[f"data.paths=['{formulas}']"],
            options=RunOptions(start_from=str(best), quiet=True, out=tmp_path / "x"),
        )


def test_an_epoch_is_a_function_of_seed_and_epoch_and_phases_keep_to_short_captions(formulas: Path) -> None:
    found, bad = opened(read_dataset(formulas).split("train"), FORMULA_SPECS["half"], "train")
    assert not bad
    source = TrainingFormulas(found, FORMULA_SPECS["half"], 1, distortion=1.0, phases=[(2, 5)])
    short = [i for i, caption in enumerate(CAPTIONS) if len(caption.split()) <= 5]
    for epoch, members in ((0, short), (1, short), (2, list(range(len(CAPTIONS))))):
        assert source.num_samples(epoch) == len(members)
        assert sorted(i for batch in source.plan(epoch, 3) for i in batch) == members
    again = replace(source)
    assert np.array_equal(source.prepared(2, 0).image, again.prepared(2, 0).image)
    assert not np.array_equal(
        source.prepared(2, 0).image.shape, source.prepared(3, 0).image.shape
    ) or not np.array_equal(source.prepared(2, 0).image, source.prepared(3, 0).image)
    plain = replace(source, distortion=0.0)
    assert np.array_equal(plain.prepared(0, 0).image, plain.prepared(5, 0).image)


def test_latex_of_tables_is_cut_into_tokens_and_what_no_caption_can_say_is_named(tmp_path: Path) -> None:
    rows = [r"\frac{a}{b}", "x ^ { 2 }", r"\hat{x}", "x^2"]
    table = ["image\ttext\tsplit"]
    for number, (text, split) in enumerate(zip(rows, ("train", "train", "train", "val"), strict=True)):
        (tmp_path / f"{number}.png").write_bytes(b"never opened")
        table.append(f"{number}.png\t{text}\t{split}")
    (tmp_path / "labels.tsv").write_text("\n".join(table))
    sources = formula_task.read_samples(load_recipe("math-smoke", [f"data.paths=['{tmp_path}']"]))
    assert [sample.text for sample in sources.train] == [r"\frac { a } { b }", "x ^ { 2 }"]
    assert [sample.text for sample in sources.val] == ["x ^ { 2 }"]
    [left_out] = sources.problems
    assert (left_out.key, left_out.split) == (f"{tmp_path.name}/2", "train")
    assert "what a caption can say" in left_out.reason


def test_captions_of_crohme_stay_as_they_are(tmp_path: Path) -> None:
    captions = ("x ^ { ' }", r"\sum \limits _ { i } { a _ { 1 } } ^ { 2 }", r"y ^ { \prime } ^ { 2 }")
    data = draw_formulas(tmp_path / "drawn", train=captions, val=captions)
    recipe = load_recipe("math-smoke", [f"data.paths=['{data}']"])
    assert tuple(sample.text for sample in formula_task.read_samples(recipe).train) == captions


def test_a_caption_with_an_unknown_token_is_left_out_of_the_loss_alone(
    formulas: Path, tmp_path: Path
) -> None:
    best = _train(formulas, tmp_path / "run")

    def validation(name: str, val: tuple[str, ...]) -> dict[str, float]:
        data = draw_formulas(tmp_path / name / "drawn", train=CAPTIONS, val=val)
        _train(data, tmp_path / f"run-{name}", start_from=str(best))
        events = map(json.loads, (tmp_path / f"run-{name}" / "log.jsonl").read_text().splitlines())
        return next(e for e in events if e["event"] == "validation")

    known, with_unknown = validation("known", ("x = 1",)), validation("unknown", ("x = 1", "x + z"))
    assert with_unknown["loss"] == pytest.approx(known["loss"], abs=1e-4)
    assert with_unknown["loss"] > 0
    assert (known["n"], with_unknown["n"]) == (1, 2)
    with pytest.raises(TrainingError, match=r"0 to validate on; .* the model cannot write z"):
        validation("none", ("x + z",))


def test_a_budget_is_turned_into_updates_by_an_epoch_of_all_captions(
    formulas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, float] = {}

    def steps(budget: float, **found: float) -> int:
        told.update(found)
        return 1

    timed: list[int] = []
    drawn = TrainingFormulas.prepared
    monkeypatch.setattr(build, "steps_within", steps)
    monkeypatch.setattr(
        TrainingFormulas, "prepared", lambda self, epoch, i: timed.append(epoch) or drawn(self, epoch, i)
    )
    changes = (
        "formula.phases=[{ epochs = 1, max_tokens = 3 }]",
        "training.batch_size=2",
        "training.workers=0",
    )
    _train(formulas, tmp_path / "run", *changes, budget="1s")
    assert told["steps_per_epoch"] == -(-len(CAPTIONS) // 2)
    assert timed[: len(CAPTIONS)] == [2] * len(CAPTIONS)

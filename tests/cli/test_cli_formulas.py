"""Formulas from the command line: pictures and strokes in, LaTeX out, scores, and one wrong input each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from amanuensis.ink import Ink, InkDocument, format_inkml, format_strokes_json, render
from amanuensis.recognition import FormulaRecognizer
from amanuensis.recognition.formula_decoder import FormulaDecoder
from drawn_formulas import draw_formulas, strokes_of

INK = Ink(strokes_of(["x", "+", "y"]))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A formula model that has learned next to nothing, trained in a second."""
    from amanuensis.training import RunOptions, train  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("math")
    data = draw_formulas(folder / "drawn")
    overrides = [f"data.paths=['{data}']", "training.epochs=1", "formula.validate_on=1"]
    return train("math-smoke", overrides=overrides, options=RunOptions(out=folder / "run", quiet=True))


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "formulas"
    folder.mkdir()
    Image.fromarray(render(INK)).save(folder / "drawn.png")
    (folder / "strokes.json").write_text(format_strokes_json(INK))
    (folder / "written.inkml").write_bytes(format_inkml(InkDocument(INK)))
    return folder


def test_results_never_replace_the_strokes_that_are_read(run, model: Path, inputs: Path) -> None:
    source = (inputs / "strokes.json").rename(inputs / "transcription.json")
    before = source.read_bytes()
    refused = run("transcribe", "-m", model, source, "-f", "json", "-o", inputs)
    assert (refused.exit_code, source.read_bytes()) == (1, before)
    assert "transcription.json: is read itself" in refused.stderr


def test_pictures_and_strokes_of_one_formula_read_alike(
    run, model: Path, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beams = []
    settings = FormulaDecoder.settings
    monkeypatch.setattr(
        FormulaDecoder, "settings", lambda self, **asked: beams.append(self.beam) or settings(self, **asked)
    )
    result = run("transcribe", inputs, "-m", model, "-f", "json", "--n-best", "2")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert [Path(line["image"]).name for line in document["lines"]] == [
        "drawn.png",
        "strokes.json",
        "written.inkml",
    ]
    readings = [(line["text"], line["confidence"]) for line in document["lines"]]
    assert len(set(readings)) == 1
    first = document["lines"][0]
    assert first["mathml"].startswith("<math")
    own = FormulaRecognizer.load(model)
    assert set(beams) == {own.config.decoder.beam}
    [expected] = own.read(inputs / "drawn.png", n_best=2)
    assert first["text"] == expected.text
    assert {"second", "row"} <= set(first["spans"][0]) if first["spans"] else first["text"] == ""


def test_a_bad_formula_is_named_and_the_rest_is_read(run, model: Path, inputs: Path) -> None:
    (inputs / "bomb.inkml").write_text('<!DOCTYPE x [<!ENTITY a "b">]><ink>&a;</ink>')
    (inputs / "empty.json").write_text("[]")
    (inputs / "torn.json").write_text("[[[0, 1], [2")
    result = run("transcribe", inputs, "-m", model, "-f", "tsv")
    assert result.exit_code == 1
    for name in ("bomb.inkml", "empty.json", "torn.json"):
        assert name in result.stderr
    assert "3 read, 3 failed" in result.stderr


def test_formulas_are_scored_and_compared_with_another_result_file(run, model: Path, tmp_path: Path) -> None:
    data = draw_formulas(tmp_path / "crohme", test=("x = 1", "7 + 7"))
    (data / "ink" / "test2019.jsonl.gz").rename(data / "ink" / "test2014.jsonl.gz")
    arguments = ("evaluate", data, "--split", "test2014", "-m", model)
    result = run(*arguments, "--results", tmp_path / "r.jsonl", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["n"] == 2
    assert {"exprate", "exprate_1", "exprate_2", "exprate_tree", "wer", "errors", "by_length"} <= set(told)
    again = run("evaluate", data, "--split", "test2014", "--from-results", tmp_path / "r.jsonl", "--json")
    assert {**json.loads(again.stdout), **_times(told)} == told
    table = run(*arguments, "--results", tmp_path / "s.jsonl", "--against", tmp_path / "r.jsonl")
    assert "McNemar p = 1" in table.stderr
    assert "crohme-2014" in table.stdout
    header, first, _ = (tmp_path / "r.jsonl").read_text().splitlines()
    (tmp_path / "part.jsonl").write_text(f"{header}\n{first}\n")
    part = run(*arguments, "--from-results", tmp_path / "r.jsonl", "--against", tmp_path / "part.jsonl")
    assert (part.exit_code, "lacks 1 of the 2 samples" in part.stderr) == (1, True)
    missing = run("evaluate", data, "--split", "test2016", "-m", model)
    assert (missing.exit_code, "test2016" in missing.stderr) == (1, True)


def _times(told: dict[str, object]) -> dict[str, object]:
    """Result files round seconds."""
    return {key: told[key] for key in ("seconds", "formulas_per_second")}


def test_options_of_the_other_task_are_refused(run, model: Path, inputs: Path) -> None:
    wrong = run("transcribe", inputs / "drawn.png", "-m", model, "--decoder", "prefix-beam")
    assert (wrong.exit_code, "no decoder" in wrong.stderr) == (1, True)
    wrong = run("transcribe", inputs / "drawn.png", "-m", "text-small", "--beam", "5")
    assert (wrong.exit_code, "reads lines" in wrong.stderr) == (1, True)
    (inputs / "settings.json").write_text('{"colour": "red"}')
    wrong = run("transcribe", inputs / "settings.json", "-m", "text-small")
    assert (wrong.exit_code, "settings.json" in wrong.stderr) == (1, True)

"""`lm train` and `lm tune`, and what `transcribe` and `evaluate` make of a language model and of branches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from amanuensis.cli import lm
from amanuensis.errors import DataError, ModelError
from amanuensis.language import NGramModel
from amanuensis.recognition import read_math_config
from drawn_formulas import CAPTIONS, draw_formulas
from tiny_formula_model import write_tiny_formula_model
from tiny_model import write_tiny_model

FIRST = [{"x": 0.6, "y": 0.4}, {"+": 0.9, "": 0.1}, {"x": 1.0}]
SECOND = [{"x": 0.2, "y": 0.8}, {"+": 0.9, "": 0.1}, {"x": 1.0}]


@pytest.fixture
def run_lm(run):
    """`lm` alone, with its errors: those are the main command's to tell."""
    app = typer.Typer(rich_markup_mode=None)
    app.add_typer(lm.app, name="lm")
    return lambda *arguments: CliRunner().invoke(app, ["lm", *map(str, arguments)])


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    return draw_formulas(
        tmp_path / "drawn", train=(*CAPTIONS, *CAPTIONS), val=("y + x", "x + x", "y + x"), test=("7 = x",)
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_formula_model(tmp_path / "model", FIRST, SECOND)


@pytest.fixture
def lm_file(tmp_path: Path) -> Path:
    NGramModel.train([["y", "+", "x"]] * 8 + [["x"]], 2).save(tmp_path / "given.lm")
    return tmp_path / "given.lm"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    image = Image.new("L", (90, 60), 255)
    image.paste(0, (30, 20, 60, 40))
    image.save(tmp_path / "formula.png")
    return tmp_path / "formula.png"


@pytest.mark.parametrize("command", ["train", "tune"])
def test_help_teaches_by_two_examples(run_lm, command: str) -> None:
    assert run_lm(command, "--help").stdout.count(f"\n    amanuensis lm {command}") >= 2


def test_a_language_model_is_trained_and_its_perplexity_told(run_lm, drawn: Path) -> None:
    result = run_lm("train", drawn, "-o", "new/lm.bin", "--order", 2, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    written = NGramModel.load("new/lm.bin")
    assert (told["sequences"], told["order"], told["unit"]) == (len(CAPTIONS), 2, "tokens")
    assert (written.order, len(written.symbols)) == (2, told["symbols"])
    assert told["val perplexity"] == round(
        written.perplexity(c.split() for c in ("y + x", "x + x", "y + x")), 2
    )
    repeated = run_lm("train", drawn, "-o", "lm.bin", "--repeated", "--json")
    assert json.loads(repeated.stdout)["sequences"] == 2 * len(CAPTIONS)
    assert "val perplexity" in run_lm("train", drawn, "-o", "lm.bin").stdout


def test_a_text_file_has_no_perplexity_and_what_is_left_out_is_said(run_lm) -> None:
    Path("lines.txt").write_text("x^2\n\\begin{array}\n", encoding="utf-8")
    result = run_lm("train", "lines.txt", "-o", "lm.bin", "--unit", "tokens")
    assert result.exit_code == 0
    assert result.stdout.split()[-1] == "-"
    assert "1 text left out, the first: lines.txt, line 2" in result.stderr
    assert NGramModel.load("lm.bin").log_prob(["x"], "^") > NGramModel.load("lm.bin").log_prob(["x"], "x")


def test_an_empty_corpus_leaves_no_file(run_lm) -> None:
    Path("lines.txt").write_text("\n")
    result = run_lm("train", "lines.txt", "-o", "lm.bin", "--unit", "tokens")
    assert isinstance(result.exception, DataError)
    assert not Path("lm.bin").exists()


def test_weights_are_tried_and_the_best_is_kept(run, run_lm, model, drawn, lm_file, picture) -> None:
    table = run_lm("tune", model, drawn, "--lm", lm_file)
    assert table.exit_code == 0, table.stderr
    rows = table.stdout.splitlines()
    assert len(rows) == 12
    [best] = [row for row in rows if row.endswith("best")]
    assert not (model / "lm.bin").exists()
    saved = run_lm("tune", model, drawn, "--lm", lm_file, "--save", "--json", "--beam", 4)
    document = json.loads(saved.stdout)
    assert document["best"] == float(best.split()[0]) > 0
    assert document["trials"][0]["num_right"] == 1
    assert max(trial["num_right"] for trial in document["trials"]) == 2
    config = read_math_config(model)
    assert (config.decoder.language_weight, config.decoder.beam) == (document["best"], 4)
    assert config.scores["language_model"]["with"]["num_right"] == 2
    assert (model / "lm.bin").read_bytes() == lm_file.read_bytes()
    assert not [path for path in model.iterdir() if path.name.startswith(".")]
    assert run("transcribe", picture, "-m", model).stdout == "y+x\n"
    assert run("transcribe", picture, "-m", model, "--lm", "none").stdout == "x+x\n"
    again = run_lm("tune", model, drawn, "--json")  # with its own
    assert json.loads(again.stdout)["best"] == document["best"]


def test_a_weight_is_never_chosen_on_a_test_set(run_lm, model, drawn, lm_file) -> None:
    result = run_lm("tune", model, drawn, "--lm", lm_file, "--split", "test", "--limit", 1)
    assert isinstance(result.exception, DataError)
    result = run_lm("tune", model, Path(drawn), "--split", "val")
    assert isinstance(result.exception, ModelError)
    result = run_lm("tune", "math-small", drawn, "--lm", lm_file, "--save")
    assert "a model folder of yours" in str(result.exception)


def test_branches_together_tell_their_disagreement_in_json(run, model, picture) -> None:
    spans = {
        branch: json.loads(run("transcribe", picture, "-m", model, "-f", "json", "--branch", branch).stdout)[
            "lines"
        ][0]["spans"]
        for branch in ("1", "all")
    }
    assert "disagreement" not in spans["1"][0]
    assert [span["disagreement"] for span in spans["all"]] == [0.4, 0.0, 0.0]
    assert run("transcribe", picture, "-m", model, "--branch", 2).stdout == "y+x\n"
    assert run("transcribe", picture, "-m", model, "--branch", "both").exit_code == 2
    refused = run("transcribe", picture, "-m", model, "--branch", 3)
    assert (refused.exit_code, "there is no branch 3" in refused.stderr) == (1, True)


def test_two_models_read_together(run, tmp_path: Path, picture) -> None:
    models = [
        write_tiny_formula_model(tmp_path / name, script, name=name)
        for name, script in (("a", FIRST), ("b", SECOND))
    ]
    result = run("transcribe", picture, "-f", "json", "-m", models[0], "-m", models[1])
    document = json.loads(result.stdout)
    assert (document["model"], document["lines"][0]["text"]) == ("a+b", "y+x")


def test_results_record_language_weight_and_branch(run, model, drawn, lm_file) -> None:
    result = run(
        *("evaluate", drawn, "--split", "val", "-m", model, "--json"),
        *("--lm", lm_file, "--lm-weight", 0.3, "--branch", "all", "--beam", 2),
    )
    assert result.exit_code == 0, result.stderr
    decoder = json.loads(result.stdout)["decoder"]
    assert (decoder["language_weight"], decoder["branch"], decoder["beam"]) == (0.3, "all", 2)


@pytest.mark.parametrize("options", [("--beam", "2"), ("--branch", "all")])
def test_a_reader_of_lines_refuses_what_is_of_formulas(run, tmp_path: Path, picture, options) -> None:
    result = run("transcribe", picture, "-m", write_tiny_model(tmp_path / "tiny"), *options)
    assert result.exit_code == 1
    assert "tiny reads lines" in result.stderr

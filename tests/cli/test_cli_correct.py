"""`--correct` of transcribe and evaluate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tiny_model import draw


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A lexicon that lacks what the tiny model reads in `lines`, and has a word like it."""
    path = tmp_path / "words.txt"
    path.write_text("bababbbab\t1000\n", encoding="utf-8")
    return path


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Two test lines: in the first, "babababab" is drawn where the truth is said to be "bababbbab"."""
    folder = tmp_path / "lines"
    folder.mkdir()
    Image.fromarray(draw("a babababab")).save(folder / "p1_1.png")
    Image.fromarray(draw("ab b")).save(folder / "p2_1.png")
    (folder / "labels.tsv").write_text(
        "image\ttext\tsplit\np1_1.png\ta bababbbab\ttest\np2_1.png\tab b\ttest\n"
    )
    return folder


def test_transcribe_corrects_and_json_tells_what_was_read(
    run, tiny_model: Path, lines: Path, words: Path
) -> None:
    asked = ("transcribe", lines / "p1_1.png", lines / "p2_1.png", "-m", tiny_model)
    assert run(*asked).stdout == "a babababab\nab b\n"
    result = run(*asked, "--correct", "lexicon", "--lexicon", words, "--theta", 0.1, "-f", "json")
    assert result.exit_code == 0, result.stderr
    first, second = json.loads(result.stdout)["lines"]
    assert (first["text"], first["uncorrected"]) == ("a bababbbab", "a babababab")
    assert "".join(span["text"] for span in first["spans"]) == "a bababbbab"
    assert second["text"] == "ab b"
    assert "uncorrected" not in second


def test_evaluate_tells_before_and_after_and_keeps_both(
    run, tiny_model: Path, lines: Path, words: Path
) -> None:
    asked = ("evaluate", lines, "-m", tiny_model, "--results", "r.jsonl", "--json")
    result = run(*asked, "--correct", "lexicon", "--lexicon", words, "--theta", 0.1, "--html", "r.html")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    told = report["correction"]
    assert report["cer"] == told["cer"] == 0
    assert told["cer_before"] == pytest.approx(1 / 15)
    assert (told["kind"], told["theta"], told["lexicon"]) == ("lexicon", 0.1, ["words.txt"])
    assert (told["rescued_words"], told["harmed_words"], told["right_words"]) == (1, 0, 3)
    assert told["oov_rate"] == pytest.approx(3 / 4)
    assert told["milliseconds_per_line"] > 0
    [sample] = told["samples"]
    assert (sample["before"], sample["after"]) == ("a babababab", "a bababbbab")
    assert "Correction" in Path("r.html").read_text()
    rows = [json.loads(row) for row in Path("r.jsonl").read_text().splitlines()]
    assert rows[0]["correction"]["kind"] == "lexicon"
    assert rows[1]["uncorrected"] == "a babababab"
    again = run("evaluate", lines, "--from-results", "r.jsonl", "--json")
    scored = json.loads(again.stdout)["correction"]
    assert {**scored, "oov_rate": None, "sets": None} == {**told, "oov_rate": None, "sets": None}


def test_a_result_file_is_corrected_without_reading_an_image(
    run, tiny_model: Path, lines: Path, words: Path
) -> None:
    correction = ("--correct", "lexicon", "--lexicon", words, "--theta", 0.1, "--json")
    run("evaluate", lines, "-m", tiny_model, "--results", "read.jsonl")
    fresh = json.loads(run("evaluate", lines, "-m", tiny_model, *correction, "--results", "a.jsonl").stdout)
    (lines / "p1_1.png").write_bytes(b"no image any more")
    result = run("evaluate", lines, "--from-results", "read.jsonl", *correction, "--results", "b.jsonl")
    again = json.loads(result.stdout)
    for key in ("cer", "cer_before", "rescued_words", "samples"):
        assert again["correction"][key] == fresh["correction"][key]
    twice = run("evaluate", lines, "--from-results", "b.jsonl", *correction)
    assert twice.exit_code == 1
    assert "corrected before" in twice.stderr


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--lexicon", "words.txt"), 2, "belong to --correct"),
        (("--correct", "magic"), 1, "there are: lexicon, tagger, t5"),
        (("--correct", "lexicon"), 1, "name a file of words"),
        (("--correct", "lexicon", "--lexicon", "none.txt"), 1, "none.txt"),
        (("--correct", "lexicon", "--corrector", "nowhere"), 1, "no corrector lies there"),
    ],
)
def test_what_cannot_be_done_is_said(run, tiny_model: Path, lines: Path, options, status, said) -> None:
    for command in (("transcribe", lines / "p1_1.png"), ("evaluate", lines)):
        result = run(*command, "-m", tiny_model, *options)
        assert result.exit_code == status
        assert said in result.stderr
    assert not list(Path.cwd().iterdir())

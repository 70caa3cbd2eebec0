"""`amanuensis correction lexicon`: from data and a model to a folder that corrects."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from amanuensis.correction import LexiconCorrector, load_correction, read_corrector_config
from amanuensis.errors import ModelError
from amanuensis.evaluation import tune_lexicon
from amanuensis.language.lexicon import Lexicon, read_lexicon
from tiny_model import draw


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Words that the tiny model misreads alike in val and test: what is drawn as "b" there is an "é" in truth."""
    folder = tmp_path / "letters"
    folder.mkdir()
    rows = ["image\ttext\tsplit"]
    lines = [
        ("val", "aabababaab", "aaéababaab"),
        ("val", "baababbaab", "baababbaab"),
        ("test", "aabababaab", "aaéababaab"),
    ]
    for number, (split, drawn, text) in enumerate(lines):
        Image.fromarray(draw(drawn)).save(folder / f"p{number}_1.png")
        rows.append(f"p{number}_1.png\t{text}\t{split}")
    Image.fromarray(draw("ab")).save(folder / "p9_1.png")
    rows += ["p9_1.png\taaéababaab baababbaab\ttrain"]
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_a_corrector_is_made_and_corrects_what_was_not_seen(run, tiny_model: Path, letters: Path) -> None:
    made = run(
        "correction", "lexicon", letters, "-m", tiny_model, "-o", "mine", "--language", "eng", "--json"
    )
    assert made.exit_code == 0, made.stderr
    told = json.loads(made.stdout)
    assert told["best"]["cer"] < told["cer_before"] == pytest.approx(1 / 20)
    assert told["best"]["harm_rate"] == 0
    config = read_corrector_config(Path("mine"))
    assert (config.kind, config.languages, config.scores["model"]) == ("lexicon", ("eng",), "tiny")
    assert load_correction("lexicon", corrector="mine").theta == config.theta == told["best"]["theta"]
    asked = ("evaluate", letters, "--split", "test", "-m", tiny_model, "--json", "--correct", "lexicon")
    report = json.loads(run(*asked, "--corrector", "mine").stdout)
    assert (report["correction"]["cer_before"], report["cer"]) == (pytest.approx(0.1), 0)


def test_words_of_test_lines_are_known_to_an_oracle_only(
    run, tiny_model: Path, letters: Path, tmp_path: Path
) -> None:
    (tmp_path / "words.txt").write_text("other\n")
    asked = ("evaluate", letters, "--split", "test", "-m", tiny_model, "--theta", 0.1)
    asked += ("--correct", "lexicon", "--lexicon", tmp_path / "words.txt")
    plain = json.loads(run(*asked, "--json").stdout)["correction"]
    knowing = json.loads(run(*asked, "--json", "--oracle").stdout)["correction"]
    assert (plain["oov_rate"], knowing["oov_rate"]) == (1, 0)
    assert ("oracle" in plain, knowing["oracle"]) == (False, True)
    assert "an oracle, no score" in run(*asked, "--oracle").stderr
    assert run("evaluate", letters, "--split", "test", "-m", tiny_model, "--oracle").exit_code == 2


def test_nothing_is_written_where_nothing_is_mended(run, tiny_model: Path, dataset: Path) -> None:
    none = run("correction", "lexicon", dataset, "-m", tiny_model, "-o", "mine")
    assert none.exit_code == 1
    assert "no val lines" in none.stderr
    assert not Path("mine").exists()


def test_a_folder_of_something_else_is_not_replaced(run, tiny_model: Path, letters: Path) -> None:
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("keep")
    result = run("correction", "lexicon", letters, "-m", tiny_model, "-o", "mine")
    assert result.exit_code == 1
    assert "no corrector lies there" in result.stderr
    assert Path("mine/notes.txt").read_text() == "keep"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("kind", "magic", "its kind is 'magic'"),
        ("theta", 2, "theta is a probability"),
        ("context", "one", "context is a number of lines"),
        ("settings", {"wight": 1}, "unknown settings wight"),
        ("settings", {"weight": "much"}, "'weight' must be a number"),
        ("format", 2, "with format 1"),
    ],
)
def test_a_damaged_corrector_is_named(run, tiny_model: Path, letters: Path, key, value, said) -> None:
    assert run("correction", "lexicon", letters, "-m", tiny_model, "-o", "mine").exit_code == 0
    path = Path("mine/corrector.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(ModelError, match=said):
        load_correction("lexicon", corrector="mine")


def test_settings_are_tried_with_the_lexicon_that_is_stored(
    run, tiny_model: Path, letters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Lexicon] = []

    class Remembering(LexiconCorrector):
        def __init__(self, lexicon: Lexicon, *others: Any) -> None:
            used.append(lexicon)
            super().__init__(lexicon, *others)

    monkeypatch.setattr(tune_lexicon, "LexiconCorrector", Remembering)
    (tmp_path / "names.txt").write_text("Anne\nBerthe\n")
    made = run(
        *("correction", "lexicon", letters, "-m", tiny_model, "-o", "mine", "--max-harm", 1),
        *("--words", tmp_path / "names.txt"),
    )
    assert made.exit_code == 0, made.stderr
    while_tuning, whole = used
    again = read_lexicon(Path("mine/lexicon.tsv.gz"))
    assert (again.forms, again.pairs, again.total) == (whole.forms, whole.pairs, whole.total)
    assert again.total > 1_000_000
    assert not while_tuning.pairs  # the one pair of the train line was seen once


def test_words_of_decomposed_letters_are_known(run, tiny_model: Path, letters: Path) -> None:
    labels = letters / "labels.tsv"
    labels.write_text(unicodedata.normalize("NFD", labels.read_text(encoding="utf-8")), encoding="utf-8")
    made = run("correction", "lexicon", letters, "-m", tiny_model, "-o", "mine")
    assert made.exit_code == 0, made.stderr
    asked = ("evaluate", letters, "--split", "test", "-m", tiny_model, "--json", "--correct", "lexicon")
    oracle = json.loads(run(*asked, "--corrector", "mine", "--oracle").stdout)["correction"]
    assert oracle["oov_rate"] == 0

"""Language models for lines on the command line: made, measured, exchanged, tuned, and reading along."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from amanuensis.language import NGramModel
from amanuensis.recognition import Calibration, Decoder, read_text_config, write_config
from tiny_model import draw, write_tiny_model

TEXT = "abba ab\nbaba b\nab\n" * 4000  # enough for blocks to be held out


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "text.txt.gz").write_bytes(gzip.compress(TEXT.encode()))
    return tmp_path / "text.txt.gz"


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Three validation lines that are drawn as they read, and one test line."""
    folder = tmp_path / "bars"
    folder.mkdir()
    rows = ["image\ttext\tsplit\twriter"]
    for i, (text, split) in enumerate([("ab ab", "val"), ("ab ba", "val"), ("éb ab", "val"), ("ab", "test")]):
        Image.fromarray(draw(text)).save(folder / f"{i}.png")
        rows.append(f"{i}.png\t{text}\t{split}\t")
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_characters_are_counted_by_default_and_measured_on_what_was_held_out(run, corpus: Path) -> None:
    result = run("lm", "train", corpus, "-o", "en.lm", "--line-length", 20, "--max-ngrams", 50, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["unit"], told["order"], told["val perplexity"]) == ("characters", 6, None)
    assert 1 < told["held-out perplexity"] < 3
    model = NGramModel.load("en.lm")
    assert set(model.symbols) == {"a", "b", " "}
    assert sum(model.num_ngrams[1:]) <= 50


def test_words_are_counted_with_the_rare_ones_unknown(run, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("the cat, the dog;\nthe hapax\n" * 1 + "a cat a dog\n")
    assert run("lm", "train", tmp_path / "t.txt", "-o", "w.lm", "--unit", "words").exit_code == 0
    assert NGramModel.load("w.lm").symbols == ("a", "cat", "dog", "the")


def test_perplexity_is_that_of_the_text(run, corpus: Path, tmp_path: Path) -> None:
    run("lm", "train", corpus, "-o", "en.lm")
    (tmp_path / "new.txt").write_text("abba q\n")
    told = json.loads(run("lm", "perplexity", "en.lm", tmp_path / "new.txt", "--json").stdout)
    assert (told["sequences"], told["symbols and ends"], told["unknown"]) == (1, 7, 1)
    assert told["perplexity"] == pytest.approx(NGramModel.load("en.lm").perplexity(["abba q"]), abs=1e-3)


def test_arpa_goes_out_and_comes_in(run, corpus: Path) -> None:
    run("lm", "train", corpus, "-o", "en.arpa", "--order", 2)
    assert Path("en.arpa").read_text().startswith("\\data\\\nngram 1=6\n")
    refused = run("lm", "convert", "en.arpa", "again.lm")
    assert (refused.exit_code, "--unit" in refused.stderr) == (1, True)
    assert run("lm", "convert", "en.arpa", "again.lm", "--unit", "characters").exit_code == 0
    run("lm", "train", corpus, "-o", "en.lm", "--order", 2)
    texts = ["abba", "b"]
    assert NGramModel.load("again.lm").perplexity(texts) == pytest.approx(
        NGramModel.load("en.lm").perplexity(texts), rel=1e-5
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "nothing to train"), ("né\n".encode("latin-1"), "not UTF-8"), (b"\xff\xfea\0b\0", "zero bytes")],
)
def test_a_corpus_that_is_none_is_told_and_leaves_no_file(run, tmp_path: Path, content, message) -> None:
    (tmp_path / "c.txt").write_bytes(content)
    result = run("lm", "train", tmp_path / "c.txt", "-o", "lm.bin")
    assert (result.exit_code, message in result.stderr) == (1, True)
    assert not Path("lm.bin").exists()


def test_a_tuned_language_reads_along_when_it_is_named(run, tmp_path: Path, lines: Path) -> None:
    model = write_tiny_model(tmp_path / "model", gain=1.2)
    NGramModel.train(["ab ab", "éb ab", "ab ba"] * 9, 3, unit="characters").save(tmp_path / "own.lm")
    refused = run("lm", "tune", model, lines, "--lm", tmp_path / "own.lm")
    assert (refused.exit_code, "--language" in refused.stderr) == (1, True)
    tuned = run(
        "lm", "tune", model, lines, "--lm", tmp_path / "own.lm", "--language", "xyz", "--save", "--json"
    )
    assert tuned.exit_code == 0, tuned.stderr
    assert len(json.loads(tuned.stdout)["trials"]) == 22
    # Everything was right without it, so nothing is kept.
    assert read_text_config(model).language_decoders == {}
    unknown = run("transcribe", lines / "0.png", "-m", model, "--language", "xyz")
    assert (unknown.exit_code, "no language model tuned for 'xyz'" in unknown.stderr) == (1, True)


def test_what_is_kept_is_used_and_recorded(run, tmp_path: Path, lines: Path) -> None:
    # The writer of the second line meant "ab ab"; the picture says "ab bb".
    Image.fromarray(draw("ab bb")).save(lines / "1.png")
    labels = (lines / "labels.tsv").read_text().replace("1.png\tab ba", "1.png\tab ab")
    (lines / "labels.tsv").write_text(labels)
    model = write_tiny_model(tmp_path / "model", gain=1.2)
    NGramModel.train(["ab ab", "éb ab"] * 20, 4, unit="characters").save(tmp_path / "own.lm")
    own = ("--lm", tmp_path / "own.lm", "--language", "xyz")
    tuned = run("lm", "tune", model, lines, *own, "--save", "--json", "--max-harm", 0.5)
    best = json.loads(tuned.stdout)["best"]
    assert best["rescued"] >= 1, tuned.stdout
    decoder = read_text_config(model).language_decoders["xyz"]
    assert (decoder.language_model, decoder.language_weight) == ("lm-xyz.bin", best["weight"])
    assert read_text_config(model).scores["language_models"]["xyz"]["with"] == best
    assert run("transcribe", lines / "1.png", "-m", model, "--language", "xyz").stdout == "ab ab\n"
    assert (
        run("transcribe", lines / "1.png", "-m", model, "--language", "xyz", "--lm", "none").stdout
        == "ab bb\n"
    )
    # Another weight or language model under the same name makes other confidences.
    config = read_text_config(model)
    kept = {decoder.mode: Calibration(), "best-path": Calibration()}
    write_config(model, replace(config, calibration=kept))
    again = run("lm", "tune", model, lines, *own, "--save", "--max-harm", 0.5)
    assert "calibrated again" in again.stderr
    assert list(read_text_config(model).calibration) == ["best-path"]
    options = ("evaluate", lines, "--split", "val", "-m", model, "--json")
    run(*options, "--results", "greedy.jsonl", "--lm", "none")
    told = json.loads(run(*options, "--language", "xyz", "--against", "greedy.jsonl").stdout)
    assert told["decoder"]["language_model"] == "lm-xyz.bin"
    assert told["against"]["rescued_words"] == best["rescued"]
    assert told["against"]["harmed_words"] == best["harmed"]


def test_where_no_weight_helps_what_an_earlier_tuning_kept_is_taken_out(
    run, tmp_path: Path, lines: Path
) -> None:
    model = write_tiny_model(tmp_path / "model", gain=1.2)
    language_model = NGramModel.train(["ab ab", "éb ab", "ab ba"] * 9, 3, unit="characters")
    for name in ("own.lm", "model/lm-xyz.bin", "model/lm-abc.bin"):
        language_model.save(tmp_path / name)
    config = read_text_config(model)
    kept = {code: Decoder("prefix-beam", language_model=f"lm-{code}.bin") for code in ("xyz", "abc")}
    calibration = {mode: Calibration() for mode in ("best-path", *(kept[code].mode for code in kept))}
    scores = {"cer": 0.1, "language_models": {"xyz": {"with": {}}, "abc": {"with": {}}}}
    write_config(model, replace(config, language_decoders=kept, calibration=calibration, scores=scores))

    tune = ("lm", "tune", model, lines, "--lm", tmp_path / "own.lm", "--language", "xyz")
    assert run(*tune).exit_code == 0
    assert read_text_config(model).language_decoders == kept  # nothing changes unasked

    tuned = run(*tune, "--save")
    assert "kept for xyz is taken out" in tuned.stderr
    left = read_text_config(model)
    assert left.language_decoders == {"abc": kept["abc"]}
    assert list(left.calibration) == ["best-path", kept["abc"].mode]
    assert left.scores == {"cer": 0.1, "language_models": {"abc": {"with": {}}}}
    assert [path.name for path in sorted(model.glob("lm-*.bin"))] == ["lm-abc.bin"]
    assert "taken out" not in run(*tune, "--save").stderr  # there is nothing any more


def test_a_calibration_that_languages_share_stays(run, tmp_path: Path, lines: Path) -> None:
    model = write_tiny_model(tmp_path / "model", gain=1.2)
    language_model = NGramModel.train(["ab ab", "éb ab", "ab ba"] * 9, 3, unit="characters")
    language_model.save(model / "lm-xyz.bin")
    shared = Decoder("prefix-beam", language_model="lm-xyz.bin")
    config = read_text_config(model)
    kept = {"xyz": shared, "abc": shared}
    write_config(
        model, replace(config, language_decoders=kept, calibration={shared.mode: Calibration()}, scores={})
    )
    tuned = run("lm", "tune", model, lines, "--language", "xyz", "--lm", model / "lm-xyz.bin", "--save")
    assert "taken out" in tuned.stderr
    left = read_text_config(model)
    assert (list(left.language_decoders), list(left.calibration)) == (["abc"], [shared.mode])
    assert (model / "lm-xyz.bin").is_file()

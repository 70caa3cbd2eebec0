from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from amanuensis.language import NGramModel
from amanuensis.metrics import LogOddsMap
from amanuensis.recognition import Decoder, Recognizer, read_text_config, write_model
from tiny_model import CONFIG, draw, graph, write_tiny_model


@pytest.fixture
def unsure(tmp_path: Path) -> Path:
    """A model that reads rightly and hardly believes it."""
    return write_tiny_model(tmp_path / "unsure", gain=1.5)


def _with_val(dataset: Path) -> Path:
    table = dataset / "labels.tsv"
    table.write_text(table.read_text(encoding="utf-8").replace("\ttrain\t", "\tval\t"), encoding="utf-8")
    return dataset


def test_a_table_and_nothing_kept(run, unsure: Path, dataset: Path) -> None:
    before = (unsure / "config.json").read_bytes()
    result = run("calibrate", unsure, _with_val(dataset))
    assert result.exit_code == 0, result.stderr
    assert [row.split()[0] for row in result.stdout.splitlines()[1:]] == ["characters", "words", "lines"]
    assert (unsure / "config.json").read_bytes() == before


def test_what_is_kept_is_used_by_every_reading(run, unsure: Path, dataset: Path) -> None:
    [raw] = Recognizer.load(unsure).read(draw("ab"))
    result = run("calibrate", unsure, _with_val(dataset), "--save", "--json")
    told = json.loads(result.stdout)
    kept = read_text_config(unsure).calibration["best-path"]
    assert (kept.fitted_on, kept.words.shift) == (2, told["words"]["shift"])
    [reading] = Recognizer.load(unsure).read(draw("ab"))
    assert (reading.text, len(reading.words)) == ("ab", 1)
    assert reading.confidence == kept.lines(raw.confidence) > raw.confidence
    assert reading.words[0].confidence == kept.words(raw.words[0].confidence) > raw.words[0].confidence
    assert [s.confidence for s in reading.spans] == [kept.characters(s.confidence) for s in raw.spans]
    # Fitting again starts from the network's own confidences, not from the calibrated ones.
    assert run("calibrate", unsure, dataset, "--json").stdout == result.stdout


def test_each_way_of_decoding_has_its_own(run, unsure: Path, dataset: Path) -> None:
    run("calibrate", unsure, _with_val(dataset), "--save", "--decoder", "prefix-beam")
    config = read_text_config(unsure)
    assert (list(config.calibration), config.decoder.method) == (["prefix-beam"], "best-path")
    run("calibrate", unsure, dataset, "--save")
    assert set(read_text_config(unsure).calibration) == {"best-path", "prefix-beam"}


@pytest.fixture
def bilingual(tmp_path: Path) -> Path:
    """A model with language models of two languages, one of them for both."""
    tuned = Decoder("prefix-beam", language_weight=0.1, language_model="lm.bin")
    config = replace(
        CONFIG, language_decoders={"eng": tuned, "lat": replace(tuned, language_model="lm2.bin")}
    )
    model = NGramModel.train(["ab ba", "ab"] * 20, 3, unit="characters").to_bytes()
    files = {"model.onnx": graph(1.5), "lm.bin": model, "lm2.bin": model}
    return write_model(tmp_path / "bilingual", config, files)


def test_with_a_language_model_a_word_is_as_sure_as_it_is_likely(run, bilingual: Path, dataset: Path) -> None:
    assert run("calibrate", bilingual, _with_val(dataset), "--language", "eng", "--save").exit_code == 0
    kept = read_text_config(bilingual).calibration["prefix-beam lm.bin"].words
    assert kept.language or kept.length
    recognizer = Recognizer.load(bilingual, language="eng")
    [reading], [raw] = recognizer.read(draw("ab")), recognizer.uncalibrated.read(draw("ab"))
    said = NGramModel.train(["ab ba", "ab"] * 20, 3, unit="characters").log_probability("ab")
    assert raw.words[0].language == pytest.approx(said)
    assert reading.words[0].confidence == kept(raw.words[0].confidence, (raw.words[0].language, 2))


def test_few_lines_lean_on_another_language(run, bilingual: Path, dataset: Path) -> None:
    refused = run("calibrate", bilingual, _with_val(dataset), "--language", "lat", "--toward", "eng")
    assert (refused.exit_code, "keeps no calibration for 'eng'" in refused.stderr) == (1, True)
    run("calibrate", bilingual, dataset, "--language", "eng", "--save")
    run("calibrate", bilingual, dataset, "--language", "lat", "--save")
    unread = run("calibrate", bilingual, dataset, "--decoder", "best-path", "--toward", "eng")
    assert (unread.exit_code, "choose one with --language" in unread.stderr) == (1, True)
    config = read_text_config(bilingual)
    far = replace(config.calibration["prefix-beam lm.bin"], words=LogOddsMap(0.5, -3.0))
    folder = write_model(
        bilingual.with_name("far"),
        replace(config, calibration={"prefix-beam lm.bin": far}),
        {path.name: path.read_bytes() for path in bilingual.iterdir() if path.name != "config.json"},
    )
    run("calibrate", folder, dataset, "--language", "lat", "--toward", "eng", "--save")
    alone, leaning = (Recognizer.load(one, language="lat").read(draw("ab")) for one in (bilingual, folder))
    assert leaning[0].words[0].confidence < alone[0].words[0].confidence - 0.3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--split", "test"], "never on a test split"),
        (["--split", "train2"], "train2"),
        ([], "no line is in the split 'val'"),
    ],
)
def test_wrong_lines(run, unsure: Path, dataset: Path, arguments: list[str], told: str) -> None:
    result = run("calibrate", unsure, dataset, *arguments)
    assert result.exit_code == 1
    assert told in result.stderr


def test_a_shipped_model_is_not_changed(run, dataset: Path) -> None:
    result = run("calibrate", "text-small", dataset, "--save")
    assert result.exit_code == 1
    assert "model folder of yours" in result.stderr

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amanuensis.recognition import Recognizer, read_text_config
from tiny_model import draw, write_tiny_model


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

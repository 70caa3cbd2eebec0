from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from amanuensis.errors import ModelError
from amanuensis.metrics import LogOddsMap
from amanuensis.recognition import (
    Calibration,
    Decoder,
    ModelConfig,
    read_config,
    write_atomically,
    write_config,
    write_model,
)
from tiny_model import CONFIG, graph, write_tiny_model


def test_a_config_comes_back_from_its_file(tmp_path: Path) -> None:
    calibration = {"prefix-beam": Calibration(words=LogOddsMap(0.9, -0.5), fitted_on=7)}
    decoder = Decoder("prefix-beam", beam=8)
    config = replace(CONFIG, decoder=decoder, recipe={"seed": 1}, calibration=calibration)
    write_config(tmp_path, config)
    assert read_config(tmp_path) == config


@pytest.mark.parametrize("key", sorted({*CONFIG.to_dict()} - {"calibration", "language_decoders"}))
def test_every_key_is_needed(key: str) -> None:
    stored = CONFIG.to_dict()
    del stored[key]
    with pytest.raises(ModelError, match=key):
        ModelConfig.from_dict(stored)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2),
        ("task", "music"),
        ("stride", 0),
        ("stride", "4"),
        ("stride", True),
        ("vocabulary", "abc"),
        ("vocabulary", ["a", "a"]),
        ("vocabulary", [1]),
        ("image", {"height": 64}),
        ("image", None),
        ("normalization", {"form": "NFX"}),
        ("decoder", {"method": "guess"}),
        ("decoder", {"method": "best-path", "beams": 3}),
        ("decoder", {"method": "prefix-beam", "beam": 0}),
        ("architecture", {"name": "x"}),
        ("architecture", "x"),
        ("data", [{"name": "x"}]),
        ("data", 3),
        ("languages", "eng"),
        ("scores", []),
        ("recipe", 3),
        ("calibration", []),
        ("calibration", {"best-path": {}}),
        ("calibration", {"best-path": {**Calibration().to_dict(), "fitted_on": -1}}),
        ("calibration", {"best-path": {**Calibration().to_dict(), "words": {"slope": -1, "shift": 0}}}),
        ("calibration", {"best-path": {**Calibration().to_dict(), "words": {"slope": 1}}}),
        ("calibration", {"best-path": {**Calibration().to_dict(), "pages": {}}}),
    ],
)
def test_a_wrong_value_names_its_key(key: str, value: object) -> None:
    with pytest.raises(ModelError, match=key):
        ModelConfig.from_dict({**CONFIG.to_dict(), key: value})


def test_a_model_from_before_calibration_is_read_and_left_as_it_is() -> None:
    stored = CONFIG.to_dict()
    del stored["calibration"]
    config = ModelConfig.from_dict(stored)
    assert config == CONFIG
    assert config.chosen_calibration == Calibration()


def test_a_search_with_a_language_model_of_its_own_is_calibrated_by_the_plain_search() -> None:
    plain, with_french = Calibration(fitted_on=1), Calibration(fitted_on=2)
    config = replace(CONFIG, calibration={"prefix-beam": plain, "prefix-beam fra.lm": with_french})
    searches = {
        Decoder("prefix-beam", language_model="models/fra.lm", language_weight=0.5): with_french,
        Decoder("prefix-beam", language_model="mine.lm", language_weight=0.5): plain,
        Decoder("best-path"): Calibration(),
    }
    for decoder, expected in searches.items():
        assert replace(config, decoder=decoder).chosen_calibration == expected


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(ModelError, match="colour"):
        ModelConfig.from_dict({**CONFIG.to_dict(), "colour": 1})


@pytest.mark.parametrize("content", [None, "", "{", "[]", '"x"', "\0"])
def test_an_unreadable_config_names_the_file(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"config\.json"):
        read_config(tmp_path)


def test_a_model_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "deep" / "m")
    (folder / "stale.txt").write_text("of the old model")
    write_model(folder, replace(CONFIG, name="new"), {"model.onnx": graph()})
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.onnx"]
    assert read_config(folder).name == "new"
    assert [path.name for path in folder.parent.iterdir()] == ["m"]


def test_a_failed_write_leaves_the_old_model(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "m")
    with pytest.raises(FileNotFoundError):
        write_model(folder, replace(CONFIG, name="new"), {"model.onnx": tmp_path / "missing"})
    assert read_config(folder).name == "tiny"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_the_old_model_comes_back_where_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tiny_model(tmp_path / "m")
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(KeyboardInterrupt):
        write_model(folder, replace(CONFIG, name="new"), {"model.onnx": graph()})
    assert read_config(folder).name == "tiny"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_what_is_no_model_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("precious")
    with pytest.raises(ModelError, match="letters"):
        write_model(tmp_path / "letters", CONFIG, {})
    assert (tmp_path / "letters" / "dear.txt").read_text() == "precious"


def test_an_atomic_write_replaces_or_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"never")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_config_is_json_that_people_can_read(tmp_path: Path) -> None:
    write_config(tmp_path, CONFIG)
    text = (tmp_path / "config.json").read_text(encoding="utf-8")
    assert json.loads(text)["vocabulary"] == ["a", "b", "é", " "]
    assert "é" in text

from __future__ import annotations

import sys
import types
from dataclasses import replace
from fnmatch import fnmatch
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from amanuensis.errors import ModelError
from amanuensis.recognition import Decoder, Recognizer, catalog, find_model, shipped_models, write_config
from tiny_model import CONFIG, draw, write_tiny_model


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that ships the model "bars" and promises "ghost"."""
    package = tmp_path / "packages" / "bar_models"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('need not be imported')")
    write_tiny_model(package / "bars")
    monkeypatch.syspath_prepend(str(package.parent))
    entries = [EntryPoint("bars", "bar_models", catalog.ENTRY_POINTS)]
    monkeypatch.setattr(catalog, "entry_points", lambda group: entries)
    return package


def test_a_shipped_model_is_found_by_name(shipped: Path) -> None:
    assert find_model("bars") == shipped / "bars"
    assert shipped_models() == {"bars": shipped / "bars"}
    assert Recognizer.load("bars").read(draw("ab"))[0].text == "ab"


def test_an_unknown_name_lists_and_guesses(shipped: Path) -> None:
    with pytest.raises(ModelError, match=r"\(bars\); did you mean bars\?"):
        find_model("bar")


def test_a_promised_model_that_is_missing(shipped: Path) -> None:
    (shipped / "bars" / "config.json").unlink()
    with pytest.raises(ModelError, match=r"bars.*reinstall"):
        find_model("bars")


def test_a_module_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [EntryPoint("x", "no_such_package.models", catalog.ENTRY_POINTS)]
    monkeypatch.setattr(catalog, "entry_points", lambda group: entries)
    with pytest.raises(ModelError, match="no_such_package"):
        find_model("x")


def test_a_folder_wins_over_a_shipped_name(shipped: Path, tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "bars")
    assert find_model("bars").resolve() == (tmp_path / "bars").resolve()


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"no config\.json"):
        find_model(tmp_path / "empty")


def test_a_folder_of_results_hides_no_shipped_model(shipped: Path, tmp_path: Path) -> None:
    (tmp_path / "bars").mkdir()
    (tmp_path / "bars" / "page.txt").write_text("ab")
    assert find_model("bars") == shipped / "bars"
    write_tiny_model(tmp_path / "bars" / "best")  # it may be this that is meant
    with pytest.raises(ModelError, match=r"bars: this folder holds no model .* bars.best"):
        find_model("bars")


def test_the_folder_of_a_run_names_its_best_model(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "run" / "best")
    with pytest.raises(ModelError, match=r"run.best"):
        find_model(tmp_path / "run")


def _in_cache(root: Path, revision: str = "abc") -> Path:
    return write_tiny_model(root / "models--org--tiny" / "snapshots" / revision)


def test_a_hub_model_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {
        "XDG_CACHE_HOME": (tmp_path / "1", "huggingface/hub"),
        "HF_HOME": (tmp_path / "2", "hub"),
        "HF_HUB_CACHE": (tmp_path / "3", "."),
    }
    for variable, (root, below) in places.items():
        monkeypatch.setenv(variable, str(root))
        folder = _in_cache(root / below)
        assert find_model("org/tiny").resolve() == folder.resolve()


def test_the_revision_of_main_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    main, _ = _in_cache(tmp_path, "main-revision"), _in_cache(tmp_path, "newer")
    refs = tmp_path / "models--org--tiny" / "refs"
    refs.mkdir()
    (refs / "main").write_text("main-revision\n")
    assert find_model("org/tiny") == main


def test_offline_fails_at_once_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE is set"):
        find_model("org/tiny")


def test_without_the_hub_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_has_hub_client", lambda: False)
    with pytest.raises(ModelError, match="pip install huggingface_hub"):
        find_model("org/tiny")


def _hub_client(monkeypatch: pytest.MonkeyPatch, fetch) -> None:
    client = types.ModuleType("huggingface_hub")
    client.snapshot_download = fetch
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    monkeypatch.setattr(catalog, "_has_hub_client", lambda: True)


def test_the_hub_client_fetches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, allow_patterns: list[str]) -> str:
        assert any(fnmatch("lm-fra.bin", pattern) for pattern in allow_patterns)
        pickles = ("model.pt", "pytorch_model.bin", "weights.pkl", "model.ckpt")
        assert not any(fnmatch(name, pattern) for name in pickles for pattern in allow_patterns)
        return str(write_tiny_model(tmp_path / "fetched" / name))

    _hub_client(monkeypatch, fetch)
    assert Recognizer.load("org/tiny").read(draw("ba"))[0].text == "ba"


@pytest.mark.parametrize("lost", ["model.onnx", "lm-xyz.bin"])
def test_a_download_that_was_cut_off_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    cut_off = _in_cache(tmp_path)
    shipped = Decoder("prefix-beam", language_model="eng", language_weight=0.1)
    decoders = {"eng": shipped, "xyz": replace(shipped, language_model="lm-xyz.bin")}
    write_config(cut_off, replace(CONFIG, language_decoders=decoders))
    (cut_off / "lm-xyz.bin").write_bytes(b"whole")
    assert find_model("org/tiny") == cut_off
    (cut_off / lost).unlink()
    _hub_client(monkeypatch, lambda name, allow_patterns: str(write_tiny_model(tmp_path / "again")))
    assert find_model("org/tiny") == tmp_path / "again"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="nor whole in the hub's cache"):
        find_model("org/tiny")


def test_a_failed_fetch_and_a_strange_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, allow_patterns: list[str]) -> str:
        raise OSError("no route to host")

    _hub_client(monkeypatch, fail)
    with pytest.raises(ModelError, match="no route to host"):
        find_model("org/tiny")
    _hub_client(monkeypatch, lambda name, allow_patterns: str(tmp_path))
    with pytest.raises(ModelError, match="not of amanuensis"):
        find_model("org/tiny")


def test_a_task_stands_for_its_shipped_model_and_says_what_to_do_without_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert find_model("text") == find_model("text-small")
    for name in ("text", "math"):
        Path(name).mkdir()  # what -o text makes
    assert find_model("text") == find_model("text-small")
    monkeypatch.setattr("amanuensis.recognition.catalog._entries", dict)
    with pytest.raises(ModelError, match=r"math-small is not installed; .*amanuensis-math"):
        find_model("math")
    with pytest.raises(ModelError, match=r"math-small is not installed; .*amanuensis-math"):
        find_model("math-small")

"""Finding models: a folder, a name that an installed package ships, or an id of the Hugging Face hub.

Nothing is fetched unless `huggingface_hub` is installed and HF_HUB_OFFLINE is not set; otherwise a model that
is not on this machine is an error at once, and the message says how to get it.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import re
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from amanuensis.errors import ModelError
from amanuensis.recognition.config import MathConfig
from amanuensis.recognition.folder import (
    CONFIG_FILE,
    DECODER_FILE,
    ENCODER_FILE,
    GRAPH_FILE,
    is_model_folder,
    read_config,
)
from amanuensis.recognition.formula_language import LANGUAGE_MODEL_FILE
from amanuensis.recognition.language import language_model_files, shipped_language_models

DEFAULT_MODEL = "text-small"
DEFAULT_FORMULA_MODEL = "math-small"
_TASKS = {"text": DEFAULT_MODEL, "math": DEFAULT_FORMULA_MODEL}  # a task's name stands for its shipped model
_COMES_WITH = {
    DEFAULT_MODEL: "amanuensis itself (pip install --force-reinstall amanuensis)",
    DEFAULT_FORMULA_MODEL: "the distribution amanuensis-math (in a checkout: pip install ./models)",
}
ENTRY_POINTS = "amanuensis.models"

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_FETCHED = ["*.json", "*.onnx", "*.safetensors", "*.md", "lm.bin", "lm-*.bin"]  # never a pickle


def find_model(name: str | Path) -> Path:
    """The folder of a model.

    Args:
        name: a model folder, the name of a shipped model, a task ("text", "math": its shipped model), or a hub id
            "organization/name". What lies on this machine wins: first a model folder of that name, then a shipped
            model, then the hub's cache. A folder without a model hides no shipped one, unless it is that of a run.

    Raises:
        ModelError: no such model, with the names that there are; or a hub model that is not on this machine.
    """
    folder = Path(name)
    asked, name = str(name), _TASKS.get(str(name), name)
    if is_model_folder(folder):
        return folder
    is_run = is_model_folder(folder / "best")
    entry = _entries().get(str(name))
    if entry is not None and not is_run:
        return _shipped_folder(entry)
    if folder.is_dir() and (is_run or asked not in _TASKS):
        best = f"; the best model of this run is {folder / 'best'}" if is_run else ""
        raise ModelError(f"{asked}: this folder holds no model (no {CONFIG_FILE}){best}")
    if isinstance(name, str) and _HUB_ID.fullmatch(name):
        return _cached(name) or _fetched(name)
    if name in _COMES_WITH:
        raise ModelError(
            f"{asked}: the model {name} is not installed; it comes with {_COMES_WITH[str(name)]}; "
            f"or name a model folder"
        )
    raise ModelError(_unknown(str(name)))


def shipped_models() -> dict[str, Path]:
    """The folders of the models that installed packages ship, by name, sorted.

    Raises:
        ModelError: a package promises a model that it does not hold.
    """
    return {name: _shipped_folder(entry) for name, entry in sorted(_entries().items())}


def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}


def _shipped_folder(entry: EntryPoint) -> Path:
    """The folder beside the module that the entry point names, without importing that module."""
    try:
        spec = importlib.util.find_spec(entry.module)
    except ImportError:
        spec = None
    if spec is None or spec.origin is None:
        raise ModelError(
            f"{entry.name}: the package that ships it lacks its module {entry.module}: reinstall it"
        )
    folder = Path(spec.origin).parent / entry.name
    if not is_model_folder(folder):
        raise ModelError(f"{entry.name}: no model lies in {folder}: reinstall the package that ships it")
    return folder


def _cache() -> Path:
    """Where the hub's own tools keep what they fetched."""
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "huggingface" / "hub"


def _cached(name: str) -> Path | None:
    """The snapshot that `main` points to, else the newest; of those that are whole."""
    folder = _cache() / f"models--{name.replace('/', '--')}"
    snapshots = [path for path in folder.glob("snapshots/*") if is_model_folder(path)]
    pointer = folder / "refs" / "main"
    main = pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else ""
    snapshots.sort(key=lambda path: (path.name == main, path.stat().st_mtime), reverse=True)
    return next((path for path in snapshots if _is_whole(path)), None)


def _is_whole(folder: Path) -> bool:
    """Whether all is there that reading needs: a download that was cut off leaves a snapshot with a part of it."""
    config = read_config(folder)
    if isinstance(config, MathConfig):
        needed = {ENCODER_FILE, DECODER_FILE}
        needed |= {LANGUAGE_MODEL_FILE} if config.decoder.language_weight else set()
    else:
        needed = {GRAPH_FILE, *language_model_files(config)} - set(shipped_language_models())
    return all((folder / name).is_file() for name in needed)


def _fetched(name: str) -> Path:
    missing = f"{name}: neither a folder, nor a shipped model, nor whole in the hub's cache ({_cache()})"
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise ModelError(f"{missing}; HF_HUB_OFFLINE is set, so it is not fetched")
    if not _has_hub_client():
        raise ModelError(
            f"{missing}. To fetch it: pip install huggingface_hub, then the same command again; "
            f"or download its files into a folder and name that"
        )
    hub = importlib.import_module("huggingface_hub")
    try:
        folder = Path(hub.snapshot_download(name, allow_patterns=_FETCHED))
    except Exception as error:  # the hub's client raises errors of half a dozen libraries
        raise ModelError(f"{missing}, and fetching it failed: {error}") from error
    if not is_model_folder(folder):
        raise ModelError(f"{name}: this model of the hub is not of amanuensis (no {CONFIG_FILE})")
    return folder


def _has_hub_client() -> bool:
    return importlib.util.find_spec("huggingface_hub") is not None


def _unknown(name: str) -> str:
    """What to say of a name that is nothing: the nearest name, and all there are."""
    names = sorted(_entries())
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    listed = ", ".join(names) or "none is installed"
    return f"{name}: no such model folder, and no shipped model has that name ({listed}){meant}"

"""The model folder: `config.json`, weights, the graph to read with, the card. Written whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from amanuensis.errors import ModelError
from amanuensis.recognition.config import MathConfig, ModelConfig, TextConfig

CONFIG_FILE = "config.json"
GRAPH_FILE = "model.onnx"  # of a reader of lines
ENCODER_FILE, DECODER_FILE = "encoder.onnx", "decoder.onnx"  # of a reader of formulas
WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "README.md"


def is_model_folder(folder: Path) -> bool:
    """Whether a model's `config.json` lies there."""
    return (folder / CONFIG_FILE).is_file()


def read_config(folder: Path | str) -> TextConfig | MathConfig:
    """The configuration of the model in a folder.

    Raises:
        ModelError: naming the file: missing, no JSON, of another format, incomplete or with unknown keys.
    """
    path = Path(folder) / CONFIG_FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            f"{folder}: no model folder: its {CONFIG_FILE} cannot be read: {error.strerror}"
        ) from error
    except ValueError as error:
        raise ModelError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(stored, dict):
        raise ModelError(f"{path}: a JSON object is needed")
    try:
        return ModelConfig.from_dict(stored)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def read_text_config(folder: Path | str) -> TextConfig:
    """As `read_config`, of a reader of lines.

    Raises:
        ModelError: as `read_config`, or the model reads formulas.
    """
    config = read_config(folder)
    if not isinstance(config, TextConfig):
        raise ModelError(f"{config.name} reads formulas; a model that reads lines is needed here")
    return config


def read_math_config(folder: Path | str) -> MathConfig:
    """As `read_config`, of a reader of formulas.

    Raises:
        ModelError: as `read_config`, or the model reads lines.
    """
    config = read_config(folder)
    if not isinstance(config, MathConfig):
        raise ModelError(f"{config.name} reads lines of text; a model that reads formulas is needed here")
    return config


def write_config(folder: Path | str, config: ModelConfig) -> None:
    """Write or replace the `config.json` of a folder that exists."""
    write_atomically(Path(folder) / CONFIG_FILE, _encoded(config))


def write_model(folder: Path | str, config: ModelConfig, files: Mapping[str, bytes | Path]) -> Path:
    """Write a model folder. A model that lies there is replaced as a whole, once the new one is complete.

    Args:
        folder: where.
        config: its `config.json`.
        files: by name in the folder (`model.onnx`, ...): the content, or a file to copy.

    Returns:
        The folder.

    Raises:
        ModelError: something that is no model folder lies there already.
    """
    folder = Path(folder)
    if folder.exists() and not is_model_folder(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelError(f"{folder}: something that is no model lies there already; choose another folder")
    return write_folder(folder, {**files, CONFIG_FILE: _encoded(config)})


def write_folder(folder: Path, files: Mapping[str, bytes | Path]) -> Path:
    """Write a folder whole or not at all; one that lies there gives way once the new one is complete.

    Args:
        folder: where.
        files: by name in the folder: the content, or a file to copy.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        new.mkdir()
        for name, content in files.items():
            if isinstance(content, bytes):
                (new / name).write_bytes(content)
            else:
                shutil.copyfile(content, new / name)
        try:
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
        except BaseException:
            # What is left in the scratch folder is deleted with it.
            if old.exists() and not folder.exists():
                old.rename(folder)
            raise
    return folder


def write_atomically(path: Path, content: bytes, *, scratch_folder: Path | None = None) -> None:
    """Write a file: whoever reads it, even after a crash, finds the old content or the new, never half.

    Args:
        path: the file.
        content: what it shall hold.
        scratch_folder: on the same file system: where it lies until it is whole; beside the file by default.
    """
    scratch = (scratch_folder or path.parent) / f".{secrets.token_hex(8)}"
    try:
        with scratch.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def _encoded(config: ModelConfig) -> bytes:
    return (json.dumps(config.to_dict(), ensure_ascii=False, indent=2) + "\n").encode()

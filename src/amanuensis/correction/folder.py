"""A corrector's folder: `corrector.json` (kind, theta, settings, where it comes from) and the files of its kind.

A lexicon's are `lexicon.tsv.gz` and `confusions.json`; an edit tagger's `tagger.onnx`; T5's those of `transformers`.
No pickle. A folder is written whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from amanuensis.correction.pipeline import Kind
from amanuensis.errors import ModelError
from amanuensis.recognition.folder import write_folder

CORRECTOR_FILE = "corrector.json"
LEXICON_FILE = "lexicon.tsv.gz"
CONFUSIONS_FILE = "confusions.json"
TAGGER_FILE = "tagger.onnx"

FORMAT = 1
_KEYS = {"format", "kind", "theta", "context", "settings", "languages", "data", "scores"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectorConfig:
    """What `corrector.json` says.

    Attributes:
        kind: "lexicon", "tagger" or "t5".
        theta: proposals are applied above this confidence.
        context: lines around a line that the corrector sees.
        settings: of the kind.
        languages: ISO 639-3 codes.
        data: what it was made of, with licences.
        scores: of the validation that it was tuned on.
    """

    kind: Kind
    theta: float
    context: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    scores: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As stored."""
        return {
            "format": FORMAT,
            "kind": self.kind,
            "theta": self.theta,
            "context": self.context,
            "settings": dict(self.settings),
            "languages": list(self.languages),
            "data": list(self.data),
            "scores": dict(self.scores),
        }


def is_corrector_folder(folder: Path) -> bool:
    """Whether a `corrector.json` lies there."""
    return (folder / CORRECTOR_FILE).is_file()


def read_corrector_config(folder: Path) -> CorrectorConfig:
    """What a folder's `corrector.json` says.

    Raises:
        ModelError: it is missing, no JSON, of another format, or a value is impossible.
    """
    path = folder / CORRECTOR_FILE
    stored = read_json(path)
    if stored.get("format") != FORMAT or set(stored) != _KEYS:
        raise ModelError(f"{path}: the keys {', '.join(sorted(_KEYS))} are needed, with format {FORMAT}")
    kind, theta, context = stored["kind"], stored["theta"], stored["context"]
    if kind not in get_args(Kind):
        raise ModelError(f"{path}: its kind is {kind!r}; there are {', '.join(get_args(Kind))}")
    if not isinstance(theta, int | float) or not 0 <= theta <= 1:
        raise ModelError(f"{path}: theta is a probability, not {theta!r}")
    if type(context) is not int or context < 0:
        raise ModelError(f"{path}: context is a number of lines, not {context!r}")
    try:
        return CorrectorConfig(
            kind=kind,
            theta=float(theta),
            context=context,
            settings=dict(stored["settings"]),
            languages=tuple(map(str, stored["languages"])),
            data=tuple(map(str, stored["data"])),
            scores=dict(stored["scores"]),
        )
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ModelError: the file cannot be read or holds something else.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ModelError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(stored, dict):
        raise ModelError(f"{path}: a JSON object is needed")
    return stored


def write_corrector(folder: Path | str, config: CorrectorConfig, files: Mapping[str, bytes | Path]) -> Path:
    """Write a corrector's folder; one that lies there is replaced once the new one is complete.

    Args:
        folder: where.
        config: its `corrector.json`.
        files: by name in the folder: the content, or a file to copy.

    Raises:
        ModelError: something that is no corrector lies there already.
    """
    folder = Path(folder)
    if folder.exists() and not is_corrector_folder(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelError(
            f"{folder}: something that is no corrector lies there already; choose another folder"
        )
    encoded = json.dumps(config.to_dict(), ensure_ascii=False, indent=2) + "\n"
    return write_folder(folder, {**files, CORRECTOR_FILE: encoded.encode()})

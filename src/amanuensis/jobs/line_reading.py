"""What reads the lines of a collection's pages: chosen once, loaded by every worker, told apart by fingerprints."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from pathlib import Path

from amanuensis.correction import CorrectingRecognizer, load_correction
from amanuensis.correction.folder import is_corrector_folder
from amanuensis.errors import ModelError
from amanuensis.recognition import (
    AskedModel,
    FormulaRecognizer,
    GapMarkingReader,
    LineEnsemble,
    Recognizer,
    load_recognizer,
)
from amanuensis.recognition.gaps import LineReader
from amanuensis.recognition.language import LineOptions
from amanuensis.recognition.line_ensemble import Combination

# Options that name files or folders, or what comes with the package.
_MAY_BE_FILES = frozenset(("language_model", "word_model", "corrector", "lexicons"))
_CARD = ".md"
_WEIGHTS, _GRAPH = ".safetensors", ".onnx"  # weights that a graph lies beside are there to train on from


@dataclass(frozen=True, slots=True)
class CorrectionChoice:
    """A correction of what was read; see `correction.load_correction`."""

    kind: str
    corrector: str | None = None
    lexicons: tuple[Path, ...] = ()
    theta: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReading:
    """How lines are read.

    Attributes:
        models: see `load_recognizer`.
        combination: of several models, see `LineEnsemble`.
        batch_size: lines of a page that go through the network together: speed and memory, never the text.
        options: of the search.
        correction: of what was read.
        gap_below: words of less confidence are marked as gaps.
    """

    models: tuple[str, ...]
    combination: Combination = "vote"
    batch_size: int = 8
    options: LineOptions = field(default_factory=LineOptions)
    correction: CorrectionChoice | None = None
    gap_below: float | None = None

    def open(self) -> LineReader:
        """Load it, on one thread.

        Raises:
            ModelError: there is no such model, it reads formulas, or an option does not fit it.
        """
        recognizer = load_recognizer(
            self.models,
            threads=1,
            batch_size=self.batch_size,
            lines=self.options,
            combination=self.combination,
        )
        if isinstance(recognizer, FormulaRecognizer):
            raise ModelError(f"{self.models[0]} reads formulas; a model that reads lines is needed for pages")
        reader: Recognizer | LineEnsemble | CorrectingRecognizer = recognizer
        if (chosen := self.correction) is not None:
            correction = load_correction(
                chosen.kind, corrector=chosen.corrector, lexicons=chosen.lexicons, theta=chosen.theta
            )
            reader = CorrectingRecognizer(recognizer, correction)
        return reader if self.gap_below is None else GapMarkingReader(reader, self.gap_below)

    def settings(self) -> dict[str, str]:
        """What readings depend on, in words; files and folders with a fingerprint of their content.

        Raises:
            ModelError: there is no such model.
        """
        told = {"model": ", ".join(map(told_model, self.models))}
        if len(self.models) > 1:
            told["combination"] = self.combination
        for choice in (self.options, self.correction):
            if choice is not None:
                told |= {
                    one.name: _told(one.name, value)
                    for one in fields(choice)
                    if (value := getattr(choice, one.name)) not in (None, ())
                }
        return told if self.gap_below is None else {**told, "gap_below": str(self.gap_below)}


def open_formulas(model: str) -> FormulaRecognizer:
    """The reader of a page's formulas, on one thread.

    Raises:
        ModelError: there is no such model, or it reads lines.
    """
    recognizer = load_recognizer(model, threads=1)
    if not isinstance(recognizer, FormulaRecognizer):
        raise ModelError(f"{model} reads lines; --formulas needs a model that reads formulas")
    return recognizer


def told_model(model: str) -> str:
    """A model's name, its fingerprint, and what it is to read if that is said ("@eng")."""
    asked = AskedModel.parse(model)
    only = "@" * bool(asked.only) + ",".join(sorted(asked.only))
    return f"{asked.folder.name} {fingerprint(asked.folder)}{only}"


def _told(option: str, value: object) -> str:
    """An option in words. A folder that bears the name of a shipped model, such as the output's, is none of it."""
    if isinstance(value, tuple):
        return ", ".join(_told(option, one) for one in value)
    path = Path(str(value))
    if option in _MAY_BE_FILES and (path.is_file() or _is_corrector(path)):
        return f"{path.name} {fingerprint(path)}"
    return str(value)


def _is_corrector(folder: Path) -> bool:
    """Whether a corrector lies there, or a T5 in the layout of `transformers`."""
    return is_corrector_folder(folder) or (folder / "config.json").is_file()


def fingerprint(path: Path) -> str:
    """Twelve hexadecimal digits that tell a file, or a model folder, from any other by what reading needs of it."""
    files = [file for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    unread = {_CARD, _WEIGHTS} if any(file.suffix == _GRAPH for file in files) else {_CARD}
    digest = hashlib.sha256()
    for file in sorted(file for file in files if file.suffix not in unread):
        with file.open("rb") as content:
            digest.update(file.name.encode() + hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()[:12]

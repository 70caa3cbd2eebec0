"""A recognizer for whatever a model reads, so that a caller need not know."""

from __future__ import annotations

from pathlib import Path

from amanuensis.errors import ModelError
from amanuensis.recognition.catalog import DEFAULT_MODEL, find_model
from amanuensis.recognition.config import MathConfig
from amanuensis.recognition.folder import read_config
from amanuensis.recognition.formula_recognizer import FormulaRecognizer
from amanuensis.recognition.recognizer import Recognizer
from amanuensis.recognition.runtime import DEFAULT_BATCH_SIZE


def load_recognizer(
    model: str | Path = DEFAULT_MODEL,
    *,
    threads: int = 1,
    batch_size: int = DEFAULT_BATCH_SIZE,
    decoder: str | None = None,
    beam: int | None = None,
) -> Recognizer | FormulaRecognizer:
    """Load a model for reading, of lines or of formulas.

    Args:
        model: see `find_model`.
        threads: CPU threads it may use.
        batch_size: of lines, see `Recognizer.load`.
        decoder: of lines, see `Recognizer.load`.
        beam: of formulas, see `FormulaRecognizer.load`.

    Raises:
        ModelError: no such model, it is incomplete, or an option is of the other task.
    """
    folder = find_model(model)
    if not isinstance(config := read_config(folder), MathConfig):
        if beam is not None:
            raise ModelError(f"{config.name} reads lines: it has a decoder (best-path, prefix-beam), no beam")
        return Recognizer.load(folder, threads=threads, batch_size=batch_size, decoder=decoder)
    if decoder is not None:
        raise ModelError(f"{config.name} reads formulas: it has a beam, no decoder {decoder!r}")
    return FormulaRecognizer.load(folder, threads=threads, beam=beam)

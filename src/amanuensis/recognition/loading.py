"""A recognizer for whatever a model reads, so that a caller need not know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from amanuensis.errors import ModelError
from amanuensis.recognition.catalog import DEFAULT_MODEL, find_model
from amanuensis.recognition.config import MathConfig
from amanuensis.recognition.folder import read_config
from amanuensis.recognition.formula_recognizer import FormulaOptions, FormulaRecognizer
from amanuensis.recognition.language import LineOptions
from amanuensis.recognition.recognizer import Recognizer
from amanuensis.recognition.runtime import DEFAULT_BATCH_SIZE


def load_recognizer(
    model: str | Path | Sequence[str | Path] = DEFAULT_MODEL,
    *,
    threads: int = 1,
    batch_size: int = DEFAULT_BATCH_SIZE,
    lines: LineOptions | None = None,
    formula: FormulaOptions | None = None,
) -> Recognizer | FormulaRecognizer:
    """Load a model for reading, of lines or of formulas.

    Args:
        model: see `find_model`. Of formulas several may be given, which then read together.
        threads: CPU threads it may use.
        batch_size: of lines, see `Recognizer.load`.
        lines: of lines, see `Recognizer.load`; its language model is of both.
        formula: of formulas, see `FormulaRecognizer.load`.

    Raises:
        ModelError: no such model, it is incomplete, or an option is of the other task.
    """
    folders = [find_model(one) for one in ([model] if isinstance(model, str | Path) else model)]
    if not folders:
        raise ModelError("no model to read with is given")
    lines, formula = lines or LineOptions(), formula or FormulaOptions()
    if not isinstance(config := read_config(folders[0]), MathConfig):
        _refuse_formula_options(config.name, formula, lines, num_models=len(folders))
        return Recognizer.load(folders[0], threads=threads, batch_size=batch_size, options=lines)
    _refuse_line_options(config.name, lines)
    return FormulaRecognizer.load(
        folders,
        threads=threads,
        beam=formula.beam,
        branch=formula.branch,
        language_model=formula.language_model,
        language_weight=formula.language_weight,
    )


def _refuse_line_options(name: str, options: LineOptions) -> None:
    """Say what a reader of formulas cannot do."""
    if options.method is not None:
        raise ModelError(f"{name} reads formulas: it has a beam, no decoder {options.method!r}")
    if options.language is not None:
        raise ModelError(f"{name} reads formulas: they are in no language {options.language!r}")
    if options.length_bonus is not None:
        raise ModelError(f"{name} reads formulas: only reading lines has a length bonus")


def _refuse_formula_options(
    name: str, options: FormulaOptions, lines: LineOptions, *, num_models: int
) -> None:
    """Say what a reader of lines cannot do."""
    if options.beam is not None:
        raise ModelError(f"{name} reads lines: it has a decoder (best-path, prefix-beam), no beam")
    if options.branch is not None:
        raise ModelError(f"{name} reads lines: it has no branches; only models that read formulas have")
    if options.language_model not in (None, lines.language_model):
        raise ModelError(f"{name} reads lines: a language model for it is one of the options of lines")
    if options.language_weight not in (None, lines.language_weight):
        raise ModelError(f"{name} reads lines: a language model's weight is one of the options of lines")
    if num_models > 1:
        raise ModelError(f"{name} reads lines: only models that read formulas can read together")

"""A recognizer for whatever a model reads, so that a caller need not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from amanuensis.errors import ModelError
from amanuensis.recognition.catalog import DEFAULT_MODEL, find_model
from amanuensis.recognition.config import MathConfig, TextConfig
from amanuensis.recognition.folder import read_config
from amanuensis.recognition.formula_recognizer import FormulaOptions, FormulaRecognizer
from amanuensis.recognition.language import NO_LANGUAGE_MODEL, LineOptions
from amanuensis.recognition.line_ensemble import Combination, LineEnsemble, Member
from amanuensis.recognition.recognizer import Recognizer
from amanuensis.recognition.runtime import DEFAULT_BATCH_SIZE


def load_recognizer(
    model: str | Path | Sequence[str | Path] = DEFAULT_MODEL,
    *,
    threads: int = 1,
    batch_size: int = DEFAULT_BATCH_SIZE,
    lines: LineOptions | None = None,
    formula: FormulaOptions | None = None,
    combination: Combination = "vote",
) -> Recognizer | LineEnsemble | FormulaRecognizer:
    """Load a model for reading, of lines or of formulas.

    Args:
        model: see `find_model`. Several may be given, which then read together. Of lines, one written as
            "MODEL@NAME,NAME" reads lines of these data sets or languages only.
        threads: CPU threads it may use.
        batch_size: of lines, see `Recognizer.load`.
        lines: of lines, see `Recognizer.load`; its language model is of both.
        formula: of formulas, see `FormulaRecognizer.load`.
        combination: of several models of lines, see `LineEnsemble`.

    Raises:
        ModelError: no such model, it is incomplete, or an option is of the other task.
    """
    asked = [AskedModel.parse(one) for one in ([model] if isinstance(model, str | Path) else model)]
    if not asked:
        raise ModelError("no model to read with is given")
    folders = [one.folder for one in asked]
    lines, formula = lines or LineOptions(), formula or FormulaOptions()
    if not isinstance(config := read_config(folders[0]), MathConfig):
        _refuse_formula_options(config.name, formula, lines)
        members = [
            Member(
                Recognizer.load(one.folder, threads=threads, batch_size=batch_size, options=options), one.only
            )
            for one, options in zip(asked, _options_of_members(asked, lines, combination), strict=True)
        ]
        return _together(members, combination, lines.language)
    _refuse_line_options(config.name, lines)
    if any(one.only for one in asked):
        raise ModelError(f"{config.name} reads formulas: only readers of lines can be told what to read (@)")
    return FormulaRecognizer.load(
        folders,
        threads=threads,
        beam=formula.beam,
        branch=formula.branch,
        language_model=formula.language_model,
        language_weight=formula.language_weight,
    )


@dataclass(frozen=True, slots=True)
class AskedModel:
    """A model as users name it: "MODEL", or "MODEL@NAME,NAME".

    Attributes:
        folder: of the model.
        only: the data sets or languages whose lines it reads; empty for all.
    """

    folder: Path
    only: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, told: str | Path) -> AskedModel:
        """A path that exists is a path, whatever it holds.

        Raises:
            ModelError: no such model, or nothing stands behind the @.
        """
        model, at, names = str(told).rpartition("@")
        if isinstance(told, Path) or not at or Path(told).exists():
            return cls(find_model(told))
        only = frozenset(name.strip() for name in names.split(",")) - {""}
        if not only:
            raise ModelError(f"{told}: behind the @ stand the data sets or languages that the model reads")
        return cls(find_model(model), only)


def reads_formulas(model: Sequence[str | Path]) -> bool:
    """Whether what `load_recognizer` would load reads formulas, without loading it.

    Raises:
        ModelError: no such model.
    """
    return bool(model) and isinstance(read_config(AskedModel.parse(model[0]).folder), MathConfig)


def _options_of_members(
    asked: Sequence[AskedModel], lines: LineOptions, combination: Combination
) -> list[LineOptions]:
    """What is asked of each model: one that was not tuned for the language reads by its own search beside others.

    A language that no search takes up and no specialist is chosen by is left to the first model to refuse. Averaged
    frames are searched by the first model alone.
    """
    tuned = [_is_tuned(one.folder, lines.language) for one in asked]
    searching = tuned[:1] if combination == "frames" else tuned
    if lines.language_model is not None or not (
        any(searching) or any(lines.language in one.only for one in asked)
    ):
        return [lines] * len(asked)
    asked_of_others = LineOptions(lines.method) if any(searching) else lines  # what serves nobody is refused
    own = replace(asked_of_others, language_model=NO_LANGUAGE_MODEL)
    return [lines if is_tuned else own for is_tuned in tuned]


def _is_tuned(folder: Path, language: str | None) -> bool:
    """Whether a model has a search of its own for the language; where none is named, whatever it has will do."""
    config = read_config(folder)
    return language is None or (isinstance(config, TextConfig) and language in config.language_decoders)


def _together(
    members: Sequence[Member], combination: Combination, language: str | None
) -> Recognizer | LineEnsemble:
    """One model that reads everything needs no ensemble."""
    if len(members) == 1 and not members[0].only:
        return members[0].recognizer
    context = frozenset() if language is None else frozenset({language})
    return LineEnsemble(members, combination=combination, context=context)


def _refuse_line_options(name: str, options: LineOptions) -> None:
    """Say what a reader of formulas cannot do."""
    if options.method is not None:
        raise ModelError(f"{name} reads formulas: it has a beam, no decoder {options.method!r}")
    if options.language is not None:
        raise ModelError(f"{name} reads formulas: they are in no language {options.language!r}")
    if options.length_bonus is not None:
        raise ModelError(f"{name} reads formulas: only reading lines has a length bonus")
    if options.change_margin is not None:
        raise ModelError(f"{name} reads formulas: only reading lines has a margin of changes")
    if options.word_model is not None or options.word_weight is not None:
        raise ModelError(f"{name} reads formulas: only lines have words")


def _refuse_formula_options(name: str, options: FormulaOptions, lines: LineOptions) -> None:
    """Say what a reader of lines cannot do."""
    if options.beam is not None:
        raise ModelError(f"{name} reads lines: it has a decoder (best-path, prefix-beam), no beam")
    if options.branch is not None:
        raise ModelError(f"{name} reads lines: it has no branches; only models that read formulas have")
    if options.language_model not in (None, lines.language_model):
        raise ModelError(f"{name} reads lines: a language model for it is one of the options of lines")
    if options.language_weight not in (None, lines.language_weight):
        raise ModelError(f"{name} reads lines: a language model's weight is one of the options of lines")

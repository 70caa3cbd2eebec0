"""A correction by what a user says: its kind, a corrector's folder, lexicons."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, get_args

from amanuensis.correction.by_lexicon import LexiconCorrector, LexiconSettings
from amanuensis.correction.confusions import Confusions
from amanuensis.correction.folder import (
    CONFUSIONS_FILE,
    LEXICON_FILE,
    CorrectorConfig,
    is_corrector_folder,
    read_corrector_config,
    read_json,
    write_corrector,
)
from amanuensis.correction.pipeline import Correction, Kind
from amanuensis.correction.t5 import load_t5
from amanuensis.correction.tagger import load_tagger
from amanuensis.errors import ModelError
from amanuensis.language import TextNormalization
from amanuensis.language.lexicon import Lexicon, read_lexicon, read_lexicons

_SHIPPED = Path(__file__).parent / "pretrained"

DEFAULT_THETA = 0.65
"""Of a lexicon without a folder: tuned on the validation lines of open data (docs/experiments.md)."""


def load_correction(
    kind: str,
    *,
    corrector: Path | str | None = None,
    lexicons: Sequence[Path | str] = (),
    theta: float | None = None,
) -> Correction:
    """A correction, ready to run.

    Args:
        kind: "lexicon", "tagger" or "t5".
        corrector: the folder that `amanuensis correction` wrote, or the name of one that is shipped (see
            `shipped_correctors`); of T5 also a hub id. A lexicon can do without.
        lexicons: files of words; they take the place of a folder's own lexicon.
        theta: apply proposals above this confidence; by default what the folder was tuned to.

    Raises:
        ModelError: no such kind or folder, or the folder is of another kind.
        DataError: a lexicon cannot be read.
    """
    if kind not in get_args(Kind):
        raise ModelError(f"there is no correction {kind!r}; there are: {', '.join(get_args(Kind))}")
    if theta is not None and not 0 <= theta <= 1:
        raise ModelError(f"theta is a probability, not {theta}")
    correction = _LOADERS[kind](corrector, lexicons)
    if theta is None:
        return correction
    return replace(correction, theta=theta)


def with_answers(
    correction: Correction, texts: Iterable[str], normalization: TextNormalization
) -> Correction:
    """The same correction with the words of the very lines that it is measured on: an oracle, labelled as one.

    It says what a perfect lexicon would be worth; no user has it (spec 2.11).

    Args:
        correction: by a lexicon.
        texts: what is written in the lines.
        normalization: of the model that reads them.

    Raises:
        ModelError: the correction has no lexicon.
    """
    corrector = correction.corrector
    if not isinstance(corrector, LexiconCorrector):
        raise ModelError(
            f"an oracle is a lexicon with the answers in it; correction by {correction.kind} has none"
        )
    words = corrector.lexicon.union(Lexicon(Lexicon.from_texts(map(normalization, texts)).forms))
    knowing = LexiconCorrector(words, corrector.confusions, corrector.settings)
    return replace(correction, corrector=knowing, facts={**correction.facts, "oracle": True})


def write_lexicon_corrector(
    folder: Path | str, corrector: LexiconCorrector, *, config: CorrectorConfig
) -> Path:
    """Write what `load_correction("lexicon", corrector=folder)` reads; the settings are the corrector's.

    Raises:
        ModelError: something else lies there.
    """
    confusions = json.dumps(corrector.confusions.to_dict(), ensure_ascii=False) + "\n"
    files: dict[str, bytes | Path] = {
        LEXICON_FILE: corrector.lexicon.to_bytes(),
        CONFUSIONS_FILE: confusions.encode(),
    }
    return write_corrector(folder, config, files)


def settings_from_dict(stored: dict[str, Any], where: object) -> LexiconSettings:
    """Settings as stored.

    Raises:
        ModelError: a key is unknown or a value is no number.
    """
    known = {field.name for field in fields(LexiconSettings)}
    if unknown := sorted(set(stored) - known):
        raise ModelError(f"{where}: unknown settings {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    if wrong := sorted(key for key, value in stored.items() if type(value) not in (int, float)):
        raise ModelError(f"{where}: {wrong[0]!r} must be a number, not {stored[wrong[0]]!r}")
    return LexiconSettings(**stored)


def _lexicon(corrector: Path | str | None, lexicons: Sequence[Path | str]) -> Correction:
    if corrector is None:
        if not lexicons:
            raise ModelError(
                "correction by a lexicon needs one: name a file of words, a corrector's folder, or a shipped corrector "
                f"({', '.join(shipped_correctors())})"
            )
        by_words = LexiconCorrector(read_lexicons(lexicons))
        facts = {"lexicon": [Path(path).name for path in lexicons], **asdict(by_words.settings)}
        return Correction("lexicon", by_words, DEFAULT_THETA, 1, facts)
    folder, config = _folder_of("lexicon", corrector)
    lexicon = read_lexicons(lexicons) if lexicons else read_lexicon(folder / LEXICON_FILE)
    settings = settings_from_dict(dict(config.settings), folder)
    confusions = Confusions.from_dict(read_json(folder / CONFUSIONS_FILE))
    facts = {"corrector": folder.name, **asdict(settings)}
    if lexicons:
        facts["lexicon"] = [Path(path).name for path in lexicons]
    return Correction(
        "lexicon", LexiconCorrector(lexicon, confusions, settings), config.theta, config.context, facts
    )


def shipped_correctors() -> dict[str, Path]:
    """The folders of the correctors that come with the package, by name."""
    return {path.name: path for path in sorted(_SHIPPED.iterdir()) if is_corrector_folder(path)}


def _folder_of(kind: Kind, corrector: Path | str) -> tuple[Path, CorrectorConfig]:
    folder = Path(corrector)
    if not is_corrector_folder(folder):
        shipped = shipped_correctors()
        if str(corrector) not in shipped:
            raise ModelError(
                f"{folder}: no corrector lies there, and none of that name is shipped ({', '.join(shipped)}); "
                f"`amanuensis correction {kind}` makes one"
            )
        folder = shipped[str(corrector)]
    config = read_corrector_config(folder)
    if config.kind != kind:
        raise ModelError(f"{folder}: this corrector is of the kind {config.kind}, not {kind}")
    return folder, config


def _t5(corrector: Path | str | None, lexicons: Sequence[Path | str]) -> Correction:
    if corrector is None:
        raise ModelError("correction by t5 needs a corrector: name its folder, or its id of the hub")
    return load_t5(corrector, lexicons)


def _tagger(corrector: Path | str | None, lexicons: Sequence[Path | str]) -> Correction:
    if corrector is None:
        raise ModelError("correction by a tagger needs one: name a corrector's folder")
    if lexicons:
        raise ModelError("a tagger has no lexicon: it learned from characters")
    folder, config = _folder_of("tagger", corrector)
    facts = {"corrector": folder.name}
    return Correction("tagger", load_tagger(folder, config), config.theta, config.context, facts)


_LOADERS = {"lexicon": _lexicon, "t5": _t5, "tagger": _tagger}

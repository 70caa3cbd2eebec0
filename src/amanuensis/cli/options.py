"""Options that mean the same in every command."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from amanuensis.correction import Correction
    from amanuensis.language.lexicon import Lexicon
    from amanuensis.recognition.formula_recognizer import FormulaOptions
    from amanuensis.recognition.language import LineOptions

DEFAULT_MODEL = "text-small"


class Combination(StrEnum):
    """How one reading is made of several."""

    vote = "vote"
    frames = "frames"


Models = Annotated[
    list[str],
    typer.Option(
        "-m",
        "--model",
        metavar="MODEL",
        help="A shipped model's name, a model folder, a Hugging Face id (organization/name), or math. "
        "Several may be given: they read together. Of lines, MODEL@NAME,... reads these data sets or languages only.",
    ),
]
Together = Annotated[
    Combination,
    typer.Option(
        "--combine",
        help="How several models of lines read together: they vote over strings, or their frames are averaged.",
    ),
]
Search = Annotated[
    str | None,
    typer.Option("--decoder", help="best-path or prefix-beam; by default what the model was measured with."),
]
Beam = Annotated[
    int | None, typer.Option("--beam", min=1, help="Of formulas: hypotheses kept in the search; 1 is greedy.")
]
NBest = Annotated[
    int | None,
    typer.Option("--n-best", min=1, help="Of formulas: so many readings, in JSON as alternatives."),
]
LanguageModel = Annotated[
    str | None,
    typer.Option(
        "--lm",
        metavar="FILE|none",
        help="A language model (see lm train) that reads along, or none; by default the model's own for --language, or "
        "for formulas.",
    ),
]
LanguageWeight = Annotated[
    float | None,
    typer.Option("--lm-weight", min=0.0, help="How much it counts; lm tune finds what is best."),
]
LengthBonus = Annotated[
    float | None,
    typer.Option("--length-bonus", help="Of lines: what each character is worth beside the language model."),
]
ChangeMargin = Annotated[
    float | None,
    typer.Option(
        "--change-margin",
        min=0.0,
        help="Of lines: what a word that the language model changes must gain; more is more careful.",
    ),
]
WordModel = Annotated[
    str | None,
    typer.Option(
        "--words", metavar="FILE", help="Of lines: a language model of words too (lm train --unit words)."
    ),
]
WordWeight = Annotated[float | None, typer.Option("--words-weight", min=0.0, help="How much that counts.")]
Language = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="CODE",
        help="Of lines: eng, fra, lat, ...: the language model that was tuned for it reads along.",
    ),
]
Branch = Annotated[
    str | None,
    typer.Option(
        "--branch",
        metavar="N|all",
        help="Of formulas: the branch that reads, or all together, which tells where they disagree.",
    ),
]
Correct = Annotated[
    str | None,
    typer.Option(
        "--correct",
        metavar="lexicon|tagger|t5",
        help="Of lines: correct what was read; see amanuensis correction --help.",
    ),
]
CorrectorFolder = Annotated[
    str | None,
    typer.Option(
        "--corrector",
        metavar="NAME|DIR",
        help="What corrects: lexicon-fra or lexicon-eng, or a folder that amanuensis correction wrote; "
        "of t5 also a hub id.",
    ),
]
Lexicons = Annotated[
    list[Path] | None,
    typer.Option(
        "--lexicon",
        metavar="FILE",
        help="Words for --correct: a word a line, with a count behind a tab if known; .gz too; may be repeated.",
    ),
]
Theta = Annotated[
    float | None,
    typer.Option("--theta", min=0.0, max=1.0, help="Correct where the corrector is surer than this."),
]
GapBelow = Annotated[
    float | None,
    typer.Option(
        "--gap-below",
        min=0.0,
        max=1.0,
        metavar="CONFIDENCE",
        help="Of lines: mark a gap, […], in place of words that are less likely than this to be right.",
    ),
]


class FinderName(StrEnum):
    """What finds the lines of a page."""

    auto = "auto"
    classical = "classical"
    detector = "detector"
    kraken = "kraken"


Finder = Annotated[
    FinderName,
    typer.Option(
        "--finder",
        help="Of pages: what finds lines where no PAGE or ALTO file gives them: the detector of the extra pages, or "
        "classical, which needs nothing; auto takes the detector where it is installed; kraken runs that program, once "
        "a page.",
    ),
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="CPU threads.")]
BatchSize = Annotated[
    int, typer.Option("--batch-size", min=1, help="Lines read together: speed and memory, never the text.")
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No notes, no progress; errors are still said.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]


def line_options(
    method: str | None,
    *,
    language: str | None,
    language_model: str | None,
    language_weight: float | None,
    length_bonus: float | None,
    change_margin: float | None,
    word_model: str | None,
    word_weight: float | None,
) -> LineOptions:
    """The options of one command line that are of lines."""
    from amanuensis.recognition.language import LineOptions  # noqa: PLC0415

    return LineOptions(
        method=method,
        language=language,
        language_model=language_model,
        language_weight=language_weight,
        length_bonus=length_bonus,
        change_margin=change_margin,
        word_model=word_model,
        word_weight=word_weight,
    )


def formula_options(
    *, beam: int | None, branch: str | None, language_model: str | None, language_weight: float | None
) -> FormulaOptions:
    """The options of one command line that are of formulas.

    Raises:
        typer.BadParameter: the branch is neither a number from 1 on nor "all".
    """
    from amanuensis.recognition.formula_recognizer import FormulaOptions  # noqa: PLC0415

    return FormulaOptions(beam, _branch(branch), language_model, language_weight)


def correction_of(
    kind: str | None, *, corrector: str | None, lexicons: Sequence[Path] | None, theta: float | None
) -> Correction | None:
    """The correction that a command line asks for; None if it asks for none.

    Raises:
        typer.BadParameter: an option of correction without --correct.
    """
    check_correction(kind, corrector=corrector, lexicons=lexicons, theta=theta)
    if kind is None:
        return None
    from amanuensis.correction import load_correction  # noqa: PLC0415

    return load_correction(kind, corrector=corrector, lexicons=lexicons or (), theta=theta)


def check_correction(
    kind: str | None, *, corrector: str | None, lexicons: Sequence[Path] | None, theta: float | None
) -> None:
    """Refuse options of a correction that is not asked for.

    Raises:
        typer.BadParameter: an option of correction without --correct.
    """
    if kind is None and (corrector is not None or lexicons or theta is not None):
        raise typer.BadParameter(
            "--corrector, --lexicon and --theta belong to --correct: say which correction"
        )


def lexicon_of(correction: Correction | None) -> Lexicon | None:
    """The words that a correction knows; None if it has no lexicon."""
    from amanuensis.language.lexicon import Lexicon  # noqa: PLC0415

    found = None if correction is None else getattr(correction.corrector, "lexicon", None)
    return found if isinstance(found, Lexicon) else None


def _branch(given: str | None) -> int | Literal["all"] | None:
    if given is None:
        return None
    if given == "all":
        return "all"
    if not given.isdecimal() or int(given) < 1:
        raise typer.BadParameter(f"--branch is a number from 1 on, or all, not {given!r}")
    return int(given)

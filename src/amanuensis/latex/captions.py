r"""From any LaTeX of the CROHME kind to a caption in the conventions of the published ones.

The published captions are those of the WAP repository (Zhang et al. 2017), which CROHME systems train on. Their rules
as *our reading* has them: one token per symbol, single spaces; no spacing, fonts, `\left` and `\right`; every argument
in braces and no other braces; subscript before superscript; one name for each symbol; `\sqrt [ n ]` for what the
truth strings write as `\sqrt { x } ABOVE { n }`. They keep `\limits` in the training set as the writer had it and drop
it in test 2014: `without_limits` compares fairly. A prime is `^ { \prime }`, but where the writer had `^ { ' }` so have
they.
"""

# ruff: noqa: S105 - tokens are those of LaTeX, no secrets

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from amanuensis.errors import DataError
from amanuensis.latex.canonical import canonical
from amanuensis.latex.grammar import mend
from amanuensis.latex.nodes import to_tokens
from amanuensis.latex.symbols import FUNCTIONS, LARGE, LETTERS, SIGNS, SYNONYMS, is_symbol
from amanuensis.latex.tokens import tokenize

_SPACING = frozenset({"\\ ", "\\,", "\\:", "\\;", "\\!", "\\>", "\\/", "~", "\\quad", "\\qquad"})
_FONT_NAMES = (
    "mathrm mathbf mathit mathsf mathtt mathnormal mathcal mathop operatorname boldsymbol bm mbox hbox vbox vtop text "
    "textrm textbf textit rm bf it displaystyle textstyle scriptstyle scriptscriptstyle nolimits"
)
_FONTS = frozenset(f"\\{name}" for name in _FONT_NAMES.split())
_SIZES = frozenset(
    f"\\{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "m", "r")
)
_PAIRS = frozenset({"\\left", "\\right", "\\middle"})
_DROPPED = _SPACING | _FONTS | _SIZES

_REWRITTEN = {
    "\\parallel": ("|", "|"),
    "\\dfrac": ("\\frac",),
    "\\tfrac": ("\\frac",),
    "\\cfrac": ("\\frac",),
}

_STRUCTURE = frozenset({"{", "}", "^", "_", "'", "\\frac", "\\sqrt", "\\limits"})
_LISTED = _STRUCTURE | FUNCTIONS | LARGE.keys() | LETTERS.keys() | SIGNS.keys() | SYNONYMS.keys()

_ROOT_INDEX = "\\ABOVE"
_LONE_PRIME = "′"
_GLUED = re.compile(r"\\(lt|gt)(?=[A-Za-z](?![A-Za-z]))")


def normalize_caption(latex: str, symbols: Sequence[str] | None = None) -> tuple[str, ...]:
    r"""The caption of a LaTeX source.

    Args:
        latex: with or without dollar signs; unbalanced braces (CROHME has some) are mended.
        symbols: labels of the written symbols, if known, in any order. Letters that spell a control word (`l o g`)
            are joined as often as the labels have it (`\log`).

    Raises:
        DataError: the source is too long, nested too deep, empty, or holds a command that a caption cannot say.
    """
    # A truth string may have a relation's name run into the next letter: `M\ltN`.
    source = re.sub(r"\bABOVE\b", r"\\ABOVE ", _GLUED.sub(r"\\\1 ", latex))
    tokens = _with_root_indices(_without_looks(tokenize(source)))
    if symbols is not None:
        tokens = _with_names(tokens, symbols)
    _refuse_unsayable(tokens, latex)
    mended = mend(_with_lone_primes(tokens))
    if mended.too_deep:
        raise DataError(f"{latex[:40]!r}: fractions, roots, scripts or braces nested too deep")
    caption = tuple("'" if token == _LONE_PRIME else token for token in to_tokens(canonical(mended.row)))
    if not caption:
        raise DataError(f"{latex[:40]!r}: a formula without a symbol")
    return caption


def without_limits(tokens: Sequence[str]) -> tuple[str, ...]:
    r"""The caption without `\limits`, on which the published captions do not agree among themselves."""
    return tuple(token for token in tokens if token != "\\limits")


def _without_looks(tokens: Sequence[str]) -> list[str]:
    """Without what changes the look and not the formula: spacing, fonts, sizes of brackets, invisible brackets."""
    kept: list[str] = []
    previous = ""
    for token in tokens:
        invisible = token == "." and previous in _PAIRS
        if not invisible and token not in _DROPPED and token not in _PAIRS:
            kept.extend(_REWRITTEN.get(token, (token,)))
        previous = token
    return kept


def _with_root_indices(tokens: list[str]) -> list[str]:
    r"""`\sqrt { x } ABOVE { n }` as `\sqrt [ n ] { x }`; an `ABOVE` without a root before it goes."""
    while _ROOT_INDEX in tokens:
        at = tokens.index(_ROOT_INDEX)
        begin, end = _opening(tokens, at - 1), _closing(tokens, at + 1)
        if begin is not None and end is not None and tokens[begin - 1 : begin] == ["\\sqrt"]:
            index = ["[", *tokens[at + 2 : end], "]"]
            tokens = [*tokens[:begin], *index, *tokens[begin:at], *tokens[end + 1 :]]
        else:
            tokens = [*tokens[:at], *tokens[at + 1 :]]
    return tokens


def _opening(tokens: Sequence[str], closing: int) -> int | None:
    """Where the braces open that close at an index."""
    depth = 0
    for i in range(closing, -1, -1):
        depth += (tokens[i] == "}") - (tokens[i] == "{")
        if depth <= 0:
            return i if depth == 0 and tokens[i] == "{" else None
    return None


def _closing(tokens: Sequence[str], opening: int) -> int | None:
    """Where the braces close that open at an index."""
    depth = 0
    for i in range(opening, len(tokens)):
        depth += (tokens[i] == "{") - (tokens[i] == "}")
        if depth <= 0:
            return i if depth == 0 and tokens[i] == "}" else None
    return None


def _with_names(tokens: list[str], symbols: Sequence[str]) -> list[str]:
    """Letters joined to a control word, from the left, as often as `symbols` has it and `tokens` lacks it."""
    words = {symbol for symbol in symbols if symbol[:1] == "\\" and symbol[1:].isalpha()}
    for word in sorted(words, key=len, reverse=True):
        letters = list(word[1:])
        missing = symbols.count(word) - tokens.count(word)
        i = 0
        while missing > 0 and i + len(letters) <= len(tokens):
            if tokens[i : i + len(letters)] == letters:
                tokens = [*tokens[:i], word, *tokens[i + len(letters) :]]
                missing -= 1
            i += 1
    return tokens


def _with_lone_primes(tokens: Sequence[str]) -> list[str]:
    """A prime alone in braces as a symbol that the canonical form leaves as it is."""
    spaced = f" {' '.join(tokens)} ".replace(" { ' } ", f" {{ {_LONE_PRIME} }} ")
    return spaced.split()


def _refuse_unsayable(tokens: Sequence[str], latex: str) -> None:
    """Refuse what is no symbol; braces after a control word that no list has are its arguments, which would be lost."""
    for token, following in itertools.zip_longest(tokens, tokens[1:]):
        known = token in _STRUCTURE or is_symbol(token)
        argued = following == "{" and len(token) > 1 and token not in _LISTED
        if argued or not known:
            raise DataError(f"{latex[:40]!r}: {token!r} is not among what a caption can say")

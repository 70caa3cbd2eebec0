r"""Captions as LaTeX that a person would write: `\frac{a}{b}`, `x_{i}^{2}`, `f'(x)`, `\sin x`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from amanuensis.latex.canonical import canonical
from amanuensis.latex.grammar import mend
from amanuensis.latex.nodes import to_tokens

_WORD = re.compile(r"\\[A-Za-z]+")
_PRIMES = re.compile(r"(?<!\\limits)\^\{((?:\\prime)+)\}")


def print_latex(tokens: Sequence[str]) -> str:
    r"""The canonical LaTeX of any sequence of tokens, mended where it is not well-formed.

    Balanced, no double script, no empty one, no `\limits` astray: KaTeX and LaTeX take it in math mode. Spaces stand
    only where a control word would run into a letter. Printing what was printed gives the same.
    """
    source = "".join(_spaced(to_tokens(canonical(mend(tokens).row))))
    return _PRIMES.sub(lambda found: "'" * found[1].count("\\"), source)


def _spaced(tokens: Sequence[str]) -> Iterator[str]:
    yield from tokens[:1]
    for before, token in itertools.pairwise(tokens):
        if _WORD.fullmatch(before) and token[0].isascii() and token[0].isalpha():
            yield " "
        yield token

r"""Captions as presentation MathML that MathML Core draws.

Digits are joined to numbers (also under a script: `1 0 ^ { 2 }` is the square of 10), the limits of sums and `\lim`
stand below and above as TeX's display style has them, everything is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from amanuensis.latex.canonical import canonical
from amanuensis.latex.grammar import mend
from amanuensis.latex.nodes import Fraction, Group, Node, Root, Row, Scripts, Symbol
from amanuensis.latex.symbols import FUNCTIONS, LARGE, LETTERS, SIGNS

_BESIDE = frozenset({"\\int", "\\iint", "\\oint"})
_NAMES_ABOVE_LIMITS = frozenset({"lim", "limsup", "liminf", "max", "min", "sup", "inf", "det", "gcd"})
_BELOW = (LARGE.keys() - _BESIDE) | {f"\\{name}" for name in _NAMES_ABOVE_LIMITS}
_DIGITS = frozenset("0123456789")


def to_mathml(tokens: Sequence[str]) -> str:
    """The MathML element `math` of any sequence of tokens, mended where it is not well-formed; one line of XML."""
    body = _written(canonical(mend(tokens).row))
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{body}</math>'


def _written(row: Row) -> str:
    """A row as one element."""
    parts = [_element(node) for node in _numbers_joined(row)]
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


def _numbers_joined(row: Row) -> Iterator[Node]:
    """The row with runs of digits as one symbol; scripts on the last digit are the whole number's."""
    number = ""
    for i, node in enumerate(row):
        symbol = _written_symbol(node)
        following = _written_symbol(row[i + 1]) if i + 1 < len(row) else ""
        point = number and node == Symbol(".") and following in _DIGITS
        if symbol not in _DIGITS and not point:
            yield from (Symbol(number),) if number else ()
            yield node
            number = ""
        elif isinstance(node, Scripts):
            yield Scripts(Symbol(number + symbol), node.scripts, node.limits)
            number = ""
        else:
            number += symbol
    yield from (Symbol(number),) if number else ()


def _written_symbol(node: Node) -> str:
    """The token of a symbol, with or without scripts; nothing for other nodes."""
    bare = node.base if isinstance(node, Scripts) else node
    return bare.token if isinstance(bare, Symbol) else ""


def _element(node: Node) -> str:
    match node:
        case Symbol(token):
            return _leaf(token)
        case Group(body):
            return _written(body)
        case Fraction(numerator, denominator):
            return f"<mfrac>{_written(numerator)}{_written(denominator)}</mfrac>"
        case Root(radicand, None):
            return f"<msqrt>{_written(radicand)}</msqrt>"
        case Root(radicand, index):
            return f"<mroot>{_written(radicand)}{_written(index or ())}</mroot>"
        case Scripts():
            return _scripts_element(node)


def _leaf(token: str) -> str:
    if token[0].isdigit():
        return f"<mn>{escape(token)}</mn>"
    if token in FUNCTIONS:
        return f"<mi>{token[1:]}</mi>"
    operator = token in SIGNS or token in LARGE or not (token[0].isalpha() or token[0] == "\\")
    character = SIGNS.get(token) or LARGE.get(token) or LETTERS.get(token) or token
    name = "mo" if operator else "mi"
    return f"<{name}>{escape(character)}</{name}>"


def _scripts_element(node: Scripts) -> str:
    below = node.limits or (isinstance(node.base, Symbol) and node.base.token in _BELOW)
    low, high = ("under", "over") if below else ("sub", "sup")
    rows = [row for row in (node.sub, node.sup) if row]
    name = (low if node.sub else "") + (high if node.sup else "")
    return f"<m{name}>{_element(node.base)}{''.join(map(_written, rows))}</m{name}>"

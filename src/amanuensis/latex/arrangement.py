r"""Where the symbols of a formula stand on paper, roughly: enough to tell the two x of x + x^2 apart.

Our own reading of how formulas are written, not of how TeX sets them: every symbol is a unit wide, scripts are
smaller and stand beside their base, those of large operators below and above it, fractions are stacked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from amanuensis.latex.grammar import parse
from amanuensis.latex.nodes import Fraction, Group, Node, Root, Row, Scripts, Symbol
from amanuensis.latex.symbols import FUNCTIONS, LARGE

_SMALL = 0.6  # size of a script
_OVERLAP = 0.25  # how far a script reaches into the height of its base
_GAP = 0.3  # between a fraction's bar and what stands above and below it
_STACKED = LARGE.keys() | {"\\lim"}
_UNWRITTEN = frozenset({"{", "}", "^", "_", "\\limits"})
_WRITTEN_AS = {"\\frac": "-", "'": "\\prime", "\\cdot": ".", "\\cdots": "\\ldots"}


def written_label(token: str) -> str | None:
    r"""The symbol class that a token is written as (CROHME's): `\frac` is a bar; braces and scripts are not written."""
    return None if token in _UNWRITTEN else _WRITTEN_AS.get(token, token)


@dataclass(frozen=True, slots=True)
class Place:
    """A written token of a caption and its middle: x to the right, y downwards, in widths of a full-size symbol."""

    token: int
    label: str
    x: float
    y: float


def arrange(tokens: Sequence[str]) -> list[Place]:
    """The places of a caption's written tokens, in the order of the caption.

    Raises:
        DataError: the caption is not well-formed.
    """
    labels = [(i, label) for i, token in enumerate(tokens) if (label := written_label(token)) is not None]
    points = _row(parse(tokens)).points
    return [Place(i, label, x, y) for (i, label), (x, y) in zip(labels, points, strict=True)]


@dataclass(frozen=True, slots=True)
class _Box:
    """Something set: it reaches from 0 to `width`, and from `-ascent` to `descent` about its middle line."""

    width: float
    ascent: float
    descent: float
    points: tuple[tuple[float, float], ...]

    def moved(self, x: float, y: float) -> _Box:
        return replace(self, points=tuple((a + x, b + y) for a, b in self.points))

    def scaled(self, size: float) -> _Box:
        points = tuple((a * size, b * size) for a, b in self.points)
        return _Box(self.width * size, self.ascent * size, self.descent * size, points)


def _row(row: Row) -> _Box:
    x, ascent, descent = 0.0, 0.5, 0.5
    points: tuple[tuple[float, float], ...] = ()
    for node in row:
        box = _node(node)
        points += box.moved(x, 0).points
        x, ascent, descent = x + box.width, max(ascent, box.ascent), max(descent, box.descent)
    return _Box(x, ascent, descent, points)


def _node(node: Node) -> _Box:
    match node:
        case Symbol(token):
            return _mark(2.0 if token in FUNCTIONS else 1.0)
        case Group(body):
            return _row(body)
        case Fraction():
            return _fraction(node)
        case Root(radicand, index):
            return _root(_row(radicand), None if index is None else _row(index).scaled(_SMALL))
        case Scripts():
            return _scripted(node)


def _fraction(node: Fraction) -> _Box:
    above, below = _row(node.numerator), _row(node.denominator)
    width = max(above.width, below.width, 1.0)
    over = above.moved((width - above.width) / 2, -_GAP - above.descent)
    under = below.moved((width - below.width) / 2, _GAP + below.ascent)
    ascent, descent = (2 * _GAP + part.ascent + part.descent for part in (above, below))
    return _Box(width, ascent, descent, ((width / 2, 0.0), *over.points, *under.points))


def _root(radicand: _Box, index: _Box | None) -> _Box:
    """The sign reaches over its radicand; an index and its brackets (two tokens, no ink) stand at its left."""
    width = radicand.width + 0.5
    sign = (width / 2, 0.0)
    corner = () if index is None else ((0.0, -0.5), *index.moved(0, -0.5).points, (0.0, -0.5))
    return _Box(
        width, radicand.ascent + 0.1, radicand.descent, (sign, *corner, *radicand.moved(0.5, 0).points)
    )


def _scripted(node: Scripts) -> _Box:
    base = _node(node.base)
    stacked = isinstance(node.base, Symbol) and node.base.token in _STACKED
    box = base
    for script in node.scripts:
        body = (_mark() if script.mark == "'" else _row(script.body)).scaled(_SMALL)
        x = (base.width - body.width) / 2 if stacked else base.width
        overlap = 0.0 if stacked else _OVERLAP
        low = script.mark == "_"
        y = base.descent + body.ascent - overlap if low else overlap - base.ascent - body.descent
        box = _Box(
            max(box.width, x + body.width),
            max(box.ascent, body.ascent - y),
            max(box.descent, body.descent + y),
            (*box.points, *body.moved(x, y).points),
        )
    return box


def _mark(width: float = 1.0) -> _Box:
    return _Box(width, 0.5, 0.5, ((width / 2, 0.0),))

r"""A formula as nodes: what a caption says, as written.

A *row* is a tuple of nodes side by side. The nodes keep all that a well-formed caption holds (order of scripts, primes,
redundant braces), so that `to_tokens(parse(tokens)) == tokens`; `canonical` drops what does not matter.
"""

# ruff: noqa: S105 - tokens are those of LaTeX, no secrets

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Mark = Literal["_", "^", "'"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """One written symbol."""

    token: str


@dataclass(frozen=True, slots=True)
class Group:
    """Braces that no command asked for; empty ones may carry scripts."""

    body: Row


@dataclass(frozen=True, slots=True)
class Fraction:
    r"""`\frac { numerator } { denominator }`."""

    numerator: Row
    denominator: Row


@dataclass(frozen=True, slots=True)
class Root:
    r"""`\sqrt { radicand }`, or `\sqrt [ index ] { radicand }`."""

    radicand: Row
    index: Row | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A subscript, a superscript or a prime (whose body is empty)."""

    mark: Mark
    body: Row = ()


@dataclass(frozen=True, slots=True)
class Scripts:
    r"""A node with scripts, in the order in which they are written.

    Attributes:
        base: what carries them; never itself `Scripts` (braces stand between).
        scripts: at least one.
        limits: `\limits` stands before them: below and above the base rather than beside it.
    """

    base: Node
    scripts: tuple[Script, ...]
    limits: bool = False

    @property
    def sub(self) -> Row:
        """What stands low."""
        return tuple(node for script in self.scripts if script.mark == "_" for node in script.body)

    @property
    def sup(self) -> Row:
        r"""What stands high; a prime is the symbol `\prime`."""
        prime = (Symbol("\\prime"),)
        high = [prime if script.mark == "'" else script.body for script in self.scripts if script.mark != "_"]
        return tuple(node for body in high for node in body)


Node = Symbol | Group | Fraction | Root | Scripts
Row = tuple[Node, ...]


def to_tokens(row: Row) -> tuple[str, ...]:
    """The caption of a row, every argument in braces: the inverse of `grammar.parse`."""
    return tuple(_row_tokens(row))


def _row_tokens(row: Row) -> Iterator[str]:
    for node in row:
        yield from _node_tokens(node)


def _braced(row: Row) -> Iterator[str]:
    yield "{"
    yield from _row_tokens(row)
    yield "}"


def _node_tokens(node: Node) -> Iterator[str]:
    match node:
        case Symbol(token):
            yield token
        case Group(body):
            yield from _braced(body)
        case Fraction(numerator, denominator):
            yield "\\frac"
            yield from _braced(numerator)
            yield from _braced(denominator)
        case Root(radicand, index):
            yield "\\sqrt"
            yield from () if index is None else _index_tokens(index)
            yield from _braced(radicand)
        case Scripts():
            yield from _script_tokens(node)


def _index_tokens(index: Row) -> Iterator[str]:
    """An index in brackets. TeX ends it at the first closing bracket outside braces: braces hide that one."""
    tokens = list(_row_tokens(index))
    depths = itertools.accumulate((token == "{") - (token == "}") for token in tokens)
    hidden = all(depth > 0 for token, depth in zip(tokens, depths, strict=True) if token == "]")
    yield "["
    yield from tokens if hidden else ("{", *tokens, "}")
    yield "]"


def _script_tokens(node: Scripts) -> Iterator[str]:
    yield from _braced((node.base,)) if isinstance(node.base, Scripts) else _node_tokens(node.base)
    if node.limits:
        yield "\\limits"
    for script in node.scripts:
        yield script.mark
        if script.mark != "'":
            yield from _braced(script.body)

r"""The grammar of captions: parse what is well-formed, mend what is not.

Well-formed (CROHME's published captions): every argument of `\frac`, `\sqrt`, `^` and `_` in braces, braces balanced,
every script on a base, at most one script of a kind on each. A network's output may be none of that, and a user's
LaTeX (`\frac12`, `x^2`) often is not. Mending never fails and leaves what is well-formed as it is.

How faults are mended is *our reading* of what a writer of such tokens meant:

- an argument without braces is the next symbol or command (as in TeX); a missing one is empty, a missing script goes;
- an opening brace that nothing closes ends with the formula, a closing one that nothing opened goes;
- a script without a base stands on empty braces (a prime needs no base);
- `a ^ { b } ^ { c }` becomes `{ a ^ { b } } ^ { c }`;
- `\limits` without an operator before or a script after it goes, and so does what is no symbol;
- what is nested too deep is flattened: `MAX_NESTING` levels can be read, about half as many can be mended.
"""

# ruff: noqa: S105 - tokens are those of LaTeX, no secrets

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amanuensis.errors import DataError
from amanuensis.latex.nodes import Fraction, Group, Mark, Node, Root, Row, Script, Scripts, Symbol, to_tokens
from amanuensis.latex.symbols import LIMIT_OPERATORS, is_symbol
from amanuensis.latex.tokens import MAX_NESTING

_TOO_DEEP = "nested too deep"
_MARKS: dict[str, Mark] = {"_": "_", "^": "^", "'": "'"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that keeps a caption from being well-formed.

    Attributes:
        position: index of the token; the caption's length where a token is missing at its end.
        reason: what is wrong, in words.
    """

    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class Mended:
    """A formula and what had to be mended to read it; no faults: the caption was well-formed."""

    row: Row
    faults: tuple[Fault, ...]

    @property
    def too_deep(self) -> bool:
        """Whether something was flattened because it was nested too deep."""
        return any(fault.reason == _TOO_DEEP for fault in self.faults)


def mend(tokens: Sequence[str]) -> Mended:
    """Reads any sequence of tokens; see the module for how."""
    parser = _Parser(tokens, max_depth=MAX_NESTING)
    row = parser.whole()
    if not parser.faults:
        return Mended(row, ())
    # Mending adds at most one level of braces to each level of the formula, so half the depth leaves room for them.
    parser = _Parser(tokens, max_depth=MAX_NESTING // 2 - 1)
    return Mended(parser.whole(), tuple(parser.faults))


def parse(tokens: Sequence[str]) -> Row:
    """The nodes of a well-formed caption.

    Raises:
        DataError: naming the first fault and its place.
    """
    mended = mend(tokens)
    if mended.faults:
        fault = mended.faults[0]
        before = " ".join(tokens[max(0, fault.position - 8) : fault.position])
        place = f"token {fault.position + 1}, after {before!r}" if before else "at the start"
        raise DataError(f"not a well-formed caption: {fault.reason} ({place})")
    return mended.row


def repair(tokens: Sequence[str]) -> tuple[str, ...]:
    """The caption itself where it is well-formed, else a well-formed one near to it."""
    mended = mend(tokens)
    return to_tokens(mended.row) if mended.faults else tuple(tokens)


class _Parser:
    """A recursive descent that goes on after a fault and notes it.

    Every method either moves on or leaves the token to its caller, and none goes back: the time is linear.
    """

    def __init__(self, tokens: Sequence[str], *, max_depth: int) -> None:
        self.tokens = tokens
        self.position = 0
        self.end = len(tokens)
        self.brackets = _brackets(tokens)
        self.depth = 0
        self.max_depth = max_depth
        self.faults: list[Fault] = []

    def whole(self) -> Row:
        row: Row = ()
        while self.position < self.end:
            row = self.row(row)
            if self.peek() == "}":
                self.fault("a closing brace that nothing opened")
                self.position += 1
        return row

    def peek(self) -> str | None:
        return self.tokens[self.position] if self.position < self.end else None

    def fault(self, reason: str) -> None:
        self.faults.append(Fault(self.position, reason))

    def row(self, before: Row = ()) -> Row:
        """More nodes up to a closing brace, which stays, or the end."""
        nodes = list(before)
        while self.peek() not in {None, "}"}:
            is_prime = self.peek() == "'"
            node = self.scripted()
            if is_prime and nodes and isinstance(nodes[-1], Scripts):
                nodes.append(Group(()))  # else it would be one script too many of the node before
            if node is not None:
                nodes.append(node)
        return tuple(nodes)

    def scripted(self) -> Node | None:
        """A node and its scripts; None where the token was no node and has gone."""
        node = self.atom()
        wrapped = False
        while node is not None and self.peek() in {"_", "^", "'", "\\limits"}:
            limits = self.limits(node)
            scripts = self.scripts()
            if not scripts:
                break
            node = Scripts(node, scripts, limits and scripts[0].mark != "'")
            if self.peek() not in _MARKS:
                break
            self.fault("a second script of its kind on one base")
            if wrapped:  # braces around braces would nest without bound
                return node
            node, wrapped = Group((node,)), True
        return node

    def limits(self, base: Node) -> bool:
        r"""Takes `\limits` tokens; whether the first of them may stand there."""
        seen = False
        while self.peek() == "\\limits":
            operator = isinstance(base, Symbol) and base.token in LIMIT_OPERATORS
            following = self.tokens[self.position + 1] if self.position + 1 < self.end else None
            if seen or not operator or following not in {"_", "^"}:
                self.fault("\\limits that stands between no operator and its script")
            else:
                seen = True
            self.position += 1
        return seen

    def scripts(self) -> tuple[Script, ...]:
        """Scripts up to one that the base already has, or to what is none."""
        scripts: list[Script] = []
        while True:
            token = self.peek()
            if token == "\\limits":
                self.fault("\\limits that stands between no operator and its script")
                self.position += 1
            elif token not in _MARKS or _collides(_MARKS[token], scripts):
                return tuple(scripts)
            else:
                self.position += 1
                body = () if token == "'" else self.argument()
                if body is not None:
                    scripts.append(Script(_MARKS[token], body))

    def atom(self) -> Node | None:
        """One node without its scripts."""
        token = self.peek()
        assert token is not None
        if token in {"{", "\\frac", "\\sqrt"}:
            return self.structure()
        if token in {"_", "^"}:
            self.fault("a script without a base")
            return Group(())
        known = token == "'" or is_symbol(token)
        if not known:
            self.fault(f"{token!r} is no symbol, or stands where none may stand")
        self.position += 1
        return Symbol(token) if known else None

    def structure(self) -> Node | None:
        """What has rows of its own."""
        if self.depth >= self.max_depth:
            self.fault(_TOO_DEEP)
            self.position += 1
            return None
        if self.peek() == "{":
            return Group(self.braces())
        self.position += 1
        if self.tokens[self.position - 1] == "\\frac":
            return Fraction(self.argument() or (), self.argument() or ())
        return self.root()

    def root(self) -> Root:
        index = self.index()
        return Root(self.argument() or (), index)

    def index(self) -> Row | None:
        """The row between brackets, if the closing one is there before any outer brace closes."""
        closing = self.brackets.get(self.position, self.end)
        if self.peek() != "[" or closing >= self.end:
            return None
        outer, self.end = self.end, closing
        self.position += 1
        self.depth += 1
        row = self.row()
        self.depth -= 1
        self.position, self.end = closing + 1, outer
        return row

    def argument(self) -> Row | None:
        """The row of a command's or script's argument; None where there is none."""
        token = self.peek()
        if token is None or token in {"}", "_", "^", "'", "\\limits"}:
            self.fault("an argument is missing")
            return None
        if self.depth >= self.max_depth:
            self.fault(_TOO_DEEP)
            return None
        if token == "{":
            return self.braces()
        self.fault("an argument without braces")
        self.depth += 1
        node = self.atom()
        self.depth -= 1
        return None if node is None else (node,)

    def braces(self) -> Row:
        """The row between an opening brace and its closing one."""
        self.position += 1
        self.depth += 1
        row = self.row()
        self.depth -= 1
        if self.peek() == "}":
            self.position += 1
        else:
            self.fault("a brace that nothing closes")
        return row


def _brackets(tokens: Sequence[str]) -> dict[int, int]:
    """For every `[` the first `]` after it outside braces that open later, if no outer brace closes before."""
    found: dict[int, int] = {}
    next_closing: list[int | None] = [None]  # in each of the braces that are open, seen from the end
    for i in reversed(range(len(tokens))):
        match tokens[i]:
            case "}":
                next_closing.append(None)
            case "{":
                next_closing.pop()
                next_closing = next_closing or [None]
            case "]":
                next_closing[-1] = i
            case "[" if next_closing[-1] is not None:
                found[i] = next_closing[-1]
    return found


def _collides(mark: Mark, scripts: Sequence[Script]) -> bool:
    """Whether TeX would complain of a double script: primes and `^` are one kind, but may follow directly."""
    if mark == "_":
        return any(script.mark == "_" for script in scripts)
    high = [i for i, script in enumerate(scripts) if script.mark != "_"]
    return bool(high) and (high[-1] != len(scripts) - 1 or scripts[-1].mark == "^")

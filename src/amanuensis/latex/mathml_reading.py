r"""Presentation MathML as captions and trees.

Read is what `to_mathml` writes and what CROHME's truth holds, where symbols stand as characters, as LaTeX (`\ldots`) or
as names of entities (`infin`), and one row within another for each symbol. MathML from elsewhere is not trusted: no
document types, no entities, bounded size and depth.
"""

# ruff: noqa: S105 - tokens are those of LaTeX, no secrets

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from amanuensis.errors import DataError
from amanuensis.latex.canonical import canonical
from amanuensis.latex.nodes import Fraction, Group, Node, Root, Row, Script, Scripts, Symbol, to_tokens
from amanuensis.latex.symbols import FUNCTIONS, LARGE, LETTERS, LIMIT_OPERATORS, SIGNS, SYNONYMS, is_symbol
from amanuensis.latex.tokens import tokenize
from amanuensis.latex.tree import LayoutTree, layout_tree
from amanuensis.markup import parse_xml

MAX_CHARACTERS = 1_000_000
"""The longest MathML that is read."""

MAX_DEPTH = 30
"""How deep fractions, roots and scripts may be nested; half of what captions may, since braces add to it."""

_ROWS = frozenset({"math", "mrow", "mstyle", "mpadded", "merror"})
_LEAVES = frozenset({"mi", "mo", "mn", "mtext"})
_IGNORED = frozenset({"mspace", "annotation", "annotation-xml", "maligngroup", "malignmark"})
_INVISIBLE = dict.fromkeys(map(ord, "\u2061\u2062\u2063\u2064\u200b"))

_CHARACTERS = {character: token for table in (SIGNS, LARGE, LETTERS) for token, character in table.items()}
_NAMES = {token[1:]: token for token in (*FUNCTIONS, *SIGNS, *LARGE, *LETTERS) if token[1:].isalpha()} | {
    "infin": "\\infty",
    "rarr": "\\rightarrow",
    "larr": "\\leftarrow",
    "plusmn": "\\pm",
    "isin": "\\in",
    "exist": "\\exists",
    "hellip": "\\ldots",
    "ctdot": "\\cdots",
    "sdot": "\\cdot",
    "middot": "\\cdot",
    "divide": "\\div",
    "minus": "-",
    "verbar": "|",
    "lcub": "\\{",
    "rcub": "\\}",
    **{name[1:]: token for name, token in SYNONYMS.items() if name[1:].isalpha()},
}

_NO_LINE = re.compile(r"(0+\.?0*|\.0+)([a-z]*|%)")  # a length of 0, whatever its unit

_LIMITS = frozenset({"munder", "mover", "munderover"})
_LOW = frozenset({"msub", "msubsup", "munder", "munderover"})
_HIGH = frozenset({"msup", "msubsup", "mover", "munderover"})
_CHILDREN = {"mfrac": 2, "mroot": 2} | {name: 1 + (name in _LOW) + (name in _HIGH) for name in _LOW | _HIGH}


def read_mathml(xml: str) -> tuple[str, ...]:
    """The caption of MathML, in canonical form; the first element `math` is read, whatever stands around it.

    Raises:
        DataError: broken or hostile XML, no `math`, or an element or symbol that a caption cannot say.
    """
    if len(xml) > MAX_CHARACTERS:
        raise DataError(f"MathML of {len(xml)} characters; at most {MAX_CHARACTERS} are read")
    root = parse_xml(xml, "MathML")
    math = next((element for element in root.iter() if _name(element) == "math"), None)
    if math is None:
        raise DataError("no element 'math' in the XML")
    return to_tokens(canonical(_row([math], depth=0)))


def tree_of_mathml(xml: str) -> LayoutTree:
    """The symbol layout tree of MathML.

    Raises:
        DataError: as `read_mathml`.
    """
    return layout_tree(read_mathml(xml))


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _row(elements: Sequence[ElementTree.Element], *, depth: int) -> Row:
    """The nodes of elements side by side. Rows within rows (CROHME nests one per symbol) cost no recursion."""
    if depth > MAX_DEPTH:
        raise DataError(f"MathML nested deeper than {MAX_DEPTH}")
    nodes: list[Node] = []
    waiting = list(reversed(elements))
    while waiting:
        element = waiting.pop()
        name = _name(element)
        if name in _ROWS:
            waiting.extend(reversed(element))
        elif name == "semantics":
            waiting.extend(element[:1])
        elif name not in _IGNORED:
            nodes.extend(_leaf_nodes(element) if name in _LEAVES else [_structure(element, depth=depth + 1)])
    return tuple(nodes)


def _structure(element: ElementTree.Element, *, depth: int) -> Node:
    name = _name(element)
    if name == "msqrt":
        return Root(_row(list(element), depth=depth))
    if name not in _CHILDREN:
        raise DataError(f"MathML element {name!r} is not among what a caption can say")
    if len(element) != _CHILDREN[name]:
        raise DataError(f"MathML element {name!r} with {len(element)} children; it needs {_CHILDREN[name]}")
    rows = [_row([child], depth=depth) for child in element]
    if name == "mfrac":
        if _NO_LINE.fullmatch(element.get("linethickness", "").strip()):
            raise DataError("MathML element 'mfrac' without a line, which a caption cannot say")
        return Fraction(rows[0], rows[1])
    return Root(rows[0], rows[1]) if name == "mroot" else _scripted(name, rows)


def _scripted(name: str, rows: list[Row]) -> Node:
    base: Node = rows[0][0] if len(rows[0]) == 1 and isinstance(rows[0][0], Symbol) else Group(rows[0])
    limits = name in _LIMITS
    if limits and not (isinstance(base, Symbol) and base.token in LIMIT_OPERATORS):
        raise DataError(f"MathML element {name!r} on what takes no limits: a caption cannot say it")
    scripts = ([Script("_", rows[1])] if name in _LOW else []) + (
        [Script("^", rows[-1])] if name in _HIGH else []
    )
    return Scripts(base, tuple(scripts), limits=limits)


def _leaf_nodes(element: ElementTree.Element) -> Iterator[Symbol]:
    """The symbols of a leaf's text: a name, LaTeX, or characters."""
    text = re.sub(r"\s", "", "".join(element.itertext())).translate(_INVISIBLE)
    if len(text) > 1 and text in _NAMES and _name(element) in {"mi", "mo"}:
        tokens: Sequence[str] = (_NAMES[text],)
    elif text.startswith("\\") and len(text) > 1:
        tokens = tokenize(text)
    else:
        tokens = [_CHARACTERS.get(character, character) for character in text]
    for token in tokens:
        if token != "'" and not is_symbol(token):
            raise DataError(
                f"MathML element {_name(element)!r}: {token!r} is no symbol that a caption can say"
            )
        yield Symbol("\\prime" if token == "'" else token)

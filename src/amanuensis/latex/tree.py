r"""The symbol layout tree: which symbol stands where, whatever LaTeX says it.

After the symbol layout trees of Zanibbi et al. as the CROHME 2019 competition scores them (symLG): a node's identity is
its absolute path, and two formulas are compared label by label. *Our reading* of what the tree of a caption is:

- a fraction is the symbol `-` (its bar, as in CROHME's segmentation) with numerator `Above` and denominator `Below`;
- a root is `\sqrt` with its radicand `Inside` and its index `Above`;
- scripts are `Sub` and `Sup` of the last symbol of their base, those of large operators and `\lim` too, beside or below
  and above alike: `\limits` does not matter;
- a prime is the symbol `\prime` in `Sup`; scripts of an empty base hang on an empty symbol; `{ a ^ { b } } ^ { c }` has
  b and c side by side in `Sup`.

The program of the competition may not be bundled (its licence), so agreement with it is of the spirit, not bit by bit.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from amanuensis.latex.canonical import canonical
from amanuensis.latex.grammar import mend
from amanuensis.latex.nodes import Fraction, Group, Node, Root, Row, Scripts, Symbol

_Key = TypeVar("_Key", bound=Hashable)

Relation = Literal["Right", "Sup", "Sub", "Above", "Below", "Inside"]


@dataclass(frozen=True, slots=True)
class LayoutNode:
    """One symbol of a tree.

    Attributes:
        path: where it stands, from the formula's first symbol on: `2.Sup.0` is the first symbol of the superscript of
            the third (symLG writes `ORightRightSup`). Unique in a tree.
        label: the symbol's token.
        parent: path of the symbol that it hangs on; None for the formula's first.
        relation: how it hangs there; None for the formula's first.
    """

    path: str
    label: str
    parent: str | None
    relation: Relation | None


@dataclass(frozen=True, slots=True)
class LayoutTree:
    """The symbols of a formula, every parent before its children; none for an empty formula."""

    nodes: tuple[LayoutNode, ...]

    def labels(self) -> dict[str, str]:
        """Path -> symbol."""
        return {node.path: node.label for node in self.nodes}

    def edges(self) -> dict[tuple[str, str], Relation]:
        """(Parent's path, child's path) -> relation."""
        return {
            (node.parent, node.path): node.relation
            for node in self.nodes
            if node.parent is not None and node.relation is not None
        }

    def errors(self, other: LayoutTree) -> int:
        """How many labels of nodes and edges differ, missing ones included; 0 if and only if the trees are equal."""
        return _differences(self.labels(), other.labels()) + _differences(self.edges(), other.edges())


def layout_tree(tokens: Sequence[str]) -> LayoutTree:
    """The tree of a caption, mended where it is not well-formed."""
    return row_tree(mend(tokens).row)


def row_tree(row: Row) -> LayoutTree:
    """The tree of a formula's nodes."""
    return LayoutTree(tuple(_row_nodes(canonical(row), prefix="", parent=None, relation=None)))


def tree_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """How many node and edge labels differ between the trees of two captions.

    A wrong symbol is one error, a missing one at a row's end two (node and edge). One wrong relation renames all that
    hangs on it, as in the competition's score.
    """
    return layout_tree(reference).errors(layout_tree(hypothesis))


def _differences(one: Mapping[_Key, object], other: Mapping[_Key, object]) -> int:
    return sum(one.get(key) != other.get(key) for key in one.keys() | other.keys())


def _row_nodes(
    row: Row, *, prefix: str, parent: str | None, relation: Relation | None
) -> Iterator[LayoutNode]:
    """The symbols of a row and of all that hangs on them; the first hangs on `parent`, others on the one before."""
    for i, node in enumerate(row):
        path = f"{prefix}{i}"
        label, below = _symbol(node)
        yield LayoutNode(path, label, parent, relation)
        for kind, hanging in below:
            yield from _row_nodes(hanging, prefix=f"{path}.{kind}.", parent=path, relation=kind)
        parent, relation = path, "Right"


def _symbol(node: Node) -> tuple[str, list[tuple[Relation, Row]]]:
    """The symbol that a canonical node writes, and the rows that hang on it."""
    match node:
        case Symbol(token):
            return token, []
        case Fraction(numerator, denominator):
            return "-", [("Above", numerator), ("Below", denominator)]
        case Root(radicand, index):
            return "\\sqrt", [("Above", index or ()), ("Inside", radicand)]
        case Group(()):
            return "", []
        case Group((only,)):
            return _symbol(only)
        case Scripts():
            return _with_scripts(node)
        case Group():
            raise AssertionError("a canonical group is empty or has one node")


def _with_scripts(node: Scripts) -> tuple[str, list[tuple[Relation, Row]]]:
    label, hanging = _symbol(node.base)
    rows = dict(hanging)
    rows["Sub"] = (*rows.get("Sub", ()), *node.sub)
    rows["Sup"] = (*rows.get("Sup", ()), *node.sup)
    return label, list(rows.items())

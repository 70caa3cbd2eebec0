r"""One form for all captions that say the same: what `print_latex`, trees and the normalizer start from.

Dropped is what does not change where symbols stand: braces that no command asked for, empty scripts, the order of sub-
and superscript (subscript first), primes against `^ { \prime }` (the latter), other names of a symbol.
"""

from __future__ import annotations

from amanuensis.latex.nodes import Fraction, Group, Node, Root, Row, Script, Scripts, Symbol
from amanuensis.latex.symbols import SYNONYMS


def canonical(row: Row) -> Row:
    """The row in its canonical form, which is its own canonical form.

    Braces stay in two places: empty ones that carry scripts, and those between two scripts of one kind
    (`{ a ^ { b } } ^ { c }`). The scripts of any other braces belong to the last symbol in them, as a published caption
    has it: `{ u _ { 1 } } ^ { 2 }` is `u _ { 1 } ^ { 2 }`.
    """
    return tuple(part for node in row for part in _canonical_node(node))


def _canonical_node(node: Node) -> Row:
    match node:
        case Symbol(token):
            return (Symbol(SYNONYMS.get(token, token)),)
        case Group(body):
            return canonical(body)
        case Fraction(numerator, denominator):
            return (Fraction(canonical(numerator), canonical(denominator)),)
        case Root(radicand, index):
            return (Root(canonical(radicand), canonical(index or ()) or None),)
        case Scripts():
            scripts = _scripts(canonical(node.sub), canonical(node.sup))
            return _attach(_canonical_node(node.base), scripts, limits=node.limits)


def _scripts(sub: Row, sup: Row) -> tuple[Script, ...]:
    low = (Script("_", sub),) if sub else ()
    return (*low, Script("^", sup)) if sup else low


def _attach(base: Row, scripts: tuple[Script, ...], *, limits: bool) -> Row:
    """The base with scripts on its last node."""
    if not scripts:
        return base
    *before, last = base or (Group(()),)
    if not isinstance(last, Scripts):
        return (*before, Scripts(last, scripts, limits))
    if {script.mark for script in last.scripts} & {script.mark for script in scripts}:
        return (*before, Scripts(Group((last,)), scripts, limits))
    both = tuple(sorted((*last.scripts, *scripts), key=lambda script: "_^".index(script.mark)))
    return (*before, Scripts(last.base, both, last.limits or limits))

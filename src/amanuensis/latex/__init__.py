"""Formulas as LaTeX: tokens, captions, grammar, printing, layout trees, MathML."""

from amanuensis.latex.captions import normalize_caption, without_limits
from amanuensis.latex.grammar import Fault, Mended, mend, parse, repair
from amanuensis.latex.mathml import to_mathml
from amanuensis.latex.mathml_reading import read_mathml, tree_of_mathml
from amanuensis.latex.nodes import to_tokens
from amanuensis.latex.printer import print_latex
from amanuensis.latex.tokens import TokenVocab, tokenize
from amanuensis.latex.tree import LayoutTree, layout_tree, tree_errors

__all__ = [
    "Fault",
    "LayoutTree",
    "Mended",
    "TokenVocab",
    "layout_tree",
    "mend",
    "normalize_caption",
    "parse",
    "print_latex",
    "read_mathml",
    "repair",
    "to_mathml",
    "to_tokens",
    "tokenize",
    "tree_errors",
    "tree_of_mathml",
    "without_limits",
]

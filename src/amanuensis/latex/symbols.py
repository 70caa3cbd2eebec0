r"""What single tokens mean: other names of a symbol, characters for MathML, which operators take limits.

The lists hold CROHME's 101 symbol classes and what users of formulas write beside them. A control word that stands
in none of them is a symbol like any other, shown by its name.
"""

from __future__ import annotations

import re

_FUNCTION_NAMES = (
    "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log max "
    "min sec sin sinh sup tan tanh"
)
FUNCTIONS = frozenset(f"\\{name}" for name in _FUNCTION_NAMES.split())
"""Functions with a name of several letters: one token, one symbol."""

LARGE = {
    "\\sum": "∑",
    "\\prod": "∏",
    "\\coprod": "∐",
    "\\int": "∫",
    "\\iint": "∬",
    "\\oint": "∮",
    "\\bigcup": "⋃",
    "\\bigcap": "⋂",
}
"""Large operators and their characters."""

LIMIT_OPERATORS = FUNCTIONS | LARGE.keys()
r"""The symbols that TeX lets `\limits` follow."""

SYNONYMS = {
    "'": "\\prime",
    "\\lt": "<",
    "\\gt": ">",
    "\\to": "\\rightarrow",
    "\\le": "\\leq",
    "\\ge": "\\geq",
    "\\leqslant": "\\leq",
    "\\geqslant": "\\geq",
    "\\ne": "\\neq",
    "\\dots": "\\ldots",
    "\\lbrack": "[",
    "\\rbrack": "]",
    "\\lbrace": "\\{",
    "\\rbrace": "\\}",
    "\\vert": "|",
    "\\lvert": "|",
    "\\rvert": "|",
    "\\mid": "|",
}
"""Another name of a token -> the name that CROHME's vocabulary has for it."""

LETTERS = {
    "\\alpha": "α",
    "\\beta": "β",
    "\\gamma": "γ",
    "\\delta": "δ",
    "\\epsilon": "ϵ",
    "\\varepsilon": "ε",
    "\\zeta": "ζ",
    "\\eta": "η",
    "\\theta": "θ",
    "\\iota": "ι",
    "\\kappa": "κ",
    "\\lambda": "λ",
    "\\mu": "μ",
    "\\nu": "ν",
    "\\xi": "ξ",
    "\\pi": "π",
    "\\rho": "ρ",
    "\\sigma": "σ",
    "\\tau": "τ",
    "\\upsilon": "υ",
    "\\phi": "ϕ",
    "\\varphi": "φ",
    "\\chi": "χ",
    "\\psi": "ψ",
    "\\omega": "ω",
    "\\Gamma": "Γ",
    "\\Delta": "Δ",
    "\\Theta": "Θ",
    "\\Lambda": "Λ",
    "\\Xi": "Ξ",
    "\\Pi": "Π",
    "\\Sigma": "Σ",
    "\\Phi": "Φ",
    "\\Psi": "Ψ",
    "\\Omega": "Ω",
    "\\infty": "∞",
    "\\partial": "∂",
    "\\nabla": "∇",
    "\\emptyset": "∅",
    "\\hbar": "ℏ",
    "\\ell": "ℓ",
}
"""Tokens that stand for a letter or a quantity, and their characters (MathML `mi`)."""

SIGNS = {
    "-": "−",
    "\\prime": "′",
    "\\times": "×",
    "\\div": "÷",
    "\\pm": "±",
    "\\mp": "∓",
    "\\cdot": "⋅",
    "\\cdots": "⋯",
    "\\ldots": "…",
    "\\leq": "≤",
    "\\geq": "≥",
    "\\neq": "≠",
    "\\approx": "≈",
    "\\equiv": "≡",
    "\\sim": "∼",
    "\\propto": "∝",
    "\\rightarrow": "→",
    "\\leftarrow": "←",
    "\\leftrightarrow": "↔",
    "\\Rightarrow": "⇒",
    "\\Leftrightarrow": "⇔",
    "\\in": "∈",
    "\\notin": "∉",
    "\\subset": "⊂",
    "\\subseteq": "⊆",
    "\\cup": "∪",
    "\\cap": "∩",
    "\\forall": "∀",
    "\\exists": "∃",
    "\\parallel": "∥",
    "\\circ": "∘",
    "\\{": "{",
    "\\}": "}",
    "\\%": "%",
    "\\$": "$",
    "\\&": "&",
    "\\#": "#",
    "\\_": "_",
}
"""Tokens that stand for an operator, a relation or a fence, and their characters (MathML `mo`)."""

_WORD = re.compile(r"\\[A-Za-z]+")
_SPECIAL = frozenset("\\{}^_'$%&#~")
# They take arguments of another kind, come in pairs or change what follows: no symbols.
_COMMAND_NAMES = (
    "left right middle begin end over atop above choose def let newcommand hspace vspace hskip kern color textcolor "
    "href url label tag limits nolimits frac dfrac tfrac sqrt hat widehat bar overline underline vec dot ddot tilde "
    "overrightarrow overleftarrow widetilde overbrace underbrace overset underset stackrel substack binom mathbb boxed "
    "cancel phantom cfrac dbinom tbinom mathfrak mathscr check acute grave breve mathring pmod textsc vphantom hphantom"
)
_COMMANDS = frozenset(f"\\{name}" for name in _COMMAND_NAMES.split())


def is_symbol(token: str) -> bool:
    r"""Whether a token is one symbol: a printable character without a meaning to TeX, or a command without arguments.

    A control word outside the lists is taken for a symbol (`\aleph`), but not one that TeX needs in pairs or that
    takes arguments which are no formula.
    """
    if len(token) == 1:
        return token.isprintable() and not token.isspace() and token not in _SPECIAL
    return token in SIGNS or (_WORD.fullmatch(token) is not None and token not in _COMMANDS)

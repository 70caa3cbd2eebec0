import re

import pytest
from hypothesis import given
from wild import anything, captions, tokens_of_a_network

from amanuensis.latex import normalize_caption, parse, print_latex, tokenize, tree_errors


@pytest.mark.parametrize(
    ("caption", "latex"),
    [
        (r"\frac { a } { b } + x ^ { 2 } _ { i }", r"\frac{a}{b}+x_{i}^{2}"),
        (r"\sin x + \alpha 2 \{ \alpha \}", r"\sin x+\alpha2\{\alpha\}"),
        (r"f ^ { \prime } ( x ) + g ' ' _ { i } ^ { 2 }", r"f'(x)+{g_{i}''}^{2}"),
        (r"\cos { b } + { { } }", r"\cos b+"),
        (r"\sqrt [ n ] { x }", r"\sqrt[n]{x}"),
        (r"\sqrt [ { ] } ] { x }", r"\sqrt[{]}]{x}"),
        (r"\sum \limits _ { i = 1 } ^ { n } i", r"\sum\limits_{i=1}^{n}i"),
        (r"\sum \limits ^ { \prime } i", r"\sum\limits^{\prime}i"),
        (r"a ^ { b } ^ { c }", r"{a^{b}}^{c}"),
        (r"\frac { a", r"\frac{a}{}"),
        ("", ""),
    ],
)
def test_printing(caption, latex):
    assert print_latex(caption.split()) == latex


@given(anything)
def test_what_is_printed_is_balanced_and_prints_the_same_again(tokens):
    latex = print_latex(tokens)
    again = tokenize(latex)
    assert print_latex(again) == latex
    assert again.count("{") == again.count("}")
    parse(again)


@given(tokens_of_a_network)
def test_printing_keeps_the_layout(tokens):
    assert tree_errors(tokens, tokenize(print_latex(tokens))) == 0


@given(tokens_of_a_network)
def test_katex_finds_nothing_to_complain_of(tokens):
    """No double script, no empty script, no script without a base, by the plain text."""
    latex = print_latex(tokens)
    assert not re.search(r"[\^_](?!\{)|[\^_]\{\}", latex)
    assert not re.match(r"[\^_]", latex)
    assert not re.search(r"(?<!\\)\{[\^_]", latex)


@given(captions())
def test_a_printed_caption_normalizes_to_the_canonical_caption(tokens):
    latex = print_latex(tokens)
    if latex:
        assert print_latex(normalize_caption(latex)) == latex

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wild import captions

from amanuensis.errors import DataError
from amanuensis.latex import normalize_caption, parse, to_tokens, without_limits


@pytest.mark.parametrize(
    ("latex", "caption"),
    [
        (r"$\frac12 + x_i^{2}$", r"\frac { 1 } { 2 } + x _ { i } ^ { 2 }"),
        (
            r"\int ^ { { - \mbox { p } } } _ { \sum { j } } { \mbox { w } } dx",
            r"\int _ { \sum j } ^ { - p } w d x",
        ),
        (r"{u_1}^2 + {60}^o", r"u _ { 1 } ^ { 2 } + 6 0 ^ { o }"),
        (r"{a^b}^c", r"{ a ^ { b } } ^ { c }"),
        (r"\left( \frac{a}{b} \right)^2", r"( \frac { a } { b } ) ^ { 2 }"),
        (r"\left. \Big[ x \Bigr] \right\}", r"[ x ] \}"),
        (r"\mathrm{P_1}\! \quad \log{xy}", r"P _ { 1 } \log x y"),
        (r"a\lt b \le c \to d \dots \lbrack e \rbrack", r"a < b \leq c \rightarrow d \ldots [ e ]"),
        (r"M\ltN\gtp", r"M < N > p"),
        (r"| x \parallel y |", "| x | | y |"),
        (r"\sqrt {\sqrt {x} ABOVE {n}} ABOVE {m}", r"\sqrt [ m ] { \sqrt [ n ] { x } }"),
        (r"\dfrac{1}2 + \tfrac ab", r"\frac { 1 } { 2 } + \frac { a } { b }"),
        (r"\cfrac{1}{2}", r"\frac { 1 } { 2 }"),
        (r"\alpha{x} + \aleph _{0}", r"\alpha x + \aleph _ { 0 }"),
        (r"\frac {a \vtop {\hbox {b}}} {4}", r"\frac { a b } { 4 }"),
        (r"\sqrt[3]x", r"\sqrt [ 3 ] { x }"),
        (r"x {ABOVE} y", "x y"),
        (
            r"f'(x) + g''_i + h^\prime",
            r"f ^ { \prime } ( x ) + g _ { i } ^ { \prime \prime } + h ^ { \prime }",
        ),
        (r"f^{'}(x)", r"f ^ { ' } ( x )"),
        (r"1, 000 _ {}, 000", "1 , 0 0 0 , 0 0 0"),
        (r"\lim \limits _ {z \rightarrow 1}} (z)", r"\lim \limits _ { z \rightarrow 1 } ( z )"),
    ],
)
def test_conventions(latex, caption):
    assert normalize_caption(latex) == tuple(caption.split())
    assert parse(caption.split())


def test_letters_are_joined_as_often_as_the_written_symbols_say():
    assert normalize_caption(r"\mathrm{log} x") == ("l", "o", "g", "x")
    assert normalize_caption(r"\mathrm{log} x", ["x", r"\log"]) == (r"\log", "x")
    assert normalize_caption("sin sin", [r"\sin", "s", "i", "n"]) == (r"\sin", "s", "i", "n")
    assert normalize_caption(r"\sin sin", [r"\sin", "s", "i", "n"]) == (r"\sin", "s", "i", "n")
    assert normalize_caption("a div b", ["a", "b", r"\div"]) == ("a", r"\div", "b")
    assert normalize_caption("pi", ["p", "i"]) == ("p", "i")


@given(captions())
def test_a_normalized_caption_is_its_own_normal_form(tokens):
    try:
        caption = normalize_caption(" ".join(tokens))
    except DataError:  # nothing but empty braces
        return
    assert normalize_caption(" ".join(caption)) == caption
    assert to_tokens(parse(caption)) == caption


@given(st.text(alphabet="\\abcdlimtsfrqe{}^_'[] 12.$", max_size=60))
def test_any_source_is_a_caption_or_a_data_error(latex):
    try:
        caption = normalize_caption(latex, ["\\lim"])
    except DataError:
        return
    parse(caption)


@pytest.mark.parametrize(
    "latex",
    [
        r"\begin{array}{c} a \end{array}",
        r"a & b",
        r"a \\ b",
        r"\hat{x}",
        r"\dbinom{n}{k}",
        r"\tbinom nk",
        r"\mathfrak{g}",
        r"\mathscr L",
        r"\check{x}",
        r"\acute x",
        r"\pmod{3}",
        r"\textsc{a}",
        r"\vphantom{x}",
        r"\unheardof{x}",
        r"x^\sqrt{" * 35 + "}" * 35,
        "",
        "$ {} $",
        r"\sqrt" * 100 + "x",
        "x^{" * 70,
    ],
)
def test_what_no_caption_can_say_is_refused(latex):
    with pytest.raises(DataError):
        normalize_caption(latex)


def test_long_sources_take_little_time():
    began = time.perf_counter()
    normalize_caption(r"\sqrt{x}ABOVE{n}" * 500, [r"\log"] * 1000)
    normalize_caption("log" * 3000, [r"\log"] * 3000)
    assert time.perf_counter() - began < 5


def test_without_limits():
    assert without_limits(("\\sum", "\\limits", "_", "{", "}")) == ("\\sum", "_", "{", "}")

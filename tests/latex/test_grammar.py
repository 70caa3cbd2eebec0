import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wild import anything, captions, tokens_of_a_network

from amanuensis.errors import DataError
from amanuensis.latex import mend, parse, repair, to_tokens
from amanuensis.latex.nodes import Fraction, Group, Root, Script, Scripts, Symbol


def split(caption):
    return tuple(caption.split())


def test_nodes_of_a_caption():
    assert parse(split(r"\frac { a } { b }")) == (Fraction((Symbol("a"),), (Symbol("b"),)),)
    assert parse(split(r"\sqrt [ n ] { x }")) == (Root((Symbol("x"),), (Symbol("n"),)),)
    assert parse(split(r"\sqrt { }")) == (Root(()),)
    assert parse(split(r"x ' _ { i }")) == (Scripts(Symbol("x"), (Script("'"), Script("_", (Symbol("i"),)))),)
    assert parse(split(r"\sum \limits _ { i }")) == (
        Scripts(Symbol("\\sum"), (Script("_", (Symbol("i"),)),), limits=True),
    )
    assert parse(split("{ a } b")) == (Group((Symbol("a"),)), Symbol("b"))
    assert parse(()) == ()


def test_what_stands_low_and_high_whatever_the_order():
    for caption in (r"x _ { i } ^ { 2 }", r"x ^ { 2 } _ { i }"):
        (node,) = parse(split(caption))
        assert (node.sub, node.sup) == ((Symbol("i"),), (Symbol("2"),))
    (node,) = parse(split(r"x ' ' ^ { 2 }"))
    assert node.sup == (Symbol("\\prime"), Symbol("\\prime"), Symbol("2"))
    assert node.sub == ()


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        (r"\frac { a", r"\frac { a } { }"),
        (r"\frac 1 2 3", r"\frac { 1 } { 2 } 3"),
        (r"x ^ \frac 1 2", r"x ^ { \frac { 1 } { 2 } }"),
        (r"\sqrt", r"\sqrt { }"),
        (r"\sqrt [ 3", r"\sqrt { [ } 3"),
        (r"\sqrt [ { ] } 3", r"\sqrt { [ } { ] } 3"),
        (r"x ^ 2", r"x ^ { 2 }"),
        (r"x ^", r"x"),
        (r"x ^ _ i", r"x _ { i }"),
        (r"{ x ^ } + 1", r"{ x } + 1"),
        (r"^ { 2 } x", r"{ } ^ { 2 } x"),
        (r"a ^ { b } ^ { c }", r"{ a ^ { b } } ^ { c }"),
        (r"a _ { b } ^ { c } _ { d }", r"{ a _ { b } ^ { c } } _ { d }"),
        (r"a ^ { b } '", r"{ a ^ { b } } '"),
        (r"a ' _ { i } ^ { 2 }", r"{ a ' _ { i } } ^ { 2 }"),
        (r"a } b", r"a b"),
        (r"} } }", r""),
        (r"{ { a }", r"{ { a } }"),
        (r"x \limits _ { i }", r"x _ { i }"),
        (r"\sum \limits", r"\sum"),
        (r"\sum _ { i } \limits ^ { n }", r"\sum _ { i } ^ { n }"),
        (r"\sum \limits \limits _ { i }", r"\sum \limits _ { i }"),
        (r"a & \left ( b", r"a ( b"),
        (r"^ x } '", r"{ } ^ { x } { } '"),
        (r"^ x ^ y '", r"{ { } ^ { x } } ^ { y } { } '"),
        (r"x } '", r"x '"),
        (r"\sum \limits ^ '", r"\sum '"),
    ],
)
def test_mending(broken, mended):
    assert repair(split(broken)) == split(mended)
    with pytest.raises(DataError, match="not a well-formed caption"):
        parse(split(broken))


@given(captions())
def test_well_formed_captions_are_parsed_and_left_as_they_are(tokens):
    assert to_tokens(parse(tokens)) == tokens
    assert repair(tokens) == tokens


@given(anything)
def test_whatever_is_mended_is_well_formed(tokens):
    mended = repair(tokens)
    assert to_tokens(parse(mended)) == mended
    assert mended.count("{") == mended.count("}")
    assert repair(mended) == mended


@given(tokens_of_a_network)
def test_mending_a_network_loses_no_symbol(tokens):
    """Scripts and commands may go, braces may come, but what was written stays, in its order."""
    structure = {"{", "}", "^", "_", "'", "\\frac", "\\sqrt", "\\limits"}
    kept = [token for token in repair(tokens) if token not in structure]
    assert kept == [token for token in tokens if token not in structure]


@given(
    st.sampled_from(
        [
            "{ ",
            "\\frac ",
            "\\sqrt ",
            "a ^ { b } ^ { ",
            "\\sqrt [ ",
            "x _ ",
            "{ a } ^ b ^ { { ",
            "\\frac { a } { ",
        ]
    ),
    st.integers(1, 400),
    st.sampled_from(["", "x", "] { x }", "} "]),
)
def test_any_depth_is_mended_to_one_that_can_be_read(opening, times, rest):
    tokens = split(opening * times + rest)
    assert parse(repair(tokens)) is not None


@pytest.mark.parametrize("opening", ["{ ", "\\sqrt [ ", "a ^ { b } ^ ", "\\frac ", "} ", "\\limits "])
def test_long_nonsense_takes_little_time(opening):
    began = time.perf_counter()
    repair(split(opening * 5000 + "]"))
    assert time.perf_counter() - began < 5


def test_faults_say_what_and_where():
    (fault,) = mend(split("a + } b")).faults
    assert fault.position == 2
    with pytest.raises(DataError, match=r"closing brace .*token 3, after 'a \+'"):
        parse(split("a + } b"))
    with pytest.raises(DataError, match="at the start"):
        parse(("^", "{", "2", "}"))
    assert mend(split("{ " * 100)).too_deep
    assert not mend(split("{ a")).too_deep

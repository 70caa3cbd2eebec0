import pytest
from hypothesis import given
from wild import anything, captions

from amanuensis.latex import layout_tree, tree_errors


def errors(one, other):
    return tree_errors(one.split(), other.split())


def test_paths_and_relations_of_every_kind():
    caption = r"a + \frac { b } { \sqrt [ 3 ] { x _ { i } ^ { 2 } } }"
    tree = layout_tree(caption.split())
    assert tree.labels() == {
        "0": "a",
        "1": "+",
        "2": "-",
        "2.Above.0": "b",
        "2.Below.0": r"\sqrt",
        "2.Below.0.Above.0": "3",
        "2.Below.0.Inside.0": "x",
        "2.Below.0.Inside.0.Sub.0": "i",
        "2.Below.0.Inside.0.Sup.0": "2",
    }
    assert tree.edges() == {
        ("0", "1"): "Right",
        ("1", "2"): "Right",
        ("2", "2.Above.0"): "Above",
        ("2", "2.Below.0"): "Below",
        ("2.Below.0", "2.Below.0.Above.0"): "Above",
        ("2.Below.0", "2.Below.0.Inside.0"): "Inside",
        ("2.Below.0.Inside.0", "2.Below.0.Inside.0.Sub.0"): "Sub",
        ("2.Below.0.Inside.0", "2.Below.0.Inside.0.Sup.0"): "Sup",
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"x _ { i } ^ { 2 }", r"x ^ { 2 } _ { i }"),
        (r"\cos { b }", r"\cos b"),
        (r"{ u _ { 1 } } ^ { 2 }", r"u _ { 1 } ^ { 2 }"),
        (r"( a + b ) ^ { 2 }", r"{ ( a + b ) } ^ { 2 }"),
        (r"\sum \limits _ { i } ^ { n }", r"\sum _ { i } ^ { n }"),
        (r"\int \limits _ { 0 } x", r"\int _ { 0 } x"),
        (r"f ' ( x )", r"f ^ { \prime } ( x )"),
        (r"f ^ { ' } ( x )", r"f ^ { \prime } ( x )"),
        (r"f ' ' ^ { 2 }", r"f ^ { \prime \prime 2 }"),
        (r"a \to b \le c", r"a \rightarrow b \leq c"),
        (r"\frac 3 2", r"\frac { 3 } { 2 }"),
        (r"x ^ { }", "x"),
        (r"\sqrt [ ] { x }", r"\sqrt { x }"),
        ("", "{ }"),
    ],
)
def test_what_looks_the_same_is_equal(one, other):
    assert errors(one, other) == errors(other, one) == 0


@pytest.mark.parametrize(
    ("reference", "hypothesis", "count"),
    [
        ("a + b", "a + c", 1),  # a wrong symbol
        ("a + b", "a +", 2),  # a missing symbol: its node and its edge
        ("a", "", 1),  # the first symbol hangs on nothing
        ("", "a + b", 5),
        ("x ^ { 2 }", "x _ { 2 }", 4),  # one relation: the symbol is missing there and too much here
        ("x ^ { 2 } + 1", "x 2 + 1", 6),  # and all to its right moves on
        (r"\frac { a } { b }", r"\frac { b } { a }", 2),
        (r"\frac { a } { b }", "- a b", 8),
        (r"\sqrt [ 3 ] { x }", r"\sqrt { x }", 2),
        (r"a ^ { b } ^ { c }", r"a ^ { b c }", 0),  # our reading
        (r"a ^ { b ^ { c } }", r"a ^ { b c }", 4),
        ("{ } ^ { 2 } a", "2 a", 3),
    ],
)
def test_counts_of_errors(reference, hypothesis, count):
    assert errors(reference, hypothesis) == count
    assert errors(hypothesis, reference) == count


@given(anything)
def test_any_tokens_have_a_tree_whose_parents_come_first(tokens):
    tree = layout_tree(tokens)
    assert len(tree.labels()) == len(tree.nodes)
    assert len(tree.edges()) == max(0, len(tree.nodes) - 1)
    seen = set()
    for node in tree.nodes:
        assert (node.parent is None) == (node.relation is None) == (not seen)
        assert node.parent is None or node.parent in seen
        seen.add(node.path)
    assert tree_errors(tokens, tokens) == 0


@given(captions(), captions())
def test_no_errors_means_the_same_tree(one, other):
    assert (tree_errors(one, other) == 0) == (layout_tree(one) == layout_tree(other))

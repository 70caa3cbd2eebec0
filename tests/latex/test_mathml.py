from xml.etree import ElementTree

import pytest
from hypothesis import given
from wild import anything, captions, tokens_of_a_network

from amanuensis.errors import DataError
from amanuensis.latex import layout_tree, read_mathml, to_mathml, tree_of_mathml


def body(caption):
    xml = to_mathml(caption.split())
    return xml[xml.index(">") + 1 : -len("</math>")]


@pytest.mark.parametrize(
    ("caption", "xml"),
    [
        ("x", "<mi>x</mi>"),
        ("1 0 . 5 <", "<mrow><mn>10.5</mn><mo>&lt;</mo></mrow>"),
        ("1 0 ^ { 2 } 3 .", "<mrow><msup><mn>10</mn><mn>2</mn></msup><mn>3</mn><mo>.</mo></mrow>"),
        (r"\frac { \alpha } { }", "<mfrac><mi>α</mi><mrow></mrow></mfrac>"),
        (r"\sqrt [ 3 ] { x }", "<mroot><mi>x</mi><mn>3</mn></mroot>"),
        (r"\sum _ { i } ^ { n }", "<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover>"),
        (r"\int _ { a }", "<msub><mo>∫</mo><mi>a</mi></msub>"),
        (r"\int \limits _ { a }", "<munder><mo>∫</mo><mi>a</mi></munder>"),
        (
            r"\lim _ { x } \sin x",
            "<mrow><munder><mi>lim</mi><mi>x</mi></munder><mi>sin</mi><mi>x</mi></mrow>",
        ),
        (r"f '", "<msup><mi>f</mi><mo>′</mo></msup>"),
        ("", "<mrow></mrow>"),
    ],
)
def test_written(caption, xml):
    assert body(caption) == xml


@given(anything)
def test_whatever_is_written_is_xml(tokens):
    assert ElementTree.fromstring(to_mathml(tokens)).tag.endswith("}math")


@given(tokens_of_a_network | captions())
def test_reading_undoes_writing(tokens):
    assert tree_of_mathml(to_mathml(tokens)) == layout_tree(tokens)


def test_what_other_programs_write_is_read():
    """One row within another, entities' names, LaTeX in leaves, invisible operators, an annotation, no namespace."""
    xml = (
        "<out><math><semantics><mrow><mi>sin</mi><mo>\u2061</mo><mrow><mi>theta</mi><mrow><mo>rarr</mo>"
        "<mrow><msup><mrow><mn>12</mn></mrow><mi>infin</mi></msup><mspace/><mo>\\ldots</mo></mrow></mrow></mrow></mrow>"
        "<annotation>ignored</annotation></semantics></math></out>"
    )
    assert " ".join(read_mathml(xml)) == r"\sin \theta \rightarrow 1 2 ^ { \infty } \ldots"


def test_scripts_below_and_above_are_scripts_of_what_carries_them():
    below = "<math><munder><mo>sum</mo><mi>i</mi></munder></math>"
    beside = "<math><msub><mo>sum</mo><mi>i</mi></msub></math>"
    assert read_mathml(below) == ("\\sum", "\\limits", "_", "{", "i", "}")
    assert tree_of_mathml(below) == tree_of_mathml(beside)


def test_a_fraction_with_a_line_is_one_however_thick_the_line_is():
    for thickness in ("0.5pt", "thin", "10%", "1"):
        xml = f'<math><mfrac linethickness="{thickness}"><mi>n</mi><mi>k</mi></mfrac></math>'
        assert read_mathml(xml) == ("\\frac", "{", "n", "}", "{", "k", "}")


def test_rows_within_rows_may_be_deep_but_structures_may_not():
    deep = "<mrow>" * 5000 + "<mi>x</mi>" + "</mrow>" * 5000
    assert read_mathml(f"<math>{deep}</math>") == ("x",)
    nested = "<msqrt>" * 1000 + "</msqrt>" * 1000
    with pytest.raises(DataError, match="nested"):
        read_mathml(f"<math>{nested}</math>")


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<math>",
        "<p/>",
        "<math><mtable/></math>",
        "<math><mfrac><mi>x</mi></mfrac></math>",
        "<math><mo>&amp;</mo><mo>^</mo></math>",
        "<math><mi>&nbsp;</mi></math>",
        "<math><mi>\\left</mi></math>",
        "<math><mover><mi>x</mi><mo>¯</mo></mover></math>",
        "<math><munder><mrow><mi>x</mi><mi>y</mi></mrow><mo>_</mo></munder></math>",
        "<math><munderover><mo>→</mo><mi>n</mi><mi>k</mi></munderover></math>",
        '<math><mfrac linethickness="0"><mi>n</mi><mi>k</mi></mfrac></math>',
        '<math><mfrac linethickness=" 0.0pt"><mi>n</mi><mi>k</mi></mfrac></math>',
        "<!DOCTYPE math [<!ENTITY a 'b'>]><math><mi>&a;</mi></math>",
        "<?xml version='1.0' encoding='no-such'?><math/>x",
        "<math>" + " " * 1_000_001 + "</math>",
    ],
)
def test_what_cannot_be_read_is_refused(xml):
    with pytest.raises(DataError):
        read_mathml(xml)

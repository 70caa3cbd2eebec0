import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amanuensis.errors import DataError
from amanuensis.ink import Ink, InkDocument, InkSymbol, format_inkml, read_inkml

NAMESPACE = 'xmlns="http://www.w3.org/2003/InkML"'


def points_of(document):
    return [stroke.tolist() for stroke in document.ink.strokes]


def inkml(body, attributes=NAMESPACE):
    return f"<ink {attributes}>{body}</ink>".encode()


FRACTION = """
<annotation type="truth">$\\frac{1}{x}$</annotation>
<annotation type="writer"> w7 </annotation>
<annotation type="writer">another</annotation>
<annotationXML type="truth" encoding="Content-MathML">
  <math xmlns="http://www.w3.org/1998/Math/MathML"><mfrac><mn xml:id="a">1</mn><mi>x</mi></mfrac></math>
</annotationXML>
<trace id="0">5 0, 5 10</trace>
<trace xml:id="t1">0 12, 10 12.5,</trace>
<trace id="2"> 2 15 , 8 21 </trace>
<trace id="3">2 21,8 15</trace>
<traceGroup xml:id="all">
  <annotation type="truth">Segmentation</annotation>
  <traceGroup><annotation type="truth">1</annotation><traceView traceDataRef="0"/></traceGroup>
  <traceGroup><annotation type="truth">-</annotation><traceView traceDataRef="#t1"/></traceGroup>
  <traceGroup>
    <annotation type="truth">x</annotation>
    <traceView traceDataRef="2"/><traceView traceDataRef="3"/><annotationXML href="x_1"/>
  </traceGroup>
</traceGroup>
"""


@pytest.mark.parametrize("attributes", [NAMESPACE, ""])
def test_everything_that_a_formula_has(attributes):
    document = read_inkml(inkml(FRACTION, attributes))
    assert points_of(document) == [
        [[5, 0], [5, 10]],
        [[0, 12], [10, 12.5]],
        [[2, 15], [8, 21]],
        [[2, 21], [8, 15]],
    ]
    assert document.truth == "$\\frac{1}{x}$"
    assert document.annotations == {"writer": "w7"}
    assert document.ink.symbols == (InkSymbol("1", (0,)), InkSymbol("-", (1,)), InkSymbol("x", (2, 3)))
    assert document.mathml == (
        '<math xmlns="http://www.w3.org/1998/Math/MathML">'
        '<mfrac><mn xml:id="a">1</mn><mi>x</mi></mfrac></math>'
    )
    assert document.problems == ()


def test_written_and_read_again_it_is_the_same():
    document = read_inkml(inkml(FRACTION))
    again = read_inkml(format_inkml(document))
    assert points_of(again) == points_of(document)
    assert again.ink.symbols == document.ink.symbols
    assert (again.truth, again.mathml, again.annotations) == (
        document.truth,
        document.mathml,
        document.annotations,
    )


@settings(max_examples=60)
@given(
    st.lists(
        st.lists(st.tuples(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12)), min_size=1, max_size=5),
        min_size=1,
        max_size=5,
    ),
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), max_size=20).map(str.strip),
)
def test_any_coordinates_and_truth_survive(strokes, truth):
    again = read_inkml(format_inkml(InkDocument(Ink(strokes), truth=truth)))
    assert points_of(again) == [[list(point) for point in stroke] for stroke in strokes]
    assert again.truth == truth


def test_further_channels_and_their_order():
    channels = '<context><traceFormat><channel name="T"/><channel name="Y"/><channel name="X"/></traceFormat></context>'
    document = read_inkml(inkml(channels + "<trace>100 2 1, 108 4 3</trace>"))
    assert points_of(document) == [[[1, 2], [3, 4]]]
    assert points_of(read_inkml(inkml("<trace>1 2 99 T, 3 4 98 F</trace>"))) == [[[1, 2], [3, 4]]]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        # The W3C's own example: values, velocities, then accelerations; without spaces where they can go.
        (
            "1125 18432,'23'43,\"7\"-8,3-5,7-3,6 2,6 8,3 6,3 6",
            [[1125, 18432], [1148, 18475], [1178, 18510], [1211, 18540], [1251, 18567], [1297, 18596]],
        ),
        ("10 10, '1 '2, '1 '2, !5 !5, 6 7", [[10, 10], [11, 12], [12, 14], [5, 5], [6, 7]]),
        ("3 4, * 5, 6 *", [[3, 4], [3, 5], [6, 5]]),
        ("0 0, '5 '5, * *", [[0, 0], [5, 5], [10, 10]]),
        ("1e1 -2.5E-1, .5 +3.", [[10, -0.25], [0.5, 3]]),
        ("1 2,\n, 3 4 ,", [[1, 2], [3, 4]]),
    ],
)
def test_the_ways_to_write_coordinates(written, expected):
    assert points_of(read_inkml(inkml(f"<trace>{written}</trace>")))[0][: len(expected)] == expected


def test_what_is_broken_in_part_is_read_in_part_and_said():
    body = """
    <trace id="a">0 0, 9 9</trace><trace id="b"></trace><trace id="c">1 2, 3</trace><trace id="d">1 x</trace>
    <trace id="e">1 1e999</trace><trace id="f">T F</trace><trace id="a">4 4</trace>
    <trace id="up" type="penUp">7 7</trace>
    <traceGroup><annotation type="truth">x</annotation>
      <traceView traceDataRef="a"/><traceView traceDataRef="zz"/></traceGroup>
    <traceGroup id="g"><traceView traceDataRef="a"/></traceGroup>
    <traceGroup><annotation type="truth">y</annotation><traceView traceDataRef="c"/></traceGroup>
    """
    document = read_inkml(inkml(body))
    assert points_of(document) == [[[0, 0], [9, 9]], [[4, 4]]]
    assert document.ink.symbols == (InkSymbol("x", (0,)),)
    reasons = "\n".join(document.problems)
    assert len(document.problems) == 9
    for part in (
        "trace b: it has no point",
        "trace c: '3'",
        "trace d",
        "trace e",
        "trace f",
        "trace a: the id",
    ):
        assert part in reasons
    for part in ("'x' names strokes that are not there: zz", "'g' has no label", "'y' names strokes"):
        assert part in reasons


def test_traces_inside_groups_are_strokes_of_the_symbol():
    group = '<traceGroup><annotation type="truth">v</annotation><trace>0 0, 5 9</trace><trace id="k">5 9, 9 0</trace>'
    document = read_inkml(inkml(group + "</traceGroup>"))
    assert len(document.ink.strokes) == 2
    assert document.ink.symbols[0].label == "v"


def test_latin_1_and_a_byte_order_mark():
    body = '<annotation type="writer">Mouch\xe8re</annotation><trace>0 0</trace>'
    xml = f'<?xml version="1.0" encoding="UTF-8"?><ink>{body}</ink>'
    assert read_inkml(xml.encode("latin-1")).annotations["writer"] == "Mouchère"
    assert read_inkml(xml.encode("utf-8-sig")).annotations["writer"] == "Mouchère"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "broken XML"),
        (b"<ink><trace>0 0</ink>", "broken XML"),
        (b'<!DOCTYPE ink [<!ENTITY a "b">]><ink><trace>0 0</trace></ink>', "entities"),
        (b'<!DOCTYPE ink SYSTEM "http://example.org/ink.dtd"><ink/>', "document type"),
        ("<ink><trace>0 0</trace></ink>".encode("utf-16"), "UTF-16"),
        (b"<ink/>", "no stroke"),
        (b"<ink><trace id='s'>nan nan</trace></ink>", "no stroke; trace s"),
        (b" " * 16_000_001, "16 MB"),
    ],
)
def test_what_cannot_be_read_is_said(data, message):
    with pytest.raises(DataError, match=message):
        read_inkml(data)


def test_the_file_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"gone\.inkml: cannot be read"):
        read_inkml(tmp_path / "gone.inkml")
    (tmp_path / "bad.inkml").write_text("<ink/>")
    with pytest.raises(DataError, match=r"bad\.inkml"):
        read_inkml(str(tmp_path / "bad.inkml"))


def test_hostile_files_end_in_bounded_time():
    start = time.perf_counter()
    deep = b"<math>" * 50_000 + b"</math>" * 50_000
    document = read_inkml(b"<ink><trace>0 0</trace>" + deep + b"</ink>")
    assert document.mathml == ""
    assert "too deep" in document.problems[0]
    groups = b"<traceGroup>" * 50_000 + b"</traceGroup>" * 50_000
    assert read_inkml(b"<ink><trace>0 0</trace>" + groups + b"</ink>").ink.symbols == ()
    with pytest.raises(DataError, match="10,000 strokes"):
        read_inkml(b"<ink>" + b"<trace>1 2</trace>" * 200_000 + b"</ink>")
    assert time.perf_counter() - start < 8


def test_what_xml_cannot_hold_is_not_written():
    for document in (
        InkDocument(Ink([[[0, 0]]]), truth="a\x00b"),
        InkDocument(Ink([[[0, 0]]], [InkSymbol("\x0b", (0,))])),
        InkDocument(Ink([[[0, 0]]]), mathml="<math>"),
    ):
        with pytest.raises(DataError):
            format_inkml(document)


def test_a_document_with_markup_in_its_texts():
    document = InkDocument(Ink([np.zeros((1, 2))]), truth="a<b & c", annotations={"UI": '"<>"'})
    again = read_inkml(format_inkml(document))
    assert (again.truth, again.annotations["UI"]) == ("a<b & c", '"<>"')

import json
from pathlib import Path

import pytest

from amanuensis.errors import DataError
from amanuensis.ink import Ink, format_strokes_json, read_strokes_json

STROKES = [[[1, 2], [3.5, 4]], [[5, 6]]]
COLUMNS = {"x": [[1, 3.5], [5]], "y": [[2, 4], [6]]}


@pytest.mark.parametrize(
    "value",
    [
        STROKES,
        {"strokes": STROKES},
        {"strokes": {"strokes": STROKES}, "session": "abc"},
        COLUMNS,
        {"strokes": COLUMNS},
        {"strokes": {"strokes": COLUMNS}},
        [[[1, 2, 1700000000], [3.5, 4, 0.5]], [[5, 6, None]]],
    ],
)
def test_every_known_shape(value):
    ink = read_strokes_json(json.dumps(value).encode())
    assert [stroke.tolist() for stroke in ink.strokes] == STROKES


def test_written_and_read_again_it_is_the_same(tmp_path: Path):
    ink = Ink([[[0.1, -1e-7], [1e11, 3]], [[0, 0]]])
    file = tmp_path / "strokes.json"
    file.write_text(format_strokes_json(ink), encoding="utf-8-sig")
    for source in (file, str(file)):
        again = read_strokes_json(source)
        assert [s.tolist() for s in again.strokes] == [s.tolist() for s in ink.strokes]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON"),
        ("[[[1, 2]]", "no JSON"),
        ("[[[NaN, 2]]]", "NaN is no coordinate"),
        ("[[[-Infinity, 2]]]", "no coordinate"),
        ("[[[1e999, 2]]]", "not finite"),
        ("[[[1" + "0" * 400 + ", 2]]]", "too large"),
        ("[[[true, 2]]]", "stroke 0: 'True' is no coordinate"),
        ('[[[1, 2]], [["1", 2]]]', "stroke 1: '1' is no coordinate"),
        ("[[1, 2]]", "stroke 0: a point should be"),
        ("[[[1]]]", "stroke 0: a point should be"),
        ("[3]", "stroke 0: no list"),
        ("[[]]", "stroke 0"),
        ("[]", "empty"),
        ("3", "expected"),
        ("null", "expected"),
        ('{"points": []}', "expected"),
        ('{"x": [[1]], "y": [[1], [2]]}', "as many strokes"),
        ('{"x": [[1, 2]], "y": [[1]]}', "stroke 0"),
        ('{"x": 1, "y": 1}', "expected"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_what_is_no_ink_is_said(text, message):
    with pytest.raises(DataError, match=message) as caught:
        read_strokes_json(text.encode())
    assert str(caught.value).startswith("JSON bytes: ")
    assert len(str(caught.value)) < 300


def test_bytes_that_are_no_text_and_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(DataError, match="no JSON"):
        read_strokes_json(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"gone\.json: cannot be read"):
        read_strokes_json(tmp_path / "gone.json")

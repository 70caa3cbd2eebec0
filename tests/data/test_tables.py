from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amanuensis.data import read_dataset
from amanuensis.data.tables import id_of, page_of
from amanuensis.errors import DataError

Writer = Callable[..., Path]

HEADER = "image\ttext\tsplit\twriter\n"


def reasons(path: Path) -> dict[str, str]:
    """Row of the table -> reason, of every problem."""
    problems = read_dataset(path).problems
    return {problem.where.rpartition(":")[2]: problem.reason for problem in problems}


def test_labels(tmp_path: Path, image: Writer, text: Writer) -> None:
    for name in ("lines/0000_1.png", "lines/0000_2.png", "lines/12-03.png"):
        image(name)
    text(
        "labels.tsv",
        HEADER
        + "lines/0000_1.png\tone  two\ttrain\tAnna\n"
        + 'lines/0000_2.png\t"quoted"\tvalidation\t\n'
        + "lines/12-03.png\tÀ\tTest\n",  # an editor stripped the last tab
    )
    dataset = read_dataset(tmp_path)
    assert dataset.name == tmp_path.name
    assert dataset.layout == "labels.tsv"
    assert not dataset.problems
    assert [(s.id, s.text, s.split, s.page, s.writer) for s in dataset.samples] == [
        ("lines/0000_1", "one  two", "train", "0000", "Anna"),
        ("lines/0000_2", '"quoted"', "val", "0000", ""),
        ("lines/12-03", "À", "test", "12", ""),
    ]
    assert dataset.samples[0].image == tmp_path / "lines/0000_1.png"
    assert {s.dataset for s in dataset.samples} == {tmp_path.name}


def test_columns_in_another_order_and_a_page_column(tmp_path: Path, image: Writer, text: Writer) -> None:
    image("a.png")
    text("labels.tsv", "page\tnote\ttext\timage\np7\tblurred\tsome text\ta.png\n")
    (sample,) = read_dataset(tmp_path).samples
    assert (sample.page, sample.text, sample.split) == ("p7", "some text", "")


def test_byte_order_mark_and_windows_lines(tmp_path: Path, image: Writer, text: Writer) -> None:
    image("lines/a.png")
    table = HEADER.replace("\n", "\r\n") + "lines\\a.png\tété\ttrain\tw\r\n\r\n"
    text("labels.tsv", b"\xef\xbb\xbf" + table.encode())
    dataset = read_dataset(tmp_path)
    assert not dataset.problems
    assert [(s.id, s.text, s.writer) for s in dataset.samples] == [("lines/a", "été", "w")]


def test_other_line_breaks_stay_in_the_text(tmp_path: Path, image: Writer, text: Writer) -> None:
    image("a.png")
    text("labels.tsv", HEADER + "a.png\tone\u2028two\x0bthree\ttrain\t\n")
    assert read_dataset(tmp_path).samples[0].text == "one\u2028two\x0bthree"


def test_every_bad_row_is_named_and_the_rest_is_read(tmp_path: Path, image: Writer, text: Writer) -> None:
    image("good.png")
    image("also.png")
    image("blank.png")
    text("outside.png", "x")
    rows = [
        b"good.png\tfine\ttrain\t",  # 2
        b"good.png\tagain\ttrain\t",  # 3
        b"gone.png\tmissing\ttrain\t",  # 4
        b"also.png\t \ttrain\t",  # 5
        b"also.png\tunknown\tholdout\t",  # 6
        b"blank.png\tno split\t\t",  # 7: fine
        b"also.png",  # 8
        b"also.png\ta\ttab\ttrain\t",  # 9
        b"also.png\tlatin-1: \xe9\ttrain\t",  # 10
        b"../outside.png\ttraversal\ttrain\t",  # 11
        b"/etc/hostname\tabsolute\ttrain\t",  # 12
        b"..\\..\\outside.png\ttraversal\ttrain\t",  # 13
        b"x\0.png\tzero\ttrain\t",  # 14
        b".\tthe folder\ttrain\t",  # 15
        b'also.png\t"she said ""no"""\ttrain\t',  # 16
    ]
    text("labels.tsv", HEADER.encode() + b"\n".join(rows))
    dataset = read_dataset(tmp_path)
    assert [(s.text, s.split) for s in dataset.samples] == [("fine", "train"), ("no split", "")]
    found = reasons(tmp_path)
    assert len(dataset.problems) == len(found) == 13
    expected = {
        "3": "twice",
        "4": "'gone.png' is missing",
        "5": "empty",
        "6": "unknown split 'holdout'",
        "8": "1 fields where 4",
        "9": "5 fields where 4",
        "10": "not UTF-8",
        "11": "outside",
        "12": "outside",
        "13": "outside",
        "14": "outside",
        "15": "outside",
        "16": "quoted as in CSV",
    }
    for row, reason in expected.items():
        assert reason in found[row]
    assert str(dataset.problems[0]).startswith(str(tmp_path / "labels.tsv") + ":3: ")


def test_images_may_be_links_to_elsewhere(tmp_path: Path, image: Writer, text: Writer) -> None:
    image("elsewhere/a.png")
    text("set/labels.tsv", HEADER + "lines/a.png\tlinked\ttrain\t\n")
    (tmp_path / "set/lines").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert len(read_dataset(tmp_path / "set").samples) == 1


def test_nothing_readable_is_an_error_that_says_why(tmp_path: Path, text: Writer) -> None:
    text("labels.tsv", HEADER + "".join(f"{i}.png\tx\ttrain\t\n" for i in range(5)))
    with pytest.raises(DataError, match=r"labels.tsv:2: the image '0.png' is missing.*and 2 more"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("content", ["", "\n\n", "image\tsplit\na.png\ttrain\n", "text\nx\n"])
def test_no_header(tmp_path: Path, text: Writer, content: str) -> None:
    text("labels.tsv", content)
    with pytest.raises(DataError, match=r"the header lacks .*image, text, split, writer"):
        read_dataset(tmp_path)


def test_utf_16_says_what_to_do(tmp_path: Path, text: Writer) -> None:
    text("labels.tsv", (HEADER + "a.png\tx\ttrain\t").encode("utf-16"))
    with pytest.raises(DataError, match="save it as UTF-8"):
        read_dataset(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.one_of(st.binary(max_size=30), st.just(b"a.png\tx\ttrain\t")), max_size=8))
def test_no_row_disappears(tmp_path: Path, image: Writer, text: Writer, rows: list[bytes]) -> None:
    image("a.png")
    image("first.png")
    body = b"\n".join([b"first.png\tx\ttrain\t", *rows])
    text("labels.tsv", HEADER.encode() + body)
    dataset = read_dataset(tmp_path)
    blank = sum(_is_blank(row) for row in body.split(b"\n"))
    num_rows = body.count(b"\n") + 1 - blank
    assert len(dataset.samples) + len(dataset.problems) == num_rows


def _is_blank(row: bytes) -> bool:
    try:
        return not row.removesuffix(b"\r").decode().strip()
    except UnicodeDecodeError:
        return False


def test_plain_tsv_file(tmp_path: Path, image: Writer, text: Writer) -> None:
    image("a.png")
    image("b.png")
    table = text("lines.tsv", "a.png\tone\nb.png\ttwo\nc.png\n")
    dataset = read_dataset(table)
    assert (dataset.name, dataset.layout) == ("lines", "tsv")
    assert [(s.id, s.text, s.split) for s in dataset.samples] == [("a", "one", ""), ("b", "two", "")]
    assert [p.where for p in dataset.problems] == [f"{table}:3"]
    assert read_dataset(text("list.txt", "a.png\tone\n")).layout == "tsv"


def test_tsv_files_named_like_splits(tmp_path: Path, image: Writer, text: Writer) -> None:
    for name in "abc":
        image(f"{name}.png")
    text("train.tsv", "a.png\tone\n")
    text("valid.tsv", "image\ttext\twriter\nb.png\ttwo\tW\n")
    text("test.tsv", "c.png\tthree\n")
    dataset = read_dataset(tmp_path)
    assert {s.id: (s.split, s.writer) for s in dataset.samples} == {
        "a": ("train", ""),
        "b": ("val", "W"),
        "c": ("test", ""),
    }
    assert [s.id for s in dataset.split("validation")] == ["b"]


def test_json_lines(tmp_path: Path, image: Writer, text: Writer) -> None:
    for name in ("a.png", "b.png"):
        image(name)
    rows = [
        json.dumps({"image": "a.png", "text": 'tab\tand "quote"', "split": "dev", "writer": None}),
        json.dumps({"file_name": "b.png", "text": "two", "id": "B", "page": "p", "more": [1]}),
        "{broken",
        "[1, 2]",
        json.dumps({"image": "a.png"}),
        json.dumps({"image": "a.png", "text": 3, "id": "three"}),
        '{"image": "a.png", "text": "half \\ud800", "id": "half"}',
        "[" * 100_000,
    ]
    text("set.jsonl", "\n".join(rows))
    dataset = read_dataset(tmp_path)
    assert [(s.id, s.text, s.split, s.page) for s in dataset.samples] == [
        ("a", 'tab\tand "quote"', "val", ""),
        ("B", "two", "", "p"),
    ]
    assert [p.where.rpartition(":")[2] for p in dataset.problems] == ["3", "4", "5", "6", "7", "8"]


def test_a_blank_split_says_nothing(tmp_path: Path, image: Writer, text: Writer) -> None:
    for name in "abcd":
        image(f"{name}.png")
    text("stripped/labels.tsv", "image\ttext\tsplit\na.png\tone\n")
    image("stripped/a.png")
    assert [s.split for s in read_dataset(tmp_path / "stripped").samples] == [""]
    rows = [{"image": f"{name}.png", "text": "x"} for name in "abcd"]
    rows = [
        row | more
        for row, more in zip(rows, ({"split": ""}, {"split": " "}, {}, {"split": None}), strict=True)
    ]
    for table, split in (("lines.jsonl", ""), ("val.jsonl", "val")):
        dataset = read_dataset(text(table, "\n".join(map(json.dumps, rows))))
        assert [s.split for s in dataset.samples] == [split] * 4
        assert not dataset.problems
    assert read_dataset(text("val.tsv", "image\ttext\tsplit\na.png\tone\t\n")).samples[0].split == "val"


def test_json_lines_named_like_splits(tmp_path: Path, image: Writer, text: Writer) -> None:
    image("a.png")
    text("test.jsonl", json.dumps({"image": "a.png", "text": "x"}))
    assert read_dataset(tmp_path).samples[0].split == "test"


def test_pages_and_ids() -> None:
    assert page_of("lines/0042_007_x.jpg") == "0042"
    assert page_of("images/csg562-003-01.jpg") == "csg562-003"
    assert page_of("270-01.jpg") == "270"
    assert page_of("line.png") == ""
    assert id_of("lines\\a.b.png") == "lines/a.b"

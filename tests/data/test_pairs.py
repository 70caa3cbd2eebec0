from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from amanuensis.cli.inputs import SUFFIXES
from amanuensis.data import read_dataset
from amanuensis.data.pairs import IMAGE_SUFFIXES
from amanuensis.errors import DataError

Writer = Callable[..., Path]


def test_pairs(tmp_path: Path, image: Writer, text: Writer) -> None:
    image("p1_1.png")
    text("p1_1.gt.txt", "one\r\n")
    image("p1_2.bin.png")
    text("p1_2.gt.txt", b"\xef\xbb\xbftwo")
    image("val/p2_1.jpg")
    text("val/p2_1.gt.txt", "three\n")
    image("other/ignored.png")  # not the folder of a split: another data set's business
    dataset = read_dataset(tmp_path)
    assert dataset.layout == "pairs"
    assert not dataset.problems
    assert [(s.id, s.text, s.split, s.page) for s in dataset.samples] == [
        ("p1_1", "one", "", "p1"),
        ("p1_2", "two", "", "p1"),
        ("val/p2_1", "three", "val", "p2"),
    ]
    assert isinstance(dataset.samples[1].image, Path)
    assert dataset.samples[1].image.name == "p1_2.bin.png"


def test_suffixes_in_capitals(tmp_path: Path, image: Writer, text: Writer) -> None:
    image("pairs/a.JPG")
    text("pairs/a.gt.txt", "one")
    image("pairs/b.bin.Png")
    text("pairs/b.gt.txt", "two")
    image("pairs/C.TIF")
    dataset = read_dataset(tmp_path / "pairs")
    assert [Path(str(s.image)).name for s in dataset.samples] == ["a.JPG", "b.bin.Png"]
    assert [str(p) for p in dataset.problems] == [
        f"{tmp_path}/pairs/C.TIF: there is no C.gt.txt for this image"
    ]
    image("laia/images/d.e.PNG")
    text("laia/syms.txt", "a 1\n")
    text("laia/train.txt", "d.e a\n")
    assert [Path(str(s.image)).name for s in read_dataset(tmp_path / "laia").samples] == ["d.e.PNG"]


def test_every_kind_of_image_that_is_transcribed_may_be_trained_on() -> None:
    assert set(IMAGE_SUFFIXES) == SUFFIXES


def test_what_is_not_a_pair_is_named(tmp_path: Path, image: Writer, text: Writer) -> None:
    for name in "abcdef":
        image(f"{name}.png")
    text("a.gt.txt", "fine")
    text("b.gt.txt", "one\ntwo\n")
    text("c.gt.txt", "\n")
    text("d.gt.txt", b"\xff")
    text("gone.gt.txt", "text")
    text("e.gt.txt", "wide".encode("utf-16"))
    dataset = read_dataset(tmp_path)
    assert [s.id for s in dataset.samples] == ["a"]
    problems = {Path(p.where.split(":")[0]).name: p.reason for p in dataset.problems}
    assert len(dataset.problems) == 6
    assert "2 lines of text" in problems["b.gt.txt"]
    assert "empty" in problems["c.gt.txt"]
    assert "not UTF-8" in problems["d.gt.txt"]
    assert "missing" in problems["gone.gt.txt"]
    assert "UTF-16" in problems["e.gt.txt"]
    assert "no f.gt.txt" in problems["f.png"]


def test_pylaia_tables(tmp_path: Path, image: Writer, text: Writer) -> None:
    image("images/train/im_1.png")
    image("train/im_2.jpg")
    image("test/im_3.png")
    text("syms.txt", "<ctc> 0\na 1\nb 2\nff 3\n< 4\n<space> 5\n<unk> 6\n")
    text("train.txt", "train/im_1 a <space> b\ntrain/im_2 a ff <\ntrain/gone a\n../x a\n")
    text("te.txt", "test/im_3 b\ntest/im_3 a é <unk>\n\n")
    text("train_ids.txt", "train/im_1\n")  # what decoding needs, not a table of texts
    dataset = read_dataset(tmp_path)
    assert dataset.layout == "pylaia"
    assert [(s.id, s.text, s.split) for s in dataset.samples] == [
        ("test/im_3", "b", "test"),
        ("train/im_1", "a b", "train"),
        ("train/im_2", "aff<", "train"),
    ]
    assert sorted(p.reason for p in dataset.problems) == [
        "symbols that syms.txt does not have as text: é <unk>",
        "the image '../x' lies outside the data set's folder",
        "the image 'train/gone' is missing",
    ]


def test_pylaia_without_a_sample(tmp_path: Path, text: Writer) -> None:
    text("syms.txt", "a 1\n")
    text("train.txt", "x b\n")
    with pytest.raises(DataError, match=r"symbols that syms\.txt does not have"):
        read_dataset(tmp_path)

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from amanuensis.data import LAYOUTS, fingerprint, normalize_split, read_dataset, read_datasets
from amanuensis.errors import DataError, MissingExtraError

Writer = Callable[..., Path]


@pytest.fixture
def two_sets(tmp_path: Path, image: Writer, text: Writer) -> Path:
    for name in ("x/set", "y/set"):
        image(f"{name}/a_1.png")
        image(f"{name}/b_1.png")
        text(f"{name}/labels.tsv", "image\ttext\tsplit\na_1.png\tone\ttrain\nb_1.png\ttwo\ttest\n")
    return tmp_path


def test_names_are_made_unique_and_splits_kept(two_sets: Path) -> None:
    first, second = read_datasets([two_sets / "x/set", f"{two_sets}/y/set/"], split="test")
    assert (first.name, second.name) == ("set", "set-2")
    assert [s.key for s in (*first.samples, *second.samples)] == ["set/b_1", "set-2/b_1"]


def test_a_split_may_be_empty(two_sets: Path) -> None:
    assert read_dataset(two_sets / "x/set", split="val").samples == ()


def test_name_of_the_current_folder(two_sets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(two_sets / "x/set")
    dataset = read_dataset(".")
    assert dataset.name == "set"
    assert dataset.samples[0].image == two_sets / "x/set/a_1.png"  # absolute: a run may change its folder
    assert read_dataset("labels.tsv").name == "set"
    assert read_dataset(".", name="other").samples[0].key == "other/a_1"


def test_a_folder_of_data_sets_is_named_with_what_to_do(two_sets: Path) -> None:
    with pytest.raises(DataError, match=r"holds 1 data sets \(set\): give .*x/\*/"):
        read_dataset(two_sets / "x")


def test_nothing_known_says_what_was_looked_for(tmp_path: Path, text: Writer) -> None:
    text("README.md", "# nothing")
    for path in (tmp_path, tmp_path / "README.md"):
        with pytest.raises(DataError) as raised:
            read_dataset(path)
        assert all(name in str(raised.value) for name in LAYOUTS)
        assert str(raised.value).startswith(str(path))


def test_mistakes(tmp_path: Path, two_sets: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_dataset(tmp_path / "gone")
    with pytest.raises(DataError, match=r"unknown layout 'xls': known are .*labels\.tsv"):
        read_dataset(two_sets / "x/set", layout="xls")
    with pytest.raises(DataError, match="unknown split 'all'"):
        read_dataset(two_sets / "x/set", split="all")
    with pytest.raises(DataError, match="no data set"):
        read_datasets([])
    with pytest.raises(DataError, match=r"lines\.txt: cannot be read"):
        read_dataset(two_sets / "x/set", layout="iam-lines")


def test_split_names() -> None:
    assert [normalize_split(n) for n in ("train", "Valid", "validation", " val ", "dev", "te")] == [
        "train",
        "val",
        "val",
        "val",
        "val",
        "test",
    ]


def test_fingerprint_follows_ids_texts_and_splits_only(two_sets: Path) -> None:
    dataset = read_dataset(two_sets / "x/set")
    original = fingerprint(dataset)
    assert len(original) == 32
    assert fingerprint(read_dataset(two_sets / "y/set", name="elsewhere")) == original
    first, second = dataset.samples
    for other in (
        (second, first),
        (first,),
        (replace(first, text="onE"), second),
        (replace(first, id="a"), second),
        (replace(first, split="val"), second),
        (
            replace(first, id=first.id + "o", text=first.text[1:]),
            second,
        ),  # the same letters, otherwise divided
    ):
        assert fingerprint(replace(dataset, samples=other)) != original


def test_parquet(tmp_path: Path, image: Writer) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    encoded = [image(f"{i}.png", shade=i).read_bytes() for i in range(3)]
    table = pa.table(
        {
            "image": [{"bytes": b, "path": f"{i}.png"} for i, b in enumerate(encoded)],
            "text": ["one", None, "three"],
        }
    )
    (tmp_path / "set/data").mkdir(parents=True)
    pq.write_table(table, tmp_path / "set/data/validation-00000-of-00001.parquet", row_group_size=2)
    dataset = read_dataset(tmp_path / "set")
    assert dataset.layout == "parquet"
    assert [(s.text, s.split) for s in dataset.samples] == [("one", "val"), ("three", "val")]
    assert [p.reason for p in dataset.problems] == ["the text of 'validation-00000-of-00001/0-1' is empty"]
    assert [s.image.read() for s in dataset.samples] == [encoded[0], encoded[2]]


def test_an_empty_split_in_parquet_says_nothing(tmp_path: Path, image: Writer) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    encoded = image("0.png").read_bytes()
    table = pa.table({"image": [encoded] * 3, "text": ["one", "two", "three"], "split": [None, "", "test"]})
    for name, split in (("lines", ""), ("train", "train")):
        pq.write_table(table, tmp_path / f"{name}.parquet")
        dataset = read_dataset(tmp_path / f"{name}.parquet")
        assert [s.split for s in dataset.samples] == [split, split, "test"]


def test_parquet_without_the_extra(tmp_path: Path, text: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"amanuensis\[parquet\]"):
        read_dataset(text("a.parquet", "PAR1"))


def test_broken_parquet(text: Writer) -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(DataError, match="no Parquet table"):
        read_dataset(text("a.parquet", "PAR1"))

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from amanuensis.data import Dataset, check_dataset, check_datasets, read_dataset, read_datasets, statistics
from amanuensis.language import TextNormalization
from amanuensis.records import Sample

Writer = Callable[..., Path]


def dataset(name: str, *lines: tuple[str, str]) -> Dataset:
    samples = (Sample(str(i), Path("x.png"), text, split, name) for i, (text, split) in enumerate(lines))
    return Dataset(name, "labels.tsv", tuple(samples))


def test_table_ii() -> None:
    first = dataset(
        "first", ("abc", "train"), ("a  e\u0301", "val"), ("zzzzzzz", ""), ("d", "test"), ("a", "train")
    )
    second = dataset("second", ("xy", "train"))
    rows = [asdict(row) for row in statistics([first, second])]
    assert rows == [
        # a b c d é and the space; the line of no split is counted as such and describes nothing
        {
            "name": "first", "train": 2, "val": 1, "test": 1, "other": 1,
            "vocab": 6, "raw": 3, "max_length": 5, "problems": 0,
        },
        {
            "name": "second", "train": 1, "val": 0, "test": 0, "other": 0,
            "vocab": 2, "raw": 2, "max_length": 4, "problems": 0,
        },
        {
            "name": "combined", "train": 3, "val": 1, "test": 1, "other": 1,
            "vocab": 8, "raw": 3, "max_length": 5, "problems": 0,
        },
    ]  # fmt: skip


def test_as_spelt_and_without_splits() -> None:
    (row,) = statistics(
        [dataset("one", ("e\u0301", ""), ("x", ""))],
        normalization=TextNormalization("NFD", collapse_whitespace=False),
    )
    assert (row.other, row.vocab, row.raw) == (2, 3, 2)


def test_nothing() -> None:
    assert statistics([]) == []
    (row,) = statistics([Dataset("empty", "labels.tsv", ())])
    assert (row.train, row.vocab, row.raw, row.max_length) == (0, 0, 0, 2)


@pytest.mark.skipif("AMANUENSIS_DATA" not in os.environ, reason="needs the real data sets")
def test_real_saint_gall_and_washington() -> None:
    folder = Path(os.environ["AMANUENSIS_DATA"]) / "text"
    gall, washington, combined = statistics(read_datasets([folder / "saintgall", folder / "washington"]))
    assert (gall.train, gall.val, gall.test, gall.max_length) == (468, 235, 707, 74)
    assert (washington.train, washington.val, washington.test) == (325, 168, 163)
    assert (combined.train, combined.val, combined.test) == (793, 403, 870)


def test_check(tmp_path: Path, image: Writer, text: Writer) -> None:
    for i, name in enumerate("abc"):
        image(f"set/{name}.png", shade=i)
    for source, copy in (("a", "leaked"), ("b", "relabelled"), ("b", "twice"), ("c", "both")):
        shutil.copy(tmp_path / f"set/{source}.png", tmp_path / f"set/{copy}.png")
    page = Image.new("L", (300, 600), 255)
    for row in range(20, 580, 30):
        page.paste(0, (20, row, 280, row + 10))
    page.save(tmp_path / "set/page.png")
    text("set/zero.png", "")
    text("set/broken.png", (tmp_path / "set/a.png").read_bytes()[:40])
    rows = [
        ("a", "one", "train"), ("b", "two", "train"), ("c", "three", "val"), ("leaked", "one", "test"),
        ("relabelled", "zwei", "train"), ("twice", "two", "train"), ("both", "three", "test"),
        ("page", "p", "train"), ("zero", "x", "train"), ("broken", "y", "train"), ("gone", "z", "train"),
    ]  # fmt: skip
    text("set/labels.tsv", "image\ttext\tsplit\n" + "".join(f"{n}.png\t{t}\t{s}\n" for n, t, s in rows))
    problems = check_dataset(read_dataset(tmp_path / "set"))
    assert "'gone.png' is missing" in problems[0].reason
    assert {p.where: re.split(r": | like", p.reason)[0] for p in problems[1:]} == {
        "set/leaked": "leak",
        "set/relabelled": "its image is also set/b, with another text",
        "set/twice": "its image is also set/b",
        "set/both": "its image is also set/c",
        "set/page": "looks",
        "set/zero": "the image cannot be read",
        "set/broken": "the image cannot be read",
    }


def test_lines_without_a_split_leak_where_they_are_trained_on(
    tmp_path: Path, image: Writer, text: Writer
) -> None:
    image("free/a.png")
    text("free/labels.tsv", "image\ttext\na.png\tone\n")
    image("listed/a.png")
    image("listed/b.png", shade=7)
    image("listed/c.png", shade=7)
    text("listed/labels.tsv", "image\ttext\tsplit\na.png\tone\ttest\nb.png\ttwo\t\nc.png\ttwo\ttest\n")
    assert [str(p) for p in check_datasets(read_datasets([tmp_path / "free", tmp_path / "listed"]))] == [
        "listed/a: leak: its image (test) is also free/a (no split)",
        "listed/c: its image is also listed/b",
    ]


def test_leaks_between_data_sets_and_files_that_vanish(tmp_path: Path, image: Writer, text: Writer) -> None:
    for name, split in (("x", "test"), ("y", "train")):
        image(f"{name}/a.png")
        text(f"{name}/labels.tsv", f"image\ttext\tsplit\na.png\tone\t{split}\n")
    sets = read_datasets([tmp_path / "x", tmp_path / "y"])
    (problem,) = check_datasets(sets)
    assert str(problem) == "y/a: leak: its image (train) is also x/a (test)"
    (tmp_path / "y/a.png").unlink()
    (problem,) = check_datasets(sets)
    assert (problem.where, "cannot be read" in problem.reason) == ("y/a", True)

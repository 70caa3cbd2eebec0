"""The layout of CROHME's folder, with formulas drawn here: none of its own may stand in this repository."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amanuensis.data.crohme import detect_crohme, read_crohme
from amanuensis.data.dataset import Collector, Dataset
from amanuensis.errors import DataError
from amanuensis.images import load_image
from amanuensis.ink import InkImage, InkSymbol

CROSS = [[[0, 0], [20, 30]], [[20, 0], [0, 30]]]


def formula(name: str, *tokens: str, **fields: object) -> dict[str, object]:
    return {"id": name, "tokens": list(tokens), "strokes": CROSS, "scale": 1.0} | fields


def write_split(folder: Path, name: str, *rows: object, end: bytes = b"") -> None:
    (folder / "ink").mkdir(exist_ok=True)
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    (folder / "ink" / f"{name}.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines) + end))


def write_bitmaps(folder: Path, name: str, *ids: str) -> Path:
    (folder / "images").mkdir(exist_ok=True)
    path = folder / "images" / f"{name}-published-bmp.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for number, formula_id in enumerate(ids):
            bitmap = io.BytesIO()
            Image.new("L", (40 + number, 30), 255).save(bitmap, "BMP")
            member = tarfile.TarInfo(f"off_image_test/{formula_id}_0.bmp")
            member.size = bitmap.tell()
            archive.addfile(member, io.BytesIO(bitmap.getvalue()))
    return path


def read(folder: Path) -> Dataset:
    assert detect_crohme(folder)
    collector = Collector(folder, "crohme")
    read_crohme(folder, collector)
    return collector.dataset("crohme")


def test_splits_names_and_captions(tmp_path: Path) -> None:
    write_split(tmp_path, "train", formula("a", "x", "^", "{", "2", "}", writer="w1"))
    write_split(tmp_path, "test2013", formula("b", "y"))
    write_split(tmp_path, "test2014", formula("a", "\\frac", "{", "1", "}", "{", "2", "}", writer=None))
    write_split(tmp_path, "test2019", formula("c", "z"))
    dataset = read(tmp_path)
    assert [(s.key, s.split, s.text, s.writer) for s in dataset.samples] == [
        ("crohme/a", "train", "x ^ { 2 }", "w1"),
        ("crohme/b", "val", "y", ""),
        ("crohme-2014/a", "test", "\\frac { 1 } { 2 }", ""),
        ("crohme-2019/c", "test", "z", ""),
    ]
    assert not dataset.problems
    assert all(isinstance(s.image, InkImage) for s in dataset.samples)
    assert load_image(dataset.samples[0].image).shape == (28 + 1 + 2 + 23, 18 + 1 + 2 + 23)


def test_the_published_bitmap_is_the_image_where_there_is_one(tmp_path: Path) -> None:
    rows = [formula("18_em_0", "x"), formula("lost", "y"), formula("RIT_2014_1", "z")]
    write_split(tmp_path, "test2014", *rows)
    archive = write_bitmaps(tmp_path, "test2014", "RIT_2014_1", "18_em_0", "unasked")
    dataset = read(tmp_path)
    assert [s.id for s in dataset.samples] == ["18_em_0", "RIT_2014_1"]
    assert [load_image(s.image).shape for s in dataset.samples] == [(30, 41), (30, 40)]
    [problem] = dataset.problems
    assert "'lost' has no bitmap" in str(problem)
    again = pickle.loads(pickle.dumps(dataset.samples[0]))
    archive.unlink()  # nothing is left open, and another process needs no archive
    assert load_image(again.image).shape == (30, 41)


def test_strokes_are_in_the_units_of_the_tablet(tmp_path: Path) -> None:
    row = formula("a", "x", scale=0.5, symbols=[{"label": "x", "strokes": [0, 1, 7]}])
    write_split(tmp_path, "train", row)
    image = read(tmp_path).samples[0].image
    assert isinstance(image, InkImage)
    np.testing.assert_array_equal(image.ink.strokes[0], [[0, 0], [40, 60]])
    assert image.ink.symbols == (InkSymbol("x", (0, 1)),)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"{", "no formula"),
        (b"[1]", "not an object"),
        (b"[" * 20_000, "no formula"),
        (formula("", "x"), "id and writer"),
        (formula("b", "x", writer=3), "id and writer"),
        (formula("b", "x", tokens="x"), "tokens"),
        (formula("b", "x", ""), "tokens"),
        (formula("b"), "empty"),
        (formula("b", "x", strokes=[]), "empty"),
        (formula("b", "x", strokes=None), "strokes should be a list"),
        (formula("b", "x", strokes=[[[0, None]]]), "no formula"),
        (formula("b", "x", strokes=[[[0, {}]]]), "no formula"),
        (formula("b", "x", strokes=[[["1", "a"]]]), "no formula"),
        (formula("b", "x", strokes=[[[0, 1], [2]]]), "no formula"),
        (formula("b", "x", strokes=[[[0, float("nan")]]]), "not finite"),
        (formula("b", "x", strokes=[[[0, 10**400]]]), "no formula"),
        (formula("b", "x", scale=0), "scale"),
        (formula("b", "x", symbols=[{"label": "x"}]), "symbols"),
        (formula("a", "x"), "twice"),
    ],
)
def test_a_formula_that_cannot_be_read_is_named_and_the_rest_is_read(
    tmp_path: Path, row: object, reason: str
) -> None:
    write_split(tmp_path, "train", formula("a", "x"), row, b"", formula("c", "x"))
    dataset = read(tmp_path)
    assert [s.id for s in dataset.samples] == ["a", "c"]
    [problem] = dataset.problems
    assert problem.where.endswith("train.jsonl.gz:2")
    assert reason in problem.reason


def test_files_that_were_cut_off_are_read_up_to_there(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 1000, (400, 3, 2)).tolist()
    write_split(tmp_path, "train", *(formula(f"f{i}", "x", strokes=[noise[i]]) for i in range(400)))
    write_split(tmp_path, "test2016", formula("a", "x"))
    for name in ("ink/train.jsonl.gz", str(write_bitmaps(tmp_path, "test2016", *map(str, range(50))))):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    dataset = read(tmp_path)
    assert 0 < len(dataset.samples) < 400
    assert "cannot be read from here on" in dataset.problems[0].reason
    assert any("test2016-published" in problem.where for problem in dataset.problems)


def test_what_is_no_gzip_is_a_problem_of_its_own(tmp_path: Path) -> None:
    write_split(tmp_path, "test2013", formula("a", "x"))
    (tmp_path / "ink" / "train.jsonl.gz").write_bytes(b"not compressed")
    dataset = read(tmp_path)
    assert [s.id for s in dataset.samples] == ["a"]
    assert len(dataset.problems) == 1


def test_another_folder_is_not_taken_for_crohme(tmp_path: Path) -> None:
    assert not detect_crohme(tmp_path)
    assert not detect_crohme(tmp_path / "gone")
    write_split(tmp_path, "train", b"")
    with pytest.raises(DataError, match="no sample"):
        read(tmp_path)

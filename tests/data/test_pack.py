from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amanuensis.data import Dataset, fingerprint, pack, read_dataset, read_datasets
from amanuensis.errors import DataError, ImageError
from amanuensis.images import ImageSpec, load_image, resize_to_spec
from amanuensis.records import ImageSource
from drawn_formulas import draw_formulas

Writer = Callable[..., Path]

SPEC = ImageSpec.cpu()
HEADER = json.dumps({"format": 1, "image": SPEC.to_dict()})


@pytest.fixture
def sets(tmp_path: Path, text: Writer) -> tuple[Dataset, ...]:
    """Two data sets of noisy lines; an image is broken, texts hold line separators."""
    rng = np.random.default_rng(0)
    for name in ("first", "second"):
        rows = ["image\ttext\tsplit\twriter"]
        for number, split in enumerate(("train", "train", "val")):
            path = tmp_path / name / f"{number}_0.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (31 + number, 90), dtype=np.uint8)).save(path)
            rows.append(f"{number}_0.png\tline {number}\u2028\x85 é\t{split}\tw{number}")
        text(f"{name}/labels.tsv", "\n".join(rows))
    text("second/2_0.png", "no image")
    text("second/labels.tsv", (tmp_path / "second/labels.tsv").read_bytes() + b"\ngone.png\tx\ttrain\t")
    return read_datasets([tmp_path / "first", tmp_path / "second"])


def test_a_pack_gives_back_its_data_sets(tmp_path: Path, sets: tuple[Dataset, ...]) -> None:
    counts = pack(sets, tmp_path / "new/all.zip", SPEC)
    assert counts.num_samples == 5
    assert counts.num_bytes == (tmp_path / "new/all.zip").stat().st_size
    assert [p.where.rpartition("/")[2] for p in counts.problems] == ["labels.tsv:5", "2_0"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["all.zip"]

    first, second = read_datasets([tmp_path / "new/all.zip"])
    assert (first.name, second.name) == ("first", "second")
    assert fingerprint(first) == fingerprint(sets[0])
    for packed, sample in zip(
        (*first.samples, *second.samples), (*sets[0].samples, *sets[1].samples), strict=False
    ):
        assert (packed.key, packed.text, packed.split) == (sample.key, sample.text, sample.split)
        assert (packed.page, packed.writer) == (sample.page, sample.writer)
        expected = resize_to_spec(load_image(sample.image), SPEC)
        np.testing.assert_array_equal(load_image(packed.image), expected)
        np.testing.assert_array_equal(resize_to_spec(load_image(packed.image), SPEC), expected)

    manifest = json.loads(zipfile.ZipFile(tmp_path / "new/all.zip").read("pack.json"))
    assert [d["fingerprint"] for d in manifest["datasets"]] == [fingerprint(first), fingerprint(second)]
    assert ImageSpec.from_dict(manifest["image"]) == SPEC


def test_a_pack_as_one_data_set(tmp_path: Path, sets: tuple[Dataset, ...]) -> None:
    pack(sets, tmp_path / "all.zip", SPEC, codec="jpeg")
    dataset = read_dataset(tmp_path / "all.zip", split="train")
    assert (dataset.name, dataset.layout) == ("all", "pack")
    assert [s.key for s in dataset.samples] == ["first/0_0", "first/1_0", "second/0_0", "second/1_0"]
    assert [len(d.samples) for d in read_datasets([tmp_path / "all.zip"], split="val")] == [1, 0]
    near = load_image(dataset.samples[0].image).astype(int) - resize_to_spec(
        load_image(sets[0].samples[0].image), SPEC
    )
    assert abs(near).mean() < 12


def test_members_travel_to_workers(tmp_path: Path, sets: tuple[Dataset, ...]) -> None:
    pack(sets, tmp_path / "all.zip", SPEC)
    image = read_dataset(tmp_path / "all.zip").samples[3].image
    copy = pickle.loads(pickle.dumps(image))
    assert isinstance(copy, ImageSource)
    assert isinstance(image, ImageSource)
    assert copy.read() == image.read()
    assert copy.name.endswith("all.zip[images/0000003.png]")


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, sets: tuple[Dataset, ...]) -> None:
    pack(sets, tmp_path / "a.zip", SPEC)
    pack(sets, tmp_path / "b.zip", SPEC)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_pack_that_was_replaced_or_damaged(tmp_path: Path, sets: tuple[Dataset, ...]) -> None:
    pack(sets, tmp_path / "all.zip", SPEC)
    image = read_dataset(tmp_path / "all.zip").samples[0].image
    data = bytearray((tmp_path / "all.zip").read_bytes())
    data[200] ^= 1
    (tmp_path / "all.zip").write_bytes(data)
    with pytest.raises(ImageError, match=r"all\.zip\[images/0000000\.png\]: the pack is damaged"):
        load_image(image)
    (tmp_path / "all.zip").unlink()
    with pytest.raises(ImageError, match="cannot be read"):
        load_image(image)


def test_refused_before_anything_is_written(tmp_path: Path, sets: tuple[Dataset, ...]) -> None:
    with pytest.raises(DataError, match=r"distinct names; twice: \['first'\]"):
        pack([sets[0], sets[0]], tmp_path / "all.zip", SPEC)
    with pytest.raises(DataError, match=r"is a \.zip"):
        pack(sets, tmp_path / "all.tar", SPEC)
    broken = Dataset("broken", "labels.tsv", sets[1].samples[2:])
    with pytest.raises(DataError, match="nothing could be packed: second/2_0"):
        pack([broken], tmp_path / "all.zip", SPEC)
    assert not list(tmp_path.glob("all*"))


def test_formulas_are_refused(tmp_path: Path, sets: tuple[Dataset, ...]) -> None:
    formulas = read_datasets([draw_formulas(tmp_path / "crohme", test=("x = 1",))])
    with pytest.raises(DataError, match=r"holds lines.* leave out crohme, crohme-2019"):
        pack([sets[0], *formulas], tmp_path / "all.zip", SPEC)
    typed = replace(
        sets[0], name="typed", samples=tuple(replace(s, text=r"\frac{1}{2}") for s in sets[0].samples)
    )
    with pytest.raises(DataError, match="leave out typed"):
        pack([typed], tmp_path / "all.zip", SPEC)
    with pytest.raises(DataError, match="leave out ink"):
        pack([Dataset("ink", "jsonl", formulas[0].samples)], tmp_path / "all.zip", SPEC)
    assert not list(tmp_path.glob("all*"))


def _zip(path: Path, members: dict[str, str], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("members", "compression", "message"),
    [
        ({"a.txt": "x"}, zipfile.ZIP_STORED, "no pack; if it is a data set that was zipped, unpack it"),
        ({"a.txt": "x"}, zipfile.ZIP_DEFLATED, "no pack; if it is a data set that was zipped, unpack it"),
        ({"pack.json": "[]", "samples.jsonl": ""}, zipfile.ZIP_STORED, "no pack"),
        (
            {"pack.json": '{"format": 2}', "samples.jsonl": ""},
            zipfile.ZIP_STORED,
            "of format 2; this version reads 1",
        ),
        ({"pack.json": '{"format": 1}', "samples.jsonl": ""}, zipfile.ZIP_DEFLATED, "compressed by another"),
        ({"pack.json": HEADER, "samples.jsonl": "{}\n[1]"}, zipfile.ZIP_STORED, "broken row"),
        ({"pack.json": '{"format": 1, "image": {}}', "samples.jsonl": ""}, zipfile.ZIP_STORED, "image spec"),
    ],
)
def test_what_is_no_pack(tmp_path: Path, members: dict[str, str], compression: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_dataset(_zip(tmp_path / "x.zip", members, compression))


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = _zip(tmp_path / "x.zip", {"pack.json": HEADER, "samples.jsonl": ""})
    data = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + flags] |= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"no pack .* encrypted"):
        read_dataset(path)


def test_no_zip(text: Writer) -> None:
    with pytest.raises(DataError, match="no pack"):
        read_dataset(text("x.zip", "PK"))


def test_broken_rows_are_named(tmp_path: Path) -> None:
    row = {"dataset": "d", "id": "a", "image": "i", "text": "t", "split": "", "page": "", "writer": ""}
    rows = [row, row | {"id": 3}, row | {"image": "gone"}, row | {"id": "b", "split": "x"}, row, {"id": "c"}]
    members = {
        "pack.json": HEADER,
        "i": "x",
        "samples.jsonl": "\n".join(map(json.dumps, rows)),
    }
    dataset = read_dataset(_zip(tmp_path / "x.zip", members))
    assert [s.key for s in dataset.samples] == ["d/a"]
    assert [p.where.rpartition(":")[2] for p in dataset.problems] == ["2]", "3]", "4]", "5]", "6]"]

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from amanuensis.data import read_dataset
from amanuensis.data.iam_histdb import decode_saint_gall, decode_washington
from amanuensis.errors import DataError

Writer = Callable[..., Path]


def test_saint_gall(tmp_path: Path, image: Writer, text: Writer) -> None:
    rows = [
        "csg562-003-01 r-et|a-m-o-r-e-m-pt|et provocaret|amorem|et",
        "csg562-003-02 f-i-n-i-s finis",
        "csg562-010-01 S-c-i-z s",
        "csg562-050-01 a-qq-b x",
        "csg562-050-02 t-e-s-t",
        "csg562-099-01 n-o",
    ]
    text("ground_truth/transcription.txt", "\n".join(rows) + "\n")
    for row in rows:
        image(f"data/line_images_normalized/{row.split()[0]}.png")
    text("sets/train.txt", "csg562-003\n")
    text("sets/valid.txt", "csg562-010\ncsg562-011\n")
    text("sets/test.txt", "csg562-050\n")
    dataset = read_dataset(tmp_path)
    assert dataset.layout == "saint-gall"
    assert [(s.id, s.text, s.split, s.page) for s in dataset.samples] == [
        ("csg562-003-01", "r& amorem &", "train", "csg562-003"),
        ("csg562-003-02", "finis", "train", "csg562-003"),
        ("csg562-010-01", "Sciz", "val", "csg562-010"),
        ("csg562-050-02", "test", "test", "csg562-050"),
        ("csg562-099-01", "no", "", "csg562-099"),
    ]
    assert [p.reason for p in dataset.problems] == [
        "the transcription of 'csg562-050-01' has an unknown code 'qq'",
        "'csg562-011' is listed, but has no transcription",
    ]


def test_washington(tmp_path: Path, image: Writer, text: Writer) -> None:
    rows = [
        "270-01 s_2-s_7-s_0-s_pt|L-e-t-t-e-r-s-s_cm|a-n-d",
        "270-03 u-n-l-e-s_s-s|s_bl-s_1st-s_br|s_GW|s_et|s_lb|s_qt-s_sq|s_qo|p-a-r-s_mi",
        "300-01 v-a-l",
        "305-01 t-e-s-t",
        "305-02 n-o|i-m-a-g-e",
    ]
    text("ground_truth/transcription.txt", "\n".join(rows))
    for row in rows[:-1]:
        image(f"data/line_images_normalized/{row.split()[0]}.png")
    for fold, (train, valid) in {"cv1": ("270", "300"), "cv2": ("300", "270")}.items():
        ids = [row.split()[0] for row in rows]
        text(f"sets/{fold}/train.txt", "\n".join(i for i in ids if i.startswith(train)))
        text(f"sets/{fold}/valid.txt", "\n".join(i for i in ids if i.startswith(valid)))
        text(f"sets/{fold}/test.txt", "305-01\n305-02\n")
    dataset = read_dataset(tmp_path)
    assert dataset.layout == "washington"
    assert [(s.id, s.text, s.split, s.page) for s in dataset.samples] == [
        ("270-01", "270. Letters, and", "train", "270"),
        ("270-03", "unless (1st) G.W. & £ '; : par-", "train", "270"),
        ("300-01", "val", "val", "300"),
        ("305-01", "test", "test", "305"),
    ]
    assert [p.reason for p in dataset.problems] == ["the image '305-02' is missing"]


@pytest.mark.parametrize("spelling", ["s_zz", "a-s_12th", "a--b", "", "a||b", "s_"])
def test_unknown_codes_are_not_guessed(spelling: str) -> None:
    with pytest.raises(DataError, match="unknown code"):
        decode_washington(spelling)
    with pytest.raises(DataError, match="unknown code"):
        decode_saint_gall(spelling)


@pytest.mark.skipif("AMANUENSIS_DATA" not in os.environ, reason="needs the real data sets")
@pytest.mark.parametrize(
    ("name", "decode", "num_coded"),
    [("saintgall", decode_saint_gall, 1410), ("washington", decode_washington, 493)],
)
def test_real_codes_give_the_real_labels(name: str, decode: Callable[[str], str], num_coded: int) -> None:
    folder = Path(os.environ["AMANUENSIS_DATA"]) / "text" / name
    labels = {Path(s.id).name: s.text for s in read_dataset(folder).samples}
    rows = (folder / "transcription_raw.tsv").read_text(encoding="utf-8").splitlines()[1:]
    coded = dict(row.split("\t")[:2] for row in rows)
    assert len(coded) == num_coded
    assert {id_: decode(spelling) for id_, spelling in coded.items()} == {id_: labels[id_] for id_ in coded}

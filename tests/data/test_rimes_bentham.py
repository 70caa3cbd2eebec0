from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amanuensis.data import read_dataset
from amanuensis.data.rimes import Crop
from amanuensis.errors import DataError, ImageError
from amanuensis.images import load_image

Writer = Callable[..., Path]


def rimes_line(value: str, box: tuple[object, ...] = (2, 3, 12, 9)) -> str:
    left, top, right, bottom = box
    return f'<Line Bottom="{bottom}" Left="{left}" Right="{right}" Top="{top}" Value="{value}"/>'


def rimes_page(name: str, *lines: str) -> str:
    paragraph = f'<Paragraph Bottom="9" Left="0" Right="9" Top="0" Value="all">{"".join(lines)}</Paragraph>'
    return f'<SinglePage FileName="images/{name}.png">{paragraph}</SinglePage>'


def rimes_xml(*pages: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<DocumentList>{"".join(pages)}</DocumentList>'


def page_image(path: Path) -> np.ndarray:
    pixels = np.arange(20 * 30, dtype=np.int64).reshape(20, 30) % 251
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return pixels.astype(np.uint8)


def test_rimes_lines_are_boxes_of_pages(tmp_path: Path, text: Writer) -> None:
    pixels = page_image(tmp_path / "images_gray/train2011-0.png")
    page_image(tmp_path / "images_gray/train2011-1.png")
    page_image(tmp_path / "images_gray/eval2011-0.png")
    train = [rimes_line(f"ligne {i}") for i in range(9)]
    text(
        "training_2011.xml",
        rimes_xml(
            rimes_page(
                "train2011-0", rimes_line("l&amp;apos;été &amp;amp; moi", (-4, -1, 12, 9)), *train[1:]
            ),
            rimes_page("train2011-1", rimes_line("validation")),
        ),
    )
    text("eval_2011_annotated.xml", rimes_xml(rimes_page("eval2011-0", rimes_line("test"))))
    dataset = read_dataset(tmp_path)
    assert dataset.layout == "rimes-2011"
    assert not dataset.problems
    assert [s.split for s in dataset.samples] == ["train"] * 9 + ["val", "test"]
    first, last = dataset.samples[0], dataset.samples[-1]
    assert (first.id, first.text, first.page) == ("train2011-0-0", "l'été & moi", "train2011-0")
    assert (last.id, last.text, last.page) == ("eval2011-0-0", "test", "eval2011-0")
    np.testing.assert_array_equal(load_image(first.image), pixels[0:9, 0:12])
    np.testing.assert_array_equal(load_image(dataset.samples[1].image), pixels[3:9, 2:12])
    assert "train2011-0.png[2,3,12,9]" in str(dataset.samples[1].image.name)


def test_a_box_outside_the_page(tmp_path: Path) -> None:
    page_image(tmp_path / "page.png")
    with pytest.raises(ImageError, match=r"page\.png\[30,0,40,9\]: the box lies outside"):
        load_image(Crop(tmp_path / "page.png", (30, 0, 40, 9)))
    with pytest.raises(ImageError, match="gone"):
        load_image(Crop(tmp_path / "gone.png", (0, 0, 4, 4)))


def test_rimes_problems(tmp_path: Path, text: Writer) -> None:
    page_image(tmp_path / "images/train2011-0.png")
    lines = [
        rimes_line("fine"),
        rimes_line("no box", ("", 3, 12, 9)),
        rimes_line("empty box", (5, 3, 5, 9)),
        rimes_line(""),
    ]
    pages = rimes_page("train2011-0", *lines), rimes_page("train2011-1", rimes_line("no image"))
    text("training_2011.xml", rimes_xml(*pages))
    dataset = read_dataset(tmp_path)
    assert [s.text for s in dataset.samples] == ["fine"]
    assert [p.where.rpartition(":")[2] for p in dataset.problems[:4]] == [
        "train2011-0-1",
        "train2011-0-2",
        "train2011-0-3",
        "train2011-1-0",
    ]
    assert dataset.problems[4].where.endswith("eval_2011_annotated.xml")
    text("training_2011.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><DocumentList/>")
    with pytest.raises(DataError, match="entities"):
        read_dataset(tmp_path)


def test_bentham(tmp_path: Path, image: Writer, text: Writer) -> None:
    ids = [
        "002_080_001_01_01",
        "002_080_001_01_02",
        "071_013_001_02_01",
        "116_649_001_03_24",
        "999_001_001_01_01",
    ]
    for id_ in ids:
        image(f"Images/Lines/{id_}.png")
    contents = ["The <gap/> evidence", "of the\nengagement &amp; c", "valid", "test \xa3", "unlisted"]
    for id_, content in zip(ids, contents, strict=True):
        text(f"Transcriptions/{id_}.txt", content)
    image("Images/Lines/003.png")
    text("Transcriptions/004.txt", "no image")
    text("Partitions/TrainLines.lst", f"{ids[0]}\n{ids[1]}\n003\n../../x\n")
    text("Partitions/ValidationLines.lst", f"{ids[2]}\n004\n")
    text("Partitions/TestLines.lst", f"{ids[3]}\n{ids[3]}\n")
    dataset = read_dataset(tmp_path)
    assert dataset.layout == "bentham-r0"
    assert [(s.text, s.split, s.page) for s in dataset.samples] == [
        ("The evidence", "train", "002_080_001"),
        ("of the engagement & c", "train", "002_080_001"),
        ("valid", "val", "071_013_001"),
        ("test £", "test", "116_649_001"),
        ("unlisted", "", "999_001_001"),
    ]
    assert [p.reason for p in dataset.problems] == [
        "the transcription '003.txt' is missing",
        "the transcription '../../x.txt' lies outside the data set's folder",
        "the image '004' is missing",
        f"the id '{ids[3]}' is there twice: the first one is kept",
    ]


def test_bentham_without_the_test_list(tmp_path: Path, image: Writer, text: Writer) -> None:
    image("Images/Lines/a.png")
    text("Transcriptions/a.txt", "x")
    text("Partitions/TrainLines.lst", "a\n")
    problems = read_dataset(tmp_path).problems
    assert [Path(p.where).name for p in problems] == ["ValidationLines.lst", "TestLines.lst"]

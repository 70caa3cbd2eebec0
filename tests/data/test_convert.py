"""Formulas converted there and back are the same formulas."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from amanuensis.data import read_dataset, read_datasets
from amanuensis.data.convert import convert
from amanuensis.errors import DataError
from amanuensis.images import load_image
from amanuensis.ink import InkImage, read_strokes_json
from amanuensis.records import Sample
from drawn_formulas import CAPTIONS, draw_formulas


@pytest.fixture
def formulas(tmp_path: Path) -> tuple[Sample, ...]:
    folder = draw_formulas(tmp_path / "crohme", test=("x = 1",))
    return tuple(sample for dataset in read_datasets([folder]) for sample in dataset.samples)


def test_inkml_reads_back_with_captions_splits_and_strokes(
    formulas: tuple[Sample, ...], tmp_path: Path
) -> None:
    assert convert(formulas, tmp_path / "out", "inkml") == (len(formulas), [])
    back = {sample.id.rpartition("/")[2]: sample for sample in read_dataset(tmp_path / "out").samples}
    assert len(back) == len(CAPTIONS) + 3
    for sample in formulas:
        other = back[sample.id]
        assert (other.text, other.split) == (sample.text, sample.split)
        assert isinstance(sample.image, InkImage)
        assert isinstance(other.image, InkImage)
        for one, two in zip(sample.image.ink.strokes, other.image.ink.strokes, strict=True):
            assert np.array_equal(one, two)


def test_json_and_pictures_read_back(formulas: tuple[Sample, ...], tmp_path: Path) -> None:
    convert(formulas, tmp_path / "json", "json")
    first = formulas[0]
    assert isinstance(first.image, InkImage)
    ink = read_strokes_json(tmp_path / "json" / "train" / f"{first.id}.json")
    assert np.array_equal(ink.points, first.image.ink.points)
    convert(formulas, tmp_path / "drawn", "pictures")
    drawn = read_dataset(tmp_path / "drawn")
    assert [s.text for s in drawn.samples] == [s.text for s in formulas]
    assert np.array_equal(load_image(drawn.samples[0].image), load_image(first.image))


def test_what_cannot_be_converted_is_named(formulas: tuple[Sample, ...], tmp_path: Path) -> None:
    convert(formulas[:2], tmp_path / "drawn", "pictures")
    pictures = read_dataset(tmp_path / "drawn").samples
    written, problems = convert(pictures, tmp_path / "out", "inkml")
    assert written == 0
    assert all("strokes cannot be made" in problem.reason for problem in problems)
    written, problems = convert([formulas[0], formulas[0]], tmp_path / "twice", "json")
    assert (written, len(problems)) == (1, 1)
    with pytest.raises(DataError, match="lies there already"):
        convert(formulas, tmp_path / "twice", "json")
    with pytest.raises(DataError, match="no form"):
        convert(formulas, tmp_path / "new", "docx")


def test_any_id_any_text_and_no_split_read_back(formulas: tuple[Sample, ...], tmp_path: Path) -> None:
    names = ("f", "f.v2", "form[1]", "a/b*", "two\tparts\n")
    samples = [replace(formulas[0], id=name, split="", writer="w\t1", text="x\n+\ty") for name in names]
    assert convert(samples, tmp_path / "out", "pictures") == (len(names), [])
    back = read_dataset(tmp_path / "out")
    assert not back.problems
    assert [s.id for s in back.samples] == [
        f"formulas/{name}" for name in ("f", "f.v2", "form[1]", "a-b*", "two parts")
    ]
    assert {(s.text, s.split, s.writer) for s in back.samples} == {("x + y", "", "w 1")}

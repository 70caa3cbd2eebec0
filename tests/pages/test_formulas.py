from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import page_files
import pytest
from read_pages import BY

from amanuensis.errors import AmanuensisError, ImageError
from amanuensis.pages import read, read_page, write
from amanuensis.pages.formulas import NEEDS_MODEL, with_formula_lines
from amanuensis.recognition import FormulaRecognizer
from amanuensis.records import Page, Reading, Region
from tiny_formula_model import says, write_tiny_formula_model

FORMULA = "structure {type:formula;}"


class Lines:
    """Reads every line as its height."""

    def read_each(self, sources: Iterable[Any], *, load: Any = None) -> Iterator[Reading | AmanuensisError]:
        for source in sources:
            yield Reading(f"text {load(source).shape[0]}", 0.5)


@pytest.fixture(scope="module")
def formulas(tmp_path_factory: pytest.TempPathFactory) -> FormulaRecognizer:
    folder = tmp_path_factory.mktemp("models") / "math"
    return FormulaRecognizer.load(write_tiny_formula_model(folder, says("x", "^", "{", "y", "}")))


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    """A line of text, a line that is a formula, and a region of mathematics without lines."""
    page_files.write_image(tmp_path / "scan.png")
    lines = page_files.page_line("a") + page_files.page_line("b", top=40, custom=FORMULA)
    maths = page_files.region("m", "", "MathsRegion")
    return page_files.write(tmp_path, page_files.page_xml(page_files.region("r", lines) + maths))


def test_what_is_marked_goes_to_the_formula_model_and_the_rest_does_not(
    page_file: Path, formulas: FormulaRecognizer
) -> None:
    [source] = read(page_file)
    page = read_page(source, Lines(), formulas=formulas)
    assert [(line.id, line.text) for line in page.lines] == [
        ("a", "text 21"),
        ("b", "x^{y}"),
        ("m_formula", "x^{y}"),
    ]
    assert [line.is_formula for line in page.lines] == [False, True, True]
    assert all(not line.problem for line in page.lines)


def test_without_a_model_formulas_say_what_they_need_and_text_is_read(page_file: Path) -> None:
    [source] = read(page_file)
    page = read_page(source, Lines())
    assert [line.problem for line in page.lines] == ["", NEEDS_MODEL, NEEDS_MODEL]
    assert [line.text for line in page.lines] == ["text 21", "", ""]


def test_a_formula_that_cannot_be_read_leaves_the_others_in_their_places(page_file: Path) -> None:
    class Second(Lines):
        def read_each(
            self, sources: Iterable[Any], *, load: Any = None
        ) -> Iterator[Reading | AmanuensisError]:
            for number, source in enumerate(sources):
                assert isinstance(source, np.ndarray)
                yield ImageError("blank") if number == 0 else Reading("y", 0.5)

    [source] = read(page_file)
    page = read_page(source, Lines(), formulas=Second())
    assert [(line.text, line.problem) for line in page.lines] == [("text 21", ""), ("", "blank"), ("y", "")]


def test_a_new_line_gets_a_name_that_nobody_has() -> None:
    corners = ((0, 0), (9, 0), (9, 9))
    page = Page(
        "p",
        "p.png",
        10,
        10,
        tuple(Region(name, corners, is_formula=True) for name in ("m", "m")),
    )
    assert [line.id for line in with_formula_lines(page).lines] == ["m_formula", "m_formula_"]


def test_a_formula_that_nobody_read_costs_nothing_else_of_its_file(
    tmp_path: Path, formulas: FormulaRecognizer
) -> None:
    page_files.write_image(tmp_path / "scan.png")
    body = "".join(
        page_files.region(name, inside, tag)
        for name, inside, tag in [
            ("r", page_files.page_line("a"), "TextRegion"),
            ("m", "", "MathsRegion"),
            ("i", "", "ImageRegion"),
        ]
    )
    [source] = read(page_files.write(tmp_path, page_files.page_xml(body)))
    unread, with_formula = read_page(source, Lines()), read_page(source, Lines(), formulas=formulas)
    assert [line.id for line in unread.lines] == ["a", "m_formula"]
    updated, new = (write(page, source, ["page"], BY)[".xml"].decode() for page in (unread, with_formula))
    assert all(text in updated for text in ("text 21", "MathsRegion", "ImageRegion"))
    assert "x^{y}" in new
    assert "ImageRegion" not in new
    assert source.in_place(unread) is not None
    assert source.in_place(with_formula) is None

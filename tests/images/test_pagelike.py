from pathlib import Path

import numpy as np
import pytest
from drawn import written_line, written_page
from hypothesis import given
from hypothesis.extra import numpy as arrays
from PIL import Image

from amanuensis.images import load_image, looks_like_page

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "lines").rglob("*.jpg"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_real_lines_are_lines(path: Path) -> None:
    grey = load_image(path)
    assert looks_like_page(grey) is None
    four_times = Image.fromarray(grey).resize((4 * grey.shape[1], 4 * grey.shape[0]))
    assert looks_like_page(np.asarray(four_times)) is None


def test_lines_and_words_of_any_length_are_lines() -> None:
    for width in (20, 64, 200, 1000, 4000):
        assert looks_like_page(written_line(64, width)) is None
    assert looks_like_page(written_line(600, 5000)) is None


def test_a_few_rows_may_be_neighbours_in_the_crop() -> None:
    for rows in (2, 3):
        assert looks_like_page(written_page(rows, 30, 500)) is None


@pytest.mark.parametrize("rows", [10, 22, 35])
@pytest.mark.parametrize("row_height", [15, 40])
def test_pages_are_refused_with_what_to_do(rows: int, row_height: int) -> None:
    page = written_page(rows, row_height, 12 * row_height)
    reason = looks_like_page(page)
    assert reason is not None
    assert f"{page.shape[1]} x {page.shape[0]} pixels" in reason
    assert "cut it into lines" in reason


def test_rows_are_counted() -> None:
    reason = looks_like_page(written_page(20, 30, 600))
    assert reason is not None
    counted = int(reason.split("about ")[1].split()[0])
    assert 16 <= counted <= 24


@pytest.mark.parametrize("degrees", [-3, 3])
def test_tilted_pages(degrees: float) -> None:
    page = Image.fromarray(written_page(20, 30, 500)).rotate(degrees, fillcolor=225)
    assert "rows" in (looks_like_page(np.asarray(page)) or "")


@pytest.mark.parametrize("paleness", [1, 2, 4])
def test_a_black_border_hides_no_page(paleness: int) -> None:
    page = 240 - 240 // paleness + written_page(20, 30, 500) // paleness
    assert "rows" in (looks_like_page(np.pad(page, 40)) or "")


def test_a_shadow_is_no_row_and_hides_none() -> None:
    shadow = np.linspace(0.4, 1, 600)[:, None]
    page = (written_page(20, 30, 500) * shadow).astype(np.uint8)
    assert "rows" in (looks_like_page(page) or "")
    assert looks_like_page((230 * shadow).astype(np.uint8).repeat(400, axis=1)) is None


def test_large_sheets_are_pages_whatever_they_show() -> None:
    assert "1200 x 1600 pixels" in (looks_like_page(np.full((1600, 1200), 255, np.uint8)) or "")
    assert looks_like_page(written_page(3, 400, 1000)) is not None


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=60)))
def test_any_shape_gets_an_answer(grey: np.ndarray) -> None:
    assert looks_like_page(grey) is None or min(grey.shape) > 1


def test_extreme_shapes() -> None:
    assert looks_like_page(np.zeros((999, 1), np.uint8)) is None
    assert looks_like_page(np.zeros((1, 50_000), np.uint8)) is None

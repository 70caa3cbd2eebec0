from __future__ import annotations

import math

import numpy as np
import pytest

from amanuensis.errors import ImageError
from amanuensis.pages.crops import LineCutter, line_height, with_outlines
from amanuensis.records import Page, Points, Region, TextLine

PAPER = 200


def page_of(*lines: TextLine, polygon: Points = ()) -> Page:
    return Page("p", "p.png", 300, 200, (Region("r", polygon, lines),))


def picture() -> np.ndarray:
    """Paper of one grey, with a pixel of its own grey at every place that tests look at."""
    return np.full((200, 300), PAPER, np.uint8)


def places(crop, value: int) -> list[tuple[int, int]]:
    """Where pixels of a grey in a crop were on the page, rounded: x, y."""
    rows, columns = np.nonzero(crop.grey == value)
    found = crop.to_page @ np.stack([columns, rows, np.ones_like(rows)])
    return [(round(x), round(y)) for x, y in found.T.tolist()]


def test_a_polygon_is_cut_and_what_lies_outside_is_paper() -> None:
    grey = picture()
    grey[50, 100], grey[30, 60], grey[69, 199] = 1, 2, 3
    polygon = ((50, 70), (50, 40), (200, 30), (200, 70))
    crop = LineCutter(grey, page_of()).cut(TextLine("l", polygon))
    assert (crop.grey.shape, crop.outline) == ((41, 151), "polygon")
    assert places(crop, 1) == [(100, 50)]
    assert places(crop, 2) == []  # above the slanting upper edge
    assert places(crop, 3) == [(199, 69)]
    assert crop.grey[~crop.inside].max() == crop.grey[~crop.inside].min() == PAPER


def test_a_slope_is_turned_level_and_the_way_back_is_known() -> None:
    grey = picture()
    slope = math.radians(20)
    start = np.array([40.0, 40.0])
    along = np.array([math.cos(slope), math.sin(slope)])
    down = np.array([-along[1], along[0]])
    corners = [start, start + 200 * along, start + 200 * along + 30 * down, start + 30 * down]
    dots = [start + t * along + 20 * down for t in (10, 100, 190)]
    for x, y in dots:
        grey[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2] = 0
    polygon = tuple((round(x), round(y)) for x, y in corners)
    baseline = tuple((round(x), round(y)) for x, y in [start + 25 * down, start + 200 * along + 25 * down])
    crop = LineCutter(grey, page_of()).cut(TextLine("l", polygon, baseline))
    height, width = crop.grey.shape
    assert abs(height - 31) <= 2
    assert abs(width - 201) <= 2
    rows, columns = np.nonzero(crop.grey < 60)
    assert rows.max() - rows.min() <= 4  # the dots are level
    for x, y in dots:
        found = crop.to_page @ np.stack([columns, rows, np.ones_like(rows)])
        assert np.hypot(found[0] - x, found[1] - y).min() < 1


def test_an_upright_line_is_turned() -> None:
    polygon, baseline = ((50, 20), (80, 20), (80, 180), (50, 180)), ((72, 180), (72, 20))
    crop = LineCutter(picture(), page_of()).cut(TextLine("l", polygon, baseline))
    assert crop.grey.shape == (31, 161)
    assert np.allclose(crop.to_page @ (0, 0, 1), (50, 180))


@pytest.mark.parametrize("end", [71, 72, 73])
@pytest.mark.parametrize(("first", "last", "corner"), [(20, 180, (80, 20)), (180, 20, (50, 180))])
def test_an_upright_line_is_cut_the_way_it_runs_however_it_leans(
    end: int, first: int, last: int, corner: tuple[int, int]
) -> None:
    polygon = ((50, 20), (80, 20), (80, 180), (50, 180))
    crop = LineCutter(picture(), page_of()).cut(TextLine("l", polygon, ((72, first), (end, last))))
    assert np.allclose(crop.to_page @ (0, 0, 1), corner, atol=2)


def test_a_line_that_runs_leftwards_is_not_turned_over() -> None:
    polygon = ((50, 20), (200, 20), (200, 50), (50, 50))
    crop = LineCutter(picture(), page_of()).cut(TextLine("l", polygon, ((200, 45), (50, 45))))
    assert np.allclose(crop.to_page @ (0, 0, 1), (50, 20))


def test_a_slight_slope_is_left_so_that_pixels_stay() -> None:
    grey = np.arange(200 * 300).reshape(200, 300).astype(np.uint8)
    polygon = ((50, 40), (249, 40), (249, 69), (50, 69))
    crop = LineCutter(grey, page_of()).cut(TextLine("l", polygon, ((50, 60), (249, 62))))
    assert np.array_equal(crop.grey, grey[40:70, 50:250])


SLIVER = ((50, 60), (200, 60), (200, 61), (50, 61))


@pytest.mark.parametrize("polygon", [(), ((50, 60),), ((50, 60), (200, 60)), SLIVER])
def test_without_an_outline_the_band_about_the_baseline_is_cut(polygon: Points) -> None:
    other = TextLine("o", ((10, 100), (290, 100), (290, 140), (10, 140)))
    crop = LineCutter(picture(), page_of(other)).cut(TextLine("l", polygon, ((50, 60), (120, 63), (200, 60))))
    assert crop.outline == "baseline"
    top, bottom = (crop.to_page @ (0, y, 1) for y in (0, crop.grey.shape[0] - 1))
    assert top[1] == 60 - 30  # three quarters of the other line's 40 pixels are above
    assert bottom[1] == 63 + 12
    assert (top[0], crop.grey.shape[1]) == (50, 151)


@pytest.mark.parametrize(
    "polygon", [((50, 60), (200, 60)), ((50, 60),), ((500, 500), (600, 500), (600, 600))]
)
def test_without_either_a_box_is_cut(polygon: Points) -> None:
    crop = LineCutter(picture(), page_of()).cut(TextLine("l", polygon))
    assert crop.outline == "box"
    assert min(crop.grey.shape) >= 4


def test_a_line_alone_in_its_region_stands_for_it() -> None:
    line = TextLine("l")
    page = page_of(line, polygon=((10, 10), (100, 10), (100, 50), (10, 50)))
    [(_, crop)] = LineCutter(picture(), page).cut_all()
    assert crop.grey.shape == (41, 91)


def test_outlines_are_filled_in_as_lines_are_cut_and_those_of_a_file_are_kept() -> None:
    beyond = TextLine("o", ((10, 100), (400, 100), (400, 140), (10, 140)))
    page = page_of(TextLine("l", (), ((50, 60), (200, 60))), TextLine("none"), beyond)
    filled, none, kept = with_outlines(page).lines
    assert filled.polygon == ((50, 30), (200, 30), (200, 72), (50, 72))
    assert (none, kept) == (TextLine("none"), beyond)
    [crop, again] = (LineCutter(picture(), page).cut(line) for line in (page.lines[0], filled))
    assert np.array_equal(crop.inside, again.inside)
    assert np.array_equal(crop.to_page, again.to_page)


def test_lines_in_are_lines_out() -> None:
    lines = [
        TextLine("a", ((10, 10), (90, 10), (90, 40))),
        TextLine("b"),
        TextLine("c", (), ((10, 90), (90, 90))),
    ]
    results = list(LineCutter(picture(), page_of(*lines)).cut_all())
    assert [line.id for line, _ in results] == ["a", "b", "c"]
    assert isinstance(results[1][1], ImageError)
    assert "line b has neither outline nor baseline" in str(results[1][1])


def test_the_height_of_lines() -> None:
    slanted = TextLine("l", ((0, 0), (200, 100), (200, 130), (0, 30)))
    assert line_height(page_of(slanted)) == 30
    baselines = [TextLine(str(y), (), ((10, y), (90, y))) for y in (100, 20, 60)]
    assert line_height(page_of(*baselines)) == 40
    assert line_height(page_of()) == 5

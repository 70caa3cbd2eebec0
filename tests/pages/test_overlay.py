from __future__ import annotations

import io

import numpy as np
from PIL import Image

from amanuensis.pages import draw_overlay, overlay_png
from amanuensis.records import Page, Region, TextLine

SQUARE = ((20, 20), (180, 20), (180, 60), (20, 60))


def page_of(*lines: TextLine) -> Page:
    return Page("p", "p.png", 200, 100, (Region("r", SQUARE, lines),))


def test_outlines_and_baselines_are_drawn_in_color_on_the_pale_page() -> None:
    grey = np.full((100, 200), 255, np.uint8)
    grey[80:90, 100:110] = 0
    page = page_of(TextLine("a", SQUARE, ((20, 50), (180, 50))), TextLine("b"))
    drawn = np.asarray(Image.open(io.BytesIO(overlay_png(page, grey))))
    assert drawn.shape == (100, 200, 3)
    assert np.ptp(drawn[20, 100]) > 100  # the outline
    assert np.ptp(drawn[50, 100]) > 100  # the baseline
    assert drawn[85, 105].tolist() == [165] * 3  # the page itself, pale
    assert np.ptp(drawn[40, 100]) == 0


def test_large_pages_are_drawn_smaller_and_coordinates_fit() -> None:
    grey = np.full((1000, 4000), 255, np.uint8)
    polygon = ((400, 400), (3600, 400), (3600, 600), (400, 600))
    drawn = np.asarray(
        draw_overlay(Page("p", "p", 4000, 1000, (Region("r", (), (TextLine("a", polygon),)),)), grey)
    )
    assert drawn.shape == (400, 1600, 3)
    colored = np.ptp(drawn.astype(int), axis=2) > 100
    assert colored[158:164, 800].any()
    assert not colored[100:150].any()


def test_a_region_of_one_point_has_no_outline_to_draw() -> None:
    grey = np.full((100, 200), 255, np.uint8)
    for points in ((), SQUARE[:1], SQUARE[:2]):
        assert draw_overlay(Page("p", "p.png", 200, 100, (Region("r", points),)), grey).size == (200, 100)

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_pages import PAPER, DrawnPage, overlap
from PIL import Image, ImageDraw

from amanuensis.errors import DataError, MissingExtraError
from amanuensis.pages import FoundLines, line_finder, segment
from amanuensis.pages import segment as segment_module
from amanuensis.records import Page, Region

FINDER = line_finder("classical")


def page_of(grey: np.ndarray) -> Page:
    return Page("p", "p.png", grey.shape[1], grey.shape[0])


def found_of(drawn: DrawnPage, found: FoundLines) -> list[int]:
    """For each line that was written how many found ones fit it."""
    return [sum(overlap(line.polygon, written.box) >= 0.5 for line in found.lines) for written in drawn.lines]


def test_every_line_is_found_once_with_its_baseline() -> None:
    drawn = DrawnPage()
    drawn.column(120, 760, range(150, 1300, 62))
    found = FINDER.find(drawn.grey)
    assert found_of(drawn, found) == [1] * len(drawn.lines)
    assert len(found.lines) == len(drawn.lines)
    for line, written in zip(
        sorted(found.lines, key=lambda one: one.baseline[0][1]), drawn.lines, strict=True
    ):
        assert max(abs(y - written.baseline) for _, y in line.baseline) <= 6
        assert abs(line.baseline[0][0] - written.box[0]) <= 12
        assert abs(line.baseline[-1][0] - written.box[2]) <= 12


@pytest.mark.parametrize("degrees", [-4.0, -1.5, 2.5])
def test_a_tilted_page_has_the_same_lines(degrees: float) -> None:
    drawn = DrawnPage()
    drawn.column(200, 600, range(250, 1200, 62))
    turned = drawn.image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=PAPER)
    found = FINDER.find(np.array(turned))
    assert len(found.lines) == len(drawn.lines)
    slopes = [
        (line.baseline[-1][1] - line.baseline[0][1]) / (line.baseline[-1][0] - line.baseline[0][0])
        for line in found.lines
    ]
    assert np.median(slopes) == pytest.approx(-np.tan(np.radians(degrees)), abs=0.01)


def test_two_columns_are_not_run_together() -> None:
    drawn = DrawnPage()
    drawn.column(60, 400, range(150, 1200, 62))
    drawn.column(540, 400, range(150, 1200, 62), first=5)
    found = FINDER.find(drawn.grey)
    assert found_of(drawn, found) == [1] * len(drawn.lines)


def test_words_far_apart_are_one_line_where_its_neighbors_run_past() -> None:
    drawn = DrawnPage()
    drawn.column(120, 760, range(150, 500, 62))
    drawn.write("over", 120, 522)
    drawn.write("the river until night", 320, 522)
    drawn.column(120, 760, range(584, 1000, 62))
    found = FINDER.find(drawn.grey)
    in_row = [line for line in found.lines if any(505 <= y <= 535 for _, y in line.baseline)]
    assert len(in_row) == 1


def test_a_note_beside_a_brace_is_a_line_of_its_own() -> None:
    drawn = DrawnPage()
    drawn.column(250, 640, range(150, 1300, 62))
    drawn.write("paid", 130, 150 + 62 * 5)
    # It stands so close that it seems a word of the line.
    assert len(FINDER.find(drawn.grey).lines) == len(drawn.lines) - 1
    ImageDraw.Draw(drawn.image).line([(246, 120), (203, 480), (246, 1000)], fill=60, width=3)
    found = FINDER.find(drawn.grey)
    assert found_of(drawn, found) == [1] * len(drawn.lines)


def test_light_writing_on_dark_and_pages_of_any_size_are_found_alike() -> None:
    drawn = DrawnPage()
    drawn.column(120, 760, range(150, 1300, 62))
    negative = 255 - drawn.grey
    large = np.array(drawn.image.resize((3000, 4200), Image.Resampling.BICUBIC))
    for grey in (negative, large):
        assert len(FINDER.find(grey).lines) == len(drawn.lines)


def test_ruled_paper_has_no_lines_of_its_own() -> None:
    drawn = DrawnPage()
    drawn.column(120, 760, range(150, 700, 62))
    ruled = drawn.grey
    for row in range(160, 1380, 62):
        ruled[row : row + 2] = np.minimum(ruled[row : row + 2], 170)
    assert len(FINDER.find(ruled).lines) == len(drawn.lines)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3), (40, 40)])
@pytest.mark.parametrize("paper", [255, 0, 128])
def test_a_page_without_writing_has_no_lines_and_says_so(shape: tuple[int, int], paper: int) -> None:
    grey = np.full(shape, paper, np.uint8)
    page = segment(page_of(grey), grey, FINDER)
    assert page.regions == ()
    assert page.remarks == ("no line was found",)


def test_noise_does_not_break_the_finder_and_stays_inside_the_page() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (300, 420), dtype=np.uint8)
    for line in FINDER.find(grey).lines:
        for x, y in (*line.polygon, *line.baseline):
            assert 0 <= x < 420
            assert 0 <= y < 300


def test_lines_come_in_regions_in_reading_order_with_ids_of_their_own() -> None:
    drawn = DrawnPage()
    drawn.column(60, 400, range(150, 1200, 62))
    drawn.column(540, 400, range(150, 1200, 62), first=5)
    page = segment(replace(page_of(drawn.grey), remarks=("kept",)), drawn.grey, FINDER)
    assert len(page.regions) == 2
    assert (
        len({line.id for line in page.lines} | {region.id for region in page.regions}) == len(page.lines) + 2
    )
    starts = [line.baseline[0] for line in page.lines]
    half = len(starts) // 2
    assert all(x < 500 for x, _ in starts[:half])
    assert all(x > 500 for x, _ in starts[half:])
    assert [y for _, y in starts[:half]] == sorted(y for _, y in starts[:half])
    assert page.remarks[0] == "kept"
    for region in page.regions:
        left, top = region.polygon[0]
        right, bottom = region.polygon[2]
        assert all(
            left <= x <= right and top <= y <= bottom for line in region.lines for x, y in line.polygon
        )


def test_what_is_left_out_is_counted() -> None:
    drawn = DrawnPage()
    drawn.column(200, 600, range(250, 1200, 62))
    upright = Image.new("L", (400, 40), PAPER)
    side = DrawnPage(400, 40)
    side.write("registered at Paris in 1917", 5, 30, size=26)
    upright.paste(side.image)
    drawn.image.paste(upright.rotate(90, expand=True), (40, 400))
    found = FINDER.find(drawn.grey)
    fitting = found_of(drawn, found)
    assert fitting == [1] * len(drawn.lines)


def test_finders_go_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="auto, classical, detector, kraken"):
        line_finder("doctr")
    assert FINDER.name == "classical"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("amanuensis.pages.segment_detector.find_spec", lambda name: None)
    assert line_finder("auto").name == "classical"
    with pytest.raises(MissingExtraError, match=r"pip install 'amanuensis\[pages\]'"):
        line_finder("detector")
    assert callable(segment_module)


def region(name: str, left: int, top: int, right: int, bottom: int, **told: object) -> Region:
    return Region(name, ((left, top), (right, top), (right, bottom), (left, bottom)), **told)  # type: ignore[arg-type]


def test_regions_that_the_page_has_keep_their_order_and_take_the_lines_in_them() -> None:
    drawn = DrawnPage()
    drawn.column(120, 760, range(150, 1300, 62))
    halves = (region("below", 0, 680, 1000, 1400), region("above", 60, 90, 950, 480, kind="heading"))
    page = segment(replace(page_of(drawn.grey), regions=halves), drawn.grey, FINDER)
    assert [(one.id, one.kind, one.polygon) for one in page.regions[:2]] == [
        (one.id, one.kind, one.polygon) for one in halves
    ]
    rows = {one.id: [line.baseline[0][1] for line in one.lines] for one in page.regions}
    written = [line.baseline for line in drawn.lines]
    for name, first, last in (("below", 680, 1400), ("above", 90, 480), ("region_1", 480, 680)):
        inside = [y for y in written if first < y < last]
        assert rows.pop(name) == pytest.approx(inside, abs=6)
    assert not rows
    assert len({line.id for line in page.lines}) == len(drawn.lines)
    between = sum(480 < y < 680 for y in written)
    assert page.remarks == (f"{between} lines stand outside of the regions that the file gives",)


def test_of_regions_in_one_another_the_smaller_has_the_line_and_names_do_not_clash() -> None:
    drawn = DrawnPage()
    drawn.column(120, 760, range(150, 1000, 62))
    drawn.write("far below", 120, 1300)
    regions = (region("region_1", 50, 50, 950, 1050), region("inner", 60, 180, 940, 305))
    page = segment(replace(page_of(drawn.grey), regions=regions), drawn.grey, FINDER)
    assert [one.id for one in page.regions] == ["region_1", "inner", "region_2"]
    assert [len(one.lines) for one in page.regions] == [len(drawn.lines) - 3, 2, 1]


def test_a_region_of_a_formula_stays_one_picture() -> None:
    drawn = DrawnPage()
    drawn.column(120, 760, range(150, 600, 62))
    num_text = len(drawn.lines)
    drawn.column(120, 760, range(800, 1000, 62))
    assert len(FINDER.find(drawn.grey).lines) == len(drawn.lines)
    regions = (region("text", 50, 50, 950, 700), region("sum", 50, 740, 950, 1050, is_formula=True))
    page = segment(replace(page_of(drawn.grey), regions=regions), drawn.grey, FINDER)
    assert [len(one.lines) for one in page.regions] == [num_text, 0]


def test_one_region_without_an_outline_is_the_page() -> None:
    drawn = DrawnPage()
    drawn.column(120, 760, range(150, 400, 62))
    page = segment(replace(page_of(drawn.grey), regions=(Region("all"),)), drawn.grey, FINDER)
    assert [(one.id, len(one.lines)) for one in page.regions] == [("all", len(drawn.lines))]

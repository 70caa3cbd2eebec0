"""Cores, joining and outlines against brute force and drawn toys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from amanuensis.pages.segment_barriers import Barriers
from amanuensis.pages.segment_cores import Core, cores_of, joined, widened
from amanuensis.pages.segment_found import FoundLine
from amanuensis.pages.segment_joining import join_pieces, without_specks
from amanuensis.pages.segment_outlines import outlines
from amanuensis.pages.segment_regions import homes_of
from amanuensis.records import Points, Region


def bar(start: int, stop: int, row: float, *, height: float = 10.0, slope: float = 0.0) -> Core:
    middle = row + slope * (np.arange(start, stop) - start)
    return Core(start, middle - height / 2, middle + height / 2)


def blobs(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """Connected pixels, corners included, by flooding."""
    left = {tuple(place) for place in np.argwhere(mask).tolist()}
    found = []
    while left:
        waiting, blob = [left.pop()], set()
        while waiting:
            row, column = waiting.pop()
            blob.add((row, column))
            near = {(row + dy, column + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            waiting += near
        found.append(blob)
    return found


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 12))))
def test_cores_are_the_blobs_column_by_column(mask: np.ndarray) -> None:
    told = set()
    for blob in blobs(mask):
        columns = sorted({column for _, column in blob})
        rows = [[row for row, column in blob if column == one] for one in columns]
        told.add((columns[0], tuple(min(one) for one in rows), tuple(max(one) + 1 for one in rows)))
    found = {(core.start, tuple(core.top.tolist()), tuple(core.bottom.tolist())) for core in cores_of(mask)}
    assert found == told


def test_a_core_goes_on_straight_beyond_its_ends() -> None:
    core = bar(10, 60, 100.0, slope=0.1)
    assert core.level_at(30, reach=20) == pytest.approx(102.0)
    assert core.level_at(80, reach=20) == pytest.approx(107.0)
    assert core.level_at(0, reach=20) == pytest.approx(99.0)


def test_joined_pieces_are_bridged_straight_and_overlaps_do_not_repeat_columns() -> None:
    whole = joined([bar(30, 40, 60.0), bar(0, 20, 40.0), bar(15, 25, 44.0)])
    assert (whole.start, whole.stop) == (0, 40)
    assert whole.middle[19] == pytest.approx(40.0)
    assert whole.middle[20] == pytest.approx(44.0)
    assert whole.middle[27] == pytest.approx(44.0 + 16 * 3 / 6)


def test_widening_stops_at_the_edges_of_the_page() -> None:
    core = widened(bar(3, 8, 5.0), 10, width=12)
    assert (core.start, core.stop) == (0, 12)


def test_pieces_of_one_row_become_one_line_and_rows_stay_apart() -> None:
    pieces = [
        bar(x, x + 60, y, slope=0.03) for y in (50.0, 80.0, 110.0) for x in (0, 72, 144)
    ]  # each row falls from piece to piece
    pieces = [
        Core(core.start, core.top + 0.03 * core.start, core.bottom + 0.03 * core.start) for core in pieces
    ]
    lines = join_pieces(pieces)
    assert [(line.start, line.stop) for line in lines] == [(0, 204)] * 3


def test_a_gap_with_columns_below_and_above_stays_open() -> None:
    pieces = [bar(x, x + 200, y) for y in range(50, 300, 25) for x in (0, 225)]
    assert len(join_pieces(pieces)) == len(pieces)


def test_the_same_gap_is_closed_where_neighbors_run_past() -> None:
    pieces = [bar(0, 425, y) for y in (25, 75)] + [bar(0, 200, 50), bar(235, 425, 50)]
    assert len(join_pieces(pieces)) == 3


def test_sizes_that_differ_much_are_not_one_line() -> None:
    assert len(join_pieces([bar(0, 100, 50.0, height=30.0), bar(105, 200, 50.0, height=8.0)])) == 2


def strokes(*columns: int, top: int = 0, bottom: int = 120, lean: float = 0.0) -> Barriers:
    """Upright strokes two pixels wide on a page of 120 x 400."""
    mask = np.zeros((120, 400), np.bool_)
    for column in columns:
        for row in range(top, bottom):
            there = round(column + lean * row)
            mask[row, there : there + 2] = True
    return Barriers(mask)


@pytest.mark.parametrize("lean", [0.0, 0.4, -0.4])
def test_a_stroke_cuts_the_line_that_it_runs_through_and_its_pieces_stay_apart(lean: float) -> None:
    barriers = strokes(120, lean=lean)
    pieces = barriers.cut([bar(0, 300, 50.0)])
    crossing = [round(120 + lean * row) for row in (45, 54)]
    assert [(piece.start, piece.stop) for piece in pieces] == [(0, min(crossing)), (max(crossing) + 2, 300)]
    assert len(join_pieces(pieces, barriers)) == 2
    assert len(join_pieces(pieces)) == 1


def test_a_stroke_in_a_gap_keeps_a_note_in_the_margin_out_of_the_line() -> None:
    pieces = [bar(0, 100, 50.0), bar(110, 300, 51.0)]
    assert len(join_pieces(pieces, strokes(104))) == 2
    assert len(join_pieces(pieces, strokes(350))) == 1


def test_strokes_that_end_above_or_run_along_are_no_barriers() -> None:
    pieces = [bar(0, 100, 50.0), bar(110, 300, 50.0)]
    above = strokes(104, bottom=49)
    along = np.zeros((120, 400), np.bool_)
    for column in range(20, 380):
        along[42 + column // 24, column] = True
    for barriers in (above, Barriers(along)):
        assert len(barriers.cut(pieces)) == 2
        assert len(join_pieces(pieces, barriers)) == 1


def test_specks_and_upright_writing_are_left_out_and_counted() -> None:
    lines = [bar(0, 300, y) for y in (50, 80, 110)]
    speck, upright = bar(400, 404, 60.0), Core(500, np.full(12, 20.0), np.full(12, 180.0))
    kept, num_left_out = without_specks([*lines, speck, upright])
    assert (kept, num_left_out) == (lines, 2)
    assert without_specks([]) == ([], 0)


def test_ink_goes_with_the_core_that_it_touches_and_dots_with_the_nearest() -> None:
    ink = np.zeros((200, 300), np.bool_)
    ink[95:105, 50:250] = True  # one line
    ink[135:145, 50:250] = True  # another
    ink[85:116, 100] = True  # a stroke of the first, up and down
    ink[82:84, 200:203] = True  # a dot above the first
    ink[124:126, 150:153] = True  # a dot nearer to the second
    cores = [bar(50, 250, 100.0), bar(50, 250, 140.0)]
    first, second = outlines(cores, ink)
    top, bottom = first.polygon[:, 1].min(), first.polygon[:, 1].max()
    assert top <= 83
    assert 115 <= bottom <= 124
    assert second.polygon[:, 1].min() <= 125
    assert first.baseline[:, 1] == pytest.approx(105, abs=1.5)


def test_strokes_that_join_two_lines_are_shared_out() -> None:
    ink = np.zeros((200, 300), np.bool_)
    ink[95:105, 50:250] = ink[135:145, 50:250] = True
    ink[95:145, 100] = True
    first, second = outlines([bar(50, 250, 100.0), bar(50, 250, 140.0)], ink)
    assert first.polygon[:, 1].max() <= 125
    assert second.polygon[:, 1].min() >= 115


def test_outlines_need_no_ink_and_no_cores() -> None:
    blank = np.zeros((50, 60), np.bool_)
    assert outlines([], blank) == []
    [line] = outlines([bar(10, 40, 25.0)], blank)
    assert line.polygon[:, 1].min() < 20
    assert line.polygon[:, 1].max() > 30


def box(left: int, top: int, right: int, bottom: int) -> Points:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


@pytest.mark.parametrize(("right", "home"), [(190, 1), (240, 1), (320, 0), (900, None)])
def test_the_smallest_region_that_holds_half_of_a_line_has_it(right: int, home: int | None) -> None:
    regions = [Region("outer", box(0, 0, 400, 400)), Region("inner", box(50, 50, 200, 200))]
    along = FoundLine(box(100, 90, right, 130), ((100, 120), (right, 120)))
    outlined = FoundLine(box(100, 90, right, 130), ())
    bare = FoundLine((), ((100, 120), (right, 120)))
    assert homes_of([along, outlined, bare], regions) == [home] * 3


def test_a_slanted_region_holds_what_lies_within_its_own_border() -> None:
    corner = Region("corner", ((0, 0), (300, 0), (0, 300)))
    near, far = (FoundLine((), ((x, y), (x + 60, y))) for x, y in ((40, 60), (200, 200)))
    assert homes_of([near, far], [corner]) == [0, None]

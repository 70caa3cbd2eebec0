from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanuensis.pages.order import MARGIN, blocks_in_order
from amanuensis.records import Points


def line(left: int, right: int, baseline: int, *, height: int = 30) -> tuple[Points, Points]:
    top, bottom = baseline - height, baseline + height // 4
    return (
        ((left, top), (right, top), (right, bottom), (left, bottom)),
        ((left, baseline), (right, baseline)),
    )


def turned(lines: list[tuple[Points, Points]], degrees: float) -> list[tuple[Points, Points]]:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def moved(points: Points) -> Points:
        return tuple((round(c * x - s * y), round(s * x + c * y)) for x, y in points)

    return [(moved(polygon), moved(baseline)) for polygon, baseline in lines]


def order_of(lines: list[tuple[Points, Points]]) -> list[int]:
    return [number for block in blocks_in_order(lines) for number in block.lines]


def test_no_lines_no_blocks() -> None:
    assert blocks_in_order([]) == []


def test_lines_are_read_from_top_to_bottom_and_rows_from_left_to_right() -> None:
    lines = [line(0, 300, 150), line(500, 900, 55), line(0, 470, 50), line(100, 900, 100)]
    assert order_of(lines) == [2, 1, 3, 0]


@pytest.mark.parametrize("degrees", [0.0, 3.0, -3.0])
def test_columns_are_read_one_after_the_other_below_their_heading(degrees: float) -> None:
    heading, footer = line(100, 900, 60), line(100, 900, 760)
    left = [line(50, 470, y) for y in range(150, 700, 50)]
    right = [line(530, 950, y) for y in range(150, 700, 50)]
    mixed = [footer, *right, heading, *left]
    told = [*range(len(right) + 2, len(mixed)), *range(1, len(right) + 1)]
    assert order_of(turned(mixed, degrees)) == [len(right) + 1, *told, 0]


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_note_in_the_margin_is_read_after_its_text(side: str) -> None:
    text = [line(300, 1000, y) for y in range(100, 900, 50)]
    x = 20 if side == "left" else 1080
    note = [line(x, x + 200, y) for y in (300, 345)]
    blocks = blocks_in_order([*note, *text])
    assert [block.kind for block in blocks] == ["", MARGIN]
    assert blocks[1].lines == (0, 1)


def test_three_columns_of_like_width_have_no_margin() -> None:
    lines = [line(x, x + 280, y) for x in (0, 330, 660) for y in range(100, 500, 50)]
    blocks = blocks_in_order(lines)
    assert [block.kind for block in blocks] == ["", "", ""]
    assert order_of(lines) == list(range(len(lines)))


@pytest.mark.parametrize("row", [100, 400, 760])
def test_a_single_line_beside_two_columns_does_not_mix_them(row: int) -> None:
    columns = [line(x, x + 400, y) for x in (50, 500) for y in range(100, 600, 50)]
    order = order_of([*columns, line(1000, 1200, row)])
    assert order[:10] == list(range(10))
    assert [number for number in order if number != 20] == list(range(20))


def test_a_line_with_a_baseline_only_has_its_place_too() -> None:
    lines = [line(0, 300, 150), ((), ((0, 100), (300, 100))), line(0, 300, 50)]
    assert order_of(lines) == [2, 1, 0]


LINES = st.builds(
    lambda left, width, row, height: line(left, left + width, row, height=height),
    st.integers(0, 1000),
    st.integers(0, 600),
    st.integers(0, 1500),
    st.integers(1, 80),
)


@given(st.lists(LINES, max_size=25))
def test_every_line_is_read_exactly_once(lines: list[tuple[Points, Points]]) -> None:
    assert sorted(order_of(lines)) == list(range(len(lines)))

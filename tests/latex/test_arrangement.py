"""Rough places of a caption's tokens: what stands beside, above and below what."""

from __future__ import annotations

import pytest

from amanuensis.errors import DataError
from amanuensis.latex.arrangement import arrange, written_label


def places(latex: str) -> list[tuple[int, str, float, float]]:
    return [(p.token, p.label, p.x, p.y) for p in arrange(latex.split())]


def test_only_what_is_written_has_a_place() -> None:
    assert [label for _, label, _, _ in places(r"\frac { a } { b } ^ { 2 }")] == ["-", "a", "b", "2"]
    assert [token for token, *_ in places(r"\frac { a } { b } ^ { 2 }")] == [0, 2, 5, 9]


@pytest.mark.parametrize(
    ("token", "label"),
    [
        ("x", "x"),
        (r"\frac", "-"),
        ("'", r"\prime"),
        (r"\cdot", "."),
        (r"\cdots", r"\ldots"),
        ("{", None),
        ("^", None),
    ],
)
def test_labels_are_those_of_the_segmentation(token: str, label: str | None) -> None:
    assert written_label(token) == label


def test_a_row_goes_from_left_to_right() -> None:
    xs = [x for _, _, x, _ in places(r"\sin x + 1 = y")]
    assert xs == sorted(xs)
    assert len(set(xs)) == len(xs)


def test_scripts_stand_right_above_and_right_below() -> None:
    (_, _, x, y), (_, _, sub_x, sub_y), (_, _, sup_x, sup_y) = places("x _ { i } ^ { 2 }")
    assert sub_x > x
    assert sup_x > x
    assert sup_y < y < sub_y


def test_limits_of_a_sum_stand_on_its_axis() -> None:
    (_, _, x, y), (_, _, low_x, low_y), (_, _, high_x, high_y) = places(r"\sum _ { i } ^ { n }")
    assert low_x == pytest.approx(x)
    assert high_x == pytest.approx(x)
    assert high_y < y < low_y


def test_a_fraction_is_stacked_on_its_bar_and_what_follows_stands_beside_it() -> None:
    by_label = {label: (x, y) for _, label, x, y in places(r"\frac { a } { b + c } z")}
    assert by_label["a"][1] < by_label["-"][1] < by_label["b"][1]
    assert by_label["z"][0] > by_label["c"][0]
    assert by_label["z"][1] == by_label["-"][1]


def test_a_script_of_a_numerator_stands_above_it() -> None:
    by_label = {label: (x, y) for _, label, x, y in places(r"\frac { x ^ { 2 } } { y }")}
    assert by_label["2"][1] < by_label["x"][1] < by_label["-"][1]


def test_an_index_of_a_root_and_its_brackets_have_places_too() -> None:
    assert [token for token, *_ in places(r"\sqrt [ 3 ] { x }")] == [0, 1, 2, 3, 5]


def test_what_is_not_well_formed_has_no_places() -> None:
    with pytest.raises(DataError):
        arrange(["\\frac", "{", "a"])

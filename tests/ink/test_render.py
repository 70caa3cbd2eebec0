import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amanuensis.errors import DataError
from amanuensis.images import load_image
from amanuensis.ink import Ink, InkImage, RenderSettings, render, stroke_height
from amanuensis.records import ImageSource


def margins(picture):
    ys, xs = np.nonzero(picture)
    return xs.min(), ys.min(), picture.shape[1] - 1 - xs.max(), picture.shape[0] - 1 - ys.max()


def line(*points):
    return np.array(points, dtype=float)


def walk_the_pixels(start, end):
    """Every pixel of a straight line, one for each step of the longer side, ties to either."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    return [tuple(start[i] + (end[i] - start[i]) * n / steps for i in (0, 1)) for n in range(steps + 1)]


def test_against_a_drawing_by_hand():
    """28 units high, so one unit is a pixel; a square pen of three pixels along every line."""
    points = [(10, 40), (30, 68), (51, 40)]
    picture = render(Ink([points]))
    assert picture.shape == (29 + 2 + 23, 42 + 2 + 23)
    assert set(np.unique(picture)) == {0, 255}
    expected = np.zeros_like(picture)
    for start, end in pairwise(points):
        for x, y in walk_the_pixels(start, end):
            column, row = math.floor(x - 10 + 0.5) + 13, math.floor(y - 40 + 0.5) + 13
            expected[row - 1 : row + 2, column - 1 : column + 2] = 255
    # Ties of half a pixel may go either way: a few pixels at the edge of the pen.
    assert (picture != expected).mean() < 0.01
    assert margins(picture) == (12, 12, 11, 11)


def test_a_dot_is_a_dot():
    for ink in (Ink([[[5, 5]]]), Ink([[[5, 5], [5, 5]], [[5, 5]]]), Ink([[[1e-12, 0], [0, 0]]])):
        picture = render(ink)
        assert picture.shape == (26, 26)
        assert (picture[12:15, 12:15] == 255).all()
        assert (picture > 0).sum() == 9


def test_a_single_point_among_strokes_is_drawn():
    stem, dot = line((0, 30), (0, 60)), line((0, 0))
    picture = render(Ink([stem, dot]))
    assert margins(picture) == (12, 12, 11, 11)
    assert (picture[12:15, 12:15] == 255).all()
    assert not picture[16:20].any()


def test_the_mean_height_of_strokes_above_a_tenth_of_the_tallest_rounded_down():
    tall, middle = line((0, 0), (0, 100)), line((20, 0), (0, 31))
    bar, dot, just_a_tenth = line((0, 0), (300, 5)), line((0, 0)), line((0, 0), (0, 10))
    ink = Ink([tall, middle, bar, dot, just_a_tenth])
    assert stroke_height(ink) == math.floor((100 + 31) / 2)
    assert render(ink).shape[0] == math.floor(100 * 28 / 65) + 1 + 2 + 23
    # Below ten units the height is no count of a tablet's units.
    assert stroke_height(ink.moved(ink.points / 10)) == pytest.approx(6.55)


@pytest.mark.parametrize("wobble", [0, 1, 3])
def test_a_minus_alone_is_as_wide_as_a_letter_is_high(wobble):
    minus = line((0, 0), (30, wobble), (60, 0))
    assert render(Ink([minus])).shape[1] == 28 + 1 + 2 + 23
    below = line((0, 20), (60, 20))
    assert render(Ink([minus, below])).shape[1] == 28 + 1 + 2 + 23


def test_size_does_not_depend_on_the_unit_or_on_how_densely_points_lie():
    generator = np.random.default_rng(0)
    strokes = generator.uniform(0, 100, (4, 5, 2))
    strokes[:, :, 0] += 60 * np.arange(4)[:, None]
    shape = np.array(render(Ink(strokes)).shape)
    for factor in (1e-6, 0.001, 7, 1e8):
        scaled = render(Ink([stroke * factor for stroke in strokes]))
        assert abs(scaled.shape - shape).max() <= 0.03 * shape.max()  # whole units are rounded down
    dense = [np.repeat(stroke, 3, axis=0) for stroke in strokes]
    np.testing.assert_array_equal(render(Ink(dense)), render(Ink(strokes)))


def test_ink_far_from_the_origin_keeps_its_shape():
    stroke = line((0, 0), (13, 28), (30, 5))
    far = render(Ink([stroke + 2.0**37]))
    assert far.shape == render(Ink([stroke])).shape
    np.testing.assert_array_equal(far, render(Ink([stroke])))


def test_a_picture_has_no_more_pixels_than_allowed():
    long = [line((0, 0), (5, 20)), line((1e9, 0), (1e9 + 5, 20))]
    wide = render(Ink(long))
    assert wide.size <= 4_000_000
    assert margins(wide) == (12, 12, 11, 11)
    high = RenderSettings(max_pixels=50_000)
    square = render(Ink([line((i * 50, i * 50), (i * 50 + 10, i * 50 + 20)) for i in range(100)]), high)
    assert 40_000 < square.size <= 50_000


@settings(max_examples=150)
@given(
    st.lists(
        st.lists(st.tuples(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12)), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    )
)
def test_any_ink_is_drawn_within_its_margins(strokes):
    picture = render(Ink(strokes), RenderSettings(max_pixels=100_000))
    assert picture.dtype == np.uint8
    assert picture.size <= 100_000
    assert margins(picture) == (12, 12, 11, 11)


@pytest.mark.parametrize("pen", [1, 2, 3, 5])
def test_the_pen_is_as_wide_as_asked_for(pen):
    picture = render(Ink([line((0, 0), (0, 50))]), RenderSettings(height=100, pen=pen, margin_before=4))
    assert (picture > 0).sum(axis=1).max() == pen
    assert margins(picture) == (4, 4, 11, 11)


@pytest.mark.parametrize(
    "wrong",
    [{"height": 0}, {"height": math.nan}, {"pen": 0}, {"margin_before": -1}, {"max_pixels": 100}],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(DataError):
        RenderSettings(**wrong)


def test_an_ink_image_is_a_source_of_the_rendered_picture():
    ink = Ink([line((0, 0), (20, 30)), line((20, 0), (0, 30))])
    image = InkImage(ink, "x.inkml", RenderSettings(height=40))
    assert isinstance(image, ImageSource)
    assert image.read() == image.read()
    np.testing.assert_array_equal(load_image(image), render(ink, RenderSettings(height=40)))

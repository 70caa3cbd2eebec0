import numpy as np
import pytest

from amanuensis.ink import Ink, InkSymbol, RenderSettings, distort, stroke_height, vary_settings
from amanuensis.randomness import generator_for


@pytest.fixture
def ink():
    generator = np.random.default_rng(3)
    steps = generator.normal(0, 3, (6, 30, 2)).cumsum(axis=1)
    steps[:, :, 0] += 40 * np.arange(6)[:, None]
    return Ink(steps, [InkSymbol("x", (0, 1))])


def test_the_generator_decides_alone(ink):
    first, again = (distort(ink, generator_for(1, 0, "a")) for _ in range(2))
    np.testing.assert_array_equal(first.points, again.points)
    assert np.abs(first.points - distort(ink, generator_for(1, 1, "a")).points).max() > 1


def test_strokes_symbols_and_the_original_stay(ink):
    before = ink.points.copy()
    varied = distort(ink, generator_for(2))
    assert [len(s) for s in varied.strokes] == [len(s) for s in ink.strokes]
    assert varied.symbols == ink.symbols
    np.testing.assert_array_equal(ink.points, before)


def test_no_strength_no_change(ink):
    np.testing.assert_allclose(distort(ink, generator_for(0), strength=0).points, ink.points, atol=1e-9)
    assert vary_settings(RenderSettings(), generator_for(0), strength=0) == RenderSettings()


def test_it_stays_readable_a_point_moves_by_a_part_of_a_letter(ink):
    unit = stroke_height(ink)
    short = ink.moved(ink.points * [0.3, 1])  # so that three degrees are little at the ends
    moves = [np.abs(distort(short, generator_for(n)).points - short.points) for n in range(50)]
    assert np.mean(moves) > 0.03 * unit
    assert np.quantile(moves, 0.99) < 1.0 * unit


def test_it_does_not_depend_on_the_unit(ink):
    small = distort(ink.moved(ink.points / 1000), generator_for(5)).points * 1000
    large = distort(ink.moved(ink.points * 1000), generator_for(5)).points / 1000
    np.testing.assert_allclose(small, large, atol=0.05 * stroke_height(ink))


@pytest.mark.parametrize("strokes", [[[[3, 3]]], [[[0, 0], [50, 0]]], [[[1, 1]], [[9, 1]]]])
def test_dots_and_bars_are_varied_without_a_fault(strokes):
    varied = distort(Ink(strokes), generator_for(1))
    assert np.isfinite(varied.points).all()


def test_sizes_from_seven_tenths_to_one_and_four_and_pens_near_three():
    drawn = [vary_settings(RenderSettings(), generator_for(n)) for n in range(300)]
    scales = np.array([settings.height for settings in drawn]) / 28
    assert 0.7 <= scales.min() < 0.75
    assert 1.33 < scales.max() <= 1.4
    assert {settings.pen for settings in drawn} == {2, 3, 4}
    assert vary_settings(RenderSettings(pen=1), generator_for(3)).pen >= 1

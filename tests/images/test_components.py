import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from amanuensis.images.components import find_components, symbol_height
from amanuensis.images.pen import drawn_room, pen_width, redrawn

masks = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12))


def flooded(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """The components by the plainest way."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    found = []
    while left:
        part, edge = set(), [min(left)]
        while edge:
            y, x = edge.pop()
            if (y, x) in left:
                left.remove((y, x))
                part.add((y, x))
                edge += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        found.append(part)
    return found


@given(masks)
def test_components_against_flooding(mask: np.ndarray) -> None:
    parts = find_components(mask)
    values = np.arange(mask.size, dtype=np.float32).reshape(mask.shape)
    peaks = parts.peaks(values)
    flood = flooded(mask)
    assert len(parts) == len(flood)
    for i, pixels in enumerate(flood):
        rows, columns = zip(*pixels, strict=True)
        box = (parts.left[i], parts.top[i], parts.right[i], parts.bottom[i])
        assert box == (min(columns), min(rows), max(columns) + 1, max(rows) + 1)
        assert parts.area[i] == len(pixels)
        assert peaks[i] == max(values[pixel] for pixel in pixels)
        drawn = parts.drawn(np.arange(len(parts)) == i)
        assert {(int(y), int(x)) for y, x in np.argwhere(drawn)} == pixels
    np.testing.assert_array_equal(parts.drawn(np.ones(len(parts), np.bool_)), mask)


def test_a_spiral_is_one_component() -> None:
    spiral = np.zeros((41, 41), np.bool_)
    low, high = 0, 40
    while low < high:
        spiral[low, low : high + 1] = spiral[low : high + 1, high] = spiral[high, low : high + 1] = True
        spiral[low + 2 : high + 1, low] = True
        spiral[low + 2, low : low + 3] = True
        low, high = low + 2, high - 2
    assert len(find_components(spiral)) == len(flooded(spiral)) == 1


def test_dots_and_bars_do_not_count_for_the_symbols_height() -> None:
    ink = np.zeros((100, 300), np.bool_)
    ink[10:43, 10:13] = ink[20:53, 40:43] = True
    alone = symbol_height(find_components(ink), pen=3.0)
    ink[90:93, 10:200] = ink[50:53, 250:253] = True
    assert alone == symbol_height(find_components(ink), pen=3.0) == 30


def test_a_lone_bar_is_as_high_as_it_is_long() -> None:
    ink = np.zeros((20, 60), np.bool_)
    ink[8:11, 10:43] = True
    assert symbol_height(find_components(ink), pen=3.0) == 30


@pytest.mark.parametrize("width", [2, 7, 15])
@pytest.mark.parametrize("scale", [0.4, 1.0, 2.0])
def test_strokes_are_redrawn_with_the_pen_that_is_asked_for(width: int, scale: float) -> None:
    y, x = np.mgrid[:160, :200]
    ring = np.abs(np.hypot(y - 80, x - 80) - 60) < width / 2
    bar = (np.abs(x - 170) < width / 2) & (np.abs(y - 80) < 70)
    drawn = redrawn(ring | bar, scale=scale, pen=3.2)
    assert drawn.shape == tuple(round(side * scale) + 2 * drawn_room(3.2) for side in ring.shape)
    assert pen_width(drawn) == pytest.approx(3.2, abs=0.6)
    # Nothing broke, nothing was filled: two pieces of ink, and paper inside and outside the ring.
    assert len(find_components(drawn)) == len(find_components(~drawn)) == 2


def test_no_ink_stays_no_ink() -> None:
    empty = np.zeros((5, 9), np.bool_)
    assert pen_width(empty) == 0
    assert not redrawn(empty, scale=2.0, pen=3.2).any()
    assert len(find_components(empty)) == 0

from pathlib import Path

import numpy as np
import pytest
from drawn import written_line
from hypothesis import given
from hypothesis.extra import numpy as arrays

from amanuensis.images import dark_on_light, is_light_on_dark, load_image
from amanuensis.images.polarity import ranked

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "lines").rglob("*.jpg"))
pictures = arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_real_lines_and_their_negatives(path: Path) -> None:
    grey = load_image(path)
    assert not is_light_on_dark(grey)
    assert is_light_on_dark(255 - grey)
    np.testing.assert_array_equal(dark_on_light(255 - grey), grey)


def test_there_are_real_lines() -> None:
    assert len(SAMPLES) >= 10


def test_chalk_is_turned_and_ink_is_not() -> None:
    line = written_line(50, 400)
    assert dark_on_light(line) is line
    np.testing.assert_array_equal(dark_on_light(255 - line), line)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_nothing_written_is_left_alone(level: int) -> None:
    assert not is_light_on_dark(np.full((5, 9), level, np.uint8))
    grain = np.random.default_rng(0).integers(max(0, level - 10), level + 1, (64, 300)).astype(np.uint8)
    assert not is_light_on_dark(grain)


def test_half_black_half_white_is_left_alone() -> None:
    grey = np.zeros((10, 10), np.uint8)
    grey[:, :5] = 255
    assert not is_light_on_dark(grey)
    assert not is_light_on_dark(255 - grey)


@given(pictures)
def test_no_picture_is_turned_twice(grey: np.ndarray) -> None:
    once = dark_on_light(grey)
    np.testing.assert_array_equal(dark_on_light(once), once)
    assert not (is_light_on_dark(grey) and is_light_on_dark(255 - grey))


@given(pictures)
def test_ranks_against_sorting(grey: np.ndarray) -> None:
    ranks = sorted({0, grey.size // 3, grey.size - 1})
    assert ranked(grey, ranks) == np.sort(grey.ravel())[ranks].tolist()

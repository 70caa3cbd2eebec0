from dataclasses import fields, replace

import numpy as np
import pytest
from drawn import written_line
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from amanuensis.images import AUGMENTATIONS, IMAGE_SPECS, Augmentation, Chance, augment, prepare
from amanuensis.images.warp import Warp, warped
from amanuensis.randomness import generator_for

LINE = prepare(written_line(64, 600), IMAGE_SPECS["cpu"])
TRANSFORMS = [field.name for field in fields(Augmentation)]
ALWAYS = Augmentation(
    **{name: Chance(getattr(AUGMENTATIONS["strong"], name).strength) for name in TRANSFORMS}
)
floats = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=40),
    elements=st.floats(-1, 1, width=32),
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def ink(image: np.ndarray) -> float:
    """How much darker than its paper a picture is, all in all."""
    return float((np.median(image) - image).clip(0).sum())


def hairline(height: int = 64, width: int = 200) -> np.ndarray:
    image = np.ones((height, width), np.float32)
    image[height // 2, 20:-20] = -1
    return image


# Randomness


def test_the_same_seed_epoch_and_sample_give_the_same_pixels() -> None:
    def varied(*parts: int | str) -> np.ndarray:
        return augment(LINE, AUGMENTATIONS["strong"], generator_for(*parts))

    first = varied(7, 3, "set/line-1")
    np.testing.assert_array_equal(first, varied(7, 3, "set/line-1"))
    for other in ((8, 3, "set/line-1"), (7, 4, "set/line-1"), (7, 3, "set/line-2")):
        assert not np.array_equal(first, varied(*other))


def test_one_chance_does_not_move_another() -> None:
    tilted = Augmentation(rotation=Chance(1.5), shift_y=Chance(0.1))
    both = replace(tilted, noise=Chance(0.1, 0.0), dilation=Chance(3, 0.0), shear=Chance(0.5, 0.0))
    np.testing.assert_array_equal(augment(LINE, tilted, rng()), augment(LINE, both, rng()))


def test_probability() -> None:
    never = Augmentation(**{name: Chance(1.0, 0.0) for name in TRANSFORMS})
    sometimes = Augmentation(noise=Chance(0.1, 0.25))
    assert all(np.array_equal(augment(LINE, never, rng(i)), LINE) for i in range(20))
    changed = sum(not np.array_equal(augment(LINE, sometimes, rng(i)), LINE) for i in range(400))
    assert 70 < changed < 130


def test_none_is_a_copy() -> None:
    same = augment(LINE, AUGMENTATIONS["none"], rng())
    np.testing.assert_array_equal(same, LINE)
    assert not np.shares_memory(same, LINE)


# What always holds


@settings(max_examples=80)
@given(image=floats, seed=st.integers(0, 1000), name=st.sampled_from(["paper", "strong", "always"]))
def test_shape_and_range_are_kept(image: np.ndarray, seed: int, name: str) -> None:
    before = image.copy()
    result = augment(image, {**AUGMENTATIONS, "always": ALWAYS}[name], rng(seed))
    assert result.shape == image.shape
    assert result.dtype == np.float32
    assert -1 <= result.min() <= result.max() <= 1
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", ["paper", "strong"])
def test_no_line_is_erased(name: str) -> None:
    for seed in range(40):
        assert ink(augment(LINE, AUGMENTATIONS[name], rng(seed))) > 0.35 * ink(LINE)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_does_something_alone(name: str) -> None:
    alone = Augmentation(**{name: getattr(ALWAYS, name)})
    results = [augment(LINE, alone, rng(seed)) for seed in range(6)]
    assert sum(not np.array_equal(result, LINE) for result in results) >= 3
    assert len({result.tobytes() for result in results}) >= 3


@pytest.mark.parametrize("name", ["paper", "strong"])
def test_hairlines_stay_visible(name: str) -> None:
    image = hairline()
    for seed in range(100):
        result = augment(image, AUGMENTATIONS[name], rng(seed))
        contrast = np.median(result) - result[:, 80:120].min(axis=0)
        assert np.median(contrast) > 0.35


# Geometry


def test_ink_is_not_pushed_out_sideways() -> None:
    image = np.ones((64, 400), np.float32)
    image[20:40, :3] = image[20:40, -6:] = -1
    shifts = Augmentation(shift_x=Chance(0.2), shrink=Chance(0.1))
    for seed in range(50):
        result = augment(image, shifts, rng(seed))
        assert ink(result) > 0.7 * ink(image)


def test_shifts_use_the_room_there_is() -> None:
    image = np.ones((64, 400), np.float32)
    image[20:40, 100:300] = -1
    lefts = [
        np.flatnonzero(augment(image, Augmentation(shift_x=Chance(0.2)), rng(seed)).min(axis=0) < 0)[0]
        for seed in range(60)
    ]
    assert 20 <= min(lefts) < 40
    assert 160 < max(lefts) <= 180


def test_a_shift_of_whole_pixels_is_exact() -> None:
    shifted = warped(LINE, Warp(shift_y=2 / 64), rng())
    np.testing.assert_allclose(shifted[2:], LINE[:-2], atol=1e-5)
    assert (shifted[:2] == 1).all()


def test_no_warp_is_no_copy() -> None:
    assert warped(LINE, Warp(), rng()) is LINE


def test_waves_of_no_height_are_the_affine_transform() -> None:
    affine = Warp(rotation=0.5, shrink=0.03, stretch=0.1, shear=0.2, shift_y=0.02)
    mesh = replace(affine, elastic=1e-9)
    np.testing.assert_allclose(warped(LINE, mesh, rng()), warped(LINE, affine, rng()), atol=0.02)
    np.testing.assert_allclose(warped(LINE, Warp(elastic=1e-9), rng()), LINE, atol=1e-3)


def test_shrinking_stays_in_the_middle() -> None:
    image = np.ones((64, 200), np.float32)
    image[:, :] = -1
    result = warped(image, Warp(shrink=0.5), rng())
    rows, columns = np.flatnonzero(result.min(axis=1) < 0), np.flatnonzero(result.min(axis=0) < 0)
    assert (rows[0], rows[-1]) == (16, 47)
    assert (columns[0], columns[-1]) == (50, 149)


def test_stretching_changes_one_side_only() -> None:
    image = -np.ones((64, 200), np.float32)
    for stretch, expected in ((0.5, 64 * 100), (-0.5, 32 * 200)):
        assert (warped(image, Warp(stretch=stretch), rng()) < 0).sum() == expected


def test_rotation_turns_by_its_degrees_but_keeps_long_lines_inside() -> None:
    def rise(width: int) -> float:
        """How far the right end of a horizontal stroke came down, in pixels."""
        turned = warped(hairline(64, width), Warp(rotation=1.5), rng())
        return float(turned[:, -25].argmin() - turned[:, 25].argmin())

    assert rise(200) == pytest.approx(150 * np.tan(np.radians(1.5)), abs=1.1)
    assert rise(3000) == pytest.approx(12.8, abs=1.1)


def test_shear_slants() -> None:
    image = np.ones((64, 100), np.float32)
    image[:, 50] = -1
    slanted = warped(image, Warp(shear=0.25), rng())
    assert slanted[60].argmin() - slanted[3].argmin() == pytest.approx(0.25 * 57, abs=1.1)


# Strokes and tone


def test_erosion_thickens_and_dilation_thins() -> None:
    for seed in range(20):
        thicker = augment(LINE, Augmentation(erosion=Chance(5)), rng(seed))
        thinner = augment(LINE, Augmentation(dilation=Chance(3)), rng(seed))
        assert (thicker <= LINE + 1e-6).all()
        assert (thinner >= LINE - 1e-6).all()


def test_kernels_follow_the_height() -> None:
    def thickness(height: int) -> float:
        image = hairline(height)
        widest = max(
            (1 - augment(image, Augmentation(erosion=Chance(5)), rng(seed)))[:, 100].sum() / 2
            for seed in range(200)
        )
        return float(widest)

    assert thickness(128) == pytest.approx(5, abs=0.2)
    assert thickness(64) == pytest.approx(3, abs=0.2)
    assert thickness(32) == pytest.approx(2, abs=0.2)


def test_blur_spreads_ink_and_loses_none() -> None:
    image = hairline()
    blurred = augment(image, Augmentation(blur=Chance(4)), rng(2))
    assert (1 - blurred).sum() == pytest.approx((1 - image).sum(), rel=1e-4)
    profile = (1 - blurred)[:, 100] / 2
    variance = float((profile * (np.arange(64) - 32) ** 2).sum())
    drawn = np.random.default_rng(2).random((len(TRANSFORMS), 2))[TRANSFORMS.index("blur"), 1]
    assert variance == pytest.approx((4 * drawn / 2) ** 2, rel=0.01)


def test_tone_keeps_ink_darker_than_paper() -> None:
    ramp = np.linspace(-1, 1, 64 * 8, dtype=np.float32).reshape(64, 8)
    for seed in range(50):
        toned = augment(ramp, Augmentation(tone=Chance(0.4)), rng(seed)).ravel()
        assert (np.diff(toned) >= 0).all()
        assert toned[-1] - toned[0] > 0.9


def test_noise_has_the_strength_it_was_given() -> None:
    grey = np.zeros((200, 500), np.float32)
    strength = [augment(grey, Augmentation(noise=Chance(0.2)), rng(seed)).std() for seed in range(30)]
    assert 0.15 < max(strength) <= 0.2 * 1.02
    assert abs(augment(grey, Augmentation(noise=Chance(0.2)), rng()).mean()) < 0.002

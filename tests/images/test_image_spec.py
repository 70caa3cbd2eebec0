import numpy as np
import pytest
from drawn import written_line
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from amanuensis.errors import ImageError, ModelError
from amanuensis.images import (
    IMAGE_SPECS,
    ImageSpec,
    is_light_on_dark,
    load_image,
    normalize_contrast,
    pad_to_spec,
    prepare,
    resize_to_spec,
    scale_of,
)

PAPER, CPU = IMAGE_SPECS["paper"], IMAGE_SPECS["cpu"]
both = pytest.mark.parametrize("spec", [PAPER, CPU], ids=["paper", "cpu"])
pictures = arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=90))


# What a model stores


def test_named_specs() -> None:
    assert ImageSpec.paper() == PAPER
    assert (PAPER.height, PAPER.width, PAPER.contrast, PAPER.window) == (68, 864, "minmax", 0)
    assert ImageSpec.cpu() == CPU
    assert (CPU.height, CPU.width, CPU.contrast) == (64, None, "percentile")
    assert CPU.window % 16 == CPU.overlap % 16 == 0


@both
def test_stored_and_read_again(spec: ImageSpec) -> None:
    assert ImageSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"heigth": 64}, "heigth"),
        ({"height": 64.0}, "height"),
        ({"height": None}, "height"),
        ({"height": True}, "height"),
        ({"height": 0}, "0 x None"),
        ({"width": 3}, "64 x 3"),
        ({"contrast": "max"}, "'max'"),
        ({"contrast": 7}, "7"),
        ({"overlap": 1300}, "overlap 1300"),
        ({"overlap": -1}, "overlap -1"),
    ],
)
def test_what_is_stored_wrongly(change: dict, named: str) -> None:
    with pytest.raises(ModelError, match=named):
        ImageSpec.from_dict(CPU.to_dict() | change)


def test_what_is_not_stored() -> None:
    stored = CPU.to_dict()
    del stored["window"]
    with pytest.raises(ModelError, match="window"):
        ImageSpec.from_dict(stored)


# Sizes


@pytest.mark.parametrize(
    ("shape", "paper", "cpu"),
    [
        ((68, 864), (68, 864), (64, 813)),
        ((136, 1000), (68, 500), (64, 471)),
        ((34, 864), (34, 864), (64, 1626)),
        ((100, 8640), (10, 864), (64, 5530)),
        ((1, 1), (68, 68), (64, 64)),
        ((200, 1), (68, 8), (64, 8)),
        ((1, 900), (1, 864), (64, 57600)),
    ],
)
def test_sizes(shape: tuple[int, int], paper: tuple[int, int], cpu: tuple[int, int]) -> None:
    grey = np.full(shape, 200, np.uint8)
    assert resize_to_spec(grey, PAPER).shape == paper
    assert resize_to_spec(grey, CPU).shape == cpu
    assert prepare(grey, PAPER).shape == (68, 864)
    assert prepare(grey, CPU).shape == cpu


def test_a_scratch_is_no_line() -> None:
    with pytest.raises(ImageError, match="2000 x 1 pixels is no line"):
        resize_to_spec(np.zeros((1, 2000), np.uint8), CPU)


@both
@pytest.mark.parametrize("shape", [(64, 700), (68, 864), (100, 5000), (30, 31), (333, 90)])
def test_scale_leads_back_to_the_source(spec: ImageSpec, shape: tuple[int, int]) -> None:
    grey = np.full(shape, 255, np.uint8)
    mark = shape[1] * 3 // 4
    grey[:, mark:] = 0
    grey[:, -1] = 255
    ink = np.flatnonzero(prepare(grey, spec).min(axis=0) < 0)
    assert ink[0] / scale_of(shape, spec) == pytest.approx(mark, abs=1 / scale_of(shape, spec))


@settings(max_examples=60)
@given(grey=pictures, turned=st.booleans(), spec=st.sampled_from([PAPER, CPU]))
def test_resizing_its_own_result_changes_nothing(grey: np.ndarray, turned: bool, spec: ImageSpec) -> None:
    once = resize_to_spec(255 - grey if turned else grey, spec)
    # Resampling sharpens: contrast just too faint for writing may then count as some, light on dark.
    assume(not is_light_on_dark(once))
    assert once.dtype == np.uint8
    assert once.shape[1] >= 8
    np.testing.assert_array_equal(resize_to_spec(once, spec), once)


@both
def test_light_writing_is_prepared_like_dark(spec: ImageSpec) -> None:
    line = written_line(80, 900)
    np.testing.assert_allclose(prepare(255 - line, spec), prepare(line, spec), atol=0.06)


# Greys


def test_minmax_is_equation_1() -> None:
    grey = written_line(68, 300)
    low, high = float(grey.min()), float(grey.max())
    expected = 2 * (grey - low) / (high - low) - 1
    np.testing.assert_allclose(normalize_contrast(grey, PAPER), expected, atol=1e-6)


@both
def test_constant_pictures_are_background(spec: ImageSpec) -> None:
    for level in (0, 130, 255):
        assert (prepare(np.full((50, 200), level, np.uint8), spec) == 1).all()


@both
def test_paper_is_light_and_ink_dark(spec: ImageSpec) -> None:
    prepared = prepare(written_line(64, 600), spec)[:, :600]
    assert np.median(prepared) > 0.6
    assert prepared.min() < -0.95
    assert prepared.dtype == np.float32


def test_percentiles_are_not_moved_by_specks() -> None:
    line = written_line(64, 600)
    line = np.clip(line, 100, 220)
    specks = line.copy()
    specks[3, [50, 300]] = 0, 255
    kept = np.ones(line.shape, bool)
    kept[3, [50, 300]] = False
    np.testing.assert_allclose(
        normalize_contrast(specks, CPU)[kept], normalize_contrast(line, CPU)[kept], atol=0.02
    )
    assert np.abs(normalize_contrast(specks, PAPER) - normalize_contrast(line, PAPER))[kept].max() > 0.3


def test_percentiles_by_brute_force() -> None:
    grey = written_line(31, 173)
    ordered = np.sort(grey.ravel()).astype(float)
    low, high = ordered[int(0.005 * (grey.size - 1))], ordered[int(0.9 * (grey.size - 1))]
    expected = np.clip(2 * (grey - low) / (high - low) - 1, -1, 1)
    np.testing.assert_allclose(normalize_contrast(grey, CPU), expected, atol=1e-6)


def test_grain_of_blank_paper_is_not_blown_up_to_writing() -> None:
    grain = np.random.default_rng(0).integers(228, 236, (64, 800), dtype=np.uint8)
    assert prepare(grain, CPU).min() > 0.4


@settings(max_examples=60)
@given(grey=pictures, spec=st.sampled_from([PAPER, CPU]))
def test_prepared_pictures_stay_in_range(grey: np.ndarray, spec: ImageSpec) -> None:
    prepared = prepare(grey, spec)
    assert prepared.dtype == np.float32
    assert prepared.shape[0] == spec.height
    assert -1 <= prepared.min() <= prepared.max() <= 1


# Padding


def test_the_paper_pads_right_and_centres() -> None:
    line = np.full((17, 432), -1, np.float32)
    padded = pad_to_spec(line, PAPER)
    assert padded.shape == (68, 864)
    assert (padded[25:42, :432] == -1).all()
    assert padded.sum() == 68 * 864 - 2 * line.size


def test_a_free_width_is_not_padded() -> None:
    line = np.zeros((64, 77), np.float32)
    assert pad_to_spec(line, CPU) is line


@both
def test_prepare_is_its_parts(spec: ImageSpec) -> None:
    grey = load_image(written_line(90, 777))
    parts = pad_to_spec(normalize_contrast(resize_to_spec(grey, spec), spec), spec)
    np.testing.assert_array_equal(prepare(grey, spec), parts)

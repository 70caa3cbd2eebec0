import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from amanuensis.errors import ModelError
from amanuensis.images import load_image
from amanuensis.images.components import find_components
from amanuensis.images.formula import (
    FormulaSpec,
    is_clean_bitmap,
    normalize_drawing,
    normalize_formula,
    normalize_photo,
    prepare_formula,
)
from amanuensis.images.pen import pen_width
from amanuensis.ink import Ink, RenderSettings, render

FOLDER = Path(__file__).parents[2] / "samples" / "formulas"
SAMPLES = sorted(FOLDER.glob("*.json"))
SPEC = FormulaSpec()


def ink_of(path: Path) -> Ink:
    return Ink(json.loads(path.read_text(encoding="utf-8"))["strokes"])


def bitmap_of(path: Path) -> np.ndarray:
    return render(ink_of(path))


def photo_of(bitmap: np.ndarray, *, zoom: float = 4.0, paper: int = 220, ink: int = 40) -> np.ndarray:
    """Dark ink on a page that is darker to the right, a little out of focus, with grain."""
    drawn = Image.fromarray(np.pad(bitmap, 20))
    size = round(drawn.width * zoom), round(drawn.height * zoom)
    cover = np.asarray(drawn.resize(size, Image.Resampling.BICUBIC), float) / 255
    grey = (paper + cover * (ink - paper)) * np.linspace(1.0, 0.5, size[0])
    grey += np.random.default_rng(0).normal(0, 2, grey.shape)
    picture = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(1))).copy()


def grown(ink: np.ndarray, reach: int) -> np.ndarray:
    return np.asarray(Image.fromarray(ink).convert("L").filter(ImageFilter.MaxFilter(2 * reach + 1))) > 0


def agreement(truth: np.ndarray, seen: np.ndarray) -> float:
    """The lesser share of either's ink that lies within two pixels of the other's, `seen` scaled to `truth`."""
    parts = []
    for picture in (truth, seen):
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        parts.append(picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] > 0)
    scaled = Image.fromarray(parts[1]).convert("L").resize(parts[0].shape[::-1], Image.Resampling.BILINEAR)
    a, b = (np.pad(part, 3) for part in (parts[0], np.asarray(scaled) > 127))
    return min(float((a & grown(b, 2)).sum() / a.sum()), float((b & grown(a, 2)).sum() / b.sum()))


def test_the_spec_survives_json() -> None:
    spec = FormulaSpec(scale=0.5, max_pixels=100_000)
    assert FormulaSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    whole = {**spec.to_dict(), "pen": 3}
    assert FormulaSpec.from_dict(whole).pen == 3.0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scale": 0.3}, "0.3"),
        ({"pen": "3"}, "pen"),
        ({"margin": 12.0}, "margin"),
        ({"margin": True}, "margin"),
        ({"pem": 3.0}, "pem"),
        ({"pen": 20.0}, "20.0"),
        ({"max_pixels": 10}, "max_pixels"),
        ({"pen": float("nan")}, "nan"),
    ],
)
def test_a_wrong_spec_is_refused_by_name(change: dict, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        FormulaSpec.from_dict({**SPEC.to_dict(), **change})


def test_a_missing_key_is_refused() -> None:
    stored = SPEC.to_dict()
    del stored["min_size"]
    with pytest.raises(ModelError, match="min_size"):
        FormulaSpec.from_dict(stored)


def test_there_are_samples() -> None:
    assert len(SAMPLES) == 6


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_bitmap_of_the_published_kind_passes_unchanged_in_either_polarity(path: Path) -> None:
    bitmap = bitmap_of(path)
    wanted = (bitmap / 255).astype(np.float32)
    for picture in (bitmap, 255 - bitmap, np.where(bitmap > 0, 250, 6).astype(np.uint8)):
        assert is_clean_bitmap(picture)
        prepared = prepare_formula(picture, SPEC)
        assert prepared.dtype == np.float32
        np.testing.assert_array_equal(prepared, wanted)


def test_a_clean_bitmap_gets_the_usual_margins() -> None:
    bitmap = bitmap_of(SAMPLES[0])
    np.testing.assert_array_equal(
        prepare_formula(np.pad(bitmap, ((3, 40), (90, 0))), SPEC), prepare_formula(bitmap, SPEC)
    )


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("pen", [2, 3, 4])
def test_a_drawing_is_normalized_as_it_is_when_it_is_read(path: Path, pen: int) -> None:
    drawn = render(ink_of(path), RenderSettings(pen=pen))
    direct, told = normalize_drawing(drawn, SPEC)
    read, seen = normalize_formula(drawn, SPEC)
    assert told.clean == seen.clean == (pen > 2)
    if told.clean:
        np.testing.assert_array_equal(direct, read)
    else:
        assert told.scale == pytest.approx(seen.scale, rel=0.05)
        assert agreement(direct, read) > 0.99


def test_half_scale_is_the_mean_of_two_by_two_with_odd_sizes_padded() -> None:
    for path in SAMPLES:
        bitmap = bitmap_of(path)
        height, width = bitmap.shape
        halved = prepare_formula(bitmap, FormulaSpec(scale=0.5))
        assert halved.shape == ((height + 1) // 2, (width + 1) // 2)
        for row, column in [(0, 0), (height // 4, width // 4), (halved.shape[0] - 1, halved.shape[1] - 1)]:
            cell = bitmap[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            assert halved[row, column] == pytest.approx(cell.sum() / 255 / 4)


def test_what_only_resembles_a_clean_bitmap_is_not_taken_for_one() -> None:
    bitmap = bitmap_of(SAMPLES[0])
    threefold = bitmap.repeat(3, axis=0).repeat(3, axis=1)
    grey_edges = np.asarray(Image.fromarray(bitmap).filter(ImageFilter.GaussianBlur(0.7)))
    hairline = np.zeros((60, 60), np.uint8)
    hairline[10:50, 30] = 255
    for picture in (threefold, grey_edges, hairline, np.zeros_like(bitmap), np.full_like(bitmap, 255)):
        assert not is_clean_bitmap(picture)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_photo_comes_out_as_the_bitmap_it_was_taken_of(path: Path) -> None:
    bitmap = bitmap_of(path)
    normalized, seen = normalize_formula(photo_of(bitmap), SPEC)
    assert not seen.clean
    assert seen.warnings == ()
    assert set(np.unique(normalized)) == {0, 255}
    assert agreement(bitmap, normalized) > 0.97
    assert pen_width(normalized > 0) == pytest.approx(SPEC.pen, abs=0.5)
    assert len(find_components(normalized > 0)) == len(find_components(bitmap > 0))
    # Sizes follow the symbols' mean height, which connected pieces of ink tell only roughly.
    assert normalized.shape[0] / bitmap.shape[0] == pytest.approx(1, abs=0.3)


def test_the_sample_photo_on_ruled_paper() -> None:
    normalized, seen = normalize_formula(load_image(FOLDER / "circle-photo.jpg"), SPEC)
    bitmap = bitmap_of(FOLDER / "circle.json")
    assert seen.num_rules == 8
    assert len(find_components(normalized > 0)) == len(find_components(bitmap > 0))
    assert agreement(bitmap, normalized) > 0.97


def test_chalk_on_a_board_is_read_like_ink_on_paper() -> None:
    photo = photo_of(bitmap_of(FOLDER / "circle.json"))
    dark, light = (normalize_formula(picture, SPEC)[0] for picture in (photo, 255 - photo))
    assert agreement(dark, light) > 0.97


@pytest.mark.parametrize("zoom", [0.7, 1.5, 9.0])
def test_the_photos_resolution_does_not_matter(zoom: float) -> None:
    bitmap = bitmap_of(FOLDER / "circle.json")
    normalized, seen = normalize_formula(photo_of(bitmap, zoom=zoom), SPEC)
    assert agreement(bitmap, normalized) > 0.95
    assert seen.scale * zoom == pytest.approx(normalized.shape[0] / bitmap.shape[0], rel=0.1)


def test_places_lead_back_to_the_source() -> None:
    bitmap = bitmap_of(FOLDER / "fraction.json")
    for picture, inset, zoom in ((bitmap, 0, 1.0), (photo_of(bitmap), 20, 4.0)):
        normalized, seen = normalize_formula(picture, SPEC)
        rows, columns = np.nonzero(normalized)
        first_rows, first_columns = np.nonzero(bitmap)
        for axis, found, truth in ((0, columns, first_columns), (1, rows, first_rows)):
            back = found.max() / seen.scale + seen.origin[axis]
            assert back / zoom - inset == pytest.approx(truth.max(), abs=2)


def test_ruled_lines_go_and_the_fraction_bar_stays() -> None:
    bitmap = bitmap_of(FOLDER / "fraction.json")
    photo = photo_of(np.pad(bitmap, ((60, 60), (100, 160))))
    for row in range(30, photo.shape[0], 130):
        for column in range(photo.shape[1]):
            drop = row + column // 50
            photo[drop : drop + 5, column] = np.minimum(photo[drop : drop + 5, column], 50)
    photo[:, 90:95] = 60
    normalized, seen = normalize_formula(photo, SPEC)
    assert seen.num_rules >= 4
    assert len(find_components(normalized > 0)) == len(find_components(bitmap > 0)) == 3
    assert agreement(bitmap, normalized) > 0.9


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (40, 3), (300, 400)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_nothing_written_gives_an_empty_picture_and_says_so(shape: tuple[int, int], level: int) -> None:
    grain = np.random.default_rng(0).normal(level, 4, shape)
    for picture in (np.full(shape, level, np.uint8), np.clip(grain, 0, 255).astype(np.uint8)):
        normalized, seen = normalize_formula(picture, SPEC)
        assert not normalized.any()
        assert min(normalized.shape) >= SPEC.min_size
        assert "blank" in seen.warnings[0]


@settings(max_examples=30)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_no_picture_is_too_odd(height: int, width: int, seed: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    prepared = prepare_formula(grey, FormulaSpec(scale=0.5))
    assert min(prepared.shape) >= SPEC.min_size // 2
    assert float(prepared.min()) >= 0
    assert float(prepared.max()) <= 1


def test_a_large_picture_is_drawn_smaller_and_says_so() -> None:
    bitmap = bitmap_of(FOLDER / "circle.json")
    small = FormulaSpec(max_pixels=8_000)
    for picture in (bitmap, photo_of(bitmap)):
        normalized, seen = normalize_formula(picture, small)
        assert 6_000 < normalized.size <= 8_000
        assert any("large" in warning for warning in seen.warnings)
        assert agreement(bitmap, normalized) > 0.8


def test_a_small_picture_is_padded_to_the_least_size() -> None:
    dash = np.zeros((27, 51), np.uint8)
    dash[12:15, 12:40] = 255
    prepared = prepare_formula(dash, FormulaSpec(min_size=64))
    assert prepared.shape == (64, 64)
    np.testing.assert_array_equal(prepared[:26, :51], (dash[:26] / 255).astype(np.float32))


def test_what_is_far_from_training_is_told() -> None:
    bitmap = bitmap_of(FOLDER / "circle.json")
    assert any("faint" in text for text in normalize_photo(photo_of(bitmap, ink=185), SPEC)[1].warnings)
    tiny = normalize_photo(photo_of(bitmap, zoom=0.3), SPEC)[1]
    assert any("larger picture" in text for text in tiny.warnings)
    page = np.tile(bitmap, (9, 3))
    assert any("page" in text for text in normalize_formula(page, SPEC)[1].warnings)

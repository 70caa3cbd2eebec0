"""Styled lines: functions of (seed, epoch, index), legible, inside their pictures, whatever the size and the text."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundled_font import write_bundled_font

from amanuensis.data.crops import ScanStyle, scan
from amanuensis.data.handwriting import HandStyle, Writing, write
from amanuensis.data.inking import QUILL, press
from amanuensis.data.pens import NUM_VARIANTS, X_HEIGHT, Pen, Stamps, find_fonts
from amanuensis.data.placing import PlacingStyle, place
from amanuensis.data.styles import ARCHIVE, LETTER, STYLES, StyleMix
from amanuensis.data.synthetic import Desk, SyntheticLines, draw_line
from amanuensis.data.textures import Textures
from amanuensis.errors import DataError

QUIET = HandStyle(neighbors=0.0, struck=0.0, underlined=0.0)


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundled_font(tmp_path_factory.mktemp("fonts"))


@pytest.fixture(scope="module")
def pen(font: Path) -> Pen:
    return Pen.load(font)


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "en.txt"
    path.write_text(
        "the quick brown fox jumps over a lazy dog and received nothing, which he had shown\n" * 5
    )
    return path


def drawn(pen: Pen, text: str, seed: int, style: HandStyle = QUIET) -> Writing:
    return write(text, pen, style, Stamps(), np.random.default_rng(seed))


@pytest.mark.parametrize("style", ["letter", "archive", {"plain": 1.0, "letter": 1.0, "archive": 2.0}])
def test_a_line_depends_on_seed_epoch_and_index_only(corpus: Path, font: Path, style) -> None:
    lines = SyntheticLines({"en": corpus}, [font], 7, style=style)
    image, text = lines.sample(3, 5)
    for index in range(4):
        lines.sample(0, index)
    again, _ = lines.sample(3, 5)
    fresh, fresh_text = SyntheticLines({"en": corpus}, [font], 7, style=style).sample(3, 5)
    assert np.array_equal(image, again)
    assert np.array_equal(image, fresh)
    assert text == fresh_text == lines.text(3, 5)
    others = [lines.sample(4, 5), lines.sample(3, 6), SyntheticLines({"en": corpus}, [font], 8).sample(3, 5)]
    assert all(other.shape != image.shape or not np.array_equal(other, image) for other, _ in others)


def test_lines_go_to_worker_processes(corpus: Path, font: Path) -> None:
    lines = SyntheticLines({"en": corpus}, [font], 7, style="archive")
    here, _ = lines.sample(0, 1)
    there, _ = pickle.loads(pickle.dumps(lines)).sample(0, 1)
    assert np.array_equal(here, there)


@pytest.mark.parametrize("style", [LETTER, ARCHIVE])
@pytest.mark.parametrize("height", [31, 64, 200])
def test_images_are_of_the_height_and_the_ink_is_seen(pen: Pen, desk: Desk, style, height: int) -> None:
    for seed in range(12):
        image = draw_line("a word of it", pen, style, height, np.random.default_rng(seed), desk=desk)
        assert image.dtype == np.uint8
        assert image.shape[0] == height
        paper = float(np.median(image))
        assert paper > 120, "the paper is light"
        assert paper - np.percentile(image, 1) > 25, f"{seed}: the ink is not seen"


@pytest.mark.parametrize("text", [".", "i", "x" * 60, "gypq|Qjf(", "word " * 12])
def test_odd_texts_are_drawn(pen: Pen, desk: Desk, text: str) -> None:
    for seed in range(4):
        image = draw_line(text.strip(), pen, ARCHIVE, 64, np.random.default_rng(seed), desk=desk)
        assert image.shape[0] == 64
        assert image.shape[1] >= 8


def test_longer_texts_make_wider_images(pen: Pen, desk: Desk) -> None:
    widths = [
        np.mean(
            [
                draw_line(text, pen, LETTER, 64, np.random.default_rng(s), desk=desk).shape[1]
                for s in range(12)
            ]
        )
        for text in ("one", "one two three", "one two three four five six seven")
    ]
    assert widths[0] * 1.5 < widths[1] < widths[2] / 1.5


def test_a_crop_cuts_off_little_of_its_own_line(pen: Pen) -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        line = place(drawn(pen, "gypq|Qjf( and more of it", seed), ARCHIVE.placing, 64, rng)
        assert line.ink.shape[0] == 64
        assert line.baseline.min() > 0.2 * 64
        assert line.upper.min() > -0.12 * 64
        assert line.lower.max() < 1.12 * 64
        whole = (line.ink > 128).sum(axis=0)
        assert whole[:2].max() < 20, f"{seed}: the first letter is cut"
        assert whole[-2:].max() < 20, f"{seed}: the last letter is cut"


def test_the_outline_holds_the_ink(pen: Pen) -> None:
    straight = PlacingStyle(wander=(0, 0), drift=(0, 0), wobble=(0, 0), unevenness=(0, 0), slant=(0, 0))
    for seed in range(10):
        line = place(drawn(pen, "high and low by turns", seed), straight, 64, np.random.default_rng(seed))
        rows, columns = np.nonzero(line.ink > 128)
        upper = np.interp(columns, line.columns, line.upper)
        lower = np.interp(columns, line.columns, line.lower)
        assert (rows >= upper - 2).mean() > 0.99
        assert (rows <= lower + 2).mean() > 0.99


def test_what_is_beyond_the_outline_is_one_grey(pen: Pen) -> None:
    line = place(drawn(pen, "mum", 1), PlacingStyle(fill=(0.5, 0.5), x_height=(0.2, 0.2)), 64, _rng(1))
    page = 200 + _rng(2).normal(0, 9, line.ink.shape).astype(np.float32)
    style = ScanStyle(outlined=1.0, outline_room=(0.0, 0.1), jpeg=0.0)
    image = scan(page, line, style, _rng(3))
    assert len(np.unique(image[:3])) == 1
    assert len(np.unique(image[round(line.baseline.mean()) - 4])) > 5


def test_letters_are_not_twice_the_same(pen: Pen) -> None:
    untidy = replace(QUIET, untidiness=(1.0, 1.0))
    written = [drawn(pen, "oooooooooooo", seed, untidy) for seed in range(3)]
    heights = [set((line.bottoms - line.tops).tolist()) for line in written]
    assert all(len(found) >= 3 for found in heights)


def test_what_follows_the_mark_is_raised_and_the_mark_is_not_written(pen: Pen) -> None:
    tidy = replace(QUIET, untidiness=(0.0, 0.0))
    flat, raised, marked = (drawn(pen, text, 1, tidy) for text in ("xx", "x^x", "x^"))
    last = slice(-X_HEIGHT - 6, -X_HEIGHT - 2)
    assert raised.tops[last].min() < flat.tops[last].min() - 2
    assert raised.bottoms[:4].max() >= 0
    assert raised.strokes.shape[1] < flat.strokes.shape[1], "raised letters are smaller"
    alone = drawn(pen, "x", 1, tidy)
    assert np.array_equal(marked.strokes, alone.strokes)


def test_a_struck_word_is_more_ink_not_more_text(pen: Pen) -> None:
    text = "one two three"
    plain, struck = drawn(pen, text, 1), drawn(pen, text, 1, replace(QUIET, struck=1.0))
    assert struck.strokes.shape[1] > 1.15 * plain.strokes.shape[1]


def test_neighbors_do_not_touch_the_size_of_the_line(pen: Pen) -> None:
    alone, crowded = drawn(pen, "high gap", 1), drawn(pen, "high gap", 1, replace(QUIET, neighbors=1.0))
    assert (alone.ascent, alone.descent) == (crowded.ascent, crowded.descent)
    assert np.array_equal(alone.tops, crowded.tops)
    assert crowded.strokes.sum() > alone.strokes.sum()


def test_a_broad_pen_is_pressed_finer(pen: Pen) -> None:
    line = place(drawn(pen, "minimum", 1), LETTER.placing, 64, _rng(1))
    fine = replace(QUILL, stroke=(0.01, 0.01), swelling=(0.0, 0.0), bleeding=(0.0, 0.0))
    broad = replace(fine, stroke=(0.3, 0.3))
    textures = Textures.drawn()
    assert press(line, broad, textures, _rng(2)).sum() > 1.2 * press(line, fine, textures, _rng(2)).sum()


def test_stamps_are_bounded_and_drawn_again_alike(pen: Pen) -> None:
    roomy, narrow = Stamps(), Stamps(max_bytes=1)
    for _ in range(2):
        for letter in "abcabc":
            for variant in range(NUM_VARIANTS):
                one, other = roomy.get(pen, letter, variant), narrow.get(pen, letter, variant)
                assert np.array_equal(one.mask, other.mask)
                assert (one.left, one.top, one.advance) == (other.left, other.top, other.advance)
    assert len(narrow._kept) == 1
    assert len(roomy._kept) == 3 * NUM_VARIANTS


def test_a_blank_stamp_has_no_ink(pen: Pen) -> None:
    stamp = Stamps().get(pen, "\u00a0", 3)
    assert stamp.mask.size == 0
    assert stamp.advance > 0


def test_textures_are_the_same_everywhere_and_never_end() -> None:
    textures, again = Textures.drawn(), Textures.drawn()
    assert np.array_equal(textures.mottle, again.mottle)
    piece = textures.piece(textures.grain, (300, 5000), _rng(0))
    assert piece.shape == (300, 5000)
    assert abs(float(piece.mean())) < 0.05
    assert 0.8 < float(piece.std()) < 1.2


def test_styles_are_mixed_by_their_weights() -> None:
    mix, rng = StyleMix.of({"archive": 3, "plain": 1}), _rng(0)
    found = [mix.draw(rng) for _ in range(400)]
    assert 250 < sum(style is ARCHIVE for style in found) < 350
    assert all(style is ARCHIVE or style is None for style in found)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("archiv", "'archiv' .* unknown: known are plain, letter, archive"),
        ({"letter": 0.0}, "'letter' .* weight 0.0 is no positive number"),
        ({"letter": float("nan")}, "'letter' .* weight nan"),
        ({}, "at least one style"),
    ],
)
def test_wrong_styles_are_named(corpus: Path, font: Path, wanted, message: str) -> None:
    with pytest.raises(DataError, match=message):
        SyntheticLines({"en": corpus}, [font], 0, style=wanted)


def test_every_style_has_its_own_name() -> None:
    assert {name: style and style.name for name, style in STYLES.items()} == {
        "plain": None,
        "letter": "letter",
        "archive": "archive",
    }


def test_a_folder_without_fonts_is_an_error(tmp_path: Path, font: Path) -> None:
    assert find_fonts(font.parent) == [font]
    with pytest.raises(DataError, match=r"holds no \.ttf or \.otf font"):
        find_fonts(tmp_path)
    with pytest.raises(DataError, match="nowhere: is no folder"):
        find_fonts(tmp_path / "nowhere")


def test_see_through_and_rules_stay_on_the_paper(pen: Pen, desk: Desk) -> None:
    worn = replace(
        ARCHIVE.paper, laid=1.0, stained=1.0, see_through=1.0, ruled=1.0, squared=1.0, tone=(200.0, 200.0)
    )
    for seed in range(8):
        image = draw_line("worn", pen, replace(ARCHIVE, paper=worn), 64, _rng(seed), desk=desk)
        assert np.median(image) > 110


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)

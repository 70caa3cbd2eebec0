"""Synthetic lines: reproducible, legible, of the characters that the font has, no longer than a line."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import pytest
from bundled_font import write_bundled_font

from amanuensis.data.corpus import LONGEST_TEXT, Corpus, sample_text, transcription_style
from amanuensis.data.pens import Pen
from amanuensis.data.plain import write_line
from amanuensis.data.synthetic import SyntheticLines
from amanuensis.errors import DataError

ROWS = [
    "The quick brown fox jumps over the lazy dog, and nobody in the whole village has ever asked it why.",
    "‘Very true,’ said the Duchess — “flamingoes and mustard both bite.”",
    "Short row.",
    "Ein",
]


@pytest.fixture
def font(tmp_path: Path) -> Path:
    return write_bundled_font(tmp_path)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "en.txt.gz"
    path.write_bytes(gzip.compress("\n".join([*ROWS, "", "  "]).encode()))
    return path


@pytest.fixture
def lines(corpus: Path, font: Path) -> SyntheticLines:
    return SyntheticLines({"en": corpus}, [font], seed=7)


def test_a_line_depends_on_seed_epoch_and_index_only(lines: SyntheticLines, corpus: Path, font: Path) -> None:
    image, text = lines.sample(3, 5)
    for _ in range(4):
        lines.sample(0, 1)
    again, same = lines.sample(3, 5)
    fresh, fresh_text = SyntheticLines({"en": corpus}, [font], seed=7).sample(3, 5)
    assert text == same == fresh_text
    assert np.array_equal(image, again)
    assert np.array_equal(image, fresh)
    others = [lines.sample(4, 5), lines.sample(3, 6), SyntheticLines({"en": corpus}, [font], 8).sample(3, 5)]
    assert all(other.shape != image.shape or not np.array_equal(other, image) for other, _ in others)


@pytest.mark.parametrize("height", [32, 64, 97])
def test_images_are_dark_on_light_and_of_the_height(corpus: Path, font: Path, height: int) -> None:
    lines = SyntheticLines({"en": corpus}, [font], seed=1, height=height)
    for index in range(30):
        image, text = lines.sample(0, index)
        assert image.dtype == np.uint8
        assert image.shape[0] == height
        assert image.shape[1] >= 8
        assert 1 <= len(text) <= LONGEST_TEXT
        paper = float(np.median(image))
        assert paper > 120, "the paper is light"
        assert paper - int(image.min()) > 40, "the ink is visible"


def test_ink_stays_inside_the_image(font: Path) -> None:
    pen = Pen.load(font)
    for seed in range(60):
        image = write_line("gypq|Qjf(", pen, 64, np.random.default_rng(seed)).astype(float)
        dark = image < np.median(image) - 0.45 * (np.median(image) - image.min())
        assert not dark[[0, -1]].any(), seed
        assert dark[:, [0, -1]].sum(axis=0).max() <= 2, f"{seed}: more than a ruled line at the side"


def test_longer_texts_make_wider_images(font: Path) -> None:
    pen = Pen.load(font)
    widths = [
        np.mean([write_line(text, pen, 64, np.random.default_rng(seed)).shape[1] for seed in range(20)])
        for text in ("one", "one two three", "one two three four five six seven")
    ]
    assert widths[0] * 1.5 < widths[1] < widths[2] / 1.5


def test_low_letters_are_not_blown_up(font: Path) -> None:
    pen = Pen.load(font)
    dot = [write_line(".", pen, 64, np.random.default_rng(seed)) for seed in range(20)]
    assert all((image < np.median(image) - 40).mean() < 0.15 for image in dot)


def test_characters_that_the_font_lacks_are_noticed(font: Path) -> None:
    pen = Pen.load(font)
    assert pen.lacking("plain text, 1857 - no") == set()
    assert pen.lacking("a word \u4e66 \u16a0") == {"\u4e66", "\u16a0"}


def test_a_text_is_written_with_a_font_that_has_its_characters(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, font: Path
) -> None:
    poor = tmp_path / "a-poor.ttf"
    poor.write_bytes(font.read_bytes())
    corpus = tmp_path / "en.txt"
    corpus.write_text("zebra\n" * 3)
    lacking = Pen.lacking
    tried: list[Pen] = []
    used: list[Pen] = []
    first = []  # the pen that lacks z: that of the first font in the order of names

    def load(path: Path, load=Pen.load) -> Pen:
        pen = load(path)
        if path == poor:
            first.append(pen)
        return pen

    monkeypatch.setattr(Pen, "load", load)
    monkeypatch.setattr(
        Pen, "lacking", lambda pen, text: tried.append(pen) or ({"z"} if pen in first else lacking(pen, text))
    )
    monkeypatch.setattr(
        "amanuensis.data.synthetic.write_line",
        lambda text, pen, height, rng: used.append(pen) or np.zeros((1, 1)),
    )
    lines = SyntheticLines({"en": corpus}, [poor, font], seed=0)
    for index in range(10):
        lines.sample(0, index)
    assert len(used) == 10
    assert first[0] in tried, "the poor font was never tried"
    assert first[0] not in used


def test_a_corpus_that_no_font_can_write_is_an_error(tmp_path: Path, font: Path) -> None:
    corpus = tmp_path / "zh.txt"
    corpus.write_text("\u4e66\u4e66\u4e66\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no font has all the characters .*zh\.txt"):
        SyntheticLines({"zh": corpus}, [font], seed=0).sample(0, 0)


def test_languages_are_drawn_evenly(tmp_path: Path, font: Path) -> None:
    (tmp_path / "a.txt").write_text("aaa aaa\n")
    (tmp_path / "b.txt").write_text("bbb bbb\n" * 1000)
    lines = SyntheticLines({"aa": tmp_path / "a.txt", "bb": tmp_path / "b.txt"}, [font], seed=0)
    texts = [lines.sample(0, index)[1].lower() for index in range(60)]
    assert 15 < sum("aaa" in text for text in texts) < 45


def test_empty_arguments_and_bad_files_are_named(tmp_path: Path, corpus: Path, font: Path) -> None:
    with pytest.raises(DataError, match="at least one corpus and one font"):
        SyntheticLines({}, [font], seed=0)
    with pytest.raises(DataError, match="at least one corpus and one font"):
        SyntheticLines({"en": corpus}, [], seed=0)
    with pytest.raises(DataError, match=r"nowhere\.txt"):
        SyntheticLines({"en": tmp_path / "nowhere.txt"}, [font], seed=0).sample(0, 0)
    with pytest.raises(DataError, match=r"en\.txt\.gz: cannot be opened as a font"):
        SyntheticLines({"en": corpus}, [corpus], seed=0).sample(0, 0)


@pytest.mark.parametrize("content", [b"", b"\n \n", "\u00a0\n\u00ad\u00ad\n\x1c\n".encode()])
def test_a_corpus_without_text_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"empty\.txt: holds no text"):
        Corpus.read(path)


def test_rows_of_which_transcribers_write_nothing_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "en.txt"
    path.write_text("\u00a0\u00a0\none\n\u00ad\n\u00e9\n", encoding="utf-8")
    corpus = Corpus.read(path)
    assert [corpus[index] for index in range(len(corpus))] == ["one", "\u00e9"]


def test_a_damaged_corpus_is_an_error(tmp_path: Path, corpus: Path) -> None:
    torn = tmp_path / "torn.txt.gz"
    packed = bytearray(gzip.compress(bytes(range(32, 127)) * 50))
    packed[12:20] = b"\xff" * 8
    torn.write_bytes(packed)
    with pytest.raises(DataError, match=r"torn\.txt\.gz"):
        Corpus.read(torn)
    cut = tmp_path / "cut.txt.gz"
    cut.write_bytes(corpus.read_bytes()[:-12])
    with pytest.raises(DataError, match=r"cut\.txt\.gz"):
        Corpus.read(cut)
    latin = tmp_path / "latin.txt"
    latin.write_bytes("é".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.txt"):
        Corpus.read(latin)


def test_a_corpus_keeps_every_row(corpus: Path) -> None:
    read = Corpus.read(corpus)
    assert [read[index] for index in range(len(read))] == ROWS


def test_a_large_corpus_is_read_up_to_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amanuensis.data.corpus.MAX_CORPUS_BYTES", 16)
    path = tmp_path / "large.txt"
    path.write_text("été été\nété été\n", encoding="utf-8")  # 16 bytes end inside a character
    read = Corpus.read(path)
    assert [read[index] for index in range(len(read))] == ["été été"]


@pytest.mark.parametrize(
    ("printed", "transcribed"),
    [
        ("‘Very true,’ said she — “no”…", "'Very true,' said she - \"no\"..."),
        ("wait--what", "wait-what"),
        ("cafe\u0301  au\u00a0lait\u00ad", "café au lait"),
        ("«\u202fOui\u202f» £5 n° 3", "« Oui » £5 n° 3"),
    ],
)
def test_transcription_style(printed: str, transcribed: str) -> None:
    assert transcription_style(printed) == transcribed


def test_texts_are_runs_of_words_with_some_figures(corpus: Path) -> None:
    read = Corpus.read(corpus)
    joined = [transcription_style(row) for row in ROWS]
    texts = [sample_text(read, "en", np.random.default_rng(seed)) for seed in range(600)]
    assert all(text == " ".join(text.split()) and 1 <= len(text) <= LONGEST_TEXT for text in texts)
    verbatim = sum(any(f" {text} " in f" {row} " for row in joined) for text in texts)
    assert 0.7 < verbatim / len(texts) < 0.97
    assert 0.05 < sum(any(c.isdigit() for c in text) for text in texts) / len(texts) < 0.25
    assert any(text.isupper() for text in texts)


def test_a_word_longer_than_a_line_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("x" * 500)
    texts = [sample_text(Corpus.read(path), "en", np.random.default_rng(seed)) for seed in range(50)]
    assert all(len(text) <= LONGEST_TEXT for text in texts)


def test_lines_are_made_fast_enough_to_train_on(lines: SyntheticLines) -> None:
    for index in range(20):
        lines.sample(0, index)
    start = time.process_time()
    for index in range(100):
        lines.sample(1, index)
    assert 100 / (time.process_time() - start) > 50  # 200 on an idle core; this bound is for busy machines

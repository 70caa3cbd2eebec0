"""Texts of synthetic lines: from train transcriptions only, in old spellings, of words that a font can write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundled_font import write_bundled_font

from amanuensis.data.corpus import LONGEST_TEXT
from amanuensis.data.spelling import broken_at_the_end, old_spelling
from amanuensis.data.synthetic import SyntheticLines
from amanuensis.data.transcriptions import Transcriptions
from amanuensis.errors import DataError
from amanuensis.records import Sample

LINES = ["a ship of the line", "the end of a war", "a line of the text", "", "  "]


@pytest.fixture
def font(tmp_path: Path) -> Path:
    return write_bundled_font(tmp_path)


def _sample(text: str, split: str) -> Sample:
    return Sample("1", Path("1.png"), text, split, "letters")


@pytest.mark.parametrize("split", ["val", "test"])
def test_words_of_val_and_test_are_refused(split: str) -> None:
    with pytest.raises(DataError, match=rf"letters/1: is of the split '{split}'"):
        Transcriptions.of([_sample("seen", "train"), _sample("unseen", split)])


def test_lines_in_no_list_of_a_set_with_lists_are_refused() -> None:
    with pytest.raises(DataError, match="letters/1: is in no split"):
        Transcriptions.of([_sample("unlisted", ""), replace(_sample("listed", "train"), id="2")])


def test_lines_without_a_split_are_train_lines() -> None:
    assert Transcriptions.of([_sample("free", "")]).draw(np.random.default_rng(0)) == "free"


def test_every_pair_of_words_was_seen() -> None:
    source = Transcriptions(LINES)
    flat = " ".join(LINES).split()
    pairs = {*zip(flat, [*flat[1:], flat[0]], strict=True)}
    texts = [source.draw(np.random.default_rng(seed)) for seed in range(300)]
    assert all(set(zip(t.split(), t.split()[1:], strict=False)) <= pairs for t in texts)
    assert 0.2 < sum(text in LINES for text in texts) / 300 < 0.7, "some are lines again, most are new"
    assert len(set(texts)) > 30


def test_texts_of_transcriptions_fit_a_line() -> None:
    source = Transcriptions(["x" * 500, "many words " * 60, "a"])
    texts = [source.draw(np.random.default_rng(seed)) for seed in range(200)]
    assert all(1 <= len(text) <= LONGEST_TEXT and text == " ".join(text.split()) for text in texts)


def test_transcriptions_without_a_word_are_an_error() -> None:
    with pytest.raises(DataError, match="hold no word"):
        Transcriptions(["", "  "])
    with pytest.raises(DataError, match=r"must be in \(0, 1\], not 0"):
        Transcriptions(["a"], share=0)


def test_transcriptions_alone_are_enough_and_have_their_share(tmp_path: Path, font: Path) -> None:
    ours = Transcriptions(["mine mine"], share=0.25)
    assert SyntheticLines({}, [font], 0, transcriptions=ours).text(0, 0).split()[0] == "mine"
    corpus = tmp_path / "en.txt"
    corpus.write_text("other\n")
    lines = SyntheticLines({"en": corpus}, [font], 0, transcriptions=ours)
    mine = sum("mine" in lines.text(0, index) for index in range(200))
    assert 30 < mine < 70


@pytest.mark.parametrize("style", ["plain", "letter"])
def test_words_that_no_font_can_write_are_left_out_of_image_and_text(font: Path, style: str) -> None:
    ours = Transcriptions(["\u16a0\u16a0 rest"])
    lines = SyntheticLines({}, [font], 0, style=style, transcriptions=ours)
    assert {word for index in range(20) for word in lines.text(0, index).split()} == {"rest"}
    with pytest.raises(DataError, match=r"no font has all the characters .*transcriptions"):
        SyntheticLines({}, [font], 0, style=style, transcriptions=Transcriptions(["\u16a0"])).sample(0, 0)


def test_the_mark_of_raised_letters_is_kept_where_it_is_drawn(font: Path) -> None:
    ours = Transcriptions(["M^r"])
    assert SyntheticLines({}, [font], 0, style="archive", transcriptions=ours).text(0, 0).startswith("M^r")
    assert "^" not in SyntheticLines({}, [font], 0, transcriptions=ours).text(0, 0)


@pytest.mark.parametrize(
    ("language", "modern", "old"),
    [
        ("en", "he and she", "he & she"),
        ("en", "to show off", "to shew off"),
        ("en", "public music", "publick musick"),
        ("fr", "il avait", "il avoit"),
        ("fr", "ils étaient", "ils étoient"),
        ("fr", "les enfants", "les enfans"),
        ("de", "der Teil", "der Theil"),
        ("la", "justus", "iustus"),
    ],
)
def test_old_spellings(language: str, modern: str, old: str) -> None:
    spelt = {old_spelling(modern, language, np.random.default_rng(seed)) for seed in range(80)}
    assert old in spelt
    assert modern in spelt, "not everybody spelt like that"


def test_a_writer_spells_alike_throughout_a_line() -> None:
    for seed in range(40):
        assert old_spelling("and and and", "en", np.random.default_rng(seed)) in {"and and and", "& & &"}


def test_raised_letters_are_marked_only_where_transcribers_do() -> None:
    for language, text in (("en", "Mr Dyer, the 21st"), ("fr", "Mr le 1er, Mme")):
        seeds = range(60)
        assert not any("^" in old_spelling(text, language, np.random.default_rng(s)) for s in seeds)
        assert any("^" in old_spelling(text, language, np.random.default_rng(s), raised=True) for s in seeds)


def test_an_unknown_language_is_spelt_as_it_is() -> None:
    assert old_spelling("and avait", "xx", np.random.default_rng(0)) == "and avait"


def test_a_line_may_break_within_a_word() -> None:
    texts = {broken_at_the_end("more improvement", np.random.default_rng(seed)) for seed in range(60)}
    assert all(t.endswith("-") and "more improvement".startswith(t[:-1]) for t in texts)
    assert all(7 <= len(text) - 1 <= 14 for text in texts)
    for short in ("no word", "1857", "", "improvement,"):
        assert broken_at_the_end(short, np.random.default_rng(0)) == short


@pytest.mark.parametrize("style", ["plain", "archive"])
def test_words_that_the_learner_cannot_write_are_left_out(tmp_path: Path, font: Path, style: str) -> None:
    corpus = tmp_path / "la.txt"
    corpus.write_text("arma virumque cano qui primus\nquos ego\n", encoding="utf-8")

    def lacking(text: str) -> set[str]:
        return set(text) & {"q", "Q"}

    every = SyntheticLines({"la": corpus}, [font], 0, style=style)
    known = every.within(lacking)
    texts = [(every.text(0, i), known.text(0, i)) for i in range(200)]
    assert any(lacking(text) for text, _ in texts)
    assert not any(lacking(text) or not text for _, text in texts)
    assert all(one == other for one, other in texts if not lacking(one)), "other lines stay what they were"
    assert known.left_out(100)["q"] > 0
    assert not every.left_out(100)
    with pytest.raises(DataError, match=r"la\.txt: the model's alphabet lacks characters of every word"):
        every.within(set).text(0, 0)

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from read_pages import BY

from amanuensis.errors import DataError
from amanuensis.pages import read as read_sources
from amanuensis.pages.crops import LineCutter
from amanuensis.pages.pipeline import read_lines, read_page
from amanuensis.pages.words import words_of
from amanuensis.pages.write_page_xml import page_xml
from amanuensis.recognition import GAP, Recognizer, with_gaps
from amanuensis.recognition.words import words_of_spans
from amanuensis.records import Page, Reading, Region, Span, TextLine, WordSpan
from tiny_model import HEIGHT, SYMBOL, draw

SIZE = (400, 200)
BLOCKS = {"to": (40, 79), "be": (100, 149), "or": (152, 200)}  # first and last column of each word's ink


def line_with_blocks(slope: float = 0.0) -> tuple[np.ndarray, TextLine]:
    """A page with a line of three words, blocks of ink 20 pixels high, and its outline of 30 pixels."""
    axes = np.array([[math.cos(slope), math.sin(slope)], [-math.sin(slope), math.cos(slope)]])
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    along, across = np.tensordot(axes, np.stack([x - 20, y - 60]), 1)
    grey = np.full((SIZE[1], SIZE[0]), 240, np.uint8)
    for first, last in BLOCKS.values():
        grey[(along >= first - 20.5) & (along < last - 19.5) & (across >= 5) & (across < 25)] = 20

    def on_page(*points: tuple[int, int]) -> tuple[tuple[int, int], ...]:
        found = np.array(points) @ axes + (20, 60)
        return tuple((round(px), round(py)) for px, py in found.tolist())

    return grey, TextLine("l", on_page((0, 0), (250, 0), (250, 30), (0, 30)), on_page((0, 25), (250, 25)))


def reading_of(text: str, places: dict[str, tuple[float, float]], width: float = 2.0) -> Reading:
    """Narrow peaks, as a network gives them: two a word, in the middle of its letters; a blank between words."""
    found: list[Span] = []
    for i, word in enumerate(text.split()):
        first, last = places[word]
        quarter = (last - first) / 4
        if i:
            before = found[-1].end
            found.append(Span(" ", (before + first) / 2, (before + first) / 2 + width, 0.9))
        for letter, middle in zip(word, (first + quarter, last - quarter), strict=True):
            found.append(Span(letter, middle - width / 2, middle + width / 2, 0.8))
    return Reading(text, 0.7, tuple(found), words=tuple(words_of_spans(found)))


def test_words_are_found_to_the_pixel_from_mere_peaks() -> None:
    grey, line = line_with_blocks()
    crop = LineCutter(grey, Page("p", "p.png", *SIZE)).cut(line)
    places = {
        word: (first - 20, last - 20) for word, (first, last) in BLOCKS.items()
    }  # the crop begins at 20
    words = words_of(reading_of("to be or", places), crop, SIZE)
    assert [word.text for word in words] == ["to", "be", "or"]
    assert [(word.box[0], word.box[2]) for word in words] == list(BLOCKS.values())
    assert {(word.box[1], word.box[3]) for word in words} == {(60, 90)}
    assert [word.confidence for word in words] == pytest.approx([0.64] * 3)


@pytest.mark.parametrize("degrees", [-10, 4, 12])
def test_words_of_a_slanting_line(degrees: float) -> None:
    slope = math.radians(degrees)
    grey, line = line_with_blocks(slope)
    crop = LineCutter(grey, Page("p", "p.png", *SIZE)).cut(line)
    offset = crop.to_page[:, 2] - (20, 60)
    start = -(offset[0] * math.cos(slope) + offset[1] * math.sin(slope))  # of the line, in the crop
    places = {word: (first - 20 + start, last - 20 + start) for word, (first, last) in BLOCKS.items()}
    words = words_of(reading_of("to be or", places), crop, SIZE)
    for word, (first, last) in zip(words, BLOCKS.values(), strict=True):
        corners = [(x - 20, y) for x in (first, last) for y in (0, 30)]
        xs = [20 + x * math.cos(slope) - y * math.sin(slope) for x, y in corners]
        assert abs(word.box[0] - min(xs)) <= 2
        assert abs(word.box[2] - max(xs)) <= 2


def test_words_without_a_gap_are_cut_where_there_is_least_ink() -> None:
    grey, line = line_with_blocks()
    grey[75:77, 20:270] = 20  # one long stroke through everything
    crop = LineCutter(grey, Page("p", "p.png", *SIZE)).cut(line)
    places = {word: (first - 20, last - 20) for word, (first, last) in BLOCKS.items()}
    words = words_of(reading_of("to be or", places), crop, SIZE)
    assert abs(words[0].box[2] - 89) <= 1
    assert abs(words[1].box[0] - 90) <= 1


def test_a_blank_line_has_its_words_where_they_were_read() -> None:
    grey, line = line_with_blocks()
    crop = LineCutter(np.full_like(grey, 240), Page("p", "p.png", *SIZE)).cut(line)
    [word] = words_of(Reading("a", 0.1, words=(WordSpan("a", 50.0, 56.0, 0.1),)), crop, SIZE)
    assert (word.box[0], word.box[2]) == (70, 75)
    assert words_of(Reading("", 1.0), crop, SIZE) == ()


def test_a_gap_has_the_place_of_all_that_it_stands_for() -> None:
    grey, line = line_with_blocks()
    crop = LineCutter(grey, Page("p", "p.png", *SIZE)).cut(line)
    places = {word: (first - 20, last - 20) for word, (first, last) in BLOCKS.items()}
    reading = reading_of("to be or", places)
    doubtful = tuple(replace(word, confidence=0.9 if word.text == "to" else 0.1) for word in reading.words)
    words = words_of(with_gaps(replace(reading, words=doubtful), 0.5), crop, SIZE)
    assert [(word.text, word.read) for word in words] == [("to", None), (GAP, "be or")]
    assert (words[1].box[0], words[1].box[2]) == (BLOCKS["be"][0], BLOCKS["or"][1])


def page_of_bars(*texts: str) -> tuple[np.ndarray, Page]:
    """A page whose lines the tiny model reads, one under the other, 3 times as large, from x = 30 on."""
    drawn = [draw(text, scale=3) for text in texts]
    grey = np.full((100 * len(texts) + 50, 60 + max(picture.shape[1] for picture in drawn)), 255, np.uint8)
    lines = []
    for i, picture in enumerate(drawn):
        top, (height, width) = 40 + 100 * i, picture.shape
        grey[top : top + height, 30 : 30 + width] = picture
        right, bottom = 30 + width - 1, top + height - 1
        lines.append(TextLine(f"l{i}", ((30, top), (right, top), (right, bottom), (30, bottom))))
    return grey, Page("p", "p.png", grey.shape[1], grey.shape[0], (Region("r", (), tuple(lines)),))


def test_a_page_is_read_into_lines_with_words_in_their_places(tiny_model: Path) -> None:
    grey, page = page_of_bars("ab ba", "éa")
    read = read_lines(page, grey, Recognizer.load(tiny_model))
    assert [line.text for line in read.lines] == ["ab ba", "éa"]
    words = [(word.text, word.box[0], word.box[2]) for word in read.lines[0].words]
    symbol = 3 * 2 * SYMBOL  # pixels from one symbol's beginning to the next
    # The space is a bar too, so words are cut in the middle of the bare columns beside it, or in the bar.
    assert [word[0] for word in words] == ["ab", "ba"]
    assert words[0][1] == 30
    assert abs(words[0][2] - (30 + symbol + symbol // 2)) <= symbol
    assert read.lines[0].words[0].box[3] - read.lines[0].words[0].box[1] == 3 * HEIGHT - 1


def test_a_line_that_cannot_be_read_keeps_its_place_and_says_why(tiny_model: Path) -> None:
    grey, page = page_of_bars("ab", "ba")
    region = page.regions[0]
    lines = (region.lines[0], TextLine("lost"), region.lines[1])
    page = Page("p", "p.png", page.width, page.height, (Region("r", (), lines), Region("empty")))
    read = read_lines(page, grey, Recognizer.load(tiny_model))
    assert [(line.id, line.text) for line in read.lines] == [("l0", "ab"), ("lost", ""), ("l1", "ba")]
    assert [bool(line.problem) for line in read.lines] == [False, True, False]
    assert "neither outline nor baseline" in read.lines[1].problem
    assert [len(found.lines) for found in read.regions] == [3, 0]


def test_pages_without_lines_are_read_as_such(tiny_model: Path) -> None:
    page = Page("p", "p.png", 10, 10)
    assert read_lines(page, np.zeros((10, 10), np.uint8), Recognizer.load(tiny_model)) == page


def test_given_lines_are_read_and_others_are_found(tiny_model: Path, tmp_path: Path) -> None:
    grey, known = page_of_bars("ab", "é")
    Image.fromarray(grey).save(tmp_path / "scan.png")
    reader = Recognizer.load(tiny_model)
    [bare] = read_sources(tmp_path / "scan.png")
    found = read_page(bare, reader, find=lambda page, seen: replace(page, regions=known.regions))
    assert [line.text for line in found.lines] == ["ab", "é"]
    with pytest.raises(DataError, match=r"scan.png: gives no lines"):
        read_page(bare, reader)
    (tmp_path / "scan.xml").write_bytes(page_xml(found, BY))
    [given] = read_sources(tmp_path / "scan.xml")
    again = read_page(given, reader, find=lambda page, seen: pytest.fail("lines are given"))
    assert [line.text for line in again.lines] == ["ab", "é"]
    assert again.lines[0].words == found.lines[0].words

import re
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from amanuensis.evaluation import Outcome, Results, html_report, score, write_html
from amanuensis.evaluation.pieces import bar, differences, glyph, picture, reliability_plot
from amanuensis.language import TextNormalization
from amanuensis.metrics import ReliabilityBin
from amanuensis.records import Sample


class Balanced(HTMLParser):
    """Every element that is opened is closed, in order."""

    VOID = ("meta", "img", "br")

    def __init__(self):
        super().__init__()
        self.open, self.sources, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parsed(markup):
    parser = Balanced()
    parser.feed(markup)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture
def lines(tmp_path):
    samples = []
    for i, text in enumerate(["a <b>& c", "wholly wrong", "nearly right", "right", "lost", "no image"]):
        path = tmp_path / f"{i}.png"
        Image.fromarray(np.full((30, 200), 200, np.uint8)).save(path)
        samples.append(Sample(str(i), path, text, "test", "letters", page=str(i % 3), writer=f"w<{i % 2}>"))
    (tmp_path / "5.png").unlink()
    return samples


def results_of(samples):
    texts = ["a <i>& d", "zzz", "nearly rght", "right", None, "no imag"]
    outcomes = [
        Outcome(sample.key, text, 0.8) if text is not None else Outcome(sample.key, error="zero <bytes>")
        for sample, text in zip(samples, texts, strict=True)
    ]
    return Results(
        "toy <1>",
        "test",
        ("letters",),
        TextNormalization(),
        {"method": "best-path"},
        {"letters": 2.0},
        tuple(outcomes),
    )


def test_the_page_stands_alone_and_escapes_what_it_shows(lines):
    page = html_report(score(results_of(lines), lines))
    parser = parsed(page)
    assert parser.sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in parser.sources)
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    for raw in ("<i>& d", "zero <bytes>", "toy <1>", "w<1>"):
        assert raw not in page
    text = "".join(parser.text)
    for shown in ("toy <1>", "zero <bytes>", "letters/w<1>", "letters/4"):
        assert shown in text


def test_the_worst_lines_come_first_and_right_ones_not_at_all(lines):
    page = html_report(score(results_of(lines), lines))
    worst = re.findall(r"<figcaption>letters/(\d)", page)
    assert worst == ["1", "0", "5", "2"]
    assert re.findall(r"<figcaption>letters/(\d)", html_report(score(results_of(lines), lines), worst=1)) == [
        "1"
    ]


def test_a_picture_that_is_gone_leaves_its_line_and_the_rest(lines):
    page = html_report(score(results_of(lines), lines))
    assert len(parsed(page).sources) == 3
    assert "5.png" in page


def test_a_perfect_and_an_empty_report_can_be_shown(lines, tmp_path):
    perfect = replace(results_of(lines), outcomes=tuple(Outcome(s.key, s.text, 1.0) for s in lines))
    page = html_report(score(perfect, lines))
    parsed(page)
    assert "<figure" not in page
    nothing = Results("toy", "", (), TextNormalization(), {}, {}, ())
    write_html(score(nothing, []), tmp_path / "out" / "report.html")
    parsed((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["report.html"]


def test_long_tables_keep_their_other_rows(lines):
    many = [replace(lines[0], id=str(i), page=f"p{i:02}") for i in range(30)]
    results = replace(results_of(lines), outcomes=())
    text = "".join(parsed(html_report(score(results, many))).text)
    assert "the other 18" in text
    assert all(f"letters/p{i:02}" in text for i in range(30))


def test_differences_spell_both_texts_and_mark_what_differs():
    written, read = differences("a<b c", "axb")
    assert written == "a<del>&lt;</del>b<del>␣c</del>"
    assert read == 'a<ins>x</ins>b<span class="gap">‸</span>'


def test_characters_that_cannot_be_seen_are_made_visible():
    assert "∅" in glyph("")
    assert "␣" in glyph(" ")
    assert "◌\u0303" in glyph("\u0303")
    assert "combining tilde" in glyph("\u0303")
    assert "&lt;" in glyph("<")
    assert "U+E000" in glyph("\ue000").upper()


def test_pictures_keep_their_shape(tmp_path):
    for shape, expected in [
        ((30, 200), (200, 30)),
        ((640, 3200), (320, 64)),
        ((10, 5000), (1008, 2)),
        ((1, 1), (1, 1)),
    ]:
        Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / "line.png")
        width, height = re.search(r'width="(\d+)" height="(\d+)"', picture(tmp_path / "line.png")).groups()
        assert (int(width), int(height)) == expected


PLOT = partial(reliability_plot, claims="words", right="words right")


def test_bars_and_plots_survive_their_edges():
    for markup in (bar(0, None, largest=0), bar(3.5, (1.0, 9.0), largest=2.0), PLOT([])):
        assert not re.search(r"nan|inf|-\d", markup.replace("text-anchor", "").replace("rotate(-90)", ""))
    assert 'width="100.00%"' in bar(3.5, None, largest=2.0)
    assert "7 words" in PLOT([ReliabilityBin(7, 0.5, 0.25)])

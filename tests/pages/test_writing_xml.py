from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from page_files import write_image
from read_pages import BY, ORDINARY, PAGES, page_of, read_line
from schemas import errors_of

from amanuensis.pages import read
from amanuensis.pages.write_alto_xml import alto_xml
from amanuensis.pages.write_hocr import hocr
from amanuensis.pages.write_page_xml import page_xml
from amanuensis.pages.write_tei import tei
from amanuensis.pages.xml_files import local
from amanuensis.records import Page, Reading, Region, Word

WRITERS = {"page": page_xml, "alto": alto_xml, "hocr": hocr, "tei": tei}


def parsed(data: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(data)


def all_of(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if local(element) == name]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("form", "schema"), [("page", "page-2019-07-15"), ("alto", "alto-4-4")])
def test_documents_are_valid(name: str, form: str, schema: str) -> None:
    assert errors_of(WRITERS[form](PAGES[name], BY), schema) == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("form", WRITERS)
def test_every_line_is_there_and_ids_are_unique(name: str, form: str) -> None:
    root = parsed(WRITERS[form](PAGES[name], BY))
    ids = [
        value
        for element in root.iter()
        for key, value in element.attrib.items()
        if key.rpartition("}")[2] in ("id", "ID")
    ]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[^\W\d][\w.-]*", found) for found in ids)
    lines = {"page": "TextLine", "alto": "TextLine", "tei": "lb"}
    found = (
        [element for element in root.iter() if element.get("class") == "ocr_line"]
        if form == "hocr"
        else all_of(root, lines[form])
    )
    assert len(found) == len(PAGES[name].lines)


@pytest.mark.parametrize("name", PAGES)
def test_page_has_what_transkribus_and_escriptorium_need(name: str) -> None:
    page = PAGES[name]
    root = parsed(page_xml(page, BY))
    element = all_of(root, "Page")[0]
    assert element.get("imageFilename") == "scan.png"
    points = [found.get("points") for tag in ("Coords", "Baseline") for found in all_of(root, tag)]
    assert all(re.fullmatch(r"\d+,\d+( \d+,\d+)+", found or "") for found in points)
    assert len(all_of(root, "Baseline")) == len(page.lines)
    regions = all_of(root, "TextRegion")
    order = [found.get("regionRef") for found in all_of(root, "RegionRefIndexed")]
    assert order == [found.get("id") for found in regions]
    assert [found.get("index") for found in all_of(root, "RegionRefIndexed")] == [
        str(i) for i in range(len(regions))
    ]


@pytest.mark.parametrize("name", PAGES)
def test_alto_has_what_transkribus_and_escriptorium_need(name: str) -> None:
    page = PAGES[name]
    root = parsed(alto_xml(page, BY))
    assert [found.text for found in all_of(root, "MeasurementUnit")] == ["pixel"]
    assert [found.text for found in all_of(root, "fileName")] == ["scan.png"]
    order = [found.get("REF") for found in all_of(root, "ElementRef")]
    assert order == [found.get("ID") for found in all_of(root, "TextBlock")]
    lines = all_of(root, "TextLine")
    assert len(lines) == len(page.lines)
    for line in lines:
        assert re.fullmatch(r"\d+ \d+( \d+ \d+)+", line.get("BASELINE", ""))
        assert re.fullmatch(r"\d+", line.get("HPOS", ""))
        assert all_of(line, "String")


@pytest.mark.parametrize("form", ["page", "alto"])
def test_a_page_comes_back_from_its_file(tmp_path: Path, form: str) -> None:
    write_image(tmp_path / "scan.png")
    (tmp_path / "scan.xml").write_bytes(WRITERS[form](ORDINARY, BY))
    [source] = read(tmp_path / "scan.xml")
    for was, found in zip(ORDINARY.regions, source.page.regions, strict=True):
        assert (found.id, found.polygon, found.kind) == (was.id, was.polygon, was.kind)
    for line, again in zip(ORDINARY.lines, source.page.lines, strict=True):
        assert (again.id, again.polygon, again.baseline) == (line.id, line.polygon, line.baseline)
        assert again.transcription == line.text
    assert source.load().shape == (100, 200)


def test_a_box_of_alto_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    write_image(tmp_path / "scan.png")
    text = alto_xml(page_of(Region("r", (), (read_line("a", "x"),))), BY).decode()
    (tmp_path / "scan.xml").write_text(re.sub(r"<Shape>.*?</Shape>", "", text, flags=re.DOTALL))
    [source] = read(tmp_path / "scan.xml")
    assert source.page.lines[0].polygon == read_line("a", "x").polygon


def test_confidences_have_four_decimals_and_the_maker_is_told() -> None:
    in_page, in_alto = page_xml(ORDINARY, BY).decode(), alto_xml(ORDINARY, BY).decode()
    assert set(re.findall(r'conf="([^"]*)"', in_page)) == {"0.1235", "0.9877"}
    assert set(re.findall(r'WC="([^"]*)"', in_alto)) == {"0.9877"}
    for text in (in_page, in_alto, hocr(ORDINARY, BY).decode(), tei(ORDINARY, BY).decode()):
        assert "amanuensis" in text
        assert "1.2" in text
        assert "small" in text
    assert in_page.count("2026-01-02T03:04:05Z") == 3


def test_words_have_the_boxes_of_the_record() -> None:
    root = parsed(page_xml(ORDINARY, BY))
    word = all_of(root, "Word")[0]
    left, top, right, bottom = ORDINARY.lines[0].words[0].box
    assert word[0].get("points") == f"{left},{top} {right},{top} {right},{bottom} {left},{bottom}"
    string = all_of(parsed(alto_xml(ORDINARY, BY)), "String")[0]
    found = [int(string.get(key, "")) for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT")]
    assert found == [left, top, right - left + 1, bottom - top + 1]
    titles = re.findall(
        r'class="ocrx_word"[^>]*title="bbox (\d+) (\d+) (\d+) (\d+);', hocr(ORDINARY, BY).decode()
    )
    assert titles[0] == tuple(str(n) for n in (left, top, right + 1, bottom + 1))


def test_the_text_of_tei_is_that_of_the_lines() -> None:
    root = parsed(tei(ORDINARY, BY))
    blocks = ["".join(block.itertext()) for block in all_of(root, "ab")]
    assert blocks == ["\nété & <fin>\nx y z\n", "\nd e f\n"]
    zones = {zone.get("{http://www.w3.org/XML/1998/namespace}id") for zone in all_of(root, "zone")}
    assert {f"#{zone}" for zone in zones} == {
        found.get("facs") for tag in ("ab", "lb") for found in all_of(root, tag)
    }


def with_a_gap() -> Page:
    line = read_line("l", "to […] be")
    gap = replace(line.words[1], read="b or", confidence=0.1)
    words: tuple[Word, ...] = (line.words[0], gap, line.words[2])
    return page_of(Region("r", (), (replace(line, words=words),)))


def test_gaps_are_marked_in_every_format() -> None:
    page = with_a_gap()
    [block] = all_of(parsed(tei(page, BY)), "ab")
    assert [found.get("reason") for found in all_of(block, "gap")] == ["illegible"]
    assert "".join(block.itertext()) == "\nto  be\n"
    assert "[…]" in page_xml(page, BY).decode()
    assert "[…]" in alto_xml(page, BY).decode()
    assert "[…]" in hocr(page, BY).decode()
    for data in (tei(page, BY), page_xml(page, BY), alto_xml(page, BY), hocr(page, BY)):
        assert "b or" not in data.decode()


def test_a_line_that_was_not_read_says_why() -> None:
    problem = PAGES["odd"]
    assert 'comments="not read: too &quot;narrow&quot; &lt; 3"' in page_xml(problem, BY).decode()
    assert '<desc>too "narrow" &lt; 3</desc>' in tei(problem, BY).decode()


def test_tei_keeps_the_text_that_the_source_gave_where_a_line_was_not_read() -> None:
    line = replace(read_line("l", "x"), reading=None, words=(), problem="dark")
    page = page_of(Region("r", (), (line, replace(line, id="m", transcription=None))))
    [block] = all_of(parsed(tei(page, BY)), "ab")
    assert "".join(block.itertext()) == "\nold\ndark\n"
    assert len(all_of(block, "gap")) == 1


def test_a_baseline_that_is_missing_follows_the_outline() -> None:
    line = replace(
        read_line("l", "x"),
        baseline=(),
        polygon=((0, 0), (100, 40), (100, 60), (0, 20)),
        reading=Reading("x", 1.0),
    )
    root = parsed(page_xml(page_of(Region("r", (), (line,))), BY))
    assert all_of(root, "Baseline")[0].get("points") == "0,15 25,25 50,35 75,45 100,55"

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from page_files import PAGE_2019, alto_xml, page_line, page_xml, region
from page_files import write as write_file
from read_pages import BY

from amanuensis.errors import DataError
from amanuensis.pages import PageSource, read, write
from amanuensis.pages.update_alto_xml import update_alto_xml
from amanuensis.pages.update_page_xml import update_page_xml
from amanuensis.records import Page, Reading, TextLine, Word

Change = Callable[[TextLine], TextLine]


def with_text(line: TextLine) -> TextLine:
    """The line as if it were read: its id, and & as a second word."""
    words = (Word(line.id, (20, 10, 90, 30), 0.75), Word("&", (100, 10, 180, 30), 0.5))
    return replace(line, reading=Reading(f"{line.id} &", 0.87654), words=words)


def read_page(page: Page, change: Change = with_text) -> Page:
    regions = [replace(found, lines=tuple(map(change, found.lines))) for found in page.regions]
    return replace(page, regions=tuple(regions))


def source_of(tmp_path: Path, text: str) -> PageSource:
    [source] = read(write_file(tmp_path, text))
    return source


def updated(source: PageSource, change: Change = with_text) -> str:
    form = source.form or "page"
    [data] = write(read_page(source.page, change), source, [form], BY).values()
    return data.decode()


PAGE_WORDS = re.compile(r"\s*<(pc:)?Word .*?</(pc:)?Word>", re.DOTALL)
PAGE_TEXT = re.compile(r"\s*<(pc:)?TextEquiv.*?</(pc:)?TextEquiv>", re.DOTALL)
PAGE_MAKER = re.compile(
    r"\s*<(pc:)?(Comments|MetadataItem).*?</(pc:)?(Comments|MetadataItem)>|(?<=[<:]LastChange>)[^<]*",
    re.DOTALL,
)
ALTO_TEXT = re.compile(r"\s*(<(String|SP|HYP)\b[^>]*/>|<String\b.*?</String>)", re.DOTALL)
ALTO_MAKER = re.compile(r"\s*<(OCR)?Processing .*?</(OCR)?Processing>", re.DOTALL)


def skeleton(text: str) -> str:
    """The file without text, confidences and who made them."""
    for pattern in (PAGE_WORDS, PAGE_TEXT, PAGE_MAKER, ALTO_TEXT, ALTO_MAKER):
        text = pattern.sub("", text)
    return text


TRANSKRIBUS = page_xml(
    "<!-- kept --><ReadingOrder><OrderedGroup id='g' caption=\"Regions\"><RegionRefIndexed index=\"0\" regionRef='r'/>"
    "</OrderedGroup></ReadingOrder>\n"
    + region(
        "r",
        page_line("a", "old &amp; worn", custom="readingOrder {index:1;}")
        + page_line("b", None, custom="readingOrder {index:0;}", top=40)
        + "<TextEquiv><Unicode>old\nregion</Unicode></TextEquiv>",
    )
    + "\n<ImageRegion id='i' custom='x'><Coords points='1,1 2,2'/></ImageRegion><Unknown a='1'>&#xe9;</Unknown>"
)


def test_nothing_but_text_and_maker_changes_in_page(tmp_path: Path) -> None:
    new = updated(source_of(tmp_path, TRANSKRIBUS))
    assert skeleton(new) == skeleton(TRANSKRIBUS)
    assert '<TextEquiv conf="0.8765"><Unicode>a &amp;</Unicode></TextEquiv>' in new
    assert "<Unicode>b &amp;\na &amp;</Unicode>" in new  # the region's, in reading order
    assert new.count("<Word ") == 4
    assert "<Comments>amanuensis 1.2: read with small</Comments>" in new
    assert "<LastChange>2026-01-02T03:04:05Z</LastChange>" in new
    assert "old" not in skeleton(new)
    [again] = read(write_file(tmp_path, new))
    assert [line.transcription for line in again.page.lines] == ["b &", "a &"]


def test_updating_twice_is_updating_once(tmp_path: Path) -> None:
    for text in (TRANSKRIBUS, TRANSKRIBUS.replace("2013-07-15", "2019-07-15"), ESCRIPTORIUM, LIBRARY):
        new = updated(source_of(tmp_path, text))
        assert updated(source_of(tmp_path, new)) == new


def test_prefixes_and_the_newer_metadata(tmp_path: Path) -> None:
    text = re.sub(r"<(/?)(?=[A-Z])", r"<\1pc:", page_xml(region("r", page_line("a")), year=PAGE_2019))
    text = text.replace("xmlns=", "xmlns:pc=")
    new = updated(source_of(tmp_path, text))
    assert skeleton(new) == skeleton(text)
    assert '<pc:MetadataItem type="processingStep"' in new
    assert '<pc:TextEquiv conf="0.8765"><pc:Unicode>a &amp;</pc:Unicode></pc:TextEquiv>' in new


def test_a_line_without_a_reading_keeps_what_it_has(tmp_path: Path) -> None:
    for text in (TRANSKRIBUS, ESCRIPTORIUM):
        source = source_of(tmp_path, text)
        new = updated(source, lambda line: replace(line, reading=None, problem="dark"))
        without_maker = (PAGE_MAKER.sub("", ALTO_MAKER.sub("", found)) for found in (new, text))
        assert len(set(without_maker)) == 1


def test_the_first_of_several_texts_is_replaced_and_old_words_go(tmp_path: Path) -> None:
    line = page_line("a").replace(
        "</TextLine>",
        '<Word id="w"><Coords points="1,1 2,2"/></Word>'
        '<TextEquiv index="1"><Unicode>other</Unicode></TextEquiv>'
        '<TextEquiv index="0" conf="0.1"><Unicode>first</Unicode></TextEquiv></TextLine>',
    )
    new = updated(source_of(tmp_path, page_xml(region("r", line), year=PAGE_2019)))
    assert '<TextEquiv index="1"><Unicode>other</Unicode></TextEquiv>' in new
    assert '<TextEquiv index="0" conf="0.8765"><Unicode>a &amp;</Unicode></TextEquiv>' in new
    assert 'id="w"' not in new


def test_ids_of_new_words_clash_with_none(tmp_path: Path) -> None:
    lines = page_line("a") + page_line("a_w1", top=40)
    new = updated(source_of(tmp_path, page_xml(region("r", lines))))
    ids = re.findall(r' id="([^"]+)"', new)
    assert len(set(ids)) == len(ids)


ESCRIPTORIUM = alto_xml(
    '\n  <TextBlock ID="b"\n   TAGREFS="T"><TextLine ID="l1" BASELINE="20 25 180 26">\n'
    '   <Shape><Polygon POINTS="20 10 180 10 180 30"/></Shape>\n   <String CONTENT="old"\n HPOS="1"></String>\n'
    '  </TextLine><!-- kept --><TextLine ID="l2" HPOS="20" VPOS="40" WIDTH="100" HEIGHT="20"/></TextBlock>'
    '<Illustration ID="i"/>'
)
LIBRARY = alto_xml(
    '<TextBlock ID="b"><TextLine ID="l1" HPOS="100" VPOS="50" WIDTH="500" HEIGHT="100">'
    '<String ID="s" STYLEREFS="f" CONTENT="old"/><SP/><String CONTENT="text"/><HYP CONTENT="-"/></TextLine>'
    "</TextBlock>",
    unit="mm10",
    size=(1000, 500),
).replace("ns-v4#", "ns-v2#")


@pytest.mark.parametrize("text", [ESCRIPTORIUM, LIBRARY])
def test_nothing_but_text_and_maker_changes_in_alto(tmp_path: Path, text: str) -> None:
    new = updated(source_of(tmp_path, text))
    assert skeleton(new).replace('HEIGHT="20"></TextLine>', 'HEIGHT="20"/>') == skeleton(text)
    assert "old" not in new
    assert 'CONTENT="l1"' in new
    assert 'WC="0.7500"' in new
    assert "<softwareName>amanuensis</softwareName><softwareVersion>1.2</softwareVersion>" in new
    [again] = read(write_file(tmp_path, new))
    assert again.page.lines[0].transcription == "l1 &"


def test_boxes_are_in_the_unit_of_the_document(tmp_path: Path) -> None:
    new = updated(source_of(tmp_path, LIBRARY))
    assert 'CONTENT="l1" HPOS="100" VPOS="50" WIDTH="355" HEIGHT="105"' in new
    assert '<OCRProcessing ID="amanuensis_1"><ocrProcessingStep>' in new


def test_a_page_with_other_lines_becomes_a_new_file(tmp_path: Path) -> None:
    source = source_of(tmp_path, TRANSKRIBUS)
    found = replace(source.page.regions[0], lines=(with_text(TextLine("new", ((1, 1), (9, 1), (9, 9)))),))
    page = replace(source.page, regions=(found,))
    [data] = write(page, source, ["page"], BY).values()
    assert b"2019-07-15" in data
    assert b"ImageRegion" not in data
    with pytest.raises(DataError, match=r"has 2 lines and the page 1, of which 0 are the same"):
        update_page_xml(TRANSKRIBUS.encode(), page, BY, "scan.xml")
    with pytest.raises(DataError, match=r"has 2 lines and the page 1"):
        update_alto_xml(ESCRIPTORIUM.encode(), page, BY, "scan.xml")


def test_the_other_format_is_written_anew(tmp_path: Path) -> None:
    source = source_of(tmp_path, TRANSKRIBUS)
    outputs = write(read_page(source.page), source, ["page", "alto"], BY)
    assert set(outputs) == {".page.xml", ".alto.xml"}
    assert b"<!-- kept -->" in outputs[".page.xml"]
    assert b"ns-v4#" in outputs[".alto.xml"]


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    page = source_of(tmp_path, TRANSKRIBUS).page
    with pytest.raises(DataError, match="no PAGE"):
        update_page_xml(ESCRIPTORIUM.encode(), page, BY, "x.xml")
    with pytest.raises(DataError, match="no ALTO"):
        update_alto_xml(TRANSKRIBUS.encode(), page, BY, "x.xml")

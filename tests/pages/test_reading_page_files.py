from __future__ import annotations

from pathlib import Path

import pytest
from page_files import alto_xml, page_line, page_xml, region, write, write_image
from PIL import Image

from amanuensis.errors import DataError, ImageError
from amanuensis.pages import read
from amanuensis.pages.coordinates import parse_points
from amanuensis.records import Page


def one(path: Path) -> Page:
    [source] = read(path)
    return source.page


def test_a_page_file_with_regions_lines_and_texts(tmp_path: Path) -> None:
    body = region("r1", page_line("a", "été")).replace("<TextRegion", '<TextRegion type="heading"')
    page = one(write(tmp_path, page_xml(body)))
    assert (page.id, page.image, page.width, page.height) == ("scan", "scan.png", 200, 100)
    [found] = page.regions
    assert (found.id, found.kind) == ("r1", "heading")
    assert found.polygon == ((0, 0), (199, 0), (199, 99), (0, 99))
    [line] = found.lines
    assert (line.id, line.transcription, line.text, line.reading) == ("a", "été", "été", None)
    assert line.polygon == ((20, 10), (180, 10), (180, 30), (20, 30))
    assert line.baseline == ((20, 25), (180, 25))


def test_the_reading_order_goes_before_the_order_of_the_file(tmp_path: Path) -> None:
    order = (
        '<ReadingOrder><OrderedGroup id="g"><RegionRefIndexed index="1" regionRef="r1"/>'
        '<UnorderedGroupIndexed id="h" index="0"><RegionRef regionRef="r3"/></UnorderedGroupIndexed>'
        "</OrderedGroup></ReadingOrder>"
    )
    page = one(write(tmp_path, page_xml(order + "".join(region(f"r{i}", "") for i in range(4)))))
    assert [found.id for found in page.regions] == ["r3", "r1", "r0", "r2"]


def test_transkribus_keeps_orders_and_types_in_custom(tmp_path: Path) -> None:
    lines = "".join(
        page_line(name, custom=f"readingOrder {{index:{place};}} structure {{type:{kind};}}")
        for name, place, kind in [("x", 1, "formula"), ("y", 0, "heading")]
    )
    found = one(write(tmp_path, page_xml(region("r", lines)))).lines
    assert [(line.id, line.kind, line.is_formula) for line in found] == [
        ("y", "heading", False),
        ("x", "formula", True),
    ]


def test_lines_of_table_cells_and_nested_regions_are_lines(tmp_path: Path) -> None:
    cells = "".join(region(f"c{i}", page_line(f"l{i}"), "TableCell") for i in (1, 2))
    body = region("t", cells, "TableRegion") + region("out", region("in", page_line("l3")))
    page = one(write(tmp_path, page_xml(body)))
    assert [found.id for found in page.regions] == ["c1", "c2", "out", "in"]
    assert [line.id for line in page.lines] == ["l1", "l2", "l3"]


def test_a_line_that_lies_nowhere_is_missed_aloud(tmp_path: Path) -> None:
    nested = page_line("a").replace("</TextLine>", page_line("b") + "</TextLine>")
    with pytest.raises(DataError, match="1 of 2 text lines lie outside"):
        one(write(tmp_path, page_xml(region("r", nested))))


def test_ids_that_are_missing_or_doubled_are_told_apart(tmp_path: Path) -> None:
    lines = page_line("a") + page_line("a") + page_line("a_2") + page_line("").replace(' id=""', "")
    page = one(write(tmp_path, page_xml(region("r", lines))))
    ids = [line.id for line in page.lines]
    assert len(set(ids)) == 4
    assert ids[0] == "a"


def test_a_maths_region_is_a_formula(tmp_path: Path) -> None:
    assert one(write(tmp_path, page_xml(region("m", "", "MathsRegion")))).regions[0].is_formula


def test_the_first_text_of_a_line_counts_and_words_if_it_has_none(tmp_path: Path) -> None:
    second = '<TextEquiv index="1"><Unicode>second</Unicode></TextEquiv>'
    first = '<TextEquiv index="0"><Unicode>first</Unicode></TextEquiv>'
    word = '<Word id="{0}"><Coords points=""/><TextEquiv><Unicode>{0}</Unicode></TextEquiv></Word>'
    lines = page_line("a").replace("</TextLine>", f"{second}{first}</TextLine>")
    lines += page_line("b").replace("</TextLine>", word.format("to") + word.format("be") + "</TextLine>")
    lines += page_line("c", "") + page_line("d")
    page = one(write(tmp_path, page_xml(region("r", lines))))
    assert [line.transcription for line in page.lines] == ["first", "to be", "", None]


def test_points_outside_of_the_page_and_fractions(tmp_path: Path) -> None:
    line = '<TextLine id="a"><Coords points="-5,3.6 250,3.4 250,500"/></TextLine>'
    page = one(write(tmp_path, page_xml(region("r", line))))
    assert page.lines[0].polygon == ((0, 4), (199, 3), (199, 99))


@pytest.mark.parametrize("points", ["1,2 3", "1,2 3,x", "1,2 1e9,4", "nan,1", "inf,inf"])
def test_what_are_no_points(points: str) -> None:
    with pytest.raises(DataError, match="here"):
        parse_points(points, "here")


def test_alto_with_blocks_tags_and_baselines(tmp_path: Path) -> None:
    body = (
        '<ComposedBlock ID="c"><TextBlock ID="b" TAGREFS="T1" HPOS="0" VPOS="0" WIDTH="200" HEIGHT="100">'
        '<TextLine ID="l1" BASELINE="20 25 180 26"><Shape><Polygon POINTS="20 10 180 10 180 30"/></Shape>'
        '<String CONTENT="Je suis"/><SP/><String CONTENT="ve"/><HYP CONTENT="-"/></TextLine>'
        '<TextLine ID="l2" HPOS="20" VPOS="40" WIDTH="100" HEIGHT="20" BASELINE="55"/>'
        "</TextBlock></ComposedBlock>"
    )
    tags = '<Tags><OtherTag ID="T1" LABEL="MathsZone:display"/></Tags><Layout>'
    page = one(write(tmp_path, alto_xml(body).replace("<Layout>", tags)))
    [block] = page.regions
    assert (block.id, block.kind, block.is_formula) == ("b", "MathsZone:display", True)
    first, second = block.lines
    assert (first.transcription, second.transcription) == ("Je suis ve-", None)
    assert first.baseline == ((20, 25), (180, 26))
    assert second.polygon == ((20, 40), (119, 40), (119, 59), (20, 59))
    assert second.baseline == ((20, 55), (119, 55))


def test_alto_in_tenths_of_millimeters_becomes_pixels(tmp_path: Path) -> None:
    line = '<TextLine ID="l" HPOS="100" VPOS="50" WIDTH="500" HEIGHT="100"/>'
    page = one(
        write(tmp_path, alto_xml(f'<TextBlock ID="b">{line}</TextBlock>', unit="mm10", size=(1000, 500)))
    )
    assert (page.width, page.height) == (200, 100)
    assert page.lines[0].polygon == ((20, 10), (119, 10), (119, 29), (20, 29))


def test_alto_in_millimeters_without_its_image_says_which_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path, alto_xml("", unit="mm10", size=(1000, 500), image="lost.tif"))
    (tmp_path / "scan.png").unlink()
    with pytest.raises(ImageError, match=r"its image lost.tif is not there; looked in"):
        list(read(path))


def test_alto_in_millimeters_needs_the_size_of_the_page(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="WIDTH and HEIGHT of the page are needed"):
        list(read(write(tmp_path, alto_xml("", unit="mm10", size=(0, 500)))))


@pytest.mark.parametrize("empty", ["", '<Shape><Polygon POINTS=""/></Shape>'])
def test_an_alto_box_counts_where_there_are_no_points_and_is_clipped(tmp_path: Path, empty: str) -> None:
    place = 'HPOS="-3" VPOS="90" WIDTH="60" HEIGHT="20" BASELINE="-2"'
    page = one(
        write(
            tmp_path, alto_xml(f'<TextBlock ID="b"><TextLine ID="l" {place}>{empty}</TextLine></TextBlock>')
        )
    )
    assert page.lines[0].polygon == ((0, 90), (56, 90), (56, 99), (0, 99))
    assert page.lines[0].baseline == ((0, 0), (56, 0))


@pytest.mark.parametrize("place", ['HPOS="x"', 'HPOS="-1e300"', 'WIDTH="-5"', 'WIDTH="1e308"', 'VPOS="nan"'])
def test_an_alto_box_that_is_none_is_named(tmp_path: Path, place: str) -> None:
    key = place.partition("=")[0]
    others = " ".join(f'{name}="1"' for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT") if name != key)
    with pytest.raises(DataError, match=rf"l: {key} is"):
        list(
            read(
                write(
                    tmp_path, alto_xml(f'<TextBlock ID="b"><TextLine ID="l" {place} {others}/></TextBlock>')
                )
            )
        )


SIZE = 'imageWidth="200" imageHeight="100"'


@pytest.mark.parametrize("size", ["", 'imageWidth="0" imageHeight="0"', 'imageWidth="200"'])
def test_page_without_a_size_has_that_of_its_image(tmp_path: Path, size: str) -> None:
    page = one(write(tmp_path, page_xml(region("r", page_line("a"))).replace(SIZE, size)))
    assert (page.width, page.height) == (200, 100)
    assert page.lines[0].polygon == ((20, 10), (180, 10), (180, 30), (20, 30))


def test_page_without_a_size_and_an_image_is_still_counted(tmp_path: Path) -> None:
    path = write(tmp_path, page_xml(region("r", page_line("a"))).replace(SIZE, ""))
    (tmp_path / "scan.png").unlink()
    [source] = read(path)
    with pytest.raises(ImageError, match=r"scan.png is not there"):
        source.load()


@pytest.mark.parametrize(
    "text",
    [page_xml("").replace(SIZE, 'imageWidth="14400" imageHeight="7200"'), alto_xml("", size=(14400, 7200))],
)
def test_a_page_that_no_picture_may_be_as_large_as_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="a page of 14400 x 7200 is more than 100 million pixels"):
        list(read(write(tmp_path, text)))


def test_alto_in_reading_order(tmp_path: Path) -> None:
    references = '<ElementRef ID="e1" REF="b2"/><ElementRef ID="e2" REF="b1"/>'
    order = f'<ReadingOrder><OrderedGroup ID="g">{references}</OrderedGroup></ReadingOrder>'
    body = '<TextBlock ID="b1"/><TextBlock ID="b2"/>'
    page = one(write(tmp_path, alto_xml(body).replace("<Layout>", f"{order}<Layout>")))
    assert [block.id for block in page.regions] == ["b2", "b1"]


def test_the_image_may_lie_above_a_folder_called_page(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    path = tmp_path / "page" / "scan.xml"
    path.write_text(page_xml(""), encoding="utf-8")
    write_image(tmp_path / "scan.png")
    [source] = read(path)
    assert source.load().shape == (100, 200)


def test_an_image_of_another_resolution_is_brought_to_the_size_of_the_lines(tmp_path: Path) -> None:
    path = write(tmp_path, page_xml(""))
    write_image(tmp_path / "scan.png", (400, 200))
    [source] = read(path)
    assert source.load().shape == (100, 200)
    write_image(tmp_path / "scan.png", (400, 400))
    with pytest.raises(ImageError, match=r"200 x 100 pixels, but scan.png has 400 x 400"):
        source.load()


def test_a_missing_image_is_the_failure_of_its_page(tmp_path: Path) -> None:
    path = write(tmp_path, page_xml("", image="other.tif"))
    (tmp_path / "scan.png").unlink()
    [source] = read(path)
    with pytest.raises(ImageError, match=r"other.tif is not there; looked in"):
        source.load()


@pytest.mark.parametrize("name", ["x" * 300, "x" * 253 + ".p", "é" * 1000 + "/scan"])
def test_a_name_that_is_too_long_for_a_file_is_one_that_is_not_there(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, page_xml("", image=name), "other.xml")
    [source] = read(path)
    assert source.files() == (path, *dict.fromkeys(((tmp_path / name).parent, tmp_path)))
    with pytest.raises(ImageError, match="is not there"):
        source.load()


ELSEWHERE = (
    ".",
    "./",
    "/etc/passwd",
    "../scan.png",
    "a/../../scan.png",
    "..\\scan.png",
    "\\\\host\\share\\x.png",
    "C:\\x.png",
    "https://example.org/x.png",
    "file:///x.png",
    "FILE:x.png",
    "x/../y.png",
)


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("make", [page_xml, alto_xml])
def test_image_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str, make) -> None:
    with pytest.raises(DataError, match=r"refused"):
        list(read(write(tmp_path, make("", image=name))))


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
FETCHED = '<!DOCTYPE x SYSTEM "http://example.org/x.dtd">'


@pytest.mark.parametrize("declaration", [BOMB, OUTSIDE, FETCHED])
@pytest.mark.parametrize("make", [page_xml, alto_xml])
def test_entities_and_document_types_are_refused(tmp_path: Path, declaration: str, make) -> None:
    text = make("").replace("?>\n", f"?>\n{declaration}", 1)
    with pytest.raises(DataError, match="entities"):
        list(read(write(tmp_path, text)))


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    deep = '<TextRegion id="r">' * 5000 + "</TextRegion>" * 5000
    with pytest.raises(DataError, match="nested deeper"):
        list(read(write(tmp_path, page_xml(deep))))


@pytest.mark.parametrize("text", ["<html/>", "<PcGts/>", "<broken", f"<alto xmlns='{'x'}'/>"])
def test_other_xml_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"scan.xml"):
        list(read(write(tmp_path, text)))


def test_a_page_of_a_wrong_encoding_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "scan.xml"
    path.write_bytes(page_xml(page_line("a", "é")).encode("latin-1"))
    with pytest.raises(DataError, match="broken XML"):
        list(read(path))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_by_name(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "scan.xml"
    path.write_bytes(("\ufeff" + page_xml("").replace("UTF-8", "UTF-16")).encode(encoding))
    with pytest.raises(DataError, match="UTF-16"):
        list(read(path))


def test_an_upright_photo_has_the_size_that_it_is_loaded_in(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (30, 20), 255).save(tmp_path / "photo.jpg", exif=exif)
    [source] = read(tmp_path / "photo.jpg")
    assert (source.page.height, source.page.width) == source.load().shape == (30, 20)

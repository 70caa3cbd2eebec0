from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from page_files import page_xml, write_image
from PIL import Image
from read_pages import BY, EMPTY, ODD, ORDINARY, page_of, read_line

from amanuensis.errors import DataError, ImageError
from amanuensis.pages import FORMATS, moment_of_run, read, suffixes, write
from amanuensis.pages.write_pdf import searchable_pdf
from amanuensis.records import Alternative, Page, Reading, Region


def test_text_has_a_row_per_line(tmp_path: Path) -> None:
    [source] = read(write_image(tmp_path / "scan.png"))
    outputs = write(ORDINARY, source, ["txt"], BY)
    assert outputs == {".txt": "été & <fin>\nx y z\n\nd e f\n".encode()}
    assert write(EMPTY, source, ["txt"], BY) == {".txt": b""}


def test_a_table_has_a_row_per_line_whatever_is_in_it(tmp_path: Path) -> None:
    [source] = read(write_image(tmp_path / "scan.png"))
    odd = replace(ODD, regions=(*ODD.regions, Region("t", (), (read_line("z", "a\tb\nc\u2028d"),))))
    rows = write(odd, source, ["tsv"], BY)[".tsv"].decode("utf-8", "surrogatepass").split("\n")
    assert rows[0].split("\t")[:3] == ["page", "region", "line"]
    assert len(rows) == 1 + len(odd.lines) + 1
    assert {row.count("\t") for row in rows[:-1]} == {9}
    assert rows[-2].split("\t")[3:] == ["20", "10", "180", "30", "a b c d", "0.1235", ""]


def test_json_says_all(tmp_path: Path) -> None:
    [source] = read(write_image(tmp_path / "scan.png"))
    told = json.loads(write(ORDINARY, source, ["json"], BY)[".json"])
    assert (told["model"], told["version"], told["image"]) == ("small", "1.2", "scan.png")
    line = told["regions"][0]["lines"][0]
    assert (line["text"], line["transcription"], line["confidence"]) == ("été & <fin>", "old", 0.1235)
    assert line["words"][0] == {"text": "été", "box": [20, 10, 68, 30], "confidence": 0.9877}


def test_json_tells_what_was_read_before_correction_and_other_readings(tmp_path: Path) -> None:
    [source] = read(write_image(tmp_path / "scan.png"))
    other = (Alternative("light", 0.12346),)
    reading = Reading("right", 0.9, alternatives=other, remarks=("far from home",), uncorrected="rihgt")
    page = page_of(Region("r", (), (replace(read_line("a", "right"), reading=reading), read_line("b", "x"))))
    first, second = json.loads(write(page, source, ["json"], BY)[".json"])["regions"][0]["lines"]
    assert (first["text"], first["uncorrected"]) == ("right", "rihgt")
    assert first["alternatives"] == [{"text": "light", "confidence": 0.1235}]
    assert first["remarks"] == ["far from home"]
    assert not {"uncorrected", "alternatives", "remarks"} & second.keys()


def test_every_format_takes_every_page(tmp_path: Path) -> None:
    [source] = read(write_image(tmp_path / "scan.png"))
    for page in (ORDINARY, EMPTY, replace(ODD, regions=ODD.regions[:2])):
        outputs = write(page, source, FORMATS, BY)
        assert len(outputs) == len(FORMATS)
        assert all(outputs.values()) or page is EMPTY


def test_xml_alone_has_the_plain_suffix() -> None:
    assert suffixes(["page", "txt"]) == {"page": ".xml", "txt": ".txt"}
    assert suffixes(["page", "alto"]) == {"page": ".page.xml", "alto": ".alto.xml"}
    assert suffixes(["tei", "tei"]) == {"tei": ".xml"}
    with pytest.raises(DataError, match=r"no format 'docx'.*txt, tsv"):
        suffixes(["docx"])


def test_the_moment_can_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert moment_of_run() == datetime(1970, 1, 2, tzinfo=UTC)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "tomorrow")
    with pytest.raises(DataError, match="tomorrow"):
        moment_of_run()
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert abs((datetime.now(UTC) - moment_of_run()).total_seconds()) < 5


def text_of_pdf(data: bytes, page: int = 0) -> str:
    pdfium = pytest.importorskip("pypdfium2")
    document = pdfium.PdfDocument(data)
    try:
        return " ".join(document[page].get_textpage().get_text_range().split())
    finally:
        document.close()


def pdf_of(page: Page, image: Path) -> bytes:
    [source] = read(image)
    return searchable_pdf([(page, source)], BY)


def test_a_pdf_can_be_searched(tmp_path: Path) -> None:
    data = pdf_of(ORDINARY, write_image(tmp_path / "scan.png"))
    assert text_of_pdf(data) == "été & <fin> x y z d e f"


def test_words_of_a_pdf_stand_where_they_are(tmp_path: Path) -> None:
    pdfium = pytest.importorskip("pypdfium2")
    document = pdfium.PdfDocument(pdf_of(ORDINARY, write_image(tmp_path / "scan.png")))
    page = document[0]
    width, height = page.get_size()
    scale = 72 / 300  # the picture does not say its resolution
    assert (width, height) == pytest.approx((200 * scale, 100 * scale), abs=0.01)
    text = page.get_textpage()
    found = text.get_text_range().index("fin")
    left, bottom, right, top = text.get_charbox(found)
    word = ORDINARY.lines[0].words[2].box
    letter = (word[2] - word[0] + 1) / len("<fin>")
    assert left / scale == pytest.approx(word[0] + letter, abs=1)
    assert right / scale == pytest.approx(word[0] + 2 * letter, abs=1)
    assert (height - top) / scale == pytest.approx(word[1], abs=1)
    assert (height - bottom) / scale == pytest.approx(word[3] + 1, abs=1)
    document.close()


def test_a_pdf_of_many_pages_and_scripts(tmp_path: Path) -> None:
    [source] = read(write_image(tmp_path / "scan.png"))
    letters = "".join(chr(code) for code in range(0x4E00, 0x4E00 + 300))
    pages = [page_of(Region("r", (), (read_line("a", text),))) for text in ("Ω \U0001d54f", letters)]
    data = searchable_pdf([(page, source) for page in pages], BY)
    assert text_of_pdf(data, 0) == "Ω \U0001d54f"
    assert text_of_pdf(data, 1) == letters


def test_the_picture_of_a_pdf_is_the_page(tmp_path: Path) -> None:
    pdfium = pytest.importorskip("pypdfium2")
    [source] = read(write_image(tmp_path / "scan.png"))
    document = pdfium.PdfDocument(searchable_pdf([(ORDINARY, source)], BY))
    drawn = document[0].render(scale=300 / 72, grayscale=True).to_numpy().reshape(100, 200)
    assert np.abs(drawn.astype(int) - source.load()).mean() < 8
    document.close()


def test_a_jpeg_is_embedded_as_it_is_unless_it_is_turned(tmp_path: Path) -> None:
    picture = Image.new("RGB", (200, 100), (240, 220, 200))
    picture.save(tmp_path / "scan.jpg", dpi=(100, 100))
    data = pdf_of(ORDINARY, tmp_path / "scan.jpg")
    assert (tmp_path / "scan.jpg").read_bytes() in data
    assert b"/MediaBox [0 0 144.000 72.000]" in data
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.rotate(90, expand=True).save(tmp_path / "turned.jpg", exif=exif)
    assert (tmp_path / "turned.jpg").read_bytes() not in pdf_of(ORDINARY, tmp_path / "turned.jpg")


@pytest.mark.parametrize("name", ["scan.jpg", "scan.png"])
def test_the_sheet_has_the_size_of_its_picture_whatever_size_the_page_file_gives(
    tmp_path: Path, name: str
) -> None:
    Image.new("L", (400, 200), 230).save(tmp_path / name, dpi=(300, 300))
    (tmp_path / "scan.xml").write_text(page_xml("", image=name))
    [source] = read(tmp_path / "scan.xml")
    found = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", searchable_pdf([(source.page, source)], BY))
    assert found is not None
    assert [float(side) for side in found.groups()] == pytest.approx(
        [96, 48], abs=0.01
    )  # PNG counts by the meter


@pytest.mark.parametrize("rows", [(90, 10), (10, 90)])
def test_upright_lines_are_set_the_way_they_run(tmp_path: Path, rows: tuple[int, int]) -> None:
    pdfium = pytest.importorskip("pypdfium2")
    line = replace(read_line("l", "abcd"), baseline=((40, rows[0]), (40, rows[1])))
    line = replace(line, words=(replace(line.words[0], box=(30, 10, 50, 90)),))
    data = pdf_of(page_of(Region("r", (), (line,))), write_image(tmp_path / "scan.png"))
    document = pdfium.PdfDocument(data)
    boxes = [document[0].get_textpage().get_charbox(i) for i in range(4)]
    assert all(math.isclose(box[0], boxes[0][0], abs_tol=0.1) for box in boxes)
    bottoms = [box[1] for box in boxes]
    assert bottoms == sorted(bottoms, reverse=rows == (10, 90))
    scale = 72 / 300
    assert all(box[0] >= 30 * scale - 0.1 and box[2] <= 51 * scale + 0.1 for box in boxes)
    assert min(bottoms) == pytest.approx((100 - 91) * scale, abs=0.3)
    document.close()


def test_a_broken_picture_is_an_error(tmp_path: Path) -> None:
    write_image(tmp_path / "scan.jpg")
    [source] = read(tmp_path / "scan.jpg")
    (tmp_path / "scan.jpg").write_bytes((tmp_path / "scan.jpg").read_bytes()[:300])
    with pytest.raises(ImageError, match=r"scan.jpg"):
        searchable_pdf([(ORDINARY, source)], BY)


def test_pages_of_one_file_are_read_again_by_the_pictures_that_their_files_name(tmp_path: Path) -> None:
    frames = [Image.new("L", (200, 100), grey) for grey in (200, 100)]
    frames[0].save(tmp_path / "book.tif", save_all=True, append_images=frames[1:])
    for source in read(tmp_path / "book.tif"):
        for suffix, data in write(source.page, source, ["page", "png"], BY).items():
            (tmp_path / f"{source.page.id}{suffix}").write_bytes(data)
    greys = [next(read(tmp_path / f"book-000{n}.xml")).load().mean() for n in (1, 2)]
    assert greys == [200, 100]

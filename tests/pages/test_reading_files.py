from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_files import write_image
from PIL import Image

from amanuensis.errors import DataError, ImageError
from amanuensis.pages import read, read_one
from amanuensis.pages import sources as page_sources


def test_an_image_is_one_page_without_lines(tmp_path: Path) -> None:
    [source] = read(write_image(tmp_path / "a.b.png"))
    page = source.page
    assert (page.id, page.image, page.width, page.height, page.regions) == ("a.b", "a.b.png", 200, 100, ())
    assert source.given is None


def test_each_frame_of_a_tiff_is_a_page(tmp_path: Path) -> None:
    frames = [Image.new("L", size, 200) for size in [(30, 20), (20, 50), (10, 10)]]
    frames[0].save(tmp_path / "book.tif", save_all=True, append_images=frames[1:])
    sources = list(read(tmp_path / "book.tif"))
    assert [source.page.id for source in sources] == ["book-0001", "book-0002", "book-0003"]
    assert [(source.page.width, source.page.height) for source in sources] == [(30, 20), (20, 50), (10, 10)]
    assert sources[1].load().shape == (50, 20)
    assert sources[1].name.endswith("book.tif[2]")


def test_too_many_pages_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_sources, "MAX_PAGES", 2)
    frames = [Image.new("L", (30, 20), 200)] * 3
    frames[0].save(tmp_path / "book.tif", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match="3 pages; 1 to 2"):
        list(read(tmp_path / "book.tif"))


def test_what_is_no_page_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(ImageError, match=r"notes.txt"):
        list(read(tmp_path / "notes.txt"))
    with pytest.raises(ImageError, match="empty"):
        list(read(tmp_path / "empty.png"))
    with pytest.raises(DataError, match="cannot be read"):
        list(read(tmp_path / "missing.png"))


def write_pdf(path: Path, num_pages: int = 2) -> Path:
    """Pages of 144 x 72 points, the first with a black left half, the others white."""
    pixels = np.full((60, 120), 255, np.uint8)
    black = pixels.copy()
    black[:, :60] = 0
    pages = [Image.fromarray(black), *[Image.fromarray(pixels)] * (num_pages - 1)]
    pages[0].save(path, save_all=True, append_images=pages[1:], resolution=60)
    return path


def test_pages_of_a_pdf(tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2")
    sources = list(read(write_pdf(tmp_path / "letters.pdf")))
    assert [source.page.id for source in sources] == ["letters-0001", "letters-0002"]
    first = sources[0].load()
    assert first.shape == (sources[0].page.height, sources[0].page.width) == (300, 600)
    assert first[:, 10:290].max() < 5
    assert first[:, 310:590].min() > 250
    assert sources[1].load().min() > 250


def test_a_broken_pdf_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2")
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    with pytest.raises(DataError, match=r"x.pdf"):
        list(read(tmp_path / "x.pdf"))


SERVICE = "https://iiif.example.org/iiif/2/ms%2F0001r.jp2"
SERVED = {"resource": {"@id": f"{SERVICE}/full/full/0/default.jpg", "service": {"@id": SERVICE}}}
CANVASES = [
    {"label": "f. 1r", "images": [SERVED]},
    {"label": "f. 1v", "images": [{"resource": {"@id": "https://example.org/pictures/0001v.jpg"}}]},
    {"label": "f. 2r", "images": []},
]
VERSION_2 = {"@type": "sc:Manifest", "sequences": [{"canvases": CANVASES}]}


def version_3(*addresses: str, label: str = "x") -> dict[str, Any]:
    """A manifest with a canvas for each address."""
    return {
        "type": "Manifest",
        "items": [
            {"label": {"fr": [label]}, "items": [{"items": [{"body": {"id": address, "type": "Image"}}]}]}
            for address in addresses
        ],
    }


def test_a_manifest_finds_its_images_beside_it(tmp_path: Path) -> None:
    write_image(tmp_path / "0001r.png")
    (tmp_path / "images").mkdir()
    write_image(tmp_path / "images" / "0001v.jpg", (50, 40))
    (tmp_path / "ms.json").write_text(json.dumps(VERSION_2))
    first, second, third = read(tmp_path / "ms.json")
    assert (first.page.id, first.page.image, first.load().shape) == ("ms-0001", "0001r.png", (100, 200))
    assert (second.page.image, second.load().shape) == ("images/0001v.jpg", (40, 50))
    with pytest.raises(ImageError, match=r"no image of a canvas lies beside it; looked for f. 2r"):
        third.load()
    assert third.files() == (tmp_path / "ms.json", tmp_path, tmp_path / "images")  # they change when it comes


def test_version_3_and_labels(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png")
    write_image(tmp_path / "page 7.tif", (50, 40))
    manifest = version_3(
        "https://example.org/a.png", "https://example.org/9/full/max/0/default.jpg", label="page 7"
    )
    (tmp_path / "ms.json").write_text(json.dumps(manifest))
    assert [source.load().shape for source in read(tmp_path / "ms.json")] == [(100, 200), (40, 50)]


def test_addresses_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    write_image(tmp_path / "secret.png")
    (tmp_path / "in").mkdir()
    names = [
        "../secret.png",
        "https://example.org/..%2Fsecret.png",
        "/secret.png",
        "..",
        "file:///secret.png",
    ]
    (tmp_path / "in" / "ms.json").write_text(json.dumps(version_3(*names, label="../secret")))
    sources = list(read(tmp_path / "in" / "ms.json"))
    assert len(sources) == len(names)
    for source in sources:
        with pytest.raises(ImageError, match="no image"):
            source.load()


@pytest.mark.parametrize(
    ("address", "label"), [("https://example.org/a.jpg", "x" * 300), ("https://[bad/a.jpg", "é" * 127 + "x")]
)
def test_names_that_no_file_can_have_cost_their_canvas_only(tmp_path: Path, address: str, label: str) -> None:
    write_image(tmp_path / "b.png")
    (tmp_path / "ms.json").write_text(
        json.dumps(version_3(address, "https://example.org/b.png", label=label))
    )
    lost, found = read(tmp_path / "ms.json")
    assert found.load().shape == (100, 200)
    assert lost.files() == (tmp_path / "ms.json", tmp_path, tmp_path / "images")
    with pytest.raises(ImageError, match="no image of a canvas lies beside it"):
        lost.load()


BROKEN = ["{", '{"a": 1}', '{"type": "Manifest"}', '{"type": "Manifest", "items": 3}', '{"a":' * 5000]


@pytest.mark.parametrize("text", BROKEN)
def test_json_that_is_no_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "ms.json").write_text(text)
    with pytest.raises(DataError, match=r"ms.json"):
        list(read(tmp_path / "ms.json"))


def test_one_page_is_the_one_of_all(tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2")
    frames = [Image.new("L", size, 200) for size in [(30, 20), (20, 50), (10, 10)]]
    frames[0].save(tmp_path / "book.tif", save_all=True, append_images=frames[1:])
    (tmp_path / "ms.json").write_text(json.dumps(VERSION_2))
    for path in (write_pdf(tmp_path / "x.pdf", 3), tmp_path / "book.tif", tmp_path / "ms.json"):
        assert [read_one(path, number) for number in range(3)] == list(read(path))
        with pytest.raises(DataError, match="no page 4"):
            read_one(path, 3)

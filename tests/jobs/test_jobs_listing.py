from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amanuensis.cli.inputs import SUFFIXES
from amanuensis.errors import DataError
from amanuensis.jobs import Listing, natural_order
from amanuensis.jobs.listing import PAGE_SUFFIXES

PAGE = """<?xml version="1.0"?>
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">
<Page imageFilename="{image}" imageWidth="40" imageHeight="30"/></PcGts>"""
METS = '<mets xmlns="http://www.loc.gov/METS/"/>'


def picture(path: Path, frames: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *rest = [Image.fromarray(np.full((30, 40), 250 - i, np.uint8)) for i in range(frames)]
    first.save(path, **({"save_all": True, "append_images": rest} if rest else {}))
    return path


def names(*paths: Path, output: Path = Path("nowhere")) -> list[str]:
    return [task.name for task in Listing(paths, output)]


def test_a_folder_with_its_subfolders_in_natural_order(tmp_path: Path) -> None:
    for name in ("p10.png", "p2.jpg", "box 2/a.png", "box 10/b.png", ".hidden.png", ".git/c.png"):
        picture(tmp_path / name)
    assert names(tmp_path) == ["p2", "p10", "box 2/a", "box 10/b"]


def test_names_of_another_encoding_are_counted_and_left_out(tmp_path: Path) -> None:
    picture(tmp_path / "a.png").rename(odd := Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")))
    picture(tmp_path / "b.png")
    listing = Listing([tmp_path], None)
    assert [task.name for task in listing] == ["b"]
    assert listing.notes() == ["left out: 1 other file (1 with a name that is not UTF-8)"]
    with pytest.raises(DataError, match=r"caf\\udce9\.png': a name that is not UTF-8"):
        names(odd)


def test_files_of_many_pages_and_broken_ones_are_counted(tmp_path: Path) -> None:
    picture(tmp_path / "a.tif", 3)
    picture(tmp_path / "b.tif")
    (tmp_path / "c.tif").write_bytes(b"broken")
    (tmp_path / "d.pdf").write_bytes(b"%PDF-broken")
    listing = Listing([tmp_path], tmp_path / "out")
    tasks = list(listing)
    assert [task.name for task in tasks] == ["a-0001", "a-0002", "a-0003", "b", "c", "d"]
    assert [task.page for task in tasks] == [0, 1, 2, 0, 0, 0]
    assert listing.num_pages == 6


def test_a_missing_file_is_a_page_that_will_fail(tmp_path: Path) -> None:
    assert names(tmp_path / "gone.tif", tmp_path / "gone.png") == ["gone", "gone"]


def test_an_image_is_read_with_the_page_file_that_names_it(tmp_path: Path) -> None:
    picture(tmp_path / "IMG_1.png")
    picture(tmp_path / "IMG_2.png")
    (tmp_path / "0001_p001.xml").write_text(PAGE.format(image="IMG_1.png"))
    listing = Listing([tmp_path], tmp_path / "out")
    assert [task.name for task in listing] == ["0001_p001", "IMG_2"]
    assert listing.notes() == ["1 image is read with the PAGE or ALTO file that names it"]


def test_transkribus_keeps_page_files_in_a_folder_of_their_own(tmp_path: Path) -> None:
    picture(tmp_path / "IMG_1.png")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "IMG_1.xml").write_text(PAGE.format(image="IMG_1.png"))
    (tmp_path / "mets.xml").write_text(METS)
    listing = Listing([tmp_path], tmp_path / "out")
    assert [task.name for task in listing] == ["page/IMG_1"]
    assert "1 .xml" in listing.notes()[1]


def test_results_in_a_folder_of_page_files_do_not_hide_the_images(tmp_path: Path) -> None:
    """With `-o scans/page` a run that is given again, for the same or another folder, reads the same pages."""
    picture(tmp_path / "IMG_1.png")
    (tmp_path / "page" / ".amanuensis").mkdir(parents=True)
    (tmp_path / "page" / "IMG_1.xml").write_text(PAGE.format(image="IMG_1.png"))
    assert names(tmp_path, output=tmp_path / "page") == ["IMG_1"]
    assert names(tmp_path, output=tmp_path / "other") == ["IMG_1"]


def test_page_files_of_others_are_not_taken_for_results(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "mets.xml").write_text(METS)
    Listing([tmp_path], tmp_path / "page")
    (tmp_path / "page" / "IMG_1.xml").write_text(PAGE.format(image="IMG_1.png"))
    with pytest.raises(DataError, match="holds page files that are no results"):
        Listing([tmp_path], tmp_path / "page")


def test_results_that_would_replace_their_source_are_refused(tmp_path: Path) -> None:
    scan, several = picture(tmp_path / "a.png"), picture(tmp_path / "b.tif", 2)
    with pytest.raises(DataError, match=r"a\.png: would be replaced"):
        Listing([scan], tmp_path / "." / "", (".txt", ".png"))
    Listing([scan], tmp_path, (".txt", ".xml"))
    Listing([several], tmp_path, (".tif",))  # they go to b-0001.tif


def test_a_page_file_that_is_broken_or_lacks_its_image_is_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<PcGts")
    (tmp_path / "b.xml").write_text(PAGE.format(image="gone.png"))
    (tmp_path / "c.xml").write_text(PAGE.format(image="../../etc/passwd"))
    assert names(tmp_path) == ["a", "b", "c"]


def test_results_are_not_taken_for_pages(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "out" / "a.png")
    picture(tmp_path / "older" / "a.png")
    (tmp_path / "older" / ".amanuensis").mkdir()
    assert names(tmp_path, output=tmp_path / "out") == ["a"]
    with pytest.raises(DataError, match="the folder of the pages themselves"):
        Listing([tmp_path], tmp_path / "sub" / "..")


def test_images_of_one_stem_keep_names_of_their_own(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "a.jpg")
    picture(tmp_path / "b.jpg")
    assert names(tmp_path) == ["a.jpg", "a.png", "b"]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    picture(tmp_path / "sub" / "a.png")
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    assert names(tmp_path) == ["sub/a"]


def test_other_files_are_counted(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    for name in ("b.txt", "c.txt", "LICENSE"):
        (tmp_path / name).write_text("no page")
    listing = Listing([tmp_path], tmp_path / "out")
    assert len(list(listing)) == 1
    assert listing.notes() == ["left out: 3 other files (2 .txt, 1 LICENSE)"]


def test_every_kind_of_image_may_be_a_page() -> None:
    assert SUFFIXES <= PAGE_SUFFIXES


def test_natural_order() -> None:
    unsorted = ["b", "a10", "a2", "a02b", "A1", "10", "9", "é", "a"]
    paths = sorted(map(Path, unsorted), key=natural_order)
    assert [str(path) for path in paths] == ["9", "10", "a", "A1", "a02b", "a2", "a10", "b", "é"]


def test_a_subfolder_that_cannot_be_listed_is_a_page_that_will_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "b"
    for name in ("a/1.png", "b/2.png", "c/3.png"):
        picture(tmp_path / name)
    (tmp_path / "b" / "page").mkdir()
    list_folder = Path.iterdir

    def refuse(path: Path) -> object:
        if path in (closed, closed / "page"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return list_folder(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    listing = Listing([tmp_path], None)
    assert [(task.name, task.source) for task in listing] == [
        ("a/1", tmp_path / "a" / "1.png"),
        ("b/*", closed),
        ("c/3", tmp_path / "c" / "3.png"),
    ]
    assert listing.num_pages == 3
    with pytest.raises(PermissionError):  # what the user named ends it at once
        names(closed)

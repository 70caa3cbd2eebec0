"""The finder that runs kraken, with a stand-in for the program."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from amanuensis.errors import ProgramError
from amanuensis.pages import FoundLine, KrakenFinder, line_finder, segment
from amanuensis.records import Page
from kraken_stand_in import WRITES, install, line, page_file

GREY = np.full((200, 300), 230, np.uint8)
UPPER = line("10,20 290,20 290,60 10,60", "10,50 290,52")
LOWER = line("10,80 290,80 290,120 10,120", "10,110 290,110")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kraken does not run on Windows")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only folder on the path; afterwards no temporary file may be left."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    yield tmp_path / "programs"
    assert list(scratch.iterdir()) == []


def test_lines_come_through_a_page_file_and_into_our_order(programs: Path) -> None:
    install(programs, page_file(LOWER, UPPER), threads=3)
    finder = line_finder("kraken", threads=3)
    assert finder.name == "kraken"
    page = segment(Page("p", "p.png", 300, 200), GREY, finder)
    assert [found.baseline for found in page.lines] == [((10, 50), (290, 52)), ((10, 110), (290, 110))]
    assert page.lines[0].polygon == ((10, 20), (290, 20), (290, 60), (10, 60))
    assert len({found.id for found in page.lines}) == 2
    assert page.remarks == ()


def test_lines_without_outline_are_kept_and_points_are_left_out_and_counted(programs: Path) -> None:
    point, nothing = line("", "30,30"), line("", "")
    install(programs, page_file(line("", "10,50 999,52"), point, nothing))
    finder = line_finder("kraken")
    found = finder.find(GREY)
    assert found.lines == (FoundLine((), ((10, 50), (299, 52))),)
    assert found.num_left_out == 2
    page = segment(Page("p", "p.png", 300, 200), GREY, finder)
    assert page.regions[0].polygon == ((10, 50), (299, 50), (299, 52), (10, 52))


def test_a_page_without_lines_has_none(programs: Path) -> None:
    install(programs, page_file())
    assert segment(Page("p", "p.png", 300, 200), GREY, line_finder("kraken")).remarks == (
        "no line was found",
    )


def test_a_missing_program_is_told_with_its_cure_before_any_page(programs: Path) -> None:
    with pytest.raises(ProgramError, match="not installed: pipx install kraken"):
        line_finder("kraken")
    assert line_finder("auto").name != "kraken"


@pytest.mark.parametrize(
    ("does", "told"),
    [
        ('sys.exit("RuntimeError: no memory")', r"status 1: Loading ANN .*no memory"),
        ("pass", r"wrote no page file: Loading ANN"),
        (
            'open("page.xml", "w"); print("ERROR Failed processing")',
            r"wrote no page file: .*Failed processing",
        ),
        ('open("page.xml", "w").write("<PcGts>")', r"cannot be read: page\.xml"),
        ('open("page.xml", "w").write("<alto/>")', r"cannot be read: page\.xml: .*without a Page"),
        ("print('x' * 100_000); sys.exit(2)", r"status 2: x{300}$"),
        (f"{WRITES}; sys.exit(1)", r"status 1"),
    ],
)
def test_what_goes_wrong_in_it_is_told_with_its_last_words(programs: Path, does: str, told: str) -> None:
    install(programs, page_file(UPPER), does=does)
    with pytest.raises(ProgramError, match=told):
        line_finder("kraken").find(GREY)


def test_a_page_file_of_another_picture_is_refused(programs: Path) -> None:
    install(programs, page_file(UPPER, size='imageWidth="600" imageHeight="400"'))
    with pytest.raises(ProgramError, match="600 x 400 pixels for a picture of 300 x 200"):
        line_finder("kraken").find(GREY)


def test_it_is_ended_when_it_takes_too_long(programs: Path, tmp_path: Path) -> None:
    late = tmp_path / "late"
    install(programs, page_file(), does=f"time.sleep(3); open({str(late)!r}, 'w')")
    with pytest.raises(ProgramError, match=r"longer than 0\.5 seconds"):
        KrakenFinder(str(programs / "kraken"), time_limit=0.5).find(GREY)
    assert not late.exists()


def test_a_program_that_cannot_be_started_is_told(programs: Path) -> None:
    with pytest.raises(ProgramError, match=r"does not run: .*No such file"):
        KrakenFinder(str(programs / "kraken")).find(GREY)
    install(programs)
    (programs / "kraken").write_bytes(b"\x7fELF broken")
    with pytest.raises(ProgramError, match="does not run"):
        line_finder("kraken").find(GREY)

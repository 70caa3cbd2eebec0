"""Collections of pages at the command line: what comes out, what is told, and a run that is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from amanuensis import pages as pages_of_files
from amanuensis.jobs import CorrectionChoice, LineReading
from amanuensis.jobs.line_reading import fingerprint
from amanuensis.jobs.reading import OpenPageReading, PageReading
from amanuensis.recognition import LineOptions
from amanuensis.records import Region, TextLine
from tiny_model import draw

PAGE = """<?xml version="1.0"?>
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">
<Metadata><Creator>us</Creator><Created>2020-01-01T00:00:00</Created><LastChange>2020-01-01T00:00:00</LastChange>
</Metadata><Page imageFilename="{name}.png" imageWidth="200" imageHeight="120">
<TextRegion id="r"><Coords points="0,0 199,0 199,119 0,119"/>{lines}</TextRegion></Page></PcGts>"""
LINE = '<TextLine id="l{i}"><Coords points="20,{top} 180,{top} 180,{bottom} 20,{bottom}"/></TextLine>'


def write_page(folder: Path, name: str, *texts: str) -> None:
    """A picture of lines that the tiny model reads, and the PAGE file that says where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    grey = np.full((120, 200), 255, np.uint8)
    lines = []
    for i, text in enumerate(texts):
        top, picture = 10 + 40 * i, draw(text)
        grey[top : top + picture.shape[0], 20 : 20 + picture.shape[1]] = picture
        lines.append(LINE.format(i=i, top=top, bottom=top + picture.shape[0] - 1))
    Image.fromarray(grey).save(folder / f"{name}.png")
    (folder / f"{name}.xml").write_text(PAGE.format(name=name, lines="".join(lines)))


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Three pages, one of which lacks its image."""
    folder = tmp_path / "pages"
    write_page(folder, "p1", "ab", "ba")
    write_page(folder, "p2", "bb")
    write_page(folder / "box", "p10", "é")
    (folder / "p2.png").unlink()
    return folder


@pytest.fixture
def date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


def results(out: Path) -> dict[str, bytes]:
    files = (path for path in out.rglob("*") if path.is_file() and ".amanuensis" not in path.parts)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def test_a_folder_of_pages_goes_into_files(run, tiny_model: Path, pages: Path) -> None:
    result = run("transcribe", pages, "-m", tiny_model, "-f", "page,txt", "-o", "out")
    assert result.exit_code == 1
    assert set(results(Path("out"))) == {"p1.txt", "p1.xml", "box/p10.txt", "box/p10.xml"}
    assert Path("out/p1.txt").read_text() == "ab\nba\n"
    assert "2 pages read (3 lines), 1 failed" in result.stderr
    assert result.stderr.count("p2.xml: its image p2.png is not there") == 1
    again = run("transcribe", pages, "-m", tiny_model, "-f", "page,txt", "-o", "out")
    assert "0 pages to read; 2 are done; 1 failed before (--retry-failed tries them again)" in again.stderr
    assert again.exit_code == 1


def test_its_status(run, tiny_model: Path, pages: Path) -> None:
    run("transcribe", pages, "-m", tiny_model, "-f", "txt", "-o", "out", "--pages")
    told = run("jobs", "status", "out").stdout
    assert "3 pages: 2 done, 1 failed, 0 waiting; 3 lines read" in told
    assert "p2.xml: its image p2.png is not there" in told
    document = json.loads(run("jobs", "status", "out", "--json").stdout)
    assert (document["done"], document["failed"], document["waiting"], document["lines"]) == (2, 1, 0, 3)
    assert document["failures"][0]["name"] == "p2"
    assert document["settings"]["model"].startswith("tiny ")
    missing = run("jobs", "status", pages)
    assert missing.exit_code == 1
    assert "no collection was read into this folder" in missing.stderr


def test_another_model_or_format_is_refused_until_a_restart(run, tiny_model: Path, pages: Path) -> None:
    command = ("transcribe", pages, "-m", tiny_model, "-o", "out", "--pages")
    run(*command)
    refused = run(*command, "-f", "txt,json")
    assert refused.exit_code == 1
    assert "formats: txt, now txt,json" in refused.stderr
    config = tiny_model / "config.json"
    before = config.read_bytes()
    try:
        config.write_bytes(before.replace(b"Reads bars.", b"Reads bars!"))
        assert "model: tiny" in run(*command).stderr
        assert "3 pages to read" in run(*command, "--restart").stderr
    finally:
        config.write_bytes(before)


def test_a_collection_goes_on_though_its_folder_bears_the_name_of_an_option(
    run, tmp_path: Path, tiny_model: Path, pages: Path
) -> None:
    lines = LineOptions(language="fra", language_model="fra", language_weight=0.1)
    choice = CorrectionChoice("lexicon", "lexicon-fra", (tmp_path / "words.txt",))
    reading = LineReading(models=(str(tiny_model),), options=lines, correction=choice)
    (tmp_path / "words.txt").write_text("ab\n")
    before = reading.settings()
    for name in ("fra", "lexicon", "lexicon-fra"):
        Path(name).mkdir()
        (Path(name) / "page.txt").write_text("ab")
    assert reading.settings() == before
    assert before["lexicons"].startswith("words.txt ")
    (tmp_path / "words.txt").write_text("ba\n")
    assert reading.settings()["lexicons"] != before["lexicons"]


def test_weights_count_where_they_read_and_not_beside_a_graph(tmp_path: Path, tiny_model: Path) -> None:
    model, t5 = tmp_path / "model", tmp_path / "t5"
    shutil.copytree(tiny_model, model)
    t5.mkdir()
    for folder in (model, t5):
        (folder / "config.json").touch()
        (folder / "model.safetensors").write_bytes(b"first")
    before = fingerprint(model), fingerprint(t5)
    for folder in (model, t5):
        (folder / "model.safetensors").write_bytes(b"trained on")
    assert fingerprint(model) == before[0]
    assert fingerprint(t5) != before[1]


@pytest.mark.usefixtures("date")
def test_workers_and_shards_write_what_one_run_writes(run, tiny_model: Path, tmp_path: Path) -> None:
    for i in range(6):
        write_page(tmp_path / "pages", f"p{i}", "ab" * (i % 3 + 1), "é")
    command = ("transcribe", tmp_path / "pages", "-m", tiny_model, "-f", "page,json,tsv")
    assert run(*command, "-o", "whole").exit_code == 0
    for part in ("1/2", "2/2"):
        assert run(*command, "-o", "parts", "--workers", "2", "--shard", part).exit_code == 0
    assert len(results(Path("whole"))) == 18
    assert results(Path("whole")) == results(Path("parts"))


def test_pages_on_stdout(run, tiny_model: Path, pages: Path) -> None:
    result = run("transcribe", pages, "-m", tiny_model)
    assert (result.exit_code, result.stdout) == (1, "ab\nba\n\né\n")
    assert "taken for pages; --lines reads images as one line each" in result.stderr
    one = run("transcribe", pages / "p1.xml", "-m", tiny_model, "-f", "json")
    assert [line["text"] for region in json.loads(one.stdout)["regions"] for line in region["lines"]] == [
        "ab",
        "ba",
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["-f", "page,docx"], "docx"),
        (["-f", "page,page", "-o", "out"], "page,page"),
        (["-f", "page,txt"], "needs -o"),
        (["-f", "json"], "3 pages in json need -o"),
        (["--workers", "2"], "need -o"),
        (["--shard", "3/2", "-o", "out"], "3/2"),
        (["--threads", "2", "-o", "out"], "--workers"),
        (["--beam", "2", "-o", "out"], "--beam is of formulas"),
        (["--lines", "--workers", "2"], "add --pages"),
        (["--lines", "-f", "page"], "is of pages"),
        (["--pages", "--overlay"], "--overlay needs -o"),
        (["--lines", "--overlay"], "--overlay, --formulas and --finder are of pages"),
        (["--lines", "--formulas", "math"], "--overlay, --formulas and --finder are of pages"),
        (["--lines", "--finder", "classical"], "--overlay, --formulas and --finder are of pages"),
    ],
)
def test_wrong_usage(run, tiny_model: Path, pages: Path, options: list[str], told: str) -> None:
    result = run("transcribe", pages, "-m", tiny_model, *options)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""


def test_results_that_would_replace_a_named_page_are_refused(run, tiny_model: Path, pages: Path) -> None:
    before = (pages / "p1.xml").read_bytes()
    refused = run("transcribe", pages / "p1.xml", "-m", tiny_model, "-f", "page", "-o", pages)
    assert refused.exit_code == 1
    assert "p1.xml: would be replaced by what is read from it" in refused.stderr
    assert (pages / "p1.xml").read_bytes() == before
    assert not (pages / ".amanuensis").exists()
    assert run("transcribe", pages / "p1.xml", "-m", tiny_model, "-f", "txt", "-o", pages).exit_code == 0


def test_an_image_that_was_missing_is_noticed_when_it_comes(run, tiny_model: Path, pages: Path) -> None:
    (pages / "page").mkdir()
    (pages / "p2.xml").rename(pages / "page/p2.xml")  # its image may lie above
    command = ("transcribe", pages, "-m", tiny_model, "-f", "txt", "-o", "out")
    assert run(*command).exit_code == 1
    write_page(pages.parent / "others", "p2", "bb")
    (pages.parent / "others/p2.png").rename(pages / "p2.png")
    again = run(*command)
    assert "1 page to read (1 changed since they were read); 2 are done" in again.stderr
    assert again.exit_code == 0
    assert Path("out/page/p2.txt").read_text() == "bb\n"


@pytest.mark.parametrize(("unit", "comes"), [("pixel", "scan.jpg"), ("mm10", "scan.png")])
def test_any_image_that_a_page_file_would_take_is_noticed_when_it_comes(
    run, tiny_model: Path, tmp_path: Path, unit: str, comes: str
) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "p.xml").write_text(
        f'<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description><MeasurementUnit>{unit}'
        "</MeasurementUnit><sourceImageInformation><fileName>scan.png</fileName></sourceImageInformation>"
        '</Description><Layout><Page ID="p" WIDTH="64" HEIGHT="24"><PrintSpace><TextBlock ID="b">'
        '<TextLine ID="l" HPOS="4" VPOS="4" WIDTH="56" HEIGHT="16"/></TextBlock></PrintSpace></Page></Layout></alto>'
    )
    command = ("transcribe", folder, "-m", tiny_model, "-f", "txt", "-o", "out")
    assert run(*command).exit_code == 1
    assert "0 pages read" in run(*command).stderr  # nothing has come yet
    Image.fromarray(np.full((24, 64), 255, np.uint8)).save(folder / comes)
    assert "1 page to read" in run(*command).stderr
    assert Path("out/p.txt").exists()


def test_a_page_file_that_is_not_updated_is_remarked_where_it_would_be(tmp_path: Path) -> None:
    write_page(tmp_path, "p1", "ab")
    (tmp_path / "p1.xml").write_text(
        '<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">'
        '<Page imageFilename="p1.png" imageWidth="0" imageHeight="0"/></PcGts>'
    )
    [source] = pages_of_files.read(tmp_path / "p1.xml")
    found = replace(source.page, regions=(Region("r", lines=(TextLine("found"),)),))
    reader: Any = SimpleNamespace(config=SimpleNamespace(name="tiny"))
    finder: Any = None
    for forms, told in ((("txt", "alto"), []), (("txt", "page"), [found])):
        reading = OpenPageReading(
            PageReading(LineReading(models=()), forms, datetime(2026, 1, 1)), reader, finder
        )
        assert [page for page in (source.page, found) if reading._remarks_on(page, source)] == told


@pytest.mark.parametrize(
    ("options", "told"),
    [([], "The same command goes on"), (["--restart"], "The same command without --restart goes on")],
)
def test_a_run_that_is_stopped_says_what_goes_on(
    run, tiny_model: Path, pages: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], told: str
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("amanuensis.jobs.read_collection", stopped)
    result = run("transcribe", pages, "-m", tiny_model, "-o", "out", *options)
    assert result.exit_code == 130
    assert told in result.stderr


def test_a_manifest_that_is_named_holds_pages(run, tiny_model: Path, tmp_path: Path) -> None:
    write_page(tmp_path, "leaf", "ab")
    body = {"type": "Image", "id": "https://example.org/leaf.png"}
    canvas = {"type": "Canvas", "items": [{"items": [{"body": body}]}]}
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"type": "Manifest", "items": [canvas]}))
    result = run("transcribe", manifest, "-m", tiny_model, "--finder", "classical")
    assert "manifest.json: taken for pages" in result.stderr
    assert (result.exit_code, "1 page read, 0 failed" in result.stderr) == (0, True)


def _processed(out: Path) -> list[tuple[str, str, int]]:
    """What the journal says of every page: name, state, how often it was finished."""
    journal = out / ".amanuensis/journal-1-of-1.sqlite"
    if not journal.exists():
        return []
    with closing(sqlite3.connect(journal, timeout=30)) as database:
        [version] = database.execute("PRAGMA user_version").fetchone()
        question = "SELECT name, state, times FROM pages ORDER BY name"
        return database.execute(question).fetchall() if version else []


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_a_run_that_is_killed_twice_finishes_every_page_once(tiny_model: Path, tmp_path: Path) -> None:
    """kill -9 amid the work; corrupt files among the pages; then as if nothing had been."""
    pages, out, straight = tmp_path / "pages", tmp_path / "out", tmp_path / "straight"
    for i in range(24):
        write_page(pages, f"p{i:02}", "ab" * (i % 3 + 1), "é")
    for name in ("p03", "p11", "p20"):
        (pages / f"{name}.png").write_bytes(b"\x89PNG corrupt")

    def begin(folder: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "amanuensis", "transcribe", pages, "-m", tiny_model]
        return subprocess.Popen(
            [*map(str, command), "-f", "page,txt", "-o", str(folder), "-q"],
            env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
            stderr=subprocess.DEVNULL,
        )

    for enough in (3, 12):
        with begin(out) as process:
            while sum(times for _, _, times in _processed(out)) < enough and process.poll() is None:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
    with begin(out) as last:
        pass
    assert last.returncode == 1
    records = _processed(out)
    assert len(records) == 24
    assert all(times == 1 for _, _, times in records)
    assert [name for name, state, _ in records if state == "failed"] == ["p03", "p11", "p20"]
    with begin(straight):
        pass
    assert results(out) == results(straight)

"""`--finder kraken` and what `doctor` says about it, with a stand-in for the program."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amanuensis.cli import doctor as doctor_module
from kraken_stand_in import WRITES, install, line, page_file
from tiny_model import draw

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kraken does not run on Windows")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    return tmp_path / "programs"


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A page with one line, "ab", in its corner."""
    page = np.full((1200, 1000), 255, np.uint8)
    text = draw("ab")
    page[: text.shape[0], : text.shape[1]] = text
    (tmp_path / "pages").mkdir()
    Image.fromarray(page).save(tmp_path / "pages" / "p.png")
    return tmp_path / "pages" / "p.png"


def corner() -> str:
    height, width = (side - 1 for side in draw("ab").shape)
    return line(f"0,0 {width},0 {width},{height} 0,{height}", f"0,{height - 1} {width},{height - 1}")


def test_pages_are_read_along_its_lines(run, programs: Path, scan: Path, tiny_model: Path) -> None:
    install(programs, page_file(corner()))
    result = run("transcribe", scan, "-m", tiny_model, "--finder", "kraken", "-f", "txt", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert Path("out/p.txt").read_text().split() == ["ab"]


def test_a_failing_page_is_named_with_what_it_said(run, programs: Path, scan: Path, tiny_model: Path) -> None:
    install(programs, does='sys.exit("out of memory")')
    result = run("transcribe", scan, "-m", tiny_model, "--finder", "kraken", "-f", "txt", "-o", "out")
    assert result.exit_code == 1
    assert "p.png" in result.stderr
    assert "out of memory" in result.stderr


def test_without_the_program_nothing_is_begun(run, programs: Path, scan: Path, tiny_model: Path) -> None:
    result = run("transcribe", scan, "-m", tiny_model, "--finder", "kraken", "-f", "txt", "-o", "out")
    assert result.exit_code == 1
    assert "pipx install kraken" in result.stderr
    assert not Path("out/p.txt").exists()


def test_the_doctor_names_it_and_can_do_without(run, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor_module, "_models", list
    )  # reading with each takes seconds, and is not the matter
    missing = json.loads(run("doctor", "--json").stdout)
    assert missing["programs"]["kraken"] == {"state": "missing", "mend": "pipx install kraken"}
    install(programs)
    found = json.loads(run("doctor", "--json").stdout)
    assert found["programs"]["kraken"] == {"state": str(programs / "kraken")}
    assert found["well"]
    assert missing["well"]
    assert f"kraken: {programs / 'kraken'}" in run("doctor").stdout


def test_its_cpu_time_counts_in_an_evaluation(run, programs: Path, scan: Path, tiny_model: Path) -> None:
    burns = f"{WRITES}\nwhile time.process_time() < 0.3: pass"
    install(programs, page_file(corner()), does=burns)
    true = corner().replace("</TextLine>", "<TextEquiv><Unicode>ab</Unicode></TextEquiv></TextLine>")
    truth = page_file(true, size='imageWidth="1000" imageHeight="1200"').replace("/tmp/page.png", "p.png")
    scan.with_suffix(".xml").write_text(truth)
    result = run("evaluate", "--pages", scan.parent, "-m", tiny_model, "--finder", "kraken", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["found"], report["cer"]["order_free"]["rate"]) == (1, 0)
    assert report["seconds"]["find"] >= 0.3

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amanuensis.evaluation import PageOutcome, PageResults, ReadLine, write_page_results
from amanuensis.language import TextNormalization
from tiny_formula_model import says, write_tiny_formula_model
from tiny_model import draw

TEXTS = ["ab ba ab ba", "ba ab", "aab bba ab"]
PAGE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"


@pytest.fixture
def ground_truth(tmp_path: Path) -> Path:
    """A folder with a page of bars, its PAGE file, and XML that is something else."""
    folder = tmp_path / "truth"
    folder.mkdir()
    page = np.full((900, 1000), 255, np.uint8)
    lines = []
    for i, text in enumerate(TEXTS):
        drawn = draw(text, scale=3)
        top = 150 + 200 * i
        page[top : top + drawn.shape[0], 100 : 100 + drawn.shape[1]] = drawn
        right, bottom = 99 + drawn.shape[1], top + drawn.shape[0] - 1
        lines.append(
            f'<TextLine id="l{i}"><Coords points="100,{top} {right},{top} {right},{bottom} 100,{bottom}"/>'
            f"<TextEquiv><Unicode>{text}</Unicode></TextEquiv></TextLine>"
        )
    Image.fromarray(page).save(folder / "p.png")
    (folder / "p.xml").write_text(
        f'<PcGts xmlns="{PAGE}"><Metadata><Creator>x</Creator><Created>2020-01-01T00:00:00</Created>'
        '<LastChange>2020-01-01T00:00:00</LastChange></Metadata><Page imageFilename="p.png" imageWidth="1000" '
        f'imageHeight="900"><TextRegion id="r"><Coords points="0,0 999,0 999,899"/>{"".join(lines)}</TextRegion>'
        "</Page></PcGts>"
    )
    (folder / "other.xml").write_text("<letter/>")
    return folder


def test_pages_are_found_read_and_scored_and_can_be_scored_again(
    run, tiny_model: Path, ground_truth: Path
) -> None:
    arguments = ("evaluate", "--pages", ground_truth, "--finder", "classical")
    first = run(*arguments, "-m", tiny_model, "--json", "--html", "pages.html")
    assert first.exit_code == 0, first.stderr
    report = json.loads(first.stdout)
    assert (report["n"], report["lines"], report["finder"]) == (1, 3, "classical")
    assert sum(report[fate] for fate in ("found", "split", "merged", "missed")) == 3
    assert report["cer"]["on_true_lines"]["rate"] == 0
    assert set(report["sets"]) == {"truth"}
    assert any("other.xml" in problem for problem in report["problems"])
    assert Path("pages.html").exists()
    again = run(*arguments, "--from-results", "results-tiny-classical-pages.jsonl", "--json")
    assert json.loads(again.stdout) == report


def test_lines_of_a_baseline_alone_are_found_by_the_outline_that_they_are_cut_along(
    run, ground_truth: Path
) -> None:
    file, found = ground_truth / "p.xml", []

    def baseline(match: re.Match[str]) -> str:
        y, right = int(match[1]) + 36, int(match[2])
        found.append(
            ((100, y - 150), (right, y - 150), (right, y + 60), (100, y + 60))
        )  # lines are 200 apart
        return f'<Coords points=""/><Baseline points="100,{y} {right},{y}"/>'

    outline = re.compile(r'<Coords points="100,(\d+) (\d+),[^"]*"/>(?=<TextEquiv)')
    file.write_text(outline.sub(baseline, file.read_text()))
    lines = tuple(ReadLine("ab", 0.9, polygon) for polygon in found)
    outcome = PageOutcome("truth/p", lines, seconds={"load": 0.0, "find": 0.0, "read": 0.0})
    write_page_results(PageResults("tiny", "toy", TextNormalization(), {}, (outcome,)), "r.jsonl")
    result = run("evaluate", "--pages", ground_truth, "--from-results", "r.jsonl", "--json")
    report = json.loads(result.stdout)
    assert (report["lines"], report["found"], report["missed"], report["extra"]) == (3, 3, 0, 0)


def test_a_place_that_cannot_be_written_is_told_before_pages_are_read(
    run, tiny_model: Path, ground_truth: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amanuensis.evaluation.evaluate_page", None)
    result = run("evaluate", "--pages", ground_truth, "-m", tiny_model, "--results", ground_truth)
    assert (result.exit_code, "cannot be written" in result.stderr) == (1, True)


def test_a_model_of_some_page_sets_reads_no_others(run, tiny_model: Path, ground_truth: Path) -> None:
    arguments = ("evaluate", "--pages", ground_truth, "--finder", "classical", "--json")
    other = run(*arguments, "-m", f"{tiny_model}@elsewhere", "-m", f"{tiny_model}@nowhere")
    assert (other.exit_code, "none of the models reads truth" in other.stderr) == (1, True)
    assert not list(Path.cwd().glob("*.jsonl"))
    own = run(*arguments, "-m", tiny_model, "-m", f"{tiny_model}@truth")
    assert json.loads(own.stdout)["cer"]["on_true_lines"]["rate"] == 0


def test_what_is_of_lines_is_refused_and_a_folder_without_pages_too(
    run, tiny_model: Path, ground_truth: Path, dataset: Path
) -> None:
    refused = run("evaluate", "--pages", ground_truth, "-m", tiny_model, "--split", "test")
    assert refused.exit_code == 2
    assert "--split" in refused.stderr
    empty = run("evaluate", "--pages", dataset, "-m", tiny_model)
    assert empty.exit_code == 1
    assert "PAGE or ALTO" in empty.stderr


def test_a_subfolder_that_lets_nobody_in_is_told(
    run, tiny_model: Path, ground_truth: Path, lets_nobody_in: Callable[[Path], None]
) -> None:
    closed = ground_truth / "closed"
    closed.mkdir()
    lets_nobody_in(closed)
    result = run("evaluate", "--pages", ground_truth, "-m", tiny_model, "--finder", "classical")
    assert result.exit_code == 0
    assert f"{closed}: cannot be looked into, left out" in result.stderr


def test_a_page_without_its_image_counts_as_missed_and_fails(
    run, tiny_model: Path, ground_truth: Path
) -> None:
    (ground_truth / "p.png").unlink()
    result = run("evaluate", "--pages", ground_truth, "-m", tiny_model, "--finder", "classical", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert (report["missed"], report["recall"]) == (3, 0.0)
    assert "p.png" in report["failed"][0]["reason"]


def test_formulas_of_pages_go_to_their_model_and_an_overlay_is_drawn(
    run, tiny_model: Path, ground_truth: Path, tmp_path: Path
) -> None:
    math = write_tiny_formula_model(tmp_path / "math", says("x", "+", "y"))
    file = ground_truth / "p.xml"
    maths = '<MathsRegion id="m"><Coords points="90,700 900,700 900,880 90,880"/></MathsRegion>'
    file.write_text(file.read_text().replace("</Page>", f"{maths}</Page>"))
    with Image.open(ground_truth / "p.png") as image:
        page = np.array(image)
    page[780:786, 300:400] = page[740:830, 345:351] = 0  # a plus: blank pictures are refused
    Image.fromarray(page).save(ground_truth / "p.png")
    arguments = ("transcribe", file, "-m", tiny_model, "-f", "txt", "-o", "out")
    result = run(*arguments, "--formulas", math, "--overlay")
    assert result.exit_code == 0, result.stderr
    assert [line for line in Path("out/p.txt").read_text().splitlines() if line] == [*TEXTS, "x+y"]
    with Image.open("out/p.overlay.png") as overlay:
        assert overlay.size == (1000, 900)
    wrong = run(*arguments, "--formulas", tiny_model, "--restart")
    assert wrong.exit_code == 1
    assert "reads lines" in wrong.stderr

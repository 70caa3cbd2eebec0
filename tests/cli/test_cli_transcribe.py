from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tiny_model import draw, write_tiny_model


def test_one_line_to_stdout(run, tiny_model: Path, scans: Path) -> None:
    result = run("transcribe", scans / "line2.png", "-m", tiny_model)
    assert (result.exit_code, result.stdout) == (0, "ab\n")
    assert "1 read, 0 failed" in result.stderr


def test_a_folder_in_natural_order_with_its_subfolders(run, tiny_model: Path, scans: Path) -> None:
    result = run("transcribe", scans, "-m", tiny_model)
    assert result.stdout == "ab\nba\né\n"
    assert "3 images in 2 folders; left out: 1 other file (1 .txt)" in result.stderr


def test_a_subfolder_that_lets_nobody_in_fails_by_name_and_the_rest_is_read(
    run, tiny_model: Path, scans: Path, lets_nobody_in: Callable[[Path], None]
) -> None:
    closed = scans / "closed"
    closed.mkdir()
    lets_nobody_in(closed)
    result = run("transcribe", "--lines", scans, "-m", tiny_model)
    assert (result.exit_code, result.stdout) == (1, "\nab\nba\né\n")
    assert f"{closed}: " in result.stderr
    assert "3 images in 2 folders" in result.stderr
    assert "3 read, 1 failed" in result.stderr
    alone = run("transcribe", "--lines", closed, "-m", tiny_model)
    assert (alone.exit_code, alone.stdout) == (1, "")
    assert f"{closed}: cannot be looked into: Permission denied" in alone.stderr


def test_quiet_says_nothing_but_the_result(run, tiny_model: Path, scans: Path) -> None:
    result = run("transcribe", scans, "-m", tiny_model, "-q")
    assert (result.stdout, result.stderr) == ("ab\nba\né\n", "")


def test_a_table(run, tiny_model: Path, scans: Path) -> None:
    result = run("transcribe", scans / "line2.png", scans / "line10.png", "-m", tiny_model, "-f", "tsv")
    header, first, second = result.stdout.splitlines()
    assert header.split("\t") == ["image", "text", "confidence", "error"]
    assert first.split("\t")[:2] == [str(scans / "line2.png"), "ab"]
    assert 0.9 < float(second.split("\t")[2]) <= 1


def test_json_has_places_and_reasons(run, tiny_model: Path, scans: Path) -> None:
    broken = scans / "line3.png"
    broken.write_bytes(b"")
    result = run("transcribe", scans, "-m", tiny_model, "-f", "json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert (document["model"], document["read"]) == ("tiny", 3)
    assert [line["text"] for line in document["lines"]] == ["ab", "ba", "é"]
    span = document["lines"][0]["spans"][1]
    assert span["text"] == "b"
    assert abs(span["start"] - 16) <= 4
    [failure] = document["failed"]
    assert failure["image"] == str(broken)
    assert "empty" in failure["reason"]


def test_a_bad_image_is_named_and_the_rest_is_read(run, tiny_model: Path, scans: Path) -> None:
    missing = scans / "missing.png"
    result = run("transcribe", scans / "line2.png", missing, scans / "line10.png", "-m", tiny_model)
    assert result.exit_code == 1
    assert result.stdout == "ab\n\nba\n"
    assert result.stderr.count(str(missing)) == 1
    assert "2 read, 1 failed" in result.stderr


def test_the_n_best_are_of_formulas(run, tiny_model: Path, scans: Path) -> None:
    result = run("transcribe", scans, "-m", tiny_model, "--n-best", 3)
    assert result.exit_code == 1
    assert "tiny reads lines: --n-best is of formulas" in result.stderr
    assert "beam" not in result.stderr


def test_a_page_is_refused_as_a_line(run, tiny_model: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((3000, 2000), 255, np.uint8)).save(tmp_path / "page.png")
    result = run("transcribe", tmp_path / "page.png", "-m", tiny_model, "--lines")
    assert result.exit_code == 1
    assert "page" in result.stderr
    assert "cut it into lines" in result.stderr


def _tiff(path: Path, *texts: str) -> Path:
    first, *rest = [Image.fromarray(draw(text)) for text in texts]
    first.save(path, save_all=True, append_images=rest)
    return path


def test_each_frame_of_a_tiff_is_a_line(run, tiny_model: Path, tmp_path: Path) -> None:
    path = _tiff(tmp_path / "lines.tif", "ab", "é", "ba")
    assert run("transcribe", path, "-m", tiny_model).stdout == "ab\né\nba\n"
    table = run("transcribe", path, "-m", tiny_model, "-f", "tsv").stdout.splitlines()
    assert table[2].startswith(f"{path}[2]\té\t")
    document = json.loads(run("transcribe", path, "-m", tiny_model, "-f", "json").stdout)
    assert [line["frame"] for line in document["lines"]] == [1, 2, 3]
    run("transcribe", path, "-m", tiny_model, "-o", "out")
    assert Path("out/lines.txt").read_text(encoding="utf-8") == "ab\né\nba\n"


def test_a_file_for_every_image(run, tiny_model: Path, scans: Path) -> None:
    (scans / "bad.png").write_bytes(b"bad")
    result = run("transcribe", scans, "-m", tiny_model, "-o", "out")
    assert (result.exit_code, result.stdout) == (1, "")
    written = {str(path.relative_to("out")): path.read_text() for path in Path("out").rglob("*.txt")}
    assert written == {"line2.txt": "ab\n", "line10.txt": "ba\n", "sub/line1.txt": "é\n"}


@pytest.mark.parametrize("form", ["tsv", "json"])
def test_one_table_in_a_folder(run, tiny_model: Path, scans: Path, form: str) -> None:
    printed = run("transcribe", scans, "-m", tiny_model, "-f", form).stdout
    result = run("transcribe", scans, "-m", tiny_model, "-f", form, "-o", "out")
    assert result.stdout == ""
    [path] = Path("out").iterdir()
    assert path.name == f"transcription.{form}"
    if form == "tsv":
        assert path.read_text() == printed
    else:
        assert json.loads(path.read_text())["lines"] == json.loads(printed)["lines"]


def test_images_of_one_stem_keep_files_of_their_own(run, tiny_model: Path, scans: Path) -> None:
    Image.fromarray(draw("bb")).save(scans / "line2.tif")
    run("transcribe", scans / "line2.png", scans / "line2.tif", "-m", tiny_model, "-o", "out")
    assert Path("out/line2.png.txt").read_text() == "ab\n"
    assert Path("out/line2.tif.txt").read_text() == "bb\n"


def test_images_of_one_name_are_refused_before_any_work(run, tiny_model: Path, scans: Path) -> None:
    Image.fromarray(draw("bb")).save(scans / "sub" / "line2.png")
    result = run(
        "transcribe", scans / "line2.png", scans / "sub" / "line2.png", "-m", tiny_model, "-o", "out"
    )
    assert result.exit_code == 1
    assert "would both be written to line2.txt" in result.stderr
    assert not any(Path("out").iterdir())


def test_a_file_given_twice_is_read_once(run, tiny_model: Path, scans: Path) -> None:
    result = run("transcribe", scans / "line2.png", scans / "line2.png", "-m", tiny_model)
    assert result.stdout == "ab\n"


def test_low_confidence_gets_a_hint(run, scans: Path, tmp_path: Path) -> None:
    unsure = write_tiny_model(tmp_path / "unsure", gain=0.1)
    Image.fromarray(draw("ababab")).save(scans / "line2.png")
    hint = "mean confidence is only"
    assert hint in run("transcribe", scans / "line2.png", "-m", unsure).stderr
    assert hint not in run("transcribe", scans / "line2.png", "-m", unsure, "-q").stderr


def test_a_sure_reading_gets_no_hint(run, tiny_model: Path, scans: Path) -> None:
    assert "only" not in run("transcribe", scans, "-m", tiny_model).stderr


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ([], 2, "PATH"),
        (["line.png", "-f", "docx"], 2, "docx"),
        (["line.png", "--threads", "0"], 2, "threads"),
        (["line.png", "-m", "no-such-model"], 1, "no-such-model"),
        (["."], 1, "no image in this folder"),
    ],
)
def test_wrong_usage(run, arguments: list[str], status: int, told: str) -> None:
    result = run("transcribe", *arguments)
    assert result.exit_code == status
    assert told in result.stderr
    assert result.stdout == ""


def test_an_output_that_cannot_be_made(run, tiny_model: Path, scans: Path) -> None:
    result = run("transcribe", scans, "-m", tiny_model, "-o", scans / "notes.txt")
    assert result.exit_code == 1
    assert "notes.txt: File exists" in result.stderr


@pytest.mark.parametrize("form", ["txt", "tsv", "json"])
def test_gaps_in_every_format(run, tiny_model: Path, tmp_path: Path, form: str) -> None:
    faint = draw("ab ba é").astype(float)
    faint[:, 48:80] = 255 - 0.52 * (255 - faint[:, 48:80])  # "ba" is hardly more ink than paper
    Image.fromarray(faint.astype(np.uint8)).save(tmp_path / "line.png")
    arguments = ["transcribe", tmp_path / "line.png", "-m", tiny_model, "-f", form]
    shown = run(*arguments).stdout
    assert "ab ba é" in shown
    assert '"gap"' not in shown
    marked = run(*arguments, "--gap-below", 0.5).stdout
    assert "ab […] é" in marked
    if form == "json":
        [line] = json.loads(marked)["lines"]
        assert [word["text"] for word in line["words"]] == ["ab", "[…]", "é"]
        gap = line["words"][1]
        assert (gap["gap"], gap["read"]) == (True, "ba")
        assert gap["confidence"] < 0.5
        assert 44 <= gap["start"] < gap["end"] <= 80


def test_a_gap_is_marked_below_a_confidence(run, tiny_model: Path, scans: Path) -> None:
    assert run("transcribe", scans, "-m", tiny_model, "--gap-below", 1.5).exit_code == 2

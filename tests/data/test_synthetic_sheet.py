"""Contact sheets and data sets of synthetic lines, from Python and from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bundled_font import write_bundled_font
from PIL import Image
from typer.testing import CliRunner, Result

from amanuensis.cli import app
from amanuensis.data import read_dataset
from amanuensis.data.contact_sheet import contact_sheet
from amanuensis.errors import DataError


@pytest.fixture
def fonts(tmp_path: Path) -> Path:
    folder = tmp_path / "fonts"
    folder.mkdir()
    write_bundled_font(folder)
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "en.txt"
    path.write_text("the quick brown fox jumps over a lazy dog\n" * 3)
    return path


@pytest.fixture
def real(tmp_path: Path) -> Path:
    folder = tmp_path / "letters"
    folder.mkdir()
    rows = ["image\ttext\tsplit\twriter"]
    for number, split in enumerate(["train", "train", "", "val", "test"]):
        Image.fromarray(np.full((30, 90), 200, np.uint8)).save(folder / f"p_{number}.png")
        rows.append(f"p_{number}.png\treal{number}\t{split}\t")
    (folder / "labels.tsv").write_text("\n".join(r.replace("\t\t", "\ttrain\t") for r in rows) + "\n")
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", "synth", *map(str, arguments)])


def test_help_teaches_by_examples() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert result.stdout.count("\n    amanuensis data synth") >= 2


def test_a_sheet_mixes_real_train_lines_with_synthetic_ones(
    tmp_path: Path, fonts: Path, corpus: Path, real: Path
) -> None:
    sheet = tmp_path / "new" / "sheet.png"
    arguments = ("--corpus", corpus, "--fonts", fonts, "--style", "archive", "--real", real, "--count", 6)
    result = run(*arguments, "--preview", sheet)
    assert result.exit_code == 0, result.output
    key = [row.split("\t") for row in result.stdout.splitlines()]
    assert [row[0] for row in key] == ["1", "2", "3", "4", "5", "6"]
    sources = [row[1] for row in key]
    assert sources.count("synthetic") == 3
    assert {source for source in sources if source != "synthetic"} == {f"letters/p_{n}" for n in range(3)}
    with Image.open(sheet) as image:
        assert image.height == 6 * 72
    assert run(*arguments, "--preview", sheet).stdout == result.stdout


def test_without_real_lines_all_are_synthetic(tmp_path: Path, fonts: Path, corpus: Path) -> None:
    result = run("--corpus", f"fr={corpus}", "--fonts", fonts, "--preview", tmp_path / "s.png", "--count", 3)
    assert result.exit_code == 0, result.output
    assert [row.split("\t")[1] for row in result.stdout.splitlines()] == ["synthetic"] * 3


def test_a_data_set_is_written_and_read_back(tmp_path: Path, fonts: Path, real: Path) -> None:
    folder = tmp_path / "synthetic"
    styles = ("--style", "letter=1", "--style", "archive=3")
    arguments = ("--transcriptions", real, "--fonts", fonts, *styles, "--count", 5, "-o", folder)
    result = run(*arguments, "--height", 48)
    assert result.exit_code == 0, result.output
    dataset = read_dataset(folder)
    assert len(dataset.split("train")) == len(dataset.samples) == 5
    assert not dataset.problems
    words = {word for sample in dataset.samples for word in sample.text.split()}
    assert words <= {"real0", "real1", "real2"}, "words of val or test"
    with Image.open(dataset.samples[0].image) as image:
        assert image.height == 48
    again = run(*arguments)
    assert again.exit_code == 1
    assert "is there already" in again.stderr


def test_mistakes_are_named(tmp_path: Path, fonts: Path, corpus: Path) -> None:
    sheet = ("--preview", tmp_path / "s.png")
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "blank.txt").write_text("\n")
    chinese = tmp_path / "zh.txt"
    chinese.write_text("\u4e66\u4e66\u4e66\n", encoding="utf-8")
    cases = [
        (("--corpus", corpus, "--fonts", empty, *sheet), 1, "holds no .ttf or .otf font"),
        (("--corpus", corpus, "--fonts", tmp_path / "no", *sheet), 1, "is no folder"),
        (("--fonts", fonts, *sheet), 1, "at least one corpus"),
        (("--corpus", tmp_path / "blank.txt", "--fonts", fonts, *sheet), 1, "holds no text"),
        (("--corpus", chinese, "--fonts", fonts, *sheet), 1, "no font has all the characters"),
        (("--corpus", corpus, "--fonts", fonts, "--style", "gothic", *sheet), 1, "known are plain"),
        (("--corpus", corpus, "--fonts", fonts, "--style", "letter=x", *sheet), 2, "'x' is no number"),
        (("--corpus", corpus, "--corpus", f"en={corpus}", "--fonts", fonts, *sheet), 2, "two corpora"),
        (("--corpus", corpus, "--fonts", fonts), 2, "nothing to write"),
    ]
    for arguments, status, message in cases:
        result = run(*arguments)
        assert result.exit_code == status, (arguments, result.output)
        assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_sheet_of_nothing_is_an_error() -> None:
    with pytest.raises(DataError, match="at least one line"):
        contact_sheet([])

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from amanuensis.cli import app
from tiny_model import draw

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in an empty folder: `run("transcribe", path)`."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("AMANUENSIS_DEBUG", raising=False)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of three lines in natural order, one in a subfolder, and files that are no images."""
    folder = tmp_path / "scans"
    (folder / "sub").mkdir(parents=True)
    for name, text in {"line2.png": "ab", "line10.png": "ba", "sub/line1.jpg": "é"}.items():
        Image.fromarray(draw(text)).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden.png").write_bytes(b"no image")
    return folder


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A data set of labelled bars: 4 test lines (one label wrong), 2 of train."""
    folder = tmp_path / "bars"
    (folder / "lines").mkdir(parents=True)
    rows = ["image\ttext\tsplit\twriter"]
    labels = [("ab", "ab", "test"), ("ba", "ba", "test"), ("a b", "a b", "test"), ("aa", "éa", "test")]
    labels += [("bab", "bab", "train"), ("bbb", "bbb", "train")]
    for i, (drawn, text, split) in enumerate(labels):
        Image.fromarray(draw(drawn)).save(folder / "lines" / f"p{i}_1.png")
        rows.append(f"lines/p{i}_1.png\t{text}\t{split}\tw{i}")
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes folders refuse to be listed, as those of another user do; root, whom nothing stops, included."""
    closed: set[str] = set()
    list_folder = os.scandir

    def refuse(path: str | os.PathLike[str] = ".") -> object:
        if os.fspath(path) in closed:
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return lambda path: closed.add(str(path))

"""A folder of InkML files, as CROHME is distributed: one formula each, its ground truth inside.

Folders named like splits (`train/`, `val/`, `test/`) are read as those. The truth, any LaTeX of the CROHME
kind, becomes a caption here, with the labels of the symbols to tell names of functions from letters in a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from amanuensis.data.dataset import Collector, split_of_name
from amanuensis.errors import DataError
from amanuensis.ink import InkDocument, InkImage, read_inkml
from amanuensis.latex import normalize_caption

_SUFFIX = ".inkml"


def detect_inkml(path: Path) -> bool:
    """An `.inkml` file, or a folder that holds some, itself or in folders named like splits."""
    return any(True for _ in _files(path))


def read_inkml_folder(path: Path, collector: Collector) -> None:
    """Read every file. One without truth or strokes is named; what is broken in part is read and named."""
    for file, split in _files(path):
        try:
            document = read_inkml(file)
            text = _caption(document)
        except DataError as error:
            collector.problem(str(file), str(error).removeprefix(f"{file}: "))
            continue
        for reason in document.problems:
            collector.problem(str(file), reason)
        name = file.stem if path in (file.parent, file) else f"{file.parent.name}/{file.stem}"
        image = InkImage(document.ink, str(file))
        writer = document.annotations.get("writer", "")
        collector.add(str(file), name, image, text, split=split, writer=writer)


def _caption(document: InkDocument) -> str:
    """The tokens of the truth, with spaces between.

    Raises:
        DataError: there is no truth, or a caption cannot say it.
    """
    if not document.truth:
        raise DataError("there is no annotation of type truth: its LaTeX is what a sample is made of")
    labels = [symbol.label for symbol in document.ink.symbols]
    return " ".join(normalize_caption(document.truth, labels or None))


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    """The InkML files and the split of each, folder by folder, sorted."""
    if not path.is_dir():
        if path.suffix.lower() == _SUFFIX and path.is_file():
            yield path, ""
        return
    children = sorted(path.iterdir())
    yield from ((child, "") for child in children if child.suffix.lower() == _SUFFIX and child.is_file())
    for folder in children:
        if split_of_name(folder.name) and folder.is_dir():
            split = split_of_name(folder.name)
            yield from ((file, split) for file in sorted(folder.iterdir()) if file.suffix.lower() == _SUFFIX)

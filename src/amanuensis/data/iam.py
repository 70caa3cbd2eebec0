"""IAM Handwriting Database: `ascii/lines.txt` or `xml/*.xml`, `lines/a01/a01-000u/a01-000u-00.png`, lists.

Splits are those of the lists found: the "large writer independent text line recognition task" (paper, D3:
6,161 / 900 / 1,861 lines; its second validation set is unused), or else the "Aachen" lists of forms or lines.
Lines that no list names keep the split "". Facts of the format: the comments of `lines.txt` itself.

`lines.txt` separates the tokens of a line by `|`, punctuation too, so its spaces are not those on the paper
("Griffiths , M P"). The XML has the line as written and is preferred where both are there (our reading).
"""

from __future__ import annotations

import html
import os
from collections.abc import Mapping
from pathlib import Path

from amanuensis.data.dataset import Collector
from amanuensis.data.lists import SplitLists, numbered_lines
from amanuensis.data.pairs import IMAGE_SUFFIXES
from amanuensis.data.xml import read_xml
from amanuensis.errors import DataError

_TASKS: tuple[Mapping[str, str], ...] = (
    {"trainset.txt": "train", "validationset1.txt": "val", "validationset2.txt": "", "testset.txt": "test"},
    {"train.uttlist": "train", "validation.uttlist": "val", "test.uttlist": "test"},
    {"tr.lst": "train", "va.lst": "val", "te.lst": "test"},
)
_FIELDS_BEFORE_TEXT = 8  # id, ok or err, grey level, components, x, y, width, height


def detect_iam_lines(path: Path) -> bool:
    """A folder with `ascii/lines.txt` (or `lines.txt`) and the folder `lines`."""
    return _lines_txt(path).is_file() and (path / "lines").is_dir()


def detect_iam_xml(path: Path) -> bool:
    """A folder with `xml/*.xml` and the folder `lines`."""
    return any((path / "xml").glob("*.xml")) and (path / "lines").is_dir()


def read_iam_lines(path: Path, collector: Collector) -> None:
    """Read `lines.txt`. Lines marked `err` are kept: only their words are badly segmented, says the file."""
    corpus = _Corpus(path, collector)
    writers = _writers(path / "ascii" / "forms.txt", collector)
    for where, line in numbered_lines(_lines_txt(path), collector):
        if line.startswith("#"):
            continue
        fields = line.split(" ", _FIELDS_BEFORE_TEXT)
        if len(fields) <= _FIELDS_BEFORE_TEXT or fields[1] not in ("ok", "err"):
            collector.problem(where, "no row of lines.txt: id ok|err grey components x y w h text")
            continue
        corpus.add(where, fields[0], fields[-1].replace("|", " "), writers.get(_form(fields[0]), ""))
    corpus.close()


def read_iam_xml(path: Path, collector: Collector) -> None:
    """Read `xml/*.xml`: the `text` of every `line` of a form's `handwritten-part`."""
    corpus = _Corpus(path, collector)
    for file in sorted((path / "xml").glob("*.xml")):
        try:
            form = read_xml(file)
        except DataError as error:
            collector.problem(str(file), str(error).removeprefix(f"{file}: "))
            continue
        for line in form.findall("./handwritten-part/line"):
            id_, text = line.get("id"), line.get("text")
            if id_ is None or text is None:
                collector.problem(str(file), "a line without id or text")
                continue
            corpus.add(f"{file}:{id_}", id_, text, form.get("writer-id", ""))
    corpus.close()


class _Corpus:
    """The images and lists of an IAM folder, by line id."""

    def __init__(self, path: Path, collector: Collector) -> None:
        self._collector = collector
        self._images = images_by_stem(path / "lines")
        self._splits = SplitLists(_lists(path), collector)

    def add(self, where: str, id_: str, text: str, writer: str) -> None:
        """Add one line. Both kinds of files spell quotes and ampersands as HTML does, at least in places."""
        split = self._splits.of(id_, _form(id_))
        image = self._images.get(id_)
        if image is None:
            self._collector.problem(where, f"the image {id_}.png is missing in the folder 'lines'")
        text = html.unescape(text)
        self._collector.add(where, id_, image, text, split=split, page=_form(id_), writer=writer)

    def close(self) -> None:
        """Name what the lists promise and the database does not have."""
        self._splits.close()


def images_by_stem(folder: Path) -> dict[str, Path]:
    """Every image below a folder by its name without the suffix; of two, the first in order."""
    found: dict[str, Path] = {}
    for where, folders, names in os.walk(folder.absolute()):
        folders.sort()
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)  # noqa: PTH122 - pathlib is slow for 100,000 files
            if suffix.lower() in IMAGE_SUFFIXES:
                found.setdefault(stem, Path(where, name))
    return found


def _lines_txt(path: Path) -> Path:
    inside = path / "ascii" / "lines.txt"
    return inside if inside.is_file() else path / "lines.txt"


def _form(id_: str) -> str:
    """The form of a line: "a01-000u" of "a01-000u-00"."""
    return "-".join(id_.split("-")[:2])


def _writers(path: Path, collector: Collector) -> dict[str, str]:
    """The writer of every form, from `ascii/forms.txt` ("a01-000u 000 2 prt 7 5 52 36"), if it is there."""
    if not path.is_file():
        return {}
    rows = (line.split() for _, line in numbered_lines(path, collector) if not line.startswith("#"))
    return {row[0]: row[1] for row in rows if len(row) > 1}


def _lists(path: Path) -> dict[Path, str]:
    """The lists and their splits: the first of `_TASKS` that is complete in the folder or two deeper."""
    skipped = {"lines", "words", "forms", "sentences", "xml"}
    level = [path]
    folders = [path]
    for _ in range(2):
        level = [child for folder in level for child in _subfolders(folder) if child.name not in skipped]
        folders += level
    for task in _TASKS:
        for folder in folders:
            if all((folder / name).is_file() for name, split in task.items() if split):
                return {folder / name: split for name, split in task.items() if (folder / name).is_file()}
    return {}


def _subfolders(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir())

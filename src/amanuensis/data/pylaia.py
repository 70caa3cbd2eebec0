"""PyLaia tables: `img_id tok tok ...` for every split, beside a symbol table `syms.txt`.

As the documentation of PyLaia describes them: `train.txt`, `val.txt` and `test.txt` hold an image id and the
symbols of its text, separated by spaces; `syms.txt` maps symbols to numbers; `<space>` is the space, `<ctc>`
the blank. Image ids are paths without a suffix, relative to the folder or to its `images`.
"""

from __future__ import annotations

from pathlib import Path

from amanuensis.data.dataset import Collector, split_of_name
from amanuensis.data.lists import numbered_lines
from amanuensis.data.pairs import IMAGE_SUFFIXES
from amanuensis.data.tables import page_of

_SPACE = "<space>"
_NO_TEXT = ("<ctc>", "<blank>", "<unk>", "<eps>")
_IMAGES = ("", "images", "lines", "imgs")


def detect_pylaia(path: Path) -> bool:
    """A folder with `syms.txt` and at least one table of a split."""
    return (path / "syms.txt").is_file() and bool(_tables(path))


def read_pylaia(path: Path, collector: Collector) -> None:
    """Read the tables of all splits; a symbol that `syms.txt` lacks is named with its row."""
    symbols = {line.split()[0] for _, line in numbered_lines(path / "syms.txt", collector)}
    for table in _tables(path):
        for where, line in numbered_lines(table, collector):
            image, *tokens = line.split()
            unknown = [t for t in tokens if t not in symbols or t in _NO_TEXT]
            if unknown:
                collector.problem(where, f"symbols that syms.txt does not have as text: {' '.join(unknown)}")
                continue
            text = "".join(" " if token == _SPACE else token for token in tokens)
            file = collector.find(where, image, folders=_IMAGES, suffixes=("", *IMAGE_SUFFIXES))
            collector.add(where, image, file, text, split=split_of_name(table.stem), page=page_of(image))


def _tables(path: Path) -> list[Path]:
    """The tables named like a split, sorted."""
    return sorted(file for file in path.glob("*.txt") if split_of_name(file.stem))

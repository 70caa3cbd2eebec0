"""Bentham R0 of the ICFHR 2014 competition HTRtS: the folder `BenthamDatasetR0-GT`.

`Partitions/TrainLines.lst`, `ValidationLines.lst` and `TestLines.lst` list line ids, `Transcriptions/ID.txt`
hold the text and `Images/Lines/ID.png` the pictures. `<gap/>` (something illegible) is left out of the text,
as in the reader of HTR-Flor. Ids are box_folio_image_region_line; the first three are the page.
"""

from __future__ import annotations

import html
from pathlib import Path

from amanuensis.data.dataset import Collector
from amanuensis.data.lists import numbered_lines
from amanuensis.data.pairs import IMAGE_SUFFIXES

_LISTS = {"TrainLines.lst": "train", "ValidationLines.lst": "val", "TestLines.lst": "test"}


def detect_bentham(path: Path) -> bool:
    """A folder with `Partitions/TrainLines.lst` and `Transcriptions`."""
    return (path / "Partitions" / "TrainLines.lst").is_file() and (path / "Transcriptions").is_dir()


def read_bentham(path: Path, collector: Collector) -> None:
    """Read the lines of the three lists; transcriptions that no list names get the split ""."""
    listed: set[str] = set()
    for name, split in _LISTS.items():
        for where, line in numbered_lines(path / "Partitions" / name, collector):
            listed.add(line.strip())
            _add(where, line.strip(), split, path, collector)
    for file in sorted((path / "Transcriptions").glob("*.txt")):
        if file.stem not in listed:
            _add(str(file), file.stem, "", path, collector)


def _add(where: str, id_: str, split: str, path: Path, collector: Collector) -> None:
    """Add one line."""
    file = collector.find(where, f"{id_}.txt", folders=("Transcriptions",), kind="transcription")
    if file is None:
        return
    image = collector.find(where, id_, folders=("Images/Lines",), suffixes=IMAGE_SUFFIXES)
    text = " ".join(line for _, line in numbered_lines(file, collector))
    text = " ".join(html.unescape(text).replace("<gap/>", " ").split())
    collector.add(where, id_, image, text, split=split, page="_".join(id_.split("_")[:3]))

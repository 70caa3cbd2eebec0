"""CROHME, handwritten formulas: ink and captions as JSON Lines, and the published bitmaps of two test sets.

The folder holds `ink/<split>.jsonl.gz` (one object a line: id, tokens, strokes, scale, symbols, writer) and,
where there are any, `images/<split>-published-bmp.tar.gz` with members `<id>_0.bmp`. Papers validate on the test
set of 2013 where they train on 2014; those of 2014, 2016 and 2019 are data sets of their own, each with its year.

Where a bitmap was published, it is the sample's image: so numbers can be compared. Elsewhere the ink is
drawn (see `ink.render`). Captions are the samples' texts: tokens between spaces, never normalized here.
"""

from __future__ import annotations

import gzip
import json
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from amanuensis.data.dataset import Collector
from amanuensis.errors import DataError, ImageError
from amanuensis.ink import Ink, InkImage, InkSymbol
from amanuensis.records import ImageSource

_SPLITS = {  # file -> split, and what follows the data set's name
    "train": ("train", ""),
    "test2013": ("val", ""),
    "test2014": ("test", "-2014"),
    "test2016": ("test", "-2016"),
    "test2019": ("test", "-2019"),
}
_MAX_BITMAP = 16_000_000  # bytes; the largest published one has 380,664 pixels of one byte
_MAX_LINE = 64_000_000  # bytes of one ink as JSON; the longest of CROHME has 60,000


@dataclass(frozen=True, slots=True)
class StoredBitmap:
    """A small bitmap that is kept in memory, compressed: a member of an archive that cannot be read by offset.

    Attributes:
        name: archive and member.
        compressed: its bytes as `zlib` packs them; black and white shrinks to a twentieth.
    """

    name: str
    compressed: bytes

    def read(self) -> bytes:
        """The bytes of the bitmap's file."""
        try:
            return zlib.decompress(self.compressed)
        except zlib.error as error:
            raise ImageError(f"{self.name}: the stored bitmap is damaged: {error}") from error


def detect_crohme(path: Path) -> bool:
    """A folder with an `ink/` that holds at least one of CROHME's splits."""
    return any((path / "ink" / f"{name}.jsonl.gz").is_file() for name in _SPLITS)


def read_crohme(path: Path, collector: Collector) -> None:
    """Read every split that is there. A line, ink or bitmap that cannot be read is named; the rest is read."""
    for name, (split, suffix) in _SPLITS.items():
        table = path / "ink" / f"{name}.jsonl.gz"
        if not table.is_file():
            continue
        archive = path / "images" / f"{name}-published-bmp.tar.gz"
        bitmaps = _read_bitmaps(archive, collector) if archive.is_file() else None
        for where, line in _numbered_lines(table, collector):
            try:
                formula = _formula(line, where)
            except (DataError, ValueError, RecursionError, OverflowError) as error:
                collector.problem(where, f"no formula: {error}")
                continue
            image: ImageSource | None = InkImage(formula.ink, formula.id)
            if bitmaps is not None:
                image = bitmaps.get(formula.id)
                if image is None:
                    collector.problem(where, f"{formula.id!r} has no bitmap in {archive}")
            collector.add(
                where,
                formula.id,
                image,
                formula.text,
                split=split,
                writer=formula.writer,
                dataset=collector.name + suffix,
            )


@dataclass(frozen=True, slots=True)
class _Formula:
    """What a line of an ink file tells."""

    id: str
    text: str
    writer: str
    ink: Ink


def _numbered_lines(table: Path, collector: Collector) -> Iterator[tuple[str, str]]:
    """Lines of a gzip file that are not blank, each with where it stands."""
    number = 0
    try:
        with gzip.open(table, "rb") as file:
            while line := file.readline(_MAX_LINE):
                number += 1
                if line.strip():
                    yield f"{table}:{number}", line.decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        collector.problem(f"{table}:{number + 1}", f"cannot be read from here on: {error}")


def _formula(line: str, where: str) -> _Formula:
    """One formula of an ink file.

    Raises:
        DataError: its strokes are no ink.
        ValueError: it is no object of the keys and types expected.
    """
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("it is not an object")
    name, tokens, writer = row.get("id"), row.get("tokens"), row.get("writer") or ""
    if not isinstance(name, str) or not name or not isinstance(writer, str):
        raise ValueError("id and writer should be strings")
    if not isinstance(tokens, list) or not all(isinstance(token, str) and token for token in tokens):
        raise ValueError("tokens should be a list of strings")
    return _Formula(name, " ".join(tokens), writer, _ink(row))


def _ink(row: dict[str, Any]) -> Ink:
    """The ink in the tablet's own units: stored coordinates are those times `scale`, and rounded."""
    strokes, scale = row.get("strokes"), row.get("scale", 1.0)
    if not isinstance(strokes, list) or not isinstance(scale, int | float) or not scale > 0:
        raise ValueError("strokes should be a list, and scale a number above 0")
    try:
        arrays = [np.asarray(stroke, dtype=np.float64) / scale for stroke in strokes]
    except TypeError as error:
        raise ValueError(f"a stroke is a list of points [x, y]: {error}") from error
    return Ink(arrays, _symbols(row.get("symbols") or [], len(arrays)))


def _symbols(rows: Any, num_strokes: int) -> tuple[InkSymbol, ...]:
    """The symbols, without the strokes that are not there (four formulas of CROHME name such)."""
    try:
        symbols = [InkSymbol(str(row["label"]), tuple(map(int, row["strokes"]))) for row in rows]
    except (TypeError, KeyError) as error:
        raise ValueError(f"symbols should be objects of label and strokes: {error!r}") from error
    present = (
        InkSymbol(symbol.label, tuple(i for i in symbol.strokes if 0 <= i < num_strokes))
        for symbol in symbols
    )
    return tuple(symbol for symbol in present if symbol.strokes)


def _read_bitmaps(archive: Path, collector: Collector) -> dict[str, StoredBitmap]:
    """The bitmaps of an archive by the id of their formula: one pass, since a .tar.gz has no directory."""
    bitmaps = {}
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                stem = PurePosixPath(member.name).stem
                if not member.isfile() or not member.name.endswith("_0.bmp"):
                    continue
                file = members.extractfile(member)
                if file is None or member.size > _MAX_BITMAP:
                    collector.problem(
                        f"{archive}[{member.name}]", f"{member.size:,} bytes: no bitmap of a formula"
                    )
                    continue
                compressed = zlib.compress(file.read(), 1)
                bitmaps[stem.removesuffix("_0")] = StoredBitmap(f"{archive}[{member.name}]", compressed)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        collector.problem(str(archive), f"cannot be read from here on: {error}")
    return bitmaps

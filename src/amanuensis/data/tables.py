"""Tables of lines: `labels.tsv` with a header, plain `image<TAB>text`, and JSON Lines.

`labels.tsv` is the layout of our own data folders: UTF-8, tab-separated, header `image text split writer`.
In a tab-separated table a quotation mark is a character like any other: transcriptions are full of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from amanuensis.data.dataset import Collector, split_of_name
from amanuensis.data.lists import numbered_lines

COLUMNS = ("image", "text", "split", "writer", "page", "id")
_ALSO = {"file_name": "image"}  # as the Hugging Face hub calls it


def page_of(image: str) -> str:
    """The page that a line's image was cut from: its stem up to the first `_`, or else up to the last `-`.

    `lines/0042_007.jpg` is of page 0042 (the open sets), `csg562-003-01.jpg` of csg562-003 (Saint Gall),
    `270-01.jpg` of 270 (Washington); "" if the name tells nothing.
    """
    stem = PurePosixPath(image.replace("\\", "/")).stem
    if "_" in stem:
        return stem.split("_", 1)[0]
    return stem.rpartition("-")[0]


def id_of(image: str) -> str:
    """A sample's id from its image: the path in the data set without the suffix."""
    path = PurePosixPath(image.replace("\\", "/"))
    return str(path.with_suffix("")) if path.name else image


def add_row(where: str, row: Mapping[str, str], collector: Collector, *, split: str = "") -> None:
    """Add the sample of one row: `image` and `text`, and `split`, `writer`, `page`, `id` if it has them.

    `split` is that of the table, for rows that say none.
    """
    image = row["image"]
    collector.add(
        where,
        row.get("id") or id_of(image),
        collector.find(where, image),
        row["text"],
        split=collector.split_of(where, row.get("split", "").strip() or split),
        page=row.get("page") or page_of(image),
        writer=row.get("writer", ""),
    )


def detect_labels(path: Path) -> bool:
    """A folder that holds `labels.tsv`."""
    return (path / "labels.tsv").is_file()


def read_labels(path: Path, collector: Collector) -> None:
    """Read `labels.tsv`: a header with `image` and `text`, and `split`, `writer`, `page` if there."""
    table = path / "labels.tsv"
    rows = numbered_lines(table, collector)
    where, first = next(rows, (str(table), ""))
    header = _columns(first)
    if missing := [column for column in ("image", "text") if column not in header]:
        lacks = " and ".join(missing)
        collector.problem(where, f"the header lacks {lacks}; it should be: image, text, split, writer")
        return
    _read_rows(rows, header, "", collector)


def detect_tsv(path: Path) -> bool:
    """A `.tsv` file, a `.txt` file whose first row has a tab, or a folder with `.tsv` files."""
    if path.is_dir():
        return bool(_files(path, ".tsv"))
    if path.suffix == ".txt" and path.is_file():
        with path.open("rb") as file:
            return b"\t" in file.readline()
    return path.suffix == ".tsv"


def read_tsv(path: Path, collector: Collector) -> None:
    """Read `image<TAB>text` rows, or tables with a header; `train.tsv`, `val.tsv`, `test.tsv` are splits."""
    for table in _files(path, ".tsv"):
        rows = list(numbered_lines(table, collector))
        header = _columns(rows[0][1]) if rows else []
        if "image" in header and "text" in header:
            del rows[0]
        else:
            header = ["image", "text"]
        _read_rows(iter(rows), header, split_of_name(table.stem), collector)


def detect_jsonl(path: Path) -> bool:
    """A `.jsonl` file, or a folder with such files."""
    return bool(_files(path, ".jsonl")) if path.is_dir() else path.suffix == ".jsonl"


def read_jsonl(path: Path, collector: Collector) -> None:
    """Read JSON Lines: objects with `image` (or `file_name`) and `text`; `train.jsonl` etc. are splits."""
    for table in _files(path, ".jsonl"):
        split = split_of_name(table.stem)
        for where, line in numbered_lines(table, collector):
            try:
                row = _object(line)
            except (ValueError, RecursionError) as error:
                collector.problem(where, f"no row of JSON Lines: {error}")
                continue
            add_row(where, row, collector, split=split)


def _files(path: Path, suffix: str) -> list[Path]:
    """The tables of a folder, sorted, or the one table given."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix == suffix and file.is_file())


def _columns(header: str) -> list[str]:
    return [_ALSO.get(column, column) for column in header.split("\t")]


def _read_rows(
    rows: Iterator[tuple[str, str]], header: Sequence[str], split: str, collector: Collector
) -> None:
    """Add the rows of a tab-separated table; `split` is for those that say none."""
    for where, line in rows:
        fields = line.split("\t")
        absent = header[len(fields) :]
        # Editors strip the tab before an empty last cell: an empty split, writer or page may be missing.
        if len(fields) > len(header) or any(column not in ("split", "writer", "page") for column in absent):
            collector.problem(where, f"{len(fields)} fields where {len(header)} are expected")
            continue
        if _quoted(fields):
            collector.problem(where, "quoted as in CSV: quotes in this table are text, write it without them")
            continue
        add_row(where, dict(zip(header, fields, strict=False)), collector, split=split)


def _quoted(fields: Sequence[str]) -> bool:
    """Whether a field was plainly quoted by a CSV writer: quotes around it and doubled ones inside."""
    return any(f[:1] == f[-1:] == '"' and '""' in f[1:-1] for f in fields)


def _object(line: str) -> dict[str, str]:
    """The known keys of a JSON object, as strings.

    Raises:
        ValueError: it is no object, lacks a key, or holds something else than strings.
    """
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("it is not an object")
    row = {_ALSO.get(key, key): value for key, value in row.items()}
    known = {key: row[key] for key in COLUMNS if row.get(key) is not None}
    if missing := [key for key in ("image", "text") if key not in known]:
        raise ValueError(f"it lacks {' and '.join(missing)}")
    if wrong := [key for key, value in known.items() if not isinstance(value, str)]:
        raise ValueError(f"{', '.join(wrong)} should be a string")
    return known

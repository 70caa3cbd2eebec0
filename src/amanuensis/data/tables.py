"""Tables of lines: `labels.tsv` with a header, plain `image<TAB>text`, and JSON Lines.

`labels.tsv` is the layout of our own data folders: UTF-8, tab-separated, header `image text split writer`.
In a tab-separated table a quotation mark is a character like any other: transcriptions are full of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from amanuensis.data.dataset import Collector
from amanuensis.errors import DataError

OPTIONAL_COLUMNS = ("split", "writer", "page")


def numbered_lines(path: Path, collector: Collector) -> Iterator[tuple[str, str]]:
    """(where, line) of every line that is not blank; a line that is not UTF-8 is named and left out.

    A byte order mark and Windows line ends are removed. Only line feeds end a line: transcriptions may hold
    the other characters that `str.splitlines` breaks at.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    for number, row in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        where = f"{path}:{number}"
        try:
            line = row.removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            collector.problem(where, f"not UTF-8 (byte {error.start + 1} of the row)")
            continue
        if line.strip():
            yield where, line


def page_of(image: str) -> str:
    """The page that a line's image was cut from: its stem up to the first `_`, or else up to the last `-`.

    `lines/0042_007.jpg` is of page 0042 (the open sets), `csg562-003-01.jpg` of csg562-003 (Saint Gall),
    `270-01.jpg` of 270 (Washington); "" if the name tells nothing.
    """
    stem = PurePosixPath(image).stem
    if "_" in stem:
        return stem.split("_", 1)[0]
    return stem.rpartition("-")[0]


def id_of(image: str) -> str:
    """A sample's id from its image: the path in the data set without the suffix."""
    path = PurePosixPath(image.replace("\\", "/"))
    return str(path.with_suffix("")) if path.name else image


def read_labels(folder: Path, collector: Collector) -> None:
    """Read `labels.tsv`: a header that names at least `image` and `text`; `split`, `writer`, `page` if there.

    Raises:
        DataError: the header lacks a column.
    """
    rows = numbered_lines(folder / "labels.tsv", collector)
    where, header_line = next(rows, (str(folder / "labels.tsv"), ""))
    header = header_line.split("\t")
    if missing := [column for column in ("image", "text") if column not in header]:
        raise DataError(
            f"{where}: the header lacks {' and '.join(missing)}; it should be: image, text, split, writer"
        )
    for where, line in rows:
        if (row := _row(where, header, line.split("\t"), collector)) is not None:
            _add(where, row, collector)


def _row(
    where: str, header: Sequence[str], fields: Sequence[str], collector: Collector
) -> dict[str, str] | None:
    """The fields by column. Editors strip the tab before an empty last cell, so those may be missing."""
    absent = header[len(fields) :]
    if len(fields) > len(header) or any(column not in ("writer", "page") for column in absent):
        collector.problem(where, f"{len(fields)} fields where the header has {len(header)}")
        return None
    return dict(zip(header, [*fields, *[""] * len(absent)], strict=True))


def _add(where: str, row: dict[str, str], collector: Collector) -> None:
    """Add one row: image, text and what the table has of split, writer, page."""
    split = collector.split_of(where, row["split"]) if "split" in row else ""
    if split is None:
        return
    image = row["image"]
    page = row.get("page") or page_of(image)
    collector.add(
        where,
        id_of(image),
        collector.find(where, image),
        row["text"],
        split=split,
        page=page,
        writer=row.get("writer", ""),
    )

"""Parquet tables as the Hugging Face hub serves them: columns `image` and `text`. Needs the extra `parquet`.

`image` is a struct of `bytes` and `path`, or the encoded bytes themselves. Cells are decoded when an image is
read, a row group at a time; for training, which shuffles, `pack` such a data set first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from amanuensis.data.dataset import Collector, split_of_name
from amanuensis.errors import DataError, ImageError, MissingExtraError


@dataclass(frozen=True, slots=True)
class ParquetCell:
    """The image in one row of a Parquet file."""

    path: Path
    group: int
    row: int

    @property
    def name(self) -> str:
        """The file, row group and row."""
        return f"{self.path}[group {self.group}, row {self.row}]"

    def read(self) -> bytes:
        """The encoded bytes.

        Raises:
            ImageError: the table cannot be read, or the cell holds no bytes.
        """
        try:
            value = _column(self.path, self.group)[self.row].as_py()
        except (OSError, ValueError, LookupError, DataError) as error:
            raise ImageError(f"{self.name}: cannot be read: {error}") from error
        encoded = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(encoded, bytes):
            raise ImageError(f"{self.name}: the column 'image' holds no bytes here")
        return encoded


def detect_parquet(path: Path) -> bool:
    """A `.parquet` file, or a folder with such files in it or in its `data`."""
    return bool(_files(path))


def read_parquet(path: Path, collector: Collector) -> None:
    """Read all tables; `train-00000-of-00002.parquet` and the like are splits where no cell says one.

    Raises:
        MissingExtraError: pyarrow is not installed.
        DataError: a table lacks the columns.
    """
    for file in _files(path):
        table = _open(file)
        names = set(table.schema_arrow.names)
        if missing := {"image", "text"} - names:
            raise DataError(f"{file}: no column {' and no column '.join(sorted(missing))}")
        columns = [name for name in ("text", "split", "writer", "page", "id") if name in names]
        for group in range(table.num_row_groups):
            try:
                rows = table.read_row_group(group, columns=columns).to_pylist()
            except (OSError, ValueError) as error:  # pyarrow's errors derive from these
                collector.problem(f"{file}[group {group}]", f"cannot be read: {error}")
                continue
            for number, row in enumerate(rows):
                _add(file, group, number, row, collector)


def _add(file: Path, group: int, number: int, row: dict[str, Any], collector: Collector) -> None:
    """Add one row; an empty cell is None."""
    cell = ParquetCell(file, group, number)
    values = {key: "" if value is None else str(value) for key, value in row.items()}
    split = collector.split_of(cell.name, values.get("split", "").strip() or split_of_name(file.stem))
    collector.add(
        cell.name,
        values.get("id") or f"{file.stem}/{group}-{number}",
        cell,
        values["text"],
        split=split,
        page=values.get("page", ""),
        writer=values.get("writer", ""),
    )


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix == ".parquet" else []
    return sorted([*path.glob("*.parquet"), *path.glob("data/*.parquet")])


def _open(path: Path) -> Any:
    """The opened table (pyarrow has no types)."""
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingExtraError("reading Parquet tables", "parquet") from error
    try:
        return pq.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no Parquet table: {error}") from error


@lru_cache(maxsize=2)
def _column(path: Path, group: int) -> Any:
    """The images of a row group; the last two are kept, since reading goes row by row."""
    return _open(path).read_row_group(group, columns=["image"]).column("image")

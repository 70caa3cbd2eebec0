"""How far a collection is: all journals of an output folder, read while runs may be writing them."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from amanuensis.errors import DataError
from amanuensis.jobs.journal import FOLDER, FORMAT, PATIENCE, journals
from amanuensis.jobs.tasks import shown_path


@dataclass(frozen=True, slots=True)
class Failure:
    """A page that could not be read, and why."""

    name: str
    source: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Status:
    """How far a collection is.

    Attributes:
        num_done, num_failed, num_waiting: pages, of all shards that have begun.
        num_lines: read so far.
        seconds: of all runs, by the clock; shards that ran side by side count each.
        num_finished: pages that these seconds went into, changed ones counted again.
        failures: every page that failed.
        settings: what results depend on.
        num_shards: that the collection was cut into.
        missing_shards: those that have not begun.
    """

    num_done: int
    num_failed: int
    num_waiting: int
    num_lines: int
    seconds: float
    num_finished: int
    failures: tuple[Failure, ...]
    settings: dict[str, str]
    num_shards: int
    missing_shards: tuple[int, ...]

    @property
    def pages_per_hour(self) -> float:
        """Of one shard, on the average of all runs."""
        return 3600 * self.num_finished / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Part:
    """The same of one journal."""

    counts: dict[str, int]
    num_lines: int
    seconds: float
    num_finished: int
    failures: list[Failure]
    settings: dict[str, str]


def read_status(folder: Path) -> Status:
    """How far the collection of an output folder is.

    Raises:
        DataError: there is no journal, or it cannot be read.
    """
    paths = journals(folder)
    if not paths:
        raise DataError(f"{folder}: no collection was read into this folder (no journal in {FOLDER}/)")
    parts = [_read(path) for path in paths]
    begun, num_shards = _shards(paths)
    return Status(
        num_done=sum(part.counts.get("done", 0) for part in parts),
        num_failed=sum(part.counts.get("failed", 0) for part in parts),
        num_waiting=sum(part.counts.get("waiting", 0) for part in parts),
        num_lines=sum(part.num_lines for part in parts),
        seconds=sum(part.seconds for part in parts),
        num_finished=sum(part.num_finished for part in parts),
        failures=tuple(failure for part in parts for failure in part.failures),
        settings=parts[0].settings,
        num_shards=num_shards,
        missing_shards=tuple(index for index in range(1, num_shards + 1) if index not in begun),
    )


def _shards(paths: list[Path]) -> tuple[set[int], int]:
    """The shards that have journals, and how many there should be."""
    numbers = [tuple(map(int, re.findall(r"\d+", path.stem))) for path in paths]
    return {index for index, _ in numbers}, max(count for _, count in numbers)


def _read(path: Path) -> _Part:
    # Not read-only: what a killed run left half written has to be taken back first.
    address = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as database:
            [version] = database.execute("PRAGMA user_version").fetchone()
            if version == 0:
                raise DataError(f"{path}: nothing is in this journal yet: it is being begun")
            if version != FORMAT:
                raise DataError(
                    f"{path}: a journal of format {version}, this version of amanuensis reads {FORMAT}"
                )
            return _part(database)
    except sqlite3.DatabaseError as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _part(database: sqlite3.Connection) -> _Part:
    [num_lines] = database.execute(
        "SELECT coalesce(sum(lines), 0) FROM pages WHERE state = 'done'"
    ).fetchone()
    seconds, finished = database.execute(
        "SELECT coalesce(sum(seconds), 0), coalesce(sum(pages), 0) FROM runs"
    ).fetchone()
    failed = database.execute("SELECT name, source, reason FROM pages WHERE state = 'failed' ORDER BY id")
    return _Part(
        dict(database.execute("SELECT state, count(*) FROM pages GROUP BY state")),
        num_lines,
        seconds,
        finished,
        [Failure(name, shown_path(Path(source)), reason) for name, source, reason in failed],
        dict(database.execute("SELECT name, value FROM settings")),
    )

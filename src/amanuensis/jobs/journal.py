"""The journal of a collection: an SQLite file in the output folder, one record a page.

What it says is true after a crash: a page's files are whole before its record says "done", and that record is on the
disk before the next one. Whoever looks into it meanwhile (`jobs status`) disturbs nobody. Each shard has a journal of
its own, because network file systems do not lock well enough for many writers of one file.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from amanuensis import __version__
from amanuensis.errors import DataError
from amanuensis.jobs.shards import Shard
from amanuensis.jobs.tasks import UNLISTED, InputFile, Outcome, PageTask

FOLDER = ".amanuensis"  # in the output folder
FORMAT = 1

_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, began REAL NOT NULL, seconds REAL NOT NULL DEFAULT 0, pages INTEGER NOT NULL DEFAULT 0,
    version TEXT NOT NULL
);
CREATE TABLE pages (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,          -- results are this + a suffix
    source TEXT NOT NULL,
    page INTEGER NOT NULL,
    listed INTEGER NOT NULL,            -- the last run that was asked for it
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
    reason TEXT NOT NULL DEFAULT '',
    seconds REAL,
    model TEXT,
    lines INTEGER,
    confidence REAL,
    inputs TEXT NOT NULL DEFAULT '[]',  -- JSON: path, size, time
    outputs TEXT NOT NULL DEFAULT '[]', -- JSON: suffix, size
    times INTEGER NOT NULL DEFAULT 0,   -- how often it was finished; more than once only if it was changed
    finished REAL
);
CREATE INDEX waiting ON pages (state, id);
"""
BEGUN = "begun"  # the setting that says when a collection was begun
PATIENCE = 30.0  # seconds that a writer may keep a reader waiting
_BROKEN = frozenset((sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT))
_CHUNK = 500  # records drawn or written at a time


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run finds to do, in pages.

    Attributes:
        new: to the journal.
        waiting: since an earlier run.
        changed: since they were read, or their results are gone.
        again: failed before, and are to be tried again.
        done, failed: stay as they are.
    """

    new: int = 0
    waiting: int = 0
    changed: int = 0
    again: int = 0
    done: int = 0
    failed: int = 0

    @property
    def to_do(self) -> int:
        """Pages that this run reads."""
        return self.new + self.waiting + self.changed + self.again


class Journal:
    """The journal of one shard, held by one run at a time; a context manager."""

    def __init__(self, folder: Path, shard: Shard, settings: Mapping[str, str]) -> None:
        """Open it, or begin one.

        Args:
            folder: the output folder.
            shard: whose journal.
            settings: what results depend on, in words: the model, formats, options. As soon as a page is read, all
                shards of the folder keep to them.

        Raises:
            DataError: another run holds it, the folder was begun with other settings or another number of shards, or
                the file is no journal of this version, or cannot be written.
        """
        self.folder = folder
        self._shard = shard
        self._settings = dict(settings)
        self._path = journal_path(folder, shard)
        self._has_read: bool
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        _check_cut(folder, shard)
        with ExitStack() as held, _naming(self._path):
            held.enter_context(closing(_lock(folder, shard)))
            self.scratch = _cleared(folder / FOLDER / f"scratch-{_part(shard)}")
            self._database = held.enter_context(closing(_opened(self._path)))
            self._check_settings()
            self._run, self._began = self._begin_run(), time.monotonic()
            self._held = held.pop_all()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            shutil.rmtree(self.scratch)
        self._held.close()

    def plan(self, tasks: Iterable[PageTask], *, retry_failed: bool = False) -> Plan:
        """Write down the pages that are asked for; drawn one at a time.

        Args:
            tasks: all pages of this shard.
            retry_failed: try those again that failed before.

        Raises:
            DataError: a page would overwrite the results of another file, or the journal cannot be written.
        """
        counts = dict.fromkeys(Plan.__dataclass_fields__, 0)
        with _naming(self._path):
            for number, task in enumerate(tasks, 1):
                counts[self._place(task, retry_failed=retry_failed)] += 1
                if number % _CHUNK == 0:
                    self._database.commit()
            self._forget_unlisted()
            self._database.commit()
        return Plan(**counts)

    def waiting(self) -> Iterator[PageTask]:
        """The pages to read, in the order in which they were first listed. Drawn as they are needed.

        Raises:
            DataError: the journal cannot be read.
        """
        last = -1
        question = (
            "SELECT id, name, source, page FROM pages WHERE state = 'waiting' AND id > ? AND listed = ? "
            "ORDER BY id LIMIT ?"
        )
        with _naming(self._path):
            while rows := self._database.execute(question, (last, self._run, _CHUNK)).fetchall():
                for last, name, source, page in rows:  # noqa: B007 - `last` is the next question's
                    yield PageTask(name, Path(source), page)

    def record(self, outcome: Outcome) -> None:
        """Write down what came of a page. When this returns it is on the disk.

        Raises:
            DataError: the journal cannot be written, or another shard has begun to read with other settings meanwhile.
        """
        if not self._has_read:
            _check_others(self.folder, self._shard, self._settings)
            self._has_read = True
        values = {
            "name": outcome.name,
            "state": outcome.state,
            "reason": outcome.reason,
            "seconds": round(outcome.seconds, 3),
            "model": self._settings.get("model", ""),
            "lines": outcome.num_lines,
            "confidence": outcome.confidence,
            "inputs": json.dumps(_inputs(outcome)),
            "outputs": json.dumps(outcome.outputs),
            "finished": time.time(),
        }
        with _naming(self._path), self._database:
            self._database.execute(
                "UPDATE pages SET state = :state, reason = :reason, seconds = :seconds, model = :model, "
                "lines = :lines, confidence = :confidence, inputs = :inputs, outputs = :outputs, "
                "finished = :finished, times = times + 1 WHERE name = :name",
                values,
            )
            self._database.execute(
                "UPDATE runs SET pages = pages + 1, seconds = ? WHERE id = ?",
                (time.monotonic() - self._began, self._run),
            )

    def _forget_unlisted(self) -> None:
        """Folders that could not be listed once and can now failed for nothing that is asked any more."""
        self._database.execute(
            "DELETE FROM pages WHERE state = 'failed' AND listed < ? AND substr(name, -length(?)) = ? AND EXISTS "
            "(SELECT 1 FROM pages AS inside WHERE inside.listed = ? "
            "AND substr(inside.name, 1, length(pages.name) - 1) = substr(pages.name, 1, length(pages.name) - 1))",
            (self._run, UNLISTED, UNLISTED, self._run),
        )

    def _begin_run(self) -> int:
        with self._database:
            cursor = self._database.execute(
                "INSERT INTO runs (began, version) VALUES (?, ?)", (time.time(), __version__)
            )
        return int(cursor.lastrowid or 0)

    def _check_settings(self) -> None:
        """Keep to what was read before, or write the settings down: a run that read nothing binds nobody."""
        self._has_read = _has_read(self._database)
        if self._has_read:
            _refuse_changes(self.folder, self._shard, _settings(self._database), self._settings)
        else:
            with self._database:
                self._database.execute("DELETE FROM settings")
                self._database.executemany("INSERT INTO settings VALUES (?, ?)", self._settings.items())
        _check_others(self.folder, self._shard, self._settings)

    def _place(self, task: PageTask, *, retry_failed: bool) -> str:
        """Write one page down; which count of the plan it belongs to."""
        row = self._database.execute(
            "SELECT source, state, inputs, outputs FROM pages WHERE name = ?", (task.name,)
        ).fetchone()
        if row is None:
            self._database.execute(
                "INSERT INTO pages (name, source, page, listed) VALUES (?, ?, ?, ?)",
                (task.name, _absolute(task), task.page, self._run),
            )
            return "new"
        source, state, inputs, outputs = row
        _check_same_page(self.folder, task, Path(source))
        what = self._what_to_do(task, _Stored(state, json.loads(inputs), json.loads(outputs)), retry_failed)
        self._database.execute(
            "UPDATE pages SET listed = ?, source = ?, state = ? WHERE name = ?",
            (self._run, _absolute(task), what if what in ("done", "failed") else "waiting", task.name),
        )
        return what

    def _what_to_do(self, task: PageTask, stored: _Stored, retry_failed: bool) -> str:
        if stored.state == "waiting":
            return "waiting"
        home = task.source.parent
        if not all(InputFile(home / name, *status).unchanged for name, *status in stored.inputs):
            return "changed"
        if stored.state == "failed":
            return "again" if retry_failed else "failed"
        results = ((self.folder / f"{task.name}{suffix}", size) for suffix, size in stored.outputs)
        return "done" if all(InputFile.of(path).size == size for path, size in results) else "changed"


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a record says: the state; inputs as [path from the source's folder, size, time]; [suffix, size]."""

    state: str
    inputs: list[tuple[str, int, int]]
    outputs: list[tuple[str, int]]


def journal_path(folder: Path, shard: Shard) -> Path:
    """Where the journal of a shard lies."""
    return folder / FOLDER / f"journal-{_part(shard)}.sqlite"


def journals(folder: Path) -> list[Path]:
    """All journals of an output folder, by shard."""
    return sorted((folder / FOLDER).glob("journal-*.sqlite"), key=lambda path: (len(path.name), path.name))


def moment_begun(folder: Path, shard: Shard) -> datetime | None:
    """When the collection of a folder was begun, by this shard's journal, else by another's; None for a new one.

    Files record one moment for a whole collection, so that they do not depend on how often it was cut off.
    """
    own = journal_path(folder, shard)
    for path in sorted(journals(folder), key=lambda path: path != own):
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
            row = database.execute("SELECT value FROM settings WHERE name = ?", (BEGUN,)).fetchone()
            if row is not None:
                return datetime.fromisoformat(row[0])
    return None


def _has_read(database: sqlite3.Connection) -> bool:
    """Whether any page was ever finished."""
    [found] = database.execute("SELECT EXISTS (SELECT 1 FROM pages WHERE times > 0)").fetchone()
    return bool(found)


def _settings(database: sqlite3.Connection) -> dict[str, str]:
    return dict(database.execute("SELECT name, value FROM settings"))


def _check_others(folder: Path, shard: Shard, settings: Mapping[str, str]) -> None:
    """Other shards that have read pages bind this one; only the moments at which they were begun may differ.

    A journal that cannot be read is for its own shard to say.
    """
    for path in journals(folder):
        stored = None
        if path != journal_path(folder, shard):
            with (
                suppress(sqlite3.DatabaseError),
                closing(sqlite3.connect(path, timeout=PATIENCE)) as database,
            ):
                stored = _settings(database) if _has_read(database) else None
        if stored is not None:
            _refuse_changes(folder, shard, {**stored, BEGUN: ""}, {**settings, BEGUN: ""})


def _refuse_changes(
    folder: Path, shard: Shard, stored: Mapping[str, str], settings: Mapping[str, str]
) -> None:
    changes = [
        f"{name}: {stored.get(name, 'not set')}, now {settings.get(name, 'not set')}"
        for name in sorted(stored.keys() | settings.keys())
        if stored.get(name) != settings.get(name)
    ]
    if not changes:
        return
    anew = ", or read all of it anew with --restart" if shard.count == 1 else ""
    raise DataError(
        f"{folder}: begun with other settings ({'; '.join(changes)}). One folder holds one way of reading: "
        f"use the same settings{',' if anew else ' or'} choose another folder{anew}"
    )


def forget(folder: Path, shard: Shard, settings: Mapping[str, str]) -> None:
    """Remove the journal of a shard. Its results stay until new ones take their place.

    Raises:
        DataError: a run holds it, or other shards have read pages with other settings than those of the new run.
    """
    if journal_path(folder, shard).exists():
        with closing(_lock(folder, shard)):
            _check_others(folder, shard, settings)
            for suffix in ("", "-journal"):
                path = journal_path(folder, shard)
                path.with_name(path.name + suffix).unlink(missing_ok=True)


def _part(shard: Shard) -> str:
    return f"{shard.index}-of-{shard.count}"


def _inputs(outcome: Outcome) -> list[tuple[str, int, int]]:
    """By their way from the source's folder, so that a collection may move."""
    home = outcome.inputs[0].path.parent if outcome.inputs else Path()
    return [(os.path.relpath(file.path, home), file.size, file.mtime_ns) for file in outcome.inputs]


def _absolute(task: PageTask) -> str:
    return str(task.source.absolute())


def _check_cut(folder: Path, shard: Shard) -> None:
    """Pages of another cut would be read twice."""
    others = [path.name for path in journals(folder) if not path.name.endswith(f"-of-{shard.count}.sqlite")]
    if others:
        count = others[0].removesuffix(".sqlite").rsplit("-", 1)[1]
        right = "without --shard" if count == "1" else f"with --shard 1/{count} to {count}/{count}"
        raise DataError(f"{folder}: begun {right}: go on like that, or choose another folder")


def _check_same_page(folder: Path, task: PageTask, before: Path) -> None:
    """A file may have moved with its folder, but two files of one name cannot both have their results here."""
    if str(before) != _absolute(task) and before.exists():
        raise DataError(
            f"{folder / task.name}: holds the results of {before}; those of {task.source} would replace them: "
            f"choose another folder for them"
        )


def _lock(folder: Path, shard: Shard) -> sqlite3.Connection:
    """Hold a shard until the connection is closed or the process dies, however it dies.

    SQLite's locks do that on every system; the file that is locked is not the journal, which others may read.

    Raises:
        DataError: another run holds it, or the file cannot be locked.
    """
    path = folder / FOLDER / f"lock-{_part(shard)}"
    try:
        with ExitStack() as held:
            lock = held.enter_context(closing(sqlite3.connect(path, timeout=0, isolation_level=None)))
            lock.execute("BEGIN EXCLUSIVE")
            held.pop_all()
    except sqlite3.Error as error:
        code = _code(error)
        if code == sqlite3.SQLITE_BUSY:
            part = f" (shard {shard})" if shard.count > 1 else ""
            told = f"{folder}: another run is writing into it{part}: wait for it, or stop it"
        else:
            told = f"{path}: cannot be locked: {error}"
            told += "; it holds nothing: remove it" * (code in _BROKEN)
        raise DataError(told) from error
    return lock


def _cleared(scratch: Path) -> Path:
    """An empty folder for unfinished files: what a killed run left is removed."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(exist_ok=True)
    return scratch


def _opened(path: Path) -> sqlite3.Connection:
    """The database, made if it is new.

    Raises:
        DataError: it is no journal, or of another version.
    """
    with ExitStack() as held:
        database = held.enter_context(closing(sqlite3.connect(path)))
        try:
            database.execute("PRAGMA synchronous = FULL")
            [version] = database.execute("PRAGMA user_version").fetchone()
            if version == 0:
                database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
        except sqlite3.DatabaseError as error:
            if _code(error) not in _BROKEN:
                raise
            raise DataError(f"{path}: no journal: {error}; --restart begins a new one") from error
        if version not in (0, FORMAT):
            raise DataError(
                f"{path}: a journal of format {version}, this version of amanuensis writes {FORMAT}: "
                f"go on with the version that began it, or choose another folder"
            )
        held.pop_all()
    return database


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors of SQLite, such as a full disk, are told with the file that they are about."""
    try:
        yield
    except sqlite3.Error as error:
        raise DataError(f"{path}: {error}") from error


def _code(error: sqlite3.Error) -> int | None:
    """SQLite's primary code of an error; None for an error of Python's module."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code and code & 0xFF

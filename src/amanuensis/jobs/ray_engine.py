"""The engine of a cluster: Ray Data carries pages to actors on any number of machines (extra `ray`).

The journal stays where the command runs; the machines share the file system that pages and results lie on. Actors do
what workers do (`do_page`), so the files are the same, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amanuensis.errors import AmanuensisError, DataError, MissingExtraError
from amanuensis.jobs.tasks import Bench, InputFile, Outcome, PageTask, ReadPage, do_page

_PAGES_A_BLOCK = 4
"""Pages that are handed out, and told of, together: after a crash so many an actor may be read again."""
_MARK = "reading-"
_DIED = "its process ended, or its machine: perhaps a decoder crashed, or the memory was full"


@dataclass(frozen=True, slots=True)
class RayEngine:
    """So many actors, of one CPU each, on a Ray cluster: the one that RAY_ADDRESS names, else one on this machine."""

    num_workers: int = 1

    def run(self, bench: Bench, tasks: Iterable[PageTask]) -> Iterator[Outcome]:
        """Do every task; outcomes come in the order in which they are done.

        Raises:
            MissingExtraError: Ray is not installed.
            DataError: Ray gives up, since its machines fail.
            AmanuensisError: the work cannot be opened, or results cannot be written.
        """
        ray = _ray()
        rows = [{"name": task.name, "source": str(task.source), "page": task.page} for task in tasks]
        if not rows:
            return
        started = _connect(ray, self.num_workers)
        try:
            pages = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // _PAGES_A_BLOCK))
            done = pages.map(
                _Actor,
                fn_constructor_args=(bench, str(Path.cwd())),
                compute=ray.data.ActorPoolStrategy(size=min(self.num_workers, len(rows))),
                num_cpus=1,
            )
            for row in done.iter_rows():
                yield _outcome(row["outcome"])
        except ray.exceptions.RayError as error:
            raise DataError(_told_end(error, bench.scratch)) from error
        finally:
            if started:
                ray.shutdown()


class _Actor:
    """What runs on the machines: opens the work with its first page, then reads page by page.

    Ray starts a new actor in place of one that has died, and gives it the same pages. So that one page cannot kill
    one actor after the other, a file in the scratch folder marks the page that is being read: who finds the mark there
    does not read it again.

    It works in the folder that the command was given in, so that relative paths of models and lexicons hold.
    """

    def __init__(self, bench: Bench, folder: str) -> None:
        os.chdir(folder)
        self._bench = bench
        self._read: ReadPage | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """The outcome of one page; of an error that no other page would escape, its message."""
        task = PageTask(row["name"], Path(row["source"]), int(row["page"]))
        try:
            self._read = self._read or self._bench.work.open()
            told: Any = asdict(self._do_once(self._read, task))
        except AmanuensisError as error:
            told = str(error)
        return {"outcome": json.dumps(told, default=str)}  # paths are no JSON

    def _do_once(self, read: ReadPage, task: PageTask) -> Outcome:
        """What comes of a page; it fails if an actor died while reading it."""
        digest = hashlib.blake2b(task.name.encode(), digest_size=16).hexdigest()
        mark = self._bench.scratch / f"{_MARK}{digest}"
        try:
            with mark.open("x", encoding="utf-8") as file:
                file.write(str(task.source))
        except FileExistsError:
            return Outcome(task.name, "failed", _DIED, inputs=(InputFile.of(task.source),))
        except OSError as error:
            raise DataError(f"{mark}: cannot be written: {error.strerror or error}") from error
        try:
            return do_page(read, task, self._bench)
        finally:
            mark.unlink()


def _told_end(error: Exception, scratch: Path) -> str:
    """Why Ray gave up, and which pages were being read."""
    pages = []
    for mark in sorted(scratch.glob(f"{_MARK}*")):
        with suppress(FileNotFoundError):  # another actor is just done with it
            pages.append(mark.read_text(encoding="utf-8"))
    told = f"Ray gave up: {(str(error).splitlines() or [type(error).__name__])[0]}"
    return f"{told}; pages that were being read: {', '.join(pages)}" if pages else told


def _outcome(answer: str) -> Outcome:
    told = json.loads(answer)
    if isinstance(told, str):
        raise AmanuensisError(told)
    inputs = tuple(InputFile(Path(file["path"]), file["size"], file["mtime_ns"]) for file in told["inputs"])
    outputs = tuple((suffix, size) for suffix, size in told["outputs"])
    return Outcome(**{**told, "inputs": inputs, "outputs": outputs})


def _ray() -> Any:
    try:
        import ray  # noqa: PLC0415
        import ray.data  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("--engine ray", "ray") from error
    return ray


def _connect(ray: Any, num_workers: int) -> bool:
    """Join the cluster; whether that began here, and so should end here."""
    if ray.is_initialized():
        return False
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # our own progress is told by who watches
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
    else:
        ray.init(num_cpus=num_workers, include_dashboard=False, **quiet)
    ray.data.DataContext.get_current().enable_progress_bars = False
    return True

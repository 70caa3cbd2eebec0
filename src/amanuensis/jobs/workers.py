"""The engine of one machine: worker processes that read a page each at a time, on one thread each.

Processes, because a broken file that crashes a decoder, or a page too large for the memory, then costs that page alone:
it fails by name, and a new worker takes the place of the dead one. They are spawned, not forked: a fork would share
locks and memory of ONNX Runtime, and would keep the pipes of its siblings open, so that none noticed when the parent is
killed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from typing import Any

from amanuensis.errors import AmanuensisError
from amanuensis.jobs.tasks import Bench, InputFile, Outcome, PageTask, do_page

# Libraries read these once, when they are first imported; our own sessions are given their thread by name.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_PATIENCE = 5.0  # seconds that a worker that has nothing to do is given to end by itself


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """So many worker processes on this machine."""

    num_workers: int = 1

    def run(self, bench: Bench, tasks: Iterable[PageTask]) -> Iterator[Outcome]:
        """Do every task; outcomes come in the order in which they are done.

        A worker starts when there is a task for it; tasks are drawn one a worker, never ahead.

        Raises:
            AmanuensisError: the work cannot be opened (no such model), or results cannot be written.
        """
        waiting = iter(tasks)
        workers = [_Worker(bench, task) for task in islice(waiting, self.num_workers)]
        try:
            while workers:
                for worker in _answering(workers):
                    outcome = worker.answer()
                    if outcome is None:
                        continue
                    workers.remove(worker)
                    if (task := next(waiting, None)) is None:
                        worker.dismiss()
                    else:
                        workers.append(worker.after(bench, task))
                    yield outcome
        finally:
            for worker in workers:
                worker.kill()


@dataclass(frozen=True, slots=True)
class _GaveUp:
    """A worker cannot go on, and no other could."""

    message: str


class _Worker:
    """A process, the pipe to it, and the page that it reads."""

    def __init__(self, bench: Bench, task: PageTask) -> None:
        context = get_context("spawn")
        self._pipe, inner = context.Pipe()
        self._process = context.Process(target=_serve, args=(inner,), daemon=True)
        self._process.start()
        inner.close()
        self._opened = False
        self._pipe.send(
            bench
        )  # not an argument: a worker sets its threads before it imports what the work needs
        self._give(task)

    @property
    def signs(self) -> tuple[Any, Any]:
        """What becomes ready when the worker has answered, or died."""
        return self._pipe, self._process.sentinel

    def answer(self) -> Outcome | None:
        """What came of its page; None when it says that it has opened the work.

        A worker that died while reading a page has failed it.

        Raises:
            AmanuensisError: it could not start, or cannot go on, and no other could.
        """
        try:
            answer: Outcome | _GaveUp | None = self._pipe.recv()
        except (EOFError, OSError):
            return self._died()
        if isinstance(answer, _GaveUp):
            raise AmanuensisError(answer.message)
        self._opened = True
        return answer

    def _died(self) -> Outcome:
        self._process.join()
        cause = _cause(self._process.exitcode)
        if not self._opened:
            raise AmanuensisError(f"a worker could not start: {cause}")
        seconds = time.perf_counter() - self._began
        return Outcome(self._task.name, "failed", cause, seconds, (InputFile.of(self._task.source),))

    def after(self, bench: Bench, task: PageTask) -> _Worker:
        """The worker that goes on with the next page: this one, or a new one in place of the dead."""
        try:
            self._give(task)
        except OSError:
            self.kill()
            return _Worker(bench, task)
        return self

    def dismiss(self) -> None:
        """There is nothing left to do."""
        self._pipe.close()
        self._process.join(_PATIENCE)
        self.kill()

    def kill(self) -> None:
        """End it at once; files are written whole or not at all."""
        self._pipe.close()
        self._process.kill()
        self._process.join()
        self._process.close()

    def _give(self, task: PageTask) -> None:
        self._task = task
        self._began = time.perf_counter()
        self._pipe.send(task)


def _answering(workers: list[_Worker]) -> list[_Worker]:
    """Those that have answered or died; waits for the first."""
    owners = {sign: worker for worker in workers for sign in worker.signs}
    ready = {id(owners[sign]) for sign in connection.wait(list(owners))}
    return [worker for worker in workers if id(worker) in ready]


def _cause(exit_code: int | None) -> str:
    """Why a worker died, as far as its exit status tells."""
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        hint = ": perhaps the memory was full" if name == "SIGKILL" else ": a decoder crashed"
        return f"its process was ended by {name}{hint}"
    return f"its process ended with status {exit_code}"


def _serve(pipe: Connection) -> None:
    """A worker's life: open the work, then a page at a time, until the parent is gone or has no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        bench: Bench = pipe.recv()
        read = bench.work.open()
        pipe.send(None)
        while True:
            pipe.send(do_page(read, pipe.recv(), bench))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except AmanuensisError as error:
        pipe.send(_GaveUp(str(error)))

"""Reading a collection: plan it in the journal, let an engine do what waits, write down what came of every page."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from amanuensis.jobs.journal import Journal, Plan, forget
from amanuensis.jobs.shards import Shard
from amanuensis.jobs.tasks import Bench, Engine, Outcome, PageTask, Work, place_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run is asked for.

    Attributes:
        folder: where results and journal go.
        settings: what results depend on, in words: the model, formats, options; a folder keeps to those it began with.
        shard: which part of the pages.
        restart: forget what the journal knows, and read all again.
        retry_failed: try those again that failed before.
    """

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    shard: Shard = field(default_factory=Shard)
    restart: bool = False
    retry_failed: bool = False


class Watch(Protocol):
    """Who is told how it goes."""

    def planned(self, plan: Plan) -> None:
        """The pages are listed; reading begins."""

    def finished(self, outcome: Outcome) -> None:
        """A page is done or has failed, and that is on the disk."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did: the plan that it had, pages `done` and `failed` in this run, lines read, wall seconds."""

    plan: Plan
    num_done: int
    num_failed: int
    num_lines: int
    seconds: float

    @property
    def pages_per_hour(self) -> float:
        """Of this run, failures included."""
        return 3600 * (self.num_done + self.num_failed) / self.seconds if self.seconds > 0 else 0.0


def read_collection(
    tasks: Iterable[PageTask], work: Work, order: Order, *, engine: Engine, watch: Watch
) -> Summary:
    """Read the pages of a collection that are not read yet.

    Cut off at any moment, by whatever, the same call goes on where it was. Results do not depend on how often it was
    cut off, on the number of workers or shards, or on the engine.

    Args:
        tasks: all pages, drawn one at a time; those of other shards are left to them.
        work: how a page is read.
        order: where results go, and what is asked for.
        engine: who does it.
        watch: who is told how it goes.

    Raises:
        DataError: another run holds the folder, it was begun with other settings, or cannot be written.
        AmanuensisError: the work cannot be opened (no such model).
    """
    if order.restart:
        forget(order.folder, order.shard, order.settings)
    inside: set[Path] = set()
    with Journal(order.folder, order.shard, order.settings) as journal:
        plan = journal.plan(_of_shard(tasks, order, inside), retry_failed=order.retry_failed)
        watch.planned(plan)
        bench = Bench(work, order.folder, journal.scratch, frozenset(inside))
        began = time.monotonic()
        num_done = num_failed = num_lines = 0
        for outcome in engine.run(bench, journal.waiting()):
            journal.record(outcome)
            num_done += outcome.state == "done"
            num_failed += outcome.state == "failed"
            num_lines += outcome.num_lines
            watch.finished(outcome)
        return Summary(plan, num_done, num_failed, num_lines, time.monotonic() - began)


def _of_shard(tasks: Iterable[PageTask], order: Order, inside: set[Path]) -> Iterator[PageTask]:
    """The tasks of the shard. Those sources of all shards that lie in the output folder are added to `inside`."""
    folder = order.folder.resolve()
    for task in tasks:
        place = place_of(task.source)
        if place.is_relative_to(folder):
            inside.add(place)
        if order.shard.holds(task.name):
            yield task

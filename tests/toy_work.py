"""Pages that say what shall happen to them: enough to test journal and engines without a model.

A page's file holds a word: "crash" ends its process, "broken" is a fault of the page, "bug" one of ours, "slow" takes a
while; anything else is read, and its result is that word in capitals. Readings are noted in a log, one line each.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amanuensis.errors import DataError, ModelError
from amanuensis.jobs import Outcome, PageOutput, PageTask, Plan, ReadPage


@dataclass(frozen=True)
class ToyWork:
    log: Path
    model: str = "toy"
    seconds: float = 0.0

    def open(self) -> ReadPage:
        if self.model == "missing":
            raise ModelError("missing: no such model")
        if self.model == "heavy":
            os._exit(3)
        return self._read

    def _read(self, task: PageTask) -> PageOutput:
        with self.log.open("a") as log:
            log.write(f"{task.name}\n")
        word = task.source.read_text().strip()
        time.sleep(self.seconds + 30 * (word == "slow"))
        if word == "crash":
            os.kill(os.getpid(), 9)
        if word == "broken":
            raise DataError(f"{task.source}: broken")
        if word == "bug":
            raise ZeroDivisionError("by nothing")
        files = {".txt": f"{word.upper()}\n".encode(), ".page": str(task.page).encode()}
        return PageOutput(files, num_lines=len(word), confidence=0.5)

    def read(self) -> list[str]:
        """The names of all pages that were begun, sorted."""
        return sorted(self.log.read_text().split("\n")[:-1]) if self.log.exists() else []


class Witness:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.plan = Plan()
        self.outcomes: dict[str, Outcome] = {}

    def planned(self, plan: Plan) -> None:
        self.plan = plan

    def finished(self, outcome: Outcome) -> None:
        assert outcome.name not in self.outcomes
        self.outcomes[outcome.name] = outcome


def write_pages(folder: Path, words: Sequence[str]) -> list[PageTask]:
    """A file a word, named by its number."""
    folder.mkdir(parents=True, exist_ok=True)
    tasks = []
    for i, word in enumerate(words):
        path = folder / f"{i:03}.word"
        path.write_text(word)
        tasks.append(PageTask(f"box {i % 2}/{i:03}", path))
    return tasks

"""What a run says while it trains: a JSONL log, a line on the terminal, TensorBoard if it is installed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from amanuensis.training.memory import resident_megabytes
from amanuensis.training.sources import LeftOut
from amanuensis.training.state import Progress
from amanuensis.training.validation import Validation

LOG_EVERY = 20  # updates between two lines of the log


def duration(seconds: float) -> str:
    """1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Log:
    """`log.jsonl`: one event a line, each with the step it belongs to.

    A resumed run first drops the events after the state that it resumes from, so no step is told twice. What was left
    out is told anew by every slice of a run, with the step that it resumes at.
    """

    def __init__(self, path: Path, *, resume_at: int) -> None:
        kept = []
        if path.exists():
            events = [line for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
            kept = [line for line in events if _is_past(json.loads(line), resume_at)]
        temporary = path.with_suffix(".tmp")
        temporary.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        temporary.replace(path)
        self._path = path

    def write(self, event: str, step: int, **values: Any) -> None:
        """Append an event."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, "step": step, **values}, ensure_ascii=False) + "\n")


def _is_past(event: Mapping[str, Any], step: int) -> bool:
    """Whether an event lies before what a run that resumes at a step tells anew."""
    return bool(event["step"] < step or (event["step"] == step and event["event"] != "left out"))


class Console:
    """One line on stderr that renews itself; on a pipe a line every half minute."""

    def __init__(self, *, quiet: bool) -> None:
        self._stream: TextIO = sys.stderr
        self._quiet = quiet
        self._live = self._stream.isatty()
        self._next = 0.0

    def say(self, text: str) -> None:
        """A line that stays."""
        if not self._quiet:
            self._stream.write(("\r\x1b[K" if self._live else "") + text + "\n")
            self._stream.flush()

    def update(self, text: str) -> None:
        """A line that is replaced by the next."""
        now = time.monotonic()
        if self._quiet or now < self._next:
            return
        self._next = now + (0.5 if self._live else 30.0)
        self._stream.write(f"\r\x1b[K{text}" if self._live else text + "\n")
        self._stream.flush()


class Rate:
    """Lines a second and the time left, over this slice of the run."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lines = 0
        self._steps = 0

    def add(self, lines: int) -> None:
        """An update was made with that many lines."""
        self._lines += lines
        self._steps += 1

    @property
    def lines_per_second(self) -> float:
        """Since the slice began, validations included."""
        return self._lines / max(1e-9, time.monotonic() - self._began)

    def seconds_left(self, progress: Progress) -> float:
        """At this pace."""
        per_step = (time.monotonic() - self._began) / max(1, self._steps)
        return per_step * (progress.total_steps - progress.step)


class Reporter:
    """Tells the log, the terminal and TensorBoard about a run."""

    def __init__(self, folder: Path, *, resume_at: int, console: Console) -> None:
        self._log = Log(folder / "log.jsonl", resume_at=resume_at)
        self._resumed_at = resume_at
        self._console = console
        self._rate = Rate()
        self._sums: dict[str, float] = {}
        self._since = 0
        self._measure = ""
        self._board = _tensorboard(folder / "tensorboard")

    def left_out(self, lines: Sequence[LeftOut]) -> None:
        """Name every line that is not used: nothing disappears unsaid."""
        for line in lines:
            self._console.say(
                f"left out{' of ' + line.split if line.split else ''}: {line.key}: {line.reason}"
            )
            self._log.write("left out", self._resumed_at, split=line.split, line=line.key, reason=line.reason)

    def step(self, progress: Progress, values: dict[str, float]) -> None:
        """See `Recorder`."""
        self._rate.add(int(values["lines"]))
        self._since += 1
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        if self._since == LOG_EVERY or progress.step == progress.total_steps:
            means = {name: round(total / self._since, 6) for name, total in self._sums.items()}
            self._since, self._sums = 0, {}
            self._log.write("train", progress.step, epoch=progress.epoch, **means)
            self._chart("train", means, progress.step)
        left = duration(self._rate.seconds_left(progress))
        best = f"  best {self._measure} {_percent(progress.best_error)}" if self._measure else ""
        first = next(iter(values))
        self._console.update(
            f"epoch {progress.epoch + 1}  step {progress.step}/{progress.total_steps}  {first} {values[first]:.3f}  "
            f"{self._rate.lines_per_second:.1f} lines/s  {left} left{best}"
        )

    def validation(self, progress: Progress, result: Validation) -> None:
        """See `Recorder`."""
        scores = {name: _rounded(value) for name, value in result.scores.items()}
        seconds = {"seconds": round(progress.seconds, 1), "validation_seconds": round(result.seconds, 1)}
        loss = round(result.loss, 5)
        memory = {"memory_mb": resident_megabytes()}
        self._log.write(
            "validation", progress.step, epoch=progress.epoch, loss=loss, **scores, **seconds, **memory
        )
        rates = {name: value for name, value in scores.items() if isinstance(value, float)}
        self._chart("validation", {"loss": loss, **rates}, progress.step)
        self._measure = result.measure
        told = "  ".join(f"{name.upper()} {_percent(value)}" for name, value in rates.items())
        self._console.say(
            f"epoch {progress.epoch}  step {progress.step}  validation {told}  loss {result.loss:.4f}  "
            f"n {scores['n']}  {duration(progress.seconds)}"
        )
        reference, hypothesis = result.example
        self._console.say(f"    is    {reference}\n    read  {hypothesis}")

    def skipped(self, progress: Progress, keys: Sequence[str]) -> None:
        """See `Recorder`."""
        self._log.write("skipped", progress.step, reason="gradient not finite", lines=list(keys))
        self._console.say(
            f"step {progress.step}: gradient not finite, update left out ({', '.join(keys[:3])} ...)"
        )

    def _chart(self, group: str, values: dict[str, float], step: int) -> None:
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{group}/{name}", value, step)


def _rounded(value: Any) -> Any:
    """Ratios to five decimals, in tables too."""
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return round(value, 5) if isinstance(value, float) else value


def _percent(rate: float) -> str:
    return "-" if rate == float("inf") else f"{100 * rate:.2f} %"


def _tensorboard(folder: Path) -> Any:
    """A writer, or None where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an optional dependency
    except ImportError:
        return None
    return SummaryWriter(str(folder))

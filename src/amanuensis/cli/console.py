"""What commands say: results on stdout; notes, complaints and progress on stderr; help with examples."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import typer


def teach(purpose: str, *examples: tuple[str, str]) -> str:
    """The help of a command: a purpose sentence, then worked examples as (command line, what it does)."""
    lines = [f"  {command}\n      {what}" for command, what in examples]
    # Click re-wraps paragraphs, but for those that begin with a backspace.
    return f"{purpose}\n\n\b\nExamples:\n" + "\n".join(lines)


def complain(message: str) -> None:
    """Say what went wrong, whether or not the user wants quiet."""
    typer.echo(message, err=True)


def note(message: str, *, quiet: bool = False) -> None:
    """Say something that is not the result."""
    if not quiet:
        typer.echo(message, err=True)


def print_json(value: Any) -> None:
    """The result as JSON on stdout, and nothing else."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in aligned columns on stdout: the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = [
            cell.rjust(width) if column and _is_number(rows, column) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        typer.echo("  ".join(cells).rstrip())


def _is_number(rows: Sequence[Sequence[str]], column: int) -> bool:
    return all(set(row[column]) <= set("0123456789.,%-+ ") for row in rows)


def count(number: int, noun: str) -> str:
    """A number with its noun: `1 image`, `2 images`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class Progress:
    """A line on stderr that counts work, on a terminal only: done, rate, time left."""

    def __init__(self, noun: str, total: int, *, quiet: bool = False, hourly: bool = False) -> None:
        """Begin to count.

        Args:
            noun: what is counted, in the plural.
            total: how many there are.
            quiet: show nothing.
            hourly: tell the rate by the hour: for work that takes seconds a piece.
        """
        self.noun = noun
        self._hourly = hourly
        self.total = total
        self.done = 0
        self._shown = not quiet and sys.stderr.isatty()
        self._began = self._last = time.monotonic()

    def __enter__(self) -> Progress:
        self._show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def advance(self, steps: int = 1) -> None:
        """More is done."""
        self.update(self.done + steps, self.total)

    def update(self, done: int, total: int) -> None:
        """So much is done."""
        self.done, self.total = done, total
        if time.monotonic() - self._last >= 0.1:
            self._show()

    def clear(self) -> None:
        """Take the line away, so that something else can be said."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def _show(self) -> None:
        self._last = time.monotonic()
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{self.told}")
            sys.stderr.flush()

    @property
    def told(self) -> str:
        """How far it is: done, rate, time left."""
        rate = self.done / max(self.seconds, 1e-9)
        speed = f"{3600 * rate:,.0f}/h" if self._hourly else f"{rate:.0f}/s"
        ahead = f", {speed}, {_clock((self.total - self.done) / rate)} left" if self.done else ""
        return f"{self.done:,}/{self.total:,} {self.noun}{ahead}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

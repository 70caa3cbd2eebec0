"""What the scripts that fill whole tables share: `amanuensis` commands that answer with JSON, numbers for Markdown."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def amanuensis(*words: object) -> dict[str, Any]:
    """What a command tells with --json; the command itself goes to standard error."""
    command = ["amanuensis", *(f"{word}" for word in words), "--json", "--quiet"]
    print("$", *command, file=sys.stderr, flush=True)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def percent(share: float | None, digits: int = 2) -> str:
    return "" if share is None else f"{100 * share:.{digits}f}"


def interval(bounds: list[float] | None, digits: int = 1) -> str:
    return "" if bounds is None else " to ".join(percent(bound, digits) for bound in bounds)

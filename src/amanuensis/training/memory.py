"""A training's memory: what it holds, and that what is free goes back to the system."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path


def give_back_free_memory() -> None:
    """Ask glibc to return the pages that it keeps for later; elsewhere nothing happens.

    Batches of many sizes leave the heap full of holes, which it would keep: half of what a training holds, and more
    with every epoch (docs/experiments.md). It takes milliseconds.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # no glibc; on Windows there is no library without a name
        return
    trim(0)


def resident_megabytes() -> int | None:
    """What this process holds in memory, without its workers; None where the system does not say (not Linux)."""
    try:
        told = re.search(r"^VmRSS:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        return None
    return None if told is None else int(told[1]) // 1024

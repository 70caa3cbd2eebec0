"""The memory of a process and all its descendants (Linux)."""

from __future__ import annotations

from pathlib import Path


def megabytes_of_tree(pid: int) -> float:
    """Proportional set size: pages that several processes share count once. 0 for a process that is gone."""
    return sum(map(_megabytes, _tree(pid)))


def _tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(other for child in children for other in _tree(int(child)))]


def _megabytes(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0) / 1024

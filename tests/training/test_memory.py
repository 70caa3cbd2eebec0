"""Free memory goes back to the system."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from amanuensis.training.memory import give_back_free_memory, resident_megabytes


def resident_kb() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@pytest.mark.skipif(
    sys.platform != "linux", reason="glibc keeps freed memory; elsewhere there is nothing to ask"
)
def test_holes_that_freed_objects_leave_are_given_back() -> None:
    kept = [
        bytes(100_000) for _ in range(2_000)
    ]  # below the size that is mapped apart, so they lie in the heap
    pillars = kept[::50]  # what stays keeps the heap from shrinking by itself
    del kept
    before = resident_kb()
    give_back_free_memory()
    assert resident_kb() < before - 100_000
    assert len(pillars) == 40


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says so in /proc")
def test_what_a_process_holds_grows_with_what_it_makes() -> None:
    before = resident_megabytes()
    block = b"x" * 64_000_000
    after = resident_megabytes()
    assert before is not None
    assert after is not None
    assert 55 < after - before < 75
    assert len(block) == 64_000_000

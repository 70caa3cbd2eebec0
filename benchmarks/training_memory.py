"""Memory of a training and its workers, epoch by epoch (Linux).

    python benchmarks/training_memory.py text-small --epochs 3 --set data.max_lines=1200

Trains in a process of its own. What the training holds after an epoch and its validation it says itself, in its log.
Its workers, which live for an epoch each, are sampled twice a second as their proportional set size, so that pages
shared with others count once, and their largest sum in the epoch is taken. Growth is the last epoch's sum against the
first's. The peak of the whole process tree, in the middle of a batch, stands beside it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "run"
        changes = [*arguments.overrides, f"training.epochs={arguments.epochs}"]
        sets = [part for change in changes for part in ("--set", change)]
        program = [
            sys.executable,
            "-m",
            "amanuensis",
            "train",
            arguments.recipe,
            "--out",
            str(out),
            "--quiet",
        ]
        process = subprocess.Popen([*program, "--threads", str(arguments.threads), *sets])
        workers: dict[int, list[int]] = defaultdict(list)
        peaks: dict[int, list[int]] = defaultdict(list)
        while process.poll() is None:
            epoch = len(_validations(out)) + 1
            own, *others = [_megabytes(pid) for pid in _tree(process.pid)]
            workers[epoch].append(sum(others))
            peaks[epoch].append(own + sum(others))
            time.sleep(0.5)
        after = [validation["memory_mb"] for validation in _validations(out)]
    sums = {epoch: held + max(workers[epoch]) for epoch, held in enumerate(after, start=1)}
    print(
        json.dumps(
            {
                "after_epoch_mb": dict(enumerate(after, start=1)),
                "workers_mb": {epoch: max(workers[epoch]) for epoch in sums},
                "sum_mb": sums,
                "growth": round(sums[len(after)] / sums[1] - 1, 4),
                "peak_mb": {epoch: max(peaks[epoch]) for epoch in sums},
                "rc": process.returncode,
            }
        )
    )


def _validations(out: Path) -> list[dict[str, int]]:
    log = out / "log.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    events = [json.loads(line) for line in lines if line.endswith("}")]
    return [event for event in events if event["event"] == "validation"]


def _tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(other for child in children for other in _tree(int(child)))]


def _megabytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0) // 1024


if __name__ == "__main__":
    main()

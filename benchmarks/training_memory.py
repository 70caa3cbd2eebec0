"""Resident memory of a training and its workers, epoch by epoch (Linux).

    python benchmarks/training_memory.py text-small --epochs 3 --set data.max_lines=2000

Trains in a process of its own and samples the proportional set size of its whole process tree twice a second, so that
pages shared by workers count once. Growth is the mean of the last epoch against the mean of the first, each over the
second half of its samples: the first half of the first epoch holds the start, when little is loaded.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from process_memory import megabytes_of_tree


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "run"
        changes = [*arguments.overrides, f"training.epochs={arguments.epochs}"]
        sets = [part for change in changes for part in ("--set", change)]
        command = [
            sys.executable,
            "-m",
            "amanuensis",
            "train",
            arguments.recipe,
            "--out",
            str(out),
            "--quiet",
            *sets,
        ]
        process = subprocess.Popen(command)
        by_epoch: dict[int, list[float]] = {}
        while process.poll() is None:
            epoch = _epoch(out / "log.jsonl")
            if epoch is not None:
                by_epoch.setdefault(epoch, []).append(megabytes_of_tree(process.pid))
            time.sleep(0.5)
    # What comes after the last validation is no epoch: the workers are gone, and it would flatter.
    epochs = {e: values for e, values in sorted(by_epoch.items()) if e < arguments.epochs}
    means = {epoch + 1: round(statistics.mean(v[len(v) // 2 :])) for epoch, v in epochs.items()}
    peaks = {epoch + 1: round(max(values)) for epoch, values in epochs.items()}
    first, last = means[min(means)], means[max(means)]
    print(
        json.dumps(
            {
                "mean_mb": means,
                "peak_mb": peaks,
                "growth": round(last / first - 1, 4),
                "rc": process.returncode,
            }
        )
    )


def _epoch(log: Path) -> int | None:
    """The epoch under way: validations so far, once the first updates are logged."""
    if not log.exists():
        return None
    text = log.read_text(encoding="utf-8")
    return text.count('"event": "validation"') if '"event": "train"' in text else None


if __name__ == "__main__":
    main()

"""A collection of pages, read straight, killed and resumed, and by more workers (Linux).

    python benchmarks/collection.py $AMANUENSIS_DATA/pages --pages 300 --kills 2
    python benchmarks/collection.py $AMANUENSIS_DATA/pages --pages 60 --workers 1 2

The pages of a folder are repeated until there are enough, three of them made corrupt. One run goes straight through;
its memory (proportional set size of the whole process tree, so that shared pages count once) is the mean over the time
in which the first third was read against the mean over the rest. Another is killed with SIGKILL, at even distances, and
resumed. Their files are compared byte by byte. With several numbers of workers, one straight run each is timed instead.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from process_memory import megabytes_of_tree
from reference import gflops

CORRUPT = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="a folder of pages, with PAGE or ALTO files or without")
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--find", action="store_true", help="leave the XML out: lines have to be found")
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        corrupt = make_pages(arguments.source, folder / "pages", arguments.pages, find=arguments.find)
        measured: dict[str, object] = {"pages": arguments.pages, "find": arguments.find, "corrupt": corrupt}
        if len(arguments.workers) == 1:
            measured |= {"workers": arguments.workers[0], **resumed(folder, arguments)}
        else:
            measured["by_workers"] = {n: straight(folder, n, arguments.pages) for n in arguments.workers}
        print(json.dumps({**measured, "gflops": round(gflops(), 1)}, indent=1))


def make_pages(source: Path, folder: Path, number: int, *, find: bool) -> list[str]:
    """Pages from 0 on, under names of their own; which of them are corrupt."""
    images = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".png", ".tif"))
    folder.mkdir()
    corrupt = {number * (2 * i + 1) // (2 * CORRUPT) for i in range(CORRUPT)}
    for i in range(number):
        image = images[i % len(images)]
        name = f"{i:04}"
        copy = folder / f"{name}{image.suffix}"
        content = image.read_bytes()
        copy.write_bytes(content[: len(content) // 3] if i in corrupt else content)
        given = image.with_suffix(".xml")
        if given.exists() and not find:
            text = given.read_text(encoding="utf-8").replace(image.name, copy.name)
            (folder / f"{name}.xml").write_text(text, encoding="utf-8")
    return [f"{i:04}" for i in sorted(corrupt)]


def begin(folder: Path, out: Path, workers: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "amanuensis", "transcribe", str(folder / "pages"), "--pages", "-q"]
    options = ["-f", "page,txt", "-o", str(out), "--workers", str(workers)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    return subprocess.Popen([*command, *options], env=environment, stderr=subprocess.DEVNULL)


def straight(folder: Path, workers: int, number: int) -> dict[str, object]:
    """One run without a break: its time, and its memory as the pages go by."""
    out, samples = folder / f"straight-{workers}", []
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = begin(folder, out, workers)
    while process.poll() is None:
        samples.append((finished(out), megabytes_of_tree(process.pid)))
        time.sleep(0.5)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Before the first page is done a worker loads what it needs: that is no page.
    first = statistics.mean(mb for pages, mb in samples if 0 < pages <= number // 3)
    rest = statistics.mean(mb for pages, mb in samples if number // 3 < pages < number)
    return {
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds_a_page": round(cpu / number, 3),
        "mean_mb_first_third": round(first, 1),
        "mean_mb_rest": round(rest, 1),
        "growth": round(rest / first - 1, 4),
        "peak_mb": round(max(mb for _, mb in samples), 1),
    }


def resumed(folder: Path, arguments: argparse.Namespace) -> dict[str, object]:
    """A straight run, and one that is killed again and again: what the journal says, and whether files are the same."""
    workers, number, kills = arguments.workers[0], arguments.pages, arguments.kills
    measured = straight(folder, workers, number)
    out = folder / "killed"
    for kill in range(1, kills + 1):
        process = begin(folder, out, workers)
        while finished(out) < number * kill // (kills + 1) and process.poll() is None:
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    begin(folder, out, workers).wait()
    records = journal(out)
    return {
        **measured,
        "killed": kills,
        "done": sum(state == "done" for _, state, _ in records),
        "failed": [name for name, state, _ in records if state == "failed"],
        "finished_more_than_once": [name for name, _, times in records if times != 1],
        "same_files": digest(out) == digest(folder / f"straight-{workers}"),
    }


def journal(out: Path) -> list[tuple[str, str, int]]:
    """Name, state, and how often it was finished, of every page."""
    path = out / ".amanuensis/journal-1-of-1.sqlite"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=60)) as database:
        [version] = database.execute("PRAGMA user_version").fetchone()
        question = "SELECT name, state, times FROM pages ORDER BY name"
        return database.execute(question).fetchall() if version else []


def finished(out: Path) -> int:
    return sum(times for _, _, times in journal(out))


def digest(out: Path) -> str:
    """Of all results, names and contents."""
    whole = hashlib.sha256()
    for path in sorted(out.glob("*.*")):
        if path.is_file():
            whole.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


if __name__ == "__main__":
    main()

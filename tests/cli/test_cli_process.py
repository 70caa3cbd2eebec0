"""The command as a process of its own: streams, status, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def _amanuensis(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "amanuensis", *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )


def test_reading_in_a_process(tiny_model: Path, scans: Path) -> None:
    done = _amanuensis("transcribe", scans, scans / "missing.png", "-m", tiny_model)
    assert done.returncode == 1
    assert done.stdout == "ab\nba\né\n\n"
    assert "missing.png" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_traceback_only_on_request() -> None:
    plain = _amanuensis("models", "show", "a/b/c")
    debug = _amanuensis("models", "show", "a/b/c", AMANUENSIS_DEBUG="1")
    assert plain.returncode == debug.returncode == 1
    assert plain.stderr.startswith("amanuensis: a/b/c: ")
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr


def test_a_reader_who_leaves_early_is_no_error(tiny_model: Path, scans: Path) -> None:
    """`amanuensis ... | head -1` prints no traceback."""
    command = [sys.executable, "-m", "amanuensis", "transcribe", *[scans] * 3, "-m", tiny_model, "-f", "json"]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        run.stdout.close()
        assert run.stderr is not None
        assert "Traceback" not in run.stderr.read()

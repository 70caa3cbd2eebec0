from __future__ import annotations

import pytest

from amanuensis.cli.console import Progress, print_table


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("lines", 3) as progress:
        progress.advance()
    assert capsys.readouterr().err == ""


def test_progress_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    now = iter([0.0, 0.0, 2.0, 2.0, 2.0, 2.0])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    with Progress("lines", 400) as progress:
        progress.update(100, 400)
    shown = capsys.readouterr().err
    assert "0/400 lines" in shown
    assert "100/400 lines, 50/s, 0:06 left" in shown
    assert shown.endswith("\r\x1b[K")


def test_tables_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("set", "lines"), [("a", "5"), ("long name", "1,200")])
    assert capsys.readouterr().out.splitlines() == [
        "set        lines",
        "a              5",
        "long name  1,200",
    ]
    print_table(("set", "lines"), [])
    assert capsys.readouterr().out == "set  lines\n"

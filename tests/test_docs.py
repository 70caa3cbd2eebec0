"""The documents hold together: code blocks are closed, and what is linked is there."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part == "build" for part in path.relative_to(ROOT).parts)
)
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)(.*)$")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.*?) *#*$")


def prose(text: str) -> list[str]:
    """The rows outside of code blocks.

    Raises:
        ValueError: a block is opened and not closed, or opened within another.
    """
    rows, opened = [], ""
    for number, row in enumerate(text.splitlines(), start=1):
        fence = _FENCE.match(row)
        if fence is None:
            rows += [] if opened else [row]
        elif not opened:
            opened = fence[1]
        elif fence[2].strip():
            raise ValueError(f"row {number}: a code block begins before the last one has ended")
        else:
            opened = ""
    if opened:
        raise ValueError("the last code block does not end")
    return rows


def anchors(rows: list[str]) -> set[str]:
    """What links can point to: headings as GitHub names them."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in filter(None, map(_HEADING.match, rows)):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_blocks_end_and_links_lead_somewhere(path: Path) -> None:
    for link in _LINK.findall("\n".join(prose(path.read_text(encoding="utf-8")))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{link}: there is no such file"
        if anchor:
            assert anchor in anchors(prose(target.read_text(encoding="utf-8"))), f"{link}: no such heading"


def test_what_does_not_hold_together_is_found() -> None:
    with pytest.raises(ValueError, match="row 3"):
        prose("```sh\nls\n```sh\nls\n```\n")
    with pytest.raises(ValueError, match="does not end"):
        prose("# A\n```\nls\n")
    assert prose("a\n```sh\n# no heading\n```\nb") == ["a", "b"]
    assert anchors(["# A b, c", "## A b, c", "## `x` [y](z.md)"]) == {"a-b-c", "a-b-c-1", "x-y"}

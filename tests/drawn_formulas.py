"""Formulas of a few hand-made strokes, in the layout that CROHME is distributed in here."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

GLYPHS: dict[str, list[list[tuple[float, float]]]] = {
    "1": [[(5, 0), (5, 30)]],
    "x": [[(0, 0), (15, 20)], [(15, 0), (0, 20)]],
    "+": [[(0, 10), (16, 10)], [(8, 2), (8, 18)]],
    "=": [[(0, 6), (16, 6)], [(0, 14), (16, 14)]],
    "7": [[(0, 0), (14, 0), (4, 28)]],
    "y": [[(0, 0), (7, 12)], [(15, 0), (3, 28)]],
}
ADVANCE = 26.0


def strokes_of(tokens: Sequence[str]) -> list[list[tuple[float, float]]]:
    """Strokes of a row of symbols; `^ { a }` raises a."""
    strokes: list[list[tuple[float, float]]] = []
    left, raised = 0.0, 0.0
    for token in tokens:
        if token in GLYPHS:
            strokes += [[(left + x, y - raised) for x, y in stroke] for stroke in GLYPHS[token]]
            left += ADVANCE
        else:
            raised = {"^": 18.0, "}": 0.0}.get(token, raised)
    return strokes


def symbols_of(tokens: Sequence[str]) -> list[dict[str, object]]:
    """Which strokes make which symbol, as CROHME tells."""
    symbols: list[dict[str, object]] = []
    first = 0
    for token in tokens:
        if token in GLYPHS:
            after = first + len(GLYPHS[token])
            symbols.append({"label": token, "strokes": list(range(first, after))})
            first = after
    return symbols


CAPTIONS = ("1 + 1 = 7", "x ^ { 7 }", "y = x", "7 + x", "1 = 1", "x + y = 7", "y ^ { 1 } = x", "7 = 7")


def draw_formulas(
    folder: Path,
    *,
    train: Sequence[str] = CAPTIONS,
    val: Sequence[str] = CAPTIONS[:2],
    test: Sequence[str] = (),
) -> Path:
    """A data set of formulas: `ink/train.jsonl.gz`, `ink/test2013.jsonl.gz` and, if any, `ink/test2019.jsonl.gz`."""
    (folder / "ink").mkdir(parents=True)
    for name, captions in (("train", train), ("test2013", val), ("test2019", test)):
        rows = [
            {
                "id": f"{name}-{i}",
                "tokens": caption.split(),
                "strokes": strokes_of(caption.split()),
                "symbols": symbols_of(caption.split()),
            }
            for i, caption in enumerate(captions)
        ]
        if rows:
            with gzip.open(folder / "ink" / f"{name}.jsonl.gz", "wt") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
    return folder

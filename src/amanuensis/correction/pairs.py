"""Pairs to learn correcting from: what was read, how surely, and what is written there.

JSON lines: a header, then a line each. Unlike results they hold the reference: they are made of train and validation
lines only, for training, and are as free to pass on as those lines are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from amanuensis.correction.segment import Segment
from amanuensis.errors import DataError
from amanuensis.recognition import write_atomically

_HEADER = {"format": "amanuensis-pairs", "version": 1}
Split = Literal["train", "val"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A line that was read by a model that had not learned from it.

    Attributes:
        id: of the sample, qualified by its data set.
        group: language and period, by which mistakes are counted; the data set's name says both.
        page: where intervals are drawn.
        split: "train" to learn from, "val" to measure on.
        written: the ground truth, normalized.
        read: what was read.
        confidences: of each character of `read`.
    """

    id: str
    group: str
    page: str
    split: Split
    written: str
    read: str
    confidences: tuple[float, ...]

    @property
    def segment(self) -> Segment:
        """The line as a corrector sees it, without context."""
        return Segment(self.read, self.confidences)


def write_pairs(path: Path | str, pairs: Iterable[Pair]) -> None:
    """Write a file of pairs; it appears whole or not at all."""
    rows: list[dict[str, Any]] = [dict(_HEADER)]
    rows += [
        {
            "id": pair.id,
            "group": pair.group,
            "page": pair.page,
            "split": pair.split,
            "written": pair.written,
            "read": pair.read,
            "confidences": [round(one, 4) for one in pair.confidences],
        }
        for pair in pairs
    ]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    encoded = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_atomically(Path(path), encoded.encode())


def read_pairs(paths: Sequence[Path | str]) -> list[Pair]:
    """The pairs of one file or several.

    Raises:
        DataError: naming the file and the line that is missing or malformed, or of a test split.
    """
    return [pair for path in paths for pair in _read(Path(path))]


def _read(path: Path) -> list[Pair]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a file of pairs ({error})") from error
    rows = [(f"{path}:{number}", line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows or _object(*rows[0]) != _HEADER:
        raise DataError(f"{path}: not a file of pairs; `amanuensis correction pairs` writes them")
    return [_pair(where, _object(where, line)) for where, line in rows[1:]]


def _object(where: str, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{where}: not JSON ({error})") from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: not a JSON object")
    return row


def _pair(where: str, row: dict[str, Any]) -> Pair:
    try:
        pair = Pair(**{**row, "confidences": tuple(float(one) for one in row["confidences"])})
    except (TypeError, KeyError, ValueError) as error:
        raise DataError(f"{where}: not a pair ({error})") from error
    if pair.split not in ("train", "val"):
        raise DataError(f"{where}: a pair is of train or val, never of {pair.split!r}")
    if not isinstance(pair.read, str) or not isinstance(pair.written, str):
        raise DataError(f"{where}: what was read or written is no text")
    if len(pair.confidences) != len(pair.read):
        raise DataError(f"{where}: {len(pair.confidences)} confidences for {len(pair.read)} characters")
    return pair

"""Per-page results: the lines that were found and what was read in them, in a file that can be scored again.

JSON lines, as those of lines are (see `results`). What was read in the true lines is kept too, so that finding and
reading can be told apart. The transcription is never in the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amanuensis.errors import DataError, ModelError
from amanuensis.evaluation.results import PAGES
from amanuensis.language import TextNormalization
from amanuensis.recognition import write_atomically
from amanuensis.records import Points

FORMAT = 1


@dataclass(frozen=True, slots=True)
class ReadLine:
    """What was read in a line; "" where it could not be.

    Attributes:
        text: as the model wrote it.
        confidence: in [0, 1]; None where nothing was read.
        polygon: the outline of a line that was found; () for a true line.
        id: of a true line; "" for one that was found.
    """

    text: str
    confidence: float | None
    polygon: Points = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class PageOutcome:
    """What became of one page.

    Attributes:
        id: the data set and the page: "set/page".
        found: the lines that were found, in the order in which they are read.
        true: the same model's readings of the true lines.
        seconds: CPU time by stage: "load", "find", "read".
        error: why the page could not be read; "" if it was.
    """

    id: str
    found: tuple[ReadLine, ...] = ()
    true: tuple[ReadLine, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True)
class PageResults:
    """What one model and one line finder made of some pages.

    Attributes:
        model: its name.
        finder: the line finder's name.
        normalization: the model's, to compare by.
        decoder: the search over the network's outputs.
        outcomes: one per page, ids all different.
    """

    model: str
    finder: str
    normalization: TextNormalization
    decoder: Mapping[str, Any]
    outcomes: tuple[PageOutcome, ...]


def write_page_results(results: PageResults, path: Path | str) -> None:
    """Write a result file; it appears whole or not at all."""
    header = {
        "format": FORMAT,
        "kind": PAGES,
        "model": results.model,
        "finder": results.finder,
        "normalization": results.normalization.to_dict(),
        "decoder": dict(results.decoder),
    }
    rows = [header, *map(_row, results.outcomes)]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(Path(path), "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def read_page_results(path: Path | str) -> PageResults:
    """The inverse of `write_page_results`.

    Raises:
        DataError: naming the file and what is missing or malformed in it.
    """
    path = Path(path)
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a result file ({error})") from error
    header = rows[0] if rows and isinstance(rows[0], dict) else {}
    if (header.get("format"), header.get("kind")) != (FORMAT, PAGES):
        raise DataError(f"{path}: no results of pages in format {FORMAT}: write some with evaluate --pages")
    try:
        return PageResults(
            model=str(header["model"]),
            finder=str(header["finder"]),
            normalization=TextNormalization.from_dict(header["normalization"]),
            decoder=dict(header["decoder"]),
            outcomes=tuple(map(_outcome, rows[1:])),
        )
    except (KeyError, TypeError, ValueError, AttributeError, ModelError) as error:
        raise DataError(f"{path}: not a complete result file ({error!r})") from error


def is_page_results(path: Path) -> bool:
    """Whether a file's header says that it is of whole pages; where it cannot be told, `read_results` says why."""
    try:
        with path.open(encoding="utf-8") as file:
            header = json.loads(file.readline())
    except (OSError, ValueError):
        return False
    return isinstance(header, dict) and header.get("kind") == PAGES


def _row(outcome: PageOutcome) -> dict[str, Any]:
    if outcome.error:
        return {"id": outcome.id, "error": outcome.error}
    return {
        "id": outcome.id,
        "seconds": {stage: round(seconds, 3) for stage, seconds in outcome.seconds.items()},
        "found": [
            {**_told(line), "polygon": [list(point) for point in line.polygon]} for line in outcome.found
        ],
        "true": [{"id": line.id, **_told(line)} for line in outcome.true],
    }


def _told(line: ReadLine) -> dict[str, Any]:
    return {
        "text": line.text,
        "confidence": None if line.confidence is None else round(line.confidence, 4),
    }


def _outcome(row: dict[str, Any]) -> PageOutcome:
    if "error" in row:
        return PageOutcome(str(row["id"]), error=str(row["error"]))
    return PageOutcome(
        str(row["id"]),
        tuple(map(_line, row["found"])),
        tuple(map(_line, row["true"])),
        {str(stage): float(seconds) for stage, seconds in row["seconds"].items()},
    )


def _line(row: dict[str, Any]) -> ReadLine:
    return ReadLine(
        str(row["text"]),
        None if row["confidence"] is None else float(row["confidence"]),
        tuple((int(x), int(y)) for x, y in row.get("polygon", ())),
        str(row.get("id", "")),
    )

"""Text, tables and JSON of a page: for reading, for spreadsheets, for programs."""

from __future__ import annotations

import json
from typing import Any

from amanuensis.pages.coordinates import box_of
from amanuensis.pages.provenance import SOFTWARE, Provenance
from amanuensis.recognition import described_reading
from amanuensis.records import Page, Region, TextLine, Word

TABLE_HEADER = ("page", "region", "line", "left", "top", "right", "bottom", "text", "confidence", "error")


def plain_text(page: Page) -> bytes:
    """A row per line of the page, an empty row between regions."""
    regions = ["\n".join(line.text for line in region.lines) for region in page.regions if region.lines]
    return _encoded("\n\n".join(regions) + "\n") if regions else b""


def table(page: Page) -> bytes:
    """Tab-separated values with a header: a row per line, with its box, confidence and problem."""
    rows = [TABLE_HEADER, *(_row(page, region, line) for region in page.regions for line in region.lines)]
    return _encoded("".join("\t".join(map(_cell, row)) + "\n" for row in rows))


def _encoded(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which no file may hold, becomes a question mark."""
    return text.encode(errors="replace")


def _row(page: Page, region: Region, line: TextLine) -> tuple[str, ...]:
    points = line.polygon or line.baseline
    box = [str(side) for side in box_of(points)] if points else [""] * 4
    confidence = "" if line.reading is None else f"{line.reading.confidence:.4f}"
    return (page.id, region.id, line.id, *box, line.text, confidence, line.problem)


def _cell(text: str) -> str:
    return " ".join(text.replace("\t", " ").splitlines())


def json_document(page: Page, provenance: Provenance) -> bytes:
    """Everything that is known of the page, but for the places of single characters."""
    described = {
        "software": SOFTWARE,
        "version": provenance.version,
        "model": provenance.model,
        "created": provenance.timestamp,
        "id": page.id,
        "image": page.image,
        "width": page.width,
        "height": page.height,
        "remarks": list(page.remarks),
        "regions": [_region(region) for region in page.regions],
    }
    return _encoded(json.dumps(described, ensure_ascii=False, indent=1) + "\n")


def _region(region: Region) -> dict[str, Any]:
    return {
        "id": region.id,
        "kind": region.kind,
        "formula": region.is_formula,
        "polygon": region.polygon,
        "lines": [_line(line) for line in region.lines],
    }


def _line(line: TextLine) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": line.id,
        "kind": line.kind,
        "formula": line.is_formula,
        "polygon": line.polygon,
        "baseline": line.baseline,
    }
    if line.reading is not None:
        described |= {**described_reading(line.reading), "words": [_word(word) for word in line.words]}
    if line.transcription is not None:
        described["transcription"] = line.transcription
    if line.problem:
        described["problem"] = line.problem
    return described


def _word(word: Word) -> dict[str, Any]:
    described = {"text": word.text, "box": word.box, "confidence": round(word.confidence, 4)}
    return described if word.read is None else {**described, "read": word.read}

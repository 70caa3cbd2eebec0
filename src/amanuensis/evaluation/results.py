"""Per-sample results: what a model read, line by line, in a file that can be scored again and published.

JSON lines. The first is a header; every other holds a sample's id with its hypothesis and confidence, or with
the error that kept it from being read. The reference is never in the file: data that must not be copied stays
where it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amanuensis.errors import DataError, ModelError
from amanuensis.language import TextNormalization
from amanuensis.recognition import write_atomically

FORMAT = 1
PAGES = "pages"
"""The kind of a file of whole pages (see `page_results`); files of lines and formulas name none."""

_CORRECTION: Mapping[str, tuple[type, ...]] = {
    "kind": (str,),
    "theta": (int, float),
    "milliseconds_per_line": (int, float),
    "oracle": (bool,),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line.

    Attributes:
        id: the sample's key.
        text: the hypothesis as the model wrote it; "" if it failed.
        confidence: in [0, 1]; None if it failed.
        error: why it could not be read; None if it was.
        words: a confidence for every word of `text`; () if they were not kept.
        characters: a confidence for every character of `text`; () if they were not kept.
        uncorrected: what was read, where a correction changed it; None where it did not.
        judged: what a language model says of every word (`WordSpan.language`); () if none read along. Calibration is
            fitted with it; result files leave it out, as their confidences are calibrated.
    """

    id: str
    text: str = ""
    confidence: float | None = None
    error: str | None = None
    words: tuple[float, ...] = ()
    characters: tuple[float, ...] = ()
    uncorrected: str | None = None
    judged: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Results:
    """What one model read of some lines.

    Attributes:
        model: its name.
        split: the split of the lines; several are joined by "+".
        datasets: names of the data sets.
        normalization: the model's, to compare by.
        decoder: the search over the network's outputs, its method and settings.
        seconds: wall-clock time of reading, images loaded and all, by data set.
        outcomes: one per sample, ids all different.
        correction: what corrected the readings, its settings and time; None if nothing did.
        ensemble: the models that read together, their parameters and time; None if one read alone.
    """

    model: str
    split: str
    datasets: tuple[str, ...]
    normalization: TextNormalization
    decoder: Mapping[str, Any]
    seconds: Mapping[str, float]
    outcomes: tuple[Outcome, ...]
    correction: Mapping[str, Any] | None = None
    ensemble: Mapping[str, Any] | None = None


def write_results(results: Results, path: Path | str) -> None:
    """Write a result file; it appears whole or not at all."""
    header = {
        "format": FORMAT,
        "model": results.model,
        "split": results.split,
        "datasets": list(results.datasets),
        "normalization": results.normalization.to_dict(),
        "decoder": dict(results.decoder),
        "seconds": {name: round(seconds, 3) for name, seconds in results.seconds.items()},
    }
    for name, told in (("correction", results.correction), ("ensemble", results.ensemble)):
        if told is not None:
            header[name] = dict(told)
    rows = [header, *map(_row, results.outcomes)]
    encoded = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(Path(path), encoded)


def free_path(path: Path) -> Path:
    """The path, or one with a number behind its stem: what was read before is never written over unasked."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def read_results(path: Path | str) -> Results:
    """The inverse of `write_results`.

    Raises:
        DataError: naming the file and the line that is missing, malformed or said twice; or it is of whole pages.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a result file ({error})") from error
    rows = [
        (number, _parse(path, number, line)) for number, line in enumerate(lines, start=1) if line.strip()
    ]
    if not rows:
        raise DataError(f"{path}: an empty result file")
    _check_format(path, rows[0][1])
    outcomes = tuple(_outcome(path, number, row) for number, row in rows[1:])
    seen: set[str] = set()
    for (number, _), outcome in zip(rows[1:], outcomes, strict=True):
        if outcome.id in seen:
            raise DataError(f"{path}:{number}: a second result for {outcome.id!r}")
        seen.add(outcome.id)
    return _with_header(path, rows[0][1], outcomes)


def _row(outcome: Outcome) -> dict[str, Any]:
    if outcome.error is not None:
        return {"id": outcome.id, "error": outcome.error}
    confidence = None if outcome.confidence is None else round(outcome.confidence, 5)
    row: dict[str, Any] = {"id": outcome.id, "text": outcome.text, "confidence": confidence}
    for name, told in (("words", outcome.words), ("characters", outcome.characters)):
        if told:
            row[name] = [round(one, 4) for one in told]
    if outcome.uncorrected is not None:
        row["uncorrected"] = outcome.uncorrected
    return row


def _parse(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{number}: not JSON ({error})") from error
    if not isinstance(row, dict):
        raise DataError(f"{path}:{number}: not a JSON object")
    return row


def _check_format(path: Path, header: dict[str, Any]) -> None:
    if header.get("kind") == PAGES:
        raise DataError(f"{path}: results of whole pages; evaluate --pages --from-results scores them")
    if header.get("format") != FORMAT:
        raise DataError(f"{path}:1: format {header.get('format')!r}; this version reads {FORMAT}")


def _with_header(path: Path, header: dict[str, Any], outcomes: tuple[Outcome, ...]) -> Results:
    try:
        return Results(
            model=str(header["model"]),
            split=str(header["split"]),
            datasets=tuple(map(str, header["datasets"])),
            normalization=TextNormalization.from_dict(header["normalization"]),
            decoder=dict(header["decoder"]),
            seconds={str(name): float(seconds) for name, seconds in header["seconds"].items()},
            outcomes=outcomes,
            correction=None if header.get("correction") is None else _correction(header["correction"]),
            ensemble=None if header.get("ensemble") is None else dict(header["ensemble"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, ModelError) as error:
        raise DataError(f"{path}:1: the header is not complete ({error!r})") from error


def _correction(told: Mapping[str, Any]) -> dict[str, Any]:
    """What corrected, as far as reports show it: each fact of its type, or not told."""
    for name, kinds in _CORRECTION.items():
        value = told.get(name)
        if value is not None and type(value) not in kinds:
            raise TypeError(f"the {name} of a correction is {value!r}")
    return {**told, "kind": told["kind"]}  # the only one that must be there


def _outcome(path: Path, number: int, row: dict[str, Any]) -> Outcome:
    fields = {name: row.get(name) for name in ("id", "text", "confidence", "error")}
    identity, text, confidence, error = fields.values()
    if not isinstance(identity, str):
        raise DataError(f"{path}:{number}: no id")
    if isinstance(error, str):
        return Outcome(identity, error=error)
    if not isinstance(text, str):
        raise DataError(f"{path}:{number}: {identity} has neither a text nor an error")
    if confidence is not None and not isinstance(confidence, int | float):
        raise DataError(f"{path}:{number}: {identity} has the confidence {confidence!r}; a number is needed")
    uncorrected = row.get("uncorrected")
    if uncorrected is not None and not isinstance(uncorrected, str):
        raise DataError(f"{path}:{number}: {identity}: what was read before the correction is no text")
    return Outcome(
        identity,
        text,
        None if confidence is None else float(confidence),
        words=_confidences(f"{path}:{number}: {identity}", row.get("words", []), len(text.split()), "word"),
        characters=_confidences(
            f"{path}:{number}: {identity}", row.get("characters", []), len(text), "character"
        ),
        uncorrected=uncorrected,
    )


def _confidences(where: str, told: Any, length: int, what: str) -> tuple[float, ...]:
    """One number for each word or character, or none at all."""
    if not isinstance(told, list) or not all(type(one) in (int, float) for one in told):
        raise DataError(f"{where}: the confidences of its {what}s are not a list of numbers")
    if told and len(told) != length:
        raise DataError(f"{where}: {len(told)} {what} confidences for {length} {what}s")
    return tuple(map(float, told))

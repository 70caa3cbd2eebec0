"""What `transcribe` writes: text, a table or JSON, on stdout or into files, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import typer

from amanuensis.cli.inputs import ImageFile, LineImage
from amanuensis.errors import AmanuensisError, DataError
from amanuensis.records import Reading, Span, WordSpan

Result = Reading | AmanuensisError


class Format(StrEnum):
    """Text only, a table with confidences, or JSON with places."""

    txt = "txt"
    tsv = "tsv"
    json = "json"


_TABLE_HEADER = "image\ttext\tconfidence\terror"


class Output(Protocol):
    """Takes results in the order of the images."""

    def add(self, image: LineImage, result: Result) -> None:
        """One more image was read, or failed."""

    def finish(self, summary: dict[str, Any]) -> None:
        """All are read."""


def open_output(
    form: Format, folder: Path | None, files: Sequence[ImageFile], *, formulas: bool = False
) -> Output:
    """The output that a user asks for.

    Args:
        form: how it is written.
        folder: where to write files; None for stdout.
        files: all images, to make sure beforehand that each can have a file of its own.
        formulas: whether they are formulas, which JSON tells as MathML too.

    Raises:
        DataError: two images would be written to one file, or results over what is read.
        OSError: the folder cannot be made.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    if form is Format.txt:
        return TextOutput() if folder is None else TextFiles(folder, files)
    target = folder and folder / f"transcription.{form.value}"
    if target and any(file.path.resolve() == target.resolve() for file in files):
        raise DataError(f"{target}: is read itself, and would be replaced; choose another folder")
    return JsonOutput(target, mathml=formulas) if form is Format.json else TableOutput(target)


class TextOutput:
    """A line of text per image on stdout; an empty one for a failed image: lines match images."""

    def add(self, image: LineImage, result: Result) -> None:
        """Print it at once."""
        typer.echo(_text(result))

    def finish(self, summary: dict[str, Any]) -> None:
        """Nothing is left to say."""


class TextFiles:
    """A text file per image file, one line per frame; none for an image that failed."""

    def __init__(self, folder: Path, files: Sequence[ImageFile]) -> None:
        self._paths = {file.path: folder / name for file, name in _names(files).items()}
        self._lines: list[str] = []
        self._any_read = False

    def add(self, image: LineImage, result: Result) -> None:
        """Write the file with its last frame."""
        self._lines.append(_text(result))
        self._any_read |= isinstance(result, Reading)
        if image.frame + 1 < image.num_frames:
            return
        if self._any_read:
            _write(self._paths[image.file.path], "".join(f"{line}\n" for line in self._lines))
        self._lines, self._any_read = [], False

    def finish(self, summary: dict[str, Any]) -> None:
        """All files are written."""


class TableOutput:
    """Tab-separated values with a header: on stdout row by row, or a file at the end."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows: list[str] = []
        self._put(_TABLE_HEADER)

    def add(self, image: LineImage, result: Result) -> None:
        """A row: what was read and how surely, or why not."""
        if isinstance(result, Reading):
            cells = [image.name, result.text, f"{result.confidence:.4f}", ""]
        else:
            cells = [image.name, "", "", image.reason(result)]
        self._put("\t".join(" ".join(cell.split("\t")).replace("\n", " ") for cell in cells))

    def finish(self, summary: dict[str, Any]) -> None:
        """Write the file."""
        if self._path is not None:
            _write(self._path, "".join(f"{row}\n" for row in self._rows))

    def _put(self, row: str) -> None:
        if self._path is None:
            typer.echo(row)
        else:
            self._rows.append(row)


class JsonOutput:
    """One JSON document: lines with their spans in source pixels, failures with reasons, counts."""

    def __init__(self, path: Path | None, *, mathml: bool) -> None:
        self._path = path
        self._mathml = mathml
        self._lines: list[dict[str, Any]] = []
        self._failed: list[dict[str, Any]] = []

    def add(self, image: LineImage, result: Result) -> None:
        """Keep it for the document."""
        which: dict[str, Any] = {"image": str(image.file.path)}
        if image.num_frames > 1:
            which["frame"] = image.frame + 1
        if isinstance(result, Reading):
            self._lines.append({**which, **self._describe(result)})
        else:
            self._failed.append({**which, "reason": image.reason(result)})

    def _describe(self, reading: Reading) -> dict[str, Any]:
        if not self._mathml:
            return _described(reading)
        from amanuensis.latex import to_mathml  # noqa: PLC0415

        return {**_described(reading), "mathml": to_mathml(reading.tokens)}

    def finish(self, summary: dict[str, Any]) -> None:
        """Print or write the document."""
        document = {**summary, "failed": self._failed, "lines": self._lines}
        text = json.dumps(document, ensure_ascii=False, indent=2)
        if self._path is None:
            typer.echo(text)
        else:
            _write(self._path, text + "\n")


def _text(result: Result) -> str:
    return result.text if isinstance(result, Reading) else ""


def _described(reading: Reading) -> dict[str, Any]:
    """A line or formula: what every JSON says of a reading, and where its parts stand in the picture."""
    from amanuensis.recognition import described_reading  # noqa: PLC0415

    described = {**described_reading(reading), "spans": [_described_span(span) for span in reading.spans]}
    if reading.words:
        described["words"] = [_described_word(word) for word in reading.words]
    return described


def _described_word(word: WordSpan) -> dict[str, Any]:
    described: dict[str, Any] = {
        "text": word.text,
        "start": round(word.start, 1),
        "end": round(word.end, 1),
        "confidence": round(word.confidence, 4),
    }
    if word.is_gap:
        described |= {"gap": True, "read": word.read}
    return described


def _described_span(span: Span) -> dict[str, Any]:
    described: dict[str, Any] = {
        "text": span.text,
        "start": round(span.start, 1),
        "end": round(span.end, 1),
        "confidence": round(span.confidence, 4),
    }
    if span.row is not None:
        described["row"] = round(span.row, 1)
    if span.second is not None:
        described["second"] = {"text": span.second.text, "confidence": round(span.second.probability, 4)}
    if span.disagreement is not None:
        described["disagreement"] = round(span.disagreement, 4)
    return described


def _names(files: Sequence[ImageFile]) -> dict[ImageFile, str]:
    """A text file's name for each image: `line.txt`; `line.png.txt` where line.jpg lies beside line.png."""
    short: dict[str, list[ImageFile]] = {}
    for file in files:
        short.setdefault(f"{file.output}.txt", []).append(file)
    names: dict[ImageFile, str] = {}
    for name, same in short.items():
        full = [name] if len(same) == 1 else [f"{file.output}{file.path.suffix}.txt" for file in same]
        if len(set(full)) < len(same):
            both = " and ".join(str(file.path) for file in same[:2])
            raise DataError(f"{both} would both be written to {name}: give them in two runs, or use -f tsv")
        names |= dict(zip(same, full, strict=True))
    return names


def _write(path: Path, text: str) -> None:
    from amanuensis.recognition import write_atomically  # noqa: PLC0415

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())

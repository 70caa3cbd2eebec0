"""Formulas from one form into another: ink as InkML, as JSON strokes, or drawn as pictures with a table.

Each form reads back: `inkml` and `pictures` are layouts of data sets, JSON strokes are what `transcribe` takes. Our
addition; none of it is in the papers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from amanuensis.data.dataset import Problem
from amanuensis.errors import AmanuensisError, DataError
from amanuensis.ink import InkDocument, InkImage, format_inkml, format_strokes_json
from amanuensis.records import Sample


def _inkml(sample: Sample, place: Path) -> Path:
    document = InkDocument(_ink_of(sample).ink, sample.text, "", _annotations(sample))
    return _written(place, ".inkml", format_inkml(document))


def _annotations(sample: Sample) -> dict[str, str]:
    return {"UI": sample.id, **({"writer": sample.writer} if sample.writer else {})}


def _strokes(sample: Sample, place: Path) -> Path:
    document = json.loads(format_strokes_json(_ink_of(sample).ink)) | {"latex": sample.text}
    encoded = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return _written(place, ".json", (encoded + "\n").encode())


def _picture(sample: Sample, place: Path) -> Path:
    image = sample.image
    content = image.read_bytes() if isinstance(image, Path) else image.read()
    suffix = ".png" if content.startswith(b"\x89PNG") else ".bmp" if content.startswith(b"BM") else ".img"
    return _written(place, suffix, content)


def _written(place: Path, suffix: str, content: bytes) -> Path:
    file = place.with_name(place.name + suffix)
    file.write_bytes(content)
    return file


FORMS: Mapping[str, Callable[[Sample, Path], Path]] = {
    "inkml": _inkml,
    "json": _strokes,
    "pictures": _picture,
}


def convert(samples: Iterable[Sample], target: Path, form: str) -> tuple[int, list[Problem]]:
    """Write samples in another form: files in a folder per split, and for pictures a table `labels.tsv`.

    Args:
        samples: formulas; `inkml` and `json` need ink, `pictures` takes any image.
        target: a folder that is not there yet, or is empty.
        form: a key of `FORMS`.

    Returns:
        How many were written, and those that could not be, each with its reason.

    Raises:
        DataError: there is no such form, or something lies at the target already.
    """
    if form not in FORMS:
        raise DataError(f"no form is called {form!r}; there are: {', '.join(FORMS)}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target}: something lies there already; choose another folder")
    written: dict[Path, Sample] = {}
    files: dict[Path, Sample] = {}
    problems: list[Problem] = []
    for sample in samples:
        folder = target / (sample.split or "formulas")
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / _name(sample)
        try:
            if place in written:
                raise DataError(f"{written[place].key} has the same name")
            files[FORMS[form](sample, place)] = sample
            written[place] = sample
        except AmanuensisError as error:
            problems.append(Problem(sample.key, str(error)))
    if form == "pictures":
        _write_table(target, files)
    return len(written), problems


def _write_table(target: Path, files: Mapping[Path, Sample]) -> None:
    """The table of the pictures; what would end a cell or a row becomes a space."""
    rows = ["image\ttext\tsplit\twriter"]
    for file, sample in files.items():
        cells = (file.relative_to(target).as_posix(), sample.text, sample.split, sample.writer)
        rows.append("\t".join(" ".join(cell.split()) for cell in cells))
    (target / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _ink_of(sample: Sample) -> InkImage:
    if not isinstance(sample.image, InkImage):
        raise DataError("it is a picture; strokes cannot be made from it")
    return sample.image


def _name(sample: Sample) -> str:
    return " ".join(sample.id.split()).replace("/", "-").replace("\\", "-")

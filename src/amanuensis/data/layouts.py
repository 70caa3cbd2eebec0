"""Which layouts of data sets are known, and `read_dataset`, which finds out which one it is given."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from amanuensis.data.bentham import detect_bentham, read_bentham
from amanuensis.data.crohme import detect_crohme, read_crohme
from amanuensis.data.dataset import Collector, Dataset
from amanuensis.data.iam import detect_iam_lines, detect_iam_xml, read_iam_lines, read_iam_xml
from amanuensis.data.iam_histdb import (
    detect_saint_gall,
    detect_washington,
    read_saint_gall,
    read_washington,
)
from amanuensis.data.inkml_folder import detect_inkml, read_inkml_folder
from amanuensis.data.pack import detect_pack, read_pack
from amanuensis.data.pairs import detect_pairs, read_pairs
from amanuensis.data.parquet import detect_parquet, read_parquet
from amanuensis.data.pylaia import detect_pylaia, read_pylaia
from amanuensis.data.rimes import detect_rimes, read_rimes
from amanuensis.data.tables import (
    detect_jsonl,
    detect_labels,
    detect_tsv,
    read_jsonl,
    read_labels,
    read_tsv,
)
from amanuensis.errors import DataError
from amanuensis.records import Sample


@dataclass(frozen=True, slots=True)
class Layout:
    """One way of laying out a data set.

    Attributes:
        marks: what `detect` looks for, in words.
        detect: whether a path is of this layout.
        read: walk through it and tell the collector.
    """

    marks: str
    detect: Callable[[Path], bool]
    read: Callable[[Path, Collector], None]


LAYOUTS: dict[str, Layout] = {
    "pack": Layout("a .zip that `data pack` wrote", detect_pack, read_pack),
    "labels.tsv": Layout("labels.tsv with the header image, text, split, writer", detect_labels, read_labels),
    "iam-xml": Layout("IAM: xml/*.xml and lines/", detect_iam_xml, read_iam_xml),
    "iam-lines": Layout("IAM: ascii/lines.txt and lines/", detect_iam_lines, read_iam_lines),
    "rimes-2011": Layout("RIMES: training_2011.xml, eval_2011_annotated.xml", detect_rimes, read_rimes),
    "bentham-r0": Layout("Bentham: Partitions/*.lst, Transcriptions/", detect_bentham, read_bentham),
    "saint-gall": Layout("ground_truth/transcription.txt, sets/", detect_saint_gall, read_saint_gall),
    "washington": Layout("ground_truth/transcription.txt, sets/cv1/", detect_washington, read_washington),
    "pylaia": Layout("syms.txt and train.txt, val.txt, test.txt: img_id tok tok", detect_pylaia, read_pylaia),
    "pairs": Layout("line.png + line.gt.txt, also in train/, val/, test/", detect_pairs, read_pairs),
    "crohme": Layout("CROHME: ink/train.jsonl.gz, ink/test2014.jsonl.gz, ...", detect_crohme, read_crohme),
    "inkml": Layout("*.inkml, also in train/, val/, test/", detect_inkml, read_inkml_folder),
    "tsv": Layout("*.tsv: image<TAB>text", detect_tsv, read_tsv),
    "jsonl": Layout('*.jsonl: {"image": ..., "text": ...}', detect_jsonl, read_jsonl),
    "parquet": Layout("*.parquet with the columns image and text", detect_parquet, read_parquet),
}


def detect_layout(path: Path) -> str | None:
    """The first layout that recognizes the path, or None."""
    return next((name for name, layout in LAYOUTS.items() if layout.detect(path)), None)


def read_dataset(
    path: Path | str, *, layout: str | None = None, split: str | None = None, name: str | None = None
) -> Dataset:
    """Read a data set: its samples, whose images stay on disk, and the problems met.

    Args:
        path: the data set's folder, or a table or pack file.
        layout: a key of `LAYOUTS`; found out if not given.
        split: keep only this split ("valid" and "validation" are "val").
        name: the data set's name; by default that of the folder. Samples of a pack keep the names that they
            were packed under.

    Raises:
        DataError: there is nothing at `path`, no layout fits, or no sample could be read.
    """
    path = Path(path)
    if path.name == "labels.tsv":  # part of a data set whose name is the folder's
        path = path.parent
    folder = path if path.is_dir() else path.parent
    stem = Path(os.path.abspath(path)).name if path.is_dir() else path.stem  # noqa: PTH100 - "." and ".." too
    collector = Collector(folder, name or stem)
    try:
        layout = _layout_for(path, layout)
        LAYOUTS[layout].read(path, collector)
    except OSError as error:
        raise DataError(f"{error.filename or path}: cannot be read: {error.strerror}") from error
    return _only(collector.dataset(layout), split)


def _only(dataset: Dataset, split: str | None) -> Dataset:
    """The data set reduced to one split, which may be empty, or as it is."""
    return dataset if split is None else replace(dataset, samples=dataset.split(split))


def read_datasets(
    paths: Iterable[Path | str], *, layout: str | None = None, split: str | None = None
) -> tuple[Dataset, ...]:
    """Read several data sets; a pack gives those that it holds. Sets of one name become `name`, `name-2`, ...

    Raises:
        DataError: as `read_dataset`, or no path is given.
    """
    datasets: list[Dataset] = []
    taken: set[str] = set()
    for path in paths:
        for part in _parts(read_dataset(path, layout=layout)):
            dataset = _only(part, split)
            name = next(n for n in _names(dataset.name) if n not in taken)
            taken.add(name)
            datasets.append(dataset if name == dataset.name else _renamed(dataset, name))
    if not datasets:
        raise DataError("no data set is given")
    return tuple(datasets)


def _parts(dataset: Dataset) -> list[Dataset]:
    """The data sets of a pack, or the data set itself. Problems of a pack as a file stay with its first."""
    parts: dict[str, list[Sample]] = {}
    for sample in dataset.samples:
        parts.setdefault(sample.dataset, []).append(sample)
    if not parts or set(parts) == {dataset.name}:
        return [dataset]
    problems = [dataset.problems, *[()] * (len(parts) - 1)]
    return [
        Dataset(name, dataset.layout, tuple(samples), rest)
        for (name, samples), rest in zip(parts.items(), problems, strict=True)
    ]


def _names(name: str) -> Iterator[str]:
    """The name, then `name-2`, `name-3`, ..."""
    yield name
    yield from (f"{name}-{number}" for number in count(2))


def _renamed(dataset: Dataset, name: str) -> Dataset:
    """The data set under another name, in its samples too."""
    return replace(dataset, name=name, samples=tuple(replace(s, dataset=name) for s in dataset.samples))


def _layout_for(path: Path, layout: str | None) -> str:
    """The layout asked for or found out.

    Raises:
        DataError: there is nothing at the path, or no layout fits.
    """
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder")
    if layout is not None and layout not in LAYOUTS:
        raise DataError(f"unknown layout {layout!r}: known are {', '.join(LAYOUTS)}")
    found = layout or detect_layout(path)
    if found is None:
        raise DataError(_nothing_fits(path))
    return found


def _nothing_fits(path: Path) -> str:
    """What to say of a path that no layout recognizes: the data sets in it, or what was looked for."""
    children = sorted(child for child in path.iterdir() if child.is_dir()) if path.is_dir() else []
    if sets := [child.name for child in children if detect_layout(child)]:
        listed = ", ".join(sets)
        return f"{path}: this folder holds {len(sets)} data sets ({listed}): give {path}/*/ or one of them"
    looked_for = "\n".join(f"  {name}: {layout.marks}" for name, layout in LAYOUTS.items())
    return f"{path}: no data set of a known layout. Looked for:\n{looked_for}"

"""Which layouts of data sets are known, and `read_dataset`, which finds out which one it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from amanuensis.data.dataset import Collector, Dataset, normalize_split
from amanuensis.data.tables import read_labels
from amanuensis.errors import DataError


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
    "labels.tsv": Layout(
        "labels.tsv with the header image, text, split, writer",
        lambda path: (path / "labels.tsv").is_file(),
        read_labels,
    ),
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
        name: the data set's name; by default that of the folder.

    Raises:
        DataError: there is nothing at `path`, no layout fits, or no sample could be read.
    """
    path = Path(path)
    wanted = None if split is None else normalize_split(split)
    layout = _layout_for(path, layout)
    stem = path.absolute().name if path.is_dir() else path.stem
    collector = Collector(path if path.is_dir() else path.parent, name or stem)
    LAYOUTS[layout].read(path, collector)
    dataset = collector.dataset(layout)
    if wanted is None:
        return dataset
    return replace(dataset, samples=dataset.split(wanted))


def read_datasets(
    paths: Iterable[Path | str], *, layout: str | None = None, split: str | None = None
) -> tuple[Dataset, ...]:
    """Read several data sets; sets of one name are told apart as `name`, `name-2`, ...

    Raises:
        DataError: as `read_dataset`, or no path is given.
    """
    datasets: list[Dataset] = []
    taken: set[str] = set()
    for path in paths:
        dataset = read_dataset(path, layout=layout, split=split)
        name, number = dataset.name, 1
        while name in taken:
            number += 1
            name = f"{dataset.name}-{number}"
        taken.add(name)
        datasets.append(_renamed(dataset, name))
    if not datasets:
        raise DataError("no data set is given")
    return tuple(datasets)


def _renamed(dataset: Dataset, name: str) -> Dataset:
    """The data set under another name, in its samples too."""
    if name == dataset.name:
        return dataset
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

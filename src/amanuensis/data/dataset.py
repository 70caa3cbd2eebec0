"""What every reader of a data set yields: samples that stay on disk, and what could not be read, by name.

A row, file or element that cannot become a sample becomes a `Problem`: it is counted and named, the rest is
read. Readers never open an image: they only ask whether its file is there.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from amanuensis.errors import DataError
from amanuensis.records import ImageSource, Sample

SPLITS = ("train", "val", "test")
_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "tr": "train",
    "va": "val",
    "te": "test",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that could not be read: `where` is a file and row (or an id), `reason` says what is wrong."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set that was read.

    Attributes:
        name: the folder's name unless the caller gave one; it stands in every sample.
        layout: the key of `LAYOUTS` that it was read by.
        samples: in the data set's own order.
        problems: what could not become a sample, in the order met.
    """

    name: str
    layout: str
    samples: tuple[Sample, ...]
    problems: tuple[Problem, ...] = ()

    def split(self, name: str) -> tuple[Sample, ...]:
        """The samples of one split; there may be none.

        A test set of some year, as competitions have them ("test2014"), is the test split of a data set whose name
        ends in that year ("crohme-2014").

        Raises:
            DataError: no split has such a name.
        """
        of_year = re.fullmatch(r"test(\d{4})", name.strip().lower())
        if of_year:
            name = "test"
            if not self.name.endswith(of_year[1]):
                return ()
        wanted = normalize_split(name)
        return tuple(sample for sample in self.samples if sample.split == wanted)


def normalize_split(name: str) -> str:
    """The one name of a split: "train", "val" or "test" ("valid" and "validation" are "val").

    Raises:
        DataError: the name is none of those in use.
    """
    found = _SPLIT_NAMES.get(name.strip().lower())
    if found is None:
        raise DataError(f"unknown split {name!r}: known are {', '.join(_SPLIT_NAMES)}")
    return found


def train_samples(samples: Iterable[Sample]) -> list[Sample]:
    """The samples that may be trained on: those of train, and those without a split of data sets that have none.

    Where some samples of a data set have a split, one without is in none of its lists (IAM's second validation set),
    and nobody may count on its not being measured on.
    """
    samples = list(samples)
    divided = {sample.dataset for sample in samples if sample.split}
    return [s for s in samples if s.split == "train" or (not s.split and s.dataset not in divided)]


def lower_suffix(name: str) -> str:
    """A file's name with its suffix in small letters: `a.JPG` is the image `a.jpg` that a table means."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - pathlib is slow for 100,000 files
    return stem + suffix.lower()


def split_of_name(stem: str) -> str:
    """The split that a file's or folder's name tells ("train", "valid-00000-of-00002"), or ""."""
    return _SPLIT_NAMES.get(re.sub(r"-\d+-of-\d+$", "", stem.lower()), "")


def fingerprint(dataset: Dataset) -> str:
    """32 hexadecimal digits over ids, texts and splits, in the order read: what a run says it was trained on.

    Images are left out (hashing gigabytes before every run would not be used), and so are the name and the
    folder: the same lines in another place have the same fingerprint.
    """
    digest = hashlib.blake2b(digest_size=16)
    for sample in dataset.samples:
        for part in (sample.id, sample.text, sample.split):
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


class Collector:
    """Gathers the samples and problems of one data set while a reader walks through it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self._base = os.path.abspath(folder)  # noqa: PTH100 - pathlib's resolve() would follow links
        self._samples: dict[str, Sample] = {}
        self._problems: list[Problem] = []
        self._folders: dict[str, dict[str, str]] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was named so far."""
        return tuple(self._problems)

    def problem(self, where: str, reason: str) -> None:
        """Name something that could not be read."""
        self._problems.append(Problem(where, reason))

    def add(  # noqa: PLR0913 - the fields of a sample, as the reader found them
        self,
        where: str,
        id: str,  # noqa: A002 - the field's name in `Sample`
        image: Path | ImageSource | None,
        text: str,
        *,
        split: str | None = "",
        page: str = "",
        writer: str = "",
        dataset: str = "",
    ) -> None:
        """Add a sample, or name why it cannot be one.

        An `image` or a `split` of None was already named, by `find` or `split_of`. `dataset` is for files
        that hold several data sets; elsewhere it is the collector's own name.
        """
        if image is None or split is None:
            return
        sample = Sample(id, image, text, split, dataset or self.name, page, writer)
        if sample.key in self._samples:
            self.problem(where, f"the id {id!r} is there twice: the first one is kept")
        elif not text.strip():
            self.problem(where, f"the text of {id!r} is empty")
        elif not _encodable(sample):
            self.problem(where, f"{id!r} holds half of a surrogate pair, which is no character")
        else:
            self._samples[sample.key] = sample

    def find(
        self,
        where: str,
        image: str,
        *,
        folders: Sequence[str] = ("",),
        suffixes: Sequence[str] = ("",),
        kind: str = "image",
    ) -> Path | None:
        """The image file that a table names, or None (and a problem): it is missing or outside the data set.

        A data set comes from elsewhere: a path that climbs out of its folder is refused, not followed. The
        check is on the spelling, so folders of images may be symbolic links.

        Args:
            where: file and row, for the problem.
            image: as the table spells it, with `/` or the backslashes of Windows.
            folders: where to look, relative to the data set's folder.
            suffixes: what may follow the name in the table, in small letters; files may have them in capitals.
            kind: what to call the file in the problem.
        """
        name = image.replace("\\", "/")
        inside = os.path.join(self._base, "")  # noqa: PTH118 - os.path is ten times as fast, 20,000 times
        for folder in folders:
            path = os.path.normpath(os.path.join(inside, folder, name))  # noqa: PTH118
            if "\0" in name or not path.startswith(inside):
                self.problem(where, f"the {kind} {image!r} lies outside the data set's folder")
                return None
            for suffix in suffixes:
                file = self._spelt(path + suffix) if suffix else path
                if os.path.isfile(file):  # noqa: PTH113
                    return Path(file)
        self.problem(where, f"the {kind} {image!r} is missing")
        return None

    def _spelt(self, path: str) -> str:
        """A path whose suffix is in small letters as its folder, looked into once, spells it."""
        folder, name = os.path.split(path)
        if folder not in self._folders:
            names = sorted(os.listdir(folder)) if os.path.isdir(folder) else ()  # noqa: PTH112, PTH208
            self._folders[folder] = {lower_suffix(name): name for name in names}
        return os.path.join(folder, self._folders[folder].get(name, name))  # noqa: PTH118

    def split_of(self, where: str, name: str) -> str | None:
        """The normalized split, "" for a blank name, or None (and a problem) for a name that is none."""
        try:
            return normalize_split(name) if name.strip() else ""
        except DataError as error:
            self.problem(where, str(error))
            return None

    def dataset(self, layout: str) -> Dataset:
        """What was gathered.

        Raises:
            DataError: nothing of the data set could be read.
        """
        if not self._samples:
            raise DataError(
                f"{self.folder}: read as {layout!r}, but it has no sample{_first(self._problems)}"
            )
        return Dataset(self.name, layout, tuple(self._samples.values()), tuple(self._problems))


def _encodable(sample: Sample) -> bool:
    """Whether the sample's strings can be written as UTF-8 (JSON can hold halves of surrogate pairs)."""
    try:
        (sample.key + sample.text + sample.page + sample.writer).encode()
    except UnicodeEncodeError:
        return False
    return True


def _first(problems: Sequence[Problem], count: int = 3) -> str:
    """The first few problems, as the end of a message."""
    if not problems:
        return ": it is empty"
    more = f"; and {len(problems) - count} more" if len(problems) > count else ""
    return ": " + "; ".join(map(str, problems[:count])) + more

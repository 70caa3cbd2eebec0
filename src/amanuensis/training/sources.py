"""Which lines a run trains and validates on. Test splits cannot be reached from here."""

from __future__ import annotations

import difflib
import glob
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from amanuensis.data import Dataset, fingerprint, read_datasets, train_samples
from amanuensis.data.pack import PackMember
from amanuensis.errors import AmanuensisError, DataError
from amanuensis.images import ImageSpec, load_image, resize_to_spec
from amanuensis.randomness import seed_for
from amanuensis.records import Sample
from amanuensis.training.recipe import DataSection, expand


@dataclass(frozen=True, slots=True)
class Lines:
    """Samples whose images open, with their prepared widths."""

    samples: tuple[Sample, ...]
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line that is not used, why, and the split that it was to be used for ("" if that is not known)."""

    key: str
    reason: str
    split: str


@dataclass(frozen=True, slots=True)
class Sources:
    """The train and validation samples of a recipe's data sets.

    Attributes:
        train, val: samples; test splits are dropped while reading.
        fingerprints: data set -> fingerprint, kept beside the run's results.
        problems: what could not be read.
        warnings: what the recipe asks for and these data do not have.
    """

    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    fingerprints: dict[str, str]
    problems: tuple[LeftOut, ...]
    warnings: tuple[str, ...] = ()


def read_sources(section: DataSection, seed: int) -> Sources:
    """Read a recipe's data sets.

    Raises:
        DataError: a path holds no data set, or nothing is left to train or validate on.
    """
    paths = _paths(section)
    found = read_datasets([path for path in paths if path.name not in section.exclude])
    datasets = [d for d in found if d.name not in section.exclude]
    train: list[Sample] = []
    val: list[Sample] = []
    for dataset in datasets:
        of_set = _train_and_val(dataset, section.validation_share, seed)
        train += of_set[0]
        val += of_set[1]
    train = [sample for sample in train[: section.max_lines] if not is_held_out(sample, section, seed)]
    if section.validate_on_train:
        val = train
    unlisted = [told for dataset in datasets for told in _unlisted(dataset)]
    warnings = _unmatched(section.exclude, {*(path.name for path in paths), *(d.name for d in found)})
    if not train or not val:
        names = ", ".join(d.name for d in datasets) or "no data set"
        why = "".join(f"; {told.key}: {told.reason}" for told in unlisted) + "".join(
            f"; {w}" for w in warnings
        )
        raise DataError(f"{names}: {len(train)} train and {len(val)} validation lines; both are needed{why}")
    problems = [LeftOut(f"{d.name}: {p.where}", p.reason, "") for d in datasets for p in d.problems]
    problems += unlisted
    fingerprints = {d.name: fingerprint(d) for d in datasets}
    return Sources(tuple(train), tuple(val), fingerprints, tuple(problems), warnings)


def _unmatched(exclude: Sequence[str], names: Collection[str]) -> tuple[str, ...]:
    """A sentence for every excluded name that no data set has: a slip would train on what was to be left out.

    It is no error: a recipe's own exclusions may mean nothing to the data of somebody else.
    """
    told = []
    for name in exclude:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(names))}"
            told.append(f"data.exclude: no data set is called {name!r}; {hint}")
    return tuple(told)


def _unlisted(dataset: Dataset) -> Iterator[LeftOut]:
    """That lines are in none of a set's splits, where it has splits; said once, however many they are."""
    number = sum(not sample.split for sample in dataset.samples)
    if 0 < number < len(dataset.samples):
        yield LeftOut(dataset.name, f"{number:,} lines are in no split, and the others are", "train")


def is_held_out(sample: Sample, section: DataSection, seed: int) -> bool:
    """Whether a train sample is of the part that is left out; whole pages are, drawn by (seed, page) alone."""
    if section.folds is None:
        return False
    return (
        seed_for("fold", seed, sample.dataset, sample.page or sample.id) % section.folds == section.held_out
    )


def _paths(section: DataSection) -> list[Path]:
    paths: list[Path] = []
    for pattern in section.paths:
        found = sorted(Path(match) for match in glob.glob(expand(pattern)))  # noqa: PTH207 - absolute patterns
        if not found:
            raise DataError(f"{pattern}: there is nothing at this path")
        paths += found
    return paths


def _train_and_val(dataset: Dataset, share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """The set's own splits; without a val split a share of the train pages, drawn by (seed, page) alone."""
    train = train_samples(dataset.samples)
    val = [sample for sample in dataset.samples if sample.split == "val"]
    if val or share == 0:
        return train, val
    groups = sorted({sample.page or sample.id for sample in train})
    groups.sort(key=lambda group: seed_for("validation", seed, dataset.name, group))
    held = set(groups[: max(1, round(share * len(groups)))]) if len(groups) > 1 else set()
    val = [sample for sample in train if (sample.page or sample.id) in held]
    return [sample for sample in train if (sample.page or sample.id) not in held], val


def packed_otherwise(samples: Sequence[Sample], spec: ImageSpec) -> str:
    """A warning where lines were packed for another size: they are scaled a second time and lose by it; else ""."""
    images = [sample.image for sample in samples]
    packed = [i.spec for i in images if isinstance(i, PackMember) and i.spec.size != spec.size]
    if not packed:
        return ""
    return (
        f"warning: {len(packed):,} lines were packed for {packed[0].told_size} and are scaled again, to "
        f"{spec.told_size}; better pack them anew for this network (data pack --spec)"
    )


def readable(samples: Sequence[Sample], spec: ImageSpec, split: str) -> tuple[Lines, list[LeftOut]]:
    """Open every image once: the good ones with their widths (before padding), the others by name."""
    good: list[tuple[Sample, int]] = []
    bad: list[LeftOut] = []
    for sample in samples:
        try:
            good.append((sample, resize_to_spec(load_image(sample.image), spec).shape[1]))
        except AmanuensisError as error:
            bad.append(LeftOut(sample.key, str(error), split))
    return Lines(tuple(s for s, _ in good), tuple(w for _, w in good)), bad


def fitting(lines: Lines, min_width: Callable[[str], int], split: str) -> tuple[Lines, list[LeftOut]]:
    """The lines whose targets fit their frames; CTC cannot learn the others, so they are named, never zeroed."""
    kept: list[tuple[Sample, int]] = []
    left_out: list[LeftOut] = []
    for sample, width in zip(lines.samples, lines.widths, strict=True):
        needed = min_width(sample.text)
        if width >= needed:
            kept.append((sample, width))
        else:
            reason = f"{width} pixels wide, its {len(sample.text)} characters need {needed}"
            left_out.append(LeftOut(sample.key, reason, split))
    return Lines(tuple(s for s, _ in kept), tuple(w for _, w in kept)), left_out

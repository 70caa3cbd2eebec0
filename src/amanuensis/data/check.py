"""Looking at a data set before anything is trained on it: every image is opened, every doublet named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from amanuensis.data.dataset import Dataset, Problem, train_samples
from amanuensis.errors import AmanuensisError, ImageError
from amanuensis.images import dark_on_light, load_image, looks_like_page
from amanuensis.records import Sample


def check_dataset(dataset: Dataset) -> list[Problem]:
    """The problems met while reading, and those of the images; see `check_datasets`."""
    return check_datasets([dataset])


def check_datasets(datasets: Sequence[Dataset]) -> list[Problem]:
    """The problems of data sets that are used together, in order.

    Those met while reading (missing files, broken rows, empty texts, ids that are there twice); images that
    cannot be loaded or are pages; images that are there twice, byte by byte: within a split, with another
    text, or, worst, among what is trained on (`train_samples`) and in a split that is measured on.
    """
    seen: dict[bytes, Sample] = {}
    trained = {sample.key for dataset in datasets for sample in train_samples(dataset.samples)}
    problems: list[Problem] = []
    for dataset in datasets:
        problems += dataset.problems
        for sample in dataset.samples:
            problems += _check(sample, seen, trained)
    return problems


def _check(sample: Sample, seen: dict[bytes, Sample], trained: Set[str]) -> Iterator[Problem]:
    """Open one image and compare it with all before it; `trained` are the keys of what is trained on."""
    try:
        encoded = _read(sample)
        page = looks_like_page(dark_on_light(load_image(encoded)))
    except AmanuensisError as error:
        yield Problem(sample.key, f"the image cannot be read: {str(error).removeprefix('image bytes: ')}")
        return
    if page:
        yield Problem(sample.key, page)
    first = seen.setdefault(hashlib.blake2b(encoded, digest_size=16).digest(), sample)
    if first is sample:
        return
    if _leaks(first, sample, trained) or _leaks(sample, first, trained):
        splits = [one.split or "no split" for one in (sample, first)]
        yield Problem(sample.key, f"leak: its image ({splits[0]}) is also {first.key} ({splits[1]})")
    elif first.text != sample.text:
        yield Problem(sample.key, f"its image is also {first.key}, with another text")
    else:
        yield Problem(sample.key, f"its image is also {first.key}")


def _leaks(one: Sample, other: Sample, trained: Set[str]) -> bool:
    """Whether one is trained on and the other measured on."""
    return one.key in trained and other.split in ("val", "test")


def _read(sample: Sample) -> bytes:
    """The encoded image.

    Raises:
        ImageError: naming the file, which cannot be read.
    """
    try:
        return sample.image.read_bytes() if isinstance(sample.image, Path) else sample.image.read()
    except OSError as error:
        raise ImageError(f"{sample.image}: cannot be read: {error.strerror}") from error

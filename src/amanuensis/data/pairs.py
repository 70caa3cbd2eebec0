"""Pairs `line.png` + `line.gt.txt`, as OCRopus, kraken and Tesseract training folders hold them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from amanuensis.data.dataset import Collector, lower_suffix, split_of_name
from amanuensis.data.lists import numbered_lines
from amanuensis.data.tables import page_of

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"),
    *(".gif", ".jp2", ".pbm", ".pgm", ".ppm", ".pnm", ".avif"),
)
"""Of images, in small letters, in the order in which they are looked for; files may have them in capitals."""

_VARIANTS = (
    "",
    ".nrm",
    ".bin",
)  # OCRopus: grey, normalized grey, binarized; the first that is there is taken


def detect_pairs(path: Path) -> bool:
    """A folder that holds a `.gt.txt`, itself or in folders named like splits."""
    return any(name.endswith(".gt.txt") for folder, _ in _folders(path) for name in os.listdir(folder))  # noqa: PTH208


def read_pairs(path: Path, collector: Collector) -> None:
    """Read every `.gt.txt` and the image beside it; folders named `train`, `val`, `test` are splits."""
    for folder, split in _folders(path):
        # One look at the folder, however many lines it has.
        names = {lower_suffix(name): name for name in sorted(os.listdir(folder))}  # noqa: PTH208
        prefix = "" if folder == path else f"{folder.name}/"
        used = set()
        for name in sorted(names):
            if name.endswith(".gt.txt"):
                stem = name.removesuffix(".gt.txt")
                image = _image_of(stem, names)
                used.add(stem)
                _add(folder / names[name], prefix + stem, folder / image if image else None, split, collector)
        for name in sorted(names):
            if name.endswith(IMAGE_SUFFIXES) and _stem(name) not in used:
                collector.problem(
                    str(folder / names[name]), f"there is no {_stem(name)}.gt.txt for this image"
                )


def _folders(path: Path) -> Iterator[tuple[Path, str]]:
    """The folder itself and those of its folders that are named like a split."""
    if path.is_dir():
        yield path, ""
        for folder in sorted(path.iterdir()):
            if split_of_name(folder.name) and folder.is_dir():
                yield folder, split_of_name(folder.name)


def _image_of(stem: str, names: Mapping[str, str]) -> str | None:
    """The image that belongs to a transcription, as it is spelt, or None."""
    candidates = (stem + variant + suffix for variant in _VARIANTS for suffix in IMAGE_SUFFIXES)
    return next((names[name] for name in candidates if name in names), None)


def _stem(image: str) -> str:
    stem = image[: image.rindex(".")]
    return next((stem.removesuffix(v) for v in _VARIANTS if v and stem.endswith(v)), stem)


def _add(file: Path, name: str, image: Path | None, split: str, collector: Collector) -> None:
    """Add one pair."""
    if image is None:
        collector.problem(str(file), "its image is missing")
        return
    before = len(collector.problems)
    lines = [line for _, line in numbered_lines(file, collector)]
    if len(lines) > 1:
        collector.problem(str(file), f"{len(lines)} lines of text for one line image")
    elif lines or len(collector.problems) == before:
        text = lines[0] if lines else ""
        collector.add(str(file), name, image.absolute(), text, split=split, page=page_of(name))

"""From the paths of a command line to pictures of lines: files, folders, and the frames of a TIFF."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from amanuensis.cli.console import count
from amanuensis.errors import DataError, ImageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = frozenset(
    f".{name}" for name in re.findall(r"\w+", "png jpg jpeg tif tiff bmp gif webp pbm pgm ppm pnm jp2 avif")
)


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image file, and what its output is called: its path below the folder that was named, no suffix."""

    path: Path
    output: Path


@dataclass(frozen=True, slots=True)
class LineImage:
    """One picture to read: a file, or frame `frame` (from 0) of a file with several."""

    file: ImageFile
    frame: int = 0
    num_frames: int = 1

    @property
    def name(self) -> str:
        """As shown to users, who count frames from 1."""
        return f"{self.file.path}[{self.frame + 1}]" if self.num_frames > 1 else str(self.file.path)

    def load(self) -> NDArray[np.uint8]:
        """The grey picture.

        Raises:
            ImageError: it cannot be read.
            DataError: it is a file of strokes that cannot be read.
        """
        from amanuensis.images import load_image  # noqa: PLC0415
        from amanuensis.recognition import INK_SUFFIXES, load_formula  # noqa: PLC0415

        if self.file.path.suffix.lower() in INK_SUFFIXES:
            return load_formula(self.file.path)
        return load_image(self.file.path, frame=self.frame)

    def reason(self, error: Exception) -> str:
        """An error's message without the name that it begins with: the name is told beside it."""
        message = str(error)
        for name in (self.name, str(self.file.path)):
            message = message.removeprefix(f"{name}: ")
        return message


def find_images(
    paths: Sequence[Path], suffixes: frozenset[str] = SUFFIXES
) -> tuple[list[ImageFile], list[str]]:
    """The image files that paths name, and notes on folders: what they hold, what was left out.

    Files come in the order given, those of a folder and its subfolders in natural order. A file that is not
    there is kept, and so is a subfolder that cannot be looked into: reading it will say so.

    Args:
        paths: files and folders.
        suffixes: of the files that are looked for in folders.

    Raises:
        DataError: a folder holds no image, or cannot be looked into itself.
    """
    files: dict[Path, ImageFile] = {}
    notes: list[str] = []
    for path in paths:
        if path.is_dir():
            inside, remark = _in_folder(path, suffixes)
            notes.append(remark)
        else:
            inside = [ImageFile(path, Path(path.stem))]
        for file in inside:
            files.setdefault(file.path, file)
    return list(files.values()), notes


def frames_of(files: Sequence[ImageFile]) -> Iterator[LineImage]:
    """Every frame of every file, opened as they are needed; an unreadable file is one frame."""
    from amanuensis.images import num_frames  # noqa: PLC0415

    for file in files:
        try:
            total = num_frames(file.path)
        except ImageError:
            total = 1
        for frame in range(total):
            yield LineImage(file, frame, total)


def files_below(folder: Path) -> tuple[list[Path], list[Path]]:
    """All files in a folder and its subfolders, and the subfolders that cannot be looked into; in no order.

    Raises:
        DataError: the folder itself cannot be.
    """
    refused: list[OSError] = []
    found = [
        Path(where, name) for where, _, names in os.walk(folder, onerror=refused.append) for name in names
    ]
    closed = [Path(os.fsdecode(error.filename)) for error in refused]
    if folder in closed:
        raise DataError(f"{folder}: cannot be looked into: {refused[0].strerror}")
    return [path for path in found if _may_be_file(path)], closed


def _may_be_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return True  # its folder tells its name and nothing more: reading it will say so


def _in_folder(folder: Path, suffixes: frozenset[str]) -> tuple[list[ImageFile], str]:
    files, closed = (
        [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
        for paths in files_below(folder)
    )
    from amanuensis.jobs import natural_order  # noqa: PLC0415

    found = [path.relative_to(folder) for path in files]
    chosen = [path for path in found if path.suffix.lower() in suffixes]
    images = sorted([*chosen, *(path.relative_to(folder) for path in closed)], key=natural_order)
    wanted = set(chosen)
    others = Counter(path.suffix.lower() or path.name for path in found if path not in wanted)
    if not images:
        looked_for = " ".join(sorted(suffixes))
        raise DataError(f"{folder}: no image in this folder; looked for {looked_for}")
    num_folders = len({path.parent for path in chosen})
    where = f" in {num_folders} folders" if num_folders > 1 else ""
    left = ", ".join(f"{number} {suffix}" for suffix, number in others.most_common(4))
    rest = f"; left out: {count(others.total(), 'other file')} ({left})" if others else ""
    return [
        ImageFile(folder / path, path.with_suffix("")) for path in images
    ], f"{folder}: {count(len(chosen), 'image')}{where}{rest}"

"""From the paths of a command to the pages of a collection: walked, named and counted, a folder at a time.

A file that can hold one page only is not opened here: a million scans are listed as quickly as their names are read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from amanuensis.errors import AmanuensisError, DataError
from amanuensis.jobs.journal import FOLDER
from amanuensis.jobs.tasks import UNLISTED, PageTask, is_same_file
from amanuensis.pages import FOLDERS_OF_XML, is_page_file, read

_ONE_PAGE = frozenset(
    f".{name}" for name in re.findall(r"\w+", "png jpg jpeg bmp webp pbm pgm ppm pnm jp2 avif")
)
_SEVERAL_PAGES = frozenset((".tif", ".tiff", ".gif", ".pdf"))
_XML = ".xml"

PAGE_SUFFIXES = _ONE_PAGE | _SEVERAL_PAGES | {_XML}
"""Of files that are looked for in folders; manifests (.json) must be named."""


@dataclass(frozen=True, slots=True)
class _PageFile:
    """What a PAGE or ALTO file holds: how many pages, and where the images lie that it names."""

    num_pages: int
    images: tuple[Path, ...] = ()


class Listing:
    """The pages of files and folders. Iterate over it once; afterwards it tells what it saw.

    Attributes:
        num_pages: given so far.
        with_page_file: images that were left out because a PAGE or ALTO file among the inputs names them: they are read
            with it.
        left_out: other files in the folders, by suffix.
    """

    def __init__(self, paths: Sequence[Path], output: Path | None, suffixes: Collection[str] = ()) -> None:
        """List what paths name.

        Args:
            paths: files and folders; folders are walked with their subfolders.
            output: where results go, if they go into files. It is not walked, nor is any folder that holds the
                results of a collection.
            suffixes: of the results.

        Raises:
            DataError: results would lie among the pages, where the next run would take them for pages, or would
                replace what they are read from.
        """
        self.num_pages = 0
        self.with_page_file = 0
        self.left_out: Counter[str] = Counter()
        self._paths = list(dict.fromkeys(paths))
        if output is not None:
            for path in self._paths:
                _check_apart(path, output, suffixes)
        self._output = output and output.resolve()

    def __iter__(self) -> Iterator[PageTask]:
        for path in self._paths:
            if not _is_text(path):
                raise DataError(f"{str(path)!a}: a name that is not UTF-8; rename it")
            if path.is_dir():
                yield from self._walk(path, Path())
            else:
                yield from self._tasks(path, path.stem, _count_pages(path))

    def notes(self) -> list[str]:
        """What a user should know of how files became pages."""
        notes = []
        if self.with_page_file == 1:
            notes.append("1 image is read with the PAGE or ALTO file that names it")
        elif self.with_page_file:
            notes.append(
                f"{self.with_page_file:,} images are read with the PAGE or ALTO files that name them"
            )
        if total := self.left_out.total():
            kinds = ", ".join(f"{number:,} {suffix}" for suffix, number in self.left_out.most_common(4))
            notes.append(f"left out: {total:,} other file{'s' if total > 1 else ''} ({kinds})")
        return notes

    def _tasks(self, path: Path, name: str, num_pages: int) -> Iterator[PageTask]:
        for page in range(num_pages):
            self.num_pages += 1
            yield PageTask(name if num_pages == 1 else f"{name}-{page + 1:04}", path, page)

    def _walk(self, folder: Path, below: Path) -> Iterator[PageTask]:
        """The pages of a folder's files, then those of its subfolders, in natural order.

        A subfolder that cannot be looked into is a page that will fail by its name.
        """
        try:
            files, folders = self._look_into(folder)
        except OSError:
            if folder in self._paths:
                raise
            yield from self._tasks(folder, f"{below.as_posix()}{UNLISTED}", 1)
            return
        yield from self._in_files(files, folders, below)
        for path in folders:
            yield from self._walk(path, below / path.name)

    def _look_into(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """The files of a folder, and the subfolders that hold no results, in natural order."""
        entries = sorted(folder.iterdir(), key=natural_order)
        named = [path for path in entries if _is_text(path)]
        visible = [path for path in named if not path.name.startswith(".")]
        folders = [path for path in visible if path.is_dir()]
        files = [path for path in visible if not path.is_dir()]
        if odd := len(entries) - len(named):
            self.left_out["with a name that is not UTF-8"] += odd
        return files, [path for path in folders if not self._is_closed(path, folder)]

    def _is_closed(self, path: Path, parent: Path) -> bool:
        """Whether a folder holds results, or is a link to one that it lies in."""
        resolved = path.resolve()
        return (
            resolved == self._output
            or _is_folder(path / FOLDER)
            or (path.is_symlink() and parent.resolve().is_relative_to(resolved))
        )

    def _in_files(self, paths: Sequence[Path], folders: Sequence[Path], below: Path) -> Iterator[PageTask]:
        page_files = _page_files(paths)
        images = _images_named(page_files, folders)
        kept = [path for path in paths if self._is_wanted(path, page_files, images)]
        stems = Counter(path.stem for path in kept)
        for path in kept:
            name = path.stem if stems[path.stem] == 1 else path.name
            found = page_files.get(path)
            yield from self._tasks(
                path, (below / name).as_posix(), found.num_pages if found else _count_pages(path)
            )

    def _is_wanted(
        self, path: Path, page_files: Mapping[Path, _PageFile | None], images: Container[Path]
    ) -> bool:
        """Whether a file holds pages of its own; what does not is counted."""
        if path.resolve() in images:
            self.with_page_file += 1
            return False
        suffix = path.suffix.lower()
        if suffix not in PAGE_SUFFIXES or (suffix == _XML and page_files[path] is None):
            self.left_out[suffix or path.name] += 1
            return False
        return True


def _is_text(path: Path) -> bool:
    """Whether a name can be written down; one of bytes in another encoding cannot, and no result could bear it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_folder(path: Path) -> bool:
    """Whether a path is known to be a folder; not if one above it lets nobody in."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _check_apart(path: Path, output: Path, suffixes: Collection[str]) -> None:
    """Results go where they neither replace the pages nor are taken for pages."""
    another = f"choose another output folder, such as {output / 'read'}"
    if not path.is_dir():
        for target in (output / f"{path.stem}{suffix}" for suffix in suffixes):
            if is_same_file(target, path) and _count_pages(path) == 1:
                raise DataError(f"{path}: would be replaced by what is read from it: {another}")
    elif path.resolve() == output.resolve():
        raise DataError(
            f"{output}: the folder of the pages themselves; results there would be taken for pages: {another}"
        )
    elif output.resolve().is_relative_to(path.resolve()) and _is_of_page_files(output):
        raise DataError(
            f"{output}: holds page files that are no results; they would be left out and replaced: {another}"
        )


def _is_of_page_files(folder: Path) -> bool:
    """Whether a folder, called as those of page files are, holds some that no collection has written."""
    return (
        folder.name.casefold() in FOLDERS_OF_XML
        and not (folder / FOLDER).is_dir()
        and any(_page_file(path) for path in folder.glob(f"*{_XML}"))
    )


def holds_one_page(path: Path) -> bool:
    """Whether files of this kind are taken to hold one page, and are not opened to be listed."""
    return path.suffix.lower() in _ONE_PAGE


def _count_pages(path: Path) -> int:
    """How many pages a file holds; 1 where it cannot be read: reading that page will say why."""
    if holds_one_page(path):
        return 1
    try:
        return sum(1 for _ in read(path))
    except AmanuensisError:
        return 1


def _page_files(paths: Iterable[Path]) -> dict[Path, _PageFile | None]:
    """What each XML file holds; None for XML of other kinds, such as METS."""
    return {path: _page_file(path) for path in paths if path.suffix.lower() == _XML}


def _page_file(path: Path) -> _PageFile | None:
    try:
        if not is_page_file(path):
            return None
        sources = list(read(path))
    except AmanuensisError:
        return _PageFile(1)  # reading it will say why
    images = (image.resolve() for source in sources for image in source.files()[1:])
    return _PageFile(len(sources), tuple(images))


def _images_named(page_files: Mapping[Path, _PageFile | None], folders: Iterable[Path]) -> set[Path]:
    """The images of the page files of a folder, and of those in its folder of page files."""
    below: list[Path] = []
    for folder in folders:
        if folder.name.casefold() in FOLDERS_OF_XML:
            with suppress(OSError):  # who walks it will say so
                below += folder.iterdir()
    found = [*page_files.values(), *_page_files(below).values()]
    return {image for page_file in found if page_file for image in page_file.images}


def natural_order(path: Path) -> list[tuple[int, str] | tuple[int, int, str]]:
    """A sorting key by which page 2 stands before page 10."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return [(0, int(part), part) if part.isdecimal() else (1, part) for part in parts if part]

"""One page of a collection: what is to be read, what came of it, and how it is done inside a worker.

Engines (workers of this machine, Ray) only carry tasks to workers and outcomes back; what a worker does is `do_page`,
so that every engine writes the same files.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from amanuensis.errors import AmanuensisError, DataError
from amanuensis.recognition import write_atomically

State = Literal["done", "failed"]

_OF_THE_NAME = frozenset((errno.ENAMETOOLONG, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.EILSEQ))
"""Errors of writing that come from what one page is called; any other would meet the next page too."""


class UnreadPageError(AmanuensisError):
    """A page cannot be read.

    Attributes:
        inputs: what it is read from beside its source, as in `PageOutput`; what of it is missing too.
    """

    def __init__(self, reason: str, inputs: tuple[Path, ...]) -> None:
        super().__init__(reason)
        self.inputs = inputs


class _NameError(DataError):
    """A result cannot have the name that it would get."""


@dataclass(frozen=True, slots=True)
class PageTask:
    """A page to read.

    Attributes:
        name: unique in the collection; its results are `name` + a suffix below the output folder ("box 1/0007").
        source: the file that holds it.
        page: which page of the file, from 0.
    """

    name: str
    source: Path
    page: int = 0


@dataclass(frozen=True, slots=True)
class PageOutput:
    """What reading a page gave.

    Attributes:
        files: contents by suffix: {".txt": b"..."}.
        inputs: what was read beside the source: the image of an XML file.
        num_lines: lines read.
        confidence: their mean, in [0, 1]; None for a page without lines.
        remarks: what the user should know: lines that could not be read, and why.
    """

    files: Mapping[str, bytes]
    inputs: tuple[Path, ...] = ()
    num_lines: int = 0
    confidence: float | None = None
    remarks: tuple[str, ...] = ()


UNLISTED = "/*"
"""How the name of a task ends that stands for the pages of a folder that could not be listed; it only fails."""


ReadPage = Callable[[PageTask], PageOutput]


class Work(Protocol):
    """How pages are read. It travels to the workers, so it is small and can be pickled; each opens it once."""

    def open(self) -> ReadPage:
        """Load what reading needs (a model, on one thread)."""


class Engine(Protocol):
    """Carries tasks to workers and outcomes back."""

    def run(self, bench: Bench, tasks: Iterable[PageTask]) -> Iterator[Outcome]:
        """Do every task; outcomes come in the order in which they are done."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file as it was when a page was read from it: another size or time means that it was changed since."""

    path: Path
    size: int
    mtime_ns: int

    @staticmethod
    def of(path: Path) -> InputFile:
        """The file as it is now; size and time -1 if there is none."""
        try:
            status = path.stat()
        except OSError:
            return InputFile(path, -1, -1)
        return InputFile(path, status.st_size, status.st_mtime_ns)

    @property
    def unchanged(self) -> bool:
        """Whether the file is still what it was."""
        return InputFile.of(self.path) == self


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a page.

    Attributes:
        name: the task's.
        state: "done", or "failed" with its `reason`.
        reason: why it failed; of a done page the remarks, one a line.
        seconds: wall time of reading and writing it.
        inputs: the files that it was read from, the source first.
        outputs: the files that were written: the suffix and the size in bytes.
        num_lines: lines read.
        confidence: their mean, in [0, 1]; None for a page without lines.
    """

    name: str
    state: State
    reason: str = ""
    seconds: float = 0.0
    inputs: tuple[InputFile, ...] = ()
    outputs: tuple[tuple[str, int], ...] = ()
    num_lines: int = 0
    confidence: float | None = None

    @property
    def source(self) -> Path:
        """The file of the page, as messages name it: from the current folder where it lies below."""
        return shown_path(self.inputs[0].path) if self.inputs else Path(self.name)


def shown_path(path: Path) -> Path:
    """A path as a user would name it: from the current folder where it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@dataclass(frozen=True, slots=True)
class Bench:
    """Where workers work.

    Attributes:
        work: how pages are read.
        folder: where results go.
        scratch: on the same file system: where files lie until they are whole.
        inputs: the places (`place_of`) of sources that lie in the folder: no result may replace them.
    """

    work: Work
    folder: Path
    scratch: Path
    inputs: frozenset[Path] = frozenset()


def do_page(read: ReadPage, task: PageTask, bench: Bench) -> Outcome:
    """Read a page and write its files. What is wrong with the page is its outcome.

    Raises:
        DataError: its files cannot be written (the disk is full): that is no fault of the page, and the next ones
            would fail too.
    """
    began = time.perf_counter()
    source = InputFile.of(task.source)

    def failed(error: Exception, inputs: Iterable[Path]) -> Outcome:
        seconds = time.perf_counter() - began
        return Outcome(
            task.name, "failed", reason_of(error, task), seconds, (source, *map(InputFile.of, inputs))
        )

    try:
        output = read(task)
    except Exception as error:  # one page must not stop thousands, not even by a fault of ours
        return failed(error, error.inputs if isinstance(error, UnreadPageError) else ())
    inputs = (source, *map(InputFile.of, output.inputs))
    files = {bench.folder / f"{task.name}{suffix}": content for suffix, content in output.files.items()}
    try:
        _check_apart(files, (task.source, *output.inputs), bench.inputs)
        for path, content in files.items():
            _write(path, content, bench.scratch)
    except _NameError as error:
        return failed(error, output.inputs)
    return Outcome(
        task.name,
        "done",
        "\n".join(output.remarks),
        time.perf_counter() - began,
        inputs,
        tuple((suffix, len(content)) for suffix, content in output.files.items()),
        output.num_lines,
        output.confidence,
    )


def reason_of(error: BaseException, task: PageTask) -> str:
    """Why a page failed, without its name, which is told beside it."""
    if isinstance(error, AmanuensisError):
        return str(error).removeprefix(f"{task.source}: ")
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, MemoryError):
        return "out of memory"
    return f"unexpected {type(error).__name__}: {error} (a fault of amanuensis: please report it)"


def place_of(path: Path) -> Path:
    """Which entry of which folder a path is, by whatever links it gets there: what writing to it would replace."""
    return path.parent.resolve() / path.name


def is_same_file(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file that is there, by whatever links and case of letters."""
    try:
        return path.samefile(other)
    except OSError:
        return False


def _check_apart(targets: Iterable[Path], own: Collection[Path], inputs: Collection[Path]) -> None:
    """No result takes the place of what it, or another page, is read from."""
    for target in targets:
        if place_of(target) in inputs or any(is_same_file(target, path) for path in own):
            raise _NameError(f"results would replace {target}, which is read: choose another output folder")


def _write(path: Path, content: bytes, scratch: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content, scratch_folder=scratch)
    except OSError as error:
        kind = _NameError if error.errno in _OF_THE_NAME else DataError
        raise kind(f"{path}: cannot be written: {error.strerror or error}") from error

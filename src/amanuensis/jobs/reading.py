"""The work of a collection: a page from its file to the files of its results, on one thread.

A batch never holds lines of two pages, and formats round confidences to four decimals: so the files of a page do not
depend on what else was read, where, or by how many workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from amanuensis.errors import AmanuensisError, DataError, MissingImageError
from amanuensis.images import num_frames
from amanuensis.jobs.line_reading import LineReading, open_formulas, told_model
from amanuensis.jobs.listing import holds_one_page
from amanuensis.jobs.tasks import PageOutput, PageTask, UnreadPageError
from amanuensis.pages import (
    LineFinder,
    PageSource,
    Provenance,
    line_finder,
    overlay_png,
    read_one,
    read_page,
    segment,
    suffixes,
    write,
)
from amanuensis.recognition import FormulaRecognizer
from amanuensis.recognition.gaps import LineReader
from amanuensis.records import Page

OVERLAY = ".overlay.png"
"""The suffix of pictures of lines and their order."""


@dataclass(frozen=True, slots=True)
class PageReading:
    """How the pages of a collection are read; a `Work`.

    Attributes:
        lines: how their lines are read.
        forms: what is written, see `pages.FORMATS`.
        when: of the run, as files record it; one moment for all of a collection.
        finder: what finds the lines of pages that come without any, see `pages.line_finder`.
        formulas: the model that reads what page files mark as formulas; None if there is none.
        overlay: whether lines and their order are drawn, into one more file.
    """

    lines: LineReading
    forms: tuple[str, ...]
    when: datetime
    finder: str = "auto"
    formulas: str | None = None
    overlay: bool = False

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of the files that are written."""
        return (*suffixes(self.forms).values(), *((OVERLAY,) if self.overlay else ()))

    def open(self) -> OpenPageReading:
        """Load model and finder, on one thread.

        Raises:
            ModelError: there is no such model, or it reads no lines.
            DataError: there is no such finder.
            MissingExtraError, ProgramError: the finder is not installed.
        """
        formulas = None if self.formulas is None else open_formulas(self.formulas)
        return OpenPageReading(self, self.lines.open(), line_finder(self.finder, threads=1), formulas)

    def settings(self) -> dict[str, str]:
        """What results depend on, in words: what a journal keeps to.

        Raises:
            AmanuensisError: see `open`.
        """
        formats = ",".join((*self.forms, *(("overlay",) if self.overlay else ())))
        told = {**self.lines.settings(), "formats": formats, "finder": line_finder(self.finder).name}
        return told if self.formulas is None else {**told, "formulas": told_model(self.formulas)}


class OpenPageReading:
    """Model and finder, loaded; reads one page after the other."""

    def __init__(
        self,
        reading: PageReading,
        reader: LineReader,
        finder: LineFinder,
        formulas: FormulaRecognizer | None = None,
    ) -> None:
        self._forms = reading.forms
        self._provenance = Provenance(reader.config.name, reading.when)
        self._reader = reader
        self._overlay = reading.overlay
        self._finder = finder
        self._formulas = formulas

    def __call__(self, task: PageTask) -> PageOutput:
        """Read a page and write it in every format.

        Raises:
            AmanuensisError: the page cannot be read.
        """
        if task.source.is_dir():
            raise DataError(
                f"{task.source}: a folder whose files cannot be listed{_why_unlisted(task.source)}"
            )
        try:
            source = read_one(task.source, task.page)
        except MissingImageError as error:  # its size was needed
            raise UnreadPageError(str(error), error.awaited) from error
        try:
            return self._read_source(task, source)
        except AmanuensisError as error:
            raise UnreadPageError(str(error), source.files()[1:]) from error

    def _read_source(self, task: PageTask, source: PageSource) -> PageOutput:
        page = read_page(
            source,
            self._reader,
            find=lambda page, grey: segment(page, grey, self._finder),
            formulas=self._formulas,
        )
        confidences = [line.reading.confidence for line in page.lines if line.reading is not None]
        files = dict(write(page, source, self._forms, self._provenance))
        if self._overlay:
            files[OVERLAY] = overlay_png(page, source.load())
        return PageOutput(
            files,
            source.files()[1:],
            len(confidences),
            round(sum(confidences) / len(confidences), 4) if confidences else None,
            (
                *_remarks_on_file(task.source),
                *page.remarks,
                *self._remarks_on(page, source),
                *_problems(page),
            ),
        )

    def _remarks_on(self, page: Page, source: PageSource) -> tuple[str, ...]:
        """That the PAGE or ALTO file that was given is not updated: what else stands in it is not in the new one."""
        if source.given is None or source.form not in self._forms or source.in_place(page) is not None:
            return ()
        return (
            f"has lines that {source.given.name} does not have: -f {source.form} writes a new file, no update of it",
        )


def _why_unlisted(folder: Path) -> str:
    """What the system says to it, or that it gives in by now."""
    try:
        for path in folder.iterdir():
            path.is_dir()
    except OSError as error:
        return f": {error.strerror}"
    return "; now they can be: run again"


def _remarks_on_file(path: Path) -> list[str]:
    """What is left of a file that is taken to hold one page."""
    if holds_one_page(path) and (total := num_frames(path)) > 1:
        return [f"holds {total} pictures, of which the first was read: as a TIFF all would be"]
    return []


def _problems(page: Page) -> list[str]:
    return [f"line {line.id}: {line.problem}" for line in page.lines if line.problem]

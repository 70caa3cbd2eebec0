"""The work of a collection: a page from its file to the files of its results, on one thread.

A batch never holds lines of two pages, and formats round confidences to four decimals: so the files of a page do not
depend on what else was read, where, or by how many workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from amanuensis.images import num_frames
from amanuensis.jobs.line_reading import LineReading
from amanuensis.jobs.listing import holds_one_page
from amanuensis.jobs.tasks import PageOutput, PageTask
from amanuensis.pages import (
    LineFinder,
    Provenance,
    line_finder,
    read_one,
    read_page,
    segment,
    write,
)
from amanuensis.recognition.gaps import LineReader
from amanuensis.records import Page


@dataclass(frozen=True, slots=True)
class PageReading:
    """How the pages of a collection are read; a `Work`.

    Attributes:
        lines: how their lines are read.
        forms: what is written, see `pages.FORMATS`.
        when: of the run, as files record it; one moment for all of a collection.
        finder: what finds the lines of pages that come without any, see `pages.line_finder`.
    """

    lines: LineReading
    forms: tuple[str, ...]
    when: datetime
    finder: str = "auto"

    def open(self) -> OpenPageReading:
        """Load model and finder, on one thread.

        Raises:
            ModelError: there is no such model, or it reads no lines.
            DataError: there is no such finder.
            MissingExtraError: the finder is not installed.
        """
        return OpenPageReading(self, self.lines.open(), line_finder(self.finder, threads=1))

    def settings(self) -> dict[str, str]:
        """What results depend on, in words: what a journal keeps to.

        Raises:
            AmanuensisError: see `open`.
        """
        formats = ",".join(self.forms)
        return {**self.lines.settings(), "formats": formats, "finder": line_finder(self.finder).name}


class OpenPageReading:
    """Model and finder, loaded; reads one page after the other."""

    def __init__(self, reading: PageReading, reader: LineReader, finder: LineFinder) -> None:
        self._forms = reading.forms
        self._provenance = Provenance(reader.config.name, reading.when)
        self._reader = reader
        self._finder = finder

    def __call__(self, task: PageTask) -> PageOutput:
        """Read a page and write it in every format.

        Raises:
            AmanuensisError: the page cannot be read.
        """
        source = read_one(task.source, task.page)
        page = read_page(source, self._reader, find=lambda page, grey: segment(page, grey, self._finder))
        confidences = [line.reading.confidence for line in page.lines if line.reading is not None]
        return PageOutput(
            write(page, source, self._forms, self._provenance),
            source.files()[1:],
            len(confidences),
            round(sum(confidences) / len(confidences), 4) if confidences else None,
            (*_remarks_on_file(task.source), *page.remarks, *_problems(page)),
        )


def _remarks_on_file(path: Path) -> list[str]:
    """What is left of a file that is taken to hold one page."""
    if holds_one_page(path) and (total := num_frames(path)) > 1:
        return [f"holds {total} pictures, of which the first was read: as a TIFF all would be"]
    return []


def _problems(page: Page) -> list[str]:
    return [f"line {line.id}: {line.problem}" for line in page.lines if line.problem]

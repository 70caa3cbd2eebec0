"""`amanuensis evaluate --pages`: find and read the lines of whole pages whose lines are known, score both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from amanuensis.cli.console import Progress, count, note
from amanuensis.cli.inputs import files_below
from amanuensis.cli.scores import Told, check_writable
from amanuensis.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from amanuensis.evaluation import PageReport, PageResults
    from amanuensis.pages import LineFinder, PageSource
    from amanuensis.recognition import LineEnsemble, Recognizer
    from amanuensis.records import Page

Sources = Mapping[str, Mapping[str, "PageSource"]]
"""By set and page."""


_HEADER = (
    *("set", "pages", "lines", "found", "split", "merged", "missed", "extra", "recall %"),
    *("CER % on true lines", "order-free", "with extra", "in order", "CPU s/page"),
)


@dataclass(frozen=True, slots=True)
class FindAndRead:
    """The steps that are measured: a line finder, and a recognizer of lines."""

    finder: LineFinder
    recognizer: Recognizer | LineEnsemble

    def find(self, page: Page, grey: NDArray[np.uint8]) -> Page:
        """The page with the lines that are found on it."""
        from amanuensis.pages import segment  # noqa: PLC0415

        return segment(replace(page, regions=()), grey, self.finder)

    def read(self, page: Page, grey: NDArray[np.uint8]) -> Page:
        """The page with what is read in its lines."""
        from amanuensis.pages import read_lines  # noqa: PLC0415

        return read_lines(page, grey, self.recognizer)


@dataclass(frozen=True, slots=True)
class PageOptions:
    """What a user asks for.

    Attributes:
        finder: the name of the line finder.
        threads: CPU threads that it may use.
        results: where the result file goes; None for a name of its own.
        from_results: a result file to be scored again, instead of reading.
        html: where a report goes.
    """

    finder: str
    threads: int
    results: Path | None
    from_results: Path | None
    html: Path | None


def evaluate_pages(
    paths: Sequence[Path], load: Callable[[], Any], options: PageOptions, as_json: bool, quiet: bool
) -> None:
    """Find, read and score, or score what was read.

    Args:
        paths: PAGE and ALTO files, or folders of them; each folder is a set.
        load: loads the recognizer, if something is to be read.
        options: what the user asks for.
        as_json: print JSON and nothing else.
        quiet: no notes, no progress.

    Raises:
        DataError: no such pages, or the model reads formulas.
    """
    from amanuensis.evaluation import read_page_results  # noqa: PLC0415

    sets, notes = _find_page_sets(paths)
    if options.from_results is not None:
        found = read_page_results(options.from_results)
    else:
        found = _find_and_read(sets, load, options, quiet=quiet)
    told = _told(found, sets, options.html)
    told.tell(notes, as_json=as_json, quiet=quiet)
    if not as_json:
        _tell_notes(notes, quiet=quiet)
    if told.num_failed:
        note(f"{count(told.num_failed, 'page')} could not be read and count as missed")
        raise typer.Exit(1)


def _find_and_read(
    sets: Sources, load: Callable[[], Any], options: PageOptions, *, quiet: bool
) -> PageResults:
    from amanuensis.evaluation import free_path, write_page_results  # noqa: PLC0415
    from amanuensis.pages import line_finder  # noqa: PLC0415

    recognizer = load()
    if recognizer.config.task != "text":
        raise DataError(f"{recognizer.config.name} reads formulas; whole pages need a model of lines")
    steps = FindAndRead(line_finder(options.finder, threads=options.threads), recognizer)
    own_name = Path(f"results-{recognizer.config.name}-{steps.finder.name}-pages.jsonl")
    target = options.results or free_path(own_name)
    check_writable(target)
    found = _read_page_sets(sets, steps, quiet=quiet)
    write_page_results(found, target)
    note(f"what was found and read, page by page: {target}", quiet=quiet)
    return found


def _find_page_sets(paths: Sequence[Path]) -> tuple[Sources, list[str]]:
    """The pages with lines of their own below folders, each a set, and of files; and notes on what was left out.

    Raises:
        DataError: there are none, or two sets or pages have the same name.
    """
    sets: dict[str, dict[str, PageSource]] = {}
    notes: list[str] = []
    for path in paths:
        files, closed = files_below(path) if path.is_dir() else ([path], [])
        notes += [f"{folder}: cannot be looked into, left out" for folder in closed]
        pages = sets.setdefault((path if path.is_dir() else path.parent).resolve().name, {})
        for file in sorted(file for file in files if file.suffix == ".xml" or file == path):
            for source in _labelled(file, notes):
                if source.page.id in pages:
                    raise DataError(f"{file}: a second page called {source.page.id!r}")
                pages[source.page.id] = source
    if not any(sets.values()):
        raise DataError(f"{paths[0]}: no PAGE or ALTO file with lines; folders are searched for *.xml")
    return sets, notes


def _labelled(file: Path, notes: list[str]) -> list[PageSource]:
    """The pages of a file that have lines."""
    from amanuensis.pages import is_page_file, read  # noqa: PLC0415

    if not is_page_file(file):
        notes.append(f"{file}: neither PAGE nor ALTO, left out")
        return []
    sources = list(read(file))
    labelled = [source for source in sources if source.page.lines]
    if len(labelled) < len(sources):
        notes.append(f"{file}: {count(len(sources) - len(labelled), 'page')} without lines, left out")
    return labelled


def _read_page_sets(sets: Sources, steps: FindAndRead, *, quiet: bool) -> PageResults:
    """Find and read the lines of all pages."""
    from amanuensis.evaluation import PageResults, evaluate_page  # noqa: PLC0415

    of_set = {name: replace(steps, recognizer=_reader_of(steps.recognizer, name)) for name in sets}
    tasks = [(name, page, source) for name, pages in sets.items() for page, source in pages.items()]
    outcomes = []
    with Progress("pages", len(tasks), quiet=quiet) as progress:
        for name, page, source in tasks:
            outcomes.append(evaluate_page(f"{name}/{page}", source, of_set[name]))
            progress.advance()
    config = steps.recognizer.config
    return PageResults(
        config.name, steps.finder.name, config.normalization, config.decoder.to_dict(), tuple(outcomes)
    )


def _reader_of(recognizer: Recognizer | LineEnsemble, name: str) -> Recognizer | LineEnsemble:
    """Who reads the pages of a set; some models of an ensemble may read others only (MODEL@NAME).

    Raises:
        ModelError: nobody does.
    """
    from amanuensis.recognition import LineEnsemble  # noqa: PLC0415

    return recognizer.for_set(name) if isinstance(recognizer, LineEnsemble) else recognizer


def _told(results: PageResults, sets: Sources, html: Path | None) -> Told:
    """The scores, ready to be printed; the HTML report is written."""
    from amanuensis.evaluation import score_pages, write_page_html  # noqa: PLC0415
    from amanuensis.pages import with_outlines  # noqa: PLC0415

    outlined = {
        name: {one: replace(source, page=with_outlines(source.page)) for one, source in pages.items()}
        for name, pages in sets.items()
    }
    truth = {name: {one: source.page for one, source in pages.items()} for name, pages in outlined.items()}
    report = score_pages(results, truth)
    remarks = [f"{page.id}: {page.error}" for page in report.pages if page.error]
    if html is not None:
        flat = {f"{name}/{one}": source for name, pages in outlined.items() for one, source in pages.items()}
        write_page_html(report, flat, html)
        remarks.append(f"the report: {html}")
    failed = sum(bool(page.error) for page in report.pages)
    return Told(report.to_dict(), _HEADER, _rows(report), tuple(remarks), failed)


def _tell_notes(notes: Sequence[str], *, quiet: bool) -> None:
    """What was left out, at most some of it."""
    for one in notes[:5]:
        note(one, quiet=quiet)
    if len(notes) > 5:
        note(f"... and {len(notes) - 5} more", quiet=quiet)


def _rows(report: PageReport) -> list[tuple[str, ...]]:
    document = report.to_dict()
    sets: dict[str, Any] = dict(document["sets"])
    if len(sets) > 1:
        sets["all"] = document
    return [_row(name, numbers) for name, numbers in sets.items()]


def _row(name: str, numbers: Mapping[str, Any]) -> tuple[str, ...]:
    counts = ("n", "lines", "found", "split", "merged", "missed", "extra")
    return (
        name,
        *(f"{numbers[one]:,}" for one in counts),
        f"{100 * numbers['recall']:.1f}",
        *(f"{100 * one['rate']:.2f}" for one in numbers["cer"].values()),
        f"{numbers['seconds']['all']:.2f}",
    )

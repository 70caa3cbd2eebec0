"""What `transcribe` does with pages: a whole collection into a folder, or a few pages onto stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from amanuensis.cli.console import Progress, complain, count, note
from amanuensis.cli.inputs import SUFFIXES
from amanuensis.cli.options import FinderName
from amanuensis.cli.outputs import Format
from amanuensis.errors import AmanuensisError, DataError

if TYPE_CHECKING:
    from amanuensis.jobs import Engine, Listing, Outcome, PageReading, Plan, Shard, Summary

_STATUS_TO_LOG = 60.0  # seconds between lines of progress where stderr is no terminal
_LOOKED_AT = 3  # images of a folder that tell whether it holds pages or lines
_OF_PAGES = frozenset((".xml", ".pdf"))
_OF_NAMED_PAGES = _OF_PAGES | {".json"}  # manifests are not looked for in folders


class EngineName(StrEnum):
    """Who carries pages to workers."""

    local = "local"
    ray = "ray"


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionOptions:
    """What a command line says about a collection; see the help of `transcribe`."""

    output: Path | None
    workers: int = 1
    shard: str | None = None
    engine: EngineName = EngineName.local
    restart: bool = False
    retry_failed: bool = False
    quiet: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked for that only collections have."""
        return (self.workers, self.shard, self.engine, self.restart, self.retry_failed) == (
            1, None, EngineName.local, False, False,
        )  # fmt: skip


def forms_of(given: str) -> tuple[str, ...]:
    """The formats of a command line, `page,txt`.

    Raises:
        typer.BadParameter: one of them is none, or stands there twice.
    """
    from amanuensis.pages import FORMATS  # noqa: PLC0415

    forms = tuple(part.strip() for part in given.split(","))
    for form in forms:
        if form not in FORMATS or forms.count(form) > 1:
            known = ", ".join(FORMATS)
            raise typer.BadParameter(f"-f {given}: formats are {known}; several are written page,txt")
    return forms


def hold_pages(paths: Sequence[Path], forms: Sequence[str], models: Sequence[str], *, quiet: bool) -> bool:
    """Whether paths hold pages rather than lines, as far as a look tells.

    They do if the formats are those of pages, if there are files that only pages come in, or if one of the first images
    of a path looks like a page. What a model of formulas is to read is taken for formulas.

    Args:
        paths: files and folders.
        forms: that are asked for.
        models: that are to read.
        quiet: do not tell what they were taken for.
    """
    from amanuensis.recognition import reads_formulas  # noqa: PLC0415

    if reads_formulas(models):
        return False
    if not _are_of_lines(forms):
        return True
    found = next((path for path in paths if _holds_pages(path)), None)
    if found is not None:
        note(f"{found}: taken for pages; --lines reads images as one line each", quiet=quiet)
    return found is not None


def _are_of_lines(forms: Sequence[str]) -> bool:
    return len(forms) == 1 and forms[0] in set(Format)


def _holds_pages(path: Path) -> bool:
    is_folder = path.is_dir()
    files = sorted(filter(_is_file, path.rglob("*"))) if is_folder else [path]
    of_pages = _OF_PAGES if is_folder else _OF_NAMED_PAGES
    if any(file.suffix.lower() in of_pages for file in files):
        return True
    images = [file for file in files if file.suffix.lower() in SUFFIXES]
    return any(map(_looks_like_page, images[:_LOOKED_AT]))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False  # in a folder that lets nobody in: reading it will say so


def _looks_like_page(image: Path) -> bool:
    from amanuensis.images import dark_on_light, load_image, looks_like_page  # noqa: PLC0415

    try:
        return bool(looks_like_page(dark_on_light(load_image(image))))
    except AmanuensisError:
        return False  # reading it will say why


def refuse_of_lines(*, threads: int, **of_formulas: object) -> None:
    """Say which options pages do not have.

    Raises:
        typer.BadParameter: one of them is given.
    """
    given = [f"--{name.replace('_', '-')}" for name, value in of_formulas.items() if value is not None]
    if given:
        raise typer.BadParameter(f"{given[0]} is of formulas; these are pages (--lines reads them as lines)")
    if threads > 1:
        raise typer.BadParameter("--threads is of lines; pages are read by --workers, on one thread each")


def refuse_of_pages(
    forms: Sequence[str],
    options: CollectionOptions,
    *,
    finder: FinderName,
    formulas: str | None,
    overlay: bool,
) -> Format:
    """Say which options lines do not have; the format of what has been asked for.

    Raises:
        typer.BadParameter: one of them is given.
    """
    if not _are_of_lines(forms):
        raise typer.BadParameter(
            f"-f {','.join(forms)} is of pages; lines and formulas are written as txt, tsv, json"
        )
    if not options.is_plain:
        raise typer.BadParameter(
            "--workers, --shard, --engine, --restart and --retry-failed are of pages: add --pages if these are"
        )
    if overlay or formulas is not None or finder is not FinderName.auto:
        raise typer.BadParameter("--overlay, --formulas and --finder are of pages: add --pages if these are")
    return Format(forms[0])


def moment_of(options: CollectionOptions) -> datetime:
    """When the collection was begun: before, if this run goes on with it."""
    from amanuensis.jobs import moment_begun  # noqa: PLC0415
    from amanuensis.pages import moment_of_run  # noqa: PLC0415

    if options.output is None or options.restart:
        return moment_of_run()
    return moment_begun(options.output, shard_of(options)) or moment_of_run()


def read_pages(paths: Sequence[Path], reading: PageReading, options: CollectionOptions) -> None:
    """Read pages into the output folder, or onto stdout if there is none.

    Raises:
        typer.Exit: with status 1 if a page failed, 130 if the user stopped it.
        AmanuensisError: see `jobs.read_collection`.
    """
    from amanuensis.jobs import Listing  # noqa: PLC0415

    listing = Listing(paths, options.output, reading.suffixes)
    if options.output is None:
        _print_pages(listing, reading, options)
        return
    watch = _Watch(listing, quiet=options.quiet)
    try:
        summary = _run(listing, reading, options, watch)
    except KeyboardInterrupt:
        watch.clear()
        command = "The same command without --restart" if options.restart else "The same command"
        complain(f"stopped; {watch.told}. {command} goes on from here")
        raise typer.Exit(130) from None
    _tell(summary, options.output, quiet=options.quiet)
    if summary.num_failed or summary.plan.failed:
        raise typer.Exit(1)


def shard_of(options: CollectionOptions) -> Shard:
    """The shard that is asked for.

    Raises:
        typer.BadParameter: it is none.
    """
    from amanuensis.jobs import Shard  # noqa: PLC0415

    if options.shard is None:
        return Shard()
    try:
        return Shard.parse(options.shard)
    except DataError as error:
        raise typer.BadParameter(str(error)) from error


def _run(listing: Listing, reading: PageReading, options: CollectionOptions, watch: _Watch) -> Summary:
    from amanuensis.jobs import BEGUN, Order, read_collection  # noqa: PLC0415

    assert options.output is not None, "results on stdout are no collection"
    order = Order(
        folder=options.output,
        settings={**reading.settings(), BEGUN: reading.when.isoformat()},
        shard=shard_of(options),
        restart=options.restart,
        retry_failed=options.retry_failed,
    )
    return read_collection(listing, reading, order, engine=_engine(options), watch=watch)


def _engine(options: CollectionOptions) -> Engine:
    from amanuensis.jobs import LocalEngine, RayEngine  # noqa: PLC0415

    if options.engine is EngineName.ray:
        return RayEngine(options.workers)
    return LocalEngine(options.workers)


class _Watch:
    """Tells the user: failures and remarks at once; on a terminal a line that counts, elsewhere a line a minute."""

    def __init__(self, listing: Listing, *, quiet: bool) -> None:
        self._listing = listing
        self._quiet = quiet
        self._progress: Progress | None = None
        self._last = time.monotonic()

    def planned(self, plan: Plan) -> None:
        """Say what was found, and begin to count."""
        for remark in self._listing.notes():
            note(remark, quiet=self._quiet)
        note(_told_plan(plan), quiet=self._quiet)
        self._progress = Progress("pages", plan.to_do, quiet=self._quiet, hourly=True)

    def finished(self, outcome: Outcome) -> None:
        """Count a page."""
        assert self._progress is not None, "planned before finished"
        self._progress.clear()
        if outcome.state == "failed":
            complain(f"{outcome.source}: {outcome.reason}")
        else:
            for remark in outcome.reason.splitlines():
                note(f"{outcome.source}: {remark}", quiet=self._quiet)
        self._progress.advance()
        if not sys.stderr.isatty() and time.monotonic() - self._last >= _STATUS_TO_LOG:
            self._last = time.monotonic()
            note(self._progress.told, quiet=self._quiet)

    def clear(self) -> None:
        """Take the line away."""
        if self._progress is not None:
            self._progress.clear()

    @property
    def told(self) -> str:
        """How far it is."""
        return self._progress.told if self._progress is not None else "the pages were still being listed"


def _told_plan(plan: Plan) -> str:
    """What there is to do, and why."""
    parts = {
        "new": plan.new,
        "left by an earlier run": plan.waiting,
        "changed since they were read": plan.changed,
        "failed before": plan.again,
    }
    why = ", ".join(f"{number:,} {what}" for what, number in parts.items() if number)
    kept = [f"{plan.done:,} are done"] * bool(plan.done)
    kept += [f"{plan.failed:,} failed before (--retry-failed tries them again)"] * bool(plan.failed)
    return (
        f"{count(plan.to_do, 'page')} to read"
        + (f" ({why})" if why and kept else "")
        + "".join(f"; {part}" for part in kept)
    )


def _tell(summary: Summary, output: Path, *, quiet: bool) -> None:
    rate = f", {summary.pages_per_hour:,.0f} pages an hour" if summary.num_done > 1 else ""
    failed = summary.num_failed + summary.plan.failed
    note(
        f"{count(summary.num_done, 'page')} read ({count(summary.num_lines, 'line')}), {failed:,} failed{rate}; "
        f"results are in {output}, amanuensis jobs status {output} sums them up",
        quiet=quiet,
    )


def _print_pages(listing: Listing, reading: PageReading, options: CollectionOptions) -> None:
    """Read pages here and print them: text of any number, other formats of one page."""
    if not options.is_plain:
        raise typer.BadParameter(
            "workers, shards, engines, --restart and --retry-failed need -o: a folder of results"
        )
    if len(reading.forms) > 1 or reading.forms == ("pdf",):
        raise typer.BadParameter(f"-f {','.join(reading.forms)} needs -o: a folder for its files")
    if reading.overlay:
        raise typer.BadParameter("--overlay needs -o: a folder for its pictures")
    tasks = list(listing)
    for remark in listing.notes():
        note(remark, quiet=options.quiet)
    if len(tasks) > 1 and reading.forms != ("txt",):
        raise typer.BadParameter(
            f"{len(tasks)} pages in {reading.forms[0]} need -o: a folder for their files"
        )
    read = reading.open()
    num_failed = 0
    for number, task in enumerate(tasks):
        try:
            output = read(task)
        except AmanuensisError as error:
            num_failed += 1
            complain(str(error))
            continue
        for remark in output.remarks:
            note(f"{task.source}: {remark}", quiet=options.quiet)
        [content] = output.files.values()
        typer.echo(b"\n" * (number > 0) + content, nl=False)
    note(f"{count(len(tasks) - num_failed, 'page')} read, {num_failed} failed", quiet=options.quiet)
    if num_failed:
        raise typer.Exit(1)

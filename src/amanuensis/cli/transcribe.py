"""`amanuensis transcribe`: read pages, or images of lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amanuensis.cli.collection import (
    CollectionOptions,
    EngineName,
    forms_of,
    hold_pages,
    moment_of,
    read_pages,
    refuse_of_lines,
    refuse_of_pages,
)
from amanuensis.cli.console import Progress, complain, note, teach
from amanuensis.cli.inputs import SUFFIXES, ImageFile, LineImage, find_images, frames_of
from amanuensis.cli.options import (
    DEFAULT_MODEL,
    BatchSize,
    Beam,
    Branch,
    ChangeMargin,
    Combination,
    Correct,
    CorrectorFolder,
    Finder,
    FinderName,
    GapBelow,
    Language,
    LanguageModel,
    LanguageWeight,
    LengthBonus,
    Lexicons,
    Models,
    NBest,
    Quiet,
    Search,
    Theta,
    Threads,
    Together,
    WordModel,
    WordWeight,
    check_correction,
    correction_of,
    formula_options,
    line_options,
)
from amanuensis.cli.outputs import Result, open_output
from amanuensis.errors import ModelError
from amanuensis.records import Reading

if TYPE_CHECKING:
    from amanuensis.correction import CorrectingRecognizer
    from amanuensis.recognition import FormulaRecognizer, GapMarkingReader, LineEnsemble, Recognizer

    Reader = Recognizer | LineEnsemble | FormulaRecognizer | CorrectingRecognizer | GapMarkingReader

# A calibrated confidence is the share of characters that are right. With three in ten wrong, typing a line afresh is
# faster than mending it.
LOW_CONFIDENCE = 0.7

HELP = teach(
    "Read handwriting: pages (images, PDF, PAGE and ALTO files, IIIF manifests) into text, PAGE, ALTO, hOCR, TEI or "
    "searchable PDF; images of single lines into text; with -m math, formulas into LaTeX. A folder is searched with "
    "its subfolders. What comes goes to stdout; with -o, to files. Pages in a folder are a collection: a run that is "
    "cut off goes on where it was when the same command is given again, and jobs status tells how far it is.",
    ("amanuensis transcribe scans/ -f page,txt -o out/", "reads a folder of pages into PAGE XML and text"),
    (
        "amanuensis transcribe scans/ -f alto -o out/ --workers 8 --shard 2/10",
        "reads the second of ten parts, with eight processes, for instance as a job of a scheduler",
    ),
    ("amanuensis transcribe line.png", "prints the text of one line"),
    (
        "amanuensis transcribe lines/ -f tsv > lines.tsv",
        "reads a folder of lines into a table of image, text and confidence",
    ),
    (
        "amanuensis transcribe scans/ --correct lexicon --lexicon words.txt",
        "corrects doubtful words by a list of words, one a line",
    ),
    (
        "amanuensis transcribe scans/ -m text-small -m runs/a/best -m runs/b/best",
        "lets three models vote; JSON tells what the others read",
    ),
    (
        "amanuensis transcribe scans/ --gap-below 0.3",
        "writes […] in place of words that are right less often than three times in ten",
    ),
    (
        "amanuensis transcribe -m math formula.png strokes.inkml",
        "reads formulas, from pictures or from strokes (InkML, JSON), into LaTeX",
    ),
)


def transcribe(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Pages or images of lines, or folders of them.")
    ],
    *,
    model: Models = [DEFAULT_MODEL],  # noqa: B006 - typer copies it
    combine: Together = Combination.vote,
    form: Annotated[
        str,
        typer.Option(
            "-f",
            "--format",
            metavar="FORMAT",
            help="txt; tsv, a table with confidences; json, with places. Of pages also page, alto, hocr, tei, pdf, and "
            "several at once: page,txt.",
        ),
    ] = "txt",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Write files into this folder.")
    ] = None,
    decoder: Search = None,
    beam: Beam = None,
    n_best: NBest = None,
    language: Language = None,
    language_model: LanguageModel = None,
    language_weight: LanguageWeight = None,
    length_bonus: LengthBonus = None,
    change_margin: ChangeMargin = None,
    word_model: WordModel = None,
    word_weight: WordWeight = None,
    branch: Branch = None,
    correct: Correct = None,
    corrector: CorrectorFolder = None,
    lexicons: Lexicons = None,
    theta: Theta = None,
    gap_below: GapBelow = None,
    threads: Threads = 1,
    batch_size: BatchSize = 8,
    pages: Annotated[
        bool | None,
        typer.Option("--pages/--lines", help="What images hold; by default a look at the first ones tells."),
    ] = None,
    finder: Finder = FinderName.auto,
    formulas: Annotated[
        str | None,
        typer.Option(
            "--formulas",
            metavar="MODEL",
            help="Of pages: the model that reads regions and lines that PAGE or ALTO files mark as formulas.",
        ),
    ] = None,
    overlay: Annotated[
        bool,
        typer.Option("--overlay", help="Of pages: draw lines and reading order into NAME.overlay.png too."),
    ] = False,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Of pages: processes that read, on one thread each.")
    ] = 1,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="I/N", help="Of pages: read part I of N only.")
    ] = None,
    engine: Annotated[
        EngineName, typer.Option("--engine", help="Of pages: processes here, or a Ray cluster.")
    ] = EngineName.local,
    restart: Annotated[
        bool, typer.Option("--restart", help="Of pages: read all again, whatever the journal says.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Of pages: try those again that failed before.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Read pages or images of lines."""
    lines = line_options(
        decoder,
        language=language,
        language_model=language_model,
        language_weight=language_weight,
        length_bonus=length_bonus,
        change_margin=change_margin,
        word_model=word_model,
        word_weight=word_weight,
    )
    collection = CollectionOptions(
        output=output,
        workers=workers,
        shard=shard,
        engine=engine,
        restart=restart,
        retry_failed=retry_failed,
        quiet=quiet,
    )
    forms = forms_of(form)
    if hold_pages(paths, forms, model, quiet=quiet) if pages is None else pages:
        from amanuensis.jobs import CorrectionChoice, LineReading, PageReading  # noqa: PLC0415

        refuse_of_lines(threads=threads, beam=beam, n_best=n_best, branch=branch)
        check_correction(correct, corrector=corrector, lexicons=lexicons, theta=theta)
        chosen = LineReading(
            models=tuple(model),
            combination=combine.value,
            batch_size=batch_size,
            options=lines,
            correction=CorrectionChoice(correct, corrector, tuple(lexicons or ()), theta)
            if correct
            else None,
            gap_below=gap_below,
        )
        read_pages(
            paths,
            PageReading(chosen, forms, moment_of(collection), finder.value, formulas, overlay),
            collection,
        )
        return
    form_of_lines = refuse_of_pages(forms, collection, finder=finder, formulas=formulas, overlay=overlay)
    from amanuensis.correction import CorrectingRecognizer  # noqa: PLC0415
    from amanuensis.recognition import (  # noqa: PLC0415
        INK_SUFFIXES,
        FormulaRecognizer,
        load_recognizer,
    )

    recognizer = load_recognizer(
        model,
        threads=threads,
        batch_size=batch_size,
        lines=lines,
        formula=formula_options(
            beam=beam,
            branch=branch,
            language_model=language_model,
            language_weight=language_weight,
        ),
        combination=combine.value,
    )
    reads_formulas = isinstance(recognizer, FormulaRecognizer)
    if n_best is not None and not reads_formulas:
        raise ModelError(f"{recognizer.config.name} reads lines: --n-best is of formulas")
    correction = correction_of(correct, corrector=corrector, lexicons=lexicons, theta=theta)
    corrected = recognizer if correction is None else CorrectingRecognizer(recognizer, correction)
    reader = _marking_gaps(corrected, gap_below)
    files, remarks = find_images(paths, SUFFIXES | INK_SUFFIXES if reads_formulas else SUFFIXES)
    for remark in remarks:
        note(remark, quiet=quiet)
    out = open_output(form_of_lines, output, files, formulas=reads_formulas)
    tally = _Tally()
    with Progress("images", len(files), quiet=quiet) as progress:
        for image, result in _read(reader, files, n_best or 1):
            progress.clear()
            tally.add(image, result)
            out.add(image, result)
            progress.advance(int(image.frame + 1 == image.num_frames))
    seconds = progress.seconds
    out.finish(tally.summary(recognizer.config.name, seconds))
    _tell(tally, seconds, output, quiet=quiet)
    if tally.num_failed:
        raise typer.Exit(1)


def _marking_gaps(
    recognizer: Recognizer | LineEnsemble | FormulaRecognizer | CorrectingRecognizer, below: float | None
) -> Reader:
    """The recognizer, or one that marks gaps.

    Raises:
        ModelError: the recognizer reads formulas.
    """
    from amanuensis.recognition import FormulaRecognizer, GapMarkingReader  # noqa: PLC0415

    if below is None:
        return recognizer
    if isinstance(recognizer, FormulaRecognizer):
        raise ModelError(f"{recognizer.config.name} reads formulas: gaps can be marked in lines only")
    return GapMarkingReader(recognizer, below)


def _read(recognizer: Reader, files: Sequence[ImageFile], n_best: int) -> Iterator[tuple[LineImage, Result]]:
    """Every image with its reading or its error, in order."""
    from amanuensis.recognition import FormulaRecognizer  # noqa: PLC0415

    waiting: list[LineImage] = []

    def remembered(images: Iterable[LineImage]) -> Iterator[LineImage]:
        for image in images:
            waiting.append(image)
            yield image

    images = remembered(frames_of(files))
    results = (
        recognizer.read_each(images, load=LineImage.load, n_best=n_best)
        if isinstance(recognizer, FormulaRecognizer)
        else recognizer.read_each(images, load=LineImage.load)
    )
    for result in results:
        yield waiting.pop(0), result


class _Tally:
    """Counts what was read; says at once what failed."""

    def __init__(self) -> None:
        self.num_failed = 0
        self._confidences: list[float] = []

    def add(self, image: LineImage, result: Result) -> None:
        if isinstance(result, Reading):
            self._confidences.append(result.confidence)
            for remark in result.remarks:
                complain(f"{image.name}: {remark}")
        else:
            self.num_failed += 1
            complain(f"{image.name}: {image.reason(result)}")

    @property
    def num_read(self) -> int:
        return len(self._confidences)

    @property
    def mean_confidence(self) -> float | None:
        return sum(self._confidences) / self.num_read if self._confidences else None

    def summary(self, model: str, seconds: float) -> dict[str, Any]:
        mean = self.mean_confidence
        return {
            "model": model,
            "read": self.num_read,
            "mean_confidence": None if mean is None else round(mean, 4),
            "seconds": round(seconds, 3),
        }


def _tell(tally: _Tally, seconds: float, output: Path | None, *, quiet: bool) -> None:
    where = f", written to {output}" if output else ""
    rate = f" ({tally.num_read / seconds:.0f} lines/s)" if tally.num_read > 1 and seconds > 0 else ""
    note(f"{tally.num_read} read, {tally.num_failed} failed{rate}{where}", quiet=quiet)
    mean = tally.mean_confidence
    if mean is not None and mean < LOW_CONFIDENCE:
        note(
            f"The mean confidence is only {mean:.2f}: this hand, language or scan may be unlike what the "
            f"model learned. Check some lines; another model (-m), or training on a few hundred lines of "
            f"your own (amanuensis train --help), may help.",
            quiet=quiet,
        )

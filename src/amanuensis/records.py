"""The records that travel through the package: frozen, plain, free of behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable


@runtime_checkable
class ImageSource(Protocol):
    """An encoded image that does not lie in a file of its own: a member of a pack, a cell of a table."""

    @property
    def name(self) -> str:
        """What to call the image in messages."""

    def read(self) -> bytes:
        """The encoded bytes (PNG, JPEG, TIFF, ...), read when asked for."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image of a data set. The image stays on disk until somebody loads it.

    Attributes:
        id: unique within its data set; results and randomness are keyed by `dataset` and `id`.
        image: where the image lies.
        text: the ground truth as the data set spells it (normalization is the model's business).
        split: "train", "val", "test" or "" ("valid" and "validation" are read as "val").
        dataset: the name of the data set it came from.
        page: what the line was cut from; intervals are bootstrapped over pages. "" if unknown.
        writer: who wrote it, "" if unknown.
    """

    id: str
    image: Path | ImageSource
    text: str
    split: str = ""
    dataset: str = ""
    page: str = ""
    writer: str = ""

    @property
    def key(self) -> str:
        """The id qualified by the data set: unique in a union of data sets."""
        return f"{self.dataset}/{self.id}" if self.dataset else self.id


@dataclass(frozen=True, slots=True)
class Choice:
    """A symbol that was not chosen, and its probability."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Span:
    """One symbol of a reading and where it stands: `start` <= x < `end` in pixels of the source image.

    Attributes:
        text: a character of a line, a LaTeX token of a formula.
        start, end: x of its edges. For a formula, about where the network looked.
        confidence: in [0, 1].
        row: y where the network looked; None for lines.
        second: what else it could be; None if that is not known.
        disagreement: how far the members of an ensemble differed here, in [0, 1]; None for one network.
        language: natural logarithm of its probability by the language model that read along; None if none did.
    """

    text: str
    start: float
    end: float
    confidence: float
    row: float | None = None
    second: Choice | None = None
    disagreement: float | None = None
    language: float | None = None


@dataclass(frozen=True, slots=True)
class WordSpan:
    """A word of a reading and where it stands: `start` <= x < `end` in pixels of the source image.

    Attributes:
        text: without white space; the mark of a gap where the reader was too unsure to show anything.
        start, end: x of its edges.
        confidence: that the word is right, in [0, 1].
        read: what was read where a gap is marked (several words with spaces between); None if `text` is shown.
        language: natural logarithm of its probability, and that it ends there, by the language model that read along;
            None if none did.
    """

    text: str
    start: float
    end: float
    confidence: float
    read: str | None = None
    language: float | None = None

    @property
    def is_gap(self) -> bool:
        """Whether this stands for words that were too doubtful to show."""
        return self.read is not None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another whole reading of the same image, and its confidence."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a recognizer read in one image.

    Attributes:
        text: the transcription; of a formula, LaTeX.
        confidence: of the whole, in [0, 1]. Of a line, the share of its characters that should be right; of a formula,
            the decoded path's probability to the power 1/length.
        spans: one per symbol of `text`, in reading order; the mark of a gap is one symbol.
        alternatives: the next best readings, if they were asked for.
        remarks: what a reader should know: the picture is far from what the model learned, the search was cut.
        words: of a line, one per word of `text`, in reading order.
        uncorrected: what was read, where a correction changed it; None where `text` is what was read.
    """

    text: str
    confidence: float
    spans: Sequence[Span] = ()
    alternatives: Sequence[Alternative] = ()
    remarks: Sequence[str] = ()
    words: Sequence[WordSpan] = ()
    uncorrected: str | None = None

    @property
    def tokens(self) -> tuple[str, ...]:
        """The symbols alone: characters of a line, LaTeX tokens of a formula."""
        return tuple(span.text for span in self.spans)


Point = tuple[int, int]
Points = tuple[Point, ...]
"""(N, 2): x and y in whole pixels of the page's image; 0, 0 is the middle of its top left pixel."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a line, and where it stands.

    Attributes:
        text: without white space; the mark of a gap where the reader was too unsure to show anything.
        box: left, top, right, bottom in pixels of the page's image; right and bottom belong to it.
        confidence: that it is right, in [0, 1].
        read: what was read where a gap is marked; None if `text` is shown.
    """

    text: str
    box: tuple[int, int, int, int]
    confidence: float
    read: str | None = None


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a page: where it stands, what its source says it reads, what was read in it.

    Attributes:
        id: unique within its page.
        polygon: its outline; () where the source gives none.
        baseline: from where writing begins to where it ends; () where there is none.
        kind: what the source calls it ("DefaultLine", "heading"); "" if it says nothing.
        is_formula: to be read by a formula model.
        transcription: what the source says that it reads; None if it is not transcribed.
        reading: what was read; None before it is read, or where it could not be.
        words: those of the reading.
        problem: why it could not be read; "" if it was, or nobody tried.
    """

    id: str
    polygon: Points = ()
    baseline: Points = ()
    kind: str = ""
    is_formula: bool = False
    transcription: str | None = None
    reading: Reading | None = None
    words: tuple[Word, ...] = ()
    problem: str = ""

    @property
    def text(self) -> str:
        """What was read, or else what the source says."""
        return self.transcription or "" if self.reading is None else self.reading.text


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a page and its lines, in reading order.

    Attributes:
        id: unique within its page.
        polygon: its outline; () where the source gives none.
        lines: in reading order.
        kind: what the source calls it ("paragraph", "MainZone"); "" if it says nothing.
        is_formula: to be read by a formula model, as one picture where it has no lines.
    """

    id: str
    polygon: Points = ()
    lines: tuple[TextLine, ...] = ()
    kind: str = ""
    is_formula: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One side of a leaf: its image, and what stands on it.

    Attributes:
        id: names it in messages and outputs: the file's stem, with a number where a file has several pages.
        image: the image's file name, as page files name it: relative to them.
        width, height: of the image in pixels.
        regions: in reading order; () before lines are looked for.
        source: the file that it was read from.
        frame: which page of that file, counted from 0.
        remarks: what a reader should know about how it was read.
    """

    id: str
    image: str
    width: int
    height: int
    regions: tuple[Region, ...] = ()
    source: str = ""
    frame: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[TextLine, ...]:
        """All lines, in reading order."""
        return tuple(line for region in self.regions for line in region.lines)

"""Whole pages, end to end: which lines were found, what was read in them, how long every stage took (our addition).

Four error rates stand side by side. *On true lines*: the model reads the outlines of the ground truth, so that only
reading errs. *Order-free*: found lines are compared with the true line that they lie on, pieces from left to right;
what was read where nothing is transcribed is left out. *With extra lines*: that counts too, as insertions. *In reading
order*: the whole page as one string, so that order errs too.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from amanuensis.errors import AmanuensisError, DataError
from amanuensis.evaluation.page_matching import FATES, Matching, match_lines
from amanuensis.evaluation.page_results import PageOutcome, PageResults, ReadLine
from amanuensis.language import TextNormalization
from amanuensis.metrics import EditCounts, bootstrap_interval, character_edits
from amanuensis.records import Page, TextLine

RATES = ("on_true_lines", "order_free", "with_extra_lines", "in_reading_order")
"""The character error rates of a page; see the head of this module."""

STAGES = ("load", "find", "read")


class TruePage(Protocol):
    """A page whose lines and transcriptions are known; `amanuensis.pages.PageSource` is one."""

    @property
    def page(self) -> Page:
        """What its file says."""

    def load(self) -> NDArray[np.uint8]:
        """(H, W) grey."""


class PageSteps(Protocol):
    """The steps to be measured."""

    def find(self, page: Page, grey: NDArray[np.uint8]) -> Page:
        """The page with the lines that are found on it."""

    def read(self, page: Page, grey: NDArray[np.uint8]) -> Page:
        """The page with what is read in its lines."""


@dataclass(frozen=True, slots=True)
class ScoredPage:
    """A page and what became of it.

    Attributes:
        id: "set/page".
        matching: its lines.
        num_found: lines that were found on it.
        edits: counts by rate (see `RATES`).
        seconds: CPU time by stage.
        error: why it could not be read: all its lines are missed and read empty.
    """

    id: str
    matching: Matching
    num_found: int
    edits: Mapping[str, EditCounts]
    seconds: Mapping[str, float]
    error: str = ""


@dataclass(frozen=True, slots=True)
class PageReport:
    """The scores of some pages, by set: `sets`, each with its pages; and what they are scores of."""

    results: PageResults
    sets: Mapping[str, Sequence[ScoredPage]]

    @property
    def pages(self) -> list[ScoredPage]:
        """All pages."""
        return [page for pages in self.sets.values() for page in pages]

    def to_dict(self) -> dict[str, Any]:
        """As JSON: rates are ratios, seconds are CPU seconds a page."""
        return {
            "model": self.results.model,
            "finder": self.results.finder,
            "decoder": dict(self.results.decoder),
            "normalization": self.results.normalization.to_dict(),
            **summarize(self.pages),
            "sets": {name: summarize(pages) for name, pages in self.sets.items()},
            "pages": {page.id: summarize([page]) for page in self.pages},
            "failed": [{"id": page.id, "reason": page.error} for page in self.pages if page.error],
        }


def evaluate_page(identity: str, source: TruePage, steps: PageSteps) -> PageOutcome:
    """Find and read the lines of a page, and read its true lines too; what is wrong with it is its outcome.

    Args:
        identity: "set/page".
        source: its transcriptions are not looked at.
        steps: what is measured.
    """
    try:
        began = _cpu_seconds()
        grey = source.load()
        loaded = _cpu_seconds()
        page = steps.find(source.page, grey)
        found = _cpu_seconds()
        page = steps.read(page, grey)
        read = _cpu_seconds()
        true = steps.read(source.page, grey)
    except (AmanuensisError, OSError) as error:
        return PageOutcome(identity, error=str(error) or type(error).__name__)
    return PageOutcome(
        identity,
        tuple(_read_line(line, polygon=True) for line in page.lines),
        tuple(_read_line(line, polygon=False) for line in true.lines),
        {
            stage: round(seconds, 3)  # as result files keep it, so that both give the same report
            for stage, seconds in zip(STAGES, (loaded - began, found - loaded, read - found), strict=True)
        },
    )


def score_pages(results: PageResults, truth: Mapping[str, Mapping[str, Page]]) -> PageReport:
    """Compare results with the true pages, every one of which counts.

    Args:
        results: of a model and a finder.
        truth: by set and name the pages with their transcriptions.

    Raises:
        DataError: none of the results belongs to these pages.
    """
    outcomes = {outcome.id: outcome for outcome in results.outcomes}
    named = {f"{name}/{page}" for name, pages in truth.items() for page in pages}
    if outcomes and not outcomes.keys() & named:
        raise DataError(
            f"none of the results belongs to these pages: the results begin with {next(iter(outcomes))!r}"
        )
    missing = "not in the results"
    sets = {
        name: [
            _scored(page, outcomes.get(key) or PageOutcome(key, error=missing), results.normalization)
            for key, page in ((f"{name}/{one}", page) for one, page in pages.items())
        ]
        for name, pages in truth.items()
    }
    return PageReport(results, sets)


def summarize(pages: Sequence[ScoredPage]) -> dict[str, Any]:
    """The numbers of some pages: counts of lines, recall and precision, error rates with 95 % intervals, seconds."""
    fates = Counter(fate for page in pages for fate in page.matching.fates)
    lines, found = fates.total(), sum(page.num_found for page in pages)
    lost = [
        EditCounts(sum(f != "found" for f in page.matching.fates), len(page.matching.fates)) for page in pages
    ]
    names = [page.id for page in pages]
    missed = bootstrap_interval(lost, names)
    return {
        "n": len(pages),
        "lines": lines,
        **{fate: fates[fate] for fate in FATES},
        "lines_found": found,
        "extra": sum(page.matching.num_extra for page in pages),
        "recall": fates["found"] / max(1, lines),
        "recall_interval": None if missed is None else (1 - missed[1], 1 - missed[0]),
        "precision": fates["found"] / max(1, found),
        "cer": {rate: _rate([page.edits[rate] for page in pages], names) for rate in RATES},
        "seconds": _seconds([page for page in pages if not page.error]),
    }


def _rate(edits: Sequence[EditCounts], names: Sequence[str]) -> dict[str, Any]:
    total = sum(edits, start=EditCounts())
    return {"rate": total.rate, "edits": total.edits, "interval": bootstrap_interval(edits, names)}


def _seconds(pages: Sequence[ScoredPage]) -> dict[str, float]:
    """CPU seconds a page by stage, and in all."""
    by_stage = {stage: sum(page.seconds.get(stage, 0.0) for page in pages) for stage in STAGES}
    return {
        stage: seconds / max(1, len(pages))
        for stage, seconds in {**by_stage, "all": sum(by_stage.values())}.items()
    }


def _cpu_seconds() -> float:
    """Of this process and of programs that it ran to their end: a finder may be one."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def _read_line(line: TextLine, *, polygon: bool) -> ReadLine:
    text, confidence = ("", None) if line.reading is None else (line.reading.text, line.reading.confidence)
    return ReadLine(text, confidence, line.polygon if polygon else (), "" if polygon else line.id)


def _scored(page: Page, outcome: PageOutcome, normalization: TextNormalization) -> ScoredPage:
    found = outcome.found
    matching = match_lines(
        [line.polygon for line in page.lines],
        [line.polygon for line in found],
        size=(page.width, page.height),
    )
    references = [normalization(line.transcription or "") for line in page.lines]
    texts = [normalization(line.text) for line in found]
    by_id = {line.id: normalization(line.text) for line in outcome.true}
    on_true = [by_id.get(line.id, "") for line in page.lines]
    free = _edits(references, _texts_of(len(references), found, texts, matching))
    untranscribed = [
        text for text, home in zip(texts, matching.homes, strict=True) if home is None or not references[home]
    ]
    edits = {
        "on_true_lines": _edits(references, on_true),
        "order_free": free,
        "with_extra_lines": free + EditCounts(sum(map(len, untranscribed)), 0),
        "in_reading_order": character_edits(_joined(references), _joined(texts)),
    }
    return ScoredPage(outcome.id, matching, len(found), edits, outcome.seconds, outcome.error)


def _texts_of(
    num_true: int, found: Sequence[ReadLine], texts: Sequence[str], matching: Matching
) -> list[str]:
    """What was read on each true line: its pieces from left to right."""
    pieces: list[list[tuple[int, str]]] = [[] for _ in range(num_true)]
    for line, text, home in zip(found, texts, matching.homes, strict=True):
        if home is not None:
            pieces[home].append((min(x for x, _ in line.polygon), text))
    return [_joined(text for _, text in sorted(some)) for some in pieces]


def _edits(references: Sequence[str], read: Sequence[str]) -> EditCounts:
    """Summed over the lines that are transcribed."""
    pairs = [pair for pair in zip(references, read, strict=True) if pair[0]]
    return sum((character_edits(*pair) for pair in pairs), start=EditCounts())


def _joined(texts: Iterable[str]) -> str:
    return " ".join(text for text in texts if text)

"""Score results against the ground truth: numbers with intervals, in all and by data set, page and writer.

Every line of the data counts. One that failed, or that the results do not mention, is scored as if nothing
had been read in it. Both sides are spelt by the model's own normalization before they are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from amanuensis.errors import DataError
from amanuensis.evaluation.evaluate import index_by_key
from amanuensis.evaluation.reliability import ClaimedLine, Level, Reliability, reliability_by_level
from amanuensis.evaluation.results import Outcome, Results
from amanuensis.metrics import (
    LinePair,
    TextScores,
    Tokenizer,
    bootstrap_interval,
    check_consistency,
    confusions,
    fold_text,
    score_line,
)
from amanuensis.records import Sample

Interval = tuple[float, float]

MISSING = "not in the results"
# With fewer, a bootstrap over writers says more about the draw than about the model (spec, amendments).
MIN_WRITERS = 10


@dataclass(frozen=True, slots=True)
class ScoredLine:
    """One line of the data and what became of it.

    Attributes:
        sample: the line.
        reference: its text, normalized.
        hypothesis: what was read, normalized; "" if nothing was.
        outcome: the hypothesis as it was told, with its confidences.
        scores: its counts.
        folded: its counts without case and punctuation.
    """

    sample: Sample
    reference: str
    hypothesis: str
    outcome: Outcome
    scores: TextScores
    folded: TextScores

    @property
    def confidence(self) -> float | None:
        """Of the reading, in [0, 1]; None if there is none."""
        return self.outcome.confidence

    @property
    def error(self) -> str | None:
        """Why nothing was read; None if something was."""
        return self.outcome.error

    @property
    def claimed(self) -> ClaimedLine:
        """What its confidences are held against."""
        return ClaimedLine(self.reference, self.hypothesis, self.outcome, page_of(self.sample))


@dataclass(frozen=True, slots=True)
class Summary:
    """The scores of a group of lines.

    Attributes:
        scores: its counts.
        folded: its counts without case and punctuation.
        cer_interval: 95 % bootstrap over pages (a line whose page is unknown is a page of its own); None
            where there are fewer than two.
        cer_interval_writers: the same over writers; None where there are fewer than ten, or some are unknown.
        seconds: the time of reading; None if it is not known of just these lines.
    """

    scores: TextScores
    folded: TextScores
    cer_interval: Interval | None
    cer_interval_writers: Interval | None
    seconds: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON; rates are ratios, not per cent."""
        return {
            **_rates(self.scores),
            "cer_interval": self.cer_interval,
            "cer_interval_writers": self.cer_interval_writers,
            "cer_folded": self.folded.cer,
            "wer_folded": self.folded.wer,
            "seconds": self.seconds,
            "lines_per_second": self.scores.n / self.seconds if self.seconds else None,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The scores of a model on some lines.

    Attributes:
        results: what was scored: model, split, normalization.
        tokenizer: what counted as a word.
        lines: all lines, in the order of the data.
        total: over all lines.
        sets: the same by data set.
        without: the same over all lines but those of the data sets named in `left_out`; None if none is.
        left_out: names of data sets that `without` leaves out.
        num_unused: results that belong to none of the lines.
    """

    results: Results
    tokenizer: Tokenizer
    lines: tuple[ScoredLine, ...]
    total: Summary
    sets: Mapping[str, Summary]
    without: Summary | None
    left_out: tuple[str, ...]
    num_unused: int

    @property
    def failed(self) -> list[ScoredLine]:
        """The lines in which nothing could be read, whatever the reason."""
        return [line for line in self.lines if line.error is not None]

    @property
    def pages(self) -> dict[str, TextScores]:
        """Scores by page, "set/page", worst first; lines of unknown page are left out."""
        return _by(self.lines, lambda sample: sample.page)

    @property
    def writers(self) -> dict[str, TextScores]:
        """Scores by writer, "set/writer", worst first; lines of unknown writer are left out."""
        return _by(self.lines, lambda sample: sample.writer)

    @property
    def confusions(self) -> Counter[tuple[str, str]]:
        """Which character was read as which, over the lines that were read."""
        read = (LinePair(line.reference, line.hypothesis) for line in self.lines if line.error is None)
        return confusions(read, normalization=str)

    @property
    def reliability(self) -> dict[Level, Reliability]:
        """Claimed confidences against the truth, of characters, words and lines, as far as the results keep them."""
        return reliability_by_level([line.claimed for line in self.lines])

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON: the numbers in all, then the same by set, page and writer, and what failed."""
        return {
            "model": self.results.model,
            "split": self.results.split,
            "decoder": dict(self.results.decoder),
            "ensemble": self.results.ensemble,
            **self.total.to_dict(),
            "calibration": {level: told.to_dict() for level, told in self.reliability.items()},
            "tokenizer": self.tokenizer,
            "normalization": self.results.normalization.to_dict(),
            "sets": {name: summary.to_dict() for name, summary in self.sets.items()},
            "without": {"sets": self.left_out, **self.without.to_dict()} if self.without else None,
            "failed": [{"id": line.sample.key, "reason": line.error} for line in self.failed],
            "unused_results": self.num_unused,
            "confusions": [
                {"reference": written, "hypothesis": read, "count": count}
                for (written, read), count in self.confusions.most_common(50)
            ],
            "pages": {name: _rates(scores) for name, scores in self.pages.items()},
            "writers": {name: _rates(scores) for name, scores in self.writers.items()},
        }


def score(
    results: Results,
    samples: Sequence[Sample],
    *,
    tokenizer: Tokenizer = "whitespace",
    without: Sequence[str] = (),
) -> Report:
    """Compare results with the samples' texts.

    Args:
        results: of a model, fresh or from a file. Results for other lines are counted and otherwise ignored,
            so that a file can be scored on some of its data sets.
        samples: the lines to be scored, every one of which counts.
        tokenizer: what a word is.
        without: names of data sets; the totals are given with and without them.

    Raises:
        DataError: two samples have the same key, none of the results belongs to any sample, or `without`
            names a data set that is not there.
    """
    keys = index_by_key(samples)
    outcomes = {outcome.id: outcome for outcome in results.outcomes}
    if outcomes and keys and not outcomes.keys() & keys.keys():
        raise DataError(
            f"none of the results belongs to these lines: the results begin with {next(iter(outcomes))!r}, "
            f"the lines with {next(iter(keys))!r}"
        )
    names = list(dict.fromkeys(sample.dataset for sample in samples))
    if unknown := sorted(set(without) - set(names)):
        raise DataError(f"no data set is called {unknown[0]!r}; there are {', '.join(names)}")
    lines = tuple(_scored(sample, outcomes.get(key), results, tokenizer) for key, sample in keys.items())
    unused = outcomes.keys() - keys.keys()
    seconds = _known_seconds(results, unused)
    by_set = {name: [line for line in lines if line.sample.dataset == name] for name in names}
    sets = {name: _summary(some, seconds) for name, some in by_set.items()}
    total = _summary(lines, seconds)
    check_consistency(total.scores, [summary.scores for summary in sets.values()])
    rest = [line for line in lines if line.sample.dataset not in without]
    return Report(
        results=results,
        tokenizer=tokenizer,
        lines=lines,
        total=total,
        sets=sets,
        without=_summary(rest, seconds) if without else None,
        left_out=tuple(without),
        num_unused=len(unused),
    )


def page_of(sample: Sample) -> str:
    """What intervals are drawn by: the page, or the line itself where that is unknown."""
    if sample.page:
        return f"{sample.dataset}/page/{sample.page}"
    return f"{sample.dataset}/line/{sample.id}"


def _scored(sample: Sample, outcome: Outcome | None, results: Results, tokenizer: Tokenizer) -> ScoredLine:
    outcome = outcome or Outcome(sample.key, error=MISSING)
    reference, hypothesis = results.normalization(sample.text), results.normalization(outcome.text)
    pair = LinePair(reference, hypothesis)
    return ScoredLine(
        sample=sample,
        reference=reference,
        hypothesis=hypothesis,
        outcome=outcome,
        scores=score_line(pair, normalization=str, tokenizer=tokenizer),
        folded=score_line(pair, normalization=fold_text, tokenizer=tokenizer),
    )


def _known_seconds(results: Results, unused: Set[str]) -> dict[str, float]:
    """The time of each data set of which all results are used: of a part of them it was not taken."""
    return {
        name: seconds
        for name, seconds in results.seconds.items()
        if not any(key.startswith(f"{name}/" if name else "") for key in unused)
    }


def _summary(lines: Sequence[ScoredLine], seconds: Mapping[str, float]) -> Summary:
    counts = [line.scores.characters for line in lines]
    samples = [line.sample for line in lines]
    pages = [page_of(sample) for sample in samples]
    writers = [f"{s.dataset}/{s.writer}" for s in samples]
    enough = len(set(writers)) >= MIN_WRITERS and all(s.writer for s in samples)
    names = {s.dataset for s in samples}
    return Summary(
        scores=sum((line.scores for line in lines), start=TextScores()),
        folded=sum((line.folded for line in lines), start=TextScores()),
        cer_interval=bootstrap_interval(counts, pages),
        cer_interval_writers=bootstrap_interval(counts, writers) if enough else None,
        seconds=sum(seconds[name] for name in names) if names and names <= seconds.keys() else None,
    )


def _by(lines: Sequence[ScoredLine], group: Callable[[Sample], str]) -> dict[str, TextScores]:
    groups: dict[str, TextScores] = {}
    for line in lines:
        if name := group(line.sample):
            key = f"{line.sample.dataset}/{name}"
            groups[key] = groups.get(key, TextScores()) + line.scores
    return dict(sorted(groups.items(), key=lambda item: (-item[1].cer, item[0])))


def _rates(scores: TextScores) -> dict[str, Any]:
    return {"n": scores.n, "cer": scores.cer, "wer": scores.wer, "ser": scores.ser}

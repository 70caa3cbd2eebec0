"""What a correction did to the lines of a report: before and after, rescued and harmed words (spec 2.11).

The paper tells the gain only. Everything here is counted over the same lines twice, so the interval of the
difference is a paired one; a line that failed has no text to correct and counts the same on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from amanuensis.errors import DataError
from amanuensis.evaluation.report import Report, ScoredLine, page_of
from amanuensis.language import TextNormalization
from amanuensis.language.lexicon import word_places
from amanuensis.metrics import (
    EditCounts,
    HarmCounts,
    PairedDifference,
    Tokenizer,
    character_edits,
    count_harm,
    paired_bootstrap,
    word_edits,
)
from amanuensis.records import Sample

_NUM_SAMPLES = 6


class KnownWords(Protocol):
    """What has words: a lexicon."""

    def __contains__(self, word: str, /) -> bool:
        """Whether it has this one."""


@dataclass(frozen=True, slots=True)
class CorrectionReport:
    """What a correction did, in all and by data set.

    Attributes:
        facts: what corrected, its settings and time.
        total: over all lines.
        sets: by data set.
        samples: lines that show it, like the paper's Table IV: the greatest gains, then the greatest losses.
    """

    facts: Mapping[str, Any]
    total: CorrectionScores
    sets: Mapping[str, CorrectionScores]
    samples: tuple[CorrectedLine, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **self.facts,
            **self.total.to_dict(),
            "sets": {name: scores.to_dict() for name, scores in self.sets.items()},
            "samples": [_described(line) for line in self.samples],
        }


@dataclass(frozen=True, slots=True)
class CorrectedLine:
    """A line with what was read in it, before and after; all normalized."""

    sample: Sample
    reference: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CorrectionScores:
    """Scores of a group of lines before and after.

    Attributes:
        n: lines.
        changed: lines whose text the correction changed.
        characters_before, characters: edits over code points.
        words_before, words: edits over words.
        harm: rescued and harmed words.
        difference: of the CER, after less before, paired over pages.
        unknown: share of the references' words that the lexicon lacks, in [0, 1]; None where none is known.
    """

    n: int
    changed: int
    characters_before: EditCounts
    characters: EditCounts
    words_before: EditCounts
    words: EditCounts
    harm: HarmCounts
    difference: PairedDifference
    unknown: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON; rates are ratios, not per cent."""
        before, after = self.characters_before.rate, self.characters.rate
        return {
            "n": self.n,
            "changed": self.changed,
            "cer_before": before,
            "cer": after,
            "cer_difference": self.difference.difference,
            "cer_difference_interval": self.difference.interval,
            "cer_relative": (after - before) / before if before else None,
            "wer_before": self.words_before.rate,
            "wer": self.words.rate,
            "right_words": self.harm.right,
            "harmed_words": self.harm.harmed,
            "harm_rate": self.harm.harm_rate,
            "rescued_words": self.harm.rescued,
            "rescue_rate": self.harm.rescue_rate,
            "oov_rate": self.unknown,
        }


def score_corrections(
    lines: Sequence[CorrectedLine], *, tokenizer: Tokenizer = "whitespace", known: KnownWords | None = None
) -> CorrectionScores:
    """Count what a correction did.

    Args:
        lines: at least one.
        tokenizer: what a word is, for WER, harm and rescue.
        known: the corrector's lexicon, for the OOV rate; its words are runs of letters.
    """
    before = [character_edits(line.reference, line.before) for line in lines]
    after = [character_edits(line.reference, line.after) for line in lines]
    return CorrectionScores(
        n=len(lines),
        changed=sum(line.before != line.after for line in lines),
        characters_before=sum(before, start=EditCounts()),
        characters=sum(after, start=EditCounts()),
        words_before=_words(((line.reference, line.before) for line in lines), tokenizer),
        words=_words(((line.reference, line.after) for line in lines), tokenizer),
        harm=sum(
            (count_harm(line.reference, line.before, line.after, tokenizer=tokenizer) for line in lines),
            start=HarmCounts(),
        ),
        difference=paired_bootstrap(before, after, [page_of(line.sample) for line in lines], draws=2000),
        unknown=None if known is None else _unknown(lines, known),
    )


def report_corrections(report: Report, *, known: KnownWords | None = None) -> CorrectionReport:
    """What the correction of a report's results did.

    Args:
        report: of results that were corrected.
        known: the corrector's lexicon, for the OOV rate.

    Raises:
        DataError: nothing corrected these results, or there are no lines.
    """
    results = report.results
    if results.correction is None or not report.lines:
        raise DataError(f"the results of {results.model} were not corrected: there is nothing to compare")
    lines = [_corrected(line, results.normalization) for line in report.lines]
    sets = {
        name: [line for line in lines if line.sample.dataset == name]
        for name in dict.fromkeys(line.sample.dataset for line in lines)
    }
    tokenizer = report.tokenizer
    return CorrectionReport(
        facts=results.correction,
        total=score_corrections(lines, tokenizer=tokenizer, known=known),
        sets={name: score_corrections(some, tokenizer=tokenizer, known=known) for name, some in sets.items()},
        samples=tuple(telling_samples(lines, _NUM_SAMPLES)),
    )


def telling_samples(lines: Sequence[CorrectedLine], number: int) -> list[CorrectedLine]:
    """The lines that gained most, then those that lost most, at most `number` of each."""
    gains = {line.sample.key: _gain(line) for line in lines}
    ranked = sorted(lines, key=lambda line: (-gains[line.sample.key], line.sample.key))
    best = [line for line in ranked[:number] if gains[line.sample.key] > 0]
    worst = [line for line in reversed(ranked[-number:]) if gains[line.sample.key] < 0]
    return best + worst


def _corrected(line: ScoredLine, normalization: TextNormalization) -> CorrectedLine:
    before = line.outcome.uncorrected
    was = line.hypothesis if before is None else normalization(before)
    return CorrectedLine(line.sample, line.reference, was, line.hypothesis)


def _described(line: CorrectedLine) -> dict[str, str]:
    return {"id": line.sample.key, "reference": line.reference, "before": line.before, "after": line.after}


def _gain(line: CorrectedLine) -> int:
    """Character errors that the correction mended, less those that it made."""
    before, after = (character_edits(line.reference, text).edits for text in (line.before, line.after))
    return before - after


def _words(pairs: Iterable[tuple[str, str]], tokenizer: Tokenizer) -> EditCounts:
    return sum((word_edits(*pair, tokenizer=tokenizer) for pair in pairs), start=EditCounts())


def _unknown(lines: Sequence[CorrectedLine], known: KnownWords) -> float:
    words = [line.reference[start:end] for line in lines for start, end in word_places(line.reference)]
    return sum(word not in known for word in words) / max(1, len(words))

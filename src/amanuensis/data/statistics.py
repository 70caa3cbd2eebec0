"""Table II of HTR-JAND, counted for whatever it is given: lines a split, characters, longest text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amanuensis.data.dataset import SPLITS, Dataset, train_samples
from amanuensis.language import TextNormalization
from amanuensis.records import Sample

MAX_LENGTH_BUFFER = 2
"""The paper adds 2 to the longest transcription "to accommodate variations during inference" (D8)."""

COMBINED = "combined"


@dataclass(frozen=True, slots=True)
class SetStatistics:
    """One row of Table II.

    Attributes:
        name: of the data set, or `COMBINED`.
        train, val, test: lines.
        other: lines of no split (IAM's second validation set, say).
        vocab: distinct characters, the space included, CTC's blank not.
        raw: characters of the longest transcription.
        max_length: `raw` and the paper's 2.
        problems: what could not be read.
    """

    name: str
    train: int
    val: int
    test: int
    other: int
    vocab: int
    raw: int
    max_length: int
    problems: int


def statistics(
    datasets: Sequence[Dataset], *, normalization: TextNormalization | None = None
) -> list[SetStatistics]:
    """A row for every data set and, if there are several, one for their union.

    Characters are counted over all splits together, as in the paper's table: this describes data, it is never
    a model's vocabulary. Lines without a split count for that only where the data set has no splits at all.

    Args:
        datasets: as read.
        normalization: how texts are spelt before they are counted; NFC and single spaces by default.
    """
    normalize = normalization or TextNormalization()
    texts = [[normalize(sample.text) for sample in _described(d.samples)] for d in datasets]
    rows = [
        _row(d.name, Counter(s.split for s in d.samples), t, len(d.problems))
        for d, t in zip(datasets, texts, strict=True)
    ]
    if len(datasets) > 1:
        splits = Counter(sample.split for d in datasets for sample in d.samples)
        problems = sum(row.problems for row in rows)
        rows.append(_row(COMBINED, splits, [text for part in texts for text in part], problems))
    return rows


def _described(samples: Sequence[Sample]) -> list[Sample]:
    """The samples that are trained or measured on."""
    return [*train_samples(samples), *(sample for sample in samples if sample.split in ("val", "test"))]


def _row(name: str, splits: Mapping[str, int], texts: Sequence[str], problems: int) -> SetStatistics:
    """One row, from lines a split and normalized texts."""
    raw = max(map(len, texts), default=0)
    train, val, test, other = (splits.get(split, 0) for split in (*SPLITS, ""))
    vocab = len(set().union(*texts))
    return SetStatistics(name, train, val, test, other, vocab, raw, raw + MAX_LENGTH_BUFFER, problems)

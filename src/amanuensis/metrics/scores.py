"""CER, WER and SER of a corpus: counts summed over lines, divided once (never averages of lines or batches).

The paper (HTR-JAND) reports the three without defining them; our reading (spec M1): CER and WER are edits
over reference length, SER is the share of lines that are not exactly right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from amanuensis.metrics.edits import EditCounts, Tokenizer, character_edits, word_edits

Normalization = Callable[[str], str]


class LinePair(NamedTuple):
    """What stands on a line, and what was read."""

    reference: str
    hypothesis: str


@dataclass(frozen=True, slots=True)
class TextScores:
    """The counts of a corpus; corpora add.

    Attributes:
        n: lines.
        characters: edits over code points.
        words: edits over words.
        wrong_lines: lines that are not exactly right.
        misspaced_lines: those of them in which every word is right, so that only the spacing differs (it
            happens where a tokenizer sets punctuation apart, or a normalization keeps white space as it is).
    """

    n: int = 0
    characters: EditCounts = field(default_factory=EditCounts)
    words: EditCounts = field(default_factory=EditCounts)
    wrong_lines: int = 0
    misspaced_lines: int = 0

    def __add__(self, other: TextScores) -> TextScores:
        return TextScores(
            self.n + other.n,
            self.characters + other.characters,
            self.words + other.words,
            self.wrong_lines + other.wrong_lines,
            self.misspaced_lines + other.misspaced_lines,
        )

    @property
    def cer(self) -> float:
        """Character error rate, a ratio of counts; may exceed 1."""
        return self.characters.rate

    @property
    def wer(self) -> float:
        """Word error rate, a ratio of counts; may exceed 1."""
        return self.words.rate

    @property
    def ser(self) -> float:
        """Sentence (line) error rate in [0, 1]; 0 for no lines."""
        return self.wrong_lines / max(1, self.n)


def score_line(
    pair: LinePair, *, normalization: Normalization, tokenizer: Tokenizer = "whitespace"
) -> TextScores:
    """The counts of one line; see `score_lines`."""
    reference, hypothesis = normalization(pair.reference), normalization(pair.hypothesis)
    words = word_edits(reference, hypothesis, tokenizer=tokenizer)
    wrong = int(reference != hypothesis)
    return TextScores(
        n=1,
        characters=character_edits(reference, hypothesis),
        words=words,
        wrong_lines=wrong,
        misspaced_lines=wrong if words.edits == 0 else 0,
    )


def score_lines(
    pairs: Iterable[LinePair], *, normalization: Normalization, tokenizer: Tokenizer = "whitespace"
) -> TextScores:
    """The counts of a corpus.

    Args:
        pairs: one per line. A line that could not be read has the empty hypothesis: to leave it out flatters.
        normalization: applied to both sides; the model's own `TextNormalization`, so it must be said.
        tokenizer: what a word is.
    """
    lines = (score_line(pair, normalization=normalization, tokenizer=tokenizer) for pair in pairs)
    return reduce(add, lines, TextScores())


def confusions(pairs: Iterable[LinePair], *, normalization: Normalization) -> Counter[tuple[str, str]]:
    """How often which character was read as which, from one optimal alignment of each line.

    Returns:
        Counts by (reference character, hypothesis character); "" stands for the missing side, so ("a", "") is
        a deletion and ("", "a") an insertion. Characters read rightly are not counted.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for pair in pairs:
        reference, hypothesis = normalization(pair.reference), normalization(pair.hypothesis)
        for edit in Levenshtein.editops(reference, hypothesis):
            written = "" if edit.tag == "insert" else reference[edit.src_pos]
            read = "" if edit.tag == "delete" else hypothesis[edit.dest_pos]
            counts[written, read] += 1
    return counts


def check_consistency(total: TextScores, parts: Sequence[TextScores]) -> None:
    """Assert what arithmetic demands of every table of scores (spec 2.14; the paper's own tables break it).

    A wrong line holds at least one wrong character and, unless only its spacing differs, one wrong word; and
    the error rate of a union lies between those of its parts.
    """
    for scores in (total, *parts):
        assert scores.wrong_lines <= scores.n, f"more wrong lines than lines: {scores}"
        assert scores.wrong_lines <= scores.characters.edits, (
            f"wrong lines without a wrong character: {scores}"
        )
        told = scores.wrong_lines - scores.misspaced_lines
        assert told <= scores.words.edits, f"wrong lines without a wrong word: {scores}"
    if not parts:
        return
    assert reduce(add, parts) == total, f"the parts do not add up to {total}"
    for rate in ("cer", "wer"):
        rates = [getattr(part, rate) for part in parts if part.characters.length and part.words.length]
        if len(rates) == len(parts):
            assert min(rates) - 1e-9 <= getattr(total, rate) <= max(rates) + 1e-9, f"{rate} outside its parts"

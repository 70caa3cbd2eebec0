"""What a second look at a reading changed, word by word: rescued, and harmed (spec 2.11; our definition).

Correction and language models are praised for the errors that they mend. A user asks first what they break, so both are
counted over the words of the reference: a word is right in a reading if an optimal alignment of words (`word_edits`)
matches it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from rapidfuzz.distance import Levenshtein

from amanuensis.metrics.edits import TOKENIZERS, Tokenizer


@dataclass(frozen=True, slots=True)
class HarmCounts:
    """Words of references before and after a change; counts add.

    Attributes:
        words: in the references.
        right: those that were right before.
        harmed: right before, wrong after.
        rescued: wrong before, right after.
    """

    words: int = 0
    right: int = 0
    harmed: int = 0
    rescued: int = 0

    def __add__(self, other: HarmCounts) -> HarmCounts:
        return HarmCounts(
            self.words + other.words,
            self.right + other.right,
            self.harmed + other.harmed,
            self.rescued + other.rescued,
        )

    @property
    def harm_rate(self) -> float:
        """Right words made wrong over right words, in [0, 1]; 0 where no word was right."""
        return self.harmed / max(1, self.right)

    def harm_bound(self, level: float = 0.95) -> float:
        """What the harm rate is below at that level, one-sided (Wilson's score bound); 1 where no word was right.

        A rate that was seen at a limit lies above it half the time; one whose bound keeps within it hardly does. Words
        of one page count as draws of their own.
        """
        if not self.right:
            return 1.0
        z = NormalDist().inv_cdf(level)
        spread = math.sqrt(self.harmed * (self.right - self.harmed) / self.right + z * z / 4)
        return min(1.0, (self.harmed + z * z / 2 + z * spread) / (self.right + z * z))

    @property
    def rescue_rate(self) -> float:
        """Wrong words made right over wrong words, in [0, 1]; 0 where no word was wrong."""
        return self.rescued / max(1, self.words - self.right)


def count_harm(reference: str, before: str, after: str, *, tokenizer: Tokenizer = "whitespace") -> HarmCounts:
    """The counts of one line. Nothing is normalized here.

    Args:
        reference: what stands there.
        before: what was read.
        after: what was made of it.
        tokenizer: what a word is.
    """
    right, now = (_right_words(reference, text, tokenizer) for text in (before, after))
    return HarmCounts(
        words=len(right),
        right=sum(right),
        harmed=sum(was and not still for was, still in zip(right, now, strict=True)),
        rescued=sum(still and not was for was, still in zip(right, now, strict=True)),
    )


def _right_words(reference: str, hypothesis: str, tokenizer: Tokenizer) -> list[bool]:
    """For each word of the reference, whether the hypothesis has it in its place."""
    split = TOKENIZERS[tokenizer]
    words = split(reference)
    right = [False] * len(words)
    for run in Levenshtein.opcodes(words, split(hypothesis)):
        if run.tag == "equal":
            right[run.src_start : run.src_end] = [True] * (run.src_end - run.src_start)
    return right

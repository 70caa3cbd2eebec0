"""Error rates as corpus counts, their intervals, and what was confused with what."""

from amanuensis.metrics.edits import TOKENIZERS, EditCounts, Tokenizer, character_edits, word_edits
from amanuensis.metrics.scores import (
    LinePair,
    TextScores,
    check_consistency,
    confusions,
    score_line,
    score_lines,
)

__all__ = [
    "TOKENIZERS",
    "EditCounts",
    "LinePair",
    "TextScores",
    "Tokenizer",
    "character_edits",
    "check_consistency",
    "confusions",
    "score_line",
    "score_lines",
    "word_edits",
]

"""Error rates as corpus counts, their intervals, and what was confused with what."""

from amanuensis.metrics.edits import (
    TOKENIZERS,
    EditCounts,
    Tokenizer,
    aligned_pieces,
    character_edits,
    fold_text,
    word_edits,
)
from amanuensis.metrics.intervals import bootstrap_interval
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
    "aligned_pieces",
    "bootstrap_interval",
    "character_edits",
    "check_consistency",
    "confusions",
    "fold_text",
    "score_line",
    "score_lines",
    "word_edits",
]

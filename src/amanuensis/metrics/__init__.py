"""Error rates as corpus counts, their intervals, confusions, and what confidences are worth."""

from amanuensis.metrics.calibration import ReliabilityBin, calibration_error, reliability
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
    "ReliabilityBin",
    "TextScores",
    "Tokenizer",
    "aligned_pieces",
    "bootstrap_interval",
    "calibration_error",
    "character_edits",
    "check_consistency",
    "confusions",
    "fold_text",
    "reliability",
    "score_line",
    "score_lines",
    "word_edits",
]

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
from amanuensis.metrics.expressions import (
    FormulaPair,
    FormulaScores,
    proportion_interval,
    score_formula,
    score_formulas,
    token_confusions,
)
from amanuensis.metrics.harm import HarmCounts, count_harm
from amanuensis.metrics.intervals import bootstrap_interval
from amanuensis.metrics.paired import McNemar, PairedDifference, mcnemar, paired_bootstrap
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
    "FormulaPair",
    "FormulaScores",
    "HarmCounts",
    "LinePair",
    "McNemar",
    "PairedDifference",
    "ReliabilityBin",
    "TextScores",
    "Tokenizer",
    "aligned_pieces",
    "bootstrap_interval",
    "calibration_error",
    "character_edits",
    "check_consistency",
    "confusions",
    "count_harm",
    "fold_text",
    "mcnemar",
    "paired_bootstrap",
    "proportion_interval",
    "reliability",
    "score_formula",
    "score_formulas",
    "score_line",
    "score_lines",
    "token_confusions",
    "word_edits",
]

"""Error rates as corpus counts, their intervals, confusions, and what confidences are worth."""

from amanuensis.metrics.calibration import (
    Claims,
    ReliabilityBin,
    calibration_error,
    calibration_interval,
    reliability,
)
from amanuensis.metrics.edits import (
    TOKENIZERS,
    EditCounts,
    Tokenizer,
    aligned_pieces,
    character_edits,
    fold_text,
    matched,
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
from amanuensis.metrics.log_odds import LogOddsMap, fit_log_odds, map_all
from amanuensis.metrics.paired import McNemar, PairedDifference, mcnemar, paired_bootstrap
from amanuensis.metrics.repeated import Trainings, repeated_difference, repeated_interval, repeated_rate
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
    "Claims",
    "EditCounts",
    "FormulaPair",
    "FormulaScores",
    "HarmCounts",
    "LinePair",
    "LogOddsMap",
    "McNemar",
    "PairedDifference",
    "ReliabilityBin",
    "TextScores",
    "Tokenizer",
    "Trainings",
    "aligned_pieces",
    "bootstrap_interval",
    "calibration_error",
    "calibration_interval",
    "character_edits",
    "check_consistency",
    "confusions",
    "count_harm",
    "fit_log_odds",
    "fold_text",
    "map_all",
    "matched",
    "mcnemar",
    "paired_bootstrap",
    "proportion_interval",
    "reliability",
    "repeated_difference",
    "repeated_interval",
    "repeated_rate",
    "score_formula",
    "score_formulas",
    "score_line",
    "score_lines",
    "token_confusions",
    "word_edits",
]

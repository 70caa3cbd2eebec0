"""A recognizer on labelled lines: per-sample results, scores from them, a report to look at."""

from amanuensis.evaluation.evaluate import EvaluatedRecognizer, evaluate
from amanuensis.evaluation.report import Report, ScoredLine, Summary, score
from amanuensis.evaluation.results import Outcome, Results, read_results, write_results

__all__ = [
    "EvaluatedRecognizer",
    "Outcome",
    "Report",
    "Results",
    "ScoredLine",
    "Summary",
    "evaluate",
    "read_results",
    "score",
    "write_results",
]

"""A recognizer on labelled lines: per-sample results, scores from them, a report to look at."""

from amanuensis.evaluation.evaluate import EvaluatedRecognizer, evaluate
from amanuensis.evaluation.html import html_report, write_html
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
    "html_report",
    "read_results",
    "score",
    "write_html",
    "write_results",
]

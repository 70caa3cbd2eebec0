"""A recognizer on labelled lines: per-sample results, scores from them, a report to look at."""

from amanuensis.evaluation.calibrate import CalibrationTrial, fit_calibration
from amanuensis.evaluation.corrections import CorrectionReport, report_corrections
from amanuensis.evaluation.evaluate import EvaluatedRecognizer, caption, evaluate, transcription
from amanuensis.evaluation.formulas import (
    FormulaReport,
    ScoredFormula,
    compare_formula_results,
    score_formula_results,
)
from amanuensis.evaluation.html import html_report, write_html
from amanuensis.evaluation.reliability import Reliability
from amanuensis.evaluation.report import Report, ScoredLine, Summary, score
from amanuensis.evaluation.results import Outcome, Results, read_results, write_results

__all__ = [
    "CalibrationTrial",
    "CorrectionReport",
    "EvaluatedRecognizer",
    "FormulaReport",
    "Outcome",
    "Reliability",
    "Report",
    "Results",
    "ScoredFormula",
    "ScoredLine",
    "Summary",
    "caption",
    "compare_formula_results",
    "evaluate",
    "fit_calibration",
    "html_report",
    "read_results",
    "report_corrections",
    "score",
    "score_formula_results",
    "transcription",
    "write_html",
    "write_results",
]

"""A recognizer on labelled lines: per-sample results, scores from them, a report to look at."""

from amanuensis.evaluation.calibrate import CalibrationTrial, fit_calibration, try_calibration
from amanuensis.evaluation.correct_results import correct_results
from amanuensis.evaluation.corrections import CorrectionReport, report_corrections
from amanuensis.evaluation.evaluate import EvaluatedRecognizer, caption, evaluate, outcome_of, transcription
from amanuensis.evaluation.formulas import (
    FormulaReport,
    ScoredFormula,
    compare_formula_results,
    score_formula_results,
)
from amanuensis.evaluation.html import html_report, write_html
from amanuensis.evaluation.page_html import write_page_html
from amanuensis.evaluation.page_matching import Matching, match_lines
from amanuensis.evaluation.page_results import (
    PageOutcome,
    PageResults,
    ReadLine,
    is_page_results,
    read_page_results,
    write_page_results,
)
from amanuensis.evaluation.pages import PageReport, ScoredPage, evaluate_page, score_pages
from amanuensis.evaluation.reliability import ClaimedLine, Reliability
from amanuensis.evaluation.report import Report, ScoredLine, Summary, page_of, score
from amanuensis.evaluation.results import Outcome, Results, free_path, read_results, write_results
from amanuensis.evaluation.voting import vote_on

__all__ = [
    "CalibrationTrial",
    "ClaimedLine",
    "CorrectionReport",
    "EvaluatedRecognizer",
    "FormulaReport",
    "Matching",
    "Outcome",
    "PageOutcome",
    "PageReport",
    "PageResults",
    "ReadLine",
    "Reliability",
    "Report",
    "Results",
    "ScoredFormula",
    "ScoredLine",
    "ScoredPage",
    "Summary",
    "caption",
    "compare_formula_results",
    "correct_results",
    "evaluate",
    "evaluate_page",
    "fit_calibration",
    "free_path",
    "html_report",
    "is_page_results",
    "match_lines",
    "outcome_of",
    "page_of",
    "read_page_results",
    "read_results",
    "report_corrections",
    "score",
    "score_formula_results",
    "score_pages",
    "transcription",
    "try_calibration",
    "vote_on",
    "write_html",
    "write_page_html",
    "write_page_results",
    "write_results",
]

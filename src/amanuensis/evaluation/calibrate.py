"""Fit a model's calibration on validation lines, and say what it is worth on lines that it was not fitted on.

*Our addition*. The maps are fitted on all lines; their worth is measured by cross-fitting: pages are dealt into five
parts, and each part is judged by maps fitted on the other four.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amanuensis.errors import DataError
from amanuensis.evaluation.reliability import LEVELS, ClaimedLine, Level, PooledClaims
from amanuensis.evaluation.report import score
from amanuensis.evaluation.results import Results
from amanuensis.metrics import Claims, LogOddsMap, calibration_error, fit_log_odds, map_all, reliability
from amanuensis.recognition import Calibration
from amanuensis.records import Sample

_NUM_PARTS = 5

NUM_LEANT = 100
"""What leaning on another calibration weighs, in claims (of lines: characters); found on 340 words of Latin."""


@dataclass(frozen=True, slots=True)
class CalibrationTrial:
    """What a map does for the confidences of one level.

    Attributes:
        level: characters, words or lines.
        n: claims.
        fitted: the map, fitted on all of them.
        before: their expected calibration error without it; None without claims.
        after: the same with maps fitted on other pages; None with fewer than two pages.
    """

    level: Level
    n: int
    fitted: LogOddsMap
    before: float | None
    after: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "n": self.n,
            **self.fitted.to_dict(),
            "ece_before": self.before,
            "ece_after": self.after,
        }


def fit_calibration(lines: Sequence[ClaimedLine], *, toward: Calibration | None = None) -> Calibration:
    """The maps under which what was right of raw confidences is most likely.

    Args:
        lines: read without a calibration.
        toward: a calibration to lean on where the lines are few: as if `NUM_LEANT` claims more had been seen that it
            fits.
    """
    maps = {level: _fit(PooledClaims.of(lines, level).claims, level, toward) for level in LEVELS}
    return Calibration(**maps, fitted_on=len(lines))


def try_calibration(
    results: Results, samples: Sequence[Sample], *, toward: Calibration | None = None
) -> tuple[Calibration, tuple[CalibrationTrial, ...]]:
    """A calibration from what an uncalibrated model read of validation lines, and what it is worth.

    Args:
        results: of a recognizer's `uncalibrated` twin.
        samples: the same lines.
        toward: see `fit_calibration`.

    Raises:
        DataError: a line is of a test split, the results hold no confidences of words and characters, or the
            calibration to lean on asks a language model that has not judged their words.
    """
    if tested := [sample.key for sample in samples if sample.split.startswith("test")]:
        raise DataError(f"{tested[0]}: a calibration is fitted on validation lines, never on a test split")
    lines = [line.claimed for line in score(results, samples).lines if line.error is None]
    pooled = {level: PooledClaims.of(lines, level) for level in LEVELS}
    if empty := [level for level, claims in pooled.items() if not claims.pages]:
        raise DataError(f"there are no confidences of {empty[0]} to fit a calibration to")
    if toward is not None and toward.words.asks_language and not pooled["words"].claims.judged.size:
        raise DataError("the calibration to lean on asks a language model, and none has judged these words")
    fitted = fit_calibration(lines, toward=toward)
    return fitted, tuple(
        _trial(claims, level, getattr(fitted, level), toward) for level, claims in pooled.items()
    )


def _fit(claims: Claims, level: Level, toward: Calibration | None) -> LogOddsMap:
    if toward is None:
        return fit_log_odds(claims)
    return fit_log_odds(claims.leaning(map_all(claims, getattr(toward, level)), NUM_LEANT))


def _trial(
    pooled: PooledClaims, level: Level, fitted: LogOddsMap, toward: Calibration | None
) -> CalibrationTrial:
    claims, parts = pooled.claims, _parts(pooled.pages)
    mapped = claims.confidences.copy()
    for number in (several := np.unique(parts)):
        here = parts == number
        mapped[here] = map_all(claims[here], _fit(claims[~here], level, toward))
    crossed = replace(claims, confidences=mapped)
    return CalibrationTrial(
        level=level,
        n=len(claims),
        fitted=fitted,
        before=calibration_error(reliability(claims)),
        after=calibration_error(reliability(crossed)) if len(several) > 1 else None,
    )


def _parts(pages: Sequence[str]) -> NDArray[np.intp]:
    """(N,): the part of each claim; the pages are dealt in turn, so parts are about as large."""
    turn = {page: number % _NUM_PARTS for number, page in enumerate(dict.fromkeys(pages))}
    return np.array([turn[page] for page in pages], np.intp)

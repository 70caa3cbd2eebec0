"""A monotone map of confidences, a straight line in their log-odds, and its fit on validation lines.

*Our addition*. The map (Platt's scaling) has two numbers: a slope, which is a temperature, and a shift, which a
temperature alone lacks. On text-small's validation lines, fitted on all sets but one and tried on that one, it was
as well calibrated as maps with three numbers (`docs/experiments.md`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from amanuensis.metrics.calibration import Claims

# Confidences of 0 and 1 have no log-odds; float32 outputs round to them long before they mean it.
_EDGE = 1e-6
# As if so many claims had been seen that the untouched map fits: what little data says of 0 or 1 stays finite.
_PRIOR = 1.0
_STEPS = 50


@dataclass(frozen=True, slots=True)
class LogOddsMap:
    """`log p' / (1 - p') = slope * log p / (1 - p) + shift`; as it is built, it changes nothing.

    Attributes:
        slope: at least 0, so that what was surer stays surer.
        shift: above 0 raises all confidences.
    """

    slope: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("slope", self.slope), ("shift", self.shift)):
            if type(value) not in (int, float) or not math.isfinite(value):
                raise ValueError(f"the {name} of a confidence map must be a number, not {value!r}")
        if self.slope < 0:
            raise ValueError(f"the slope of a confidence map must be at least 0, not {self.slope!r}")

    def __call__(self, confidence: float) -> float:
        """A confidence in [0, 1] to one in [0, 1]."""
        if self == LogOddsMap():
            return confidence
        inside = min(max(confidence, _EDGE), 1 - _EDGE)
        odds = self.slope * math.log(inside / (1 - inside)) + self.shift
        return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0


def fit_log_odds(claims: Claims) -> LogOddsMap:
    """The map under which what was right is most likely (Newton's method on the logistic likelihood).

    Args:
        claims: raw confidences and counts. A line's length counts as so many trials. Without claims, or where
            surer claims are not more often right, the answer is the identity or one confidence for all.
    """
    inside = np.clip(claims.confidences, _EDGE, 1 - _EDGE)
    inputs = np.stack([np.log(inside / (1 - inside)), np.ones(len(claims))], axis=1)
    identity = np.array([1.0, 0.0])
    weights = identity.copy()
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ (claims.right - claims.lengths * chance) - _PRIOR * (weights - identity)
        curvature = (inputs.T * (claims.lengths * chance * (1 - chance))) @ inputs + _PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        # A bounded step: far from the answer the likelihood is no parabola.
        weights = weights + step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < 1e-9:
            break
    if weights[0] < 0:
        return LogOddsMap(0.0, _log_odds_of_all(claims))
    return LogOddsMap(float(weights[0]), float(weights[1]))


def _log_odds_of_all(claims: Claims) -> float:
    right, wrong = claims.right.sum() + _PRIOR, (claims.lengths - claims.right).sum() + _PRIOR
    return float(np.log(right / wrong))

"""A map of confidences, a straight line in their log-odds, and its fit on validation lines.

*Our addition*. The map (Platt's scaling) has two numbers: a slope, which is a temperature, and a shift, which a
temperature alone lacks. On text-small's validation lines, fitted on all sets but one and tried on that one, it was
as well calibrated as maps with three numbers (`docs/experiments.md`). Where a language model read along, two more
numbers weigh what it says of a word: it tells right words from wrong ones better than the network alone does.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from amanuensis.metrics.calibration import Claims

# Confidences of 0 and 1 have no log-odds; float32 outputs round to them long before they mean it.
_EDGE = 1e-6
# As if so many claims had been seen that the untouched map fits: what little data says of 0 or 1 stays finite.
_PRIOR = 1.0
_STEPS = 50


@dataclass(frozen=True, slots=True)
class LogOddsMap:
    """Confidences in [0, 1] to such that mean what they say; as it is built, it changes nothing.

    `log p' / (1 - p') = slope * log p / (1 - p) + shift + language * log P(word) + length * characters`: the last two
    are what a language model says of a word, and that longer words are always less probable.

    Attributes:
        slope: at least 0, so that what was surer stays surer.
        shift: above 0 raises all confidences.
        language: how much a language model's log-probability counts (natural logarithms).
        length: what a character is worth beside that.
    """

    slope: float = 1.0
    shift: float = 0.0
    language: float = 0.0
    length: float = 0.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) not in (int, float) or not math.isfinite(value):
                raise ValueError(f"the {name} of a confidence map must be a number, not {value!r}")
        if self.slope < 0:
            raise ValueError(f"the slope of a confidence map must be at least 0, not {self.slope!r}")

    def __call__(self, confidence: float, judged: tuple[float, int] | None = None) -> float:
        """A confidence in [0, 1] to one in [0, 1].

        Args:
            confidence: raw.
            judged: a word's log-probability by a language model, and its number of characters.

        Raises:
            ValueError: the map asks a language model, and none has judged.
        """
        if self == LogOddsMap():
            return confidence
        if judged is None and self.asks_language:
            raise ValueError("this confidence map was fitted with a language model, and none has judged here")
        inside = min(max(confidence, _EDGE), 1 - _EDGE)
        said, characters = judged or (0.0, 0)
        odds = self.slope * math.log(inside / (1 - inside)) + self.shift
        odds += self.language * said + self.length * characters
        return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0

    @property
    def asks_language(self) -> bool:
        """Whether it can only be applied where a language model has judged."""
        return bool(self.language or self.length)

    def to_dict(self) -> dict[str, float]:
        """As stored: slope and shift, and where a language model counts what it counts."""
        stored = {"slope": self.slope, "shift": self.shift}
        judging = {"language": self.language, "length": self.length}
        return {**stored, **judging} if any(judging.values()) else stored


def map_all(claims: Claims, fitted: LogOddsMap) -> NDArray[np.float64]:
    """(N,): the confidences of the claims, mapped."""
    judgements: list[tuple[float, int] | None] = [None] * len(claims)
    if claims.judged.size:
        judgements = [(said, int(length)) for said, length in claims.judged.tolist()]
    pairs = zip(claims.confidences.tolist(), judgements, strict=True)
    return np.array([fitted(confidence, judged) for confidence, judged in pairs], np.float64)


def fit_log_odds(claims: Claims) -> LogOddsMap:
    """The map under which what was right is most likely (Newton's method on the logistic likelihood).

    Args:
        claims: raw confidences and counts, and perhaps what a language model says. A line's length counts as so many
            trials. Without claims, or where surer claims are not more often right, the answer is the identity or one
            confidence for all.
    """
    inside = np.clip(claims.confidences, _EDGE, 1 - _EDGE)
    columns = [np.log(inside / (1 - inside)), np.ones(len(claims)), *claims.judged.T]
    inputs = np.stack(columns, axis=1)
    identity = np.eye(inputs.shape[1])[0]
    weights = identity.copy()
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ (claims.right - claims.lengths * chance) - _PRIOR * (weights - identity)
        curvature = (inputs.T * (claims.lengths * chance * (1 - chance))) @ inputs
        step = np.linalg.solve(curvature + _PRIOR * np.eye(len(weights)), gradient)
        # A bounded step: far from the answer the likelihood is no parabola.
        weights = weights + step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < 1e-9:
            break
    if weights[0] < 0:
        return LogOddsMap(0.0, _log_odds_of_all(claims))
    return LogOddsMap(*weights.tolist())


def _log_odds_of_all(claims: Claims) -> float:
    right, wrong = claims.right.sum() + _PRIOR, (claims.lengths - claims.right).sum() + _PRIOR
    return float(np.log(right / wrong))

"""What a validation measures: the same for every task, so that the loop need not know which one it trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from amanuensis.recognition import Calibration


@dataclass(frozen=True, slots=True)
class Validation:
    """A measurement on the validation samples, read through the decoding and the metrics that users get.

    Attributes:
        loss: mean over samples, with the paper's weights.
        measure: the name of `error`: "CER" for lines, "WER" for formulas.
        error: a ratio of corpus counts; the best model has the smallest.
        scores: all that a model's config and the log keep: `n`, ratios, `sets`.
        example: (reference, hypothesis) of one sample.
        seconds: it took.
        calibration: of lines, what the confidences are worth, by the way of decoding.
    """

    loss: float
    measure: str
    error: float
    scores: Mapping[str, Any]
    example: tuple[str, str]
    seconds: float
    calibration: Mapping[str, Calibration] = field(default_factory=dict)

"""What an attention search found: tokens, how sure each is, what else it may be, and where it stands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from amanuensis.decoding.ctc import Floats

Ending = Literal["end", "length", "loop"]


@dataclass(frozen=True, slots=True)
class Alternative:
    """The most probable token that was not chosen at a place (it may be the end), and its probability."""

    token: int
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """A sequence of T tokens that may stand in the image.

    Attributes:
        tokens: without start and end; the prefix first, if one was fixed.
        num_fixed: the length of that prefix.
        score: what hypotheses are ranked by (`SearchSettings.length_penalty`), language model included.
        log_probability: of all that follows the prefix and of the end, by the decoder alone; may be -inf.
        ended: by the "end" token; cut at the greatest "length"; or cut after the first cycle of a "loop".
        probabilities: (T) the decoder's probability of each token, those of the prefix too.
        end_probability: that of the end after the last token.
        alternatives: (T) the second choice for each token.
        attention: (T, H, W) where the decoder looked for each token; None without tokens or if it does not tell.
        disagreement: (T) how far the branches of an ensemble differed, in [0, 1]; None for one decoder.
    """

    tokens: tuple[int, ...]
    num_fixed: int
    score: float
    log_probability: float
    ended: Ending
    probabilities: tuple[float, ...]
    end_probability: float
    alternatives: tuple[Alternative, ...]
    attention: Floats | None
    disagreement: tuple[float, ...] | None

    @property
    def confidence(self) -> float:
        """The geometric mean of the probabilities of the free tokens and the end, in [0, 1].

        The same measure as a text line's: comparable between formulas of any length.
        """
        return math.exp(self.log_probability / (len(self.tokens) - self.num_fixed + 1))

    @property
    def centers(self) -> tuple[tuple[float, float], ...] | None:
        """(T) the attention's center of mass (row, column) in cells: the first cell spans 0 to 1.

        Times the encoder's stride that is a place in the prepared image.
        """
        if self.attention is None:
            return None
        mass = self.attention.sum(axis=(1, 2))
        rows = self.attention.sum(axis=2) @ (np.arange(self.attention.shape[1]) + 0.5) / mass
        columns = self.attention.sum(axis=1) @ (np.arange(self.attention.shape[2]) + 0.5) / mass
        return tuple(zip(rows.tolist(), columns.tolist(), strict=True))

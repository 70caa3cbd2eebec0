"""What a search asks of a decoder that writes token by token, and of a language model: two protocols.

Both speak NumPy, so that ONNX Runtime, torch during validation and a toy in a test meet the same search.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from amanuensis.decoding.ctc import Floats
from amanuensis.errors import DataError

State = tuple[npt.NDArray[Any], ...]
"""A decoder's state for N hypotheses: every array's first axis is N, so that a beam reorders by indexing."""


class StepOutput(NamedTuple):
    """What a decoder says about the next token of N hypotheses.

    Attributes:
        log_probs: (N, V), normalized natural logarithms.
        attention: (N, H, W) where it looks, each map summing to 1; None if it does not tell.
        state: after the tokens that were given.
        disagreement: (N,) in [0, 1], how far branches differ; None if there is but one.
    """

    log_probs: Floats
    attention: Floats | None
    state: State
    disagreement: Floats | None = None


class StepDecoder(Protocol):
    """A decoder bound to one image."""

    @property
    def start(self) -> int:
        """The token that is given first; it is never written."""

    @property
    def end(self) -> int:
        """The token that ends a hypothesis; it is not part of it."""

    @property
    def forbidden(self) -> tuple[int, ...]:
        """Tokens that are never written, such as padding (`start` is not either, listed or not)."""

    def begin(self) -> State:
        """The state before any token, N = 1."""

    def step(self, tokens: npt.NDArray[np.int64], state: State) -> StepOutput:
        """Give each of N hypotheses its last token, (N,), and ask for the next; `state` stays untouched."""


class TokenScorer(Protocol):
    """A language model over the decoder's tokens. A state is whatever `advance` needs; it is not changed."""

    def begin(self) -> Any:
        """The state before any token."""

    def advance(self, state: Any, token: int) -> Any:
        """The state after one more token."""

    def scores(self, state: Any) -> Floats:
        """(V,) natural logarithms of the next token's probabilities, by the decoder's indices, end included."""


def checked(log_probs: Floats, num_rows: int, *, where: str) -> npt.NDArray[np.float64]:
    """(N, V) in double precision, or an error: a reading made from anything else would be noise."""
    if log_probs.ndim != 2 or log_probs.shape[0] != num_rows or log_probs.shape[1] == 0:
        raise DataError(
            f"the decoder's output at {where} is {log_probs.shape}; ({num_rows}, tokens) is needed"
        )
    peaks = log_probs.max(axis=1)
    if not np.isfinite(peaks).all():
        raise DataError(f"the decoder's output at {where} holds NaN or infinity")
    if (peaks > 1e-3).any():
        raise DataError(
            f"the decoder's output at {where} exceeds 0: log-probabilities are needed, not logits"
        )
    return log_probs.astype(np.float64)

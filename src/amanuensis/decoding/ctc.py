"""Decoding of CTC outputs in NumPy: best path, forced alignment, the probability of a string.

A *path* gives every frame a symbol or the blank; it is *collapsed* to a string by merging equal neighbours
and then dropping blanks (Graves et al. 2006). Index 0 is the blank. Arrays come from ONNX Runtime or from
torch, and meet the same code: what is measured in training is what users get.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from amanuensis.errors import DataError
from amanuensis.language import BLANK

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Path:
    """A string and the frames that it was read from.

    Attributes:
        tokens: symbol indices, no blanks.
        starts: the first frame of each token's run.
        ends: the frame after each token's run; blanks between tokens belong to none.
        confidences: each token's highest probability within its run, in [0, 1].
        log_probability: of the whole path, blanks included (natural logarithm).
    """

    tokens: tuple[int, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    confidences: tuple[float, ...]
    log_probability: float

    @property
    def confidence(self) -> float:
        """The path's probability to the power 1/length, in [0, 1]: comparable between lines of any length."""
        return math.exp(self.log_probability / max(1, len(self.tokens)))


def log_softmax(logits: Floats) -> Floats:
    """Natural logarithms of the probabilities: (T, V) to (T, V), each row's exponentials sum to 1.

    Raises:
        DataError: the array is not (T, V) with V > 0, or a frame holds NaN, positive infinity or nothing
            finite (a reading made from those would be noise).
    """
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise DataError(f"logits of shape {logits.shape}; (frames, symbols) are needed")
    peaks = logits.max(axis=1, keepdims=True)
    if not np.isfinite(peaks).all():
        raise DataError("the network's output holds NaN or infinity")
    shifted = logits - peaks
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def best_path(logits: Floats) -> Path:
    """The most probable path, collapsed (greedy decoding).

    Args:
        logits: (T, V), unnormalized or log-probabilities; T may be 0.
    """
    log_probs = log_softmax(logits)
    return collapse(log_probs, log_probs.argmax(axis=1))


def min_frames(tokens: Sequence[int]) -> int:
    """The fewest frames that a string fits into: its length, and a blank between equal neighbours."""
    return len(tokens) + sum(a == b for a, b in itertools.pairwise(tokens))


def collapse(log_probs: Floats, symbols: Ints) -> Path:
    """The collapsed path of one symbol per frame: `log_probs` (T, V), `symbols` (T,)."""
    chosen = np.take_along_axis(log_probs, symbols[:, None], axis=1)[:, 0]
    cuts = np.flatnonzero(np.diff(symbols)) + 1
    starts = np.concatenate([[0], cuts]).astype(np.intp)[: len(symbols)]
    ends = np.concatenate([cuts, [len(symbols)]]).astype(np.intp)[: len(starts)]
    runs = [(int(a), int(b)) for a, b in zip(starts, ends, strict=True) if symbols[a] != BLANK]
    return Path(
        tokens=tuple(int(symbols[a]) for a, _ in runs),
        starts=tuple(a for a, _ in runs),
        ends=tuple(b for _, b in runs),
        confidences=tuple(min(1.0, math.exp(chosen[a:b].max())) for a, b in runs),
        log_probability=min(0.0, float(chosen.sum(dtype=np.float64))),
    )

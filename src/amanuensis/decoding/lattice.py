"""Sums and maxima over the CTC lattice of a given string: its probability, and where its symbols stand.

The lattice of a string of L symbols has 2 L + 1 states: a blank before, between and after the symbols. From
frame to frame a path stays, moves on by one state, or skips a blank between two different symbols (Graves et
al. 2006, section 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from amanuensis.decoding.ctc import Floats, Ints, Path, collapse, log_softmax, min_frames
from amanuensis.errors import DataError
from amanuensis.language import BLANK

Doubles = npt.NDArray[np.float64]
_SMALLEST = 1e-250
"""What products lose to the smallest number that there is (1e-308) does not show above it."""


def viterbi_align(logits: Floats, tokens: Sequence[int]) -> Path:
    """The most probable path among those that spell `tokens`: forced alignment.

    Args:
        logits: (T, V), unnormalized or log-probabilities.
        tokens: symbol indices without blanks, as a vocabulary encodes a text; may be empty.

    Raises:
        DataError: the string does not fit into T frames, holds an index that is no symbol of V, or has no
            probability.
    """
    log_probs = log_softmax(logits)
    num_frames, num_classes = log_probs.shape
    if not all(BLANK < token < num_classes for token in tokens):
        raise DataError(f"{list(tokens)} holds an index that is no symbol of {num_classes} classes")
    if min_frames(tokens) > num_frames:
        raise DataError(f"a string that needs {min_frames(tokens)} frames does not fit into {num_frames}")
    if num_frames == 0:
        return Path((), (), (), (), 0.0)
    states = _states([tokens])[0]
    return collapse(log_probs, states[_best_states(log_probs, states)])


def string_log_probabilities(log_probs: Floats, strings: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
    """The natural logarithm of each string's probability, summed over all its paths.

    Args:
        log_probs: (T, V), normalized.
        strings: K strings of symbol indices without blanks.

    Returns:
        (K,); minus infinity for a string that does not fit.
    """
    if len(log_probs) == 0:
        return np.array([-np.inf if string else 0.0 for string in strings])
    exact = log_probs.astype(np.float64)
    states = _states(strings)
    last = np.array([2 * len(string) for string in strings])
    found = _products(exact, states, last)
    lost = ~(found > _SMALLEST)  # so small that products may have become 0 on the way
    with np.errstate(divide="ignore"):
        result: npt.NDArray[np.float64] = np.log(found)
    if lost.any():
        result[lost] = _logarithms(exact, states[lost], last[lost])
    return result


def _products(log_probs: Doubles, states: Ints, last: Ints) -> Doubles:
    """(K,) probabilities of K strings, by products: several times as fast as with logarithms, and not for tiny ones."""
    chances, skips = np.exp(log_probs), _skips(states).astype(np.float64)
    padded = np.zeros((len(states), states.shape[1] + 2))
    reach, one, two = padded[:, 2:], padded[:, 1:-1], padded[:, :-2]
    reach[:, :2] = chances[0][states[:, :2]]
    for frame in chances[1:]:
        more = two * skips
        more += one
        more += reach
        np.multiply(more, frame.take(states), out=reach)
    rows = np.arange(len(states))
    # The empty string has one state only: there is no last symbol before the last blank.
    found: Doubles = reach[rows, last] + np.where(last > 0, reach[rows, last - 1], 0.0)
    return found


def _logarithms(log_probs: Doubles, states: Ints, last: Ints) -> Doubles:
    """(K,) the same as logarithms, however small."""
    skips = _skips(states)
    reach = np.full(states.shape, -np.inf)
    reach[:, :2] = log_probs[0][states[:, :2]]
    for frame in log_probs[1:]:
        one = _shift(reach, 1)
        two = np.where(skips, _shift(reach, 2), -np.inf)
        reach = np.logaddexp(np.logaddexp(reach, one), two) + frame[states]
    rows = np.arange(len(states))
    symbol = np.where(last > 0, reach[rows, last - 1], -np.inf)
    found: Doubles = np.logaddexp(reach[rows, last], symbol)
    return found


def _states(strings: Sequence[Sequence[int]]) -> Ints:
    """(K, S) states of K strings, S = 2 L + 1 of the longest; nothing flows back from the others' padding."""
    states = np.full((len(strings), 2 * max(map(len, strings)) + 1), BLANK, dtype=np.intp)
    for row, string in zip(states, strings, strict=True):
        row[1 : 2 * len(string) : 2] = string
    return states


def _skips(states: Ints) -> npt.NDArray[np.bool_]:
    """(..., S) True where a path may come from two states before."""
    skips = np.zeros(states.shape, dtype=np.bool_)
    skips[..., 2:] = (states[..., 2:] != BLANK) & (states[..., 2:] != states[..., :-2])
    return skips


def _shift(values: npt.NDArray[np.float64], by: int) -> npt.NDArray[np.float64]:
    """(..., S) values moved to later states; the first `by` are minus infinity."""
    shifted = np.full(values.shape, -np.inf)
    shifted[..., by:] = values[..., :-by]
    return shifted


def _best_states(log_probs: Floats, states: Ints) -> Ints:
    """(T,) the most probable walk through `states` (S,), which has to end in the last symbol or after it."""
    num_frames, num_states = len(log_probs), len(states)
    skips = _skips(states)
    reach = np.full(num_states, -np.inf)
    reach[:2] = log_probs[0][states[:2]]
    steps = np.zeros((num_frames, num_states), dtype=np.intp)
    for t in range(1, num_frames):
        ways = np.stack([reach, _shift(reach, 1), np.where(skips, _shift(reach, 2), -np.inf)])
        steps[t] = ways.argmax(axis=0)
        reach = ways.max(axis=0) + log_probs[t][states]
    state = max(range(max(0, num_states - 2), num_states), key=lambda s: float(reach[s]))
    if reach[state] == -np.inf:
        raise DataError("the string has no probability under these logits")
    walk = np.empty(num_frames, dtype=np.intp)
    for t in range(num_frames - 1, -1, -1):
        walk[t] = state
        state -= int(steps[t, state])
    return walk

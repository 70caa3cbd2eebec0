import math

import numpy as np
import pytest

from amanuensis.decoding import best_path, log_softmax, min_frames
from amanuensis.errors import DataError


def logits_of(symbols, num_symbols, sharpness=3.0):
    logits = np.zeros((len(symbols), num_symbols), dtype=np.float32)
    logits[np.arange(len(symbols)), symbols] = sharpness
    return logits


def test_best_path_merges_runs_then_drops_blanks_and_keeps_their_frames():
    path = best_path(logits_of([0, 1, 1, 0, 1, 2, 2, 2, 0], 4))
    assert path.tokens == (1, 1, 2)
    assert path.starts == (1, 4, 5)
    assert path.ends == (3, 5, 8)
    probability = math.exp(3) / (math.exp(3) + 3)
    assert path.confidences == pytest.approx([probability] * 3)
    assert path.log_probability == pytest.approx(9 * math.log(probability), rel=1e-5)
    assert path.confidence == pytest.approx(probability**3, rel=1e-5)


@pytest.mark.parametrize("symbols", [[], [0], [0, 0, 0]])
def test_nothing_but_blanks_is_the_empty_string(symbols):
    path = best_path(logits_of(symbols, 3))
    assert path.tokens == path.starts == path.ends == path.confidences == ()
    assert 0 < path.confidence <= 1


def test_a_token_at_either_edge_keeps_its_frames():
    path = best_path(logits_of([1], 2))
    assert (path.starts, path.ends) == ((0,), (1,))
    path = best_path(logits_of([2, 2, 0, 1], 3))
    assert (path.starts, path.ends) == ((0, 3), (2, 4))


def test_confidence_is_a_probability_even_when_certain():
    path = best_path(logits_of([1, 0, 2], 3, sharpness=500.0))
    assert path.confidence == 1.0
    assert path.confidences == (1.0, 1.0)


def test_log_softmax_sums_to_one_and_ignores_shifts():
    logits = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    log_probs = log_softmax(logits)
    assert log_probs.dtype == np.float32
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(log_softmax(logits + 1000), log_probs, atol=1e-4)
    np.testing.assert_allclose(log_softmax(log_probs), log_probs, atol=1e-6)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros(3),
        np.zeros((2, 0)),
        np.array([[0, np.nan]]),
        np.array([[0, np.inf]]),
        np.full((1, 2), -np.inf),
    ],
)
def test_what_is_no_output_of_a_network_is_refused(bad):
    with pytest.raises(DataError):
        best_path(bad)


def test_min_frames_counts_the_blanks_between_equal_neighbours():
    assert [min_frames(t) for t in ([], [1], [1, 2], [1, 1], [1, 1, 1], [1, 2, 2, 1])] == [0, 1, 2, 3, 5, 5]

"""Prefix beam, string probabilities and forced alignment against enumeration of every path on toys."""

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest

from amanuensis.decoding import (
    best_path,
    log_softmax,
    min_frames,
    prefix_beam,
    string_log_probabilities,
    viterbi_align,
)
from amanuensis.errors import DataError


def collapse(path):
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != 0)


def all_strings(log_probs):
    """Every string's probability and its best path's, by enumeration."""
    num_frames, num_classes = log_probs.shape
    total, best = defaultdict(float), {}
    for path in itertools.product(range(num_classes), repeat=num_frames):
        log_probability = sum(float(log_probs[t, s]) for t, s in enumerate(path))
        string = collapse(path)
        total[string] += math.exp(log_probability)
        if string not in best or log_probability > best[string][0]:
            best[string] = (log_probability, path)
    return total, best


def toys():
    logits = []
    for seed, (num_frames, num_classes) in enumerate([(1, 2), (2, 3), (4, 3), (5, 3), (6, 2), (5, 4)] * 3):
        logits.append(np.random.default_rng(seed).normal(scale=1.5, size=(num_frames, num_classes)))
    return logits


@pytest.mark.parametrize("logits", toys())
def test_against_exhaustive_search(logits):
    log_probs = log_softmax(logits)
    total, best = all_strings(log_probs)
    strings = list(total)
    np.testing.assert_allclose(
        np.exp(string_log_probabilities(log_probs, strings)), [total[s] for s in strings], rtol=1e-9
    )
    wide = prefix_beam(logits, beam=1000, prune=0)
    assert {hypothesis.tokens for hypothesis in wide} == set(strings)
    assert sum(math.exp(hypothesis.log_probability) for hypothesis in wide) == pytest.approx(1)
    assert wide[0].tokens == max(strings, key=total.__getitem__)
    for string, (log_probability, _) in best.items():
        path = viterbi_align(logits, string)
        assert path.tokens == string
        assert path.log_probability == pytest.approx(log_probability)


@pytest.mark.parametrize("beam", [1, 2, 16])
@pytest.mark.parametrize("prune", [0, 1e-4, 0.3])
def test_a_beam_is_never_worse_than_the_best_path(beam, prune):
    for seed in range(30):
        logits = np.random.default_rng(seed).normal(scale=2, size=(12, 5))
        found = prefix_beam(logits, beam=beam, prune=prune)
        greedy = best_path(logits).tokens
        [probability] = string_log_probabilities(log_softmax(logits), [greedy])
        assert found[0].log_probability >= probability
        assert greedy in [hypothesis.tokens for hypothesis in found]
        assert found == sorted(found, key=lambda hypothesis: -hypothesis.log_probability)
        assert len({hypothesis.tokens for hypothesis in found}) == len(found) <= beam + 1


def test_probabilities_below_the_smallest_float_are_as_exact_as_others():
    frames, rare = 120, 1e-5
    log_probs = np.log(np.tile([rare, 1 - rare], (frames, 1)))
    empty, one, two = string_log_probabilities(log_probs, [(), (1,), (1, 1)])
    assert empty == pytest.approx(frames * math.log(rare))  # -1,382: e to that is 0
    assert one == pytest.approx(frames * math.log(1 - rare), abs=2 * frames * rare)
    singles = [string_log_probabilities(log_probs, [string])[0] for string in [(), (1,), (1, 1)]]
    assert singles == [empty, one, two]
    # Of blanks and the symbol after them, one way for each length of the run, of the first frames likewise.
    ways = [
        rare**first * (1 - rare) ** (8 - first - after) * rare**after
        for first in range(8)
        for after in range(8 - first)
    ]
    assert math.exp(string_log_probabilities(log_probs[:8], [(1,)])[0]) == pytest.approx(sum(ways), rel=1e-12)


def test_many_weak_paths_beat_one_strong_path():
    logits = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert best_path(logits).tokens == ()
    first, second = prefix_beam(logits)
    assert (first.tokens, second.tokens) == ((1,), ())
    assert math.exp(first.log_probability) == pytest.approx(0.64)


@pytest.mark.parametrize("seed", [860, 1195, 1741, 2262])
def test_a_prefix_that_left_the_beam_and_returns_is_the_same_prefix(seed):
    # Found by search: here a prefix leaves the beam, its continuation stays, and the prefix comes back.
    # Taken for a new one, it would fill a second place of the four.
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=rng.choice([0.5, 1, 2]), size=(20, 3))
    assert len(prefix_beam(logits, beam=4, prune=0)) >= 4


def test_no_frames_is_the_empty_string_with_certainty():
    nothing = np.zeros((0, 4))
    assert [(h.tokens, h.log_probability) for h in prefix_beam(nothing)] == [((), 0.0)]
    assert viterbi_align(nothing, ()).tokens == ()
    np.testing.assert_array_equal(string_log_probabilities(nothing, [(), (1,)]), [0, -np.inf])


def test_impossible_symbols_leave_the_others():
    logits = np.array([[-np.inf, 0.0, -np.inf], [-np.inf, 1.0, 1.0]])
    [first, *_] = prefix_beam(logits, prune=0.9)
    assert first.tokens in {(1,), (1, 2)}
    with pytest.raises(DataError, match="no probability"):
        viterbi_align(logits, (2, 1))


def test_alignment_gives_the_frames_of_a_given_string():
    logits = np.zeros((8, 4))
    for frame, symbol in enumerate([0, 1, 1, 0, 1, 2, 2, 0]):
        logits[frame, symbol] = 5
    path = viterbi_align(logits, (1, 1, 2))
    assert (path.starts, path.ends) == ((1, 4, 5), (3, 5, 7))
    assert path == best_path(logits)
    other = viterbi_align(logits, (1, 3, 2))
    assert other.tokens == (1, 3, 2)
    assert all(a < b for a, b in zip(other.starts, other.ends, strict=True))
    assert all(end <= start for end, start in zip(other.ends, other.starts[1:], strict=False))
    assert other.log_probability < path.log_probability


@pytest.mark.parametrize("tokens", [(1, 1), (1, 2, 1), (3,), (0,), (-1,)])
def test_a_string_that_does_not_fit_is_refused(tokens):
    with pytest.raises(DataError):
        viterbi_align(np.zeros((2, 3)), tokens)


def test_alignment_fits_exactly_into_its_fewest_frames():
    for tokens in [(1,), (1, 1), (1, 2, 2, 2), (2, 1, 2)]:
        frames = min_frames(tokens)
        path = viterbi_align(np.random.default_rng(0).normal(size=(frames, 3)), tokens)
        assert path.tokens == tokens
        assert path.ends[-1] == frames

"""Forced alignment against every path there is and against the one that reads; cross-entropy on it by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from amanuensis.decoding import min_frames, viterbi_align
from amanuensis.errors import TrainingError
from amanuensis.training.alignment import PADDED, forced_alignment, frame_cross_entropy


def _spelt(path: list[int]) -> list[int]:
    return [symbol for symbol, _ in itertools.groupby(path) if symbol]


@pytest.mark.parametrize("target", [[], [1], [2, 2], [1, 2], [2, 1, 2]])
def test_no_path_that_spells_the_target_is_more_probable(target: list[int]) -> None:
    torch.manual_seed(len(target))
    logits = torch.randn(1, 5, 3)
    log_probs = logits.log_softmax(2)[0]
    paths = [p for p in itertools.product(range(3), repeat=5) if _spelt(list(p)) == target]
    best = max(paths, key=lambda p: sum(float(log_probs[t, s]) for t, s in enumerate(p)))
    assert forced_alignment(logits, torch.tensor([5]), [target]).tolist() == [list(best)]


def test_lines_of_a_batch_do_not_see_each_other_and_equal_the_reading_sides_alignment() -> None:
    rng = np.random.default_rng(0)
    targets = [[1, 1, 1, 1], [], [3, 1, 2], [4] * 2, [2]]
    lengths = torch.tensor([7, 3, 12, 9, 1])
    logits = torch.from_numpy(rng.normal(size=(5, 12, 5)) * 2).float()
    labels = forced_alignment(logits, lengths, targets)
    assert labels.dtype == torch.int64
    for row, length, target in zip(labels.tolist(), lengths.tolist(), targets, strict=True):
        assert min_frames(target) <= length
        assert row[length:] == [PADDED] * (12 - length)
        assert _spelt(row[:length]) == target
    for index, target in enumerate(targets):
        length = int(lengths[index])
        log_probs = logits[index, :length].log_softmax(1)
        found = sum(float(log_probs[t, labels[index, t]]) for t in range(length))
        expected = viterbi_align(logits[index, :length].numpy(), target).log_probability
        assert found == pytest.approx(expected, rel=1e-5)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(TrainingError, match="does not fit"):
        forced_alignment(torch.zeros(2, 3, 3), torch.tensor([3, 2]), [[1], [1, 1]])


def test_cross_entropy_is_the_mean_over_frames_with_or_without_blanks() -> None:
    torch.manual_seed(0)
    logits = torch.randn(3, 4, 3, requires_grad=True)
    labels = torch.tensor([[0, 2, 2, 0], [1, 0, PADDED, PADDED], [0, 0, 0, PADDED]])
    log_probs = logits.detach().log_softmax(2)

    def mean(row: int, frames: list[int]) -> float:
        return -sum(float(log_probs[row, t, labels[row, t]]) for t in frames) / max(1, len(frames))

    every = frame_cross_entropy(logits, labels)
    assert every.tolist() == pytest.approx([mean(0, [0, 1, 2, 3]), mean(1, [0, 1]), mean(2, [0, 1, 2])])
    symbols = frame_cross_entropy(logits, labels, blanks=False)
    assert symbols.tolist() == pytest.approx([mean(0, [1, 2]), mean(1, [0]), 0.0])
    every.sum().backward()
    assert math.isfinite(float(logits.grad.sum()))
    assert (logits.grad[1, 2:] == 0).all()

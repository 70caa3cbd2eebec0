"""CTC against brute force, and the weights of the two heads."""

from __future__ import annotations

import copy
import itertools
import math
from typing import Any

import pytest
import torch

from amanuensis.images import AUGMENTATIONS
from amanuensis.language import TextNormalization, Vocab
from amanuensis.models import LineOutput, build_network
from amanuensis.models.layers import MaskedBatchNormReLU
from amanuensis.training.batches import Batch
from amanuensis.training.curriculum import Course, Stage
from amanuensis.training.objectives import CtcObjective, InBfloat16, Objective, SetWeights, ctc_of_lines

KEYS = ("s/0", "t/0", "synthetic/0-0")


def _collapse(path: tuple[int, ...]) -> list[int]:
    return [symbol for symbol, _ in itertools.groupby(path) if symbol != 0]


def test_ctc_is_the_sum_over_all_paths_per_character() -> None:
    torch.manual_seed(0)
    logits = torch.randn(1, 5, 3)
    target = [1, 2, 2]
    probabilities = logits.softmax(2)[0]
    total = sum(
        math.prod(float(probabilities[t, s]) for t, s in enumerate(path))
        for path in itertools.product(range(3), repeat=5)
        if _collapse(path) == target
    )
    found = ctc_of_lines(logits, torch.tensor([5]), [target])
    assert float(found) == pytest.approx(-math.log(total) / 3, rel=1e-5)


def test_frames_beyond_the_length_do_not_count_nor_does_the_batch() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 6, 4)
    lengths = torch.tensor([6, 4])
    both = ctc_of_lines(logits, lengths, [[1, 2], [3]])
    alone = [
        ctc_of_lines(logits[:1], lengths[:1], [[1, 2]]),
        ctc_of_lines(logits[1:, :4], lengths[1:], [[3]]),
    ]
    assert both.tolist() == pytest.approx(torch.cat(alone).tolist(), rel=1e-6)


def test_an_empty_target_costs_its_blanks_and_one_that_does_not_fit_is_infinite() -> None:
    logits = torch.zeros(1, 3, 2)
    assert float(ctc_of_lines(logits, torch.tensor([3]), [[]])) == pytest.approx(3 * math.log(2))
    assert float(ctc_of_lines(logits, torch.tensor([3]), [[1, 1, 1]])) == math.inf


def _objective(**changes: Any) -> CtcObjective:
    return CtcObjective(Vocab("ab"), TextNormalization(), **changes)


def test_the_auxiliary_weight_falls_to_the_papers_tenth() -> None:
    objective = _objective(auxiliary_start=1.0, auxiliary_warmup=0.3)
    assert objective.weight_at(0) == pytest.approx(1.0)
    assert objective.weight_at(0.15) == pytest.approx(0.55)
    assert objective.weight_at(0.3) == objective.weight_at(1) == 0.1


def test_total_is_main_and_auxiliary_by_their_weights() -> None:
    torch.manual_seed(0)
    output = LineOutput(torch.randn(1, 6, 3), torch.tensor([6]), torch.randn(1, 6, 3), None)
    loss = _objective().of_output(output, ["ab"], done=1.0)
    assert float(loss.total) == pytest.approx(
        0.9 * loss.parts["ctc"] + 0.1 * loss.parts["auxiliary"], rel=1e-6
    )
    alone = _objective().of_output(output._replace(auxiliary=None), ["ab"], done=0.0)
    assert float(alone.total) == pytest.approx(alone.parts["ctc"])


def test_lines_weigh_as_their_data_sets_do_and_synthetic_ones_weigh_one() -> None:
    torch.manual_seed(0)
    course = Course([Stage(1.0, AUGMENTATIONS["none"], synthetic=True)], sets=["s", "t"])
    objective = _objective(line_weights=SetWeights(course, {"s/0": "s", "t/0": "t"}))
    output = LineOutput(torch.randn(3, 6, 3), torch.tensor([6, 6, 6]), None, None)
    batch = Batch(torch.zeros(3, 1, 64, 24), torch.tensor([[64, 24]] * 3), ("ab", "b", "a"), KEYS)
    each = ctc_of_lines(output.logits, output.lengths, [[1, 2], [2], [1]])
    assert float(objective.of_batch(output, batch, 1.0).total) == pytest.approx(float(each.sum()), rel=1e-5)
    course.advance(1, 0.1, 0.3, [0.1, 0.3])  # CERs of s and t
    loss = objective.of_batch(output, batch, 1.0)
    expected = 0.5 * each[0] + 1.5 * each[1] + each[2]
    assert float(loss.total) == pytest.approx(float(expected), rel=1e-5)
    assert loss.parts["ctc"] == pytest.approx(float(each.sum()), rel=1e-5)  # what is told is not weighed
    assert float(objective.of_output(output, batch.texts, 1.0).total) == pytest.approx(
        float(each.sum()), rel=1e-5
    )


def test_targets_are_normalized_and_lose_what_the_alphabet_lacks() -> None:
    objective = CtcObjective(Vocab("aé "), TextNormalization())
    assert objective.vocab.decode(objective.encode("  e\u0301   a§a ")) == "é aa"


def test_in_bfloat16_the_gradient_points_the_same_way_and_statistics_stay_exact() -> None:
    torch.manual_seed(0)
    network = build_network("htr-jand-student-cpu", num_classes=3).train()
    batch = Batch(
        torch.rand(4, 1, 64, 96) * 2 - 1,
        torch.tensor([[64, w] for w in (96, 90, 64, 40)]),
        ("ab",) * 4,
        ("",) * 4,
    )
    exact, rough = (
        _gradient(copy.deepcopy(network), o, batch) for o in (_objective(), InBfloat16(_objective()))
    )
    assert float((exact - rough).abs().max()) > 0  # the precision took effect
    assert float(torch.cosine_similarity(exact, rough, dim=0)) > 0.99
    statistics = MaskedBatchNormReLU(2)
    ones = torch.ones(1, 1, 1, 4099)
    statistics((ones + 0.5 * torch.tensor([1.0, 3.0])[:, None, None]).bfloat16(), ones.bfloat16())
    assert torch.allclose(statistics.running_mean, 0.1 * torch.tensor([1.5, 2.5]), rtol=1e-5)


def _gradient(network: torch.nn.Module, objective: Objective, batch: Batch) -> torch.Tensor:
    objective(network, batch, 0.5).total.backward()
    return torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])

"""Valid areas, sizes under strides, and batch normalization that padding cannot reach."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from amanuensis.models.masks import MaskedBatchNorm, reduced, valid_area


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_the_valid_area_is_a_rectangle_from_the_top_left() -> None:
    mask = valid_area(torch.tensor([[1, 2], [2, 3]]), 2, 3)
    assert mask.shape == (2, 1, 2, 3)
    assert mask[0, 0].tolist() == [[True, True, False], [False, False, False]]
    assert mask[1].all()


def test_a_partial_cell_is_kept_and_strides_compose() -> None:
    assert reduced(torch.tensor([[1, 16], [17, 33]]), 16).tolist() == [[1, 1], [2, 3]]
    sizes = torch.arange(1, 200).reshape(-1, 1).repeat(1, 2)
    assert torch.equal(reduced(reduced(reduced(reduced(sizes, 2), 2), 2), 2), reduced(sizes, 16))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_it_equals_torchs_without_padding(memory_format: torch.memory_format) -> None:
    ours, theirs = MaskedBatchNorm(3), nn.BatchNorm2d(3)
    x = (torch.randn(4, 3, 5, 6) * 3 + 1).contiguous(memory_format=memory_format).requires_grad_()
    y = x.detach().clone().requires_grad_()
    weight = torch.randn(4, 3, 5, 6)
    found, expected = ours(x, torch.ones(4, 1, 5, 6, dtype=torch.bool)), theirs(y)
    (found * weight).sum().backward()
    (expected * weight).sum().backward()
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(x.grad, y.grad, atol=1e-5)
    assert torch.allclose(ours.running_mean, theirs.running_mean, atol=1e-6)
    assert torch.allclose(ours.running_var, theirs.running_var, atol=1e-6)
    assert ours.num_batches_tracked == 1


@pytest.mark.parametrize("training", [True, False])
def test_what_lies_beyond_a_picture_neither_counts_nor_remains(training: bool) -> None:
    tight, padded = MaskedBatchNorm(2).train(training), MaskedBatchNorm(2).train(training)
    x = torch.randn(1, 2, 3, 5)
    noisy = F.pad(x, (0, 7, 0, 2)) + 100 * (1 - F.pad(torch.ones(1, 1, 3, 5), (0, 7, 0, 2)))
    expected = tight(x, torch.ones(1, 1, 3, 5))
    found = padded(noisy, valid_area(torch.tensor([[3, 5]]), 5, 12))
    assert torch.allclose(found[:, :, :3, :5], expected, atol=1e-6)
    assert found[:, :, 3:].abs().max() == 0
    assert found[:, :, :, 5:].abs().max() == 0
    assert torch.allclose(padded.running_var, tight.running_var, atol=1e-6)


def test_a_batch_of_one_cell_falls_back_to_the_running_statistics() -> None:
    norm = MaskedBatchNorm(2)
    found = norm(torch.full((1, 2, 1, 1), 3.0), torch.ones(1, 1, 1, 1))
    assert torch.allclose(found, torch.full((1, 2, 1, 1), 3.0), atol=1e-4)
    assert norm.running_var.isfinite().all()


def test_bfloat16_maps_keep_statistics_of_float32() -> None:
    # Two thousand cells near 100: sums in bfloat16 would be wrong by percents.
    norm, x = MaskedBatchNorm(1), (100 + torch.randn(1, 1, 40, 50)).bfloat16()
    found = norm(x, torch.ones(1, 1, 40, 50, dtype=torch.bool))
    assert found.dtype == torch.bfloat16
    assert norm.running_mean.dtype == torch.float32
    assert torch.allclose(norm.running_mean / 0.1, x.float().mean(), rtol=1e-3)

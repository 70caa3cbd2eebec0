"""The layers against torch's own, against brute force, and against what padding could do to them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from amanuensis.models.layers import (
    BiLSTM,
    CombinedAttention,
    FullGatedConv2d,
    MaskedBatchNormReLU,
    MultiHeadAttention,
    ProximaAttention,
    SqueezeExcitation,
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def _mask(widths: list[int], columns: int) -> torch.Tensor:
    return (torch.arange(columns) < torch.tensor(widths)[:, None])[:, None, None, :].float()


def _packed_twin(layer: BiLSTM) -> nn.LSTM:
    forward, backward = layer.forward_lstm, layer.backward_lstm
    twin = nn.LSTM(forward.input_size, forward.hidden_size, batch_first=True, bidirectional=True)
    state = forward.state_dict() | {f"{name}_reverse": t for name, t in backward.state_dict().items()}
    twin.load_state_dict(state)
    return twin


def test_bilstm_equals_torchs_packed_one_and_so_do_its_gradients() -> None:
    layer, lengths = BiLSTM(5, 7), torch.tensor([9, 4, 1])
    twin = _packed_twin(layer)
    x = torch.randn(3, 9, 5, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    packed = nn.utils.rnn.pack_padded_sequence(y, lengths, batch_first=True)
    expected, _ = nn.utils.rnn.pad_packed_sequence(twin(packed)[0], batch_first=True)
    valid = (torch.arange(9) < lengths[:, None])[:, :, None]
    found = layer(x, lengths) * valid
    assert torch.allclose(found, expected, atol=1e-6)
    weight = torch.randn_like(expected)
    (found * weight).sum().backward()
    (expected * weight).sum().backward()
    assert torch.allclose(x.grad, y.grad, atol=1e-6)
    assert torch.allclose(layer.backward_lstm.weight_hh_l0.grad, twin.weight_hh_l0_reverse.grad, atol=1e-5)


def test_forget_gates_start_open_and_recurrent_weights_orthogonal() -> None:
    lstm = BiLSTM(4, 6).forward_lstm
    assert (lstm.bias_ih_l0 + lstm.bias_hh_l0).tolist() == [0.0] * 6 + [1.0] * 6 + [0.0] * 12
    gate = lstm.weight_hh_l0[6:12]
    assert torch.allclose(gate @ gate.T, torch.eye(6), atol=1e-5)


def test_masked_batch_norm_equals_torchs_without_padding() -> None:
    ours, theirs = MaskedBatchNormReLU(3), nn.BatchNorm2d(3)
    x = torch.randn(4, 3, 5, 6) * 3 + 1
    y = x.clone().requires_grad_()
    x.requires_grad_()
    mask = torch.ones(4, 1, 1, 6)
    weight = torch.randn_like(x)
    (ours(x, mask) * weight).sum().backward()
    (theirs(y).relu() * weight).sum().backward()
    assert torch.allclose(ours(x, mask), theirs(y).relu(), atol=1e-5)
    assert torch.allclose(x.grad, y.grad, atol=1e-4)
    assert torch.allclose(ours.weight.grad, theirs.weight.grad, atol=1e-4)
    assert torch.allclose(ours.bias.grad, theirs.bias.grad, atol=1e-4)
    assert torch.allclose(ours.running_var, theirs.running_var, atol=1e-5)
    assert ours.num_batches_tracked == 2
    assert torch.allclose(ours.eval()(x, mask), theirs.eval()(y).relu(), atol=1e-5)


@pytest.mark.parametrize("widths", [[6, 6], [6, 3], [2, 1]])
def test_the_gradient_of_masked_batch_norm_is_that_of_its_definition(widths: list[int]) -> None:
    norm = MaskedBatchNormReLU(3).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64, requires_grad=True)
    mask = _mask(widths, 6).double()

    def ours(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(norm, {"weight": weight, "bias": bias}, (x, mask))

    def defined(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        cells = x.permute(1, 0, 2, 3)[:, mask.expand(2, 1, 4, 6)[:, 0] > 0]
        mean, variance = cells.mean(1), cells.var(1, correction=0)
        normal = (x - mean[:, None, None]) * torch.rsqrt(variance + norm.eps)[:, None, None]
        return (normal * weight[:, None, None] + bias[:, None, None]).relu() * mask

    inputs = (x, norm.weight, norm.bias)
    up = torch.randn(2, 3, 4, 6, dtype=torch.float64)
    assert torch.allclose(ours(*inputs), defined(*inputs))
    for found, expected in zip(
        torch.autograd.grad(ours(*inputs), inputs, up),
        torch.autograd.grad(defined(*inputs), inputs, up),
        strict=True,
    ):
        assert torch.allclose(found, expected)
    assert torch.autograd.gradcheck(ours, inputs)


def test_batch_statistics_leave_padding_out() -> None:
    narrow, padded = MaskedBatchNormReLU(2), MaskedBatchNormReLU(2)
    x = torch.randn(1, 2, 3, 5)
    alone = narrow(x, _mask([5], 5))
    beside = padded(nn.functional.pad(x, (0, 7), value=9.0), _mask([5], 12))
    assert torch.allclose(beside[..., :5], alone, atol=1e-6)
    assert (beside[..., 5:] == 0).all()
    assert torch.allclose(narrow.running_mean, padded.running_mean, atol=1e-6)
    assert torch.allclose(narrow.running_var, padded.running_var, atol=1e-6)
    beside = padded.eval()(nn.functional.pad(x, (0, 7), value=9.0), _mask([5], 12))
    assert (beside[..., 5:] == 0).all()


def test_a_batch_of_one_pixel_has_finite_statistics() -> None:
    norm = MaskedBatchNormReLU(2)
    x = torch.randn(1, 2, 1, 1, requires_grad=True)
    y = norm(x, torch.ones(1, 1, 1, 1))
    y.sum().backward()
    assert y.isfinite().all()
    assert x.grad.isfinite().all()
    assert norm.running_var.isfinite().all()


def test_squeeze_excitation_averages_over_valid_columns_only() -> None:
    layer = SqueezeExcitation(8)
    x = torch.randn(1, 8, 3, 5)
    alone = layer(x, _mask([5], 5))
    padded = layer(nn.functional.pad(x, (0, 9)), _mask([5], 14))
    assert torch.allclose(padded[..., :5], alone, atol=1e-6)
    assert (padded[..., 5:] == 0).all()


def test_the_gradient_of_squeeze_excitation_is_that_of_its_definition() -> None:
    layer = SqueezeExcitation(8).double()
    x = torch.randn(2, 8, 3, 5, dtype=torch.float64).to(memory_format=torch.channels_last)
    mask = _mask([5, 2], 5).double()
    up = torch.randn_like(x)

    def gradient(*, training: bool) -> torch.Tensor:
        given = (x * mask).detach().requires_grad_()
        layer.train(training)(given, mask).backward(up)
        return given.grad

    assert torch.allclose(gradient(training=True), gradient(training=False))  # autograd's own operations
    assert torch.autograd.gradcheck(layer.train(), ((x * mask).detach().requires_grad_(), mask))


def test_full_gated_conv_is_eq_6() -> None:
    layer = FullGatedConv2d(3)
    x = torch.randn(2, 3, 4, 5)
    weight, bias = layer.conv.weight, layer.conv.bias
    linear = nn.functional.conv2d(x, weight[:3], bias[:3], padding=1)
    gate = nn.functional.conv2d(x, weight[3:], bias[3:], padding=1)
    assert torch.allclose(layer(x), linear * torch.sigmoid(gate), atol=1e-6)


def test_multi_head_attention_equals_torchs() -> None:
    ours, theirs = MultiHeadAttention(8, 2), nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
        theirs.out_proj.weight.copy_(ours.output.weight)
        theirs.out_proj.bias.copy_(ours.output.bias)
    x = torch.randn(2, 6, 8)
    valid = torch.arange(6) < torch.tensor([[6], [4]])
    expected, weights = theirs(x, x, x, key_padding_mask=~valid, average_attn_weights=False)
    found, found_weights = ours(x, valid[:, None, None, :])
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(found_weights, weights, atol=1e-6)


def test_proxima_updates_its_query_as_read_in_spec_2_10() -> None:
    layer = ProximaAttention(4, 1, rounds=2)
    x = torch.randn(1, 5, 4)
    key, value = layer.key(x), layer.value(x)
    first = (x @ key.transpose(1, 2) / math.sqrt(4)).softmax(2) @ value
    query = nn.functional.layer_norm(x + first, (4,))
    second = (query @ key.transpose(1, 2) / math.sqrt(4)).softmax(2) @ value
    found, _ = layer(x, torch.ones(1, 1, 1, 5, dtype=torch.bool))
    assert torch.allclose(found, layer.output(second), atol=1e-6)


def test_proxima_window_sees_near_frames_only() -> None:
    _, weights = ProximaAttention(4, 2, window=1)(
        torch.randn(1, 6, 4), torch.ones(1, 1, 1, 6, dtype=torch.bool)
    )
    frame = torch.arange(6)
    far = (frame[:, None] - frame[None, :]).abs() > 1
    assert (weights[0, :, far] == 0).all()
    assert torch.allclose(weights.sum(3), torch.ones(1, 2, 6))


def test_combined_attention_is_eq_18_and_ignores_padding() -> None:
    layer = CombinedAttention(4, MultiHeadAttention(4, 2), ProximaAttention(4, 2))
    x = torch.randn(1, 5, 4)
    mask = torch.ones(1, 1, 1, 5, dtype=torch.bool)
    parts = torch.cat([layer.multi_head(x, mask)[0], layer.proxima(x, mask)[0]], dim=2)
    alone, _ = layer(x, torch.tensor([5]))
    assert torch.allclose(alone, layer.norm(layer.fuse(parts) + x), atol=1e-6)
    noisy = torch.cat([x, torch.randn(1, 3, 4) * 9], dim=1)
    found, weights = layer(noisy, torch.tensor([5]))
    assert torch.allclose(found[:, :5], alone, atol=1e-5)
    assert weights.shape == (1, 4, 8, 8)
    assert (weights[..., 5:] == 0).all()

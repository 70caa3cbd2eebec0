"""The layers of HTR-JAND: gated convolution, squeeze-and-excitation, BiLSTM, multi-head and Proxima attention.

Source: HTR-JAND, section III-B, equations 4-18. Conventions: B batch, C channels, H x W image, T frames, D width.
Masks are True (or 1) where valid. Our addition throughout: **padding is inert**. Every layer keeps padded
columns at zero and leaves them out of its statistics, so that a reading never depends on the batch it was in.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def valid_columns(widths: Tensor, num_columns: int) -> Tensor:
    """A mask (B, num_columns), True for the first `widths[b]` columns of line b."""
    return torch.arange(num_columns, device=widths.device)[None, :] < widths[:, None]


def _valid_cells(widths: Tensor, x: Tensor) -> Tensor:
    """The mask (B, C, 1, W) of a map (B, C, H, W), in its type: 1 for the first `widths[b]` columns of line b.

    Every channel has its own: beside a map in channels_last memory torch then walks whole rows, where it would start
    anew for each pixel's few channels.
    """
    mask = valid_columns(widths, x.shape[3])[:, None, None, :].to(x.dtype)
    return mask.expand(-1, x.shape[1], -1, -1).contiguous(memory_format=torch.channels_last)


class MaskedBatchNormReLU(nn.BatchNorm2d):
    """ReLU(BN(x)), eq. 4, with statistics that leave padded columns out."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
        """Normalize and rectify.

        Args:
            x: (B, C, H, W), of any value where padded.
            mask: (B, 1 or C, 1, W), 1.0 where valid.

        Returns:
            (B, C, H, W) in x's type, zero where padded.
        """
        if not self.training:
            normalized = F.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
            return F.relu(normalized) * mask
        rectified: Tensor
        given = (x, mask, self.weight, self.bias, self.eps)
        rectified, mean, variance, count = _NormalizedReLU.apply(*given)  # type: ignore[no-untyped-call]
        self._track(mean, variance * count / (count - 1).clamp(min=1))
        return rectified

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.running_mean.lerp_(mean, self.momentum or 0.0)
        self.running_var.lerp_(variance, self.momentum or 0.0)
        self.num_batches_tracked.add_(1)


def _statistics(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance (C,) of the valid cells of (B, C, H, W), zero where padded, and how many cells those are.

    In float32 also where the convolutions run in bfloat16, whose eight bits cannot count to a thousand.
    """
    count = mask[:, 0].sum(dtype=torch.float32) * x.shape[2]
    nothing = torch.zeros(x.shape[1], dtype=torch.promote_types(x.dtype, torch.float32), device=x.device)
    mean, variance = torch.batch_norm_update_stats(x, nothing, nothing, 0.0)  # of all cells, padded ones too
    share = x.numel() / x.shape[1] / count
    valid_mean = mean * share
    return valid_mean, ((variance + mean.square()) * share - valid_mean.square()).clamp(min=0), count


class _NormalizedReLU(torch.autograd.Function):
    """ReLU(BN(x)) of the valid cells as one operation: (y, mean, variance, number of cells).

    Autograd would keep and walk a map for each of its eight steps: a network's whole update takes 8 % longer.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, mask: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, ...]:
        """See `MaskedBatchNormReLU`."""
        x = x * mask
        mean, variance, count = _statistics(x, mask)
        y = F.batch_norm(x, mean, variance, weight, bias, eps=eps).relu_().mul_(mask)
        ctx.save_for_backward(x, y, mask, mean, variance, count, weight)
        ctx.mark_non_differentiable(mean, variance, count)
        ctx.eps = eps
        return y, mean, variance, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_y: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """From the gradient of y to those of x, weight and bias."""
        x, y, mask, mean, variance, count, weight = ctx.saved_tensors
        of_y = torch.ops.aten.threshold_backward(of_y, y, 0)  # none where y is 0: where padded, too
        # As if mean and variance were constants; then what follows from their being those of x.
        of_x, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            of_y, x, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        scale = torch.rsqrt(variance + ctx.eps)
        slope = weight * scale.square() * of_weight / count
        offset = weight * scale * of_bias / count - slope * mean
        of_x.addcmul_(x, slope[:, None, None].to(x.dtype), value=-1).sub_(offset[:, None, None]).mul_(mask)
        return of_x, None, of_weight, of_bias, None


class _MeanOfCells(torch.autograd.Function):
    """The mean (B, C) of a map (B, C, H, W) over `count` cells (B, 1), in float32.

    Its gradient is one number a channel. Autograd would spread it over a map of float32, copy that into the map's type
    and add it in another order of memory: a Student's update takes 4 % longer.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, count: Tensor) -> Tensor:
        """See `SqueezeExcitation`."""
        ctx.save_for_backward(count)
        ctx.shape, ctx.dtype = x.shape, x.dtype
        return x.sum((2, 3), dtype=torch.promote_types(x.dtype, torch.float32)) / count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_mean: Tensor) -> tuple[Tensor, None]:
        """From the gradient of the mean to that of x."""
        (count,) = ctx.saved_tensors
        of_cell = (of_mean / count).to(ctx.dtype)[:, :, None, None].expand(-1, -1, 1, ctx.shape[3])
        return of_cell.contiguous(memory_format=torch.channels_last).expand(ctx.shape), None


class SqueezeExcitation(nn.Module):
    """SE(f) = f * sigma(W2 ReLU(W1 GAP(f))): eq. 5. Reduction and biases are our reading (spec T4, 3.2)."""

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, max(1, channels // reduction))
        self.excite = nn.Linear(max(1, channels // reduction), channels)
        nn.init.ones_(self.excite.bias)  # gates start open, or the features fade block by block

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, C, H, W), zero where padded, and mask (B, 1 or C, 1, W) -> (B, C, H, W)."""
        count = mask[:, 0].sum((1, 2), dtype=torch.float32)[:, None] * x.shape[2]
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(self._average(x, count)))))
        return x * gate[:, :, None, None]

    def _average(self, x: Tensor, count: Tensor) -> Tensor:
        if not self.training:
            return x.sum((2, 3), dtype=torch.promote_types(x.dtype, torch.float32)) / count
        average: Tensor = _MeanOfCells.apply(x, count)  # type: ignore[no-untyped-call]
        return average


class FullGatedConv2d(nn.Module):
    """FGC(X) = (W1 * X) . sigma(W2 * X): eq. 6. One convolution computes both halves; 3x3 is our reading (2.19)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        _init_conv(self.conv)
        with torch.no_grad():
            assert self.conv.bias is not None
            self.conv.bias[channels:] = 1.0  # open gates at the start

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        linear, gate = F.conv2d(x, self.conv.weight, self.conv.bias, padding=1).chunk(2, dim=1)
        if (
            linear.dtype == torch.bfloat16
        ):  # of a slice in channels_last memory torch would compute cell by cell
            linear, gate = (half.contiguous(memory_format=torch.channels_last) for half in (linear, gate))
        return linear * torch.sigmoid(gate)


def _init_conv(conv: nn.Conv2d) -> None:
    """He-normal weights and zero bias (spec 3.6)."""
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)


class ConvBlock(nn.Module):
    """One CNN block: SE(MaxPool(ReLU(BN(W * f + b)))), eq. 4, then the gate of eq. 6 (their order: spec 2.18).

    `pool_first` pools before BN and ReLU, which costs half as much (our addition, spec/cpu.md). `pool` is
    (rows, columns); (1, 1) where a space-to-depth stem has already reduced the image.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        pool: tuple[int, int],
        *,
        pool_first: bool = False,
        squeeze_excitation: bool = True,
        gate: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, padding=1)
        _init_conv(self.conv)
        self.norm = MaskedBatchNormReLU(channels)
        self.squeeze_excitation = SqueezeExcitation(channels) if squeeze_excitation else None
        self.gate = FullGatedConv2d(channels) if gate else None
        self.pool = pool
        self.pool_first = pool_first

    def forward(self, x: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W), zero where padded, and valid widths (B,) -> the same, pooled."""
        x = self.conv(x)
        if self.pool_first:
            x, widths = self._pooled(x, widths)
        mask = _valid_cells(widths, x)
        x = self.norm(x, mask)
        if not self.pool_first:
            x, widths = self._pooled(x, widths)
            mask = _valid_cells(widths, x)
            x = x * mask
        if self.squeeze_excitation is not None:
            x = self.squeeze_excitation(x, mask)
        if self.gate is not None:
            x = self.gate(x) * mask
        return x, widths

    def _pooled(self, x: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        if self.pool == (1, 1):
            return x, widths
        return F.max_pool2d(x, self.pool), widths // self.pool[1]


class BiLSTM(nn.Module):
    """A bidirectional LSTM over padded lines that equals torch's packed one, at a ninth of its cost on a CPU.

    Eqs. 8-14. The backward direction runs on a copy whose valid part is reversed line by line, so neither
    direction sees padding before the line; nothing is packed and the graph exports to ONNX (spec/cpu.md).
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.forward_lstm = nn.LSTM(width, hidden, batch_first=True)
        self.backward_lstm = nn.LSTM(width, hidden, batch_first=True)
        for lstm in (self.forward_lstm, self.backward_lstm):
            _init_lstm(lstm)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D) and valid lengths (B,) -> (B, T, 2 hidden); frames beyond the length are undefined."""
        forward, _ = self.forward_lstm(x)
        backward, _ = self.backward_lstm(_reversed(x, lengths))
        return torch.cat([forward, _reversed(backward, lengths)], dim=2)


def _reversed(x: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, D) with the first `lengths[b]` frames of each line in reverse order, the rest in place."""
    frame = torch.arange(x.shape[1], device=x.device)[None, :]
    index = torch.where(frame < lengths[:, None], lengths[:, None] - 1 - frame, frame)
    return torch.gather(x, 1, index[:, :, None].expand(-1, -1, x.shape[2]))


def _init_lstm(lstm: nn.LSTM) -> None:
    """Xavier input weights, orthogonal recurrent weights, forget-gate bias 1 (spec 3.6)."""
    hidden = lstm.hidden_size
    for name, parameter in lstm.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter)
        elif name.startswith("weight_hh"):
            for gate in range(4):
                nn.init.orthogonal_(parameter.data[gate * hidden : (gate + 1) * hidden])
        else:
            nn.init.zeros_(parameter)
            if name.startswith("bias_ih"):
                parameter.data[hidden : 2 * hidden] = 1.0


def _split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, T, D) -> (B, heads, T, D / heads)."""
    return x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


def _join_heads(x: Tensor) -> Tensor:
    """(B, heads, T, D / heads) -> (B, T, D)."""
    return x.transpose(1, 2).flatten(2)


def _attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention, eq. 15: context (B, heads, T, D / heads) and weights (B, heads, T, T)."""
    scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
    weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=3)
    return weights @ value, weights


class MultiHeadAttention(nn.Module):
    """MultiHead(X) = Concat(head_1, ..., head_h) W^O: eq. 16."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, D) and key mask (B, 1, 1 or T, T) -> output (B, T, D), weights (B, heads, T, T)."""
        query, key, value = (_split_heads(f(x), self.heads) for f in (self.query, self.key, self.value))
        context, weights = _attend(query, key, value, mask)
        return self.output(_join_heads(context)), weights


class ProximaAttention(nn.Module):
    """Attention with "dynamic query updates": eq. 17, in our construction (spec 2.10; the paper defines none).

    Per head, q_0 is the input itself (the paper prints no W_Q), and for r = 1..R: c_r = attend(q_{r-1}, K, V),
    q_r = LN(q_{r-1} + c_r), a layer norm without parameters. R = 1 is plain attention with an identity query.
    `window` keeps |i - j| <= window frames, as the name suggests nearness (off by default).
    """

    def __init__(self, width: int, heads: int, *, rounds: int = 2, window: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.head_width = width // heads
        self.rounds = rounds
        self.window = window
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, D) and key mask (B, 1, 1, T) -> output (B, T, D), weights of the last round (B, heads, T, T)."""
        query, key, value = (_split_heads(y, self.heads) for y in (x, self.key(x), self.value(x)))
        if self.window is not None:
            mask = mask & self._near(x.shape[1], x.device)
        context, weights = _attend(query, key, value, mask)
        for _ in range(self.rounds - 1):
            query = F.layer_norm(query + context, (self.head_width,))
            context, weights = _attend(query, key, value, mask)
        return self.output(_join_heads(context)), weights

    def _near(self, num_frames: int, device: torch.device) -> Tensor:
        frame = torch.arange(num_frames, device=device)
        assert self.window is not None
        return ((frame[:, None] - frame[None, :]).abs() <= self.window)[None, None]


class CombinedAttention(nn.Module):
    """O = LayerNorm(W_f [O_MHA ; O_Proxima] + X): eq. 18. Either half can be switched off (spec 2.29)."""

    def __init__(
        self, width: int, multi_head: MultiHeadAttention | None, proxima: ProximaAttention | None
    ) -> None:
        super().__init__()
        self.multi_head = multi_head
        self.proxima = proxima
        self.fuse = nn.Linear(width * sum(part is not None for part in (multi_head, proxima)), width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, D) and lengths (B,) -> output (B, T, D), weights of all heads (B, heads, T, T)."""
        mask = valid_columns(lengths, x.shape[1])[:, None, None, :]
        parts = [part(x, mask) for part in (self.multi_head, self.proxima) if part is not None]
        fused = self.fuse(torch.cat([output for output, _ in parts], dim=2))
        return self.norm(fused + x), torch.cat([weights for _, weights in parts], dim=1)

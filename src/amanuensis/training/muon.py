"""Muon: momentum whose matrices are made orthogonal, so that every direction of a weight learns at the same pace.

Source: Jordan et al., Muon (2024), with the scale of Liu et al., "Muon is Scalable for LLM Training" (2025): an
update has the root mean square of AdamW's, so a learning rate found for AdamW stays in force. *Our addition*; the
papers train with AdamW and Adadelta. Vectors (biases, normalizations) and classifiers follow AdamW here too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_RMS = 0.2  # of AdamW's updates, by Liu et al.


def orthogonalized(matrices: Tensor) -> Tensor:
    """The nearest semi-orthogonal matrices, roughly: singular values between 0.7 and 1.2, by Newton and Schulz.

    Args:
        matrices: (N, rows, columns).

    Returns:
        The same shape, float32.
    """
    x = matrices.float()
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    orthogonal: Tensor = x.mT if tall else x
    return orthogonal


class Muon(torch.optim.Optimizer):
    """Muon for the groups that say how many matrices are `stacked` in a weight, AdamW for those where it is 0.

    A recurrent layer's weight stacks those of its gates, each of which is a matrix of its own; a convolution's
    is one matrix, (filters, channels x rows x columns).
    """

    def __init__(
        self,
        groups: list[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.99),
        eps: float = 1e-8,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "betas": betas,
            "eps": eps,
            "weight_decay": 0.0,
            "stacked": 0,
        }
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of every weight that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                step = self._orthogonal_step if group["stacked"] else self._adam_step
                step(weight, weight.grad, group)

    def _orthogonal_step(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        momentum = state["momentum"].lerp_(gradient, 1 - group["momentum"])
        nesterov = gradient.lerp(momentum, group["momentum"])
        matrices = nesterov.reshape(group["stacked"], weight.shape[0] // group["stacked"], -1)
        scale = _RMS * math.sqrt(max(matrices.shape[1:]))
        weight.add_(
            orthogonalized(matrices).reshape(weight.shape).to(weight.dtype), alpha=-group["lr"] * scale
        )

    def _adam_step(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"] = torch.zeros_like(weight)
            state["square"] = torch.zeros_like(weight)
        state["step"] += 1
        first, second = group["betas"]
        mean = state["mean"].lerp_(gradient, 1 - first)
        square = state["square"].lerp_(gradient.square(), 1 - second)
        step = state["step"].item()
        deviation = (square / (1 - second**step)).sqrt_().add_(group["eps"])
        weight.addcdiv_(mean, deviation, value=-group["lr"] / (1 - first**step))

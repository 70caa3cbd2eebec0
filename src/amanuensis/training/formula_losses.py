"""Losses of formula networks as functions of tensors: classification, mutual learning, and how they are balanced.

Source: CATNet, eqs. 7-9 and 11-13 (math.md L1-L6, readings C6-C14). Conventions: B batch, L decoding steps (the
symbols of a caption and its end), K classes. Every loss sums over the real steps of each sample and returns (B,);
a `Profile` makes of that the batch's terms. Steps that are not `valid` are never looked at, whatever they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Direction = Literal["literal", "peer_first"]
"""Which distribution weighs the logarithm of a KL: the learner's own (eq. 12) or its peer's (deep mutual learning)."""

MEAN_STEPS = 16.5
"""Decoding steps of a caption, end included, on average over CROHME's 8,835 training captions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How classification and mutual learning weigh against each other (C13).

    The house's loss is a **sum over samples**, so that one batch of 4 equals 4 accumulated batches of 1, whatever the
    lengths. C12's average "over the valid steps of the batch" and a loss "per token" are no such sums: there a
    sample's share depends on the captions beside it. Our reading divides by a constant instead, the mean number of
    steps of the training captions, which is what the steps of a large random batch come to. So every step weighs the
    same, as in eq. 8. `mean_steps=None` divides by each sample's own steps, so that every sample weighs the same (as
    lines do); for a batch of one caption that is C12 and C13 to the letter. Both are sums over samples.

    Attributes:
        weight: alpha of eq. 13 (`paper`, where C12 divides by the K classes) or lambda (per token).
        per_token: whether classification is taken per step, and the KL not divided by K.
        mean_steps: the steps that a sum over steps is divided by; None: the sample's own.
    """

    weight: float
    per_token: bool
    mean_steps: float | None = MEAN_STEPS

    def classification(self, sums: Tensor, steps: Tensor) -> Tensor:
        """The batch's term: losses summed over steps (B,) and the numbers of steps (B,) to a scalar."""
        return self._per_step(sums, steps) if self.per_token else sums.sum()

    def teaching(self, sums: Tensor, steps: Tensor, num_classes: int) -> Tensor:
        """The batch's weighted KL term: T^2 KL summed over steps (B,) and the numbers of steps (B,) to a scalar."""
        return self._per_step(sums, steps) * (self.weight / (1 if self.per_token else num_classes))

    def _per_step(self, sums: Tensor, steps: Tensor) -> Tensor:
        return (sums / (steps if self.mean_steps is None else self.mean_steps)).sum()


PAPER = Profile(weight=5000.0, per_token=False)
"""Eq. 8 summed over the steps plus alpha 5000 times eq. 12 with n = K, averaged over the steps (*our reading* C13)."""

PER_TOKEN = Profile(weight=0.5, per_token=True)
"""Both per step, lambda 0.5 (as in ABM's code). With 5000 / (113 x 16.5) = 2.7 it is `PAPER` divided by 16.5."""


def cross_entropy(logits: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    """The negative log-probability of each caption (eqs. 7, 8).

    Args:
        logits: (B, L, K).
        targets: (B, L) int64.
        valid: (B, L) bool, True for real steps.

    Returns:
        (B,) natural logarithms, summed over steps.
    """
    losses = F.cross_entropy(_real_steps(logits, valid), targets[valid], reduction="none")
    return _summed(losses, valid)


def dual_focal(logits: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    """Dual focal loss (eq. 9): the sum over all classes of -log(1 - (p - Y)^2), p the softmax, Y one at the target.

    It is cross-entropy plus a bounded term of the target y plus a penalty of every other class:
    -log p_y - log(2 - p_y) - sum over i != y of [log(1 - p_i) + log(1 + p_i)].
    That p is the probability and not the logit is *our reading* (C7). *Our addition*: log(1 - p) is taken from the
    other logits where p is large, so value and gradient stay exact up to p = 1, and no probability need be clamped.

    Args and result as in `cross_entropy`.
    """
    log_p = _real_steps(logits, valid).log_softmax(dim=-1)
    target = targets[valid][:, None]
    p = log_p.exp()
    others = (_log_complement(log_p) + p.log1p()).scatter(-1, target, 0.0).sum(dim=-1)
    own = log_p.gather(-1, target) + (1 - p.gather(-1, target)).log1p()
    return _summed(-own[:, 0] - others, valid)


def _log_complement(log_p: Tensor) -> Tensor:
    """log(1 - p) of log-probabilities (N, K); that of the largest is the logarithm of the sum of all others."""
    top = log_p.argmax(dim=-1, keepdim=True)
    rest = log_p.scatter(-1, top, -torch.inf).logsumexp(dim=-1, keepdim=True)
    small = log_p.exp().scatter(-1, top, 0.0)  # at most 1/2: nothing cancels
    return (-small).log1p().scatter(-1, top, rest)


def mutual_kl(
    logits: Sequence[Tensor],
    valid: Tensor,
    *,
    temperature: float = 4.0,
    detach: bool = False,
    direction: Direction = "literal",
) -> Tensor:
    """T^2 times the KL divergences of all ordered pairs of branches, softened by T (eqs. 11, 12; the sum of eq. 13).

    *Paper*: the learner's distribution comes first, no gradient is stopped; then the sum over both orders of a pair
    is the same in either direction (C11). Division by n = K and by steps is the `Profile`'s (C12).

    Args:
        logits: (B, L, K) of each branch, one or more; of one alone the sum is zero.
        valid: (B, L) bool, True for real steps.
        temperature: T.
        detach: whether a peer is a constant to its learner, as in deep mutual learning.
        direction: see `Direction`; it matters only with `detach`.

    Returns:
        (B,) natural logarithms, summed over steps.
    """
    softened = [_softened(branch, valid, temperature) for branch in logits]
    losses = torch.zeros_like(softened[0][:, 0])
    for learner, peer in permutations(softened, 2):
        losses = losses + _kl(learner, peer.detach() if detach else peer, direction)
    return temperature**2 * _summed(losses, valid)


def teacher_kl(
    logits: Tensor,
    teacher: Tensor,
    valid: Tensor,
    *,
    temperature: float = 4.0,
    direction: Direction = "peer_first",
) -> Tensor:
    """T^2 times the KL divergence of one branch and a teacher, which gets no gradient.

    Args:
        logits: (B, L, K), the learner's.
        teacher: (B, L, K).
        valid: (B, L) bool, True for real steps.
        temperature: T.
        direction: see `Direction`.

    Returns:
        (B,) natural logarithms, summed over steps.
    """
    learner = _softened(logits, valid, temperature)
    losses = _kl(learner, _softened(teacher.detach(), valid, temperature), direction)
    return temperature**2 * _summed(losses, valid)


def feature_distance(first: Tensor, second: Tensor, mask: Tensor) -> Tensor:
    """The mean squared difference of two encoders' maps over each sample's valid cells and all channels (C29).

    Args:
        first: (B, D, H, W).
        second: (B, D, H, W).
        mask: (B, H, W) bool, True where valid.

    Returns:
        (B,).
    """
    squares = (first.float() - second.float()).square().mean(dim=1)
    return squares.masked_fill(~mask, 0.0).sum(dim=(1, 2)) / mask.sum(dim=(1, 2))


def _kl(learner: Tensor, peer: Tensor, direction: Direction) -> Tensor:
    """KL divergences of log-probabilities (N, K) to (N,): learner from peer (literal) or peer from learner."""
    first, second = (learner, peer) if direction == "literal" else (peer, learner)
    return (first.exp() * (first - second)).sum(dim=-1)


def _softened(logits: Tensor, valid: Tensor, temperature: float) -> Tensor:
    """The log-probabilities (N, K) of the N real steps at a temperature (eq. 11)."""
    return (_real_steps(logits, valid) / temperature).log_softmax(dim=-1)


def _real_steps(logits: Tensor, valid: Tensor) -> Tensor:
    """The logits (N, K) of the N real steps, in float32 at least."""
    real = logits[valid]
    return real if real.dtype == torch.float64 else real.float()


def _summed(losses: Tensor, valid: Tensor) -> Tensor:
    """The losses (N,) of the real steps, summed by sample: (B,)."""
    return losses.new_zeros(valid.shape).masked_scatter(valid, losses).sum(dim=1)

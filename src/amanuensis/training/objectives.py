"""Objectives: what turns a batch into a loss and named parts. The network and the loop know neither.

Source: HTR-JAND, eq. 19 with the CTC and auxiliary terms (`distillation` adds the other two); the auxiliary classifier
is a CTC head on the CNN's features (our reading 2.9, after Retsinas et al.); eq. 36 weighs lines by their data set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from amanuensis.language import BLANK, TextNormalization, Vocab
from amanuensis.models import LineOutput
from amanuensis.training.batches import Batch
from amanuensis.training.curriculum import Course


@dataclass(frozen=True, slots=True)
class Loss:
    """A batch's loss, **summed** over its lines, so that accumulation and several devices weigh lines equally.

    Attributes:
        total: scalar to differentiate.
        parts: named scalars, detached, summed over lines.
    """

    total: Tensor
    parts: Mapping[str, float]


class Objective(Protocol):
    """The mathematics of a training."""

    def __call__(self, network: torch.nn.Module, batch: Batch, done: float) -> Loss:
        """The loss of a batch when the share `done` of all steps is done."""


@dataclass(frozen=True, slots=True)
class InBfloat16:
    """An objective whose convolutions and matrix products run in bfloat16; weights, statistics, losses stay float32."""

    objective: Objective

    def __call__(self, network: torch.nn.Module, batch: Batch, done: float) -> Loss:
        """See `Objective`."""
        with torch.autocast(batch.images.device.type, torch.bfloat16):
            return self.objective(network, batch, done)


@dataclass(frozen=True, slots=True)
class LossWeights:
    """The four weights of eq. 19, alpha, beta, gamma and delta; they sum to 1."""

    ctc: float
    cross_entropy: float
    distillation: float
    auxiliary: float

    def without_auxiliary(self) -> LossWeights:
        """For a network without an auxiliary head: the others in the same proportion, summing to 1 again."""
        rest = 1 - self.auxiliary
        return LossWeights(self.ctc / rest, self.cross_entropy / rest, self.distillation / rest, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightPlan:
    """How eq. 19 is weighed from the beginning to the end (L7; *our reading*: linearly, and by stage in a curriculum).

    *Paper*: alpha from 0.7 to 0.4, gamma from 0.2 to 0.5, delta 0.1, beta what is left: that is 0 at both ends, and
    with any linear change all the time.

    Attributes:
        alpha: of CTC, at the beginning and at the end.
        gamma: of distillation, at the beginning and at the end.
        delta: of the auxiliary head.
    """

    alpha: tuple[float, float] = (0.7, 0.4)
    gamma: tuple[float, float] = (0.2, 0.5)
    delta: float = 0.1

    def at(self, position: float) -> LossWeights:
        """The weights at a position in [0, 1]."""
        alpha, gamma = (first + position * (last - first) for first, last in (self.alpha, self.gamma))
        beta = round(1 - alpha - gamma - self.delta, 9)  # 0 is 0, and not what rounding leaves of it
        return LossWeights(alpha, beta + 0.0, gamma, self.delta)


LineWeights = Callable[[Sequence[str]], Sequence[float]]
"""Sample keys -> what each line's loss is multiplied by."""


@dataclass(frozen=True, slots=True)
class SetWeights:
    """The weight of a line is that of its data set (eq. 36), as the course has it; synthetic lines weigh 1.

    Attributes:
        course: holds the weights.
        sets: sample key -> data set.
    """

    course: Course
    sets: Mapping[str, str]

    def __call__(self, keys: Sequence[str]) -> list[float]:
        """See `LineWeights`."""
        weights = self.course.state.set_weights
        return [weights.get(self.sets.get(key, ""), 1.0) for key in keys]


class CtcObjective:
    """(1 - delta) CTC(main head) + delta CTC(auxiliary head), each per character of its line.

    `delta` is the paper's constant 0.1. While the share `done` of training is below `warmup`, the auxiliary head
    pulls harder: an extra weight, outside that sum, falls linearly from `start` to delta (our addition, spec 3.6).
    """

    def __init__(
        self,
        vocab: Vocab,
        normalization: TextNormalization,
        *,
        auxiliary_weight: float = 0.1,
        auxiliary_start: float = 1.0,
        auxiliary_warmup: float = 0.3,
        line_weights: LineWeights | None = None,
    ) -> None:
        self.vocab = vocab
        self.normalization = normalization
        self.line_weights = line_weights
        self.auxiliary_weight = auxiliary_weight
        self.auxiliary_start = auxiliary_start
        self.auxiliary_warmup = auxiliary_warmup

    def __call__(self, network: torch.nn.Module, batch: Batch, done: float) -> Loss:
        """See `Objective`."""
        return self.of_batch(network(batch.images, batch.widths), batch, done)

    def of_batch(self, output: LineOutput, batch: Batch, done: float) -> Loss:
        """The loss of a network's output for a batch to learn from."""
        return self._loss(output, batch.texts, done, self.weights_of(batch))

    def of_output(self, output: LineOutput, texts: Sequence[str], done: float) -> Loss:
        """The loss of a network's output, for validation: `done` is 1 there (the paper's weights), lines weigh 1."""
        return self._loss(output, texts, done, torch.ones(len(texts), device=output.logits.device))

    def _loss(self, output: LineOutput, texts: Sequence[str], done: float, weights: Tensor) -> Loss:
        targets = [self.encode(text) for text in texts]
        main = ctc_of_lines(output.logits, output.lengths, targets)
        if output.auxiliary is None:
            return summed({"ctc": main}, {"ctc": 1.0}, weights)
        auxiliary = ctc_of_lines(output.auxiliary, output.lengths, targets)
        shares = {"ctc": 1 - self.auxiliary_weight, "auxiliary": self.weight_at(done)}
        return summed({"ctc": main, "auxiliary": auxiliary}, shares, weights)

    def weights_of(self, batch: Batch) -> Tensor:
        """(B,) what each line's loss is multiplied by."""
        device = batch.images.device
        if self.line_weights is None:
            return torch.ones(len(batch.keys), device=device)
        return torch.tensor(self.line_weights(batch.keys), dtype=torch.float32, device=device)

    def encode(self, text: str) -> list[int]:
        """A training target: normalized, without the symbols that the alphabet leaves out (D6)."""
        return self.vocab.encode(self.vocab.restrict(self.normalization(text)))

    def weight_at(self, done: float) -> float:
        """The auxiliary head's weight."""
        if done >= self.auxiliary_warmup:
            return self.auxiliary_weight
        left = 1 - done / self.auxiliary_warmup
        return self.auxiliary_weight + left * max(0.0, self.auxiliary_start - self.auxiliary_weight)


def summed(terms: Mapping[str, Tensor], shares: Mapping[str, float], weights: Tensor) -> Loss:
    """A loss of terms by line (B,), each with its share, the lines with their weights (B,).

    The parts that are told are plain sums over lines: what a head does, not what it counts.
    """
    total = sum(
        (shares[name] * (term * weights).sum() for name, term in terms.items()), weights.new_zeros(())
    )
    return Loss(total, {name: term.sum().item() for name, term in terms.items()})


def ctc_of_lines(logits: Tensor, lengths: Tensor, targets: Sequence[Sequence[int]]) -> Tensor:
    """CTC's negative log-likelihood divided by each line's target length (eqs. 20-21).

    Args:
        logits: (B, T, V).
        lengths: (B,) valid frames.
        targets: B index sequences without blanks; an empty one costs its blanks.

    Returns:
        (B,); infinite where a target does not fit its frames, which the caller must have ruled out.
    """
    target_lengths = torch.tensor([len(target) for target in targets])
    flat = torch.tensor([index for target in targets for index in target], dtype=torch.long)
    losses = F.ctc_loss(
        logits.float().log_softmax(dim=2).transpose(0, 1),
        flat.to(logits.device),
        lengths.cpu(),
        target_lengths,
        blank=BLANK,
        reduction="none",
    )
    return losses / target_lengths.clamp(min=1).to(losses.device)

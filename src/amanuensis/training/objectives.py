"""Objectives: what turns a batch into a loss and named parts. The network and the loop know neither.

Source: HTR-JAND, eq. 19 with the CTC and auxiliary terms; the auxiliary classifier is a CTC head on the CNN's
features (our reading 2.9, after Retsinas et al.).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from amanuensis.language import BLANK, TextNormalization, Vocab
from amanuensis.models import LineOutput
from amanuensis.training.batches import Batch


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
    ) -> None:
        self.vocab = vocab
        self.normalization = normalization
        self.auxiliary_weight = auxiliary_weight
        self.auxiliary_start = auxiliary_start
        self.auxiliary_warmup = auxiliary_warmup

    def __call__(self, network: torch.nn.Module, batch: Batch, done: float) -> Loss:
        """See `Objective`."""
        output: LineOutput = network(batch.images, batch.widths)
        return self.of_output(output, batch.texts, done)

    def of_output(self, output: LineOutput, texts: Sequence[str], done: float) -> Loss:
        """The loss of a network's output, for validation too (there `done` is 1: the paper's weights)."""
        targets = [self.encode(text) for text in texts]
        main = ctc_per_character(output.logits, output.lengths, targets)
        if output.auxiliary is None:
            return Loss(main, {"ctc": main.item()})
        auxiliary = ctc_per_character(output.auxiliary, output.lengths, targets)
        total = (1 - self.auxiliary_weight) * main + self.weight_at(done) * auxiliary
        return Loss(total, {"ctc": main.item(), "auxiliary": auxiliary.item()})

    def encode(self, text: str) -> list[int]:
        """A training target: normalized, without the symbols that the alphabet leaves out (D6)."""
        return self.vocab.encode(self.vocab.restrict(self.normalization(text)))

    def weight_at(self, done: float) -> float:
        """The auxiliary head's weight."""
        if done >= self.auxiliary_warmup:
            return self.auxiliary_weight
        left = 1 - done / self.auxiliary_warmup
        return self.auxiliary_weight + left * max(0.0, self.auxiliary_start - self.auxiliary_weight)


def ctc_per_character(logits: Tensor, lengths: Tensor, targets: Sequence[Sequence[int]]) -> Tensor:
    """CTC's negative log-likelihood divided by each line's target length, summed over lines (eqs. 20-21).

    Args:
        logits: (B, T, V).
        lengths: (B,) valid frames.
        targets: B index sequences without blanks; an empty one costs its blanks.

    Returns:
        Scalar; infinite if a target does not fit its frames, which the caller must have ruled out.
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
    return (losses / target_lengths.clamp(min=1).to(losses.device)).sum()

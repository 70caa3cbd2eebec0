"""Objectives of formula networks: decoders that teach each other, and the methods they are compared with.

Source: CATNet, eq. 13 and Table 5 (math.md C11-C13, C29, C30). What they share is `FormulaTerms`; what differs is
who teaches: the other branches (`FormulaObjective`), a network that was trained before (`KnowledgeDistillation`), one
that learns beside (`DeepMutualLearning`), or whoever reads a formula best (`KdclNaive`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import torch
from torch import Tensor, nn

from amanuensis.errors import TrainingError
from amanuensis.models.catnet import FormulaOutput
from amanuensis.training.batches import Batch
from amanuensis.training.formula_losses import (
    Direction,
    cross_entropy,
    feature_distance,
    mutual_kl,
    teacher_kl,
)
from amanuensis.training.formula_terms import FormulaTerms, Targets
from amanuensis.training.objectives import Loss


class FormulaLearning(Protocol):
    """An objective of formulas. Beside what every objective has, it knows a loss for validation."""

    @property
    def terms(self) -> FormulaTerms:
        """What all of them share."""

    def __call__(self, network: nn.Module, batch: Batch, done: float) -> Loss:
        """See `Objective`."""

    def of_output(self, output: FormulaOutput, texts: Sequence[str]) -> Loss:
        """The loss of a network's output, for validation."""


class Peers(nn.Module):
    """Complete networks side by side, for `DeepMutualLearning` and `KdclNaive`: all their branches are one output.

    They must reduce pictures alike: the first one's mask is taken for all.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, images: Tensor, sizes: Tensor, tokens: Tensor) -> FormulaOutput:
        """Every network's logits, attention and features in turn; shapes as in `FormulaOutput`."""
        outputs: list[FormulaOutput] = [network(images, sizes, tokens) for network in self.networks]
        return outputs[0]._replace(
            logits=tuple(logits for output in outputs for logits in output.logits),
            attention=tuple(attention for output in outputs for attention in output.attention),
            features=tuple(features for output in outputs for features in output.features),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaObjective:
    """Classification of every branch, and mutual learning between them (eq. 13); with one branch, the baseline.

    Two encoders that share a decoder (C30) are two branches like any other.

    Attributes:
        terms: what all objectives share. A profile of weight 0 leaves mutual learning out: "+M-branch" of Table 2.
        detach, direction: see `mutual_kl`; the defaults are the paper's.
    """

    terms: FormulaTerms
    detach: bool = False
    direction: Direction = "literal"

    def __call__(self, network: nn.Module, batch: Batch, done: float) -> Loss:
        """See `Objective`."""
        output, targets = self.terms.run(network, batch)
        return self.terms.guided(self._loss(output, targets), output, batch, done)

    def of_output(self, output: FormulaOutput, texts: Sequence[str]) -> Loss:
        """The loss of a network's output, for validation too."""
        return self._loss(output, self.terms.targets_for(output, texts))

    def _loss(self, output: FormulaOutput, targets: Targets) -> Loss:
        found = self.terms.classify(output.logits, targets)
        groups = self.terms.teaching_groups(len(output.logits))
        if groups and self.terms.profile.weight:
            sums = [self._kl([output.logits[k] for k in group], targets) for group in groups]
            found["mutual"] = self.terms.teach(sums, targets)
        return _sum(found)

    def _kl(self, group: Sequence[Tensor], targets: Targets) -> Tensor:
        return mutual_kl(
            group,
            targets.valid,
            temperature=self.terms.temperature,
            detach=self.detach,
            direction=self.direction,
        )


class KnowledgeDistillation:
    """Classification, and the KL to a trained network that does not change: "+KD" of Table 5 (*our reading* C29).

    The teacher is a copy in evaluation mode, which no optimizer, gradient or switch to training mode reaches. Its first
    branch, the one that reads, teaches every branch of the student that reads forwards. The teacher's distribution
    comes first in the KL, as in Hinton et al. 2015.
    """

    def __init__(self, terms: FormulaTerms, teacher: nn.Module) -> None:
        if terms.reversed_branches and all(terms.reversed_branches):
            raise TrainingError("reversed_branches: the teacher reads forwards, and no branch of the student")
        self.terms = terms
        self.teacher = copy.deepcopy(teacher).train(False).requires_grad_(False)

    def __call__(self, network: nn.Module, batch: Batch, done: float) -> Loss:
        """See `Objective`.

        Raises:
            TrainingError: the teacher has another number of classes than the student.
        """
        output, targets = self.terms.run(network, batch)
        found = self.terms.classify(output.logits, targets)
        found["distillation"] = self.terms.teach(self._kls(output.logits, targets, batch), targets)
        return self.terms.guided(_sum(found), output, batch, done)

    def of_output(self, output: FormulaOutput, texts: Sequence[str]) -> Loss:
        """The classification alone, for validation: it needs no teacher."""
        return _sum(self.terms.classify(output.logits, self.terms.targets_for(output, texts)))

    def _kls(self, logits: Sequence[Tensor], targets: Targets, batch: Batch) -> list[Tensor]:
        """(B,) of every branch that reads forwards."""
        taught = self._taught(batch, targets)
        if taught.shape != logits[0].shape:
            raise TrainingError(
                f"the teacher has {taught.shape[-1]} classes, the student {logits[0].shape[-1]}; "
                "both must have learned one vocabulary"
            )
        return [
            teacher_kl(branch, taught, targets.valid, temperature=self.terms.temperature)
            for branch, backward in zip(logits, self.terms.directions(len(logits)), strict=True)
            if not backward
        ]

    def _taught(self, batch: Batch, targets: Targets) -> Tensor:
        """The teacher's answers (B, L, K), on the batch's device."""
        self.teacher.to(batch.images.device)
        with torch.no_grad():
            output: FormulaOutput = self.teacher(batch.images, batch.sizes, targets.inputs)
        return output.logits[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepMutualLearning:
    """Complete networks that learn from each other's answers: "+DML" of Table 5, with `l2_weight` "+DML w L2".

    As in Zhang et al. 2018 the peer comes first and is a constant. *Our reading* (C29): the temperature is that of all
    rows, and the L2 term pulls the encoders' maps towards each other, both ways.

    Attributes:
        terms: what all objectives share.
        l2_weight: of `feature_distance` per sample and pair of encoders, whatever the profile; 0 leaves it out.
    """

    terms: FormulaTerms
    l2_weight: float = 0.0

    def __call__(self, network: nn.Module, batch: Batch, done: float) -> Loss:
        """See `Objective`; the network is `Peers`."""
        output, _ = self.terms.run(network, batch)
        return self.terms.guided(self.of_output(output, batch.texts), output, batch, done)

    def of_output(self, output: FormulaOutput, texts: Sequence[str]) -> Loss:
        """The loss of the peers' joint output, for validation too.

        Raises:
            TrainingError: `l2_weight` is set, and there is one encoder or the encoders' maps differ in shape.
        """
        peers = FormulaObjective(terms=self.terms, detach=True, direction="peer_first")
        loss = peers.of_output(output, texts)
        if not self.l2_weight:
            return loss
        distance = self.l2_weight * _distances(output)
        return Loss(loss.total + distance, {**loss.parts, "features": distance.item()})


@dataclass(frozen=True, slots=True, kw_only=True)
class KdclNaive:
    """Whoever reads a formula best teaches all: "+KDCL-naive" of Table 5 (Guo et al. 2020; *our reading* C29).

    The best branch of a group has the lowest cross-entropy over the whole caption. To the others it is a constant and
    comes first in the KL; its own KL is zero.
    """

    terms: FormulaTerms

    def __call__(self, network: nn.Module, batch: Batch, done: float) -> Loss:
        """See `Objective`; the network is `Peers`, or has several branches."""
        output, _ = self.terms.run(network, batch)
        return self.terms.guided(self.of_output(output, batch.texts), output, batch, done)

    def of_output(self, output: FormulaOutput, texts: Sequence[str]) -> Loss:
        """The loss of a network's output, for validation too."""
        targets = self.terms.targets_for(output, texts)
        found = self.terms.classify(output.logits, targets)
        groups = self.terms.teaching_groups(len(output.logits))
        if groups:
            found["ensemble"] = self.terms.teach(
                [self._kl(output, group, targets) for group in groups], targets
            )
        return _sum(found)

    def _kl(self, output: FormulaOutput, group: Sequence[int], targets: Targets) -> Tensor:
        """(B,) of all branches of a group, from each sample's best."""
        branches = [output.logits[k] for k in group]
        answers = targets.towards(self.terms.directions(len(output.logits))[group[0]])
        best = best_answers(branches, answers, targets.valid)
        kls = [teacher_kl(b, best, targets.valid, temperature=self.terms.temperature) for b in branches]
        return torch.stack(kls).sum(dim=0)


def best_answers(branches: Sequence[Tensor], targets: Tensor, valid: Tensor) -> Tensor:
    """Of every sample the logits with the lowest cross-entropy: branches (B, L, K) each to (B, L, K), no gradient."""
    with torch.no_grad():
        losses = torch.stack([cross_entropy(branch, targets, valid) for branch in branches])
        rows = torch.arange(losses.shape[1], device=losses.device)
        return torch.stack(list(branches))[losses.argmin(dim=0), rows]


def _distances(output: FormulaOutput) -> Tensor:
    """The distances of all pairs of encoder maps, summed over pairs and samples."""
    shapes = [tuple(features.shape[1:]) for features in output.features]
    if len(shapes) < 2 or len(set(shapes)) > 1:
        raise TrainingError(f"l2_weight compares encoders' maps of one shape; the network has {shapes}")
    distances = [feature_distance(a, b, output.mask) for a, b in combinations(output.features, 2)]
    return torch.stack(distances).sum()


def _sum(terms: dict[str, Tensor]) -> Loss:
    return Loss(torch.stack(list(terms.values())).sum(), {name: term.item() for name, term in terms.items()})

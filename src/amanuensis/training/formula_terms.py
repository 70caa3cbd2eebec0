"""What all objectives of formulas share: targets, the classification term, and the weighted teaching term.

Source: CATNet, eq. 13 (math.md C9, C13; BTTR-Dual of the amendments). Targets stay strings until here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from amanuensis.errors import TrainingError
from amanuensis.latex import TokenVocab
from amanuensis.models.catnet import FormulaOutput
from amanuensis.training.batches import Batch
from amanuensis.training.formula_losses import PER_TOKEN, Profile, cross_entropy, dual_focal
from amanuensis.training.guidance import Guidance
from amanuensis.training.objectives import Loss

Classification = Literal["ce", "dfl"]

_CLASSIFICATION = {"ce": cross_entropy, "dfl": dual_focal}


@dataclass(frozen=True, slots=True)
class Targets:
    """What the decoders of a batch are given and should answer.

    Attributes:
        inputs: (B, L) int64: start, the caption, padding.
        forward: (B, L) int64: the caption, end, padding.
        backward: (B, L) int64: the caption from its last symbol to its first, start, padding. A decoder that reads
            backwards begins with the end symbol and finishes with the start symbol, as BTTR's.
        valid: (B, L) bool: True for the caption's symbols and the one that finishes it.
    """

    inputs: Tensor
    forward: Tensor
    backward: Tensor
    valid: Tensor

    @classmethod
    def of(cls, texts: Sequence[str], vocab: TokenVocab, device: torch.device) -> Targets:
        """The targets of captions, whose tokens stand between spaces.

        Raises:
            VocabularyError: a caption holds a token that the vocabulary lacks.
        """
        captions = [vocab.encode(text.split()) for text in texts]
        steps = torch.tensor([len(caption) + 1 for caption in captions], device=device)
        length = max((len(caption) + 1 for caption in captions), default=0)

        def padded(rows: Sequence[list[int]]) -> Tensor:
            full = [row + [vocab.pad] * (length - len(row)) for row in rows]
            return torch.tensor(full, dtype=torch.long, device=device).reshape(len(full), length)

        return cls(
            inputs=padded([[vocab.start, *caption] for caption in captions]),
            forward=padded([[*caption, vocab.end] for caption in captions]),
            backward=padded([[*caption[::-1], vocab.start] for caption in captions]),
            valid=torch.arange(length, device=device) < steps[:, None],
        )

    @property
    def steps(self) -> Tensor:
        """(B,) int64: real decoding steps."""
        return self.valid.sum(dim=1)

    def towards(self, backward: bool) -> Tensor:
        """(B, L) int64, the targets of a branch that reads backwards, or forwards."""
        return self.backward if backward else self.forward


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaTerms:
    """What all objectives of formulas share.

    Attributes:
        vocab: the tokens; a network has `vocab.num_classes` outputs.
        classification: `ce` for the first rows of Table 2, `dfl` from "+Focal loss" on (C9).
        profile: the terms' balance.
        temperature: T of eq. 11.
        reversed_branches: for every branch whether it reads backwards; empty: none does.
        groups: branches that may teach each other, by index; empty: all of one reading direction.
        guidance: shows attention where to look, in training alone (our addition).
    """

    vocab: TokenVocab
    classification: Classification = "dfl"
    profile: Profile = PER_TOKEN
    temperature: float = 4.0
    reversed_branches: tuple[bool, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    guidance: Guidance | None = None

    def __post_init__(self) -> None:
        """Refuses what no training could mean.

        Raises:
            TrainingError: the temperature is not positive, or the groups do not fit `reversed_branches`.
        """
        if self.temperature <= 0:
            raise TrainingError(f"a temperature of {self.temperature}; it must be above 0")
        if self.reversed_branches:
            self.teaching_groups(len(self.reversed_branches))

    def run(self, network: nn.Module, batch: Batch) -> tuple[FormulaOutput, Targets]:
        """A network's output under teacher forcing; it turns the forward inputs round where a branch needs that."""
        targets = Targets.of(batch.texts, self.vocab, batch.images.device)
        return network(batch.images, batch.sizes, targets.inputs), targets

    def targets_for(self, output: FormulaOutput, texts: Sequence[str]) -> Targets:
        """The targets of captions, on the device of a network's output."""
        return Targets.of(texts, self.vocab, output.logits[0].device)

    def classify(self, logits: Sequence[Tensor], targets: Targets) -> dict[str, Tensor]:
        """The classification term of all branches, by name: a scalar, summed over branches and samples."""
        loss = _CLASSIFICATION[self.classification]
        sums = [
            loss(branch, targets.towards(backward), targets.valid)
            for branch, backward in zip(logits, self.directions(len(logits)), strict=True)
        ]
        total = torch.stack(sums).sum(dim=0)
        return {self.classification: self.profile.classification(total, targets.steps)}

    def teach(self, sums: Sequence[Tensor], targets: Targets) -> Tensor:
        """The weighted teaching term of KLs (B,), one or more: a scalar, summed over samples."""
        total = torch.stack(list(sums)).sum(dim=0)
        return self.profile.teaching(total, targets.steps, self.vocab.num_classes)

    def guided(self, loss: Loss, output: FormulaOutput, batch: Batch, done: float) -> Loss:
        """The loss and the guidance of the branches that read forwards, if the batch tells where symbols stand."""
        backward = self.directions(len(output.logits))
        attention = [maps for maps, turned in zip(output.attention, backward, strict=True) if not turned]
        if self.guidance is None or not batch.places or not attention:
            return loss
        term, mass = self.guidance(attention, batch.places)
        told = {"guidance": float(term.detach()), "attention_on_symbol": mass * len(batch.texts)}
        return Loss(loss.total + self.guidance.factor(done) * term, {**loss.parts, **told})

    def directions(self, num_branches: int) -> tuple[bool, ...]:
        """For every branch whether it reads backwards.

        Raises:
            TrainingError: `reversed_branches` speaks of another number of branches.
        """
        directions = self.reversed_branches or (False,) * num_branches
        if len(directions) != num_branches:
            raise TrainingError(
                f"the network has {num_branches} branches, reversed_branches names {len(directions)}"
            )
        return directions

    def teaching_groups(self, num_branches: int) -> list[tuple[int, ...]]:
        """The branches that teach each other, by index; those that are alone are left out.

        Raises:
            TrainingError: a group names a branch that is not there, or mixes reading directions.
        """
        directions = self.directions(num_branches)
        groups = self.groups or tuple(
            tuple(k for k, backward in enumerate(directions) if backward == way) for way in (False, True)
        )
        for group in groups:
            if not set(group) <= set(range(num_branches)):
                raise TrainingError(f"groups: {group}; the network's branches are 0 to {num_branches - 1}")
            if len({directions[k] for k in group}) > 1:
                raise TrainingError(
                    f"groups: {group} mixes reading directions; a step there is not the same symbol"
                )
        return [group for group in groups if len(group) > 1]

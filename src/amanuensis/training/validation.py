"""Validation: the network's outputs through the decoding and the metrics that users get."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from amanuensis.decoding import best_path, min_frames
from amanuensis.metrics import LinePair, TextScores, score_lines
from amanuensis.models import LineOutput
from amanuensis.training.batches import ValidationLines
from amanuensis.training.objectives import CtcObjective


@dataclass(frozen=True, slots=True)
class Validation:
    """A measurement on the validation lines.

    Attributes:
        loss: mean over lines, with the paper's weights; lines that CTC cannot align count in the scores only.
        scores: corpus counts; `cer` is theirs.
        by_dataset: the same for every data set.
        example: (reference, hypothesis) of one line.
        seconds: it took.
    """

    loss: float
    scores: TextScores
    by_dataset: dict[str, TextScores]
    example: tuple[str, str]
    seconds: float

    @property
    def cer(self) -> float:
        """Character error rate over all lines."""
        return self.scores.cer


@torch.inference_mode()
def validate(
    network: nn.Module,
    objective: CtcObjective,
    lines: ValidationLines,
    *,
    batch_size: int,
    device: torch.device,
) -> Validation:
    """Loss and scores of greedy reading."""
    network.eval()
    began = time.monotonic()
    pairs: dict[int, LinePair] = {}
    loss = 0.0
    for indices, batch in lines.batches(batch_size):
        on_device = batch.to(device)
        output = network(on_device.images, on_device.widths)
        loss += _loss(objective, output, batch.texts)
        logits, lengths = output.logits.float().cpu().numpy(), output.lengths.tolist()
        for row, index in enumerate(indices):
            tokens = best_path(logits[row, : lengths[row]]).tokens
            pairs[index] = LinePair(batch.texts[row], objective.vocab.decode(tokens))
    by_dataset: dict[str, list[LinePair]] = {}
    for index, pair in pairs.items():
        by_dataset.setdefault(lines.samples[index].dataset, []).append(pair)
    first = pairs[0]
    return Validation(
        loss=loss / max(1, len(pairs)),
        scores=score_lines(pairs.values(), normalization=objective.normalization),
        by_dataset={
            name: score_lines(of_set, normalization=objective.normalization)
            for name, of_set in sorted(by_dataset.items())
        },
        example=(first.reference, first.hypothesis),
        seconds=time.monotonic() - began,
    )


def _loss(objective: CtcObjective, output: LineOutput, texts: Sequence[str]) -> float:
    """Summed over the lines whose targets fit their frames; the others count in the error rates alone."""
    lengths = output.lengths.tolist()
    rows = [i for i, text in enumerate(texts) if min_frames(objective.encode(text)) <= lengths[i]]
    auxiliary = None if output.auxiliary is None else output.auxiliary[rows]
    fitting = LineOutput(output.logits[rows], output.lengths[rows], auxiliary, None)
    return float(objective.of_output(fitting, [texts[i] for i in rows], done=1.0).total) if rows else 0.0

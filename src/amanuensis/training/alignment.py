"""Frames laid upon symbols, and frames upon frames: forced alignment with a target, interpolation in time.

Source: HTR-JAND, eqs. 22, 27 and 35. The cross-entropy of the first two needs a label for every frame, which CTC does
not have; our reading 2.8 takes the most probable path that spells the target (Viterbi through the CTC lattice).
`decoding.viterbi_align` does the same for one line in NumPy; this one takes a batch, on any device.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from amanuensis.errors import TrainingError
from amanuensis.language import BLANK
from amanuensis.models.layers import valid_columns

PADDED = -1
"""The label of frames beyond a line's length."""


@torch.no_grad()
def forced_alignment(logits: Tensor, lengths: Tensor, targets: Sequence[Sequence[int]]) -> Tensor:
    """The symbol that every frame shows on the most probable path that spells the target.

    Args:
        logits: (B, T, V).
        lengths: (B,) valid frames.
        targets: B index sequences without blanks; may be empty.

    Returns:
        (B, T) int64: a symbol or the blank; `PADDED` beyond a line's length.

    Raises:
        TrainingError: a target does not fit its frames.
    """
    states = _states(targets, logits.device)
    log_probs = logits.float().log_softmax(dim=2)
    emissions = log_probs.gather(2, states[:, None, :].expand(-1, logits.shape[1], -1))
    reach, steps = _walk_forwards(emissions, lengths, _skips(states))
    ends = _ends(reach, torch.tensor([2 * len(target) for target in targets], device=logits.device))
    labels = states.gather(1, _walk_back(ends, steps))
    return labels.masked_fill(~valid_columns(lengths, logits.shape[1]), PADDED)


def frame_cross_entropy(logits: Tensor, labels: Tensor, *, blanks: bool = True) -> Tensor:
    """Cross-entropy per frame with labels (eqs. 22, 27), averaged over the frames of each line.

    All classes weigh the same ("equal importance to all classes").

    Args:
        logits: (B, T, V).
        labels: (B, T) int64, as `forced_alignment` gives them.
        blanks: whether frames that show the blank count.

    Returns:
        (B,); 0 for a line without a frame that counts.
    """
    counted = labels != PADDED if blanks else labels > BLANK
    losses = F.cross_entropy(logits.float().transpose(1, 2), labels.clamp(min=BLANK), reduction="none")
    return losses.masked_fill(~counted, 0.0).sum(dim=1) / counted.sum(dim=1).clamp(min=1)


def interpolate_time(logits: Tensor, lengths: Tensor, to_lengths: Tensor, num_frames: int) -> Tensor:
    """Each line's valid frames stretched or shrunk linearly to another number of frames (eq. 35).

    The frames' edges are laid upon each other, as by `interpolate(mode="linear", align_corners=False)`; what lies
    beyond a line's length is never looked at. Where lengths agree nothing changes.

    Args:
        logits: (B, T, V).
        lengths: (B,) valid frames.
        to_lengths: (B,) wanted frames.
        num_frames: T' of the result, the largest of `to_lengths` or more.

    Returns:
        (B, T', V); beyond `to_lengths` a copy of the last valid frame.
    """
    if logits.shape[1] == num_frames and torch.equal(lengths, to_lengths):
        return logits
    last = (lengths - 1)[:, None]
    centers = torch.arange(num_frames, device=logits.device) + 0.5
    where = centers * (lengths / to_lengths.clamp(min=1))[:, None] - 0.5
    where = torch.minimum(where.clamp(min=0), last)
    below = where.long()
    above = torch.minimum(below + 1, last)
    left, right = (_frames(logits.float(), index) for index in (below, above))
    return torch.lerp(left, right, (where - below)[:, :, None])


def _frames(logits: Tensor, index: Tensor) -> Tensor:
    """The frames (B, T') of each line: (B, T', V)."""
    return logits.gather(1, index[:, :, None].expand(-1, -1, logits.shape[2]))


def _states(targets: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    """(B, S) the lattice's states, S = 2 L + 1 of the longest target: a blank before, between and after symbols."""
    states = torch.full((len(targets), 2 * max(map(len, targets), default=0) + 1), BLANK)
    for row, target in zip(states, targets, strict=True):
        row[1 : 2 * len(target) : 2] = torch.tensor(target, dtype=torch.long)
    return states.to(device)


def _skips(states: Tensor) -> Tensor:
    """(B, S) True where a path may come from two states before: between two different symbols."""
    skips = torch.zeros_like(states, dtype=torch.bool)
    skips[:, 2:] = (states[:, 2:] != BLANK) & (states[:, 2:] != states[:, :-2])
    return skips


def _walk_forwards(emissions: Tensor, lengths: Tensor, skips: Tensor) -> tuple[Tensor, Tensor]:
    """Best scores (B, S) of the walks that end in each state, and how many states each step moved (B, T, S)."""
    reach = torch.full_like(emissions[:, 0], -torch.inf)
    reach[:, :2] = emissions[:, 0, :2]
    steps = torch.zeros(emissions.shape, dtype=torch.long, device=emissions.device)
    for t in range(1, emissions.shape[1]):
        two = _shifted(reach, 2).masked_fill(~skips, -torch.inf)
        best, step = torch.stack([reach, _shifted(reach, 1), two]).max(dim=0)
        running = (t < lengths)[:, None]  # a line that has ended stays where it is
        reach = torch.where(running, best + emissions[:, t], reach)
        steps[:, t] = torch.where(running, step, 0)
    return reach, steps


def _shifted(reach: Tensor, by: int) -> Tensor:
    """(B, S) moved to later states; the first `by` are minus infinity."""
    return F.pad(reach, (by, 0), value=-torch.inf)[:, : reach.shape[1]]


def _ends(reach: Tensor, last: Tensor) -> Tensor:
    """(B,) the state in which each line's best walk ends: its last blank or its last symbol."""
    before = (last - 1).clamp(min=0)
    at_last, at_before = (reach.gather(1, state[:, None])[:, 0] for state in (last, before))
    if torch.maximum(at_last, at_before).isneginf().any():
        raise TrainingError("a target does not fit its frames, so nothing can be aligned with it")
    return torch.where(at_before > at_last, before, last)


def _walk_back(ends: Tensor, steps: Tensor) -> Tensor:
    """(B, T) the states of the walks that end in `ends` (B,)."""
    walk = torch.empty(steps.shape[:2], dtype=torch.long, device=steps.device)
    state = ends
    for t in range(steps.shape[1] - 1, -1, -1):
        walk[:, t] = state
        state = state - steps[:, t].gather(1, state[:, None])[:, 0]
    return walk

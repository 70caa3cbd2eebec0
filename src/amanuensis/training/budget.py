"""`--budget 2h30m`: time some real batches once and turn the time into a number of steps."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Callable, Iterator
from itertools import islice

import torch
from torch import nn

from amanuensis.errors import TrainingError
from amanuensis.training.batches import Batch
from amanuensis.training.objectives import Objective

_WARM_UP = 3
TIMED_BATCHES = 20 + _WARM_UP


def parse_duration(text: str) -> float:
    """Seconds of "90s", "45m", "2h30m".

    Raises:
        TrainingError: the text is no duration.
    """
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text.strip())
    seconds = (
        0
        if not match
        else sum(int(n or 0) * unit for n, unit in zip(match.groups(), (3600, 60, 1), strict=True))
    )
    if not seconds:
        raise TrainingError(f"budget {text!r}: write it like 2h30m, 45m or 90s")
    return float(seconds)


def seconds_per_batch(
    network: nn.Module,
    objective: Objective,
    batches: Iterator[Batch],
    *,
    num_batches: int,
    device: torch.device,
) -> float:
    """What a forward and backward pass with its data costs, measured on a copy of the network."""
    trial = copy.deepcopy(network).train()
    warm = min(_WARM_UP, max(0, num_batches - 1))
    for batch in islice(batches, warm):
        _pass(trial, objective, batch.to(device))
    began = time.monotonic()
    for batch in batches:
        _pass(trial, objective, batch.to(device))
    return (time.monotonic() - began) / max(1, num_batches - warm)


def _pass(network: nn.Module, objective: Objective, batch: Batch) -> None:
    loss = objective(network, batch, 0.0)
    loss.total.backward()  # type: ignore[no-untyped-call]
    loss.total.item()  # waits for the device


def steps_within(
    budget: float,
    *,
    per_step: float,
    steps_per_epoch: int,
    validate: Callable[[], float],
    validate_every: int,
) -> int:
    """How many steps fit, the validations between them included.

    Args:
        budget: seconds.
        per_step: seconds of one update.
        steps_per_epoch: updates between two epochs.
        validate: runs a validation and returns its seconds.
        validate_every: epochs between two validations.
    """
    per_step += validate() / (steps_per_epoch * validate_every)
    return max(1, int(budget / per_step))

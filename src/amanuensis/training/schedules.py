"""Learning-rate schedules: pure functions of the share of training that is done, so a resumed run needs no state."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

Schedule = Callable[[float, float], float]
"""(share of all steps done in [0, 1), share used for warm-up) -> factor of the recipe's learning rate."""


def constant(done: float, warmup: float) -> float:
    """Linear warm-up, then 1."""
    return _warm(done, warmup)


def one_cycle(done: float, warmup: float) -> float:
    """Linear from 1/25 up to 1 over the warm-up, then a cosine down to 1/1000 (Smith's policy without momentum)."""
    if done < warmup:
        return 0.04 + 0.96 * done / warmup
    rest = (done - warmup) / (1 - warmup)
    return 0.001 + 0.999 * 0.5 * (1 + math.cos(math.pi * min(1.0, rest)))


def step_decay(done: float, warmup: float) -> float:
    """Linear warm-up, then x 0.1 at 50 % and again at 75 % of the training (Retsinas et al., spec R7)."""
    return _warm(done, warmup) * (1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01)


def _warm(done: float, warmup: float) -> float:
    return min(1.0, (done + 1e-3) / (warmup + 1e-3))


SCHEDULES: Mapping[str, Schedule] = {"constant": constant, "one-cycle": one_cycle, "step": step_decay}

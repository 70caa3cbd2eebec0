"""The loop guard: a decoder that writes the same tokens over and over is stopped (our addition).

Formulas do repeat themselves: 3.333333333333333, eight zeros, six nested powers of 9, five times `- 1 / 3`. The
longest repetitions in the 12,838 captions of CROHME (train, 2013, 2014, 2016, 2019) are 15 tokens of period 1, 5.3
cycles of any longer period, and the defaults lie above them: no caption is cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amanuensis.errors import RecipeError


@dataclass(frozen=True, slots=True)
class LoopGuard:
    """When tokens count as a loop: they end in a cycle that was gone through often enough, and for long enough.

    Attributes:
        max_period: the longest cycle that is looked for, in tokens.
        min_cycles: how often a cycle stands there before it is a loop, the first time counted.
        min_tokens: how many tokens all the cycles must make up; this is what spares a row of digits.
    """

    max_period: int = 16
    min_cycles: int = 6
    min_tokens: int = 24

    def __post_init__(self) -> None:
        """Refuse what would cut everything.

        Raises:
            RecipeError: there is no cycle, or it would be a loop when seen for the first time.
        """
        if self.max_period < 1 or self.min_cycles < 2:
            raise RecipeError(f"{self}: max_period must be at least 1 and min_cycles at least 2")

    def cut(self, tokens: Sequence[int]) -> int | None:
        """How many tokens to keep, or None if they do not end in a loop.

        Asked after every token, it answers at the earliest one; then what is kept ends with the loop's first
        cycle.
        """
        for period in range(1, min(self.max_period, len(tokens) // self.min_cycles) + 1):
            needed = max(period * self.min_cycles, self.min_tokens)
            if len(tokens) < needed or tokens[-1] != tokens[-1 - period]:
                continue
            tail = tuple(tokens[-needed:])
            if tail[period:] == tail[:-period]:
                return len(tokens) - needed + period
        return None

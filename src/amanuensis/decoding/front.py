"""The records of an attention search under way: hypotheses as chains of tokens, and those that go on together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from amanuensis.decoding.ctc import Floats
from amanuensis.decoding.hypothesis import Alternative, Ending
from amanuensis.decoding.steps import State, StepOutput


@dataclass(frozen=True, slots=True)
class Node:
    """One token of a hypothesis and all that is known of it; a hypothesis is a chain of these.

    `total` is what the beam ranks by, up to and with this token; `end_total` and `end_log_prob` tell what it
    would have been to end before this token instead.
    """

    parent: Node | None
    token: int
    log_prob: float
    total: float
    end_log_prob: float
    end_total: float
    second: Alternative
    attention: Floats | None
    disagreement: float | None

    def chain(self) -> list[Node]:
        """The nodes from the first token to this one."""
        nodes, node = [], self
        while node.parent is not None:
            nodes.append(node)
            node = node.parent
        return [node, *reversed(nodes)]


@dataclass(frozen=True, slots=True)
class Front:
    """N hypotheses of equal length that go on; `greedy` is the row of the greedy one, None once that ended."""

    nodes: list[Node | None]
    strings: list[tuple[int, ...]]
    totals: npt.NDArray[np.float64]
    state: State
    language: list[Any]
    greedy: int | None

    def __len__(self) -> int:
        return len(self.nodes)

    def take(self, rows: list[int]) -> Front:
        """Some of the hypotheses, in this order."""
        greedy = rows.index(self.greedy) if self.greedy in rows else None
        return Front(
            nodes=[self.nodes[row] for row in rows],
            strings=[self.strings[row] for row in rows],
            totals=self.totals[rows],
            state=tuple(array[rows] for array in self.state),
            language=[self.language[row] for row in rows],
            greedy=greedy,
        )


@dataclass(frozen=True, slots=True)
class View:
    """The next token of N hypotheses.

    `log_probs` (N, V) is what the decoder says; `totals` (N, V) adds the language model and all that came before,
    and is minus infinity for what must not be written.
    """

    output: StepOutput
    log_probs: npt.NDArray[np.float64]
    totals: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ended:
    """A hypothesis that goes on no more."""

    nodes: list[Node]
    end_log_prob: float
    total: float
    ended: Ending

"""CTC prefix beam search in NumPy (Graves & Jaitly 2014; Hannun et al. 2014): exact with a beam wide enough.

The best path is the most probable path; the most probable *string* may be another, as many paths spell one
string. The search keeps the most probable prefixes and sums over their paths.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from amanuensis.decoding.ctc import Floats, best_path, log_softmax
from amanuensis.decoding.lattice import string_log_probabilities
from amanuensis.language import BLANK

_ROOT = 0


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A string that may stand in the image.

    Attributes:
        tokens: symbol indices, no blanks.
        log_probability: of the string: the natural logarithm of the sum over all its paths.
    """

    tokens: tuple[int, ...]
    log_probability: float


def prefix_beam(logits: Floats, *, beam: int = 16, prune: float = 1e-4) -> list[Hypothesis]:
    """The most probable strings that a beam search finds, best first.

    Our addition: the string of the best path is always among them, and all are ranked by their exact
    probabilities, not by the lower bounds that a pruned search ends with. So a beam is never worse than the
    best path.

    Args:
        logits: (T, V), unnormalized or log-probabilities; T may be 0.
        beam: prefixes kept per frame, at least 1.
        prune: a symbol less probable than this in a frame is not tried there; 0 tries all.

    Returns:
        At least one hypothesis and at most `beam + 1`, all different.
    """
    log_probs = log_softmax(logits).astype(np.float64)
    threshold = math.log(prune) if prune > 0 else -math.inf
    trie = _Trie()
    front = _Front([_ROOT], np.array([BLANK]), np.zeros(1), np.full(1, -np.inf))
    for frame in log_probs:
        front = _advance(front, frame, trie=trie, beam=beam, threshold=threshold)
    strings = list(dict.fromkeys([best_path(log_probs).tokens, *map(trie.spell, front.nodes)]))
    scores = string_log_probabilities(log_probs, strings)
    ranked = sorted(zip(strings, scores.tolist(), strict=True), key=lambda pair: -pair[1])
    return [Hypothesis(tokens, min(0.0, score)) for tokens, score in ranked]


@dataclass(slots=True)
class _Trie:
    """All prefixes met so far; a prefix that left the beam and comes back is the same node."""

    parents: list[int] = field(default_factory=lambda: [-1])
    symbols: list[int] = field(default_factory=lambda: [BLANK])
    children: dict[tuple[int, int], int] = field(default_factory=dict)

    def child(self, node: int, symbol: int) -> int:
        if (node, symbol) not in self.children:
            self.children[node, symbol] = len(self.parents)
            self.parents.append(node)
            self.symbols.append(symbol)
        return self.children[node, symbol]

    def spell(self, node: int) -> tuple[int, ...]:
        tokens: list[int] = []
        while node != _ROOT:
            tokens.append(self.symbols[node])
            node = self.parents[node]
        return tuple(reversed(tokens))


@dataclass(frozen=True, slots=True)
class _Front:
    """K prefixes: trie nodes, last symbols (K,), log-probabilities (K,) of ending in a blank or in those."""

    nodes: list[int]
    lasts: npt.NDArray[np.intp]
    blank: npt.NDArray[np.float64]
    symbol: npt.NDArray[np.float64]


def _advance(
    front: _Front, frame: npt.NDArray[np.float64], *, trie: _Trie, beam: int, threshold: float
) -> _Front:
    """The best prefixes after one more frame of log-probabilities (V,)."""
    total = np.logaddexp(front.blank, front.symbol)
    blank = total + frame[BLANK]
    symbol = front.symbol + frame[front.lasts]
    # The most probable class is always tried, or a high threshold could leave no path at all.
    tried = np.flatnonzero(frame >= min(threshold, frame.max()))
    tried = tried[tried != BLANK]
    # The last symbol only starts anew after a blank; without one it merely goes on.
    before = np.where(tried == front.lasts[:, None], front.blank[:, None], total[:, None])
    grown = before + frame[tried]
    _merge(front.nodes, tried, symbol, grown, trie)

    scores = np.concatenate([np.logaddexp(blank, symbol), grown.ravel()])
    kept = np.argpartition(-scores, beam - 1)[:beam] if len(scores) > beam else np.arange(len(scores))
    kept = kept[scores[kept] > -np.inf]
    stay, grow = kept[kept < len(blank)], kept[kept >= len(blank)] - len(blank)
    rows, columns = np.divmod(grow, max(1, len(tried)))
    new = [trie.child(front.nodes[i], int(tried[j])) for i, j in zip(rows, columns, strict=True)]
    return _Front(
        nodes=[front.nodes[i] for i in stay] + new,
        lasts=np.concatenate([front.lasts[stay], tried[columns]]),
        blank=np.concatenate([blank[stay], np.full(len(new), -np.inf)]),
        symbol=np.concatenate([symbol[stay], grown[rows, columns]]),
    )


def _merge(
    nodes: list[int],
    tried: npt.NDArray[np.intp],
    symbol: npt.NDArray[np.float64],
    grown: npt.NDArray[np.float64],
    trie: _Trie,
) -> None:
    """Where a prefix grows into another of the beam, move its probability there, in place.

    `symbol` (K,) belongs to the prefixes as they stand, `grown` (K, J) to each with each tried symbol.
    """
    row_of = {node: i for i, node in enumerate(nodes)}
    column_of = {s: j for j, s in enumerate(tried.tolist())}
    for i, node in enumerate(nodes):
        row, column = row_of.get(trie.parents[node]), column_of.get(trie.symbols[node])
        if row is not None and column is not None:
            symbol[i] = np.logaddexp(symbol[i], grown[row, column])
            grown[row, column] = -np.inf

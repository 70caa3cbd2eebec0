"""CTC prefix beam search in NumPy (Graves & Jaitly 2014; Hannun et al. 2014): exact with a beam wide enough.

The best path is the most probable path; the most probable *string* may be another, as many paths spell one
string. The search keeps the most probable prefixes and sums over their paths. A scorer may add what it thinks of each
prefix, symbol by symbol: a language model, a lexicon (`fusion`).
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from amanuensis.decoding.ctc import Floats, Ints, best_path, log_softmax
from amanuensis.decoding.lattice import string_log_probabilities
from amanuensis.language import BLANK

State = TypeVar("State", bound=Hashable)
Scores = npt.NDArray[np.float64]
_ROOT = 0


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A string that may stand in the image.

    Attributes:
        tokens: symbol indices, no blanks.
        log_probability: of the string: the natural logarithm of the sum over all its paths.
        score: what it is ranked by: that, and what a scorer adds.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float


class StringScorer(Protocol[State]):
    """What a language model or a lexicon thinks of a string, symbol by symbol.

    A string's score is the sum of its symbols' and of its end's. Strings that end in the same state go on alike.
    """

    def begin(self) -> State:
        """The state before any symbol."""

    def scores(self, state: State, symbols: Ints, /) -> Scores:
        """(J,) what each of J symbols would add."""

    def advance(self, state: State, symbol: int, /) -> State:
        """The state after one more symbol."""

    def finish(self, state: State, /) -> float:
        """What the end of the string adds."""


class Silence:
    """A scorer that adds nothing."""

    def begin(self) -> int:
        """The only state."""
        return 0

    def scores(self, _state: int, symbols: Ints) -> Scores:
        """Zeros."""
        return np.zeros(len(symbols))

    def advance(self, state: int, _symbol: int) -> int:
        """The same state."""
        return state

    def finish(self, _state: int) -> float:
        """Nothing."""
        return 0.0


_SILENCE = Silence()


def prefix_beam(
    logits: Floats, *, beam: int = 16, prune: float = 1e-4, scorer: StringScorer[State] | None = None
) -> list[Hypothesis]:
    """The best strings that a beam search finds, best first.

    Our addition: the string of the best path is always among them, and all are ranked by their exact
    probabilities, not by the lower bounds that a pruned search ends with. So a beam is never worse than the
    best path.

    Args:
        logits: (T, V), unnormalized or log-probabilities; T may be 0.
        beam: prefixes kept per frame, at least 1.
        prune: a symbol less probable than this in a frame is not tried there, and a prefix less probable than the best
            by this factor is given up; 0 tries all.
        scorer: what to add to the logarithms of the probabilities; by default nothing.

    Returns:
        At least one hypothesis and at most `beam + 1`, all different.
    """
    if scorer is None:
        return _search(logits, beam, prune, _SILENCE)
    return _search(logits, beam, prune, scorer)


def score_string(scorer: StringScorer[State], tokens: tuple[int, ...]) -> float:
    """All that a scorer adds to a string."""
    state, total = scorer.begin(), 0.0
    for token in tokens:
        total += float(scorer.scores(state, np.array([token]))[0])
        state = scorer.advance(state, token)
    return total + scorer.finish(state)


def _search(logits: Floats, beam: int, prune: float, scorer: StringScorer[State]) -> list[Hypothesis]:
    log_probs = log_softmax(logits).astype(np.float64)
    threshold = math.log(prune) if prune > 0 else -math.inf
    search = _Search(scorer, beam, threshold)
    front = _Front([_ROOT], np.array([BLANK]), np.zeros(1), np.full(1, -np.inf), np.zeros(1))
    # The most probable class is always tried, or a high threshold could leave no path at all.
    tries = log_probs >= np.minimum(threshold, log_probs.max(axis=1, keepdims=True))
    tries[:, BLANK] = False
    for frame, tried in zip(log_probs, tries, strict=True):
        front = search.advance(front, frame, np.flatnonzero(tried))
    strings = list(dict.fromkeys([best_path(log_probs).tokens, *map(search.trie.spell, front.nodes)]))
    found = string_log_probabilities(log_probs, strings).tolist()
    added = [score_string(scorer, string) for string in strings]
    hypotheses = [
        Hypothesis(tokens, min(0.0, log_probability), min(0.0, log_probability) + more)
        for tokens, log_probability, more in zip(strings, found, added, strict=True)
    ]
    return sorted(hypotheses, key=lambda hypothesis: -hypothesis.score)


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
    """K prefixes.

    Attributes:
        nodes: of the trie.
        lasts: (K,) last symbols.
        blank, symbol: (K,) log-probabilities of ending in a blank, or in the last symbol.
        added: (K,) what the scorer added to each.
    """

    nodes: list[int]
    lasts: npt.NDArray[np.intp]
    blank: Scores
    symbol: Scores
    added: Scores


class _Search(Generic[State]):
    """A search in progress: the settings, and the scorer's state for every prefix."""

    def __init__(self, scorer: StringScorer[State], beam: int, threshold: float) -> None:
        self.trie = _Trie()
        self._scorer = scorer
        self._beam = beam
        self._threshold = threshold
        self._states: dict[int, State] = {_ROOT: scorer.begin()}

    def advance(self, front: _Front, frame: Scores, tried: Ints) -> _Front:
        """The best prefixes after one more frame of log-probabilities (V,), of which `tried` (J,) may be read."""
        total = np.logaddexp(front.blank, front.symbol)
        blank = total + frame[BLANK]
        symbol = front.symbol + frame[front.lasts]
        if not len(tried):
            return replace(front, blank=blank, symbol=symbol)
        # The last symbol only starts anew after a blank; without one it merely goes on.
        before = np.where(tried == front.lasts[:, None], front.blank[:, None], total[:, None])
        grown = before + frame[tried]
        more = [self._scorer.scores(self._states[node], tried) for node in front.nodes]
        added = front.added[:, None] + np.stack(more)
        _merge(front.nodes, tried, symbol, grown, self.trie)
        scores = np.concatenate([np.logaddexp(blank, symbol) + front.added, (grown + added).ravel()])
        kept = self._best(scores)
        stay, grow = kept[kept < len(blank)], kept[kept >= len(blank)] - len(blank)
        rows, columns = np.divmod(grow, len(tried))
        return _Front(
            nodes=[front.nodes[i] for i in stay.tolist()] + self._children(front, rows, tried[columns]),
            lasts=np.concatenate([front.lasts[stay], tried[columns]]),
            blank=np.concatenate([blank[stay], np.full(len(grow), -np.inf)]),
            symbol=np.concatenate([symbol[stay], grown[rows, columns]]),
            added=np.concatenate([front.added[stay], added[rows, columns]]),
        )

    def _best(self, scores: Scores) -> Ints:
        """The places of the best scores, in their order."""
        beam = self._beam
        kept = np.argpartition(-scores, beam - 1)[:beam] if len(scores) > beam else np.arange(len(scores))
        best = scores[kept].max()
        found: Ints = kept[(scores[kept] > -np.inf) & (scores[kept] >= best + self._threshold)]
        return found

    def _children(self, front: _Front, rows: Ints, symbols: Ints) -> list[int]:
        nodes = []
        for row, symbol in zip(rows.tolist(), symbols.tolist(), strict=True):
            parent = front.nodes[row]
            node = self.trie.child(parent, symbol)
            if node not in self._states:
                self._states[node] = self._scorer.advance(self._states[parent], symbol)
            nodes.append(node)
        return nodes


def _merge(nodes: list[int], tried: Ints, symbol: Scores, grown: Scores, trie: _Trie) -> None:
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

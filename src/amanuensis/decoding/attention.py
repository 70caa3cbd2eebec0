"""Search over a decoder that writes one token at a time: greedy and beam (CATNet; spec 1.5, C38), in NumPy.

The paper names no search, beam, length normalization or stop. Our reading is that of WAP and ABM: a beam whose
slots finished hypotheses keep, ranked by log-probability per token, the end counted. Our additions: the greedy
hypothesis is never dropped, so that no beam is worse by its own score; a loop guard; a fixed prefix; second
choices, their place and the branches' disagreement.

Whatever way a hypothesis was ended, it is scored as what it is: its tokens and an end after them. One that was
cut pays for the end that its decoder did not want, so cut and finished ones compare fairly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from amanuensis.decoding.ctc import Ints
from amanuensis.decoding.front import Ended, Front, Node, View
from amanuensis.decoding.hypothesis import Alternative, Ending, Hypothesis
from amanuensis.decoding.loops import LoopGuard
from amanuensis.decoding.steps import State, StepDecoder, StepOutput, TokenScorer, checked
from amanuensis.errors import DataError, RecipeError

__all__ = [
    "Alternative",
    "Ending",
    "Hypothesis",
    "LoopGuard",
    "SearchSettings",
    "State",
    "StepDecoder",
    "StepOutput",
    "TokenScorer",
    "search",
]


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How to search.

    Attributes:
        beam: hypotheses kept; 1 is greedy decoding.
        max_length: tokens of a hypothesis, prefix included, end not; one that is longer is cut there.
        n_best: how many hypotheses to return, at most `beam`.
        length_penalty: the score is log p / (tokens + 1) to this power; 1 as WAP and ABM, 0 for log p itself.
        language_weight: mu of log p + mu log p_LM (C37); 0 leaves a language model out.
        loop_guard: when to stop a hypothesis that repeats itself; None never does.
    """

    beam: int = 1
    max_length: int = 200
    n_best: int = 1
    length_penalty: float = 1.0
    language_weight: float = 0.0
    loop_guard: LoopGuard | None = field(default_factory=LoopGuard)

    def __post_init__(self) -> None:
        """Refuse what no search can do.

        Raises:
            RecipeError: naming the first impossible value.
        """
        if not 1 <= self.n_best <= self.beam:
            raise RecipeError(f"n_best is {self.n_best} with a beam of {self.beam}: 1 to beam are possible")
        if self.max_length < 0:
            raise RecipeError(f"max_length is {self.max_length}: it is a number of tokens, at least 0")
        for name in ("length_penalty", "language_weight"):
            if not 0 <= getattr(self, name) < math.inf:
                raise RecipeError(f"{name} is {getattr(self, name)}: it must be 0 or more, and finite")


def search(
    decoder: StepDecoder,
    settings: SearchSettings | None = None,
    *,
    language_model: TokenScorer | None = None,
    prefix: Sequence[int] = (),
) -> list[Hypothesis]:
    """The best hypotheses that the search finds, best first, all different.

    Args:
        decoder: one decoder, or an `Ensemble` of several.
        settings: greedy decoding by default.
        language_model: asked only if `settings.language_weight` is above 0.
        prefix: tokens that every hypothesis begins with, as a user corrected them.

    Returns:
        1 to `settings.n_best` hypotheses.

    Raises:
        DataError: the decoder or the language model puts out what is no log-probability, or gives all
            probability to forbidden tokens; or the prefix is too long or holds what cannot be written.
    """
    settings = settings or SearchSettings()
    scorer = language_model if settings.language_weight > 0 else None
    return _Search(decoder, settings, scorer, prefix).run()


class _Search:
    """One search; the arguments are those of `search`."""

    def __init__(
        self,
        decoder: StepDecoder,
        settings: SearchSettings,
        scorer: TokenScorer | None,
        prefix: Sequence[int],
    ) -> None:
        self.decoder = decoder
        self.settings = settings
        self.scorer = scorer
        self.prefix = tuple(prefix)
        self.forbidden = sorted({decoder.start, *decoder.forbidden})
        bad = [token for token in self.prefix if token in (decoder.end, *self.forbidden)]
        if bad:
            raise DataError(f"the prefix holds {bad[0]}, which is no token that can be written")
        if len(self.prefix) > settings.max_length:
            raise DataError(
                f"a prefix of {len(self.prefix)} tokens; at most {settings.max_length} are written"
            )

    def run(self) -> list[Hypothesis]:
        front = self._begin()
        ended: list[Ended] = []
        while len(front) and not self._is_decided(front, ended):
            view = self._look(front)
            if len(front.strings[0]) == self.settings.max_length:
                ended += [self._cut_at_length(front, view, row) for row in range(len(front))]
                break
            rows, tokens = self._choose(front, view, num_slots=self.settings.beam - len(ended))
            ends = tokens == self.decoder.end
            ended += [self._close(front, view, row, "end") for row in rows[ends].tolist()]
            front = self._grow(front, view, rows[~ends], tokens[~ends])
            front, loops = self._cut_loops(front)
            ended += loops
        if not ended:
            raise DataError("the decoder gives all probability to tokens that must not be written")
        return [self._tell(one) for one in self._ranked(ended)[: self.settings.n_best]]

    def _begin(self) -> Front:
        language = [self.scorer.begin() if self.scorer else None]
        front = Front([None], [()], np.zeros(1), self.decoder.begin(), language, greedy=0)
        for token in self.prefix:
            view = self._look(front)
            if token not in range(view.log_probs.shape[1]):
                raise DataError(f"the prefix holds {token}; tokens are 0 to {view.log_probs.shape[1] - 1}")
            front = self._grow(front, view, np.zeros(1, np.intp), np.array([token]))
            # What was given is not weighed: all hypotheses share it.
            front = Front(front.nodes, front.strings, np.zeros(1), front.state, front.language, greedy=0)
        return front

    def _look(self, front: Front) -> View:
        """Ask the decoder and the language model for the next token."""
        last = [node.token if node else self.decoder.start for node in front.nodes]
        output = self.decoder.step(np.array(last, dtype=np.int64), front.state)
        log_probs = checked(output.log_probs, len(front), where=f"token {len(front.strings[0]) + 1}")
        totals = log_probs.copy()
        if self.scorer:
            spoken = np.stack([self.scorer.scores(state) for state in front.language])
            if spoken.shape != totals.shape or not (spoken <= 1e-3).all():
                raise DataError(
                    f"the language model gives {spoken.shape} where {totals.shape} log-probabilities are due"
                )
            totals += self.settings.language_weight * spoken
        totals[:, self.forbidden] = -np.inf
        return View(output, log_probs, totals + front.totals[:, None])

    def _choose(self, front: Front, view: View, *, num_slots: int) -> tuple[Ints, Ints]:
        """Rows and tokens of the best continuations, and that of the greedy hypothesis whatever it is worth."""
        flat = view.totals.ravel()
        best = np.argsort(-flat, kind="stable")[: max(0, num_slots)]
        if front.greedy is not None:
            pinned = front.greedy * view.totals.shape[1] + view.totals[front.greedy].argmax()
            best = best if pinned in best else np.append(best, pinned)
        best = best[flat[best] > -np.inf]
        rows, tokens = np.divmod(best, view.totals.shape[1])
        return rows, tokens

    def _grow(self, front: Front, view: View, rows: Ints, tokens: Ints) -> Front:
        """The hypotheses `rows`, each one token longer."""
        pairs = list(zip(rows.tolist(), tokens.tolist(), strict=True))
        greedy = None
        if front.greedy is not None:
            pinned = (front.greedy, int(view.totals[front.greedy].argmax()))
            greedy = pairs.index(pinned) if pinned in pairs else None
        states = [front.language[row] for row, _ in pairs]
        if self.scorer:
            states = [self.scorer.advance(s, token) for s, (_, token) in zip(states, pairs, strict=True)]
        return Front(
            nodes=[self._node(front, view, row, token) for row, token in pairs],
            strings=[(*front.strings[row], token) for row, token in pairs],
            totals=view.totals[rows, tokens],
            state=tuple(array[rows] for array in view.output.state),
            language=states,
            greedy=greedy,
        )

    def _node(self, front: Front, view: View, row: int, token: int) -> Node:
        output, log_probs = view.output, view.log_probs[row]
        return Node(
            parent=front.nodes[row],
            token=token,
            log_prob=float(log_probs[token]),
            total=float(view.totals[row, token]),
            end_log_prob=float(log_probs[self.decoder.end]),
            end_total=float(view.totals[row, self.decoder.end]),
            second=self._second(log_probs, token),
            attention=None if output.attention is None else output.attention[row],
            disagreement=None if output.disagreement is None else float(output.disagreement[row]),
        )

    def _second(self, log_probs: npt.NDArray[np.float64], token: int) -> Alternative:
        others = log_probs.copy()
        others[[token, *self.forbidden]] = -np.inf
        second = int(others.argmax())
        return Alternative(second, _probability(float(others[second])))

    def _close(self, front: Front, view: View, row: int, ended: Ending) -> Ended:
        end, node = self.decoder.end, front.nodes[row]
        nodes = node.chain() if node else []
        return Ended(nodes, float(view.log_probs[row, end]), float(view.totals[row, end]), ended)

    def _cut_at_length(self, front: Front, view: View, row: int) -> Ended:
        wants_end = int(view.totals[row].argmax()) == self.decoder.end
        return self._close(front, view, row, "end" if wants_end else "length")

    def _cut_loops(self, front: Front) -> tuple[Front, list[Ended]]:
        """Those that go on, and those that repeat themselves, ended after the first cycle."""
        guard = self.settings.loop_guard
        if guard is None:
            return front, []
        num_fixed = len(self.prefix)
        going, loops = [], []
        for row, node in enumerate(front.nodes):
            kept = guard.cut(front.strings[row][num_fixed:])
            if kept is None or node is None:
                going.append(row)
                continue
            nodes = node.chain()
            dropped = nodes[num_fixed + kept]
            loops.append(Ended(nodes[: num_fixed + kept], dropped.end_log_prob, dropped.end_total, "loop"))
        return (front.take(going) if loops else front), loops

    def _is_decided(self, front: Front, ended: list[Ended]) -> bool:
        """Whether nothing that goes on can still come among the best, nor the greedy one be better than they."""
        ranked = self._ranked(ended)
        if len(ranked) < self.settings.n_best:
            return False
        # A total only falls, and weighs least at the greatest length.
        hope = self._score(float(front.totals.max()), self.settings.max_length)
        last = self._score_of(ranked[self.settings.n_best - 1])
        return last > hope and self._score_of(ranked[0]) >= self._greedy_hope(front)

    def _greedy_hope(self, front: Front) -> float:
        """The best score that the greedy hypothesis can still get by being cut as a loop."""
        node = None if front.greedy is None else front.nodes[front.greedy]
        if node is None or self.settings.loop_guard is None:
            return -math.inf
        cuts = list(enumerate(node.chain()))[len(self.prefix) + 1 :]
        return max((self._score(node.end_total, length) for length, node in cuts), default=-math.inf)

    def _ranked(self, ended: list[Ended]) -> list[Ended]:
        """Best first, each string once: a loop that was cut may be a string that was also found whole."""
        best = sorted(ended, key=self._score_of, reverse=True)
        strings = [tuple(node.token for node in one.nodes) for one in best]
        return [one for i, one in enumerate(best) if strings[i] not in strings[:i]]

    def _score_of(self, one: Ended) -> float:
        return self._score(one.total, len(one.nodes))

    def _score(self, total: float, num_tokens: int) -> float:
        num_free = num_tokens - len(self.prefix)
        return float(total / (num_free + 1) ** self.settings.length_penalty)

    def _tell(self, one: Ended) -> Hypothesis:
        nodes, num_fixed = one.nodes, len(self.prefix)
        log_probability = math.fsum(node.log_prob for node in nodes[num_fixed:]) + one.end_log_prob
        maps = [node.attention for node in nodes if node.attention is not None]
        doubts = [node.disagreement for node in nodes if node.disagreement is not None]
        return Hypothesis(
            tokens=tuple(node.token for node in nodes),
            num_fixed=num_fixed,
            score=self._score_of(one),
            log_probability=min(0.0, log_probability),
            ended=one.ended,
            probabilities=tuple(_probability(node.log_prob) for node in nodes),
            end_probability=_probability(one.end_log_prob),
            alternatives=tuple(node.second for node in nodes),
            attention=np.stack(maps) if maps else None,
            disagreement=tuple(doubts) if doubts else None,
        )


def _probability(log_prob: float) -> float:
    return math.exp(min(0.0, log_prob))

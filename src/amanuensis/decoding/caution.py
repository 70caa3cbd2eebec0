"""Which changes of a language model are worth it: its reading against the best path, word by word (our addition).

A language model that weighs much mends many words and breaks some; one that weighs little does neither. The words that
it breaks are close calls, so a change has to be better than what it replaces by a margin. At the same harm that mends
two to three times as many characters as a smaller weight does (docs/experiments.md).

Digits are never exchanged: no language knows which number somebody wrote down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from rapidfuzz.distance import Levenshtein

from amanuensis.decoding.beam import State, StringScorer, score_string
from amanuensis.decoding.ctc import Floats, best_path, log_softmax
from amanuensis.decoding.lattice import string_log_probabilities
from amanuensis.language import Vocab

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Marks:
    """The symbols of a vocabulary that caution asks about, by their indices.

    Attributes:
        spaces: what stands between words.
        digits: of any script.
    """

    spaces: frozenset[int]
    digits: frozenset[int]

    @classmethod
    def of(cls, vocab: Vocab) -> Marks:
        """Those of a network."""
        numbered = list(enumerate(vocab.symbols, start=1))  # 0 is the blank
        return cls(
            frozenset(index for index, symbol in numbered if symbol.isspace()),
            frozenset(index for index, symbol in numbered if symbol.isdigit()),
        )


class WordScorer(StringScorer[State], Protocol[State]):
    """A scorer that knows where words end."""

    @property
    def marks(self) -> Marks:
        """Spaces and digits."""


def worthwhile(logits: Floats, tokens: Tokens, scorer: WordScorer[State], *, margin: float) -> Tokens:
    """A reading with a language model, less those of its changes that are not worth it.

    Args:
        logits: (T, V) of the network.
        tokens: the best string of a search with `scorer`.
        scorer: the language model.
        margin: what a changed word must gain in the search's score, in natural logarithms; 0 or more.

    Returns:
        `tokens`, with the best path's words wherever they score nearly as well, or hold other digits.
    """
    greedy = best_path(logits).tokens
    changes = _changes(greedy, tokens, scorer.marks.spaces)
    if not changes:
        return tokens
    without = [tokens[: new.start] + greedy[old] + tokens[new.stop :] for old, new in changes]
    scores = _scores(logits, [tokens, *without], scorer)
    refused = [
        (old, new)
        for (old, new), score in zip(changes, scores[1:], strict=True)
        if scores[0] - score < margin or _digits(greedy[old], scorer) != _digits(tokens[new], scorer)
    ]
    for old, new in reversed(refused):
        tokens = tokens[: new.start] + greedy[old] + tokens[new.stop :]
    return tokens


def _changes(before: Tokens, after: Tokens, spaces: frozenset[int]) -> list[tuple[slice, slice]]:
    """Where two strings differ between the spaces that they share: words, or words that were joined or parted."""
    shared = [(0, 0)]
    for step in Levenshtein.opcodes(before, after):
        if step.tag == "equal":
            places = range(step.src_start, step.src_end)
            shift = step.dest_start - step.src_start
            shared += [(place, place + shift) for place in places if before[place] in spaces]
    shared.append((len(before), len(after)))
    found = [(slice(a, b), slice(c, d)) for (a, c), (b, d) in pairwise(shared)]
    return [(old, new) for old, new in found if before[old] != after[new]]


def _scores(logits: Floats, strings: Sequence[Tokens], scorer: StringScorer[State]) -> list[float]:
    log_probs = log_softmax(logits).astype(np.float64)
    seen = string_log_probabilities(log_probs, strings).tolist()
    return [one + score_string(scorer, string) for one, string in zip(seen, strings, strict=True)]


def _digits(tokens: Tokens, scorer: WordScorer[State]) -> list[int]:
    return [token for token in tokens if token in scorer.marks.digits]

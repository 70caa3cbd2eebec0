"""Scorers for the prefix beam: shallow fusion with language models and lexicons (our addition; neither paper has one).

A string is ranked by log P(string | image) + weight x log P(string) + bonus x length. The bonus makes up for every
symbol costing something by the language model. Both are found on validation lines (`amanuensis lm tune`).
"""

from __future__ import annotations

import numpy as np

from amanuensis.decoding.beam import Scores
from amanuensis.decoding.ctc import Ints
from amanuensis.language import NGramModel, Vocab
from amanuensis.language.ngram import Context


class CharacterFusion:
    """An n-gram model of characters that reads a line along; its states are the model's contexts."""

    def __init__(self, model: NGramModel, vocab: Vocab, *, weight: float, bonus: float = 0.0) -> None:
        """Join a model to a vocabulary; symbols that the model lacks are its unknown symbol."""
        self._model = model
        self._weight = weight
        self._bonus = bonus
        self._classes = np.array([model.unknown, *model.encode(vocab.symbols)])

    def begin(self) -> Context:
        """At the beginning of a line."""
        return self._model.context([self._model.begin])

    def scores(self, state: Context, symbols: Ints) -> Scores:
        """(J,) weight x log P(symbol | state) + bonus."""
        log_probs = self._model.class_log_probs(state)[self._classes[symbols]]
        scores: Scores = self._weight * log_probs + self._bonus
        return scores

    def advance(self, state: Context, symbol: int) -> Context:
        """The context after one more symbol."""
        return self._model.context((*state, int(self._classes[symbol])))

    def finish(self, state: Context) -> float:
        """Weight x log P(end | state)."""
        return self._weight * float(self._model.class_log_probs(state)[self._model.end])

"""An n-gram model in the tokens of an attention decoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from amanuensis.language.ngram import Floats, NGramModel


class NGramScorer:
    """An n-gram model that speaks in a decoder's tokens, as an attention search asks it.

    Its states are contexts of the model.
    """

    def __init__(self, model: NGramModel, tokens: Sequence[str | None], *, end: int) -> None:
        """Map the tokens of a decoder to classes of the model.

        Args:
            model: the language model.
            tokens: (V) what each index of the decoder stands for. One that the model lacks scores as unknown;
                None (start, padding) scores minus infinity.
            end: the decoder's index of the end; what `tokens` holds there does not matter.
        """
        classes = [model.unknown if token is None else model.encode([token])[0] for token in tokens]
        classes[end] = model.end
        self._model = model
        self._classes = classes
        self._silent = [i for i, token in enumerate(tokens) if token is None and i != end]

    def begin(self) -> tuple[int, ...]:
        """The state before any token."""
        return self._model.context([self._model.begin])

    def advance(self, state: tuple[int, ...], token: int) -> tuple[int, ...]:
        """The state after one more token."""
        return self._model.context([*state, self._classes[token]])

    def scores(self, state: tuple[int, ...]) -> Floats:
        """(V,) natural logarithms of the next token's probabilities, by the decoder's indices."""
        scores = self._model.class_log_probs(state)[self._classes]
        scores[self._silent] = -np.inf
        return scores

"""Scorers for the prefix beam: shallow fusion with language models and lexicons (our addition; neither paper has one).

A string is ranked by log P(string | image) + weight x log P(string) + bonus x length. The bonus makes up for every
symbol costing something by the language model. Both are found on validation lines (`amanuensis lm tune`).

A model of words may judge every finished word beside it. Its vocabulary is open: a word that it lacks costs what the
model says of unknown words, and a penalty; how it is spelt is left to the model of characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from amanuensis.decoding.beam import Scores
from amanuensis.decoding.caution import Marks
from amanuensis.decoding.ctc import Ints
from amanuensis.language import NGramModel, Vocab, is_of_word
from amanuensis.language.ngram import Context


class CharacterFusion:
    """An n-gram model of characters that reads a line along; its states are the model's contexts.

    Attributes:
        marks: spaces and digits of the vocabulary.
    """

    def __init__(self, model: NGramModel, vocab: Vocab, *, weight: float, bonus: float = 0.0) -> None:
        """Join a model to a vocabulary; symbols that the model lacks are its unknown symbol."""
        self.marks = Marks.of(vocab)
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

    def log_probabilities(self, tokens: Sequence[int]) -> tuple[float, ...]:
        """(L + 1): what the model says of each symbol of a string, and of its end, in natural logarithms.

        Unlike `scores` without weight and bonus: they are what confidences are made of, at any weight.
        """
        state, found = self.begin(), []
        for token in tokens:
            found.append(float(self._model.class_log_probs(state)[self._classes[token]]))
            state = self.advance(state, token)
        return (*found, float(self._model.class_log_probs(state)[self._model.end]))


@dataclass(frozen=True, slots=True)
class WordState:
    """Where a line stands.

    Attributes:
        characters: by the model of characters.
        words: by the model of words, after the last finished word.
        word: the letters of the word that is not finished yet.
    """

    characters: Context
    words: Context
    word: str


class WordFusion:
    """A model of words beside one of characters.

    A word is judged when a symbol that cannot stand in a word, or the end of the line, finishes it. Words with digits
    are not judged: no corpus has them all. A capital does not make a word unknown.

    Attributes:
        marks: spaces and digits of the vocabulary.
    """

    def __init__(
        self,
        characters: CharacterFusion,
        model: NGramModel,
        vocab: Vocab,
        *,
        weight: float,
        unknown: float = 0.0,
    ) -> None:
        """Join a model of words to a scorer of characters.

        Args:
            characters: the scorer that runs along.
            model: of words (`language.words`).
            vocab: of the network.
            weight: how much the model of words counts.
            unknown: added for a word that the model lacks; a penalty is below 0.
        """
        self.marks = characters.marks
        self._characters = characters
        self._model = model
        self._weight = weight
        self._unknown = unknown
        self._symbols = ("", *vocab.symbols)
        self._ends = np.array([not is_of_word(symbol) for symbol in (" ", *vocab.symbols)])

    def begin(self) -> WordState:
        """At the beginning of a line, which need not be that of a sentence."""
        return WordState(self._characters.begin(), (), "")

    def scores(self, state: WordState, symbols: Ints) -> Scores:
        """(J,) what the characters are worth, and where they finish a word what that is worth."""
        scores = self._characters.scores(state.characters, symbols)
        if state.word:
            scores[self._ends[symbols]] += self._worth(state)
        return scores

    def advance(self, state: WordState, symbol: int) -> WordState:
        """The state after one more symbol."""
        characters = self._characters.advance(state.characters, symbol)
        if not self._ends[symbol]:
            return WordState(characters, state.words, state.word + self._symbols[symbol])
        if not state.word:
            return replace(state, characters=characters)
        words = self._model.context((*state.words, self._class(state.word)))
        return WordState(characters, words, "")

    def finish(self, state: WordState) -> float:
        """What the end is worth to the characters, and the last word."""
        end = self._characters.finish(state.characters)
        return end + self._worth(state) if state.word else end

    def log_probabilities(self, tokens: Sequence[int]) -> tuple[float, ...]:
        """Those of the model of characters."""
        return self._characters.log_probabilities(tokens)

    def _worth(self, state: WordState) -> float:
        if any(map(str.isdigit, state.word)):
            return 0.0
        found = self._class(state.word)
        worth = self._weight * self._model.class_log_prob(state.words, found)
        return worth + self._unknown if found == self._model.unknown else worth

    def _class(self, word: str) -> int:
        for spelling in (word, word.lower(), word.capitalize()):
            if spelling in self._model:
                return self._model.encode([spelling])[0]
        return self._model.unknown

"""An n-gram language model over any symbols, interpolated after Witten and Bell (CATNet; spec C37).

The paper joins "a language model trained on the train captions" to its decoder and says no more of it. Our
reading: an n-gram model over LaTeX tokens. A context h that was followed in T(h) different ways at N(h) places
gives

    P(w | h) = (count(h w) + T(h) P(w | h')) / (N(h) + T(h)),    h' = h without its first symbol,

and below the empty context all classes are equally likely (Witten & Bell 1991; Chen & Goodman 1999, section 2.4).
The classes are the symbols, one for all unknown symbols, and the end. A sequence begins with one begin symbol,
which stands in contexts only.

Where one formula was written by many hands, train on distinct captions: copies make T(h) too small for N(h), and
the model trusts long contexts too much.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from amanuensis.errors import DataError, ModelError, RecipeError, VocabularyError
from amanuensis.language.ngram_trie import NGramTrie

Floats = npt.NDArray[np.float64]

Unit = Literal["tokens", "characters", "words"]
"""What a model's symbols are: tokens of captions, characters of lines, words between white space."""

UNITS: tuple[Unit, ...] = get_args(Unit)
MAX_ORDER = 6
_FORMAT = {"format": "amanuensis-ngram", "version": 1, "smoothing": "witten-bell"}
_CACHE_BYTES = 64 * 2**20


class NGramModel:
    """Probabilities of the next symbol, given those before it.

    Class i is `symbols[i]`; then come `unknown` and `end`.

    Attributes:
        symbols: the known symbols.
        order: the length of the longest n-grams: a symbol depends on the `order - 1` before it.
        unknown: the class of all symbols that the model does not know.
        end: the class of the end of a sequence.
        begin: no class, but the symbol that contexts begin with.
        num_classes: symbols, unknown and end.
        unit: what the symbols are, so that nobody joins a model of characters to a decoder of tokens.
    """

    def __init__(self, symbols: Sequence[str], trie: NGramTrie, unit: Unit = "tokens") -> None:
        """Put a model together; see `train` and `load`."""
        self.symbols = tuple(symbols)
        self.unit = unit
        self.order = len(trie.levels)
        self.unknown, self.end, self.begin = _specials(len(self.symbols))
        self.num_classes = len(self.symbols) + 2
        self._trie = trie
        self._class_of = _index(self.symbols)
        self._cache: dict[tuple[int, ...], Floats] = {}

    @classmethod
    def train(
        cls,
        sequences: Iterable[Sequence[str]],
        order: int,
        vocabulary: Sequence[str] | None = None,
        *,
        unit: Unit = "tokens",
    ) -> NGramModel:
        """Count the n-grams of `sequences`, each a whole caption, line or sentence.

        Args:
            sequences: tokens, or strings for their characters; never from a test set.
            order: 1 to 6.
            vocabulary: the known symbols; by default all that occur, sorted. Others count as unknown.
            unit: what the symbols are.

        Raises:
            RecipeError: the order is not 1 to 6.
            DataError: there is no sequence.
            VocabularyError: the vocabulary names a symbol twice.
        """
        if order not in range(1, MAX_ORDER + 1):
            raise RecipeError(f"order {order} of an n-gram model: 1 to {MAX_ORDER} are possible")
        sequences = list(sequences)
        if not sequences:
            raise DataError("no sequences to train a language model on")
        symbols = (
            sorted({s for sequence in sequences for s in sequence}) if vocabulary is None else vocabulary
        )
        index = _index(symbols)
        unknown, end, begin = _specials(len(symbols))
        rows = [[begin, *(index.get(s, unknown) for s in sequence), end] for sequence in sequences]
        return cls(symbols, NGramTrie.count(rows, order, num_symbols=begin + 1), unit)

    @property
    def num_ngrams(self) -> tuple[int, ...]:
        """How many different n-grams of each order were counted."""
        return self._trie.sizes

    def encode(self, sequence: Iterable[str]) -> list[int]:
        """The classes of symbols, without begin and end."""
        return [self._class_of.get(symbol, self.unknown) for symbol in sequence]

    def context(self, classes: Sequence[int]) -> tuple[int, ...]:
        """The part of a sequence, `begin` and all, that the next class depends on."""
        return tuple(classes[max(0, len(classes) - self.order + 1) :])

    def next_log_probs(self, context: Sequence[str]) -> Floats:
        """(num_classes,) natural logarithms of the probabilities of what follows; they sum to 1.

        Args:
            context: all symbols of the sequence so far, from its beginning; () asks for the first symbol.
        """
        return self.class_log_probs(self.context([self.begin, *self.encode(context)]))

    def log_prob(self, context: Sequence[str], symbol: str | None) -> float:
        """The logarithm for one symbol, or for the end (None), after all symbols so far."""
        following = self.end if symbol is None else self._class_of.get(symbol, self.unknown)
        return float(self.next_log_probs(context)[following])

    def log_probability(self, sequence: Sequence[str]) -> float:
        """The logarithm for a whole sequence, its end included."""
        classes = [self.begin, *self.encode(sequence), self.end]
        first = [max(0, i - self.order + 1) for i in range(len(classes))]
        return float(
            sum(
                self._class_log_prob(tuple(classes[first[i] : i]), classes[i]) for i in range(1, len(classes))
            )
        )

    def perplexity(self, sequences: Iterable[Sequence[str]]) -> float:
        """Of a corpus: e to the mean of -log P over all its symbols, unknown ones too, and all ends.

        Raises:
            DataError: there is no sequence.
        """
        sequences = list(sequences)
        if not sequences:
            raise DataError("no sequences to measure a perplexity on")
        total = sum(self.log_probability(sequence) for sequence in sequences)
        return float(np.exp(-total / sum(len(sequence) + 1 for sequence in sequences)))

    def class_log_probs(self, context: tuple[int, ...]) -> Floats:
        """`next_log_probs` of what `context` returned: read-only, and quick when asked again."""
        if context not in self._cache:
            if len(self._cache) >= max(1, _CACHE_BYTES // (8 * self.num_classes)):
                self._cache.clear()
            log_probs = np.log(self._probabilities(context))
            log_probs.flags.writeable = False
            self._cache[context] = log_probs
        return self._cache[context]

    def _class_log_prob(self, context: tuple[int, ...], following: int) -> float:
        """`class_log_probs` of one class: what a corpus of 100,000 words needs, without a vector for every place."""
        prob = np.exp(self.class_log_probs(())[following])
        for length in range(1, len(context) + 1):
            found = self._trie.followers(context[len(context) - length :])
            if found is None:
                break
            symbols, counts = found
            if weight := counts.sum() + len(counts):
                at = int(np.searchsorted(symbols, following))
                seen = counts[at] if at < len(symbols) and symbols[at] == following else 0
                prob = (seen + len(counts) * prob) / weight
        return float(np.log(prob))

    def _probabilities(self, context: tuple[int, ...]) -> Floats:
        """From the empty context to the whole of it; one that never occurred changes nothing."""
        probs = np.full(self.num_classes, 1 / self.num_classes)
        for length in range(len(context) + 1):
            found = self._trie.followers(context[len(context) - length :])
            if found is None:
                break
            # Begin symbols were counted too, and are followers of the empty context; they are no class.
            symbols, counts = (array[found[0] < self.num_classes] for array in found)
            weight = counts.sum() + len(counts)
            if weight:
                probs *= len(counts) / weight
                probs[symbols] += counts / weight
        return probs

    def to_bytes(self) -> bytes:
        """The model as a file: a line of JSON, then the counts (`NGramTrie.to_bytes`).

        The line names the format, its version, the smoothing, the unit, the symbols, and how many n-grams of each
        order there are.
        """
        header = {**_FORMAT, "unit": self.unit, "symbols": self.symbols, "ngrams": self.num_ngrams}
        return json.dumps(header).encode() + b"\n" + self._trie.to_bytes()

    @classmethod
    def from_bytes(cls, content: bytes, *, name: str = "language model") -> NGramModel:
        """The inverse of `to_bytes`; `name` is what to call the file in messages.

        Raises:
            ModelError: it is no such file, of another version, or damaged.
        """
        line, _, counts = content.partition(b"\n")
        try:
            unit, symbols, sizes = _checked_header(line)
            return cls(symbols, NGramTrie.from_bytes(counts, sizes, num_symbols=len(symbols) + 3), unit)
        except (ValueError, RecursionError, VocabularyError) as error:
            raise ModelError(f"{name}: no n-gram language model that can be read: {error}") from None

    def save(self, path: Path | str) -> None:
        """Write the model; a file that was there gives way only to a whole one."""
        path = Path(path)
        scratch = path.with_name(f".{secrets.token_hex(8)}")
        try:
            scratch.write_bytes(self.to_bytes())
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path | str) -> NGramModel:
        """Read what `save` wrote.

        Raises:
            ModelError: the file cannot be read or is no language model; see `from_bytes`.
        """
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise ModelError(f"{path}: the language model cannot be read: {error.strerror}") from error
        return cls.from_bytes(content, name=str(path))


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


def _specials(num_symbols: int) -> tuple[int, int, int]:
    """The indices of unknown, end and begin."""
    return num_symbols, num_symbols + 1, num_symbols + 2


def _index(symbols: Sequence[str]) -> dict[str, int]:
    index = {symbol: i for i, symbol in enumerate(symbols)}
    if len(index) != len(symbols):
        raise VocabularyError("a language model's symbols must be distinct")
    return index


def _checked_header(line: bytes) -> tuple[Unit, list[str], list[int]]:
    """Unit, symbols and numbers of n-grams, or a ValueError."""
    header = json.loads(line)
    if not isinstance(header, dict) or {key: header.get(key) for key in _FORMAT} != _FORMAT:
        raise ValueError(f"its first line does not tell {_FORMAT}")
    unit, symbols, sizes = header.get("unit"), header.get("symbols"), header.get("ngrams")
    if unit not in UNITS:
        raise ValueError(f"its unit is {unit!r}, not one of {', '.join(UNITS)}")
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise ValueError("its symbols are not strings")
    if not isinstance(sizes, list) or len(sizes) not in range(1, MAX_ORDER + 1):
        raise ValueError(f"its orders are not 1 to {MAX_ORDER}")
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise ValueError("its numbers of n-grams are no counts")
    return unit, symbols, sizes

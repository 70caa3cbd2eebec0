"""n-gram language models of any symbols: tokens of formulas, characters of lines, words.

CATNet joins "a language model trained on the train captions" to its decoder and says no more of it; HTR-JAND has none
(spec C37, 2.11). Our reading and addition: an n-gram model, Witten-Bell or modified Kneser-Ney (`smoothing`), pruned to
a number of n-grams if asked for (`pruning`), in a file that is mapped into memory.

The classes are the symbols, one for all unknown symbols, and the end. A sequence begins with one begin symbol, which
stands in contexts only.

Where one formula was written by many hands, train on distinct captions: copies make a context look better known than it
is, and the model trusts long contexts too much.
"""

from __future__ import annotations

import itertools
import mmap
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from amanuensis.errors import DataError, ModelError, RecipeError, VocabularyError
from amanuensis.language.ngram_counts import count_ngrams
from amanuensis.language.ngram_file import MAX_ORDER, StoredNGrams, Unit, read_ngrams, write_ngrams
from amanuensis.language.ngram_trie import BITS, Buffer, NGramTrie
from amanuensis.language.pruning import prune
from amanuensis.language.smoothing import SMOOTHINGS, Smoothing, smooth

Floats = npt.NDArray[np.float64]
Context = tuple[int, ...]

_CACHE_BYTES = 64 * 2**20
_CACHED_NODES = 2**17


@dataclass(frozen=True, slots=True)
class Estimation:
    """How counts become a model.

    Attributes:
        smoothing: one of `SMOOTHINGS`.
        max_ngrams: how many n-grams of two symbols and more are kept; None for all.
        bits: of a probability in memory and file: 32, or 8 (which costs a hundredth of the perplexity or so).
    """

    smoothing: Smoothing = "witten-bell"
    max_ngrams: int | None = None
    bits: int = 32

    def __post_init__(self) -> None:
        if self.smoothing not in SMOOTHINGS:
            raise RecipeError(f"no smoothing {self.smoothing!r}; there are: {', '.join(SMOOTHINGS)}")
        if self.max_ngrams is not None and self.max_ngrams < 1:
            raise RecipeError(f"a model of at most {self.max_ngrams} n-grams: at least 1 is needed")
        if self.bits not in BITS:
            raise RecipeError(
                f"probabilities of {self.bits} bits: {' or '.join(map(str, BITS))} are possible"
            )


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
        trie: the n-grams.
    """

    def __init__(self, symbols: Sequence[str], trie: NGramTrie, unit: Unit = "tokens") -> None:
        """Put a model together; see `train` and `load`."""
        self.symbols = tuple(symbols)
        self.unit = unit
        self.order = len(trie.levels)
        self.unknown, self.end, self.begin = _specials(len(self.symbols))
        self.num_classes = len(self.symbols) + 2
        self.trie = trie
        self._class_of = _index(self.symbols)
        self._cache: dict[Context, Floats] = {}
        self._nodes: dict[Context, int | None] = {(): 0}

    @classmethod
    def train(
        cls,
        sequences: Iterable[Sequence[str]],
        order: int,
        vocabulary: Sequence[str] | None = None,
        *,
        unit: Unit = "tokens",
        how: Estimation = Estimation(),
    ) -> NGramModel:
        """Count the n-grams of `sequences`, each a whole caption, line or sentence.

        Args:
            sequences: tokens, or strings for their characters; never from a test set.
            order: 1 to 8.
            vocabulary: the known symbols; by default all that occur, sorted. Others count as unknown.
            unit: what the symbols are.
            how: smoothing and size.

        Raises:
            RecipeError: the order is not 1 to 8.
            DataError: there is no sequence.
            VocabularyError: the vocabulary names a symbol twice.
        """
        if order not in range(1, MAX_ORDER + 1):
            raise RecipeError(f"order {order} of an n-gram model: 1 to {MAX_ORDER} are possible")
        sequences = list(sequences)
        if not sequences:
            raise DataError("no sequences to train a language model on")
        symbols = frequent_symbols(sequences) if vocabulary is None else vocabulary
        lengths = [len(sequence) + 2 for sequence in sequences]
        tables = count_ngrams(
            _encoded(sequences, symbols, sum(lengths)), lengths, order=order, num_symbols=len(symbols) + 3
        )
        smoothed = smooth(tables, how.smoothing, num_classes=len(symbols) + 2)
        if how.max_ngrams is not None:
            smoothed = prune(smoothed, how.max_ngrams)
        return cls(symbols, NGramTrie.build(smoothed, bits=how.bits), unit)

    @property
    def num_ngrams(self) -> tuple[int, ...]:
        """How many n-grams of each order the model holds; of order 1 all classes and the begin."""
        return self.trie.sizes

    def encode(self, sequence: Iterable[str]) -> list[int]:
        """The classes of symbols, without begin and end."""
        return [self._class_of.get(symbol, self.unknown) for symbol in sequence]

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._class_of

    def context(self, classes: Sequence[int]) -> Context:
        """The part of a sequence, `begin` and all, that the next class depends on.

        The longest end of it that the model has seen followed by something: sequences that the model cannot tell apart
        have the same context.
        """
        context = tuple(classes[max(0, len(classes) - self.order + 1) :])
        while context and not self._is_followed(context):
            context = context[1:]
        return context

    def next_log_probs(self, context: Sequence[str]) -> Floats:
        """(num_classes,) natural logarithms of the probabilities of what follows; they sum to 1.

        Args:
            context: all symbols of the sequence so far, from its beginning; () asks for the first symbol.
        """
        return self.class_log_probs(self.context([self.begin, *self.encode(context)]))

    def log_prob(self, context: Sequence[str], symbol: str | None) -> float:
        """The logarithm for one symbol, or for the end (None), after all symbols so far."""
        following = self.end if symbol is None else self._class_of.get(symbol, self.unknown)
        return self.class_log_prob(self.context([self.begin, *self.encode(context)]), following)

    def log_probability(self, sequence: Sequence[str]) -> float:
        """The logarithm for a whole sequence, its end included."""
        context, total = self.context([self.begin]), 0.0
        for following in [*self.encode(sequence), self.end]:
            total += self.class_log_prob(context, following)
            context = self.context((*context, following))
        return total

    def perplexity(self, sequences: Iterable[Sequence[str]]) -> float:
        """Of a corpus: e to the mean of -log P over all its symbols, unknown ones too, and all ends.

        Raises:
            DataError: there is no sequence.
        """
        total, num_symbols = 0.0, 0
        for sequence in sequences:
            total += self.log_probability(sequence)
            num_symbols += len(sequence) + 1
        if not num_symbols:
            raise DataError("no sequences to measure a perplexity on")
        return float(np.exp(-total / num_symbols))

    def class_log_probs(self, context: Context) -> Floats:
        """`next_log_probs` of what `context` returned: read-only, and quick when asked again."""
        if context not in self._cache:
            if len(self._cache) >= max(1, _CACHE_BYTES // (8 * self.num_classes)):
                self._cache.clear()
            self._cache[context] = self._log_probs(context)
        return self._cache[context]

    def class_log_prob(self, context: Context, following: int) -> float:
        """`class_log_probs` of one class: without a vector, which a vocabulary of words makes long."""
        total = 0.0
        for length in range(len(context), -1, -1):
            longest = context[len(context) - length :]
            if (node := self._node(longest)) is None:
                continue
            found = self.trie.child(length, node, following)
            if found is not None:
                return total + float(self.trie.levels[length].log_probs[found])
            total += float(self.trie.levels[length - 1].log_backoffs[node])
        raise AssertionError("every class is an n-gram of order 1")

    def _log_probs(self, context: Context) -> Floats:
        """From the whole context, or from the empty one up where that is not known yet."""
        node = self._node(context)
        if not context:
            log_probs = self.trie.levels[0].log_probs[: self.num_classes].astype(np.float64)
        else:
            log_probs = self.class_log_probs(context[1:])
            if node is None:
                return log_probs
            children = self.trie.children(len(context), node)
            log_probs = log_probs + float(self.trie.levels[len(context) - 1].log_backoffs[node])
            level = self.trie.levels[len(context)]
            log_probs[level.symbols[children]] = level.log_probs[children]
        log_probs.flags.writeable = False
        return log_probs

    def _is_followed(self, context: Context) -> bool:
        node = self._node(context)
        if node is None:
            return False
        children = self.trie.children(len(context), node)
        return bool(children.start < children.stop)

    def _node(self, ngram: Context) -> int | None:
        """The node of an n-gram, which is shorter than the longest, in its level; remembered."""
        if ngram in self._nodes:
            return self._nodes[ngram]
        above = self._node(ngram[:-1])
        found = None if above is None else self.trie.child(len(ngram) - 1, above, ngram[-1])
        if len(self._nodes) >= _CACHED_NODES:
            self._nodes = {(): 0}
        self._nodes[ngram] = found
        return found

    def to_bytes(self) -> bytes:
        """The model as a file; see `ngram_file`."""
        return write_ngrams(StoredNGrams(self.unit, self.symbols, self.trie))

    @classmethod
    def from_bytes(cls, content: Buffer, *, name: str = "language model") -> NGramModel:
        """The inverse of `to_bytes`; `name` is what to call the file in messages.

        Raises:
            ModelError: it is no such file, of another version, or damaged.
        """
        try:
            stored = read_ngrams(content)
            return cls(stored.symbols, stored.trie, stored.unit)
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
        """Open what `save` wrote: mapped into memory, not read.

        Raises:
            ModelError: the file cannot be read or is no language model; see `from_bytes`.
        """
        try:
            with Path(path).open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:  # an empty file cannot be mapped
            reason = getattr(error, "strerror", None) or error
            raise ModelError(f"{path}: the language model cannot be read: {reason}") from error
        return cls.from_bytes(memoryview(content), name=str(path))


def frequent_symbols(sequences: Iterable[Sequence[str]], min_count: int = 1) -> list[str]:
    """The symbols that occur so often, sorted: a vocabulary that leaves some text to learn unknown symbols from."""
    counts = Counter(itertools.chain.from_iterable(sequences))
    return sorted(symbol for symbol, count in counts.items() if count >= min_count)


def _encoded(
    sequences: Sequence[Sequence[str]], symbols: Sequence[str], length: int
) -> npt.NDArray[np.int32]:
    """(length,) all sequences, each between begin and end."""
    index = _index(symbols)
    unknown, end, begin = _specials(len(symbols))

    def classes() -> Iterator[int]:
        for sequence in sequences:
            yield begin
            for symbol in sequence:
                yield index.get(symbol, unknown)
            yield end

    return np.fromiter(classes(), dtype=np.int32, count=length)


def _specials(num_symbols: int) -> tuple[int, int, int]:
    """The indices of unknown, end and begin."""
    return num_symbols, num_symbols + 1, num_symbols + 2


def _index(symbols: Sequence[str]) -> dict[str, int]:
    index = {symbol: i for i, symbol in enumerate(symbols)}
    if len(index) != len(symbols):
        raise VocabularyError("a language model's symbols must be distinct")
    return index

"""Text as text: normalization, vocabularies, character sets, n-gram language models."""

from amanuensis.language.arpa import read_arpa, write_arpa
from amanuensis.language.charset import CharacterCount, CharacterTable, unify
from amanuensis.language.ngram import Estimation, NGramModel, frequent_symbols
from amanuensis.language.ngram_file import UNITS, Unit
from amanuensis.language.ngram_scorer import NGramScorer
from amanuensis.language.normalize import TextNormalization
from amanuensis.language.vocab import BLANK, Vocab
from amanuensis.language.words import is_of_word, split_words

__all__ = [
    "BLANK",
    "UNITS",
    "CharacterCount",
    "CharacterTable",
    "Estimation",
    "NGramModel",
    "NGramScorer",
    "TextNormalization",
    "Unit",
    "Vocab",
    "frequent_symbols",
    "is_of_word",
    "read_arpa",
    "split_words",
    "unify",
    "write_arpa",
]

"""Text as text: normalization, vocabularies, character sets, n-gram language models."""

from amanuensis.language.charset import CharacterCount, CharacterTable, unify
from amanuensis.language.ngram import Estimation, NGramModel, frequent_symbols
from amanuensis.language.ngram_file import UNITS, Unit
from amanuensis.language.ngram_scorer import NGramScorer
from amanuensis.language.normalize import TextNormalization
from amanuensis.language.vocab import BLANK, Vocab

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
    "unify",
]

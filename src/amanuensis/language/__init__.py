"""Text as text: normalization, vocabularies, character sets, n-gram language models."""

from amanuensis.language.charset import CharacterCount, CharacterTable, unify
from amanuensis.language.ngram import UNITS, NGramModel, NGramScorer, Unit
from amanuensis.language.normalize import TextNormalization
from amanuensis.language.vocab import BLANK, Vocab

__all__ = [
    "BLANK",
    "UNITS",
    "CharacterCount",
    "CharacterTable",
    "NGramModel",
    "NGramScorer",
    "TextNormalization",
    "Unit",
    "Vocab",
    "unify",
]

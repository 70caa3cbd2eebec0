"""Text as text: normalization, vocabularies, character sets."""

from amanuensis.language.charset import CharacterCount, CharacterTable, unify
from amanuensis.language.normalize import TextNormalization
from amanuensis.language.vocab import BLANK, Vocab

__all__ = ["BLANK", "CharacterCount", "CharacterTable", "TextNormalization", "Vocab", "unify"]

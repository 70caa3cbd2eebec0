"""What a word is to a language model: a run of letters, digits and their marks, without punctuation.

An apostrophe ends a word, as an article or a verb stands before it ("l'eau", "don't"), so that the words of a text are
few and known. Combining marks belong to their letters: medieval transcriptions are full of them.
"""

from __future__ import annotations

import itertools
import unicodedata


def is_of_word(character: str) -> bool:
    """Whether a character can stand in a word."""
    return character.isalnum() or unicodedata.category(character).startswith("M")


def split_words(text: str) -> list[str]:
    """The words of a text, in order."""
    runs = itertools.groupby(text, key=is_of_word)
    return ["".join(run) for of_word, run in runs if of_word]

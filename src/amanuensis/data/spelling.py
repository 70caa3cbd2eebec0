"""Old spelling, as transcribers of letters and registers find and keep it; and lines that break within a word.

Each rule holds for a whole line or not at all, for a writer has habits. Our addition to `RandomText(C)` of
HTR-JAND's Algorithm 2; the rules are common knowledge of these languages, far from complete.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` becomes `spelling` in a share `chance` of the lines; `raises` if it writes the mark ^."""

    pattern: str
    spelling: str
    chance: float

    @property
    def raises(self) -> bool:
        """Whether it needs a transcriber who marks raised letters."""
        return "^" in self.spelling


_RULES: Mapping[str, tuple[Rule, ...]] = {
    "en": (
        Rule(r"\b[Aa]nd\b", "&", 0.5),
        Rule(r"\betc\b", "&c", 0.8),
        Rule(r"([bcdfghklmnprstvwxz])ed\b", r"\1'd", 0.25),
        Rule(r"\b([cws]h?ou)ld\b", r"\1'd", 0.1),
        Rule(r"\bthough\b", "tho'", 0.4),
        Rule(r"\bthrough\b", "thro'", 0.4),
        Rule(r"\b([Ss])how(n|ed|s|ing)?\b", r"\1hew\2", 0.5),
        Rule(r"\b([Cc])hoose\b", r"\1huse", 0.5),
        Rule(r"([a-z]{3})ic\b", r"\1ick", 0.35),
        Rule(r"\b([Ss])urprise", r"\1urprize", 0.5),
        Rule(r"\b([Ee])ntire", "intire", 0.3),
        Rule(r"\b([Tt])o(day|morrow|night)\b", r"\1o-\2", 0.7),
        Rule(r"\b([a-z]+)ful\b", r"\1full", 0.3),
        Rule(r"\b([Aa]|any|every|some)(body|one)\b", r"\1 \2", 0.3),
        Rule(r"\b[Ww]hich\b", "wch", 0.06),
        Rule(r"\b[Yy]our\b", "yr", 0.08),
        Rule(r"\b[Rr]eceived\b", "recd", 0.3),
        Rule(r"\b(M|D|S)rs?\b\.?", r"\1^r", 0.5),
        Rule(r"\b(\d+)(st|nd|rd|th)\b", r"\1^\2", 0.6),
    ),
    "fr": (
        Rule(r"\b(\w{2,}[bcdglmnprstuvyz])ai(t|s|ent)\b", r"\1oi\2", 0.5),
        Rule(r"\b([ÉEée]t)ai(t|s|ent)\b", r"\1oi\2", 0.6),
        Rule(r"\b([Aa]v)ai(t|s|ent)\b", r"\1oi\2", 0.6),
        Rule(r"\b([Ff])rançais", r"\1rançois", 0.5),
        Rule(r"(\w{2}[ae])nts\b", r"\1ns", 0.5),
        Rule(r"\b([Tt])emps\b", r"\1ems", 0.4),
        Rule(r"\b([Ll])ongtemps\b", r"\1ong-tems", 0.4),
        Rule(r"\b([Mm])ême", r"\1esme", 0.15),
        Rule(r"\bêtre\b", "estre", 0.15),
        Rule(r"\b([Ss])av(oir|ait|ez|ant)", r"\1çav\2", 0.3),
        Rule(r"\b([Aa])ussitôt\b", r"\1ussitost", 0.3),
        Rule(r"\bet\b", "&", 0.12),
        Rule(r"\betc\b\.?", "&c", 0.6),
        Rule("é(?=[a-z]{2})", "e", 0.3),
        Rule(r"\bà\b", "a", 0.3),
        Rule("ê", "e", 0.15),
        Rule(r"ui\b", "uy", 0.1),
        Rule(r"\b([mtscl])oi\b", r"\1oy", 0.15),
        Rule(r"\bj(?=[aeou])", "i", 0.06),
        Rule(r"\b(M)r\b\.?", r"\1^r", 0.7),
        Rule(r"\b(M)me\b", r"\1^me", 0.6),
        Rule(r"\b([Ss])t\b\.?", r"\1^t", 0.4),
        Rule(r"\b(\d+)(er|e|ère|ème|me)\b", r"\1^\2", 0.7),
    ),
    "de": (
        Rule(r"\b([Tt])(un|at|ür|eil|al|or)", r"\1h\2", 0.6),
        Rule(r"\b([Ss])ein\b", r"\1eyn", 0.5),
        Rule(r"\b([Bb])ei\b", r"\1ey", 0.6),
        Rule(r"\b([Zz]w|[Dd]r)ei\b", r"\1ey", 0.5),
        Rule(r"ieren\b", "iren", 0.4),
        Rule(r"\bund\b", "u.", 0.15),
        Rule(r"\b([Gg])ibt\b", r"\1iebt", 0.4),
    ),
    "la": (
        Rule("J", "I", 0.6),
        Rule("j", "i", 0.6),
        Rule("ae", "e", 0.3),
        Rule("ae", "æ", 0.3),
        Rule(r"\bet\b", "&", 0.25),
        Rule(r"\bv(?=[aeiou])", "u", 0.2),
    ),
}


def old_spelling(text: str, language: str, rng: np.random.Generator, *, raised: bool = False) -> str:
    """A text as somebody two centuries ago might have spelt it; of an unknown language, the text as it is.

    Args:
        text: of one line.
        language: "en", "fr", "de" or "la".
        rng: draws the writer's habits.
        raised: whether raised letters are marked with ^, as some transcribers do ("M^r").
    """
    rules = _RULES.get(language, ())
    for rule, luck in zip(rules, rng.random(len(rules)).tolist(), strict=True):
        if luck < rule.chance and (raised or not rule.raises):
            text = re.sub(rule.pattern, rule.spelling, text)
    return text


def broken_at_the_end(text: str, rng: np.random.Generator) -> str:
    """A text whose last word goes on in a next line: cut within it, with a hyphen; as it is if the word is short."""
    start, _, last = text.rpartition(" ")
    if len(last) < 6 or not last.isalpha():
        return text
    cut = int(rng.integers(2, len(last) - 2))
    return f"{start} {last[:cut]}-".strip()

"""Styles of synthetic lines, to choose or to mix: `plain`, `letter` (modern) and `archive` (18th and 19th century).

The paper (HTR-JAND, Algorithm 2) renders in one way and does not say which. Our addition; the numbers of
`letter` and `archive` were set beside lines of openly licensed handwriting of those times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from amanuensis.data.crops import ScanStyle
from amanuensis.data.handwriting import HandStyle
from amanuensis.data.inking import BALLPOINT, FADED, FELT, PENCIL, QUILL, STEEL_NIB, Tool
from amanuensis.data.paper import PaperStyle
from amanuensis.data.placing import PlacingStyle
from amanuensis.errors import DataError


@dataclass(frozen=True, slots=True)
class Style:
    """Everything that a line is drawn by.

    Attributes:
        name: as recipes call it.
        hand, placing, paper, scan: see there.
        tools: what it may be written with, evenly.
        old_spelling: share of lines that are spelt as people did before spelling was settled.
        broken: share of lines that end in the middle of a word, with a hyphen.
    """

    name: str
    hand: HandStyle
    placing: PlacingStyle
    paper: PaperStyle
    scan: ScanStyle
    tools: tuple[Tool, ...]
    old_spelling: float = 0.0
    broken: float = 0.05


LETTER = Style(
    "letter",
    HandStyle(joined=0.6, stroke=0.178),
    PlacingStyle(across=(0.85, 1.5), slant=(-0.15, 0.3), unevenness=(0.03, 0.1), wobble=(0.02, 0.11)),
    PaperStyle(
        tone=(205, 255),
        grain=(0.5, 3.5),
        mottle=(0.3, 2.5),
        clouds=(0.0, 3.0),
        see_through=0.15,
        ruled=0.3,
        squared=0.2,
    ),
    ScanStyle(outlined=0.35, bleached=0.3),
    (BALLPOINT, BALLPOINT, FELT, PENCIL, STEEL_NIB),
)
ARCHIVE = Style(
    "archive",
    HandStyle(
        joined=0.95, stroke=0.165, word_space=(0.5, 1.9), untidiness=(0.3, 1.0), struck=0.012, underlined=0.03
    ),
    PlacingStyle(
        x_height=(0.17, 0.33),
        across=(0.9, 1.6),
        slant=(-0.05, 0.4),
        wander=(0.04, 0.2),
        unevenness=(0.04, 0.12),
        wobble=(0.03, 0.13),
    ),
    PaperStyle(
        tone=(178, 235), laid=0.3, stained=0.12, see_through=0.55, ruled=0.06, rule_darkness=(0.05, 0.25)
    ),
    ScanStyle(outlined=0.65, jpeg=0.85),
    (QUILL, QUILL, STEEL_NIB, STEEL_NIB, FADED),
    old_spelling=0.5,
    broken=0.1,
)
PLAIN = "plain"
STYLES: Mapping[str, Style | None] = {PLAIN: None, "letter": LETTER, "archive": ARCHIVE}
"""By name; `plain` has none of all this (see `amanuensis.data.plain`)."""


@dataclass(frozen=True, slots=True)
class StyleMix:
    """Styles and how often each is drawn; they sum to 1."""

    shares: Mapping[str, float]

    @classmethod
    def of(cls, wanted: str | Mapping[str, float]) -> StyleMix:
        """One style by its name, or several with their weights.

        Raises:
            DataError: a style is unknown, or the weights are not positive.
        """
        weights = {wanted: 1.0} if isinstance(wanted, str) else dict(wanted)
        for name, weight in weights.items():
            if name not in STYLES:
                raise DataError(
                    f"style {name!r} of synthetic lines is unknown: known are {', '.join(STYLES)}"
                )
            if not 0 < weight < float("inf"):
                raise DataError(
                    f"style {name!r} of synthetic lines: its weight {weight} is no positive number"
                )
        if not weights:
            raise DataError(f"synthetic lines need at least one style: known are {', '.join(STYLES)}")
        total = sum(weights.values())
        return cls({name: weights[name] / total for name in sorted(weights)})

    def draw(self, rng: np.random.Generator) -> Style | None:
        """One of the styles, None for `plain`. Where there is no choice nothing is drawn."""
        names = list(self.shares)
        if len(names) == 1:
            return STYLES[names[0]]
        return STYLES[names[int(rng.choice(len(names), p=list(self.shares.values())))]]

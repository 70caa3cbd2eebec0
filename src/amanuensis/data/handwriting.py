"""A hand: words and letters set one after the other as somebody in a hurry would, with neighbours above and below.

HTR-JAND (Algorithm 2) only says `Render(t, f)`; everything here is our addition. Letters of a hand that does not
join are set one by one, each in one of several shapes; so are those of a joined hand if its font has no other forms for
neighbors, else it sets words.
`^` raises what follows it, as transcribers of old hands write "M^r".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from amanuensis.data.pens import NUM_VARIANTS, X_HEIGHT, Pen, Stamp, Stamps

Range = tuple[float, float]

RAISE = 0.7 * X_HEIGHT
"""How far raised letters stand above the baseline, in pixels."""

_RAISED = re.compile(r"\^(\w+)|\^|([^^]+)")


@dataclass(frozen=True, slots=True)
class HandStyle:
    """How the hands of a style write; every range is drawn from once a line. Lengths are in x-heights.

    Attributes:
        joined: share of joined hands, as far as there are fonts of both kinds.
        stroke: pens that write broader than this are taken only if no other has the characters.
        word_space: between words.
        letter_space: added between letters that do not join.
        untidiness: 0 is the font as it is; 1 deforms and moves every letter.
        pitch: from one baseline to the next, as a share of the line's own ascent and descent.
        neighbors: share of lines that have any.
        struck: share of lines with a word that was written wrong and struck out; it is not in the text.
        underlined: share of lines with an underlined word.
    """

    joined: float = 0.5
    stroke: float = 0.19
    word_space: Range = (0.6, 2.2)
    letter_space: Range = (-0.05, 0.15)
    untidiness: Range = (0.1, 1.0)
    pitch: Range = (1.05, 1.6)
    neighbors: float = 0.4
    struck: float = 0.01
    underlined: float = 0.02


class Placed(NamedTuple):
    """A stamp and its place: x along the line, y below the baseline, both in pixels."""

    stamp: Stamp
    x: int
    y: int


@dataclass(frozen=True, slots=True, eq=False)
class Writing:
    """A written line, upright and level, at `X_HEIGHT` pixels of x-height.

    Attributes:
        strokes: (rows, columns) uint8, ink 255; more rows than the line's own ink needs.
        baseline: the row of the baseline.
        stroke: mean breadth of the strokes, in x-heights.
        ascent, descent: rows that the line itself takes above and below its baseline, neighbours left out.
        tops, bottoms: (columns,) int, of the line's own ink, from the baseline; above it is negative.
    """

    strokes: NDArray[np.uint8]
    baseline: int
    stroke: float
    ascent: int
    descent: int
    tops: NDArray[np.int64]
    bottoms: NDArray[np.int64]


def write(text: str, pen: Pen, style: HandStyle, stamps: Stamps, rng: np.random.Generator) -> Writing:
    """Writes a text: its own line and what a crop may show of the lines above and below."""
    hand = _Hand.drawn(pen, style, rng)
    words = text.split()
    wrong = int(rng.integers(len(words))) if rng.random() < style.struck else -1
    placed, strikes, width = _set_words(words, hand, stamps, rng, wrong=wrong)
    top = min((p.y + p.stamp.top for p in placed), default=0)
    bottom = max((p.y + p.stamp.top + len(p.stamp.mask) for p in placed), default=0)
    # A text of low letters alone must not be blown up: every line keeps room for its x-height.
    ascent, descent = max(-top, round(1.2 * X_HEIGHT)), max(bottom, round(0.3 * X_HEIGHT))
    margin = round(1.5 * X_HEIGHT)
    strokes = np.zeros((ascent + descent + 2 * margin, width + X_HEIGHT), np.uint8)
    baseline = ascent + margin
    _paint(strokes, placed, baseline)
    tops, bottoms = _envelope(placed, strokes.shape[1])
    for start, end, height in strikes:
        _scrawl(strokes, (start, end), baseline - height, rng)
    if rng.random() < style.underlined and len(placed) > 1:
        _scrawl(strokes, (placed[0].x, placed[len(placed) // 2].x), baseline + 0.35 * X_HEIGHT, rng)
    writing = Writing(strokes, baseline, pen.stroke, ascent, descent, tops, bottoms)
    if rng.random() < style.neighbors:
        _add_neighbors(writing, words, hand, stamps, rng)
    return writing


@dataclass(frozen=True, slots=True)
class _Hand:
    """What was drawn for one line; lengths in pixels, `pitch` as in the style."""

    pen: Pen
    space: float
    letter_space: float
    untidiness: float
    pitch: float

    @property
    def by_letters(self) -> bool:
        """Whether letters are set, not words."""
        return self.pen.composes or not self.pen.joins

    @property
    def most_deformed(self) -> int:
        """The last variant of a stamp that may be taken. Joined letters must still meet; words are not met again."""
        return (NUM_VARIANTS // 2 if self.pen.joins else NUM_VARIANTS - 1) if self.by_letters else 0

    @classmethod
    def drawn(cls, pen: Pen, style: HandStyle, rng: np.random.Generator) -> _Hand:
        space, letters, untidy, pitch = rng.random(4).tolist()
        return cls(
            pen,
            # Calligraphic fonts set words closer than a hand does, so a space has a least width.
            space=max(0.5 * pen.advance(" "), X_HEIGHT * _within(style.word_space, space)),
            letter_space=0.0 if pen.joins else X_HEIGHT * _within(style.letter_space, letters),
            untidiness=_within(style.untidiness, untidy),
            pitch=_within(style.pitch, pitch),
        )


def _within(bounds: Range, share: float) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * share


def _set_words(
    words: Sequence[str], hand: _Hand, stamps: Stamps, rng: np.random.Generator, *, wrong: int = -1
) -> tuple[list[Placed], list[tuple[float, float, float]], int]:
    """Places of all pieces, strokes through struck words as (start, end, height), and the width in pixels.

    Before the word `wrong` another one is written, the letters of that word in another order, and struck out.
    """
    placed: list[Placed] = []
    strikes = []
    x = 0.0
    for number, word in enumerate(words):
        if number == wrong:
            end = _set_word(
                "".join(rng.permutation(list(word.replace("^", "")))), x, hand, stamps, rng, placed
            )
            strikes += [(x, end, h * X_HEIGHT) for h in rng.uniform(0.2, 0.8, int(rng.integers(1, 4)))]
            x = end + hand.space
        x = _set_word(word, x, hand, stamps, rng, placed)
        x += hand.space * float(rng.uniform(0.55, 1.4))
    end = max((p.x + p.stamp.left + p.stamp.mask.shape[1] for p in placed), default=0)
    start = min((p.x + p.stamp.left for p in placed), default=0)
    # The first stroke may begin before the pen's place: all is moved so that it begins at 0.
    placed = [Placed(p.stamp, p.x - start, p.y) for p in placed]
    return placed, [(a - start, b - start, h) for a, b, h in strikes], max(1, end - start)


def _set_word(
    word: str, x: float, hand: _Hand, stamps: Stamps, rng: np.random.Generator, placed: list[Placed]
) -> float:
    """Adds the pieces of a word from `x` on, and returns where it ends."""
    pieces = list(_pieces(word, hand))
    most = hand.untidiness * hand.most_deformed
    variants = (rng.random(len(pieces)) * (1 + most)).astype(int).tolist()
    jitter = rng.normal(0, 1, (len(pieces), 2)).tolist()
    drift = 0.07 * X_HEIGHT * hand.untidiness * float(rng.normal())
    # Letters that join are moved less: they must still meet.
    wobble = (0.02 if hand.pen.joins else 0.04) * X_HEIGHT * hand.untidiness
    for (piece, raised), variant, (along, across) in zip(pieces, variants, jitter, strict=True):
        stamp = stamps.get(hand.pen, piece, variant, raised=raised)
        y = drift + wobble * across - (RAISE if raised else 0)
        placed.append(Placed(stamp, round(x), round(y)))
        x += stamp.advance + hand.letter_space + (0 if hand.pen.joins else wobble * along)
    return x


def _pieces(word: str, hand: _Hand) -> Iterator[tuple[str, bool]]:
    """What is set at once, letters or a word; and whether it is raised."""
    for found in _RAISED.finditer(word):
        part, raised = (found[1], True) if found[1] else (found[2] or "", False)
        if hand.by_letters:
            for letter in part:
                yield letter, raised
        elif part:
            yield part, raised


def _paint(strokes: NDArray[np.uint8], placed: Sequence[Placed], baseline: int) -> None:
    """Puts stamps on the sheet; what stands beyond its edges is cut off."""
    rows, columns = strokes.shape
    for stamp, x, y in placed:
        top, left = baseline + y + stamp.top, x + stamp.left
        height, width = stamp.mask.shape
        bottom, right = min(top + height, rows), min(left + width, columns)
        first_row, first_column = max(top, 0), max(left, 0)
        if first_row < bottom and first_column < right:
            target = strokes[first_row:bottom, first_column:right]
            mask = stamp.mask[first_row - top : bottom - top, first_column - left : right - left]
            np.maximum(target, mask, out=target)


def _envelope(placed: Sequence[Placed], columns: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The uppermost and lowest row of the stamps over every column; an empty one has the x-height."""
    tops = np.full(columns, -X_HEIGHT, np.int64)
    bottoms = np.zeros(columns, np.int64)
    for stamp, x, y in placed:
        over = slice(max(0, x + stamp.left), max(0, x + stamp.left + stamp.mask.shape[1]))
        top = y + stamp.top
        np.minimum(tops[over], top, out=tops[over])
        np.maximum(bottoms[over], top + len(stamp.mask), out=bottoms[over])
    return tops, bottoms


def _scrawl(strokes: NDArray[np.uint8], span: Range, row: float, rng: np.random.Generator) -> None:
    """A wavy pen stroke about a row, two pixels thick, from a column to another."""
    columns = np.arange(max(0, round(span[0])), min(strokes.shape[1], round(span[1])))
    knots = row + rng.normal(0, 0.08 * X_HEIGHT, len(columns) // 20 + 2)
    rows = np.interp(columns / 20, np.arange(len(knots)), knots).round().astype(np.int64)
    for thickness in range(2):
        strokes[np.clip(rows + thickness, 0, len(strokes) - 1), columns] = 230


def _add_neighbors(
    writing: Writing, words: Sequence[str], hand: _Hand, stamps: Stamps, rng: np.random.Generator
) -> None:
    """Lines above and below in the same hand: the same words in another order, for little is seen of them."""
    pitch = round(hand.pitch * (writing.ascent + writing.descent))
    for row in (writing.baseline - pitch, writing.baseline + pitch):
        placed, _, _ = _set_words(rng.permutation(words).tolist(), hand, stamps, rng)
        _paint(writing.strokes, placed, row)

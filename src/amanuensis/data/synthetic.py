"""Synthetic lines: texts of corpora and train transcriptions, written with handwriting fonts in one style or several.

After Algorithm 2 of HTR-JAND (SDG: a text, a font, a rendering), which says neither where texts come from nor
how they are rendered: that is our addition (see `styles`, and `plain` for the first we had).
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amanuensis.data.corpus import LONGEST_TEXT, Corpus, sample_text
from amanuensis.data.crops import scan
from amanuensis.data.handwriting import write
from amanuensis.data.inking import press
from amanuensis.data.paper import sheet
from amanuensis.data.pens import Pen, Stamps
from amanuensis.data.placing import place
from amanuensis.data.plain import write_line
from amanuensis.data.spelling import broken_at_the_end, old_spelling
from amanuensis.data.styles import Style, StyleMix
from amanuensis.data.textures import Textures
from amanuensis.data.transcriptions import Transcriptions
from amanuensis.errors import DataError
from amanuensis.randomness import generator_for

_ATTEMPTS = 20  # texts that are tried before words of transcriptions are left out, or a corpus is given up
_TRANSCRIPTIONS = ""  # the source of texts that is no language


@dataclass(frozen=True, eq=False)
class Desk:
    """What all lines of a style share: stamps of words written before, and textures. Both depend on no seed."""

    stamps: Stamps = field(default_factory=Stamps)
    textures: Textures = field(default_factory=Textures.drawn)


def draw_line(
    text: str, pen: Pen, style: Style, height: int, rng: np.random.Generator, *, desk: Desk
) -> NDArray[np.uint8]:
    """A text in a style, written, inked, laid on paper, cut out and scanned: uint8 (height, W), dark on light."""
    line = place(write(text, pen, style.hand, desk.stamps, rng), style.placing, height, rng)
    tool = style.tools[int(rng.integers(len(style.tools)))]
    ink = press(line, tool, desk.textures, rng)
    page = sheet(line, style.paper, desk.textures, rng) * (1 - ink)
    return scan(page, line, style.scan, rng)


class SyntheticLines:
    """Lines of handwriting fonts, each a function of (seed, epoch, index) and nothing else.

    Args:
        corpora: language ("en", "fr", ...) -> text file, plain or gzip, one sentence a row; drawn evenly.
        fonts: font files (TrueType or OpenType), drawn evenly among those of the hand that a style wants.
        seed: of all randomness.
        height: of the images, in pixels.
        style: a name of `STYLES`, or several with their weights.
        transcriptions: another source of texts, for its own share of the lines, or for all if there is no corpus.

    Raises:
        DataError: there is no text or no font, or a style is unknown. The files themselves are opened by
            the first `sample`.
    """

    def __init__(
        self,
        corpora: Mapping[str, Path],
        fonts: Sequence[Path],
        seed: int,
        height: int = 64,
        *,
        style: str | Mapping[str, float] = "plain",
        transcriptions: Transcriptions | None = None,
    ) -> None:
        if not fonts or not (corpora or transcriptions):
            raise DataError("synthetic lines need at least one corpus and one font")
        self._paths = dict(sorted(corpora.items()))
        # By name, so that neither the order nor the place of the files changes what is drawn.
        self._fonts = sorted(fonts, key=lambda path: (path.name, path))
        self._seed = seed
        self._height = height
        self._styles = StyleMix.of(style)
        self._transcriptions = transcriptions
        self._lacking: Callable[[str], Collection[str]] | None = None
        self._corpora: dict[str, Corpus] = {}
        self._pens: dict[int, Pen] = {}
        self._desk: Desk | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What a worker needs: fonts do not travel between processes, and what is kept is drawn again there."""
        return {**self.__dict__, "_corpora": {}, "_pens": {}, "_desk": None}

    def within(self, lacking: Callable[[str], Collection[str]]) -> SyntheticLines:
        """These lines for one who does not know all characters: without the words that have others.

        Args:
            lacking: the characters of a text that are not known; workers get a copy of it.
        """
        lines = copy.copy(self)
        lines._lacking = lacking
        return lines

    def sample(self, epoch: int, index: int) -> tuple[NDArray[np.uint8], str]:
        """The line `index` of an epoch: a grey image uint8 (height, W), dark on light, and its text.

        Raises:
            DataError: a file cannot be read, or no font has the characters of the corpus.
        """
        rng = generator_for("synthetic", self._seed, epoch, index)
        style, text, pen = self._chosen(rng)
        if style is None:
            return write_line(text, pen, self._height, rng), text
        if self._desk is None:
            self._desk = Desk()
        return draw_line(text, pen, style, self._height, rng, desk=self._desk), text

    def text(self, epoch: int, index: int) -> str:
        """The text of that line alone, without drawing it (to guess its width).

        Raises:
            DataError: as `sample`.
        """
        return self._chosen(generator_for("synthetic", self._seed, epoch, index))[1]

    def left_out(self, number: int) -> Counter[str]:
        """Each character for which words are left out, and in how many of so many texts of no line it stands.

        Raises:
            DataError: a corpus cannot be read.
        """
        counts = Counter[str]()
        for index in range(number):
            rng = generator_for("left out", self._seed, index)
            _, text = self._text(self._styles.draw(rng), rng)
            counts.update(self._lacking(text) if self._lacking else ())
        return counts

    def _writable(self, text: str) -> str:
        """The text without the words that the learner could not write."""
        if self._lacking is None or not self._lacking(text):
            return text
        return " ".join(word for word in text.split() if not self._lacking(word))

    def _chosen(self, rng: np.random.Generator) -> tuple[Style | None, str, Pen]:
        """A style, a text in its spelling and a font that has all of its characters."""
        style = self._styles.draw(rng)
        for _ in range(_ATTEMPTS):
            source, drawn = self._text(style, rng)
            text = self._writable(drawn)
            for pen in self._pens_in_order(style, text, rng) if text else ():
                if not pen.lacking(_written(text)):
                    return style, text, pen
        if source == _TRANSCRIPTIONS:
            for pen in self._pens_in_order(style, text, rng):
                words = [word for word in text.split() if not pen.lacking(_written(word))]
                if words:
                    return style, " ".join(words), pen
        where = f"corpus {self._paths[source]}" if source else "transcriptions"
        if not text:
            raise DataError(f"{where}: the model's alphabet lacks characters of every word of {drawn!r}")
        raise DataError(f"no font has all the characters of {text!r} ({where})")

    def _text(self, style: Style | None, rng: np.random.Generator) -> tuple[str, str]:
        """A source (a language, or `_TRANSCRIPTIONS`) and a text of it."""
        ours = self._transcriptions
        if ours and (not self._paths or rng.random() < ours.share):
            # The plain style writes ^ as it stands, so it leaves out what would be raised.
            text = ours.draw(rng)
            return _TRANSCRIPTIONS, text if style else text.replace("^", "") or text
        language = list(self._paths)[int(rng.integers(len(self._paths)))]
        text = sample_text(self._corpus(language), language, rng)
        if style is None:
            return language, text
        text = text.replace("^", "") or text
        if rng.random() < style.old_spelling:
            text = old_spelling(text, language, rng, raised=bool(ours and ours.marks_raised))
        if rng.random() < style.broken:
            text = broken_at_the_end(text, rng)
        return language, text[:LONGEST_TEXT].rstrip()

    def _pens_in_order(self, style: Style | None, text: str, rng: np.random.Generator) -> Iterator[Pen]:
        """All fonts in random order; of a style, those of the hand that it wants first. Nobody joins capitals."""
        order = rng.permutation(len(self._fonts)).tolist()
        if style is None:
            yield from map(self._pen, order)
            return
        hand = style.hand
        joined = rng.random() < hand.joined and not text.isupper()
        for fits in (True, False):
            for pen in map(self._pen, order):
                if (pen.stroke <= hand.stroke and pen.joins == joined) == fits:
                    yield pen

    def _corpus(self, language: str) -> Corpus:
        if language not in self._corpora:
            self._corpora[language] = Corpus.read(self._paths[language])
        return self._corpora[language]

    def _pen(self, number: int) -> Pen:
        """The font of that place in the order of names."""
        if number not in self._pens:
            self._pens[number] = Pen.load(self._fonts[number])
        return self._pens[number]


def _written(text: str) -> str:
    """What a font has to draw: everything but the mark of raised letters."""
    return text.replace("^", "")

"""Formulas that nobody wrote: symbols exchanged for others of their kind, from other hands, and the caption with them.

Our addition. CROHME's 8,835 training formulas hold only 4,822 captions, and a decoder soon knows them by heart: it
goes on writing what it remembers without a look at the picture. Where 3 may stand any digit or letter may, so a formula
with some symbols exchanged is one that must be read, and rare letters, P or j, are seen as often as x. Needs ink that
says which strokes make which symbol.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from amanuensis.ink import Ink, InkImage, InkSymbol
from amanuensis.records import Sample
from amanuensis.training.places import matched_symbols

_LINES = {
    r"a c e m n o r s u v w x z \alpha \pi \sigma \infty": (1.0, 0.0),
    r"b d f h k l \theta \lambda": (1.6, 0.0),
    r"i t": (1.4, 0.0),
    r"g p q y \gamma \mu": (1.0, -0.7),
    r"j \beta \phi": (1.5, -0.6),
    r"A B C E F G H I L M N P R S T V X Y \Delta 0 1 2 3 4 5 6 7 8 9": (1.5, 0.0),
}
"""Letters and digits: how far they reach above the baseline and, negative, below it, in heights of an x.

They are one kind: where one stands any other may, as large as letters are there, so that size still tells c from C."""

_OTHERS = (
    r"+ - \times \div \pm",
    r"= < > \leq \geq \neq \rightarrow",
    r"\sin \cos \tan \log",
    ". ,",
)
"""Symbols of one kind stand in the same places at the same size."""

_FLAT = 0.3  # height over width of what tells little of how large its neighbors are written
_NARROW = 1e-6  # half a width below which a symbol has none
_SYMBOL_SHARE = 0.5  # of a formula's symbols that have a kind


@dataclass(frozen=True, slots=True)
class SymbolStock:
    """Written symbols to exchange others for.

    Attributes:
        strokes: label -> examples; each is (N, 2) points of its strokes, in units of its larger side about its middle.
    """

    strokes: Mapping[str, Sequence[tuple[NDArray[np.float32], ...]]]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> SymbolStock:
        """All symbols of training formulas that have a kind and whose token is known."""
        found: dict[str, list[tuple[NDArray[np.float32], ...]]] = defaultdict(list)
        for sample in samples:
            if not isinstance(sample.image, InkImage):
                continue
            ink, tokens = sample.image.ink, sample.text.split()
            for token, symbol in matched_symbols(tokens, ink):
                label = ink.symbols[symbol].label
                if label == tokens[token] and label in _KIND_OF:
                    found[label].append(_unit(ink, ink.symbols[symbol]))
        return cls(dict(found))

    def exchanged(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """The sample with about half of its exchangeable symbols replaced, each by any of its kind alike.

        Args:
            sample: of ink; others, and ink without symbols, stay as they are.
            generator: the only randomness.
        """
        image = sample.image
        if not isinstance(image, InkImage):
            return sample
        tokens, ink = sample.text.split(), image.ink
        changes: list[_Change] = []
        for token, index in matched_symbols(tokens, ink):
            if ink.symbols[index].label == tokens[token] and generator.random() < _SYMBOL_SHARE:
                change = self._change(ink, index, generator)
                if change is not None:
                    changes.append(change)
                    tokens[token] = change.label
        if not changes:
            return sample
        return replace(sample, text=" ".join(tokens), image=replace(image, ink=_rewritten(ink, changes)))

    def _change(self, ink: Ink, index: int, generator: np.random.Generator) -> _Change | None:
        """A symbol of the same kind in the place of one; None if it has no kind."""
        kind = [label for label in _KIND_OF.get(ink.symbols[index].label, ()) if label in self.strokes]
        if not kind:
            return None
        label = kind[int(generator.integers(len(kind)))]
        examples = self.strokes[label]
        example = examples[int(generator.integers(len(examples)))]
        points = _points(ink, ink.symbols[index])
        low, high = points.min(axis=0), points.max(axis=0)
        labels = ink.symbols[index].label, label
        middle, size = _room(labels, np.stack([low, high]), np.concatenate(example))
        new = tuple(stroke * size for stroke in example)
        width = float(np.ptp(np.concatenate(new)[:, 0]))
        half = float(high[0] - low[0]) / 2
        return _Change(index, label, new, middle, half, max(0.0, width / 2 - half))


@dataclass(frozen=True, slots=True)
class _Change:
    """A symbol that takes another's place.

    Attributes:
        index: of the symbol that goes.
        label: of the one that comes.
        strokes: (N, 2) each, about its middle.
        middle: (2,) where it stands.
        half: half the old one's width.
        grow: how much further the new one reaches to either side.
    """

    index: int
    label: str
    strokes: tuple[NDArray[np.floating], ...]
    middle: NDArray[np.float64]
    half: float
    grow: float


_LINES_OF = {label: lines for labels, lines in _LINES.items() for label in labels.split()}
_KIND_OF = {label: tuple(_LINES_OF) for label in _LINES_OF} | {
    label: tuple(kind.split()) for kind in _OTHERS for label in kind.split()
}


def _room(
    labels: tuple[str, str], corners: NDArray[np.float64], example: NDArray[np.floating]
) -> tuple[NDArray[np.float64], float]:
    """Where the middle of a new symbol is, and what its unit is multiplied by.

    A letter or digit stands on the baseline of the old one, at the size of its writing; everything else has the larger
    side of the old one, about the same middle.

    Args:
        labels: the old one and the new one, of one kind.
        corners: (2, 2) of the old symbol: left and top, right and bottom; y grows downwards.
        example: (N, 2) points of the new one in its unit.
    """
    old, new = labels
    low, high = corners
    middle = (low + high) / 2
    if new not in _LINES_OF or high[1] - low[1] <= _FLAT * (high[0] - low[0]):
        return middle, float((high - low).max()) or 1.0
    (top, bottom), (new_top, new_bottom) = _LINES_OF[old], _LINES_OF[new]
    unit = (high[1] - low[1]) / (top - bottom)
    baseline = high[1] + bottom * unit
    middle[1] = baseline - (new_top + new_bottom) / 2 * unit
    height = (new_top - new_bottom) * unit
    return middle, float(height / max(np.ptp(example[:, 1]), _FLAT))


def _points(ink: Ink, symbol: InkSymbol) -> NDArray[np.float64]:
    return np.concatenate([ink.strokes[i] for i in symbol.strokes])


def _unit(ink: Ink, symbol: InkSymbol) -> tuple[NDArray[np.float32], ...]:
    """A symbol's strokes about its middle, its larger side 1."""
    points = _points(ink, symbol)
    low, high = points.min(axis=0), points.max(axis=0)
    size = float((high - low).max()) or 1.0
    return tuple(((ink.strokes[i] - (low + high) / 2) / size).astype(np.float32) for i in symbol.strokes)


def _rewritten(ink: Ink, changes: Sequence[_Change]) -> Ink:
    """The ink with the changes; what stands beside a wider symbol moves away, what spans it is stretched."""
    gone = {stroke for change in changes for stroke in ink.symbols[change.index].strokes}
    kept = [i for i in range(len(ink.strokes)) if i not in gone]
    strokes = [_spread(ink.strokes[i], changes) for i in kept]
    renamed = {old: new for new, old in enumerate(kept)}
    changed = {change.index: change for change in changes}
    symbols = []
    for index, symbol in enumerate(ink.symbols):
        if index in changed:
            change = changed[index]
            [middle] = _spread(change.middle[None], changes)
            indices = tuple(range(len(strokes), len(strokes) + len(change.strokes)))
            strokes.extend(stroke + middle for stroke in change.strokes)
            symbols.append(InkSymbol(change.label, indices))
        else:
            symbols.append(InkSymbol(symbol.label, tuple(renamed[i] for i in symbol.strokes if i in renamed)))
    return Ink(strokes, [symbol for symbol in symbols if symbol.strokes])


def _spread(points: NDArray[np.float64], changes: Sequence[_Change]) -> NDArray[np.float64]:
    """(N, 2) points moved sideways, each by what all changes on either side of it grow."""
    x = points[:, 0]
    moved = points.copy()
    for change in changes:
        if change.grow:
            share = np.clip((x - change.middle[0]) / max(change.half, _NARROW), -1, 1)
            moved[:, 0] += change.grow * share
    return moved

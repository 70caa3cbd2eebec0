"""Parts of formulas as formulas of their own: a numerator, what stands under a root, one side of an equation.

Our addition, after the decomposition of Le, Indurkhya and Nakagawa (2019). CROHME's captions are few and known by heart
(`training.exchange`); their parts are other captions, with structures at other places and other sizes. Needs ink that
says which strokes make which symbol.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from amanuensis.errors import DataError
from amanuensis.ink import Ink, InkImage, InkSymbol
from amanuensis.latex.arrangement import written_label
from amanuensis.latex.grammar import parse
from amanuensis.latex.nodes import Node, Symbol, to_tokens
from amanuensis.records import Sample
from amanuensis.training.places import matched_symbols

Span = tuple[int, int]
"""First token of a part, and the one after its last."""

_CUTS = r"+ - = < > , \pm \times \div \cdot \leq \geq \neq \rightarrow"
_BETWEEN = frozenset(_CUTS.split())
"""What a row may be cut at: the parts on either side of it say something on their own."""

_OPENING, _CLOSING = frozenset({"(", "[", "\\{"}), frozenset({")", "]", "\\}"})
_FEWEST = 2  # symbols; one alone is known well enough


def excerpt(sample: Sample, generator: np.random.Generator) -> Sample:
    """A part of the sample, any of them alike: caption and ink agree, for all of its symbols are known.

    Args:
        sample: of ink; others, and ink in which no part has all its symbols, stay as they are.
        generator: the only randomness.
    """
    image = sample.image
    if not isinstance(image, InkImage):
        return sample
    tokens = sample.text.split()
    symbols = dict(matched_symbols(tokens, image.ink))
    whole = [span for span in spans(tokens) if _is_known(tokens, span, symbols)]
    if not whole:
        return sample
    first, last = whole[int(generator.integers(len(whole)))]
    kept = sorted(symbols[i] for i in range(first, last) if i in symbols)
    return replace(
        sample, text=" ".join(tokens[first:last]), image=replace(image, ink=_ink_of(image.ink, kept))
    )


def spans(tokens: Sequence[str]) -> list[Span]:
    """The parts of a caption that are captions themselves, itself left out; none if it is not well-formed.

    These are the rows in braces, and of every row what stands between two places where it may be cut.
    """
    try:
        rows = [(0, len(tokens)), *_braced(tokens)]
        found = {part for row in rows for part in _parts(tokens, row)}
    except DataError:
        return []
    return sorted(found - {(0, len(tokens))})


def _braced(tokens: Sequence[str]) -> Iterator[Span]:
    """What stands between braces."""
    opened: list[int] = []
    for i, token in enumerate(tokens):
        if token == "{":  # noqa: S105 - LaTeX's
            opened.append(i + 1)
        elif token == "}" and opened:  # noqa: S105
            yield opened.pop(), i


def _parts(tokens: Sequence[str], row: Span) -> Iterator[Span]:
    """Of a row all runs of terms, the row itself among them."""
    first, last = row
    nodes = parse(tokens[first:last])
    starts = [first]
    for node in nodes:
        starts.append(starts[-1] + len(to_tokens((node,))))
    if starts[-1] != last:
        return  # written in another way than the printer's: places in it are not known
    cuts = [
        i for i, depth in zip(range(len(nodes)), _depths(nodes), strict=True) if not depth and _cuts(nodes[i])
    ]
    begins = [0, *(i + 1 for i in cuts)]
    ends = [*cuts, len(nodes)]
    for i, begin in enumerate(begins):
        for end in ends[i:]:
            if end > begin:
                yield starts[begin], starts[end]


def _cuts(node: Node) -> bool:
    return isinstance(node, Symbol) and node.token in _BETWEEN


def _depths(nodes: Sequence[Node]) -> Iterator[int]:
    """How many brackets are open before each node; a closing one may carry scripts."""
    depth = 0
    for node in nodes:
        yield depth
        token = _base(node)
        depth = max(0, depth + (token in _OPENING) - (token in _CLOSING))


def _base(node: Node) -> str:
    return to_tokens((node,))[0]


def _is_known(tokens: Sequence[str], span: Span, symbols: dict[int, int]) -> bool:
    """Whether the ink of every written token of a part is known, and there are enough of them."""
    written = [i for i in range(*span) if written_label(tokens[i]) is not None]
    return len(written) >= _FEWEST and all(i in symbols for i in written)


def _ink_of(ink: Ink, symbols: Sequence[int]) -> Ink:
    """The ink of some symbols alone."""
    strokes = sorted({stroke for i in symbols for stroke in ink.symbols[i].strokes})
    renamed = {old: new for new, old in enumerate(strokes)}
    named = [
        InkSymbol(ink.symbols[i].label, tuple(renamed[s] for s in ink.symbols[i].strokes)) for i in symbols
    ]
    return Ink([ink.strokes[i] for i in strokes], named)

"""From a line's symbols to its words. Our addition."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from amanuensis.records import Span, WordSpan


def words_of_spans(spans: Sequence[Span], *, end: float | None = None) -> list[WordSpan]:
    """The words between white space, each as sure as its symbols together: the product of their confidences.

    Of the ways to tell a word's confidence from its symbols' that were tried (product, mean, least, the path's
    probability over its frames), the product told right words from wrong ones best (`docs/experiments.md`).

    Args:
        spans: of a line.
        end: what a language model says of the line's end after its last symbol; None if none read along.
    """
    runs = [(blank, list(run)) for blank, run in itertools.groupby(spans, is_space)]
    ends = [*(run[0].language for _, run in runs[1:]), end]
    # Without a symbol there is no run, and nothing for the line's end to belong to.
    return [_word(run, after) for (blank, run), after in zip(runs, ends, strict=False) if not blank]


def _word(symbols: Sequence[Span], after: float | None) -> WordSpan:
    said = [*(symbol.language for symbol in symbols), after]
    known = [one for one in said if one is not None]
    return WordSpan(
        "".join(symbol.text for symbol in symbols),
        symbols[0].start,
        symbols[-1].end,
        math.prod(symbol.confidence for symbol in symbols),
        language=math.fsum(known) if len(known) == len(said) else None,
    )


def is_space(span: Span) -> bool:
    """Whether a symbol stands between words."""
    return span.text.isspace()

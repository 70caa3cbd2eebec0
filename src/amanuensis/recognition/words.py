"""From a line's symbols to its words. Our addition."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from amanuensis.records import Span, WordSpan


def words_of_spans(spans: Sequence[Span]) -> list[WordSpan]:
    """The words between white space, each as sure as its symbols together: the product of their confidences.

    Of the ways to tell a word's confidence from its symbols' that were tried (product, mean, least, the path's
    probability over its frames), the product told right words from wrong ones best (`docs/experiments.md`).
    """
    words = []
    for blank, run in itertools.groupby(spans, is_space):
        if blank:
            continue
        symbols = list(run)
        text = "".join(symbol.text for symbol in symbols)
        confidence = math.prod(symbol.confidence for symbol in symbols)
        words.append(WordSpan(text, symbols[0].start, symbols[-1].end, confidence))
    return words


def is_space(span: Span) -> bool:
    """Whether a symbol stands between words."""
    return span.text.isspace()

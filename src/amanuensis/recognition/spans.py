"""From a decoded path to spans in the source picture, spelt as the model's normalization says."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from amanuensis.decoding import Path
from amanuensis.language import TextNormalization, Vocab
from amanuensis.language.normalize import UnicodeForm
from amanuensis.records import Span


def spans_of_path(path: Path, vocab: Vocab, *, pixels_per_frame: float, width: int) -> list[Span]:
    """One span per symbol of a path.

    Args:
        path: a decoded line.
        vocab: the model's.
        pixels_per_frame: source pixels that a frame covers.
        width: of the source picture; the last frame may reach beyond it.
    """
    return [
        Span(
            vocab.decode([token]),
            min(start * pixels_per_frame, float(width)),
            min(end * pixels_per_frame, float(width)),
            confidence,
        )
        for token, start, end, confidence in zip(
            path.tokens, path.starts, path.ends, path.confidences, strict=True
        )
    ]


def readable(spans: Sequence[Span], normalization: TextNormalization) -> list[Span]:
    """The spans of the normalized text, still one per symbol.

    A letter and the marks on it share one place, composed or not; white space that is collapsed goes.
    """
    spans = _composed(spans, normalization)
    return _collapsed(spans) if normalization.collapse_whitespace else spans


def _composed(spans: Sequence[Span], normalization: TextNormalization) -> list[Span]:
    form = normalization.form
    clusters: list[Span] = []
    for span in spans:
        last = clusters[-1] if clusters else None
        if last is not None and _belong_together(last.text, span.text, form):
            text = unicodedata.normalize(form, last.text + span.text)
            language = None if last.language is None else last.language + (span.language or 0.0)
            least = min(last.confidence, span.confidence)
            clusters[-1] = Span(text, last.start, span.end, least, language=language)
        else:
            clusters.append(replace(span, text=unicodedata.normalize(form, span.text)))
    return [symbol for cluster in clusters for symbol in _symbols(cluster)]


def _symbols(cluster: Span) -> list[Span]:
    """One span for each symbol of a letter and its marks, in one place; what a language model says is shared out."""
    language = None if cluster.language is None else cluster.language / len(cluster.text)
    return [replace(cluster, text=symbol, language=language) for symbol in cluster.text]


def _belong_together(before: str, after: str, form: UnicodeForm) -> bool:
    """Whether `after` is a mark on `before`, or normalizing both differs from normalizing each (Hangul)."""
    if unicodedata.combining(after[0]):
        return True
    apart = before + unicodedata.normalize(form, after)
    return unicodedata.normalize(form, before + after) != apart


def _collapsed(spans: Sequence[Span]) -> list[Span]:
    """One space between words, none at the ends."""
    result: list[Span] = []
    for span in spans:
        if not span.text.isspace():
            result.append(span)
        elif result and result[-1].text != " ":
            result.append(replace(span, text=" "))
    if result and result[-1].text == " ":
        result.pop()
    return result

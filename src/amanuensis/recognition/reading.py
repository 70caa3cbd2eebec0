"""From a decoded path to a reading: text as the model spells it, symbols and words with their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from amanuensis.decoding import Path
from amanuensis.recognition.config import TextConfig
from amanuensis.recognition.spans import readable, spans_of_path
from amanuensis.recognition.words import words_of_spans
from amanuensis.records import Reading


def raw_reading(
    path: Path,
    config: TextConfig,
    *,
    pixels_per_frame: float,
    width: int,
    judged: Sequence[float] = (),
) -> Reading:
    """The reading of a line, with the network's own confidences.

    Args:
        path: what was decoded.
        config: the model's.
        pixels_per_frame: source pixels that a frame covers.
        width: of the source picture.
        judged: what a language model says of each symbol and of the end (natural logarithms); () if none read along.
    """
    spans = spans_of_path(path, config.vocabulary, pixels_per_frame=pixels_per_frame, width=width)
    if judged:
        spans = [replace(span, language=said) for span, said in zip(spans, judged[:-1], strict=True)]
    spans = readable(spans, config.normalization)
    text = "".join(span.text for span in spans)
    return Reading(
        text,
        path.confidence,
        tuple(spans),
        words=tuple(words_of_spans(spans, end=judged[-1] if judged else None)),
    )


def described_reading(reading: Reading) -> dict[str, Any]:
    """What every JSON says of a reading, of a line or of a line of a page; where its parts stand each adds itself."""
    described: dict[str, Any] = {"text": reading.text, "confidence": round(reading.confidence, 4)}
    if reading.alternatives:
        described["alternatives"] = [
            {"text": other.text, "confidence": round(other.confidence, 4)} for other in reading.alternatives
        ]
    if reading.uncorrected is not None:
        described["uncorrected"] = reading.uncorrected
    if reading.remarks:
        described["remarks"] = list(reading.remarks)
    return described

"""Run a recognizer over labelled lines. What it reads is kept line by line; scoring is a step of its own."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from amanuensis.errors import AmanuensisError, DataError
from amanuensis.evaluation.results import Outcome, Results
from amanuensis.language import TextNormalization
from amanuensis.records import ImageSource, Reading, Sample

# Enough lines for a recognizer to sort them into buckets by width, few enough to stay small in memory.
_LINES_AT_ONCE = 64

Progress = Callable[[int, int], None]


class EvaluatedDecoder(Protocol):
    """What evaluation asks of a model's decoder."""

    def to_dict(self) -> dict[str, Any]:
        """Its method and settings, for the record."""


class EvaluatedConfig(Protocol):
    """What evaluation asks of a model's configuration."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def normalization(self) -> TextNormalization:
        """How its texts are spelt; references are compared in the same spelling."""

    @property
    def decoder(self) -> EvaluatedDecoder:
        """The search that its readings come from."""


class EvaluatedRecognizer(Protocol):
    """What evaluation asks of a recognizer; `amanuensis.recognition.Recognizer` is one."""

    @property
    def config(self) -> EvaluatedConfig:
        """The model's configuration."""

    def read(self, images: Sequence[Path | ImageSource], /) -> list[Reading]:
        """One reading per image, in order; raises an `AmanuensisError` if an image cannot be read."""


@runtime_checkable
class OfManyModels(Protocol):
    """A recognizer of several models, some of which may read lines of their own data sets only."""

    def for_set(self, name: str) -> EvaluatedRecognizer:
        """The recognizer for lines of a data set."""

    def to_dict(self) -> dict[str, Any]:
        """The models and what they cost, for the record."""


def transcription(reading: Reading) -> str:
    """What is compared of a line: its text."""
    return reading.text


def caption(reading: Reading) -> str:
    """What is compared of a formula: its tokens between spaces, as captions are spelt."""
    return " ".join(reading.tokens)


def evaluate(
    recognizer: EvaluatedRecognizer,
    samples: Sequence[Sample],
    *,
    kept: Callable[[Reading], str] = transcription,
    progress: Progress | None = None,
) -> Results:
    """Read all samples.

    A sample whose image fails is recorded with its reason, and the rest goes on. Errors that are not
    `AmanuensisError` or `OSError` are mistakes of a program, not of an image: they are raised.

    Args:
        recognizer: what reads.
        samples: labelled lines; their texts are not looked at. Keys must differ.
        kept: what of a reading is kept to be compared: `transcription`, or `caption` for formulas.
        progress: called with (lines done, lines in all) now and then.

    Raises:
        DataError: two samples have the same key.
        ModelError: of models that read together, none reads one of the data sets.
    """
    index_by_key(samples)
    readers = {name: _reader_of(recognizer, name) for name in dict.fromkeys(s.dataset for s in samples)}
    outcomes: list[Outcome] = []
    seconds: dict[str, float] = {}
    for chunk in _chunks(samples):
        began = time.perf_counter()
        name = chunk[0].dataset
        outcomes += _read(readers[name], chunk, kept)
        seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - began
        if progress is not None:
            progress(len(outcomes), len(samples))
    return Results(
        model=recognizer.config.name,
        split="+".join(sorted({sample.split for sample in samples} - {""})),
        datasets=tuple(seconds),
        normalization=recognizer.config.normalization,
        decoder=recognizer.config.decoder.to_dict(),
        seconds=seconds,
        outcomes=tuple(outcomes),
        ensemble=recognizer.to_dict() if isinstance(recognizer, OfManyModels) else None,
    )


def _reader_of(recognizer: EvaluatedRecognizer, name: str) -> EvaluatedRecognizer:
    return recognizer.for_set(name) if name and isinstance(recognizer, OfManyModels) else recognizer


def index_by_key(samples: Sequence[Sample]) -> dict[str, Sample]:
    """The samples by key.

    Raises:
        DataError: two have the same.
    """
    by_key: dict[str, Sample] = {}
    for sample in samples:
        if sample.key in by_key:
            raise DataError(f"two samples are called {sample.key!r}; data sets need names of their own")
        by_key[sample.key] = sample
    return by_key


def _chunks(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """Runs of samples of one data set each, so that time can be told by data set."""
    for _, run in itertools.groupby(samples, key=lambda sample: sample.dataset):
        # `itertools.batched` is there from Python 3.12 on.
        while chunk := list(itertools.islice(run, _LINES_AT_ONCE)):
            yield chunk


def _read(
    recognizer: EvaluatedRecognizer, samples: Sequence[Sample], kept: Callable[[Reading], str]
) -> list[Outcome]:
    """One outcome per sample. A chunk with a bad image is halved until the bad image stands alone."""
    try:
        readings = recognizer.read([sample.image for sample in samples])
    except (AmanuensisError, OSError) as error:
        if len(samples) == 1:
            return [Outcome(samples[0].key, error=str(error) or type(error).__name__)]
        middle = len(samples) // 2
        return _read(recognizer, samples[:middle], kept) + _read(recognizer, samples[middle:], kept)
    return [
        outcome_of(sample.key, kept(reading), reading)
        for sample, reading in zip(samples, readings, strict=True)
    ]


def outcome_of(key: str, text: str, reading: Reading) -> Outcome:
    """What is kept of a reading.

    Words and characters are of lines: a formula's tokens stand between spaces that nobody read.

    Args:
        key: of the sample.
        text: of the reading, as it is compared.
        reading: with its confidences.
    """
    return Outcome(
        key,
        text,
        reading.confidence,
        words=tuple(word.confidence for word in reading.words),
        characters=tuple(span.confidence for span in reading.spans) if reading.words else (),
        uncorrected=reading.uncorrected,
        judged=_judged(reading),
    )


def _judged(reading: Reading) -> tuple[float, ...]:
    said = tuple(word.language for word in reading.words if word.language is not None)
    return said if len(said) == len(reading.words) else ()

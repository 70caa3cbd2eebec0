"""A recognizer whose readings are corrected: it reads as the one inside it does, and can stand wherever that can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from amanuensis.correction.pipeline import Correction, correct
from amanuensis.errors import AmanuensisError, ModelError
from amanuensis.recognition import FormulaRecognizer, LineEnsemble, Recognizer, TextConfig
from amanuensis.records import Reading

_LINES_AT_ONCE = 64  # a page or two: what a corrector sees as context, and what T5 works on together


class CorrectingRecognizer:
    """Reads, then corrects.

    Attributes:
        recognizer: what reads.
        correction: what corrects.
        num_lines: lines that were corrected so far, changed or not.
        seconds: CPU time that correcting them took.
    """

    def __init__(
        self, recognizer: Recognizer | LineEnsemble | FormulaRecognizer, correction: Correction
    ) -> None:
        """Put them together.

        Raises:
            ModelError: the recognizer reads formulas, which have a grammar, not words.
        """
        if isinstance(recognizer, FormulaRecognizer):
            raise ModelError(f"{recognizer.config.name} reads formulas: only lines can be corrected")
        self.recognizer = recognizer
        self.correction = correction
        self.num_lines = 0
        self.seconds = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The correction and what it took, as results tell it."""
        milliseconds = round(1000 * self.seconds / self.num_lines, 3) if self.num_lines else None
        return {**self.correction.to_dict(), "milliseconds_per_line": milliseconds}

    @property
    def config(self) -> TextConfig:
        """The model's."""
        return self.recognizer.config

    def read(self, images: Any) -> list[Reading]:
        """As `Recognizer.read`."""
        return list(self._corrected(self.recognizer.read(images)))

    def read_each(self, sources: Iterable[Any], **options: Any) -> Iterator[Reading | AmanuensisError]:
        """As `Recognizer.read_each`; lines that follow one another are each other's context."""
        results = self.recognizer.read_each(sources, **options)
        while some := list(islice(results, _LINES_AT_ONCE)):
            corrected = self._corrected([one for one in some if isinstance(one, Reading)])
            for one in some:
                yield next(corrected) if isinstance(one, Reading) else one

    def _corrected(self, readings: Sequence[Reading]) -> Iterator[Reading]:
        for done in correct(readings, self.correction):
            self.num_lines += 1
            self.seconds += done.seconds
            yield done.reading

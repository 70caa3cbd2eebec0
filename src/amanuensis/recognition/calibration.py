"""What a model's confidences are worth: maps fitted on validation lines, stored in the model, applied to readings.

*Our addition*; the paper has no confidences. A character's raw confidence is its highest probability within its run
of frames, a word's the product of its characters', a line's the path's probability to the power 1/length. Where a
language model read along, what it says of a word counts in that word's calibrated confidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from amanuensis.errors import ModelError
from amanuensis.metrics import LogOddsMap
from amanuensis.records import Reading, WordSpan

LEVELS = ("characters", "words", "lines")


@dataclass(frozen=True, slots=True)
class Calibration:
    """One map for each kind of confidence; as it is built, it changes nothing.

    Attributes:
        characters: to the chance that a character is right.
        words: to the chance that a word is right.
        lines: to the share of a line's characters that is right.
        fitted_on: how many validation lines the maps were fitted on.
    """

    characters: LogOddsMap = field(default_factory=LogOddsMap)
    words: LogOddsMap = field(default_factory=LogOddsMap)
    lines: LogOddsMap = field(default_factory=LogOddsMap)
    fitted_on: int = 0

    def __call__(self, reading: Reading) -> Reading:
        """A reading of raw confidences with calibrated ones."""
        return replace(
            reading,
            confidence=self.lines(reading.confidence),
            spans=tuple(replace(span, confidence=self.characters(span.confidence)) for span in reading.spans),
            words=tuple(replace(word, confidence=self._of_word(word)) for word in reading.words),
        )

    def _of_word(self, word: WordSpan) -> float:
        judged = None if word.language is None else (word.language, len(word.text))
        return self.words(word.confidence, judged)

    def to_dict(self) -> dict[str, Any]:
        """As stored in a model's `config.json`."""
        maps = {level: getattr(self, level).to_dict() for level in LEVELS}
        return {**maps, "fitted_on": self.fitted_on}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Calibration:
        """The inverse of `to_dict`.

        Raises:
            ModelError: a key is missing or unknown, or a value impossible.
        """
        known = {*LEVELS, "fitted_on"}
        if set(stored) != known:
            raise ModelError(
                f"a calibration has the keys {', '.join(sorted(known))}, not {', '.join(stored)}"
            )
        if type(stored["fitted_on"]) is not int or stored["fitted_on"] < 0:
            raise ModelError(f"'fitted_on' is a number of lines, not {stored['fitted_on']!r}")
        try:
            return cls(**{level: _map(stored[level]) for level in LEVELS}, fitted_on=stored["fitted_on"])
        except (TypeError, ValueError) as error:
            raise ModelError(f"a calibration's map is not what it should be: {error}") from error


def _map(stored: Mapping[str, float]) -> LogOddsMap:
    if set(stored) not in ({"slope", "shift"}, {"slope", "shift", "language", "length"}):
        raise ValueError(f"slope and shift are needed, and perhaps language and length, not {stored!r}")
    return LogOddsMap(**stored)

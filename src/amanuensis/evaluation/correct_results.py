"""Correct what a result file holds, without reading an image again: what is known of a line there is enough."""

from __future__ import annotations

from dataclasses import replace

from amanuensis.correction import Correction, correct
from amanuensis.errors import DataError
from amanuensis.evaluation.results import Outcome, Results
from amanuensis.records import Reading, Span


def correct_results(results: Results, correction: Correction) -> Results:
    """The results with their texts corrected; lines that follow one another in the file are each other's context.

    Confidences of characters are taken from the file; where they were not kept, the line's stands for all.

    Raises:
        DataError: the results were corrected before.
    """
    if results.correction is not None:
        raise DataError(f"the results of {results.model} were corrected before: correct what was read")
    read = [outcome for outcome in results.outcomes if outcome.error is None]
    done = list(correct([_reading(outcome) for outcome in read], correction))
    new = {o.id: _corrected(o, one.reading) for o, one in zip(read, done, strict=True)}
    seconds = sum(one.seconds for one in done)
    time = round(1000 * seconds / len(done), 3) if done else None
    return replace(
        results,
        outcomes=tuple(new.get(outcome.id, outcome) for outcome in results.outcomes),
        correction={**correction.to_dict(), "milliseconds_per_line": time},
    )


def _reading(outcome: Outcome) -> Reading:
    """Places are not in the file: characters stand side by side, a pixel each."""
    sure = outcome.confidence if outcome.confidence is not None else 0.0
    told = outcome.characters or (sure,) * len(outcome.text)
    spans = tuple(
        Span(character, float(place), place + 1.0, confidence)
        for place, (character, confidence) in enumerate(zip(outcome.text, told, strict=True))
    )
    return Reading(outcome.text, sure, spans)


def _corrected(outcome: Outcome, reading: Reading) -> Outcome:
    """Confidences are of what was read; those of a changed line are left out, as its places are not known."""
    if reading.uncorrected is None:
        return outcome
    return Outcome(outcome.id, reading.text, outcome.confidence, uncorrected=reading.uncorrected)

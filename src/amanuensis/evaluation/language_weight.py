"""How much a language model should weigh in reading formulas: tried on validation formulas (spec C37)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from amanuensis.errors import DataError
from amanuensis.evaluation.evaluate import Progress, caption, evaluate
from amanuensis.evaluation.formulas import score_formula_results
from amanuensis.recognition import FormulaRecognizer
from amanuensis.records import Sample

WEIGHTS = tuple(round(0.05 * i, 2) for i in range(11))
"""0 to 0.5 in steps of 0.05: the range that the specification gives."""


@dataclass(frozen=True, slots=True)
class WeightTrial:
    """What a weight did.

    Attributes:
        weight: of the language model; 0 is without.
        num_right, num_formulas: read without a token edit, and in all; those that failed count as wrong.
        wer: token edits over tokens.
        seconds: for all formulas, loading and preparing them too.
    """

    weight: float
    num_right: int
    num_formulas: int
    wer: float
    seconds: float

    @property
    def exprate(self) -> float:
        """The share that was read without a token edit."""
        return self.num_right / self.num_formulas

    @property
    def milliseconds(self) -> float:
        """Per formula."""
        return 1000 * self.seconds / self.num_formulas


def try_weights(
    recognizer: FormulaRecognizer,
    samples: Sequence[Sample],
    weights: Sequence[float] = WEIGHTS,
    *,
    progress: Progress | None = None,
) -> Iterator[WeightTrial]:
    """Read the formulas once for each weight.

    Args:
        recognizer: with a language model; its weight does not matter.
        samples: validation formulas.
        weights: to try.
        progress: called with (formulas read, formulas to read in all) now and then.

    Raises:
        DataError: there is no formula, or one of a test set: weights are chosen on validation data.
        ModelError: the recognizer has no language model.
    """
    if not samples:
        raise DataError("no formula to try weights on")
    if tests := [sample.key for sample in samples if sample.split == "test"]:
        raise DataError(
            f"{tests[0]} is of a test set: a weight that was chosen on it could not be measured on it"
        )
    for number, weight in enumerate(weights):
        changed = recognizer.searching(language_weight=weight)
        told = progress and _shifted(progress, number * len(samples), len(weights) * len(samples))
        results = evaluate(changed, samples, kept=caption, progress=told)
        scores = score_formula_results(results, samples).total
        yield WeightTrial(
            weight, scores.by_token.exprate.k, scores.n, scores.wer, sum(results.seconds.values())
        )


def _shifted(progress: Progress, first: int, total: int) -> Progress:
    """The progress of one weight as a part of all."""
    return lambda done, _: progress(first + done, total)


def best_trial(trials: Sequence[WeightTrial]) -> WeightTrial:
    """The one with most formulas right; among those the fewest token edits, then the smallest weight."""
    return min(trials, key=lambda trial: (-trial.num_right, trial.wer, trial.weight))

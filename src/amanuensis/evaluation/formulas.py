"""Score results against captions of formulas: ExpRate by token and by tree, errors by class and length.

Every formula of the data counts: one that failed, or that the results do not mention, is wrong. The two metrics
are never mixed (spec C25), and every percentage carries its k and n (C34).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amanuensis.data.captions import captioned
from amanuensis.errors import DataError
from amanuensis.evaluation.evaluate import index_by_key
from amanuensis.evaluation.report import MISSING
from amanuensis.evaluation.results import Outcome, Results
from amanuensis.latex import tree_errors
from amanuensis.metrics import (
    FormulaPair,
    FormulaScores,
    McNemar,
    mcnemar,
    score_formula,
    score_formulas,
    token_confusions,
)
from amanuensis.records import Sample


@dataclass(frozen=True, slots=True)
class ScoredFormula:
    """One formula of the data and what became of it.

    Attributes:
        sample: the formula.
        pair: its caption, and what was read.
        confidence: of the reading, in [0, 1]; None if there is none.
        error: why nothing was read; None if something was.
        errors: token edits; 0 is right.
    """

    sample: Sample
    pair: FormulaPair
    confidence: float | None
    error: str | None
    errors: int


@dataclass(frozen=True, slots=True)
class FormulaReport:
    r"""The scores of a model on some formulas.

    Attributes:
        results: what was scored.
        formulas: all of them, in the order of the data.
        total: over all.
        sets: the same by data set.
        limits: whether `\limits` was compared.
        seconds: the time of reading; None if it is not known of just these formulas.
    """

    results: Results
    formulas: tuple[ScoredFormula, ...]
    total: FormulaScores
    sets: Mapping[str, FormulaScores]
    limits: bool
    seconds: float | None

    @property
    def failed(self) -> list[ScoredFormula]:
        """Formulas in which nothing could be read."""
        return [formula for formula in self.formulas if formula.error is not None]

    @property
    def right(self) -> dict[str, bool]:
        """By key, whether a formula was read without a token edit."""
        return {formula.sample.key: formula.errors == 0 for formula in self.formulas}

    @property
    def confusions(self) -> Counter[tuple[str, str]]:
        """Which token was read as which; "" is the missing side."""
        return token_confusions((formula.pair for formula in self.formulas), limits=self.limits)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON: ratios first, then all counts."""
        return {
            "model": self.results.model,
            "split": self.results.split,
            "decoder": dict(self.results.decoder),
            **rates(self.total),
            "seconds": self.seconds,
            "formulas_per_second": self.total.n / self.seconds if self.seconds else None,
            "counts": self.total.to_dict(),
            "sets": {name: rates(scores) for name, scores in self.sets.items()},
            "failed": [{"id": formula.sample.key, "reason": formula.error} for formula in self.failed],
            "confusions": [
                {"reference": written, "hypothesis": read, "count": count}
                for (written, read), count in self.confusions.most_common(50)
            ],
        }


def rates(scores: FormulaScores) -> dict[str, Any]:
    """The headline ratios; their k, n and intervals stand in `FormulaScores.to_dict`."""
    counts = scores.to_dict()
    names = ("exprate", "exprate_1", "exprate_2", "exprate_tree", "exprate_tree_1", "exprate_tree_2", "wer")
    return {
        "n": scores.n,
        **{name: counts[name]["ratio"] for name in names},
        "exprate_interval": counts["exprate"]["interval"],
        "errors": counts["error_classes"],
        "by_length": {name: share["ratio"] for name, share in counts["wrong_by_length"].items()},
    }


def score_formula_results(
    results: Results, samples: Sequence[Sample], *, limits: bool = True
) -> FormulaReport:
    r"""Compare results with the samples' captions.

    Args:
        results: of a model, fresh or from a file. Results for other formulas are ignored.
        samples: the formulas to be scored, every one of which counts; one whose text no caption can say is wrong,
            whatever was read, and named.
        limits: False takes `\limits` from both sides first.

    Raises:
        DataError: two samples have the same key, or none of the results belongs to any sample.
    """
    keys = index_by_key(samples)
    outcomes = {outcome.id: outcome for outcome in results.outcomes}
    if outcomes and keys and not outcomes.keys() & keys.keys():
        first, other = next(iter(outcomes)), next(iter(keys))
        raise DataError(
            f"none of the results belongs to these formulas: the results begin with {first!r}, they with {other!r}"
        )
    formulas = tuple(_scored(sample, outcomes.get(key), limits) for key, sample in keys.items())
    names = list(dict.fromkeys(sample.dataset for sample in samples))
    sets = {name: _total([f for f in formulas if f.sample.dataset == name], limits) for name in names}
    known = set(names) <= results.seconds.keys() and not outcomes.keys() - keys.keys()
    return FormulaReport(
        results=results,
        formulas=formulas,
        total=_total(formulas, limits),
        sets=sets,
        limits=limits,
        seconds=sum(results.seconds[name] for name in names) if known else None,
    )


def compare_formula_results(first: FormulaReport, second: FormulaReport) -> McNemar:
    """McNemar's test of two models on the same formulas, right meaning no token edit.

    Raises:
        DataError: they were not scored on the same formulas.
    """
    return mcnemar(first.right, second.right)


def _scored(sample: Sample, outcome: Outcome | None, limits: bool) -> ScoredFormula:
    outcome = outcome or Outcome(sample.key, error=MISSING)
    try:
        sample = captioned(sample)
    except DataError as error:
        outcome = Outcome(sample.key, error=f"it cannot be compared with its caption: {error}")
    pair = FormulaPair(tuple(sample.text.split()), tuple(outcome.text.split()))
    errors = score_formula(pair, limits=limits).token_edits.edits
    return ScoredFormula(sample, pair, outcome.confidence, outcome.error, errors)


def _total(formulas: Sequence[ScoredFormula], limits: bool) -> FormulaScores:
    return score_formulas((f.pair for f in formulas), tree_errors=tree_errors, limits=limits)

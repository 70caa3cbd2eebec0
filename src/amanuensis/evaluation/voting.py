"""A vote of models on lines that each of them has read before: from their result files, without the models.

It is the vote that `recognition.LineEnsemble` takes while reading (spec 2.27), line by line; so trainings of different
machines vote, and of those that were kept as results alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from amanuensis.decoding.vote import least_risk
from amanuensis.errors import DataError
from amanuensis.evaluation.results import Outcome, Results


def vote_on(results: Sequence[Results]) -> Results:
    """What several models read together.

    Args:
        results: of one split, at least one; lines that one of them lacks are left out.

    Returns:
        The reading of least risk of every line, with the confidences of the model that it comes from; times are sums.

    Raises:
        DataError: there are no results, or they are of different splits, searches or spellings.
    """
    if not results:
        raise DataError("there is nothing to vote on: no results")
    first = results[0]
    for other in results[1:]:
        _check_alike(first, other)
    by_model = [{outcome.id: outcome for outcome in one.outcomes} for one in results]
    members = [{"model": one.model, "seconds": round(sum(one.seconds.values()), 3)} for one in results]
    return replace(
        first,
        model="+".join(one.model for one in results),
        seconds={name: sum(one.seconds.get(name, 0.0) for one in results) for name in first.seconds},
        outcomes=tuple(
            _voted([outcomes[outcome.id] for outcomes in by_model])
            for outcome in first.outcomes
            if all(outcome.id in outcomes for outcomes in by_model)
        ),
        ensemble={"combination": "vote", "members": members},
    )


def _voted(outcomes: Sequence[Outcome]) -> Outcome:
    """Of one line; a model that could not read it has no voice."""
    read = [outcome for outcome in outcomes if outcome.error is None]
    if not read:
        return outcomes[0]
    return read[least_risk([one.text for one in read], [one.confidence or 0.0 for one in read])]


def _check_alike(first: Results, other: Results) -> None:
    differing = {
        "splits": first.split != other.split,
        "searches": first.decoder != other.decoder,
        "spellings": first.normalization != other.normalization,
        "corrections": first.correction != other.correction,
    }
    if told := [name for name, differs in differing.items() if differs]:
        raise DataError(f"{first.model} and {other.model} cannot vote: their {' and '.join(told)} differ")

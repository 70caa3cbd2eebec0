"""When to believe a corrector: theta by validation pairs, and whether it is better than leaving lines alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amanuensis.correction import Corrector, Proposal
from amanuensis.correction.pairs import Pair
from amanuensis.correction.pipeline import apply
from amanuensis.metrics import (
    EditCounts,
    HarmCounts,
    PairedDifference,
    character_edits,
    count_harm,
    paired_bootstrap,
)
from amanuensis.records import Reading

THETAS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)


@dataclass(frozen=True, slots=True)
class ThetaTrial:
    """What a corrector does to validation lines with one theta.

    Attributes:
        theta: proposals above it were applied.
        before, characters: character edits without and with it.
        harm: rescued and harmed words.
        difference: of the CER, paired over pages.
    """

    theta: float
    before: EditCounts
    characters: EditCounts
    harm: HarmCounts
    difference: PairedDifference

    @property
    def helps(self) -> bool:
        """Whether its CER is below that of leaving lines alone, with an interval that leaves 0 out."""
        interval = self.difference.interval
        return interval is not None and interval[1] < 0

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "theta": self.theta,
            "cer_before": self.before.rate,
            "cer": self.characters.rate,
            "cer_difference_interval": self.difference.interval,
            "harm_rate": self.harm.harm_rate,
            "rescued_words": self.harm.rescued,
        }


def try_thetas(corrector: Corrector, pairs: Sequence[Pair]) -> list[ThetaTrial]:
    """One trial for every theta of `THETAS`.

    Args:
        corrector: what proposes; it is asked once.
        pairs: validation lines, never of a test set.
    """
    proposed = corrector.propose([pair.segment for pair in pairs])
    return [_trial(theta, pairs, proposed) for theta in THETAS]


def best_theta(trials: Sequence[ThetaTrial], *, max_harm: float) -> ThetaTrial | None:
    """The trial with the fewest errors among those that help and harm no more than `max_harm` of the right words."""
    allowed = [trial for trial in trials if trial.helps and trial.harm.harm_rate <= max_harm]
    return min(allowed, key=lambda trial: (trial.characters.edits, -trial.theta), default=None)


def _trial(theta: float, pairs: Sequence[Pair], proposed: Sequence[Sequence[Proposal]]) -> ThetaTrial:
    before, after, harm = [], [], HarmCounts()
    for pair, proposals in zip(pairs, proposed, strict=True):
        chosen = [proposal for proposal in proposals if proposal.confidence > theta]
        text = apply(Reading(pair.read, 1.0), chosen).text
        before.append(character_edits(pair.written, pair.read))
        after.append(character_edits(pair.written, text))
        harm += count_harm(pair.written, pair.read, text)
    return ThetaTrial(
        theta=theta,
        before=sum(before, start=EditCounts()),
        characters=sum(after, start=EditCounts()),
        harm=harm,
        difference=paired_bootstrap(before, after, [pair.page for pair in pairs], draws=1000),
    )

"""The course of a training: what it changes from epoch to epoch, by the clock and by validation.

Source: HTR-JAND, eq. 33 (synthetic share), Algorithm 3 (a stage is left when it is mastered), eq. 36 (weights of
several data sets), and the "performance-based" integration of its section III-A. The paper does not say what the five
stages hold, what the threshold is, what ends a stage that is never mastered, or how the weights follow validation:
all that is our reading (2.15, 2.23, 2.24). `Course.state` is all that changes; it is part of `Progress`, so a resumed
run goes on where it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, runtime_checkable

from amanuensis.images import Augmentation

SharePolicy = Literal["staged", "literal", "performance"]


@dataclass(frozen=True, slots=True)
class Stage:
    """What the epochs of a stage are made of.

    Attributes:
        quantile: of the lengths of the real lines; those that are longer rest.
        augmentation: of all lines.
        synthetic: whether synthetic lines join, unless the share is `literal`.
    """

    quantile: float
    augmentation: Augmentation
    synthetic: bool


def five_stages(short: float, augmentations: Sequence[Augmentation]) -> tuple[Stage, ...]:
    """Short real lines; all real lines; and synthetic ones; and styles; everything at full strength (2.23).

    Args:
        short: the quantile of lengths that the first stage keeps to.
        augmentations: one for each stage.
    """
    return tuple(
        Stage(short if number == 0 else 1.0, augmentation, synthetic=number >= 2)
        for number, augmentation in enumerate(augmentations)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """When a stage is left (Algorithm 3): on a validation CER under 1 - T, or when its time is over.

    Attributes:
        threshold: T of the first stage, compared with 1 - CER.
        step: what T gains with every stage.
        epochs: E; a stage gets E / (number of stages) of them at most, so that the course ends even if nothing is
            ever mastered. Nor does it lag behind the clock: of n stages s are over when s / n of all updates are made,
            for a budget may leave fewer epochs than the recipe says.
    """

    threshold: float = 0.5
    step: float = 0.1
    epochs: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticShare:
    """The share r of synthetic lines (eq. 33).

    Attributes:
        first, most: r_0 and r_max.
        policy: "staged": none before the stages that have them, then eq. 33; "literal": eq. 33 from epoch 0;
            "performance" (2.24): as staged, and r is raised, to eq. 33 at most, only when validation has improved.
    """

    first: float = 0.1
    most: float = 0.4
    policy: SharePolicy = "staged"

    def at(self, past: float) -> float:
        """Eq. 33 when the share `past` of the training is over; the min() is the paper's."""
        return min(self.most, self.first + past * (self.most - self.first))


@dataclass(frozen=True, slots=True)
class CourseState:
    """Where a course stands.

    Attributes:
        stage: 1, 2, ...
        began: the epoch that the stage began with.
        threshold: T of the stage.
        share: r as the last validation left it ("performance" reads it, the others follow the clock).
        error: the last validation's CER.
        set_weights: lambda of each data set (eq. 36); a set that is missing has 1.
    """

    stage: int = 1
    began: int = 0
    threshold: float = 0.0
    share: float = 0.0
    error: float = math.inf
    set_weights: Mapping[str, float] = field(default_factory=dict)


class Course:
    """What a training changes while it goes on. Lines, objective and loop share one.

    Args:
        stages: at least one; a training without a curriculum has one.
        promotion: when a stage is left.
        share: of synthetic lines, or None where a curriculum does not govern it.
        sets: names of the data sets whose losses are weighed (eq. 36), or none.
        clip: the smallest and largest weight of a set.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        promotion: Promotion | None = None,
        share: SyntheticShare | None = None,
        sets: Sequence[str] = (),
        clip: tuple[float, float] = (0.5, 2.0),
    ) -> None:
        self.stages = tuple(stages)
        self.promotion = promotion or Promotion()
        self.share = share
        self.sets = tuple(sorted(sets))
        self.clip = clip
        self.state = CourseState(
            threshold=self.promotion.threshold, share=0.0 if share is None else share.first
        )
        self._past: float | None = None

    def begin(self, epoch: int, done: float) -> None:
        """An epoch begins, when the share `done` of all updates is made."""
        self._past = min(1.0, max(epoch / self.promotion.epochs, done))

    @property
    def stage(self) -> Stage:
        """The stage under way. Before the first epoch the last one: epochs are counted and timed at full strength."""
        return self.stages[-1 if self._past is None else self.state.stage - 1]

    def was_in_last_stage(self, epoch: int) -> bool:
        """Whether everything was at full strength before `epoch`, the next one: only then does early stopping count."""
        return self.state.stage == len(self.stages) and self.state.began < epoch

    def position(self, done: float) -> float:
        """Where in [0, 1] the loss weights stand: by stage, or without a curriculum by the share of updates made."""
        last = len(self.stages) - 1
        return done if last == 0 else (self.state.stage - 1) / last

    def synthetic_share(self, epoch: int) -> float:
        """The share r of synthetic lines in an epoch.

        Args:
            epoch: read before the first epoch alone, to count the lines of those to come.
        """
        assert self.share is not None
        if self._past is None:
            return self.share.at(min(1.0, epoch / self.promotion.epochs))
        if self.share.policy != "literal" and not self.stage.synthetic:
            return 0.0
        return self.state.share if self.share.policy == "performance" else self.share.at(self._past)

    def errors_of(self, scores: Mapping[str, Any]) -> list[float]:
        """The CERs of the data sets in the order of `sets`, NaN for those that a validation does not have."""
        found = scores.get("sets", {})
        return [found[name]["cer"] if name in found else math.nan for name in self.sets]

    def advance(self, epoch: int, done: float, error: float, errors: Sequence[float]) -> CourseState:
        """What follows from a validation.

        Args:
            epoch: the next one.
            done: the share of all updates that is made.
            error: the validation's CER.
            errors: `errors_of` its scores.
        """
        state = self._promoted(epoch, done, error)
        share = state.share
        if self.share is not None and error < state.error:
            share = max(share, self.share.at(min(1.0, max(epoch / self.promotion.epochs, done))))
        weights = set_weights(dict(zip(self.sets, errors, strict=True)), self.clip)
        self.state = replace(state, share=share, error=error, set_weights=weights)
        return self.state

    def _promoted(self, epoch: int, done: float, error: float) -> CourseState:
        """Algorithm 3: one stage further if this one is mastered or its time is over."""
        state, count = self.state, len(self.stages)
        over = epoch - state.began >= max(1, self.promotion.epochs // count)
        further = state.stage + (1 - error > state.threshold or over)
        stage = min(count, max(further, 1 + int(count * done)))
        if stage == state.stage:
            return state
        threshold = state.threshold + (stage - state.stage) * self.promotion.step
        return replace(state, stage=stage, began=epoch, threshold=threshold)

    def told(self) -> dict[str, float]:
        """For the log: the stage, its threshold, and the weights of the sets."""
        told: dict[str, float] = {}
        if len(self.stages) > 1:
            told |= {"stage": self.state.stage, "threshold": self.state.threshold}
        return told | {f"weight of {name}": weight for name, weight in self.state.set_weights.items()}


@runtime_checkable
class Guided(Protocol):
    """A source of samples whose epochs may follow a course."""

    @property
    def course(self) -> Course | None:
        """Which one."""


def set_weights(errors: Mapping[str, float], clip: tuple[float, float]) -> dict[str, float]:
    """lambda_k of eq. 36 from each set's validation CER (2.15): in proportion to it, mean 1, then clipped.

    Sets without a CER (NaN: no validation lines) are not among them; if all were read perfectly, all weigh 1.
    """
    known = {name: error for name, error in errors.items() if not math.isnan(error)}
    mean = sum(known.values()) / max(1, len(known))
    if mean == 0:
        return dict.fromkeys(known, 1.0)
    return {name: min(clip[1], max(clip[0], error / mean)) for name, error in known.items()}

"""The course of a training: it always ends, follows eq. 33 and Algorithm 3, and weighs data sets as eq. 36 says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict

import pytest

from amanuensis.images import AUGMENTATIONS
from amanuensis.training.curriculum import (
    Course,
    CourseState,
    Promotion,
    SharePolicy,
    Stage,
    SyntheticShare,
    five_stages,
    set_weights,
)

PRESETS = [AUGMENTATIONS[name] for name in ("none", "none", "none", "paper", "strong")]


def _course(epochs: int, policy: SharePolicy = "staged", **more: object) -> Course:
    return Course(
        five_stages(0.25, PRESETS),
        promotion=Promotion(epochs=epochs),
        share=SyntheticShare(first=0.1, most=0.4, policy=policy),
        **more,
    )


def _walk(course: Course, epochs: int, error: Callable[[int], float]) -> list[tuple[int, float]]:
    """(stage, synthetic share) of every epoch, when epochs are equally long and each ends with a validation."""
    seen = []
    for epoch in range(epochs):
        course.begin(epoch, epoch / epochs)
        seen.append((course.state.stage, course.synthetic_share(epoch)))
        course.advance(epoch + 1, (epoch + 1) / epochs, error(epoch), [])
    return seen


@pytest.mark.parametrize("epochs", [5, 7, 100])
def test_a_course_ends_even_if_no_stage_is_ever_mastered(epochs: int) -> None:
    stages = [stage for stage, _ in _walk(_course(epochs), epochs, lambda _: 0.9)]
    assert stages == sorted(stages)
    assert set(stages) == {1, 2, 3, 4, 5}
    assert max(stages.count(stage) for stage in range(1, 5)) <= max(1, epochs // 5)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_course_of_few_epochs_ends_in_its_last_stage_too(epochs: int) -> None:
    course = _course(epochs)
    _walk(course, epochs, lambda _: 0.9)
    assert course.state.stage == 5


def test_a_budget_shorter_than_the_recipes_epochs_still_sees_every_stage() -> None:
    stages = [stage for stage, _ in _walk(_course(1000), 20, lambda _: 0.9)]
    assert [stages.count(stage) for stage in range(1, 6)] == [4] * 5


def test_mastered_stages_are_left_at_once_and_each_asks_more() -> None:
    course = _course(1000)
    stages = []
    # 1 - CER has to be above 0.5, 0.6, 0.7 and 0.8; the clock stands still.
    for epoch, error in enumerate([0.51, 0.5, 0.49, 0.45, 0.39, 0.25, 0.21, 0.19, 0.01], start=1):
        stages.append(course.state.stage)
        course.advance(epoch, 0.0, error, [])
    assert stages == [1, 1, 1, 2, 2, 3, 4, 4, 5]
    assert course.state == CourseState(
        stage=5, began=8, threshold=pytest.approx(0.9), share=pytest.approx(0.1, abs=0.01), error=0.01
    )


def test_the_share_follows_eq_33_from_stage_three_or_from_epoch_zero() -> None:
    staged = _walk(_course(10), 10, lambda _: 0.9)
    assert [share for _, share in staged[:4]] == [0, 0, 0, 0]
    assert [share for _, share in staged[4:]] == pytest.approx([0.1 + e / 10 * 0.3 for e in range(4, 10)])
    literal = _walk(_course(10, "literal"), 10, lambda _: 0.9)
    assert [share for _, share in literal] == pytest.approx([0.1 + e / 10 * 0.3 for e in range(10)])
    assert SyntheticShare().at(1.7) == 0.4  # the min() of eq. 33


def test_in_performance_mode_the_share_rises_only_when_validation_has_improved() -> None:
    errors = [0.9, 0.8, 0.8, 0.81, 0.7, 0.75, 0.75, 0.6, 0.6, 0.6]
    seen = [s for _, s in _walk(_course(10, "performance"), 10, lambda epoch: errors[epoch])]
    envelope = [0.1 + e / 10 * 0.3 for e in range(10)]
    assert seen[:4] == [0, 0, 0, 0]  # the stages before
    # Better than the validation before it: after epochs 0, 1, 4 and 7.
    assert seen[4:] == pytest.approx(
        [envelope[2], envelope[5], envelope[5], envelope[5], envelope[8], envelope[8]]
    )
    assert all(share <= most + 1e-12 for share, most in zip(seen, envelope, strict=True))


def test_before_the_first_epoch_lines_are_counted_at_full_strength() -> None:
    course = _course(10)
    assert course.stage == Stage(1.0, AUGMENTATIONS["strong"], synthetic=True)
    assert course.synthetic_share(0) == pytest.approx(0.1)
    course.begin(0, 0.0)
    assert course.stage == Stage(0.25, AUGMENTATIONS["none"], synthetic=False)


def test_early_stopping_counts_once_the_last_stage_has_begun() -> None:
    course = _course(100)
    counts = []
    for epoch in range(1, 7):
        course.begin(epoch - 1, 0.0)
        course.advance(epoch, 0.0, 0.01, [])
        counts.append(course.was_in_last_stage(epoch))
    assert counts == [False, False, False, False, True, True]
    plain = Course([Stage(1.0, AUGMENTATIONS["none"], synthetic=True)])
    plain.advance(1, 0.1, 0.5, [])
    assert plain.was_in_last_stage(1)
    assert plain.told() == {}


def test_loss_weights_move_by_stage_and_without_a_curriculum_by_the_clock() -> None:
    course = _course(100)
    positions = []
    for epoch in range(5):
        positions.append(course.position(done=0.77))
        course.advance(epoch + 1, 0.0, 0.01, [])
    assert positions == [0, 0.25, 0.5, 0.75, 1]
    assert Course([Stage(1.0, AUGMENTATIONS["none"], synthetic=True)]).position(0.77) == 0.77


def test_sets_weigh_by_their_last_cer_with_mean_one_within_bounds() -> None:
    weights = set_weights({"a": 0.1, "b": 0.3, "c": 0.2}, (0.5, 2.0))
    assert weights == pytest.approx({"a": 0.5, "b": 1.5, "c": 1.0})
    assert sum(weights.values()) / 3 == pytest.approx(1)
    assert set_weights({"a": 0.9, "b": 0.01, "c": 0.01}, (0.5, 2.0)) == {"a": 2.0, "b": 0.5, "c": 0.5}
    assert set_weights({"a": 0.2, "b": math.nan}, (0.5, 2.0)) == {"a": 1.0}
    assert set_weights({"a": 0.0, "b": 0.0}, (0.5, 2.0)) == {"a": 1.0, "b": 1.0}
    assert set_weights({}, (0.5, 2.0)) == {}


def test_weights_of_sets_come_from_a_validations_scores() -> None:
    course = Course([Stage(1.0, AUGMENTATIONS["none"], synthetic=True)], sets=["b", "a", "unseen"])
    assert course.state.set_weights == {}
    scores = {
        "cer": 0.2,
        "sets": {"a": {"n": 1, "cer": 0.1}, "b": {"n": 9, "cer": 0.3}, "other": {"cer": 1.0}},
    }
    errors = course.errors_of(scores)
    course.advance(1, 0.1, 0.2, errors)
    assert course.state.set_weights == pytest.approx({"a": 0.5, "b": 1.5})
    assert course.told() == pytest.approx({"weight of a": 0.5, "weight of b": 1.5})


def test_a_state_comes_back_from_json_numbers() -> None:
    course = _course(10, sets=["a"])
    course.begin(0, 0.0)
    state = course.advance(1, 0.1, 0.3, [0.3])
    assert CourseState(**asdict(state)) == state
    assert state.began == 1
    assert state.stage == 2

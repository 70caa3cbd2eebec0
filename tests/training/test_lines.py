"""Which lines an epoch draws: by a curriculum's stage, rare characters more often, an exact synthetic share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from amanuensis.images import AUGMENTATIONS, IMAGE_SPECS
from amanuensis.records import Sample
from amanuensis.training.curriculum import Course, Guided, Promotion, SyntheticShare, five_stages
from amanuensis.training.lines import TrainingLines, balance_of, character_weights


@dataclass
class Blank:
    """Synthetic lines without fonts: white paper."""

    def text(self, epoch: int, index: int) -> str:
        return f"{epoch} {index}"

    def sample(self, epoch: int, index: int) -> tuple[NDArray[np.uint8], str]:
        return np.full((64, 100), 255, np.uint8), self.text(epoch, index)


def _lines(texts: list[str], **more: object) -> TrainingLines:
    samples = [Sample(str(i), Path(f"{i}.png"), text, dataset="d") for i, text in enumerate(texts)]
    widths = [20 * len(text) for text in texts]
    return TrainingLines(samples, widths, IMAGE_SPECS["cpu"], AUGMENTATIONS["none"], 1, **more)


def _drawn(lines: TrainingLines, epoch: int) -> list[int]:
    return sorted(i for batch in lines.plan(epoch, 4) for i in batch)


def test_rare_characters_weigh_as_eq_3_says() -> None:
    texts = ["aaaaaaaa", "ab", "", "az"]  # 10 a, 1 b, 1 z: 4 on average
    weights = character_weights(texts, epsilon=1.0)
    assert weights == {"a": 1.0, "b": 2.0, "z": 2.0}
    assert balance_of(texts, weights).tolist() == [1.0, 1.5, 1.0, 1.5]
    assert balance_of(texts, weights, most=1.0).tolist() == [1.0] * 4
    assert character_weights(texts, epsilon=0.0)["b"] == 4.0
    assert character_weights([]) == {}


def test_the_samplers_statistics_move_as_eq_3_says() -> None:
    texts = ["aaaa"] * 90 + ["aabb"] * 9 + ["zzzz"]
    weights = balance_of(texts, character_weights(texts, epsilon=0.0), most=10.0)
    # 378 a, 18 b, 4 z: 133 on average, so a 1, b and z 7.4 and 33 (10).
    assert weights[[0, 95, 99]] == pytest.approx([1, (1 + 133.33 / 18) / 2, 10], rel=1e-3)
    lines = _lines(texts, balance=weights)
    counts = Counter(i % 2**32 for epoch in range(400) for i in _drawn(lines, epoch))
    assert sum(counts.values()) == 400 * 100
    expected = weights / weights.sum() * 40_000
    groups = (range(90), range(90, 99), range(99, 100))
    for group in groups:
        want = float(expected[list(group)].sum())
        assert sum(counts[i] for i in group) == pytest.approx(want, abs=5 * want**0.5)
    plain = Counter(i for epoch in range(4) for i in _drawn(_lines(texts), epoch))
    assert set(plain.values()) == {4}


def test_a_line_that_is_drawn_again_is_varied_again(lines: Path) -> None:
    from amanuensis.data import read_dataset  # noqa: PLC0415

    samples = read_dataset(lines).split("train")
    drawn = TrainingLines(
        samples,
        [100] * 7,
        IMAGE_SPECS["cpu"],
        AUGMENTATIONS["strong"],
        1,
        balance=np.array([1.0] + [1e-9] * 6),
    )
    indices = _drawn(drawn, 0)
    assert len(set(indices)) == len(indices) == 7
    assert {i % 2**32 for i in indices} == {0}
    first, second, again = (drawn.prepared(0, i) for i in (indices[0], indices[1], indices[1]))
    assert first.key == second.key
    assert np.array_equal(second.image, again.image)
    assert first.image.shape != second.image.shape or not np.array_equal(first.image, second.image)
    alone = replace(drawn, balance=None).prepared(0, 0)
    assert np.array_equal(first.image, alone.image)  # the first copy is the line as it is without balance


def test_balance_is_a_function_of_seed_and_epoch() -> None:
    texts = ["ab", "ac", "ad", "aaaa"] * 5
    lines = _lines(texts, balance=balance_of(texts, character_weights(texts)))
    assert lines.plan(3, 4) == lines.plan(3, 4)
    assert _drawn(lines, 3) != _drawn(lines, 4)
    assert _drawn(lines, 3) != _drawn(replace(lines, seed=2), 3)


def _guided(epochs: int = 10) -> Course:
    return Course(
        five_stages(0.25, [AUGMENTATIONS["none"]] * 3 + [AUGMENTATIONS["paper"], AUGMENTATIONS["strong"]]),
        promotion=Promotion(epochs=epochs),
        share=SyntheticShare(first=0.1, most=0.4),
    )


def test_the_first_stage_keeps_to_short_lines_and_the_synthetic_share_is_exact_in_every_epoch() -> None:
    texts = ["a" * (i + 1) for i in range(100)]
    course = _guided()
    lines = _lines(texts, synthetic=Blank(), synthetic_share=0.4, course=course)
    assert isinstance(lines, Guided)
    assert lines.num_synthetic == 67
    assert lines.num_samples(0) == 111  # counted at full strength before it begins: r_0 of all
    for epoch in range(10):
        course.begin(epoch, epoch / 10)
        drawn = _drawn(lines, epoch)
        real = [i for i in drawn if i < 100]
        share = course.synthetic_share(epoch)
        assert real == list(range(25 if course.state.stage == 1 else 100))
        assert len(drawn) - len(real) == round(len(real) * share / (1 - share))
        assert len(drawn) == lines.num_samples(epoch)
        course.advance(epoch + 1, (epoch + 1) / 10, 0.9, [])
    assert course.state.stage == 5


def test_a_stages_augmentation_is_its_own(lines: Path) -> None:
    from amanuensis.data import read_dataset  # noqa: PLC0415

    samples = read_dataset(lines).split("train")
    course = _guided()

    def image(of: Callable[[TrainingLines], TrainingLines]) -> NDArray[np.float32]:
        drawn = TrainingLines(samples, [100] * 7, IMAGE_SPECS["cpu"], AUGMENTATIONS["strong"], 1)
        return of(drawn).prepared(3, 2).image

    full = image(lambda drawn: replace(drawn, course=course))
    assert np.array_equal(full, image(lambda drawn: drawn))  # not begun: the last stage
    course.begin(3, 0.0)
    bare = image(lambda drawn: replace(drawn, course=course))
    assert np.array_equal(bare, image(lambda drawn: replace(drawn, augmentation=AUGMENTATIONS["none"])))

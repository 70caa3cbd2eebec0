import numpy as np
import pytest

from amanuensis.metrics import (
    Claims,
    EditCounts,
    ReliabilityBin,
    calibration_error,
    calibration_interval,
    reliability,
)


def claims(confidences, edits, lengths=None):
    lengths = lengths or [1] * len(edits)
    counts = [EditCounts(*count) for count in zip(edits, lengths, strict=True)]
    return Claims.of(confidences, counts)


def test_bins_have_equal_mass_and_sum_counts():
    bins = reliability(claims([0.95, 1.0, 0.31, 0.39], [0, 3, 9, 40], [30, 10, 10, 10]), num_bins=2)
    assert bins == [
        ReliabilityBin(2, pytest.approx(0.35), 0.0),
        ReliabilityBin(2, pytest.approx((30 * 0.95 + 10 * 1.0) / 40), pytest.approx(1 - 3 / 40)),
    ]
    assert calibration_error(bins) == pytest.approx((2 * 0.35 + 2 * (bins[1].confidence - 0.925)) / 4)


def test_fewer_claims_than_bins_make_bins_of_one():
    bins = reliability(claims([0.2, 0.9], [1, 0]))
    assert [(b.n, b.accuracy) for b in bins] == [(1, 0.0), (1, 1.0)]


def test_nothing_is_not_calibrated():
    assert reliability(claims([], [])) == []
    assert calibration_error([]) is None
    assert calibration_interval(claims([], []), []) is None


def test_honest_claims_have_a_small_error_and_false_ones_their_distance():
    rng = np.random.default_rng(0)
    chance = rng.random(20_000)
    wrong = (rng.random(20_000) > chance).astype(int).tolist()
    honest = claims(chance.tolist(), wrong)
    assert calibration_error(reliability(honest)) < 0.02
    boastful = claims(np.minimum(1, chance + 0.2).tolist(), wrong)
    assert calibration_error(reliability(boastful)) == pytest.approx(0.18, abs=0.02)


def test_the_interval_is_over_pages_and_needs_two():
    rng = np.random.default_rng(1)
    confidences, wrong = [0.5] * 200, [int(draw > 0.5) for draw in rng.random(200)]
    told = claims(confidences, wrong)
    pages = [f"p{i // 10}" for i in range(200)]
    low, high = calibration_interval(told, pages)
    assert 0 <= low < high < 0.5
    assert calibration_interval(told, pages) == (low, high)
    assert calibration_interval(told, ["p"] * 200) is None


def test_every_claim_needs_its_counts():
    with pytest.raises(ValueError, match="2 confidences, 1 counts"):
        Claims.of([0.1, 0.2], [EditCounts()])

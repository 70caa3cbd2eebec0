import pytest

from amanuensis.metrics import EditCounts, ReliabilityBin, calibration_error, reliability


def test_lines_are_binned_by_confidence_and_their_counts_summed():
    bins = reliability(
        [0.95, 1.0, 0.31, 0.39], [EditCounts(0, 30), EditCounts(3, 10), EditCounts(9, 10), EditCounts(40, 10)]
    )
    assert bins == [
        ReliabilityBin(2, pytest.approx(0.35), 0.0),
        ReliabilityBin(2, pytest.approx(0.975), pytest.approx(1 - 3 / 40)),
    ]
    assert calibration_error(bins) == pytest.approx((2 * 0.35 + 2 * 0.05) / 4)


def test_nothing_is_not_calibrated():
    assert reliability([], []) == []
    assert calibration_error([]) is None

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanuensis.images import stitch, window_starts


def frames_of(line: np.ndarray, stride: int, reach: int) -> np.ndarray:
    """A fake network: (T, 2), every frame sees `reach` frames to either side, and nothing beyond the edge."""
    values = np.add.reduceat(line, np.arange(0, len(line), stride))
    padded = np.pad(values, reach)
    seen = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).sum(axis=1)
    return np.stack([values, seen], axis=1)


@given(
    width=st.integers(1, 2000),
    window=st.sampled_from([64, 128, 320]),
    overlap=st.sampled_from([16, 32]),
    stride=st.sampled_from([1, 4, 8]),
)
def test_stitched_as_if_whole(width: int, window: int, overlap: int, stride: int) -> None:
    line = np.random.default_rng(width).integers(0, 1000, width)
    starts = window_starts(width, window=window, overlap=overlap)
    # A frame may see as far as half the overlap: then the seam hides the edges.
    reach = overlap // stride // 2
    parts = [frames_of(line[start : start + window], stride, reach) for start in starts]
    np.testing.assert_array_equal(stitch(parts, starts, stride=stride), frames_of(line, stride, reach))


@given(width=st.integers(1, 10_000), window=st.integers(2, 500), data=st.data())
def test_windows_cover_the_line(width: int, window: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, window // 2))
    starts = window_starts(width, window=window, overlap=overlap)
    ends = [min(start + window, width) for start in starts]
    assert starts[0] == 0
    assert ends[-1] == width
    assert all(end - start == overlap for start, end in zip(starts[1:], ends[:-1], strict=True))
    assert len(starts) == 1 or ends[-1] - starts[-1] > overlap


def test_one_window() -> None:
    assert window_starts(5000, window=0, overlap=0) == [0]
    assert window_starts(2400, window=2400, overlap=256) == [0]
    assert window_starts(2401, window=2400, overlap=256) == [0, 2144]
    logits = np.ones((3, 2))
    np.testing.assert_array_equal(stitch([logits], [0], stride=4), logits)


def test_the_seam_is_in_the_middle() -> None:
    parts = [np.full((8, 1), i) for i in range(3)]
    assert stitch(parts, [0, 16, 32], stride=4)[:, 0].tolist() == [0] * 6 + [1] * 4 + [2] * 6


def test_windows_off_the_frames_are_our_mistake() -> None:
    with pytest.raises(AssertionError):
        stitch([np.ones((3, 2))] * 2, [0, 6], stride=4)

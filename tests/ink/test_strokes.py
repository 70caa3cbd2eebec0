import pickle
import time

import numpy as np
import pytest

from amanuensis.errors import DataError
from amanuensis.ink import Ink, InkSymbol
from amanuensis.ink.strokes import MAX_POINTS, MAX_STROKES


def test_ink_is_a_read_only_copy_of_what_was_given():
    stroke = np.array([[1, 2], [3, 5]])
    ink = Ink([stroke, [[7.5, 0]]], [InkSymbol("x", (0, 1))])
    stroke[:] = 0
    assert [s.tolist() for s in ink.strokes] == [[[1, 2], [3, 5]], [[7.5, 0]]]
    assert all(s.dtype == np.float64 for s in ink.strokes)
    assert ink.extent.tolist() == [6.5, 5]
    for array in (ink.points, *ink.strokes):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


def test_a_pickled_ink_is_the_same_and_still_read_only():
    ink = Ink([[[1, 2], [3, 4]], [[5, 6]]], [InkSymbol("i", (1,))])
    again = pickle.loads(pickle.dumps(ink))
    assert [s.tolist() for s in again.strokes] == [s.tolist() for s in ink.strokes]
    assert again.symbols == ink.symbols
    assert not again.strokes[0].flags.writeable
    assert np.shares_memory(again.points, again.strokes[1])


@pytest.mark.parametrize(
    ("strokes", "message"),
    [
        ([], "empty"),
        ([[[0, 0]], []], "stroke 1"),
        ([[[0, 0], [1]]], "stroke 0"),
        ([[0, 1]], "stroke 0"),
        ([[[0, 1, 2]]], "stroke 0"),
        ([[["a", "b"]]], "stroke 0"),
        ([[[True, False]]], "stroke 0"),
        ([[[1, None]]], "stroke 0"),
        ([[[0, 0]], [[0, 0], [np.nan, 0]]], r"stroke 1: the point \(nan, 0\)"),
        ([[[0, 0], [1, 1]], [[-np.inf, 3]]], "stroke 1"),
        ([[[1e300, 0]]], "immense"),
    ],
)
def test_what_is_no_ink_is_refused_and_said_where(strokes, message):
    with pytest.raises(DataError, match=message):
        Ink(strokes)


def test_too_much_ink_is_refused_at_once():
    start = time.perf_counter()
    with pytest.raises(DataError, match="10,000 strokes"):
        Ink([[0.0, 0.0]] for _ in iter(int, 1))  # without end
    with pytest.raises(DataError, match="1,000,001 points"):
        Ink([np.zeros((MAX_POINTS + 1, 2))])
    assert time.perf_counter() - start < 2
    assert len(Ink([np.zeros((1, 2))] * MAX_STROKES).strokes) == MAX_STROKES


@pytest.mark.parametrize("index", [-1, 1])
def test_a_symbol_of_strokes_that_are_not_there_is_refused(index):
    with pytest.raises(DataError, match=f"'x' names stroke {index}"):
        Ink([[[0, 0]]], [InkSymbol("x", (index,))])


def test_moved_ink_keeps_strokes_and_symbols():
    ink = Ink([[[0, 0], [1, 1]], [[2, 2]]], [InkSymbol("x", (1,))])
    moved = ink.moved(ink.points + 5)
    assert [s.tolist() for s in moved.strokes] == [[[5, 5], [6, 6]], [[7, 7]]]
    assert moved.symbols == ink.symbols
    with pytest.raises(DataError, match="shape"):
        ink.moved(np.zeros((2, 2)))

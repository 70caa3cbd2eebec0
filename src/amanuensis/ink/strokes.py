"""Ink: the strokes of a pen, as a tablet, a mouse or a data set recorded them, checked once and then trusted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amanuensis.errors import DataError

Points = NDArray[np.float64]

MAX_STROKES = 10_000
MAX_POINTS = 1_000_000
_MAX_COORDINATE = 1e12  # beyond it a pixel is less than the rounding of a double allows


@dataclass(frozen=True, slots=True)
class InkSymbol:
    """Which strokes make one symbol.

    Attributes:
        label: the symbol as its data set spells it, mostly LaTeX.
        strokes: indices into the strokes of the ink.
    """

    label: str
    strokes: tuple[int, ...]


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Ink:
    """The strokes of one formula, in the order written. Read-only.

    Attributes:
        strokes: (N, 2) float64 each, N >= 1: x to the right, y downwards, in any unit. They are views of
            `points`; points may repeat, a stroke may be a single point.
        symbols: which strokes make which symbol, where the data set says it.
    """

    strokes: tuple[Points, ...]
    symbols: tuple[InkSymbol, ...]
    points: Points = field(repr=False)

    def __init__(self, strokes: Iterable[ArrayLike], symbols: Sequence[InkSymbol] = ()) -> None:
        """Check and copy.

        Raises:
            DataError: there is no stroke, more than 10,000 of them or 1,000,000 points, a stroke without a
                point or of another shape, a coordinate that is no number or immense, or a symbol that names
                a stroke that is not there.
        """
        arrays = _arrays(strokes)
        points = np.concatenate(arrays, dtype=np.float64)
        _check_points(points, arrays)
        _check_symbols(symbols, len(arrays))
        points.setflags(write=False)
        ends = np.cumsum([len(array) for array in arrays]).tolist()
        views = tuple(points[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True))
        object.__setattr__(self, "strokes", views)
        object.__setattr__(self, "symbols", tuple(symbols))
        object.__setattr__(self, "points", points)

    def __reduce__(self) -> tuple[Any, ...]:
        # Views do not stay views when they are pickled: points would be stored twice and be writable.
        return Ink, (self.strokes, self.symbols)

    @property
    def extent(self) -> Points:
        """(2,): width and height, from the outermost points; 0 for a dot."""
        size: Points = np.ptp(self.points, axis=0)
        return size

    def moved(self, points: Points) -> Ink:
        """The same strokes and symbols with other coordinates, (N, 2) as `points` has them.

        Raises:
            DataError: the points are of another shape, or not finite.
        """
        if points.shape != self.points.shape:
            raise DataError(f"points of shape {points.shape} where the ink has {self.points.shape}")
        ends = np.cumsum([len(stroke) for stroke in self.strokes])
        return Ink(np.split(points, ends[:-1]), self.symbols)


def _arrays(strokes: Iterable[ArrayLike]) -> list[NDArray[Any]]:
    """The strokes as numeric arrays of shape (N, 2).

    Raises:
        DataError: there are none or too many, or one is of another shape.
    """
    arrays: list[NDArray[Any]] = []
    for number, stroke in enumerate(strokes):
        if number >= MAX_STROKES:
            raise DataError(f"the ink has more than {MAX_STROKES:,} strokes: no formula has so many")
        try:
            array = np.asarray(stroke)
        except ValueError as error:  # lists of different lengths
            raise DataError(f"stroke {number}: a stroke is a list of points (x, y): {error}") from error
        if array.dtype.kind not in "iuf" or array.ndim != 2 or array.shape[1] != 2 or not len(array):
            shape = f"shape {array.shape} of {array.dtype}"
            raise DataError(f"stroke {number}: {shape} where one or more points (x, y) are expected")
        arrays.append(array)
    if not arrays:
        raise DataError("the ink is empty: it has no stroke")
    return arrays


def _check_points(points: Points, arrays: Sequence[NDArray[Any]]) -> None:
    """Raises DataError for too many points, and for coordinates that are not finite or immense."""
    if len(points) > MAX_POINTS:
        raise DataError(f"the ink has {len(points):,} points; at most {MAX_POINTS:,} are read")
    wrong = np.flatnonzero(~(np.abs(points) <= _MAX_COORDINATE).all(axis=1))
    if len(wrong):
        ends = np.cumsum([len(array) for array in arrays])
        x, y = points[wrong[0]]
        stroke = int(np.searchsorted(ends, wrong[0], side="right"))
        raise DataError(f"stroke {stroke}: the point ({x:g}, {y:g}) is not finite or immense")


def _check_symbols(symbols: Sequence[InkSymbol], num_strokes: int) -> None:
    """Raises DataError for a symbol that names a stroke that is not there."""
    for symbol in symbols:
        for index in symbol.strokes:
            if not 0 <= index < num_strokes:
                raise DataError(
                    f"the symbol {symbol.label!r} names stroke {index}; there are {num_strokes}, from 0"
                )

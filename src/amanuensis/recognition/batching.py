"""From prepared lines of any width to batches and back: windows, width buckets, stitched logits.

What a line is padded to depends on its own width only, never on the lines that it is read with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amanuensis.images import ImageSpec, stitch, window_starts

Forward = Callable[[NDArray[np.float32], NDArray[np.int64]], tuple[NDArray[np.float32], NDArray[np.int64]]]
"""images (B, 1, H, W) and valid widths (B,) to logits (B, T, V) and valid frames (B,)."""

_MAX_BATCH_WIDTH = 16_384  # columns of a batch: 16 lines of 1,024 pixels; wider lines go in smaller batches


def bucket_width(width: int) -> int:
    """The width that a line is padded to: at most an eighth more, in few enough steps that batches fill.

    The step is a power of two, an eighth to a sixteenth of the width, but at least 16 pixels.
    """
    step = 1 << max(4, (width - 1).bit_length() - 4)
    return -(-width // step) * step


def logits_of_lines(
    images: Sequence[NDArray[np.float32]], forward: Forward, *, spec: ImageSpec, stride: int, batch_size: int
) -> list[NDArray[np.float32]]:
    """The logits of prepared lines, each as if it were read alone.

    Args:
        images: (H, W_i), as `images.prepare` gives them.
        forward: the network.
        spec: the model's; lines wider than its window are read in overlapping windows.
        stride: prepared pixels per frame.
        batch_size: lines (or windows of lines) that go through the network together.

    Returns:
        (T_i, V) for every image, in the same order.
    """
    pieces = [piece for line, image in enumerate(images) for piece in _pieces(line, image, spec)]
    found: dict[tuple[int, int], NDArray[np.float32]] = {}
    for batch in _batches(pieces, spec, batch_size):
        logits, lengths = forward(*_stacked(batch, spec))
        for row, piece in enumerate(batch):
            # A copy, or one line would hold the memory of its whole batch.
            found[piece.line, piece.start] = logits[row, : int(lengths[row])].copy()
    return [_joined(line, image, found, spec=spec, stride=stride) for line, image in enumerate(images)]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A line, or one window of it that starts at column `start`."""

    line: int
    start: int
    image: NDArray[np.float32]


def _starts(image: NDArray[np.float32], spec: ImageSpec) -> list[int]:
    width = image.shape[1]
    if not spec.window or width <= spec.window:
        return [0]
    return window_starts(width, window=spec.window, overlap=spec.overlap)


def _pieces(line: int, image: NDArray[np.float32], spec: ImageSpec) -> Iterator[_Piece]:
    starts = _starts(image, spec)
    width = spec.window if len(starts) > 1 else image.shape[1]
    for start in starts:
        yield _Piece(line, start, image[:, start : start + width])


def _padded_width(piece: _Piece, spec: ImageSpec) -> int:
    width: int = piece.image.shape[1]
    if width in (spec.width, spec.window):
        return width
    return bucket_width(width)


def _batches(pieces: Sequence[_Piece], spec: ImageSpec, batch_size: int) -> Iterator[list[_Piece]]:
    """Pieces of one bucket, `batch_size` at most, fewer where they are wide."""
    buckets: dict[int, list[_Piece]] = {}
    for piece in pieces:
        buckets.setdefault(_padded_width(piece, spec), []).append(piece)
    for width, bucket in sorted(buckets.items()):
        size = max(1, min(batch_size, _MAX_BATCH_WIDTH // width))
        for first in range(0, len(bucket), size):
            yield bucket[first : first + size]


def _stacked(batch: Sequence[_Piece], spec: ImageSpec) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    widths = np.array([piece.image.shape[1] for piece in batch], dtype=np.int64)
    shape = (len(batch), 1, spec.height, _padded_width(batch[0], spec))
    images = np.zeros(shape, np.float32)
    for row, piece in enumerate(batch):
        images[row, 0, :, : widths[row]] = piece.image
    return images, widths


def _joined(
    line: int,
    image: NDArray[np.float32],
    found: dict[tuple[int, int], NDArray[np.float32]],
    *,
    spec: ImageSpec,
    stride: int,
) -> NDArray[np.float32]:
    starts = _starts(image, spec)
    parts = [found[line, start] for start in starts]
    return parts[0] if len(parts) == 1 else stitch(parts, starts, stride=stride)

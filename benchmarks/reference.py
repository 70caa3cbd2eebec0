"""A fixed piece of work to relate times to: how many GFLOP/s a matrix product reaches right now."""

from __future__ import annotations

import time

import numpy as np

SIZE = 1024


def gflops(repeats: int = 20) -> float:
    """Best of `repeats` products of two 1024 x 1024 float32 matrices, on NumPy's own threads."""
    a = np.random.default_rng(0).standard_normal((SIZE, SIZE), dtype=np.float32)
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - began)
    return 2 * SIZE**3 / best / 1e9

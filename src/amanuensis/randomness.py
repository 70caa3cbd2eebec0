"""All randomness is a function of (seed, epoch, sample id), never of a worker's or a loop's state.

So a resumed run equals a straight one, and the number of workers changes nothing.
"""

from __future__ import annotations

import hashlib

import numpy as np


def seed_for(*parts: int | str) -> int:
    """A 63-bit seed that depends on every part and on nothing else (stable across runs and machines)."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator_for(*parts: int | str) -> np.random.Generator:
    """A NumPy generator seeded with `seed_for(*parts)`, e.g. `generator_for(seed, epoch, sample.id)`."""
    return np.random.default_rng(seed_for(*parts))

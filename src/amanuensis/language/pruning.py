"""A smaller model: keep the n-grams that matter most (Seymore & Rosenfeld 1996, weighted difference).

An n-gram is worth what the corpus loses without it: count(h w) (log p(h w) - log b(h) P(w | h')). Our additions: the
budget is a number of n-grams rather than a threshold, as a user knows the size that he wants; what an n-gram is read
through (its beginning and its end) is kept with it; and b(h) is computed anew, so that probabilities still sum to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from amanuensis.language.smoothing import Floats, SmoothTable

Mask = npt.NDArray[np.bool_]


def prune(tables: Sequence[SmoothTable], max_ngrams: int) -> list[SmoothTable]:
    """The tables with at most `max_ngrams` n-grams of two symbols and more; single symbols all stay."""
    worths = [_worth(tables[n - 1], tables[n]) for n in range(1, len(tables))]
    budget = max_ngrams
    while True:
        kept = _closed(tables, worths, budget)
        num_kept = sum(int(mask.sum()) for mask in kept[1:])
        if num_kept <= max_ngrams:
            return _renormalized(_selected(tables, kept))
        # What had to be kept with the best took room; ask for fewer of the best.
        budget = min(budget - 1, int(budget * max_ngrams / num_kept))


def _worth(above: SmoothTable, table: SmoothTable) -> Floats:
    shorter = np.maximum(above.backoffs[table.parents] * above.probs[table.suffixes], 1e-30)
    worth: Floats = table.counts * np.abs(np.log(table.probs) - np.log(shorter))
    return worth


def _closed(tables: Sequence[SmoothTable], worths: Sequence[Floats], budget: int) -> list[Mask]:
    """Which rows stay: the `budget` best, and their beginnings and ends."""
    everything = np.concatenate([*worths, np.zeros(0)])
    if budget <= 0:
        threshold = np.inf
    elif budget >= len(everything):
        threshold = -1.0
    else:
        threshold = np.partition(everything, len(everything) - budget)[len(everything) - budget]
    kept = [np.ones(len(tables[0]), dtype=np.bool_), *(worth >= threshold for worth in worths)]
    for n in range(len(tables) - 1, 1, -1):
        kept[n - 1][tables[n].parents[kept[n]]] = True
        kept[n - 1][tables[n].suffixes[kept[n]]] = True
    return kept


def _selected(tables: Sequence[SmoothTable], kept: Sequence[Mask]) -> list[SmoothTable]:
    """The rows that stay, with the rows that they point to renumbered."""
    found = [tables[0]]
    for n in range(1, len(tables)):
        table, mask, row = tables[n], kept[n], np.cumsum(kept[n - 1]) - 1
        found.append(
            SmoothTable(
                parents=row[table.parents[mask]],
                symbols=table.symbols[mask],
                counts=table.counts[mask],
                suffixes=row[table.suffixes[mask]],
                probs=table.probs[mask],
                backoffs=table.backoffs[mask],
            )
        )
    return found


def _renormalized(tables: Sequence[SmoothTable]) -> list[SmoothTable]:
    """With b(h) such that what was kept after h and all else sum to 1."""
    found = list(tables)
    for n in range(1, len(tables)):
        above, table = found[n - 1], tables[n]
        seen = np.bincount(table.parents, table.probs, minlength=len(above))
        shorter = np.bincount(table.parents, above.probs[table.suffixes], minlength=len(above))
        # Both are 1 to rounding where all classes are kept; then nothing is left to share out.
        left, unseen = np.maximum(1 - seen, 1e-12), np.maximum(1 - shorter, 1e-12)
        found[n - 1] = replace(above, backoffs=np.where(seen > 0, left / unseen, 1.0))
    return found

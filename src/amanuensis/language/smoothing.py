"""From counts to probabilities: Witten-Bell, or modified Kneser-Ney; both interpolated, both written as back-off.

    P(w | h) = p(h w)              where h w was counted,
    P(w | h) = b(h) P(w | h')      else, h' = h without its first symbol.

An interpolated model is this form exactly: the weight that it gives to the shorter context is b(h), and p(h w) holds
the sum. So there is one way to read a model, whatever made it.

**Witten-Bell** (Witten & Bell 1991; Chen & Goodman 1999, section 2.4): a context that was followed in T(h) different
ways at N(h) places gives p(h w) = (count(h w) + T(h) P(w | h')) / (N(h) + T(h)), b(h) = T(h) / (N(h) + T(h)).

**Modified Kneser-Ney** (Chen & Goodman 1999, section 3): three discounts for each order, from the counts of counts;
below the longest n-grams, the number of different symbols that came before takes the place of the count. Our addition:
where the counts of counts give no discounts (tiny corpora, texts that repeat), 0.5, 1 and 1.5 are used.

Below the empty context all classes are equally likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from amanuensis.language.ngram_counts import CountTable, Ints

Floats = npt.NDArray[np.float64]
Smoothing = Literal["witten-bell", "kneser-ney"]
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
_FALLBACK = np.array([0.0, 0.5, 1.0, 1.5])


@dataclass(frozen=True, slots=True, eq=False)
class SmoothTable:
    """The n-grams of one order with what they are worth; N of them, rows as in `CountTable`.

    Attributes:
        parents, symbols, counts, suffixes: see `CountTable`.
        probs: (N,) p(h w).
        backoffs: (N,) b of the n-gram as a context; 1 where nothing followed it.
    """

    parents: Ints
    symbols: Ints
    counts: Ints
    suffixes: Ints
    probs: Floats
    backoffs: Floats

    def __len__(self) -> int:
        return len(self.symbols)


def smooth(tables: Sequence[CountTable], method: Smoothing, *, num_classes: int) -> list[SmoothTable]:
    """The probabilities of a model.

    Args:
        tables: as `count_ngrams` gives them.
        method: how to smooth.
        num_classes: symbols 0 to this, exclusive, can follow; those above stand in contexts only.
    """
    masses, discounts = zip(*_masses(tables, method, num_classes), strict=True)
    probs: list[Floats] = []
    backoffs: list[Floats] = []
    for n, table in enumerate(tables):
        num_contexts = len(tables[n - 1]) if n else 1
        total = np.bincount(table.parents, masses[n] + discounts[n], minlength=num_contexts)
        held_back = np.bincount(table.parents, discounts[n], minlength=num_contexts)
        shorter = probs[n - 1][table.suffixes] if n else _uniform(table, num_classes)
        share = np.divide(held_back, total, out=np.ones(num_contexts), where=total > 0)
        own = np.divide(masses[n], total[table.parents], out=np.zeros(len(table)), where=masses[n] > 0)
        probs.append(own + share[table.parents] * shorter)
        if n:
            backoffs.append(share)
    backoffs.append(np.ones(len(tables[-1])))
    return [
        SmoothTable(t.parents, t.symbols, t.counts, t.suffixes, p, b)
        for t, p, b in zip(tables, probs, backoffs, strict=True)
    ]


def _uniform(table: CountTable, num_classes: int) -> Floats:
    return np.where(table.symbols < num_classes, 1 / num_classes, 0.0)


def _masses(tables: Sequence[CountTable], method: Smoothing, num_classes: int) -> list[tuple[Floats, Floats]]:
    """For each order (N,) what an n-gram keeps of its count, and (N,) what it gives to the shorter context."""
    found = []
    begins = np.arange(len(tables[0])) >= num_classes
    for n, table in enumerate(tables):
        begins = begins[table.parents] if n else begins
        counts = table.counts.astype(np.float64)
        if method == "kneser-ney" and n + 1 < len(tables):
            before = np.bincount(tables[n + 1].suffixes, minlength=len(table))
            counts = np.where(begins, counts, before)
        if n == 0:
            counts[num_classes:] = 0  # what stands in contexts only
        if method == "witten-bell":
            found.append((counts, (counts > 0).astype(np.float64)))
        else:
            discounts = np.minimum(_discounts(counts)[np.minimum(counts, 3).astype(np.intp)], counts)
            found.append((counts - discounts, discounts))
    return found


def _discounts(counts: Floats) -> Floats:
    """(4,) what is taken from counts of 0, 1, 2, and 3 or more."""
    of = np.bincount(np.minimum(counts, 5).astype(np.intp), minlength=6)[1:5].astype(np.float64)
    if not of.all():
        return _FALLBACK
    y = of[0] / (of[0] + 2 * of[1])
    discounts = np.array([0.0, *(i - (i + 1) * y * of[i] / of[i - 1] for i in (1, 2, 3))])
    return discounts if ((discounts >= 0) & (discounts <= np.arange(4))).all() else _FALLBACK

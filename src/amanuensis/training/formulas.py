"""Formulas to train and validate on: ink that is varied and drawn, or bitmaps as they are, bucketed by size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from amanuensis.errors import AmanuensisError
from amanuensis.images import load_image
from amanuensis.images.formula import (
    FormulaSpec,
    Measured,
    normalize_drawing,
    normalize_formula,
    prepare_formula,
    to_input,
)
from amanuensis.ink import InkImage, render
from amanuensis.ink.distort import distort, vary_settings
from amanuensis.randomness import generator_for
from amanuensis.records import Sample
from amanuensis.training.batches import Batch, Prepared, bucketed, collate
from amanuensis.training.excerpts import excerpt
from amanuensis.training.exchange import SymbolStock
from amanuensis.training.places import places_of
from amanuensis.training.sources import LeftOut

WIDTH_BIN = 32  # pixels; within a bin formulas are sorted by height (spec 3.3)
SIZE_STEPS = (16, 32)


@dataclass(frozen=True, slots=True)
class Formulas:
    """Samples whose pictures open, with their prepared sizes (height, width)."""

    samples: tuple[Sample, ...]
    sizes: tuple[tuple[int, int], ...]


def opened(samples: Sequence[Sample], spec: FormulaSpec, split: str) -> tuple[Formulas, list[LeftOut]]:
    """Open every picture once: the good ones with their sizes, the others by name."""
    good: list[tuple[Sample, tuple[int, int]]] = []
    bad: list[LeftOut] = []
    for sample in samples:
        try:
            height, width = prepare_formula(load_image(sample.image), spec).shape
            good.append((sample, (height, width)))
        except AmanuensisError as error:
            bad.append(LeftOut(sample.key, str(error), split))
    return Formulas(tuple(s for s, _ in good), tuple(size for _, size in good)), bad


@dataclass(frozen=True)
class TrainingFormulas:
    """Everything that an epoch draws from.

    Attributes:
        formulas: samples and prepared sizes, to bucket by.
        spec, seed: how a formula is prepared.
        distortion: 0 to 1, how much ink is varied before it is drawn (our addition); bitmaps stay as they are.
        phases: (epochs, longest caption in tokens): the first epochs see short captions only.
        places: whether samples say where their tokens were written, for `guidance`.
        stock: symbols to exchange others for; None: no formula is changed so.
        exchange: share of the formulas that are.
        excerpts: share of the formulas of which a part is taken in place of the whole.
    """

    formulas: Formulas
    spec: FormulaSpec
    seed: int
    distortion: float = 0.0
    phases: Sequence[tuple[int, int]] = ()
    places: bool = False
    stock: SymbolStock | None = None
    exchange: float = 0.0
    excerpts: float = 0.0

    @property
    def num_real(self) -> int:
        """Formulas in all."""
        return len(self.formulas.samples)

    @property
    def num_synthetic(self) -> int:
        """None yet: all formulas are real."""
        return 0

    @property
    def size_steps(self) -> tuple[int, int]:
        """See `TrainingSource`."""
        return SIZE_STEPS

    def num_samples(self, epoch: int) -> int:
        """Formulas of an epoch."""
        return len(self._members(epoch))

    def prepared(self, epoch: int, index: int) -> Prepared:
        """The formula `index`: a function of (seed, epoch, sample)."""
        sample = self._varied(self.formulas.samples[index], epoch)
        bitmap, seen = _normalized(sample, self.spec)
        places = self._places(sample, seen) if self.places else None
        return Prepared(to_input(bitmap, self.spec), sample.text, sample.key, places)

    def plan(self, epoch: int, batch_size: int, *, num_processes: int = 1) -> list[list[int]]:
        """The batches of an epoch as indices of formulas of similar size; see `bucketed`."""
        members = self._members(epoch)
        height, width = np.asarray(self.formulas.sizes, dtype=np.float64)[members].T
        rng = generator_for("order", self.seed, epoch)
        batches = bucketed(rng, width // WIDTH_BIN * 10_000 + height, batch_size, num_processes=num_processes)
        return [members[batch].tolist() for batch in batches]

    def _members(self, epoch: int) -> NDArray[np.int64]:
        longest = self._longest(epoch)
        lengths = np.array([len(sample.text.split()) for sample in self.formulas.samples])
        chosen = lengths <= longest if longest else np.ones(len(lengths), dtype=bool)
        return np.flatnonzero(chosen) if chosen.any() else np.arange(len(lengths))

    def _longest(self, epoch: int) -> int | None:
        for epochs, longest in self.phases:
            if epoch < epochs:
                return longest
            epoch -= epochs
        return None

    def _varied(self, sample: Sample, epoch: int) -> Sample:
        """The sample or a part of it, with symbols exchanged and its ink varied, if it is ink and should be."""
        if self.excerpts:
            generator = generator_for("excerpt", self.seed, epoch, sample.key)
            if generator.random() < self.excerpts:
                sample = excerpt(sample, generator)
        if self.stock is not None:
            generator = generator_for("exchange", self.seed, epoch, sample.key)
            if generator.random() < self.exchange:
                sample = self.stock.exchanged(sample, generator)
        image = sample.image
        if not self.distortion or not isinstance(image, InkImage):
            return sample
        generator = generator_for("distort", self.seed, epoch, sample.key)
        ink = distort(image.ink, generator, self.distortion)
        settings = vary_settings(image.settings, generator, self.distortion)
        return replace(sample, image=replace(image, ink=ink, settings=settings))

    def _places(self, sample: Sample, seen: Measured) -> NDArray[np.float32] | None:
        image = sample.image
        if not isinstance(image, InkImage) or not image.ink.symbols:
            return None
        return places_of(sample.text.split(), image.ink, image.settings, self.spec, seen)


def _normalized(sample: Sample, spec: FormulaSpec) -> tuple[NDArray[np.uint8], Measured]:
    """The bitmap; ink is drawn without the way through PNG, and not searched for as in a photo."""
    image = sample.image
    if isinstance(image, InkImage):
        return normalize_drawing(render(image.ink, image.settings), spec)
    return normalize_formula(load_image(image), spec)


@dataclass(frozen=True, slots=True)
class ValidationFormulas:
    """Formulas to measure on: neither varied nor shuffled."""

    formulas: Formulas
    spec: FormulaSpec

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """Batches of similar size."""
        keys = [(width // WIDTH_BIN, height) for height, width in self.formulas.sizes]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        for start in range(0, len(order), batch_size):
            members = [self.formulas.samples[i] for i in order[start : start + batch_size]]
            prepared = [
                Prepared(prepare_formula(load_image(s.image), self.spec), s.text, s.key) for s in members
            ]
            yield collate(prepared, size_steps=SIZE_STEPS)

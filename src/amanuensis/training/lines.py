"""Lines of text to train and validate on: prepared by the model's spec, varied, bucketed by width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amanuensis.data.synthetic import SyntheticLines
from amanuensis.images import (
    Augmentation,
    ImageSpec,
    augment,
    load_image,
    normalize_contrast,
    pad_to_spec,
    prepare,
    resize_to_spec,
)
from amanuensis.randomness import generator_for
from amanuensis.records import Sample
from amanuensis.training.batches import Batch, Prepared, bucketed, collate

WIDTH_STEP = 64


def _size_steps(spec: ImageSpec) -> tuple[int, int]:
    return 1, WIDTH_STEP if spec.width is None else 1


@dataclass(frozen=True)
class TrainingLines:
    """Everything that an epoch draws from.

    Attributes:
        samples: real lines.
        widths: their prepared widths in pixels, to bucket by.
        spec, augmentation, seed: how a line is prepared.
        synthetic: rendered lines, or None.
        synthetic_share: of the union (Algorithm 2): n = real x r / (1 - r) lines an epoch.
    """

    samples: Sequence[Sample]
    widths: Sequence[int]
    spec: ImageSpec
    augmentation: Augmentation
    seed: int
    synthetic: SyntheticLines | None = None
    synthetic_share: float = 0.0

    @property
    def num_real(self) -> int:
        """Real lines."""
        return len(self.samples)

    @property
    def num_synthetic(self) -> int:
        """Synthetic lines in an epoch."""
        if self.synthetic is None:
            return 0
        return round(len(self.samples) * self.synthetic_share / (1 - self.synthetic_share))

    @property
    def size_steps(self) -> tuple[int, int]:
        """See `TrainingSource`."""
        return _size_steps(self.spec)

    def num_samples(self, epoch: int) -> int:
        """See `TrainingSource`."""
        return self.num_real + self.num_synthetic

    def prepared(self, epoch: int, index: int) -> Prepared:
        """The line `index` of an epoch: real ones first, then synthetic; a function of (seed, epoch, sample)."""
        if index < len(self.samples):
            sample = self.samples[index]
            grey, text, key = load_image(sample.image), sample.text, sample.key
        else:
            assert self.synthetic is not None
            grey, text = self.synthetic.sample(epoch, index - len(self.samples))
            key = f"synthetic/{epoch}-{index - len(self.samples)}"
        # Augmented before it is padded to a fixed width (2.26): what is moved in from outside is paper.
        line = normalize_contrast(resize_to_spec(grey, self.spec), self.spec)
        line = augment(line, self.augmentation, generator_for("augment", self.seed, epoch, key))
        return Prepared(np.ascontiguousarray(pad_to_spec(line, self.spec)), text, key)

    def plan(self, epoch: int, batch_size: int, *, num_processes: int = 1) -> list[list[int]]:
        """The batches of an epoch as line indices, of similar width; see `bucketed`."""
        widths = np.concatenate([np.asarray(self.widths), self._synthetic_widths(epoch)])
        rng = generator_for("order", self.seed, epoch)
        return bucketed(rng, widths, batch_size, num_processes=num_processes)

    def _synthetic_widths(self, epoch: int) -> NDArray[np.float64]:
        """Guessed from the text: rendering a line only to bucket it would double its cost."""
        if self.synthetic is None:
            return np.zeros(0)
        per_character = 0.3 * self.spec.height
        return np.array(
            [per_character * len(self.synthetic.text(epoch, index)) for index in range(self.num_synthetic)]
        )


@dataclass(frozen=True, slots=True)
class ValidationLines:
    """Lines to measure on: neither augmented nor shuffled, batched by width."""

    samples: Sequence[Sample]
    widths: Sequence[int]
    spec: ImageSpec

    def batches(self, batch_size: int) -> Iterator[tuple[list[int], Batch]]:
        """Batches of similar width with the indices of their samples."""
        order = np.argsort(np.asarray(self.widths), kind="stable").tolist()
        for start in range(0, len(order), batch_size):
            indices = order[start : start + batch_size]
            lines = [
                Prepared(prepare(load_image(s.image), self.spec), s.text, s.key)
                for s in (self.samples[i] for i in indices)
            ]
            yield indices, collate(lines, size_steps=_size_steps(self.spec))

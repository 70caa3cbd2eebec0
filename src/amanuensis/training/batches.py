"""From samples to batches: preparation in workers, width buckets, and an order that (seed, epoch) alone decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from amanuensis.data.synthetic import SyntheticLines
from amanuensis.errors import TrainingError
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

BUCKET_BATCHES = 40  # batches' worth of shuffled lines that are sorted by width before they are cut

# oneDNN compiles and keeps kernels for every new shape: with free widths that cost half the speed and ten
# gigabytes in three epochs (docs/experiments.md). Padding is inert, so coarser widths change nothing else.
WIDTH_STEP = 64


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that go through the network together.

    Attributes:
        images: (B, 1, H, W) float32 in [-1, 1], zero beyond each width.
        widths: (B,) int64, valid pixels.
        texts: B transcriptions, as the data set spells them.
        keys: B sample keys, to name a line in messages.
    """

    images: Tensor
    widths: Tensor
    texts: tuple[str, ...]
    keys: tuple[str, ...]

    def to(self, device: torch.device) -> Batch:
        """The same batch with its tensors on a device."""
        return Batch(self.images.to(device), self.widths.to(device), self.texts, self.keys)


@dataclass(frozen=True, slots=True)
class PreparedLine:
    """One line, ready to be batched: image float32 (H, W)."""

    image: NDArray[np.float32]
    text: str
    key: str


def collate(lines: Sequence[PreparedLine], *, width_step: int = 1) -> Batch:
    """Pads lines of one height to the widest, rounded up to a multiple of `width_step`."""
    height = lines[0].image.shape[0]
    widths = [line.image.shape[1] for line in lines]
    images = torch.zeros(len(lines), 1, height, -(-max(widths) // width_step) * width_step)
    for row, line in enumerate(lines):
        images[row, 0, :, : widths[row]] = torch.from_numpy(line.image)
    texts, keys = tuple(line.text for line in lines), tuple(line.key for line in lines)
    return Batch(images, torch.tensor(widths), texts, keys)


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
    def num_synthetic(self) -> int:
        """Synthetic lines in an epoch."""
        if self.synthetic is None:
            return 0
        return round(len(self.samples) * self.synthetic_share / (1 - self.synthetic_share))

    def __len__(self) -> int:
        return len(self.samples) + self.num_synthetic

    def prepared(self, epoch: int, index: int) -> PreparedLine:
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
        return PreparedLine(np.ascontiguousarray(pad_to_spec(line, self.spec)), text, key)

    def plan(self, epoch: int, batch_size: int, *, num_processes: int = 1) -> list[list[int]]:
        """The batches of an epoch as line indices: shuffled, sorted by width within pools, cut, shuffled again.

        Every batch has a line for each of `num_processes`: the rest of a pool that is too small joins its neighbour.

        Raises:
            TrainingError: there are fewer lines than processes.
        """
        if len(self) < num_processes:
            raise TrainingError(f"{len(self)} lines cannot be shared among {num_processes} processes")
        rng = generator_for("order", self.seed, epoch)
        order = rng.permutation(len(self))
        widths = np.concatenate([np.asarray(self.widths), self._synthetic_widths(epoch)])
        pool = batch_size * BUCKET_BATCHES
        batches: list[list[int]] = []
        for start in range(0, len(order), pool):
            lines = order[start : start + pool]
            lines = lines[np.argsort(widths[lines], kind="stable")]
            batches += [lines[i : i + batch_size].tolist() for i in range(0, len(lines), batch_size)]
            if len(batches[-1]) < num_processes and len(batches) > 1:
                rest = batches.pop()
                batches[-1] += rest
        return [batches[i] for i in rng.permutation(len(batches))]

    def _synthetic_widths(self, epoch: int) -> NDArray[np.float64]:
        """Guessed from the text: rendering a line only to bucket it would double its cost."""
        if self.synthetic is None:
            return np.zeros(0)
        per_character = 0.3 * self.spec.height
        return np.array(
            [per_character * len(self.synthetic.text(epoch, index)) for index in range(self.num_synthetic)]
        )


class _EpochDataset(Dataset[PreparedLine]):
    def __init__(self, lines: TrainingLines, epoch: int) -> None:
        self.lines = lines
        self.epoch = epoch

    def __getitem__(self, index: int) -> PreparedLine:
        return self.lines.prepared(self.epoch, index)


def _width_step(spec: ImageSpec) -> int:
    return WIDTH_STEP if spec.width is None else 1


def _one_thread(_worker: int) -> None:
    torch.set_num_threads(1)


def batches_of_epoch(
    lines: TrainingLines, epoch: int, plan: Sequence[Sequence[int]], *, workers: int
) -> Iterator[Batch]:
    """The planned batches, prepared by `workers` processes (0: in this one)."""
    loader: DataLoader[PreparedLine] = DataLoader(
        _EpochDataset(lines, epoch),
        batch_sampler=[list(batch) for batch in plan],
        num_workers=workers,
        collate_fn=partial(collate, width_step=_width_step(lines.spec)),
        worker_init_fn=_one_thread,
        prefetch_factor=4 if workers else None,
    )
    return iter(loader)


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
                PreparedLine(prepare(load_image(s.image), self.spec), s.text, s.key)
                for s in (self.samples[i] for i in indices)
            ]
            yield indices, collate(lines, width_step=_width_step(self.spec))

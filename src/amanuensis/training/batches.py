"""From prepared pictures to batches, of lines or of formulas: prepared in workers, bucketed by size, padded."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.context import BaseContext
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from amanuensis.errors import TrainingError

BUCKET_BATCHES = 40  # batches' worth of shuffled pictures that are sorted by size before they are cut


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures that go through the network together.

    Attributes:
        images: (B, 1, H, W) float32, zero beyond each picture.
        sizes: (B, 2) int64, valid height and width in pixels.
        texts: B transcriptions, as the data set spells them.
        keys: B sample keys, to name a sample in messages.
        places: of each sample where its tokens were written, (l, 4) boxes in pixels, NaN where a token has none; None
            for a sample of which that is not known; empty: of none.
    """

    images: Tensor
    sizes: Tensor
    texts: tuple[str, ...]
    keys: tuple[str, ...]
    places: tuple[NDArray[np.float32] | None, ...] = ()

    @property
    def widths(self) -> Tensor:
        """(B,) int64, valid widths in pixels."""
        return self.sizes[:, 1]

    def to(self, device: torch.device) -> Batch:
        """The same batch with its tensors on a device."""
        return replace(self, images=self.images.to(device), sizes=self.sizes.to(device))


@dataclass(frozen=True, slots=True)
class Prepared:
    """One picture, ready to be batched: image float32 (H, W); `places` as in `Batch`."""

    image: NDArray[np.float32]
    text: str
    key: str
    places: NDArray[np.float32] | None = None


class TrainingSource(Protocol):
    """Everything that an epoch draws from: real samples first, then synthetic ones."""

    @property
    def num_real(self) -> int:
        """Real samples."""

    @property
    def num_synthetic(self) -> int:
        """Synthetic samples in an epoch."""

    @property
    def size_steps(self) -> tuple[int, int]:
        """What padded heights and widths are multiples of: `collate`."""

    def num_samples(self, epoch: int) -> int:
        """Samples of an epoch, real and synthetic."""

    def prepared(self, epoch: int, index: int) -> Prepared:
        """The sample `index` of an epoch: a function of (seed, epoch, sample)."""

    def plan(self, epoch: int, batch_size: int, *, num_processes: int = 1) -> list[list[int]]:
        """The batches of an epoch as sample indices; each has one for every process."""


def collate(prepared: Sequence[Prepared], *, size_steps: tuple[int, int] = (1, 1)) -> Batch:
    """Pads pictures to the highest and widest, rounded up to multiples of `size_steps`.

    oneDNN compiles and keeps kernels for every new shape: with free widths that cost half the speed and ten
    gigabytes in three epochs (docs/experiments.md). The networks' padding is inert, so steps change nothing else.
    """
    sizes = torch.tensor([item.image.shape for item in prepared])
    height, width = (
        -(-int(most) // step) * step for most, step in zip(sizes.amax(0), size_steps, strict=True)
    )
    images = torch.zeros(len(prepared), 1, height, width)
    for row, item in enumerate(prepared):
        images[row, 0, : sizes[row, 0], : sizes[row, 1]] = torch.from_numpy(item.image)
    texts, keys = tuple(item.text for item in prepared), tuple(item.key for item in prepared)
    places = tuple(item.places for item in prepared)
    return Batch(images, sizes, texts, keys, places if any(p is not None for p in places) else ())


def bucketed(
    rng: np.random.Generator, sort_keys: NDArray[np.floating], batch_size: int, *, num_processes: int = 1
) -> list[list[int]]:
    """Batches of similar samples in random order: shuffled, sorted within pools, cut, shuffled again.

    Args:
        rng: of the epoch.
        sort_keys: one per sample, alike for samples that should share a batch.
        batch_size: samples of a batch.
        num_processes: every batch has a sample for each: the rest of a pool that is too small joins its neighbour.

    Raises:
        TrainingError: there are fewer samples than processes.
    """
    if len(sort_keys) < num_processes:
        raise TrainingError(f"{len(sort_keys)} samples cannot be shared among {num_processes} processes")
    order = rng.permutation(len(sort_keys))
    pool = batch_size * BUCKET_BATCHES
    batches: list[list[int]] = []
    for start in range(0, len(order), pool):
        members = order[start : start + pool]
        members = members[np.argsort(sort_keys[members], kind="stable")]
        batches += [members[i : i + batch_size].tolist() for i in range(0, len(members), batch_size)]
        if len(batches[-1]) < num_processes and len(batches) > 1:
            rest = batches.pop()
            batches[-1] += rest
    return [batches[i] for i in rng.permutation(len(batches))]


class _EpochDataset(Dataset[Prepared]):
    def __init__(self, source: TrainingSource, epoch: int) -> None:
        self.source = source
        self.epoch = epoch

    def __getitem__(self, index: int) -> Prepared:
        return self.source.prepared(self.epoch, index)


def _fork_server() -> BaseContext | None:
    """Processes that begin small, with what they need already imported; None where the platform has none."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return None
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _one_thread(_worker: int) -> None:
    torch.set_num_threads(1)


def batches_of_epoch(
    source: TrainingSource, epoch: int, plan: Sequence[Sequence[int]], *, workers: int
) -> Iterator[Batch]:
    """The planned batches, prepared by `workers` processes (0: in this one).

    Workers come from a fork server: a fork of this process would hold on to its memory as it was, gigabytes of it
    after the first epoch (docs/experiments.md).
    """
    loader: DataLoader[Prepared] = DataLoader(
        _EpochDataset(source, epoch),
        batch_sampler=[list(batch) for batch in plan],
        num_workers=workers,
        collate_fn=partial(collate, size_steps=source.size_steps),
        worker_init_fn=_one_thread,
        prefetch_factor=4 if workers else None,
        multiprocessing_context=_fork_server() if workers else None,
    )
    return iter(loader)

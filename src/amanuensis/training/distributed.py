"""One process or several: the few places where a run started by `torchrun` differs from a plain one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import cast

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from amanuensis.errors import TrainingError


@dataclass(frozen=True, slots=True)
class World:
    """This process's place among those that train together."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process validates, saves and prints."""
        return self.rank == 0

    def share_of(self, batch: list[int]) -> list[int]:
        """This process's lines of a batch."""
        return batch[self.rank :: self.size]

    def wrap(self, network: torch.nn.Module) -> torch.nn.Module:
        """The network, with gradients averaged over processes if there are several."""
        return DistributedDataParallel(network) if self.size > 1 else network

    def without_sync(self, network: torch.nn.Module, *, last: bool) -> AbstractContextManager[None]:
        """Inside it gradients of all but the last accumulated batch stay local."""
        if self.size > 1 and not last:
            return cast(AbstractContextManager[None], cast(DistributedDataParallel, network).no_sync())
        return nullcontext()

    def agree(self, *values: float) -> list[float]:
        """The leader's numbers, in every process."""
        if self.size == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64)
        distributed.broadcast(tensor, src=0)
        return [float(v) for v in tensor]


@contextmanager
def world_of_this_process() -> Iterator[World]:
    """The world that `torchrun` describes in the environment, or a single process.

    Raises:
        TrainingError: the processes cannot reach each other.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    try:
        # What is agreed upon lies in CPU tensors wherever the network is; nccl moves none of these.
        distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    except (RuntimeError, ValueError) as error:
        raise TrainingError(f"the {size} processes of torchrun cannot reach each other: {error}") from error
    try:
        yield World(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()

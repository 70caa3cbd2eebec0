"""What the loop trains, whatever the task: the parts that a task makes of a recipe."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import nn

import amanuensis
from amanuensis.errors import RecipeError
from amanuensis.recognition import Architecture, MathConfig, ModelConfig, TextConfig
from amanuensis.training.batches import TrainingSource
from amanuensis.training.objectives import Objective
from amanuensis.training.progress import Console
from amanuensis.training.recipe import Recipe
from amanuensis.training.sources import LeftOut, Sources
from amanuensis.training.validation import Validation
from amanuensis.training.weights import Start

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a training is made of.

    Attributes:
        network, objective, train: what learns, from what it is told, on what.
        measure: one validation of the network as it stands, on a device.
        num_val: validation samples.
        left_out: samples that are not used, with reasons.
    """

    network: nn.Module
    objective: Objective
    train: TrainingSource
    measure: Callable[[torch.device], Validation]
    num_val: int
    left_out: Sequence[LeftOut]


class Task(Protocol):
    """A module that knows how one task is trained."""

    def read_samples(self, recipe: Recipe) -> Sources:
        """The recipe's samples, their texts as the task takes them."""

    def model_config(
        self, recipe: Recipe, sources: Sources, start: Start | None, console: Console
    ) -> TextConfig | MathConfig:
        """What the run's model will be; the start model's where there is one."""

    def assemble(self, recipe: Recipe, config: ModelConfig, sources: Sources, console: Console) -> Parts:
        """Network, objective and samples; and the samples that are not used, with reasons."""


def named(table: Mapping[str, T], name: str, key: str) -> T:
    """What a recipe's `key` calls `name`.

    Raises:
        RecipeError: nothing is called so, with all the names that there are.
    """
    if name not in table:
        raise RecipeError(f"{key}: nothing is called {name!r}; there are: {', '.join(table)}")
    return table[name]


def chosen_architecture(recipe: Recipe, start: ModelConfig | None) -> Architecture:
    """The network of a run: the start model's where there is one, with the recipe's changed options.

    Raises:
        RecipeError: the recipe names no network and there is no model to start from, or they contradict.
    """
    network = recipe.network
    if start is None:
        if network is None:
            raise RecipeError("this recipe fine-tunes: say which model with --from MODEL")
        return Architecture(network.name, network.options)
    told = start.architecture
    if network is not None and network.name != told.name:
        raise RecipeError(f"network.name: {network.name}, but {start.name} is a {told.name}")
    return Architecture(told.name, {**told.options, **(network.options if network else {})})


def versions() -> dict[str, str]:
    """What a run was made with."""
    return {
        "amanuensis": amanuensis.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }

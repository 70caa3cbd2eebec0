"""What the loop trains, whatever the task: the parts that a task makes of a recipe."""

from __future__ import annotations

import difflib
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import nn

import amanuensis
from amanuensis.errors import RecipeError, TrainingError
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


def check_left(num_train: int, num_val: int, left_out: Sequence[LeftOut]) -> None:
    """A run needs samples of both splits, whatever was left out of them.

    Raises:
        TrainingError: nothing is left, with the first reason.
    """
    if num_train and num_val:
        return
    why = (
        f"; {len(left_out)} left out, the first: {left_out[0].key}: {left_out[0].reason}" if left_out else ""
    )
    raise TrainingError(
        f"{num_train} samples are left to train and {num_val} to validate on; both are needed{why}"
    )


def check_frozen(recipe: Recipe, network: nn.Module) -> None:
    """Parts that are to keep their weights must be there.

    Raises:
        RecipeError: naming the one that is not, and the nearest part or all that there are.
    """
    parts = [name for name, _ in network.named_modules() if name]
    for name in recipe.fine_tuning.freeze if recipe.fine_tuning else ():
        if name not in parts:
            near = difflib.get_close_matches(name, parts, n=1)
            first = ", ".join(part for part in parts if "." not in part)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {first}"
            raise RecipeError(f"fine_tuning.freeze: no part of the network is called {name!r}; {hint}")


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

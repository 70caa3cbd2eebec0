"""Weights of model folders: to train on from, with a larger alphabet if the new lines need one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from amanuensis.errors import ModelError
from amanuensis.models import FormulaNetwork, HtrJand, build_formula_network, build_network
from amanuensis.recognition import WEIGHTS_FILE, MathConfig, TextConfig, find_model, read_config

HEADS = ("head", "auxiliary_head")


@dataclass(frozen=True, slots=True)
class Start:
    """A model to start from."""

    config: TextConfig | MathConfig
    tensors: dict[str, Tensor]

    def put_into(self, network: nn.Module) -> None:
        """Copy the weights. Outputs of symbols that the model did not know keep their fresh weights.

        The network's vocabulary must be `config.vocabulary` or a union that begins with it.

        Raises:
            ModelError: the weights are of another network.
        """
        state = network.state_dict()
        try:
            for name, tensor in self.tensors.items():
                if name.split(".", 1)[0] in HEADS and name in state:
                    state[name][: tensor.shape[0]] = tensor
                else:
                    state[name] = tensor
            network.load_state_dict(state)
        except RuntimeError as error:
            fits = f"its weights do not fit {self.config.architecture.name}"
            raise ModelError(f"{self.config.name}: {fits}: {error}") from error


def load_start(model: str | Path) -> Start:
    """The configuration and weights of a model by folder, shipped name or hub id.

    Raises:
        ModelError: there is no such model, or it has no weights.
    """
    folder = find_model(model)
    path = folder / WEIGHTS_FILE
    try:
        return Start(read_config(folder), load_file(path))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: the weights to train on from cannot be read: {error}") from error


def load_network(folder: Path) -> tuple[TextConfig | MathConfig, nn.Module]:
    """A model folder's network, in eval mode.

    Raises:
        ModelError: the folder is incomplete.
    """
    start = load_start(folder)
    network = network_of(start.config)
    start.put_into(network)
    return start.config, network.train(False)


def network_of(config: TextConfig | MathConfig) -> nn.Module:
    """A fresh network of a model's architecture and vocabulary."""
    if isinstance(config, MathConfig):
        return formula_network_of(config)
    return line_network_of(config)


def line_network_of(config: TextConfig) -> HtrJand:
    """`network_of` a reader of lines."""
    architecture = config.architecture
    return build_network(architecture.name, config.vocabulary.num_classes, architecture.options)


def formula_network_of(config: MathConfig) -> FormulaNetwork:
    """`network_of` a reader of formulas."""
    architecture = config.architecture
    return build_formula_network(architecture.name, config.vocabulary.num_classes, architecture.options)


def encoded_weights(network: torch.nn.Module) -> bytes:
    """A network's weights as a safetensors file."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()})

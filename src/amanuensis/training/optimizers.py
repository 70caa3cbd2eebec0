"""Optimizers by name, and how a network's parameters are grouped for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from amanuensis.models.classifier import Classifier
from amanuensis.training.muon import Muon


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerSettings:
    """What a recipe says about its optimizer; `betas` is AdamW's, `rho` and `eps` are Adadelta's."""

    name: str
    learning_rate: float
    weight_decay: float
    betas: tuple[float, float] = (0.9, 0.99)
    rho: float = 0.95
    eps: float = 1e-6


Groups = list[dict[str, Any]]


def _adamw(groups: Groups, settings: OptimizerSettings) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=settings.betas)


def _adadelta(groups: Groups, settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Zeiler's, as CATNet trains; rho and eps are those of WAP and ABM (the paper prints none)."""
    return torch.optim.Adadelta(groups, lr=settings.learning_rate, rho=settings.rho, eps=settings.eps)


def _muon(groups: Groups, settings: OptimizerSettings) -> torch.optim.Optimizer:
    return Muon(groups, lr=settings.learning_rate, betas=settings.betas)


OPTIMIZERS: Mapping[str, Callable[[Groups, OptimizerSettings], torch.optim.Optimizer]] = {
    "adamw": _adamw,
    "adadelta": _adadelta,
    "muon": _muon,
}


def make_optimizer(
    network: nn.Module, settings: OptimizerSettings, *, freeze: Sequence[str] = ()
) -> torch.optim.Optimizer:
    """The optimizer by name; biases and normalizations do not decay, frozen parts are marked for the loop."""
    stacked = _stacked_matrices(network)
    groups: dict[tuple[bool, bool, int], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        frozen = any(name == part or name.startswith(part + ".") for part in freeze)
        kind = (frozen, parameter.dim() > 1, stacked.get(name, 0) if settings.name == "muon" else 0)
        groups.setdefault(kind, []).append(parameter)
    return OPTIMIZERS[settings.name](
        [
            {
                "params": params,
                "frozen": frozen,
                "weight_decay": settings.weight_decay if decays else 0.0,
                "stacked": matrices,
            }
            for (frozen, decays, matrices), params in sorted(groups.items(), key=lambda item: item[0])
        ],
        settings,
    )


_GATES = {nn.LSTM: 4, nn.GRU: 3, nn.LSTMCell: 4, nn.GRUCell: 3}


def _stacked_matrices(network: nn.Module) -> dict[str, int]:
    """How many matrices each weight stacks; vectors, embeddings and classifiers are not in it."""
    stacked = {}
    for prefix, module in network.named_modules():
        if isinstance(module, nn.Embedding | Classifier):
            continue
        for name, parameter in module.named_parameters(prefix, recurse=False):
            if parameter.dim() > 1:
                stacked[name] = _GATES.get(type(module), 1)
    return stacked

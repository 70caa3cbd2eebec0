"""Muon: orthogonal matrices by brute force, gates on their own, vectors as AdamW has them, and a run that resumes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from amanuensis.models import build_formula_network, build_network
from amanuensis.models.classifier import Classifier
from amanuensis.training.muon import Muon, orthogonalized
from amanuensis.training.optimizers import OptimizerSettings, make_optimizer
from amanuensis.training.state import Progress, load_state, save_state

SETTINGS = OptimizerSettings(name="muon", learning_rate=1e-2, weight_decay=0.0)


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.conv = nn.Conv2d(2, 6, 3)
        self.lstm = nn.LSTM(5, 4, batch_first=True)
        self.embedding = nn.Embedding(7, 5)
        self.norm = nn.LayerNorm(4)
        self.head = Classifier(4, 7)


def with_gradients(network: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 4, 20), (2, 20, 4)])
def test_singular_values_come_near_1_and_directions_stay(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found = orthogonalized(matrices * 1e-3)
    assert torch.linalg.svdvals(found).min() > 0.3
    assert torch.linalg.svdvals(found).max() < 1.3
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    exact = u @ v
    alike = (found * exact).sum((1, 2)) / (found.norm(dim=(1, 2)) * exact.norm(dim=(1, 2)))
    assert alike.min() > 0.95


def test_an_update_of_a_matrix_has_the_size_of_adamws() -> None:
    network = nn.Linear(64, 48, bias=False)
    before = network.weight.detach().clone()
    with_gradients(network, 1)
    make_optimizer(network, SETTINGS).step()
    change = (network.weight.detach() - before).square().mean().sqrt()
    assert float(change) == pytest.approx(0.2 * 1e-2, rel=0.3)


def test_gates_are_matrices_of_their_own() -> None:
    network = Small()
    with_gradients(network, 1)
    before = network.lstm.weight_ih_l0.detach().clone()
    assert network.lstm.weight_ih_l0.grad is not None
    network.lstm.weight_ih_l0.grad[:4] *= 1e-4  # one gate learns from next to nothing, and yet as fast
    make_optimizer(network, SETTINGS).step()
    sizes = (network.lstm.weight_ih_l0.detach() - before).view(4, -1).norm(dim=1)
    assert sizes.max() / sizes.min() < 1.5


def test_vectors_embeddings_and_heads_follow_adamw() -> None:
    ours, theirs = Small(), Small()
    names = [
        name for name, p in ours.named_parameters() if p.dim() < 2 or name.startswith(("embedding", "head"))
    ]
    muon = make_optimizer(ours, SETTINGS)
    adamw = torch.optim.AdamW(theirs.parameters(), lr=1e-2, betas=SETTINGS.betas, weight_decay=0.0)
    for seed in range(3):
        with_gradients(ours, seed)
        with_gradients(theirs, seed)
        muon.step()
        adamw.step()
    own, other = dict(ours.named_parameters()), dict(theirs.named_parameters())
    for name in names:
        torch.testing.assert_close(own[name], other[name])
    assert not torch.allclose(own["conv.weight"], other["conv.weight"])


def test_the_last_layer_of_every_network_is_a_classifier() -> None:
    """It must be said in the network, not guessed from a name: CATNet's and HTR-JAND's are called differently."""
    for network, layers in (
        (build_network("htr-jand-teacher-cpu", 50), {"head", "auxiliary_head"}),
        (build_formula_network("catnet-small", 50), {"decoders.0.output", "decoders.1.output"}),
        (build_formula_network("bttr-small", 50, {"decoders": 1}), {"decoders.0.head"}),
    ):
        found = {name for name, module in network.named_modules() if isinstance(module, Classifier)}
        assert found == layers
        matrices = {
            id(weight)
            for group in make_optimizer(network, SETTINGS).param_groups
            if group["stacked"]
            for weight in group["params"]
        }
        assert not matrices & {id(network.get_submodule(name).weight) for name in layers}


def test_decay_and_frozen_parts() -> None:
    network = Small()
    settings = OptimizerSettings(name="muon", learning_rate=1e-2, weight_decay=0.5)
    optimizer = make_optimizer(network, settings, freeze=["conv"])
    told = {(group["frozen"], group["stacked"], group["weight_decay"]) for group in optimizer.param_groups}
    assert told == {(True, 0, 0.0), (True, 1, 0.5), (False, 0, 0.0), (False, 0, 0.5), (False, 4, 0.5)}
    before = network.head.weight.detach().clone()
    network.zero_grad()
    network.head.weight.grad = torch.zeros_like(network.head.weight)
    optimizer.step()
    torch.testing.assert_close(network.head.weight.detach(), before * (1 - 1e-2 * 0.5))


def test_a_resumed_run_goes_on_to_the_bit(tmp_path: Path) -> None:
    straight, resumed = Small(), Small()
    first, second = make_optimizer(straight, SETTINGS), make_optimizer(resumed, SETTINGS)
    for seed in range(2):
        for network, optimizer in ((straight, first), (resumed, second)):
            with_gradients(network, seed)
            optimizer.step()
    save_state(tmp_path / "state.safetensors", resumed, second, Progress(total_steps=3))
    again = Small()
    third = make_optimizer(again, SETTINGS)
    assert isinstance(third, Muon)
    load_state(tmp_path / "state.safetensors", again, third)
    for network, optimizer in ((straight, first), (again, third)):
        with_gradients(network, 2)
        optimizer.step()
    for one, other in zip(straight.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)

"""The other encoders: the published networks cut at stride 16, for pictures of any size, alone or in company."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from amanuensis.models.backbones import BACKBONES

# (a whole network's published parameters, those of its classifier and of the stages beyond stride 16,
#  the stem's filters and their area: two of three color channels go, its last channels)
PUBLISHED = {
    "resnet-18": (11_689_512, 513_000, 8_393_728, 64 * 49, 256),
    "resnet-34": (21_797_672, 513_000, 13_114_368, 64 * 49, 256),
    "mobilenet-v2": (3_504_872, 1_281_000, 1_269_184 + 412_160, 32 * 9, 96),
    "xception": (22_855_952, 2_049_000, 6_788_384, 32 * 9, 728),
}
STATED = {
    "resnet-18": 2_952_984,
    "resnet-34": 8_340_504,
    "mobilenet-v2": 608_984,
    "xception": 14_517_312,
}


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _build(name: str, width: int = 24) -> nn.Module:
    """A network as if it had trained: shifts are not zero, running statistics are those of pictures."""
    network = BACKBONES[name](width)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.normal_(norm.bias, std=0.5)
        norm.momentum = 1.0
    with torch.no_grad():
        network(torch.rand(2, 1, 40, 64), _sizes((40, 64), (33, 50)))
    for norm in norms:
        norm.momentum = 0.1
    return network


def _sizes(*sizes: tuple[int, int]) -> Tensor:
    return torch.tensor(sizes)


@pytest.mark.parametrize("name", list(BACKBONES))
def test_parameters_are_the_published_ones_less_what_is_cut(name: str) -> None:
    whole, classifier, beyond, stem, channels = PUBLISHED[name]
    projection = channels * 684 + 2 * 684
    network = BACKBONES[name](684)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == whole - classifier - beyond - 2 * stem + projection == STATED[name]
    assert network.width == 684


@pytest.mark.parametrize("name", list(BACKBONES))
@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 32), (17, 31), (33, 65)])
def test_a_cell_is_sixteen_pixels_and_a_partial_one_counts(name: str, height: int, width: int) -> None:
    network = _build(name).eval()
    features, sizes = network(torch.rand(1, 1, height, width), _sizes((height, width)))
    expected = (-(-height // 16), -(-width // 16))
    assert features.shape == (1, 24, *expected)
    assert sizes.tolist() == [list(expected)]
    assert features.isfinite().all()


@pytest.mark.parametrize("name", list(BACKBONES))
@pytest.mark.parametrize("extra", [(1, 0), (0, 1), (13, 40)])
def test_padding_and_batch_mates_never_change_features(name: str, extra: tuple[int, int]) -> None:
    network = _build(name).eval()
    down, right = extra
    image = torch.rand(1, 1, 37, 59)
    alone, _ = network(image, _sizes((37, 59)))
    # What lies beyond the picture is noise: it must not matter what it is.
    noise = torch.rand(1, 1, 37 + down, 59 + right)
    padded = noise.clone()
    padded[:, :, :37, :59] = image
    together, sizes = network(torch.cat([noise, padded]), _sizes((37 + down, 59 + right), (37, 59)))
    assert sizes[1].tolist() == [3, 4]
    assert alone.abs().max() > 0.1
    assert torch.allclose(together[1, :, :3, :4], alone[0], atol=1e-4)
    assert together[1, :, 3:].abs().sum() == 0
    assert together[1, :, :, 4:].abs().sum() == 0


@pytest.mark.parametrize("name", list(BACKBONES))
def test_padding_never_changes_what_a_batch_teaches(name: str) -> None:
    network = _build(name)
    images, sizes = torch.rand(2, 1, 33, 40), _sizes((33, 40), (20, 36))
    statistics, gradients = [], []
    for padding in ((0, 0, 0, 0), (0, 12, 0, 9)):
        network.zero_grad()
        features, _ = network(F.pad(images, padding, value=1.0), sizes)
        features.square().sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
        first = next(m for m in network.modules() if isinstance(m, nn.BatchNorm2d))
        statistics.append(first.running_mean.clone())
        first.running_mean.zero_()
        first.running_var.fill_(1)
    assert statistics[0].abs().max() > 0
    assert torch.allclose(gradients[0], gradients[1], rtol=1e-3, atol=1e-3 * float(gradients[0].abs().max()))


@pytest.mark.parametrize("name", list(BACKBONES))
def test_every_parameter_learns_also_in_bfloat16(name: str) -> None:
    network = BACKBONES[name](24).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features, _ = network(torch.rand(2, 1, 40, 56), _sizes((40, 56), (32, 56)))
    (features.float() * torch.randn(features.shape)).sum().backward()
    still = [n for n, p in network.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
    assert still == []
    assert all(p.grad.isfinite().all() for p in network.parameters())


def test_a_pool_of_negative_cells_does_not_see_the_padding() -> None:
    # Xception pools before its ReLU, where a padded zero would win over every valid cell.
    network = _build("xception").eval()
    pools = [module for module in network.modules() if type(module).__name__ == "_MaxPool"]
    mask = torch.zeros(1, 1, 4, 6, dtype=torch.bool)
    mask[:, :, :3, :3] = True
    pooled, kept = pools[0](torch.full((1, 2, 4, 6), -5.0) * mask, mask)
    assert pooled[0, 0].tolist() == [[-5, -5, 0], [-5, -5, 0]]
    assert kept.sum() == 4

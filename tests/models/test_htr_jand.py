"""The networks: the paper's parameter counts, switches for every part, and readings that no padding can change."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from amanuensis.errors import ModelError
from amanuensis.models import (
    NETWORKS,
    HtrJand,
    build_network,
    network_config,
    num_parameters,
    parameter_breakdown,
)

SMALL = {"channels": [4, 6, 8], "hidden": 8}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("name", "printed", "ours"),
    [("htr-jand-teacher", 1_504_544, 1_503_328), ("htr-jand-student", 750_654, 749_596)],
)
def test_the_papers_parameter_counts_within_a_fifth_of_a_percent(name: str, printed: int, ours: int) -> None:
    network = build_network(name)
    assert num_parameters(network) == ours
    assert abs(ours - printed) <= 0.002 * printed


def test_the_breakdown_is_that_of_the_specification() -> None:
    parts = parameter_breakdown(build_network("htr-jand-teacher"))
    assert parts["block 1"] == 19_432
    assert parts["BiLSTM 1 and projection"] == 247_936
    assert parts["multi-head attention"] == 66_048
    assert parts["Proxima attention"] == 49_536
    assert parts["auxiliary head"] == 8_424
    for name in NETWORKS:
        network = build_network(name)
        assert sum(parameter_breakdown(network).values()) == num_parameters(network)


def test_the_papers_networks_keep_every_column_and_the_cpu_ones_a_quarter() -> None:
    for name, stride in (("htr-jand-student", 1), ("htr-jand-student-cpu", 4)):
        network = build_network(name, options=SMALL).eval()
        height = network.config.height
        output = network(torch.randn(1, 1, height, 864), torch.tensor([864]))
        assert network.stride == stride
        assert output.logits.shape == (1, 864 // stride, 104)
        assert output.lengths.tolist() == [864 // stride]


@pytest.mark.parametrize("name", list(NETWORKS))
@pytest.mark.parametrize("extra", [0, 1, 37, 400])
def test_padding_and_batch_mates_never_change_logits(name: str, extra: int) -> None:
    network = build_network(name, options=SMALL).eval()
    _random_statistics(network)
    image = torch.randn(1, 1, network.config.height, 133)
    alone = network(image, torch.tensor([133]))
    # What lies beyond the width is noise: it must not matter what it is.
    padded = torch.cat([image, torch.randn(1, 1, network.config.height, extra)], dim=3)
    mate = torch.randn_like(padded)
    together = network(torch.cat([mate, padded]), torch.tensor([133 + extra, 133]))
    frames = int(alone.lengths)
    assert together.lengths[1] == frames
    assert torch.allclose(together.logits[1, :frames], alone.logits[0, :frames], atol=1e-4)
    assert torch.allclose(together.auxiliary[1, :frames], alone.auxiliary[0, :frames], atol=1e-4)


def _random_statistics(network: nn.Module) -> None:
    """Running statistics and weights of a network that has trained, so that shifts are not zero."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.bias)


def test_the_narrowest_line_and_odd_widths_are_read() -> None:
    network = build_network("htr-jand-student-cpu", options=SMALL).eval()
    for width in (4, 5, 7, 9, 31):
        output = network(torch.randn(1, 1, 64, width), torch.tensor([width]))
        assert output.logits.shape[1] == width // 4 == int(output.lengths)
        assert output.logits.isfinite().all()


@pytest.mark.parametrize(
    "switch", ["squeeze_excitation", "gate", "multi_head", "proxima", "auxiliary", "feature_norm"]
)
def test_every_part_has_a_switch_that_removes_its_parameters(switch: str) -> None:
    whole = build_network("htr-jand-student-cpu", options=SMALL)
    without = build_network("htr-jand-student-cpu", options={**SMALL, switch: False})
    assert num_parameters(without) < num_parameters(whole)
    _trains(without)


def test_without_projection_the_states_have_both_directions() -> None:
    network = build_network("htr-jand-student", options={**SMALL, "projection": False})
    assert network.recurrent.width == 16
    _trains(network)


def test_without_any_attention_the_lstms_feed_the_head() -> None:
    network = build_network("htr-jand-student", options={**SMALL, "multi_head": False, "proxima": False})
    assert network.attention is None
    assert _trains(network).attention is None


def test_residual_connections_are_ours_and_off_in_the_papers_networks() -> None:
    assert not network_config("htr-jand-teacher").residual
    plain = build_network("htr-jand-student", options=SMALL).eval()
    ours = build_network("htr-jand-student", options={**SMALL, "residual": True}).eval()
    ours.load_state_dict(plain.state_dict())
    image, width = torch.randn(1, 1, 68, 40), torch.tensor([40])
    assert num_parameters(ours) == num_parameters(plain)
    assert not torch.allclose(ours(image, width).logits, plain(image, width).logits)


def _trains(network: HtrJand):
    output = network(torch.randn(2, 1, network.config.height, 40), torch.tensor([40, 31]))
    output.logits.square().sum().backward(retain_graph=True)
    if output.auxiliary is not None:
        output.auxiliary.square().sum().backward()
    unused = [name for name, p in network.named_parameters() if p.grad is None]
    assert unused == []
    return output


def test_unknown_names_and_options_are_named() -> None:
    with pytest.raises(ModelError, match="htr-jand-teacher-cpu"):
        network_config("htr-jand-master")
    with pytest.raises(ModelError, match="hiden"):
        network_config("htr-jand-teacher", {"hiden": 3})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"heads": 3}, "heads: 3, which do not divide 64"),
        ({"hidden": "64"}, "hidden: '64'"),
        ({"channels": 4}, "channels: 4"),
        ({"channels": [4] * 7}, "height: 68, of which 7 blocks leave no row"),
        ({"gate": "no", "dropout": 2}, "gate: 'no', not true or false; dropout: 2"),
    ],
)
def test_values_that_no_network_can_have_are_named(options: dict[str, object], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        build_network("htr-jand-student", options=options)
    assert network_config("htr-jand-student", {"heads": 3, "multi_head": False, "proxima": False}).heads == 3

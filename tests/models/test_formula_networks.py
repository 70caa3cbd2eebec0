"""Formula networks by name: of both kinds, with options that are theirs alone."""

from __future__ import annotations

import pytest
import torch

from amanuensis.errors import ModelError
from amanuensis.models import (
    FORMULA_NETWORKS,
    Bttr,
    BttrConfig,
    Catnet,
    CatnetConfig,
    build_formula_network,
    formula_network_config,
    num_parameters,
)

TINY = {"growth": 4, "blocks": [1, 1]}


def test_a_name_decides_the_kind_and_options_are_of_that_kind() -> None:
    assert isinstance(build_formula_network("catnet-small", 9, {**TINY, "cell": "lstm"}), Catnet)
    assert isinstance(build_formula_network("bttr-small", 9, {**TINY, "decoders": 2}), Bttr)
    with pytest.raises(ModelError, match="bttr-small has no option branches"):
        formula_network_config("bttr-small", {"branches": 1})
    with pytest.raises(ModelError, match="catnet-small has no option decoders"):
        formula_network_config("catnet-small", {"decoders": 1})
    with pytest.raises(ModelError, match="there are: catnet"):
        formula_network_config("cat")


def test_small_networks_look_at_a_grid_of_a_sixteenth_of_the_unhalved_picture() -> None:
    for name, config in FORMULA_NETWORKS.items():
        halved = len(config.blocks) == 2
        assert config.stride * (2 if halved else 1) == 16, name
    small = FORMULA_NETWORKS["bttr-small"]
    assert isinstance(small, BttrConfig)
    assert isinstance(FORMULA_NETWORKS["catnet-small"], CatnetConfig)
    assert num_parameters(build_formula_network("bttr-small")) < 2_000_000


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("catnet-small", {"encoder": "mobilenet-v2", "encoder_width": 8}),
        ("catnet-small", {**TINY, "encoders": 2, "branches": 1}),
        ("catnet-small", {**TINY, "branches": 4}),
        ("bttr-small", {**TINY, "decoders": 2}),
    ],
)
def test_what_is_one_network_for_a_training_is_one_for_a_reading(
    name: str, options: dict[str, object]
) -> None:
    network = build_formula_network(name, 9, options).eval()
    images, sizes = torch.rand(1, 1, 32, 48), torch.tensor([[32, 48]])
    tokens = torch.tensor([[7, 1, 2]])
    with torch.no_grad():
        whole, alone = network(images, sizes, tokens), network.for_reading()(images, sizes, tokens)
    torch.testing.assert_close(alone.logits[0], whole.logits[0], atol=1e-4, rtol=1e-4)

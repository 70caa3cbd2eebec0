"""The bidirectional transformer: what it may see, both directions, and step by step as all at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from amanuensis.errors import ModelError
from amanuensis.models.bttr import Bttr, BttrConfig, following, right_to_left
from amanuensis.models.catnet import FormulaOutput
from amanuensis.models.transformer import ImageMemory, TokenState, image_positions, sinusoid

NUM_CLASSES = 11  # <eol>, eight symbols, <sos>, <pad>
END, START, PAD = 0, 9, 10
SMALL = BttrConfig(
    growth=4, blocks=(1, 1, 1), decoders=2, width=16, heads=2, layers=2, feed_forward=24, dropout=0.1
)
TOKENS = torch.tensor([[START, 3, 1, 4, 1], [START, 5, 2, PAD, PAD]])
SIZES = torch.tensor([[40, 70], [33, 50]])


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def network() -> Bttr:
    return Bttr(SMALL, NUM_CLASSES).eval()


def _images() -> Tensor:
    return torch.rand(2, 1, 40, 70)


def test_right_to_left_turns_captions_round_and_keeps_the_padding() -> None:
    expected = [[END, 1, 4, 1, 3], [END, 2, 5, PAD, PAD]]
    assert right_to_left(TOKENS, end=END, pad=PAD).tolist() == expected
    assert right_to_left(torch.tensor([[START]]), end=END, pad=PAD).tolist() == [[END]]


def test_each_step_predicts_the_next_token_and_the_last_one_the_end() -> None:
    assert following(TOKENS, last=END, pad=PAD).tolist() == [[3, 1, 4, 1, END], [5, 2, END, PAD, PAD]]
    backward = right_to_left(TOKENS, end=END, pad=PAD)
    assert following(backward, last=START, pad=PAD).tolist() == [[1, 4, 1, 3, START], [2, 5, START, PAD, PAD]]


def test_positions_are_distinct_bounded_and_those_of_the_picture_itself() -> None:
    words = sinusoid(torch.arange(200), 16)
    assert words.abs().max() <= 1
    assert torch.pdist(words).min() > 0.01
    alone = image_positions(torch.tensor([[3, 5]]), 3, 5, 16)
    padded = image_positions(torch.tensor([[3, 5], [7, 9]]), 7, 9, 16)
    assert torch.equal(padded[0, :3, :5], alone[0])
    assert torch.equal(alone[0, 0, :, :8], alone[0, 0, :1, :8].expand(5, -1))  # a row has one row part
    # Twice the size: the same place of the picture has the same position.
    assert torch.allclose(image_positions(torch.tensor([[6, 10]]), 6, 10, 16)[0, 1::2, 1::2], alone[0])


def test_the_output_has_two_branches_a_decoder(network: Bttr) -> None:
    output = network(_images(), SIZES, TOKENS)
    assert SMALL.reversed_branches == (False, True, False, True)
    assert [tuple(logits.shape) for logits in output.logits] == [(2, 5, NUM_CLASSES)] * 4
    assert [tuple(a.shape) for a in output.attention] == [(2, 5, 3, 5)] * 4
    assert output.mask.sum((1, 2)).tolist() == [15, 12]
    for attention in output.attention:
        assert torch.allclose(attention.sum((2, 3)), torch.ones(2, 5), atol=1e-5)
        assert attention[~output.mask[:, None].expand_as(attention)].abs().max() == 0
    assert len({logits.sum().item() for logits in output.logits}) == 4


def test_the_default_is_bttr_over_catnets_densenet() -> None:
    network = Bttr(BttrConfig(), 113)
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    assert parts == {"encoder": 2_979_384, "image": 175_872, "embedding": 28_928, "decoders": 3_187_825}
    assert sum(parts.values()) == 6_372_009
    dual = Bttr(BttrConfig(decoders=2), 113)
    assert sum(p.numel() for p in dual.parameters()) == 6_372_009 + 3_187_825


def test_a_step_sees_nothing_that_comes_after_it(network: Bttr) -> None:
    images = _images()
    output = network(images, SIZES, TOKENS)
    changed = TOKENS.clone()
    changed[0, 3] = 7  # from the left its third token, from the right its second
    other = network(images, SIZES, changed)
    for index, before in ((0, 3), (1, 2)):
        same = torch.isclose(output.logits[index][0], other.logits[index][0], atol=1e-6).all(1)
        assert same.tolist() == [True] * before + [False] * (5 - before)


@pytest.mark.parametrize("decoder", [0, 1])
@pytest.mark.parametrize("backward", [False, True])
def test_step_by_step_equals_teacher_forcing(network: Bttr, decoder: int, backward: bool) -> None:
    images = _images()
    output = network(images, SIZES, TOKENS)
    memory = network.encode(images, SIZES, decoder=decoder)
    state = network.begin(memory)
    inputs = right_to_left(TOKENS, end=END, pad=PAD) if backward else TOKENS
    branch = 2 * decoder + backward
    for step in range(TOKENS.shape[1]):
        logits, attention, state = network.step(inputs[:, step], state, memory, decoder=decoder)
        assert torch.allclose(logits, output.logits[branch][:, step], atol=1e-5)
        assert torch.allclose(attention, output.attention[branch][:, step], atol=1e-5)
    assert state.keys.shape == (2, 2, 2, 5, 8)


def test_hypotheses_share_one_picture_and_are_reordered_by_indexing(network: Bttr) -> None:
    memory = network.encode(_images()[:1], SIZES[:1])
    state = network.begin(memory)
    _, _, state = network.step(torch.tensor([START]), state, memory)
    beam = TokenState(*(part[torch.tensor([0, 0, 0])] for part in state))
    logits, _, beam = network.step(torch.tensor([3, 5, 7]), beam, memory)
    order = torch.tensor([2, 0])
    turned = TokenState(*(part[order] for part in beam))
    after, attention, _ = network.step(torch.tensor([1, 1]), turned, memory)
    expected, _, _ = network.step(torch.tensor([1, 1, 1]), beam, memory)
    assert attention.shape == (2, 3, 5)
    assert torch.allclose(after, expected[order], atol=1e-6)
    assert not torch.allclose(logits[0], logits[1])


def test_padding_and_batch_mates_never_change_a_reading(network: Bttr) -> None:
    images = _images()
    together = network(images, SIZES, TOKENS)
    alone = network(images[1:, :, :33, :50], SIZES[1:], TOKENS[1:, :3])
    for found, expected in zip(together.logits, alone.logits, strict=True):
        assert torch.allclose(found[1, :3], expected[0], atol=1e-4)
    for found, expected in zip(together.attention, alone.attention, strict=True):
        assert torch.allclose(found[1, :3, :3, :4], expected[0], atol=1e-4)


def _targets(tokens: Tensor) -> tuple[Tensor, Tensor]:
    forward = following(tokens, last=END, pad=PAD)
    return forward, following(right_to_left(tokens, end=END, pad=PAD), last=START, pad=PAD)


def _sum_of_log_probs(logits: Tensor, targets: list[int]) -> float:
    log_probs = logits.detach().log_softmax(1)
    return float(sum(log_probs[step, token] for step, token in enumerate(targets)))


def test_joint_rescoring_is_the_mean_of_both_directions(network: Bttr) -> None:
    images = _images()
    output = network(images, SIZES, TOKENS)
    forward, backward = _targets(TOKENS)
    expected = []
    for row, length in enumerate((5, 3)):
        left = _sum_of_log_probs(output.logits[2][row], forward[row, :length].tolist())
        right = _sum_of_log_probs(output.logits[3][row], backward[row, :length].tolist())
        expected.append((left + right) / 2)
    memory = network.encode(images, SIZES, decoder=1)
    found = network.joint_log_probs(memory, TOKENS, decoder=1)
    assert np.allclose(found.detach(), expected, atol=1e-4)
    first = ImageMemory(*(part[:1] for part in memory))
    several = network.joint_log_probs(first, TOKENS[[1, 0, 1]], decoder=1)
    assert several.shape == (3,)
    assert torch.allclose(several[1], found[0], atol=1e-4)


def test_the_network_that_reads_has_one_decoder_and_the_same_logits(network: Bttr) -> None:
    images = _images()
    whole, alone = network(images, SIZES, TOKENS), network.for_reading(1)(images, SIZES, TOKENS)
    assert len(alone.logits) == 2
    assert torch.equal(alone.logits[0], whole.logits[2])
    assert torch.equal(alone.logits[1], whole.logits[3])


def _loss(output: FormulaOutput) -> Tensor:
    forward, backward = _targets(TOKENS)
    losses = [
        nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=PAD)
        for logits, targets in zip(output.logits, (forward, backward) * 2, strict=True)
    ]
    return torch.stack(losses).sum()


@pytest.mark.parametrize("half", [False, True])
def test_every_parameter_learns(half: bool) -> None:
    network = Bttr(SMALL, NUM_CLASSES)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        output = network(_images(), SIZES, TOKENS)
    _loss(output).backward()
    still = [n for n, p in network.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-9]
    assert still == []
    assert all(p.grad.isfinite().all() for p in network.parameters())


def test_two_formulas_are_learned_in_both_directions() -> None:
    network = Bttr(BttrConfig(**{**_fields(SMALL), "dropout": 0.0, "encoder_dropout": 0.0}), NUM_CLASSES)
    images, optimizer = _images(), torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        loss = _loss(network(images, SIZES, TOKENS))
        loss.backward()
        optimizer.step()
    assert loss < 0.5  # four branches start at log 11 each
    network.eval()
    assert _greedy(network, images[:1], SIZES[:1], start=START, end=END) == [3, 1, 4, 1]
    assert _greedy(network, images[:1], SIZES[:1], start=END, end=START) == [1, 4, 1, 3]


def _fields(config: BttrConfig) -> dict[str, object]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


@torch.no_grad()
def _greedy(network: Bttr, image: Tensor, size: Tensor, *, start: int, end: int) -> list[int]:
    memory = network.encode(image, size)
    state, token, found = network.begin(memory), start, []
    while len(found) < 9:
        logits, _, state = network.step(torch.tensor([token]), state, memory)
        token = int(logits.argmax())
        if token == end:
            break
        found.append(token)
    return found


@pytest.mark.parametrize("encoder", ["mobilenet-v2", "resnet-18"])
def test_other_encoders_fit(encoder: str) -> None:
    config = BttrConfig(encoder=encoder, encoder_width=12, width=16, heads=2, layers=1, feed_forward=8)
    output = Bttr(config, NUM_CLASSES).eval()(_images(), SIZES, TOKENS)
    assert output.features[0].shape == (2, 12, 3, 5)
    assert output.logits[1].shape == (2, 5, NUM_CLASSES)


def test_impossible_shapes_are_refused_by_name() -> None:
    with pytest.raises(ModelError, match="multiple of 4"):
        BttrConfig(width=18)
    with pytest.raises(ModelError, match="heads, 7"):
        BttrConfig(heads=7)
    with pytest.raises(ModelError, match="BTTR-Dual"):
        BttrConfig(decoders=0)
    with pytest.raises(ModelError, match="resnet-34"):
        BttrConfig(encoder="resnet")

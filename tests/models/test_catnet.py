"""CATNet: the parameter counts of the specification, padding that changes nothing, steps that equal teacher forcing."""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from amanuensis.errors import ModelError
from amanuensis.models import num_parameters
from amanuensis.models.catnet import Catnet, CatnetConfig, EncoderGraph, StepGraph
from amanuensis.models.coverage import CoverageKernels, DecoderConfig
from amanuensis.models.densenet import DenseNet, DenseNetConfig, _dropout

K = 113
TINY = {
    "growth": 4,
    "blocks": (2, 2),
    "attention": 12,
    "embedding": 8,
    "hidden": 10,
    "kernels": (3, 5),
    "dropout": 0.0,
}
VARIANTS = [
    {},
    {"literal": True},
    {"cell": "lstm"},
    {"cell": "lstm", "literal": True, "shared_embedding": False},
    {"kernel_layer": True},
    {"nonlinear": True},
    {"nonlinear": True, "kernel_layer": True, "kernels": (5,)},
    {"encoder": "resnet-18", "encoder_width": 16, "branches": 1},
]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def tiny(**options) -> Catnet:
    network = Catnet(CatnetConfig(**{**TINY, **options}), num_classes=9)
    for module in network.modules():  # as if trained: otherwise every norm and bias is trivial
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.normal_(module.bias, std=0.3)
    for parameter in network.decoders.parameters():
        if parameter.dim() == 1:
            nn.init.normal_(parameter, std=0.3)
    return network.eval()


def batch_of(*sizes: tuple[int, int], steps: int = 4):
    """Pictures of these sizes, with rubbish beyond them."""
    sizes = torch.tensor(sizes)
    height, width = sizes.max(0).values.tolist()
    images = torch.rand(len(sizes), 1, height, width)
    return images, sizes, torch.randint(0, 9, (len(sizes), steps))


# Spec 3.1, K = 113.
PAPER = {}
G16 = {"growth": 16, "blocks": (8, 8, 8), "attention": 128}
G12 = {"growth": 12, "blocks": (8, 8, 8), "attention": 128}
SMALL = {"growth": 16, "blocks": (8, 12), "attention": 128}
MEDIUM = {"growth": 24, "blocks": (8, 16), "attention": 256}
ABM_LAYER = {"kernel_layer": True}


@pytest.mark.parametrize(
    ("options", "total", "reading"),
    [
        (PAPER, 7_336_220, 5_172_266),
        (ABM_LAYER, 8_386_844, 5_697_578),
        ({**ABM_LAYER, "kernels": (5, 11), "shared_embedding": False}, 8_432_156, 5_705_770),
        ({**ABM_LAYER, "kernels": (11,), "branches": 1}, 5_430_314, 5_430_314),
        ({"branches": 3}, 9_500_174, 5_172_266),
        ({"branches": 4}, 11_664_128, 5_172_266),
        (G16, 2_718_772, 1_602_882),
        (G12, 2_356_136, 1_321_910),
        (SMALL, 2_749_540, 1_577_330),
        (MEDIUM, 4_352_100, 2_739_058),
    ],
)
def test_the_parameter_counts_of_the_specification(options, total, reading) -> None:
    with torch.device("meta"):
        assert num_parameters(Catnet(CatnetConfig(**options), K)) == total
        assert num_parameters(Catnet(CatnetConfig(**{**options, "branches": 1}), K)) == reading


def test_the_parts_of_the_papers_network() -> None:
    with torch.device("meta"):
        network = Catnet(CatnetConfig(), K)
    assert num_parameters(network.encoders) == 2_979_384
    assert num_parameters(network.embeddings) == 28_928
    assert [num_parameters(decoder) for decoder in network.decoders] == [2_163_954] * 2
    assert network.encoders[0].width == 684
    assert network.stride == 16


@pytest.mark.parametrize(
    ("options", "count", "width", "stride"),
    [(G16, 458_064, 232, 16), (G12, 258_756, 174, 16), (SMALL, 376_192, 272, 8), (MEDIUM, 1_097_088, 504, 8)],
)
def test_smaller_encoders(options, count, width, stride) -> None:
    config = CatnetConfig(**options).densenet
    with torch.device("meta"):
        encoder = DenseNet(config)
    assert (num_parameters(encoder), encoder.width, encoder.stride) == (count, width, stride)


@pytest.mark.parametrize("stem_stride", [1, 2])
def test_every_side_keeps_its_partial_cell(stem_stride) -> None:
    encoder = DenseNet(DenseNetConfig(growth=2, blocks=(1, 1), stem_stride=stem_stride)).eval()
    sides = torch.arange(1, 41)
    sizes = torch.stack([sides, sides.flip(0)], dim=1)
    features, cells = encoder(torch.rand(40, 1, 40, 40), sizes)
    assert torch.equal(cells, (sizes + encoder.stride - 1) // encoder.stride)
    assert list(features.shape) == [40, encoder.width, 40 // encoder.stride, 40 // encoder.stride]


@pytest.mark.parametrize("options", VARIANTS)
def test_a_reading_does_not_depend_on_the_batch(options) -> None:
    network = tiny(**options)
    images, sizes, tokens = batch_of((33, 70), (17, 23), (48, 31), (1, 1))
    together = network(images, sizes, tokens)
    for index, (height, width) in enumerate(sizes.tolist()):
        one = slice(index, index + 1)
        alone = network(images[one, :, :height, :width], sizes[one], tokens[one])
        rows, columns = alone.features[0].shape[2:]
        assert together.mask[index].sum() == rows * columns
        for of_batch, of_one in zip(together.features, alone.features, strict=True):
            torch.testing.assert_close(of_batch[one, :, :rows, :columns], of_one, atol=1e-4, rtol=1e-4)
            assert not of_batch[index, :, ~together.mask[index]].any()
        for of_batch, of_one in zip(together.logits, alone.logits, strict=True):
            torch.testing.assert_close(of_batch[one], of_one, atol=1e-4, rtol=1e-4)
        for of_batch, of_one in zip(together.attention, alone.attention, strict=True):
            torch.testing.assert_close(of_batch[one, :, :rows, :columns], of_one, atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(of_batch[index].sum((1, 2)), torch.ones(4))


def test_maps_without_padding_equal_lists_of_cells() -> None:
    encoder = tiny().encoders[0]
    images, sizes, _ = batch_of((21, 45), (21, 45))
    features, cells = encoder(images)
    expected, expected_cells = encoder(images, sizes)
    torch.testing.assert_close(features, expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(cells, expected_cells)


def test_statistics_while_training_leave_padding_out() -> None:
    plain, padded = (tiny().encoders[0].train() for _ in range(2))
    padded.load_state_dict(plain.state_dict())
    images, sizes, _ = batch_of((19, 34), (19, 34))
    expected, _ = plain(images, sizes)
    found, _ = padded(F.pad(images, (0, 13, 0, 40), value=1.0), sizes)
    torch.testing.assert_close(found[:, :, : expected.shape[2], : expected.shape[3]], expected)
    expected.square().sum().backward()
    found.square().sum().backward()
    pairs = zip(plain.named_parameters(), padded.named_parameters(), strict=True)
    for (_, one), (name, other) in pairs:
        torch.testing.assert_close(other.grad, one.grad, atol=1e-3, rtol=1e-3, msg=name)
    for name, buffer in plain.named_buffers():
        torch.testing.assert_close(padded.get_buffer(name), buffer, msg=name)


def test_a_batch_of_one_cell_can_be_trained_on() -> None:
    network = tiny().train()
    output = network(*batch_of((1, 1)))
    sum(logits.sum() for logits in output.logits).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("options", VARIANTS)
def test_steps_equal_teacher_forcing(options) -> None:
    network = tiny(**options)
    images, sizes, tokens = batch_of((33, 70), (17, 23))
    output = network(images, sizes, tokens)
    memory = network.encode(images, sizes)
    for index in range(network.config.branches):
        branch = network.branch(index)
        projected, state = branch.project(memory), branch.begin(memory)
        for t in range(tokens.shape[1]):
            torch.testing.assert_close(state[-1], output.attention[index][:, :t].sum(1))  # beta_t, C3
            step = branch.step(tokens[:, t], state, projected)
            torch.testing.assert_close(step.logits, output.logits[index][:, t], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(step.attention, output.attention[index][:, t])
            state = step.state


def test_hypotheses_share_one_picture() -> None:
    network = tiny(cell="lstm")
    images, sizes, tokens = batch_of((33, 70), steps=5)
    memory, branch = network.encode(images, sizes), network.branch(1)
    one, state = branch.begin(memory), tuple(x.expand(5, *x.shape[1:]) for x in branch.begin(memory))
    together = branch.step(tokens[0], state, memory)
    for index in range(5):
        alone = branch.step(tokens[:, index], one, memory)
        torch.testing.assert_close(together.logits[index], alone.logits[0])
        torch.testing.assert_close(together.state[-1][index], alone.state[-1][0])


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_recurrence_is_torchs(cell) -> None:
    recurrence = tiny(cell=cell).branch().decoder.recurrence
    x, hidden, inner = torch.randn(3, 8), torch.randn(3, 10), torch.randn(3, 10)
    state = (hidden, inner) if cell == "lstm" else (hidden,)
    expected = recurrence.cell(x, state if cell == "lstm" else hidden)
    found = recurrence(recurrence.project(x), state)
    torch.testing.assert_close(found if cell == "lstm" else found[0], expected)


@pytest.mark.parametrize("kernel_layer", [False, True])
@pytest.mark.parametrize("nonlinear", [False, True])
def test_coverage_equals_a_convolution_per_kernel(kernel_layer, nonlinear) -> None:
    config = DecoderConfig(attention=6, kernels=(3, 11), kernel_layer=kernel_layer, nonlinear=nonlinear)
    kernels, coverage = CoverageKernels(config), torch.rand(2, 4, 7)
    expected = torch.zeros(2, 28, 6)
    for index, kernel in enumerate(kernels.kernels):
        part = F.conv2d(coverage[:, None], kernel, padding=kernel.shape[-1] // 2).flatten(2).transpose(1, 2)
        part = F.relu(part) if nonlinear else part
        expected += kernels.layers[index](part) if kernel_layer else part
    torch.testing.assert_close(kernels(coverage, kernels.fuse()), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "options", [*VARIANTS, {"encoders": 2, "branches": 1}, {"branches": 3, "kernel_layer": True}]
)
def test_one_branch_with_one_kernel_reads_the_same(options) -> None:
    network = tiny(**options)
    images, sizes, tokens = batch_of((33, 70), (17, 23))
    expected = network(images, sizes, tokens)
    for index in range(network.config.branches):
        reading = network.for_reading(index)
        assert len(reading.decoders) == len(reading.encoders) == len(reading.embeddings) == 1
        assert (
            network.config.nonlinear
            or len(list(reading.branch().decoder.attention.coverage.parameters())) == 1
        )
        found = reading(images, sizes, tokens)
        torch.testing.assert_close(found.logits[0], expected.logits[index], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(found.attention[0], expected.attention[index], atol=1e-4, rtol=1e-4)
        again = Catnet(reading.config, 9).eval()  # what a model folder would restore
        again.load_state_dict(reading.state_dict())
        torch.testing.assert_close(again(images, sizes, tokens).logits[0], found.logits[0])


def test_a_reading_network_costs_a_training_run_no_randomness() -> None:
    network, before = tiny(), torch.get_rng_state()
    network.for_reading()
    assert torch.equal(torch.get_rng_state(), before)


def test_two_encoders_run_one_decoder() -> None:
    network = tiny(encoders=2, branches=1)
    output = network(*batch_of((20, 30), (9, 40)))
    assert len(output.logits) == len(output.attention) == len(output.features) == 2
    assert not torch.allclose(output.logits[0], output.logits[1])
    assert len(network.decoders) == 1


@pytest.mark.parametrize("options", [*VARIANTS, {"encoders": 2, "branches": 1}])
def test_every_weight_learns(options) -> None:
    network = tiny(**options).train()
    images, sizes, tokens = batch_of((40, 70), (17, 50))
    output = network(images, sizes, torch.cat([tokens, tokens.flip(1)], dim=1))
    sum(F.cross_entropy(logits.flatten(0, 1), torch.arange(16) % 9) for logits in output.logits).backward()
    for name, parameter in network.named_parameters():
        if not name.endswith("energy.bias"):  # a softmax does not see it
            assert parameter.grad.abs().max() > 0, name


def test_branches_start_from_different_places() -> None:
    network = Catnet(CatnetConfig(**{**TINY, "branches": 4}), 9)
    queries = [decoder.attention.query.weight for decoder in network.decoders]
    hidden, attention = 10, 12
    kaiming, xavier = (6 / hidden) ** 0.5, (6 / (hidden + attention)) ** 0.5
    for query, bound in zip(queries, [kaiming, xavier] * 2, strict=True):
        assert 0.8 * bound < query.abs().max() <= bound
    assert not torch.equal(queries[0], queries[2])
    gates = network.decoders[1].recurrence.cell.weight_hh.chunk(3)
    assert all(0.8 < gate.abs().max() / (6 / 20) ** 0.5 <= 1 for gate in gates)


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    x = torch.ones(401, 1003)
    y = _dropout(x, 0.2, training=True)
    assert abs((y == 0).float().mean() - 0.2) < 0.003
    assert abs(y.mean() - 1) < 0.003
    assert len(y.unique()) == 2
    assert (y[:, 1:] * y[:, :-1] == 0).float().mean() == pytest.approx(1 - 0.8**2, abs=0.004)
    assert torch.equal(_dropout(x, 0.2, training=False), x)
    assert torch.equal(_dropout(x, 0.0, training=True), x)


def test_bfloat16_stays_close_and_its_states_stay_float32() -> None:
    network = tiny(dropout=0.1)
    images, sizes, tokens = batch_of((40, 70), (17, 50))
    expected = network(images, sizes, tokens)
    with torch.autocast("cpu", torch.bfloat16):
        found = network(images, sizes, tokens)
        state = network.branch().begin(network.encode(images, sizes))
        trained = network.train()(images, sizes, tokens)
    assert found.attention[0].dtype == found.logits[0].dtype == torch.float32
    assert {part.dtype for part in state} == {torch.float32}
    for one, other in zip(found.logits, expected.logits, strict=True):
        torch.testing.assert_close(one, other, atol=0.15, rtol=0.05)
    sum(logits.square().sum() for logits in trained.logits).backward()
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in network.parameters())


def test_a_small_network_learns_two_pictures_by_heart() -> None:
    network = Catnet(CatnetConfig(**TINY), 9).train()
    images, sizes, targets = torch.zeros(2, 1, 24, 40), torch.tensor([[24, 40], [20, 30]]), torch.tensor
    images[0, 0, 4:20, 5:8] = images[0, 0, 10:13, 12:30] = images[1, 0, 8:12, 5:25] = 1
    inputs, targets = targets([[7, 1, 2], [7, 3, 1]]), targets([[1, 2, 0], [3, 1, 0]])
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(60):
        optimizer.zero_grad()
        output = network(images, sizes, inputs)
        loss = sum(F.cross_entropy(logits.flatten(0, 1), targets.flatten()) for logits in output.logits)
        loss.backward()
        optimizer.step()
    for logits in network.eval()(images, sizes, inputs).logits:
        assert torch.equal(logits.argmax(2), targets)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"encoder": "vgg"}, ["encoder", "vgg", "densenet"]),
        ({"cell": "rnn"}, ["cell", "rnn", "lstm"]),
        ({"kernels": (3, 4)}, ["kernels", "4", "odd"]),
        ({"kernels": ()}, ["kernels"]),
        ({"blocks": ()}, ["blocks"]),
        ({"embedding": 7}, ["embedding", "7"]),
        ({"branches": 0}, ["branches"]),
        ({"encoders": 2}, ["encoders", "one branch"]),
        ({"initializations": ("zero",), "stem_stride": 4}, ["initializations", "zero", "stem_stride", "4"]),
    ],
)
def test_impossible_networks_are_named(options, named) -> None:
    with pytest.raises(ModelError) as error:
        CatnetConfig(**options)
    assert all(word in str(error.value) for word in named)


def exported(graph: nn.Module, inputs: tuple, names: tuple[list[str], list[str]], free: dict):
    """An ONNX session of a graph module."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            inputs,
            file,
            input_names=names[0],
            output_names=names[1],
            dynamic_axes={name: free[name] for name in (*names[0], *names[1]) if name in free},
            opset_version=17,
            dynamo=False,
        )
    return onnxruntime.InferenceSession(file.getvalue())


@pytest.mark.parametrize("options", [{}, {"cell": "lstm", "nonlinear": True}, VARIANTS[-1]])
def test_exported_graphs_equal_the_network_at_any_size(options) -> None:
    network = tiny(**options)
    encoder, step = EncoderGraph(network), StepGraph(network)
    state = ["hidden", *(["cell"] if network.config.cell == "lstm" else []), "coverage"]
    new = [f"new_{name}" for name in state]
    grid = {0: "n", 1: "rows", 2: "columns"}
    free = {"image": {2: "height", 3: "width"}, "memory": {1: "cells"}, "projected": {1: "cells"}}
    num = {0: "n"}
    free |= dict.fromkeys(["tokens", "logits", *state, *new], num)
    free |= dict.fromkeys(["attention", "coverage", "new_coverage"], grid)
    image = torch.rand(1, 1, 40, 56)
    with torch.no_grad():
        memory, projected, *first = encoder(image)
    pair = [part.repeat(2, *[1] * (part.dim() - 1)) for part in first]
    names = (["image"], ["memory", "projected", *state])
    encoder_session = exported(encoder, (image,), names, free)
    names = (["tokens", "memory", "projected", *state], ["logits", "attention", *new])
    step_session = exported(step, (torch.tensor([1, 2]), memory, projected, *pair), names, free)

    for height, width, num in ((9, 71, 1), (64, 33, 3)):
        image = torch.rand(1, 1, height, width)
        with torch.no_grad():
            memory, projected, *first = encoder(image)
            found = encoder_session.run(None, {"image": image.numpy()})
            for one, other in zip(found, (memory, projected, *first), strict=True):
                np.testing.assert_allclose(one, other.numpy(), atol=1e-4)
            now = [part.repeat(num, *[1] * (part.dim() - 1)) for part in first]
            sizes = torch.tensor([[height, width]])
            branch, direct = network.branch(), network.encode(image, sizes)
            for tokens in torch.randint(0, 9, (3, num)):
                given = [tokens, memory, projected, *now]
                feed = {name: part.numpy() for name, part in zip(names[0], given, strict=True)}
                expected = branch.step(tokens, tuple(now), direct)
                results = step_session.run(None, feed)
                flat = (expected.logits, expected.attention, *expected.state)
                for one, other in zip(results, flat, strict=True):
                    np.testing.assert_allclose(one, other.numpy(), atol=1e-4)
                now = list(expected.state)

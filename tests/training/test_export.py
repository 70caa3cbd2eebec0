"""The exported graph is the network: any batch, any width, with and without attention."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from amanuensis.data import read_dataset
from amanuensis.errors import DataError, ModelError
from amanuensis.images import IMAGE_SPECS
from amanuensis.language import NGramModel, Vocab
from amanuensis.models import NETWORKS, HtrJand, build_network, num_parameters
from amanuensis.recognition import (
    Architecture,
    Decoder,
    OnnxRuntime,
    Recognizer,
    TextConfig,
    read_config,
)
from amanuensis.training.export import compare, export_model, onnx_graph, write_model_folder

pytestmark = pytest.mark.graphs

SMALL = {"channels": [4, 6, 8], "hidden": 8}


def _model(name: str = "htr-jand-student-cpu", **options: object) -> tuple[TextConfig, HtrJand]:
    torch.manual_seed(0)
    vocab = Vocab(sorted(set("minauoe ")))
    network = build_network(name, vocab.num_classes, {**SMALL, **options})
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    config = TextConfig(
        name="small",
        architecture=Architecture(name, {**SMALL, **options}),
        vocabulary=vocab,
        image=IMAGE_SPECS["cpu" if name.endswith("-cpu") else "paper"],
        stride=network.stride,
        parameters=num_parameters(network),
    )
    return config, network.eval()


@pytest.mark.parametrize("name", list(NETWORKS))
def test_the_graph_equals_the_network_at_every_batch_and_width(name: str) -> None:
    _, network = _model(name)
    session = onnxruntime.InferenceSession(onnx_graph(network))
    assert [o.name for o in session.get_outputs()] == ["logits", "lengths"]
    for widths in ([47], [160, 33, 8], [301, 300]):
        images = torch.randn(len(widths), 1, network.config.height, max(widths))
        expected = network(images, torch.tensor(widths))
        logits, lengths = session.run(None, {"image": images.numpy(), "widths": np.array(widths)})
        assert lengths.tolist() == expected.lengths.tolist()
        for row, length in enumerate(lengths):
            difference = np.abs(logits[row, :length] - expected.logits[row, :length].detach().numpy())
            assert difference.max() < 1e-4


def test_attention_weights_are_an_optional_output() -> None:
    _, network = _model()
    session = onnxruntime.InferenceSession(onnx_graph(network, with_attention=True))
    images, widths = torch.randn(2, 1, 64, 80), torch.tensor([80, 41])
    logits, _, attention = session.run(None, {"image": images.numpy(), "widths": widths.numpy()})
    assert attention.shape == (2, 2, logits.shape[1], logits.shape[1])  # one head of each attention
    assert np.allclose(attention, network(images, widths).attention.detach().numpy(), atol=1e-5)
    _, bare = _model(multi_head=False, proxima=False)
    with pytest.raises(ModelError, match="no attention"):
        onnx_graph(bare, with_attention=True)


def test_export_leaves_the_network_as_it_was() -> None:
    _, network = _model()
    network.train()
    onnx_graph(network)
    assert network.training


def test_an_exported_model_reads_as_the_network_does_and_keeps_its_report(
    tmp_path: Path, lines: Path
) -> None:
    config, network = _model()
    write_model_folder(tmp_path / "trained", config, network)
    samples = read_dataset(lines).samples
    report = export_model(tmp_path / "trained", tmp_path / "exported", samples=samples, reports=[_REPORT])
    assert report is not None
    assert (report.lines, report.same_text) == (10, 10)
    assert report.largest_difference < 1e-3
    assert report.cer_network == report.cer_graph
    exported = read_config(tmp_path / "exported")
    assert exported.scores["parity"]["lines"] == 10
    card = (tmp_path / "exported" / "README.md").read_text()
    assert "| all | 4 | 0.1250 | 0.100 to 0.200 |" in card
    assert len(Recognizer.load(tmp_path / "exported").read([samples[0].image])) == 1


_SCORES = {"n": 4, "cer": 0.125, "wer": 0.5, "ser": 1.0, "cer_interval": [0.1, 0.2]}
_REPORT = {"split": "test", **_SCORES, "sets": {"a": {**_SCORES, "cer_interval": None}}, "seconds": 3.0}


def test_what_is_no_report_is_not_kept_as_one(tmp_path: Path) -> None:
    config, network = _model()
    write_model_folder(tmp_path / "m", config, network)
    with pytest.raises(DataError, match="wer"):
        export_model(tmp_path / "m", tmp_path / "out", reports=[{"n": 4, "cer": 0.1}])


def test_a_graph_of_other_weights_is_found_out(tmp_path: Path, lines: Path) -> None:
    config, network = _model()
    write_model_folder(tmp_path / "m", config, network)
    _, other = _model(dropout=0.0)
    with torch.no_grad():
        other.head.weight.mul_(1.5)
    report = compare(config, other, OnnxRuntime(tmp_path / "m"), read_dataset(lines).samples)
    assert report.largest_difference > 1e-3


def test_weights_that_do_not_fit_the_configuration_are_named(tmp_path: Path) -> None:
    config, network = _model()
    wrong = replace(config, architecture=Architecture(config.architecture.name, {**SMALL, "hidden": 12}))
    write_model_folder(tmp_path / "m", wrong, network)
    with pytest.raises(ModelError, match="do not fit"):
        export_model(tmp_path / "m", tmp_path / "out")
    with pytest.raises(ModelError, match="nowhere"):
        export_model(tmp_path / "nowhere", tmp_path / "out")


def test_language_models_of_the_source_go_along(tmp_path: Path) -> None:
    config, network = _model()
    tuned = Decoder("prefix-beam", language_model="lm-fra.bin", language_weight=0.2)
    outside = replace(tuned, language_model="../lm-lat.bin")
    config = replace(config, languages=("fra", "lat"), language_decoders={"fra": tuned, "lat": outside})
    write_model_folder(tmp_path / "m", config, network)
    language = NGramModel.train(["ma mina une"] * 9, 3, unit="characters")
    language.save(tmp_path / "m" / "lm-fra.bin")
    language.save(tmp_path / "lm-lat.bin")
    export_model(tmp_path / "m", tmp_path / "deep" / "exported")
    assert Recognizer.load(tmp_path / "deep" / "exported", language="fra").config.decoder == tuned
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["exported"]

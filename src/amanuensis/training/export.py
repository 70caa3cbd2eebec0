"""From a trained network to the model folder that people read with: ONNX graph, card, parity with the network."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from amanuensis.errors import DataError, ModelError
from amanuensis.images import load_image, prepare
from amanuensis.metrics import LinePair, score_lines
from amanuensis.models import FormulaNetwork, HtrJand
from amanuensis.models.htr_jand import example_input
from amanuensis.recognition import (
    CARD_FILE,
    GRAPH_FILE,
    WEIGHTS_FILE,
    MathConfig,
    OnnxFormulaRuntime,
    OnnxRuntime,
    Runtime,
    TextConfig,
    logits_of_lines,
    write_model,
)
from amanuensis.recognition.formula_language import LANGUAGE_MODEL_FILE
from amanuensis.recognition.language import language_model_files
from amanuensis.records import Sample
from amanuensis.training.card import model_card
from amanuensis.training.export_formula import FormulaParity, compare_formulas, formula_graphs, released
from amanuensis.training.weights import encoded_weights, load_network

OPSET = 17
LARGEST_DIFFERENCE = 1e-3  # of logits, between the trained network and the exported graph


class TorchRuntime:
    """A `recognition.Runtime` over the network itself, for validation sets and for parity."""

    def __init__(self, config: TextConfig, network: HtrJand, *, batch_size: int = 16) -> None:
        self.config = config
        self._network = network.train(False)
        self._batch_size = batch_size

    def logits(self, images: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Images (H, W_i) to logits (T_i, V), each as if it were read alone."""
        return logits_of_lines(
            images,
            self._forward,
            spec=self.config.image,
            stride=self.config.stride,
            batch_size=self._batch_size,
        )

    @torch.inference_mode()
    def _forward(
        self, images: NDArray[np.float32], widths: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        output = self._network(torch.from_numpy(images), torch.from_numpy(widths))
        return output.logits.numpy(), output.lengths.numpy()


@dataclass(frozen=True, slots=True)
class ParityReport:
    """How the exported graph compares with the trained network.

    Attributes:
        lines: compared.
        same_text: of them read alike, greedily.
        largest_difference: of any logit.
        cer_network, cer_graph: on those lines.
    """

    lines: int
    same_text: int
    largest_difference: float
    cer_network: float
    cer_graph: float

    @property
    def holds(self) -> bool:
        """Whether the graph may stand for the network."""
        return self.same_text == self.lines and self.largest_difference <= LARGEST_DIFFERENCE

    def told(self) -> str:
        """For people."""
        return (
            f"{self.same_text} of {self.lines} lines read alike; CER {self.cer_network:.4f} before, "
            f"{self.cer_graph:.4f} after; largest difference of a logit {self.largest_difference:.1e}"
        )


def export_model(
    source: Path,
    target: Path,
    *,
    with_attention: bool = False,
    all_branches: bool = False,
    samples: Sequence[Sample] = (),
    reports: Sequence[Mapping[str, Any]] = (),
) -> ParityReport | FormulaParity | None:
    """Write a model folder to read with from a run or a model folder.

    Args:
        source: a run's folder (its best model is taken) or a model folder.
        target: the folder to write.
        with_attention: let the graph return the attention weights too.
        all_branches: of formulas: let every branch read, not the first alone.
        samples: lines to compare network and graph on.
        reports: what `evaluate --json` printed, to keep in the model's config and card by their splits.

    Raises:
        ModelError: the source is no model, or the graph does not equal the network.
    """
    folder = source / "best" if (source / "best").is_dir() else source
    config, network = load_network(folder)
    config = replace(config, scores={**config.scores, **dict(map(scores_of_report, reports))})
    language_models = _language_models(folder, config)
    report = None
    if samples:
        # In a scratch folder, so that a graph that differs never replaces one that reads.
        with tempfile.TemporaryDirectory() as scratch:
            trial = Path(scratch) / "model"
            write_model_folder(
                trial,
                config,
                network,
                with_attention=with_attention,
                all_branches=all_branches,
                language_models=language_models,
            )
            report = _parity(config, network, trial, samples)
        if not report.holds:
            raise ModelError(f"{source}: the exported graph does not equal the network: {report}")
        config = replace(config, scores={**config.scores, "parity": asdict(report)})
    write_model_folder(
        target,
        config,
        network,
        with_attention=with_attention,
        all_branches=all_branches,
        language_models=language_models,
    )
    return report


def _language_models(folder: Path, config: TextConfig | MathConfig) -> dict[str, Path]:
    """What reads along with a model, as far as its folder holds it and it does not come with the package."""
    names = language_model_files(config) if isinstance(config, TextConfig) else {LANGUAGE_MODEL_FILE}
    return {name: folder / name for name in sorted(names) if (folder / name).is_file()}


def _parity(
    config: TextConfig | MathConfig, network: nn.Module, exported: Path, samples: Sequence[Sample]
) -> ParityReport | FormulaParity:
    if isinstance(config, MathConfig):
        assert isinstance(network, FormulaNetwork)
        return compare_formulas(config, network, OnnxFormulaRuntime(exported), samples)
    assert isinstance(network, HtrJand)
    return compare(config, network, OnnxRuntime(exported), samples)


_SCORES = ("n", "cer", "wer", "ser", "cer_interval")
_FORMULA_SCORES = ("n", "exprate", "exprate_1", "exprate_2", "exprate_tree", "wer", "exprate_interval")


def scores_of_report(report: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The split of a report and the numbers of it that a model keeps.

    Raises:
        DataError: it is not what `evaluate --json` prints.
    """
    try:
        keys = _FORMULA_SCORES if "exprate" in report else _SCORES
        scores = {key: report[key] for key in keys}
        sets = {name: {key: of_set[key] for key in keys} for name, of_set in report["sets"].items()}
        # CROHME's tests are sets of their own: "test2014" is the test split of crohme-2014.
        year = (
            re.search(r"-(\d{4})$", next(iter(sets))) if keys is _FORMULA_SCORES and len(sets) == 1 else None
        )
        if told := report.get("calibration"):
            scores["ece"] = {level: of_level["ece"] for level, of_level in told.items()}
        if keys is _FORMULA_SCORES:
            scores["beam"] = report["decoder"]["beam"]
        return f"{report['split']}{year[1] if year else ''}", {**scores, "sets": sets}
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"not a report of evaluate --json: {error!r} is missing") from error


def write_model_folder(
    folder: Path,
    config: TextConfig | MathConfig,
    network: nn.Module,
    *,
    with_attention: bool = False,
    all_branches: bool = False,
    language_models: Mapping[str, Path] | None = None,
) -> None:
    """A complete model folder: config, weights to train on from, graph (or graphs) to read with, card.

    `with_attention` is of lines, `all_branches` of formulas: else the first branch alone can read. `language_models`
    are files to take along, by name.
    """
    network = released(network)
    files: dict[str, bytes | Path] = {
        **(language_models or {}),
        WEIGHTS_FILE: encoded_weights(network),
        CARD_FILE: model_card(config).encode(),
    }
    if isinstance(network, HtrJand):
        files[GRAPH_FILE] = onnx_graph(network, with_attention=with_attention)
    else:
        assert isinstance(network, FormulaNetwork)
        files |= formula_graphs(network, all_branches=all_branches)
    write_model(folder, config, files)


class _Graph(nn.Module):
    """What of the network goes into the graph: no auxiliary head, attention only if asked for."""

    def __init__(self, network: HtrJand, *, with_attention: bool) -> None:
        super().__init__()
        self.network = network
        self.with_attention = with_attention

    def forward(self, image: Tensor, widths: Tensor) -> tuple[Tensor, ...]:
        output = self.network(image, widths)
        return output[:2] if not self.with_attention else (output.logits, output.lengths, output.attention)


def onnx_graph(network: HtrJand, *, with_attention: bool = False) -> bytes:
    """The network as an ONNX graph with free batch size and width.

    Inputs `image` (B, 1, H, W) float32 and `widths` (B,) int64; outputs `logits` (B, T, V), `lengths` (B,) and,
    if asked for, `attention` (B, heads, T, T). This is the TorchScript exporter: the newer one unrolls LSTMs.
    """
    if with_attention and network.attention is None:
        raise ModelError("the network has no attention whose weights the graph could return")
    training = network.training
    device = next(network.parameters()).device
    outputs = ["logits", "lengths", *(["attention"] if with_attention else [])]
    axes = {"image": {0: "batch", 3: "width"}, "widths": {0: "batch"}, "lengths": {0: "batch"}}
    axes |= {"logits": {0: "batch", 1: "frames"}, "attention": {0: "batch", 2: "frames", 3: "frames"}}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: shapes that it sees as constants are constants here
        path = Path(scratch) / GRAPH_FILE
        torch.onnx.export(
            _Graph(network.cpu().train(False), with_attention=with_attention),
            example_input(network.config),
            str(path),
            input_names=["image", "widths"],
            output_names=outputs,
            dynamic_axes={name: axes[name] for name in ["image", "widths", *outputs]},
            opset_version=OPSET,
            dynamo=False,
        )
        network.to(device).train(training)
        return path.read_bytes()


def compare(config: TextConfig, network: HtrJand, graph: Runtime, samples: Sequence[Sample]) -> ParityReport:
    """Read lines with network and graph and compare logits and strings."""
    largest = 0.0
    texts: tuple[list[str], list[str]] = ([], [])
    direct = TorchRuntime(config, network)
    for start in range(0, len(samples), 64):
        images = [prepare(load_image(s.image), config.image) for s in samples[start : start + 64]]
        for one, other in zip(direct.logits(images), graph.logits(images), strict=True):
            largest = max(largest, float(np.abs(one - other).max(initial=0.0)))
            for logits, found in zip((one, other), texts, strict=True):
                found.append(config.vocabulary.decode(config.decoder(logits).tokens))
    cers = [
        score_lines(
            [LinePair(s.text, text) for s, text in zip(samples, found, strict=True)],
            normalization=config.normalization,
        ).cer
        for found in texts
    ]
    same = sum(a == b for a, b in zip(*texts, strict=True))
    return ParityReport(len(samples), same, largest, cers[0], cers[1])

"""A reader of formulas that recites: whatever the picture, its branches put out the probabilities that a test gives.

The encoder only counts that it ran; a step's logits are a row of a table, chosen by how many tokens were written. So
a reading is known beforehand, and what an ensemble or a language model changes of it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from amanuensis.images.formula import FormulaSpec
from amanuensis.latex import TokenVocab
from amanuensis.recognition import Architecture, MathConfig, write_model
from amanuensis.recognition.formula_decoder import FormulaDecoder
from amanuensis.recognition.formula_runtime import decoder_file

VOCAB = TokenVocab(["+", "x", "y", "^", "{", "}"])
STRIDE = 4
CELLS = 8  # of the attention's single row; token i is looked at in cell i

Script = Sequence[Mapping[str, float]]
"""For each token the probabilities of what may stand there; "" is the end. After the last row comes the end."""


def write_tiny_formula_model(
    folder: Path,
    *scripts: Script,
    name: str = "tiny-math",
    vocab: TokenVocab = VOCAB,
    decoder: FormulaDecoder | None = None,
) -> Path:
    """A model folder with a branch for each script."""
    config = MathConfig(
        name=name,
        architecture=Architecture("none"),
        vocabulary=vocab,
        image=FormulaSpec(),
        stride=STRIDE,
        parameters=1,
        decoder=decoder or FormulaDecoder(),
    )
    graphs = {decoder_file(i): step_graph(script, vocab, i) for i, script in enumerate(scripts, start=1)}
    return write_model(
        folder, config, {"encoder.onnx": encoder_graph(len(scripts)), "README.md": b"# tiny\n", **graphs}
    )


def says(*tokens: str, sure: float = 0.9, instead: Mapping[str, str] | None = None) -> list[dict[str, float]]:
    """A script that writes tokens; `instead` are second choices, which get all the rest."""
    return [{token: sure, (instead or {}).get(token, ""): 1 - sure} for token in tokens]


def encoder_graph(branches: int) -> bytes:
    """`image` to `memory.zero`, and for every branch a state that counts from 0."""
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["memory.zero"]),
    ]
    outputs = [helper.make_tensor_value_info("memory.zero", TensorProto.FLOAT, [1, 1])]
    for branch in range(1, branches + 1):
        nodes.append(helper.make_node("Cast", ["memory.zero"], [f"state.{branch}"], to=TensorProto.INT64))
        outputs.append(helper.make_tensor_value_info(f"state.{branch}", TensorProto.INT64, [1, 1]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, "rows", "columns"])
    return _model(nodes, [image], outputs, {"nothing": np.zeros(1, np.float32)})


def step_graph(script: Script, vocab: TokenVocab, branch: int) -> bytes:
    """A row of the script's table for every hypothesis."""
    table = np.stack([_logits(row, vocab) for row in (*script, {"": 1.0})])
    nodes = [
        helper.make_node("Min", [f"state.{branch}", "last"], ["row"]),
        helper.make_node("Squeeze", ["row", "one"], ["rows"]),
        helper.make_node("Gather", ["table", "rows"], ["said"], axis=0),
        helper.make_node("Add", ["said", "memory.zero"], ["logits"]),
        helper.make_node("Gather", ["looks", "rows"], ["attention"], axis=0),
        helper.make_node("Add", [f"state.{branch}", "one"], [f"next.{branch}"]),
    ]
    info = helper.make_tensor_value_info
    inputs = [
        info("token", TensorProto.INT64, ["n"]),
        info(f"state.{branch}", TensorProto.INT64, ["n", 1]),
        info("memory.zero", TensorProto.FLOAT, [1, 1]),
    ]
    outputs = [
        info("logits", TensorProto.FLOAT, ["n", vocab.num_classes]),
        info("attention", TensorProto.FLOAT, ["n", 1, CELLS]),
        info(f"next.{branch}", TensorProto.INT64, ["n", 1]),
    ]
    looks = np.eye(CELLS, dtype=np.float32)[np.minimum(np.arange(len(table)), CELLS - 1)][:, None]
    constants = {
        "table": table,
        "looks": looks,
        "last": np.array([len(table) - 1]),
        "one": np.array([1]),
    }
    return _model(nodes, inputs, outputs, constants)


def _logits(row: Mapping[str, float], vocab: TokenVocab) -> NDArray[np.float32]:
    probs = np.full(vocab.num_classes, 1e-9)
    for token, prob in row.items():
        probs[vocab.end if token == "" else vocab.encode([token])[0]] += prob
    return np.log(probs).astype(np.float32)


def _model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: Mapping[str, NDArray[np.generic]],
) -> bytes:
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "tiny", inputs, outputs, tensors),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model)
    return model.SerializeToString()

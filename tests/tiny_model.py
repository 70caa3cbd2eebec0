"""A model so small that its reading is known: a column with ink in row band k says symbol k.

Its graph is a mean over 4 x 4 pixels and nothing else, so that it sees one frame at a time.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from amanuensis.images import ImageSpec
from amanuensis.language import Vocab
from amanuensis.recognition import Architecture, TextConfig, TrainingData, write_model

HEIGHT = 16
STRIDE = 4
SYMBOL = 8  # pixels of a symbol, and of the gap after it
VOCAB = Vocab(["a", "b", "é", " "])

CONFIG = TextConfig(
    name="tiny",
    description="Reads bars.",
    architecture=Architecture("none"),
    vocabulary=VOCAB,
    image=ImageSpec(height=HEIGHT, contrast="minmax", window=160, overlap=32),
    stride=STRIDE,
    parameters=1,
    languages=("eng",),
    data=(TrainingData("bars", "CC0-1.0"),),
    licence="CC0-1.0",
    scores={"test": {"cer": 0.0}},
    recipe="none",
    versions={"amanuensis": "0"},
)


def draw(text: str, *, scale: int = 1) -> NDArray[np.uint8]:
    """A picture of bars that the tiny model reads as `text`: (16 scale, 16 len(text) scale)."""
    image = np.full((HEIGHT, max(1, 2 * SYMBOL * len(text))), 255, np.uint8)
    for i, symbol in enumerate(text):
        band, left = VOCAB.symbols.index(symbol) * STRIDE, 2 * SYMBOL * i
        image[band : band + STRIDE, left : left + SYMBOL] = 0
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


def graph(gain: float = 20.0) -> bytes:
    """The serialized graph; a higher `gain` is surer of itself."""
    constants = {
        "gain": np.array(-gain, np.float32),
        "zero": np.array(0, np.float32),
        "stride": np.array(STRIDE, np.int64),
        "symbols": np.array([2], np.int64),
        "rows": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("AveragePool", ["image"], ["mean"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Squeeze", ["mean", "rows"], ["bands"]),
        helper.make_node("Mul", ["bands", "gain"], ["ink"]),
        helper.make_node("Transpose", ["ink"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("ReduceSum", ["frames", "symbols"], ["sums"], keepdims=1),
        helper.make_node("Mul", ["sums", "zero"], ["blank"]),
        helper.make_node("Concat", ["blank", "frames"], ["logits"], axis=2),
        helper.make_node("Div", ["widths", "stride"], ["lengths"]),
    ]
    inputs = [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, HEIGHT, "width"]),
        helper.make_tensor_value_info("widths", TensorProto.INT64, ["batch"]),
    ]
    outputs = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "frames", len(VOCAB) + 1]),
        helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"]),
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "tiny", inputs, outputs, tensors),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model)
    return model.SerializeToString()


def write_tiny_model(folder: Path, *, gain: float = 20.0, name: str = "tiny") -> Path:
    """The model folder of it."""
    return write_model(
        folder, replace(CONFIG, name=name), {"model.onnx": graph(gain), "README.md": b"# tiny\n"}
    )

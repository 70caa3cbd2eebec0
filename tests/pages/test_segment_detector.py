from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_pages import DrawnPage, overlap

from amanuensis.pages import line_finder
from amanuensis.pages.segment_detector import Detector, detector_file

onnx = pytest.importorskip("onnx", reason="needs onnx to make a toy network")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of which the map is how dark each pixel is."""
    helper = onnx.helper
    nodes = [
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=1),
        helper.make_node("Neg", ["mean"], ["dark"]),
        helper.make_node("Relu", ["dark"], ["map"]),
    ]
    axes = onnx.numpy_helper.from_array(np.array([1], np.int64), "axes")
    shape = [1, 3, "height", "width"]
    made = helper.make_graph(
        nodes,
        "darkness",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("map", onnx.TensorProto.FLOAT, [1, 1, "height", "width"])],
        [axes],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path = tmp_path_factory.mktemp("toy") / "darkness.onnx"
    onnx.save(model, str(path))
    return path


def test_the_map_has_the_size_of_the_page_whatever_the_network_needs(graph: Path) -> None:
    detector = Detector(graph)
    for shape in ((10, 10), (33, 500), (161, 97)):
        shown = detector.map(np.full(shape, 255, np.uint8))
        assert shown.shape == shape
        assert shown.max() == 0


def test_pieces_lie_where_the_map_is_high_and_faint_ones_are_not_taken(graph: Path) -> None:
    page = np.full((320, 640), 255, np.uint8)
    page[100:112, 64:320] = 0
    page[200:212, 64:320] = 100  # the map is 0.22 here
    [piece] = Detector(graph).pieces(page)
    assert (piece.start, piece.stop) == (pytest.approx(64, abs=2), pytest.approx(320, abs=2))
    assert piece.row == pytest.approx(106, abs=1)


@pytest.mark.skipif(detector_file() is None, reason="the extra pages is not installed")
def test_the_installed_detector_finds_drawn_lines() -> None:
    drawn = DrawnPage()
    drawn.column(120, 760, range(150, 900, 90))
    found = line_finder("detector").find(drawn.grey)
    fitting = [sum(overlap(line.polygon, one.box) >= 0.5 for line in found.lines) for one in drawn.lines]
    assert fitting == [1] * len(drawn.lines)

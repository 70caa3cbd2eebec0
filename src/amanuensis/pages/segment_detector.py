"""Lines found by a network: the text detector that the wheel `rapidocr` carries, run on ONNX Runtime.

The detector (PP-OCR's, after "Real-time Scene Text Detection with Differentiable Binarization", Liao et al., 2020)
was learned from print, signs and some handwriting; it marks the shrunk core of every line. Only its graph is taken
from the wheel: nothing of the package is imported, so neither OpenCV nor libGL is needed. Boxes are not taken but
curves, column by column, and everything after the map is ours.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from amanuensis.errors import MissingExtraError
from amanuensis.pages.segment_cores import Core, cores_of
from amanuensis.pages.segment_ink import Grey

_MULTIPLE = 32  # the network halves its map five times
_LEVEL = 0.3  # of the map: what may be text
_CERTAIN = 0.3  # the mean of the map over a piece, below which it is none


def detector_file() -> Path | None:
    """Where the graph of the detector lies; None where the extra `pages` is not installed."""
    spec = find_spec("rapidocr")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "models"
    return next(iter(sorted(folder.glob("*det*.onnx"))), None)


class Detector:
    """The network: a grey page in, cores of pieces of lines out.

    Args:
        graph: an ONNX file that takes (1, 3, H, W) and gives a map (1, 1, H, W) in [0, 1]; by default the wheel's.
        threads: CPU threads it may use.

    Raises:
        MissingExtraError: no file is given, and none is installed.
    """

    def __init__(self, graph: Path | None = None, *, threads: int = 1) -> None:
        graph = graph or detector_file()
        if graph is None:
            raise MissingExtraError("finding lines with the text detector", "pages")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        # Pages differ in shape: kept buffers of every shape would only grow.
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def pieces(self, grey: Grey) -> list[Core]:
        """The cores of pieces of lines, in pixels of `grey` (H, W)."""
        shown = self.map(grey)
        cores = cores_of(shown > _LEVEL)
        return [core for core in cores if _mean_inside(shown, core) >= _CERTAIN]

    def map(self, grey: Grey) -> NDArray[np.float32]:
        """(H, W) in [0, 1]: where the cores of text are."""
        height, width = grey.shape
        fitting = (_fitting(width), _fitting(height))
        image = np.asarray(Image.fromarray(grey).resize(fitting, Image.Resampling.BILINEAR), np.float32)
        planes = np.broadcast_to(image / np.float32(127.5) - 1, (1, 3, *image.shape))
        [shown] = self._session.run(None, {self._input: np.ascontiguousarray(planes)})
        resized = Image.fromarray(np.asarray(shown[0, 0], np.float32)).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        return np.asarray(resized)


def _fitting(side: int) -> int:
    return max(_MULTIPLE, round(side / _MULTIPLE) * _MULTIPLE)


def _mean_inside(shown: NDArray[np.float32], core: Core) -> float:
    first, last = int(core.top.min()), int(core.bottom.max())
    rows = np.arange(first, last)[:, None]
    inside = (rows >= core.top) & (rows < core.bottom)
    return float(shown[first:last, core.start : core.stop][inside].mean())

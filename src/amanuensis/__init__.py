"""amanuensis reads handwriting: lines into text, offline, on a laptop CPU.

    from amanuensis import Recognizer

    recognizer = Recognizer.load()
    for reading in recognizer.read(["line-1.png", "line-2.png"]):
        print(reading.text, reading.confidence)

What stands in `__all__` is the public interface; it is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from amanuensis.data import read_dataset
    from amanuensis.errors import AmanuensisError, DataError, ImageError, ModelError
    from amanuensis.images import ImageSpec, load_image
    from amanuensis.language import TextNormalization, Vocab
    from amanuensis.recognition import Recognizer, shipped_models
    from amanuensis.records import Reading, Sample, Span

__version__ = "0.1.0.dev0"

_HOMES = {
    "AmanuensisError": "errors",
    "DataError": "errors",
    "ImageError": "errors",
    "ImageSpec": "images",
    "ModelError": "errors",
    "Reading": "records",
    "Recognizer": "recognition",
    "Sample": "records",
    "Span": "records",
    "TextNormalization": "language",
    "Vocab": "language",
    "load_image": "images",
    "read_dataset": "data",
    "shipped_models": "recognition",
}

__all__ = [
    "AmanuensisError",
    "DataError",
    "ImageError",
    "ImageSpec",
    "ModelError",
    "Reading",
    "Recognizer",
    "Sample",
    "Span",
    "TextNormalization",
    "Vocab",
    "__version__",
    "load_image",
    "read_dataset",
    "shipped_models",
]


def __getattr__(name: str) -> Any:
    """Load a public name from where it lives, once."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

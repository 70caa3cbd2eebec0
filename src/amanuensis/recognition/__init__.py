"""Models to read with: their folders, the runtime, and `Recognizer`."""

from amanuensis.recognition.batching import Forward, logits_of_lines
from amanuensis.recognition.catalog import DEFAULT_MODEL, find_model, shipped_models
from amanuensis.recognition.config import Architecture, ModelConfig, TrainingData
from amanuensis.recognition.decoder import Decoder
from amanuensis.recognition.folder import (
    CARD_FILE,
    CONFIG_FILE,
    GRAPH_FILE,
    WEIGHTS_FILE,
    is_model_folder,
    read_config,
    write_atomically,
    write_config,
    write_model,
)
from amanuensis.recognition.recognizer import Recognizer
from amanuensis.recognition.runtime import OnnxRuntime, Runtime

__all__ = [
    "CARD_FILE",
    "CONFIG_FILE",
    "DEFAULT_MODEL",
    "GRAPH_FILE",
    "WEIGHTS_FILE",
    "Architecture",
    "Decoder",
    "Forward",
    "ModelConfig",
    "OnnxRuntime",
    "Recognizer",
    "Runtime",
    "TrainingData",
    "find_model",
    "is_model_folder",
    "logits_of_lines",
    "read_config",
    "shipped_models",
    "write_atomically",
    "write_config",
    "write_model",
]

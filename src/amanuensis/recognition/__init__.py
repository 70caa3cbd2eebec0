"""Models to read with: their folders, the runtime, and `Recognizer`."""

from amanuensis.recognition.batching import Forward, logits_of_lines
from amanuensis.recognition.calibration import Calibration
from amanuensis.recognition.catalog import DEFAULT_FORMULA_MODEL, DEFAULT_MODEL, find_model, shipped_models
from amanuensis.recognition.config import Architecture, MathConfig, ModelConfig, TextConfig, TrainingData
from amanuensis.recognition.decoder import Decoder
from amanuensis.recognition.folder import (
    CARD_FILE,
    CONFIG_FILE,
    DECODER_FILE,
    ENCODER_FILE,
    GRAPH_FILE,
    WEIGHTS_FILE,
    is_model_folder,
    read_config,
    read_math_config,
    read_text_config,
    write_atomically,
    write_config,
    write_model,
)
from amanuensis.recognition.formula_decoder import FormulaDecoder
from amanuensis.recognition.formula_recognizer import INK_SUFFIXES, FormulaRecognizer, load_formula
from amanuensis.recognition.formula_runtime import FormulaRuntime, OnnxFormulaRuntime
from amanuensis.recognition.gaps import GAP, GapMarkingReader, with_gaps
from amanuensis.recognition.language import LineOptions, shipped_language_models, tuned_search
from amanuensis.recognition.line_ensemble import LineEnsemble, Member
from amanuensis.recognition.loading import AskedModel, load_recognizer, reads_formulas
from amanuensis.recognition.reading import described_reading, raw_reading
from amanuensis.recognition.recognizer import Recognizer
from amanuensis.recognition.runtime import OnnxRuntime, Runtime

__all__ = [
    "CARD_FILE",
    "CONFIG_FILE",
    "DECODER_FILE",
    "DEFAULT_FORMULA_MODEL",
    "DEFAULT_MODEL",
    "ENCODER_FILE",
    "GAP",
    "GRAPH_FILE",
    "INK_SUFFIXES",
    "WEIGHTS_FILE",
    "Architecture",
    "AskedModel",
    "Calibration",
    "Decoder",
    "FormulaDecoder",
    "FormulaRecognizer",
    "FormulaRuntime",
    "Forward",
    "GapMarkingReader",
    "LineEnsemble",
    "LineOptions",
    "MathConfig",
    "Member",
    "ModelConfig",
    "OnnxFormulaRuntime",
    "OnnxRuntime",
    "Recognizer",
    "Runtime",
    "TextConfig",
    "TrainingData",
    "described_reading",
    "find_model",
    "is_model_folder",
    "load_formula",
    "load_recognizer",
    "logits_of_lines",
    "raw_reading",
    "read_config",
    "read_math_config",
    "read_text_config",
    "reads_formulas",
    "shipped_language_models",
    "shipped_models",
    "tuned_search",
    "with_gaps",
    "write_atomically",
    "write_config",
    "write_model",
]

"""Search over the outputs of networks, in NumPy: of lines (CTC) and, token by token, of formulas (attention)."""

from amanuensis.decoding.attention import SearchSettings, search
from amanuensis.decoding.beam import Hypothesis, StringScorer, prefix_beam, score_string
from amanuensis.decoding.ctc import Path, best_path, log_softmax, min_frames
from amanuensis.decoding.ensemble import Ensemble
from amanuensis.decoding.lattice import string_log_probabilities, viterbi_align
from amanuensis.decoding.steps import StepDecoder, TokenScorer

__all__ = [
    "Ensemble",
    "Hypothesis",
    "Path",
    "SearchSettings",
    "StepDecoder",
    "StringScorer",
    "TokenScorer",
    "best_path",
    "log_softmax",
    "min_frames",
    "prefix_beam",
    "score_string",
    "search",
    "string_log_probabilities",
    "viterbi_align",
]

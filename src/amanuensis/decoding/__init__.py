"""Search over the outputs of networks, in NumPy."""

from amanuensis.decoding.beam import Hypothesis, prefix_beam
from amanuensis.decoding.ctc import Path, best_path, log_softmax, min_frames
from amanuensis.decoding.lattice import string_log_probabilities, viterbi_align

__all__ = [
    "Hypothesis",
    "Path",
    "best_path",
    "log_softmax",
    "min_frames",
    "prefix_beam",
    "string_log_probabilities",
    "viterbi_align",
]

"""Search over the outputs of networks, in NumPy."""

from amanuensis.decoding.ctc import Path, best_path, log_softmax, min_frames

__all__ = ["Path", "best_path", "log_softmax", "min_frames"]

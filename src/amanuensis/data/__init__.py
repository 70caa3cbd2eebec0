"""Data sets: readers of every layout, splits, statistics, checks and packs."""

from amanuensis.data.dataset import SPLITS, Dataset, Problem, fingerprint, normalize_split
from amanuensis.data.layouts import LAYOUTS, read_dataset, read_datasets

__all__ = [
    "LAYOUTS",
    "SPLITS",
    "Dataset",
    "Problem",
    "fingerprint",
    "normalize_split",
    "read_dataset",
    "read_datasets",
]

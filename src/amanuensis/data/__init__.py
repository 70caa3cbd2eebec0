"""Data sets: readers of every layout, splits, statistics, checks and packs."""

from amanuensis.data.check import check_dataset, check_datasets
from amanuensis.data.dataset import SPLITS, Dataset, Problem, fingerprint, normalize_split, train_samples
from amanuensis.data.layouts import LAYOUTS, detect_layout, read_dataset, read_datasets
from amanuensis.data.pack import PackCounts, pack
from amanuensis.data.statistics import COMBINED, SetStatistics, statistics
from amanuensis.data.synthetic import SyntheticLines

__all__ = [
    "COMBINED",
    "LAYOUTS",
    "SPLITS",
    "Dataset",
    "PackCounts",
    "Problem",
    "SetStatistics",
    "SyntheticLines",
    "check_dataset",
    "check_datasets",
    "detect_layout",
    "fingerprint",
    "normalize_split",
    "pack",
    "read_dataset",
    "read_datasets",
    "statistics",
    "train_samples",
]

"""Milliseconds a formula: from a prepared file to LaTeX, greedy, on one core; and from a photo.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/formula_speed.py $AMANUENSIS_DATA/math/crohme photo.jpg

Every picture is read once to warm up and once timed; loading, preparation and search are included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from reference import gflops

from amanuensis.data import read_datasets
from amanuensis.recognition import FormulaRecognizer


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("photos", type=Path, nargs="*")
    parser.add_argument("--split", default="test2014")
    parser.add_argument("--model", default="math")
    parser.add_argument("--beam", type=int, default=1)
    arguments = parser.parse_args()
    recognizer = FormulaRecognizer.load(arguments.model, beam=arguments.beam)
    samples = [s for dataset in read_datasets([arguments.data]) for s in dataset.split(arguments.split)]
    for sample in samples[:20]:
        recognizer.read(sample.image)
    times = [milliseconds(recognizer, sample.image) for sample in samples]
    for photo in arguments.photos:
        recognizer.read(photo)
    told = {
        "model": recognizer.config.name,
        "split": arguments.split,
        "n": len(times),
        "beam": arguments.beam,
        "median_ms": round(statistics.median(times), 2),
        "p95_ms": round(statistics.quantiles(times, n=20)[-1], 2),
        "photos_ms": {str(p.name): round(milliseconds(recognizer, p), 1) for p in arguments.photos},
        "reference_gflops": round(gflops(), 1),
    }
    print(json.dumps(told))


def milliseconds(recognizer: FormulaRecognizer, image: Any) -> float:
    began = time.perf_counter()
    recognizer.read(image)
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()

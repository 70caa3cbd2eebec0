"""Lines a second of reading with a model: images loaded from disk, prepared, run and decoded.

OMP_NUM_THREADS=1 python benchmarks/reading_speed.py $AMANUENSIS_DATA/open/*/ --threads 1
"""

from __future__ import annotations

import argparse
import json
import time

from reference import gflops

from amanuensis import Recognizer
from amanuensis.data import read_datasets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+")
    parser.add_argument("-m", "--model", default="text-small")
    parser.add_argument("--split", default="test")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=int, default=400)
    arguments = parser.parse_args()
    samples = [s for dataset in read_datasets(arguments.data) for s in dataset.split(arguments.split)]
    step = max(1, len(samples) // arguments.limit)
    images = [sample.image for sample in samples[::step]]
    recognizer = Recognizer.load(arguments.model, threads=arguments.threads)
    recognizer.read(images[:8])
    rates = []
    for _ in range(3):
        began = time.perf_counter()
        recognizer.read(images)
        rates.append(len(images) / (time.perf_counter() - began))
    print(
        json.dumps(
            {
                "model": recognizer.config.name,
                "lines": len(images),
                "threads": arguments.threads,
                "lines_per_second": [round(rate, 1) for rate in rates],
                "reference_gflops": round(gflops(), 1),
            }
        )
    )


if __name__ == "__main__":
    main()

"""CPU milliseconds a line of the search alone: greedy, and with the language model that a model is tuned for.

    OMP_NUM_THREADS=1 python benchmarks/language_speed.py fra $AMANUENSIS_DATA/open/copiste-fr-21c

The network reads every line first; what is timed is logits to text, in CPU seconds of one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from reference import gflops

from amanuensis.data import read_datasets
from amanuensis.images import load_image, prepare
from amanuensis.recognition import Recognizer
from amanuensis.recognition.language import scorer_of


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("language")
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", default="text-small")
    parser.add_argument("--limit", type=int, default=200)
    arguments = parser.parse_args()
    recognizer = Recognizer.load(arguments.model, language=arguments.language)
    samples = [s for dataset in read_datasets(arguments.data) for s in dataset.split(arguments.split)]
    samples = samples[:: max(1, len(samples) // arguments.limit)]
    images = [prepare(load_image(sample.image), recognizer.config.image) for sample in samples]
    lines = recognizer.runtime.logits(images)
    assert recognizer.language is not None
    decoder = recognizer.config.decoder
    scorer = scorer_of(decoder, recognizer.language, recognizer.config.vocabulary)
    searches = {
        "greedy": decoder.searching("best-path"),
        "language": lambda logits: decoder(logits, scorer),
    }
    told = {name: _milliseconds(search, lines) for name, search in searches.items()}
    print(
        json.dumps({"lines": len(lines), "decoder": decoder.to_dict(), **told, "gflops": gflops()}, indent=2)
    )


def _milliseconds(search, lines: list[np.ndarray]) -> dict[str, float]:
    times = []
    for logits in lines:
        began = time.process_time()
        search(logits)
        times.append(1000 * (time.process_time() - began))
    return {"mean": float(np.mean(times)), "95 %": float(np.quantile(times, 0.95)), "largest": max(times)}


if __name__ == "__main__":
    main()

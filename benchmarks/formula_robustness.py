"""How formulas survive a phone: ExpRate on clean ink and under each of the twenty degradations.

    python benchmarks/formula_robustness.py $AMANUENSIS_DATA/math/crohme --limit 100

The same formulas of the 2014 test set each time, spread evenly over it; `degradations` says what is done to them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from photo_degradations import degradations

from amanuensis.data import read_datasets
from amanuensis.errors import AmanuensisError
from amanuensis.images import load_image
from amanuensis.metrics import FormulaPair, score_formulas
from amanuensis.randomness import generator_for
from amanuensis.recognition import FormulaRecognizer
from amanuensis.records import Sample


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", default="test2014")
    parser.add_argument("--model", default="math")
    parser.add_argument("--limit", type=int, default=100)
    arguments = parser.parse_args()
    recognizer = FormulaRecognizer.load(arguments.model)
    found = [s for dataset in read_datasets([arguments.data]) for s in dataset.split(arguments.split)]
    samples = [found[i * len(found) // arguments.limit] for i in range(min(arguments.limit, len(found)))]
    told: dict[str, Any] = {"model": recognizer.config.name, "n": len(samples)}
    told["clean"] = _scores(recognizer, samples, load_image)
    for name, degrade in degradations().items():

        def photo(image: Any, name: str = name, degrade: Any = degrade) -> Any:
            return degrade(load_image(image), generator_for("photo", name, image.name))

        told[name] = _scores(recognizer, samples, photo)
        print(json.dumps({name: told[name]}), flush=True)
    print(json.dumps(told))


def _scores(
    recognizer: FormulaRecognizer, samples: Sequence[Sample], picture: Callable[[Any], Any]
) -> dict[str, Any]:
    pairs, seconds, failed = [], [], 0
    for sample in samples:
        image = picture(sample.image)
        began = time.perf_counter()
        try:
            read = recognizer.read(image)[0].tokens
        except AmanuensisError:
            read, failed = (), failed + 1
        seconds.append(time.perf_counter() - began)
        pairs.append(FormulaPair(tuple(sample.text.split()), read))
    scores = score_formulas(pairs)
    return {
        "right": scores.exprate.k,
        "exprate": scores.exprate.ratio,
        "wer": round(scores.wer, 4),
        "failed": failed,
        "median_ms": round(1000 * statistics.median(seconds), 1),
    }


if __name__ == "__main__":
    main()

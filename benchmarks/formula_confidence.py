"""Does the confidence tell formulas from what is none? AUROC against lines of text, blots and blank paper.

    python benchmarks/formula_confidence.py $AMANUENSIS_DATA/math/crohme $AMANUENSIS_DATA/open/*/

Formulas are the 2014 test set; lines of text are test lines of other data sets, as many as formulas. Blots and blank
paper are drawn, 200 of each. A picture that is refused has a confidence of 0: nobody is told a formula.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amanuensis.data import read_datasets
from amanuensis.errors import AmanuensisError
from amanuensis.randomness import generator_for
from amanuensis.recognition import FormulaRecognizer

DRAWN = 200


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("formulas", type=Path)
    parser.add_argument("lines", type=Path, nargs="+")
    parser.add_argument("--split", default="test2014")
    parser.add_argument("--model", default="math")
    arguments = parser.parse_args()
    recognizer = FormulaRecognizer.load(arguments.model)
    formulas = [
        s.image for dataset in read_datasets([arguments.formulas]) for s in dataset.split(arguments.split)
    ]
    lines = [s.image for dataset in read_datasets(arguments.lines) for s in dataset.split("test")]
    step = max(1, len(lines) // len(formulas))
    others = {
        "lines of text": lines[::step],
        "blots": [blots(i) for i in range(DRAWN)],
        "blank paper": [blank(i) for i in range(DRAWN)],
    }
    sure = confidences(recognizer, formulas)
    unsure = {name: confidences(recognizer, images) for name, images in others.items()}
    told = {
        "model": recognizer.config.name,
        "formulas": {"n": len(sure), "median_confidence": round(float(np.median(sure)), 4)},
        **{
            name: {
                "n": len(found),
                "median_confidence": round(float(np.median(found)), 4),
                "auroc": round(auroc(sure, found), 4),
            }
            for name, found in unsure.items()
        },
        "auroc_all": round(auroc(sure, np.concatenate(list(unsure.values()))), 4),
    }
    print(json.dumps(told))


def confidences(recognizer: FormulaRecognizer, images: Iterable[Any]) -> NDArray[np.float64]:
    results = recognizer.read_each(images)
    return np.array([0.0 if isinstance(r, AmanuensisError) else r.confidence for r in results])


def auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """How often a formula is surer than something else; ties count half."""
    ranks = np.searchsorted(np.sort(negative), positive, "left") + np.searchsorted(
        np.sort(negative), positive, "right"
    )
    return float(ranks.mean() / (2 * len(negative)))


def blank(index: int) -> NDArray[np.uint8]:
    """Paper with nothing on it: a tint, a gradient of light, grain."""
    rng = generator_for("blank", index)
    height, width = rng.integers(60, 400), rng.integers(120, 900)
    light = np.linspace(0, rng.uniform(-40, 40), width)[None, :] + rng.uniform(180, 250)
    grain = rng.normal(0, rng.uniform(0.5, 6), (height, width))
    return (light + grain).clip(0, 255).astype(np.uint8)


def blots(index: int) -> NDArray[np.uint8]:
    """A few dark round spots on such paper."""
    rng = generator_for("blots", index)
    paper = blank(index).astype(np.float64)
    y, x = np.mgrid[: paper.shape[0], : paper.shape[1]]
    for _ in range(rng.integers(1, 6)):
        center = rng.uniform(0, paper.shape[0]), rng.uniform(0, paper.shape[1])
        radius = rng.uniform(4, 40)
        waves = 1 + 0.25 * np.sin(rng.integers(3, 9) * np.arctan2(y - center[0], x - center[1]))
        inside = np.hypot(y - center[0], x - center[1]) < radius * waves
        paper[inside] = rng.uniform(10, 90)
    return paper.clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()

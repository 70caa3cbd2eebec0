"""What correctors learn from: pairs of lines that the reading model had not learned, and injected mistakes.

A fitted model reads its own training lines too well, so the mistakes in them are not those that it makes in new ones.
Each part of the train pages is therefore read by a model that learned from the other parts only (cross-fitting, spec
2.34). Test splits are out of reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from amanuensis.correction.pairs import Pair, Split
from amanuensis.correction.patterns import ErrorPattern, error_patterns
from amanuensis.errors import DataError, RecipeError
from amanuensis.randomness import generator_for
from amanuensis.recognition import Recognizer
from amanuensis.records import Reading, Sample
from amanuensis.training.build import RunOptions, train
from amanuensis.training.recipe import DataSection, load_recipe
from amanuensis.training.run import RUN_FILE
from amanuensis.training.sources import is_held_out, read_sources


@dataclass(frozen=True, slots=True)
class CrossFit:
    """How pairs are made.

    Attributes:
        recipe: a text recipe's name or file; each fold trains half as many epochs, unless `overrides` say otherwise.
        folds: parts of the train pages.
        runs: where the folds' runs lie; a run that is there goes on where it was.
        overrides: changes of the recipe.
        model: whose readings are to be corrected: it reads the val lines. By default the first fold's.
    """

    recipe: str
    folds: int
    runs: Path
    overrides: tuple[str, ...] = ()
    model: str | None = None


def cross_fit(plan: CrossFit, *, options: RunOptions) -> Iterator[Pair]:
    """Train a model for every fold, and read with each the lines that it did not learn; then the val lines.

    Args:
        plan: what to train, and where to.
        options: device, threads, quiet; `out` and `resume` are the plan's.

    Raises:
        RecipeError: the recipe is not of lines.
        DataError: a fold is empty.
    """
    recipe = load_recipe(plan.recipe, plan.overrides)
    if recipe.task != "text":
        raise RecipeError(f"{plan.recipe}: pairs are made of lines; this recipe trains a reader of formulas")
    sources = read_sources(recipe.data, recipe.seed)
    epochs = f"training.epochs={max(1, recipe.training.epochs // 2)}"
    best: list[Path] = []
    for fold in range(plan.folds):
        section = recipe.data.model_copy(update={"folds": plan.folds, "held_out": fold})
        held_out = _held_out(sources.train, section, recipe.seed)
        run = plan.runs / f"fold-{fold + 1}"
        changes = [epochs, *plan.overrides, f"data.folds={plan.folds}", f"data.held_out={fold}"]
        resumed = replace(options, out=run, resume=(run / RUN_FILE).exists())
        best.append(train(plan.recipe, overrides=changes, options=resumed))
        yield from read_as_pairs(Recognizer.load(best[-1]), held_out, "train")
    yield from read_as_pairs(Recognizer.load(plan.model or best[0]), sources.val, "val")


def read_as_pairs(recognizer: Recognizer, samples: Sequence[Sample], split: Split) -> Iterator[Pair]:
    """What a recognizer reads in samples; lines that cannot be read, or in which nothing is read, are left out."""
    results = recognizer.read_each(sample.image for sample in samples)
    for sample, reading in zip(samples, results, strict=True):
        if not isinstance(reading, Reading) or not reading.text:
            continue
        yield Pair(
            id=sample.key,
            group=sample.dataset,
            page=f"{sample.dataset}/{sample.page or sample.id}",
            split=split,
            written=recognizer.config.normalization(sample.text),
            read=reading.text,
            confidences=tuple(span.confidence for span in reading.spans),
        )


class PairSource:
    """The pairs of an epoch: those that were read, and for a share of them their clean text misread anew.

    What is drawn depends on (seed, epoch, id) alone.
    """

    def __init__(self, pairs: Sequence[Pair], *, injected: float, seed: int) -> None:
        """Take train pairs.

        Args:
            pairs: those of split "train" are learned from; mistakes are counted in them, by group.
            injected: the share of lines whose mistakes are drawn anew, in [0, 1].
            seed: of the draws.

        Raises:
            DataError: no pair is of the train split.
        """
        self.train = [pair for pair in pairs if pair.split == "train"]
        if not self.train:
            raise DataError("no train pairs to learn from")
        self._patterns = error_patterns(self.train)
        self._injected = injected
        self._seed = seed

    def epoch(self, number: int) -> list[Pair]:
        """All train pairs in an order of this epoch."""
        order = generator_for(self._seed, "order", number).permutation(len(self.train))
        return [self._drawn(self.train[place], number) for place in order]

    def _drawn(self, pair: Pair, epoch: int) -> Pair:
        rng = generator_for(self._seed, epoch, pair.id)
        if rng.random() >= self._injected:
            return pair
        return misread_anew(pair, self._patterns[pair.group], rng)


def misread_anew(pair: Pair, pattern: ErrorPattern, rng: np.random.Generator) -> Pair:
    """The pair with mistakes drawn by a pattern; as it was, if nothing were left of the line."""
    read, confidences = pattern.misread(pair.written, rng)
    return replace(pair, read=read, confidences=confidences) if read else pair


def _held_out(samples: Sequence[Sample], section: DataSection, seed: int) -> list[Sample]:
    held = [sample for sample in samples if is_held_out(sample, section, seed)]
    if not held:
        raise DataError(
            f"fold {section.held_out + 1} of {section.folds} holds no line: there are too few train pages"
        )
    return held

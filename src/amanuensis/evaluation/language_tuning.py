"""How much a language model should weigh in reading lines, and what it may change: tried on validation lines.

Our addition. A language model is judged by the characters that it mends and by the right words that it makes wrong
(harm). What is kept is the smallest CER among those of which the lines show that they harm no more than they may: not
the rate that was seen keeps within the limit, but its upper bound, as a rate chosen at a limit falls over it elsewhere.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from amanuensis.errors import DataError, ModelError
from amanuensis.evaluation.evaluate import Progress, evaluate
from amanuensis.metrics import HarmCounts, LinePair, TextScores, count_harm, score_lines
from amanuensis.recognition import Decoder, Recognizer, Runtime
from amanuensis.records import Sample

MAX_HARM = 0.01
"""Right words made wrong over right words: what a language model may do where nobody asked for it."""

MARGIN_PER_WEIGHT = 10.0
"""What a changed word must gain, for each weight, where strong weights are to be harmless."""

WEIGHTS = (
    *((weight, 0.0) for weight in (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)),
    *((weight, MARGIN_PER_WEIGHT) for weight in (0.1, 0.15, 0.2, 0.3, 0.4, 0.5)),
)
"""Weights, each with a margin per weight: small ones that change what they like, strong ones that must show a gain."""

BONUS_PER_WEIGHT = 2.0
"""Natural logarithms: about what a character costs by a language model of characters, on average."""

OTHER_BONUSES = (0.0, 1.0, 3.0, 5.0)
OTHER_MARGINS = (2.5, 5.0, 7.5, 12.5)
"""Per weight: tried with the best weight alone."""


@dataclass(frozen=True, slots=True)
class LanguageTrial:
    """What a weight, a bonus and a margin did.

    Attributes:
        weight, bonus, margin: of the search; all 0 is the model's own decoder, without a language model.
        scores: of the lines; one that failed counts as read empty.
        harm: against what is read without a language model.
        seconds: CPU time for all lines, loading them too, the network not.
    """

    weight: float
    bonus: float
    margin: float
    scores: TextScores
    harm: HarmCounts
    seconds: float

    @property
    def milliseconds(self) -> float:
        """Per line."""
        return 1000 * self.seconds / self.scores.n


class RememberingRuntime:
    """A network that reads every line once: what it said is kept, as tuning asks again and again."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._known: dict[bytes, NDArray[np.float32]] = {}

    def logits(self, images: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """See `Runtime.logits`."""
        keys = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]
        new = {key: image for key, image in zip(keys, images, strict=True) if key not in self._known}
        if new:
            self._known.update(zip(new, self._runtime.logits(list(new.values())), strict=True))
        return [self._known[key] for key in keys]


def try_language(
    recognizer: Recognizer,
    samples: Sequence[Sample],
    *,
    max_harm: float = MAX_HARM,
    progress: Progress | None = None,
) -> Iterator[LanguageTrial]:
    """Read the lines without the language model, with each of `WEIGHTS`, and the best of those otherwise.

    First with other bonuses, then the best of all with other margins.

    Args:
        recognizer: with a language model; its weight does not matter.
        samples: validation lines.
        max_harm: the limit that the weight is chosen for whose bonuses are tried.
        progress: called with (lines read, lines to read in all) now and then.

    Raises:
        DataError: there is no line, or one of a test set.
        ModelError: the recognizer has no language model.
    """
    if not samples:
        raise DataError("no line to try weights on")
    if tests := [sample.key for sample in samples if sample.split == "test"]:
        raise DataError(
            f"{tests[0]} is of a test set: a weight that was chosen on it could not be measured on it"
        )
    decoder = recognizer.config.decoder
    if not decoder.language_model:
        raise ModelError(f"{recognizer.config.name}: there is no language model to try weights of")
    tuning = _Tuning(recognizer, samples, progress)
    first = tuning.read(decoder.searching("best-path"))
    trials = [tuning.trial(first, first)]
    yield trials[-1]

    def tried(weight: float, bonus: float, margin: float) -> LanguageTrial:
        decoder = weighed(recognizer.config.decoder, weight, bonus * weight, margin * weight)
        trials.append(tuning.trial(tuning.read(decoder), first))
        return trials[-1]

    for weight, margin in WEIGHTS:
        yield tried(weight, BONUS_PER_WEIGHT, margin)
    best = best_language_trial(trials, max_harm)
    weight, margin = (best.weight, best.margin / best.weight) if best.weight else WEIGHTS[0]
    for bonus in OTHER_BONUSES:
        yield tried(weight, bonus, margin)
    best = best_language_trial(trials, max_harm)
    bonus = best.bonus / best.weight if best.weight else BONUS_PER_WEIGHT
    for other in OTHER_MARGINS:
        yield tried(weight, bonus, other)


def num_trials() -> int:
    """How often `try_language` reads all lines."""
    return 1 + len(WEIGHTS) + len(OTHER_BONUSES) + len(OTHER_MARGINS)


def weighed(decoder: Decoder, weight: float, bonus: float, margin: float) -> Decoder:
    """The same search with another weight, bonus and margin."""
    return replace(
        decoder,
        language_weight=round(weight, 4),
        length_bonus=round(bonus, 4),
        change_margin=round(margin, 4),
    )


def best_language_trial(trials: Sequence[LanguageTrial], max_harm: float = MAX_HARM) -> LanguageTrial:
    """The weight to keep.

    The smallest CER of those that are shown to harm no more than they may (`is_shown`). Where the lines hold too few
    right words to show it of any weight: of those that were seen within the limit the least harm, and of equal harm the
    smallest CER. Where even that is none: no language model.

    Args:
        trials: the first is without a language model; at least one.
        max_harm: the limit of the harm rate.
    """
    without, *others = trials
    if shown := [trial for trial in others if is_shown(trial, max_harm)]:
        return min([without, *shown], key=_rank)
    seen = [trial for trial in others if trial.harm.harm_rate <= max_harm]
    least = min((trial.harm.harm_rate for trial in seen), default=0.0)
    return min([without, *(trial for trial in seen if trial.harm.harm_rate == least)], key=_rank)


def is_shown(trial: LanguageTrial, max_harm: float) -> bool:
    """Whether the lines show that it harms no more than it may: the 95 % bound of its harm keeps within the limit."""
    return trial.harm.harm_bound() <= max_harm


def _rank(trial: LanguageTrial) -> tuple[float, float, float, float]:
    return trial.scores.cer, trial.weight, trial.bonus, -trial.margin


@dataclass(frozen=True, slots=True)
class _Read:
    """What one search read of all lines: (reference, hypothesis) each, and the CPU seconds that it took."""

    decoder: Decoder
    pairs: list[LinePair]
    seconds: float


class _Tuning:
    """The lines, and a network that remembers them."""

    def __init__(self, recognizer: Recognizer, samples: Sequence[Sample], progress: Progress | None) -> None:
        self._recognizer = Recognizer(
            recognizer.config, RememberingRuntime(recognizer.runtime), recognizer.language
        )
        self._samples = samples
        self._progress = progress
        self._num_read = 0
        self.read(recognizer.config.decoder.searching("best-path"))  # the network's only time
        self._num_read = 0

    def read(self, decoder: Decoder) -> _Read:
        """Read all lines."""
        recognizer = self._recognizer.searching(decoder)
        began = time.process_time()
        results = evaluate(recognizer, self._samples, progress=self._tell)
        seconds = time.process_time() - began
        self._num_read += len(self._samples)
        spell = self._recognizer.config.normalization
        texts = {outcome.id: outcome.text for outcome in results.outcomes}
        pairs = [LinePair(spell(sample.text), spell(texts[sample.key])) for sample in self._samples]
        return _Read(decoder, pairs, seconds)

    def trial(self, read: _Read, first: _Read) -> LanguageTrial:
        """Score a reading against the first one."""
        harms = (
            count_harm(before.reference, before.hypothesis, after.hypothesis)
            for before, after in zip(first.pairs, read.pairs, strict=True)
        )
        return LanguageTrial(
            weight=read.decoder.language_weight,
            bonus=read.decoder.length_bonus,
            margin=read.decoder.change_margin,
            scores=score_lines(read.pairs, normalization=str),
            harm=reduce(add, harms, HarmCounts()),
            seconds=read.seconds,
        )

    def _tell(self, done: int, _: int) -> None:
        if self._progress is not None:
            self._progress(self._num_read + done, num_trials() * len(self._samples))

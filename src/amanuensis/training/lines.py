"""Lines of text to train and validate on: which an epoch draws, prepared by the model's spec, varied, bucketed.

Source: HTR-JAND, Algorithms 1 and 2, eq. 3. How a character's weight becomes a line's is our reading (P9).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amanuensis.data.synthetic import SyntheticLines
from amanuensis.data.transcriptions import Transcriptions
from amanuensis.errors import TrainingError
from amanuensis.images import (
    Augmentation,
    ImageSpec,
    augment,
    load_image,
    normalize_contrast,
    pad_to_spec,
    prepare,
    resize_to_spec,
)
from amanuensis.language import TextNormalization, Vocab
from amanuensis.randomness import generator_for
from amanuensis.records import Sample
from amanuensis.training.batches import Batch, Prepared, bucketed, collate
from amanuensis.training.curriculum import Course
from amanuensis.training.recipe import SyntheticSection, expand

WIDTH_STEP = 64
_COPY = (
    1 << 32
)  # what the index of a line that is drawn again gains, so that each copy is varied in its own way


def _size_steps(spec: ImageSpec) -> tuple[int, int]:
    return 1, WIDTH_STEP if spec.width is None else 1


@dataclass(frozen=True)
class TrainingLines:
    """Everything that an epoch draws from.

    Attributes:
        samples: real lines.
        widths: their prepared widths in pixels, to bucket by.
        spec, augmentation, seed: how a line is prepared.
        synthetic: rendered lines, or None.
        synthetic_share: of the union (Algorithm 2): n = real x r / (1 - r) lines an epoch.
        balance: a weight for each real line, by which as many are drawn with replacement; None: each once. Synthetic
            lines are drawn anew in every epoch anyway, so their share stays exact (our reading of Algorithm 1).
        course: what changes from epoch to epoch; None: nothing.
    """

    samples: Sequence[Sample]
    widths: Sequence[int]
    spec: ImageSpec
    augmentation: Augmentation
    seed: int
    synthetic: SyntheticLines | None = None
    synthetic_share: float = 0.0
    balance: NDArray[np.float64] | None = None
    course: Course | None = None

    @property
    def num_real(self) -> int:
        """Real lines."""
        return len(self.samples)

    @property
    def num_synthetic(self) -> int:
        """Synthetic lines in an epoch of all lines."""
        return self._num_synthetic(len(self.samples), self.synthetic_share)

    @property
    def size_steps(self) -> tuple[int, int]:
        """See `TrainingSource`."""
        return _size_steps(self.spec)

    def num_samples(self, epoch: int) -> int:
        """See `TrainingSource`."""
        real = len(self._members())
        return real + self._num_synthetic(real, self._share(epoch))

    def prepared(self, epoch: int, index: int) -> Prepared:
        """The line `index` of an epoch: real ones first, then synthetic; a function of (seed, epoch, sample)."""
        copy, index = divmod(index, _COPY)
        if index < len(self.samples):
            sample = self.samples[index]
            grey, text, key = load_image(sample.image), sample.text, sample.key
        else:
            assert self.synthetic is not None
            grey, text = self.synthetic.sample(epoch, index - len(self.samples))
            key = f"synthetic/{epoch}-{index - len(self.samples)}"
        rng = generator_for("augment", self.seed, epoch, key, *([copy] if copy else []))
        # Augmented before it is padded to a fixed width (2.26): what is moved in from outside is paper.
        line = normalize_contrast(resize_to_spec(grey, self.spec), self.spec)
        line = augment(
            line, self.augmentation if self.course is None else self.course.stage.augmentation, rng
        )
        return Prepared(np.ascontiguousarray(pad_to_spec(line, self.spec)), text, key)

    def plan(self, epoch: int, batch_size: int, *, num_processes: int = 1) -> list[list[int]]:
        """The batches of an epoch as line indices, of similar width; see `bucketed`."""
        real = self._drawn(epoch)
        synthetic = np.arange(self._num_synthetic(len(real), self._share(epoch)))
        indices = np.concatenate([real, len(self.samples) + synthetic])
        widths = np.concatenate(
            [np.asarray(self.widths)[real % _COPY], self._synthetic_widths(epoch, len(synthetic))]
        )
        rng = generator_for("order", self.seed, epoch)
        batches = bucketed(rng, widths, batch_size, num_processes=num_processes)
        return [indices[batch].tolist() for batch in batches]

    def _members(self) -> NDArray[np.int64]:
        """The real lines that take part: all, or in the first stage of a curriculum the short ones."""
        quantile = 1.0 if self.course is None else self.course.stage.quantile
        if quantile == 1:
            return np.arange(len(self.samples))
        lengths = np.array([len(sample.text) for sample in self.samples])
        return np.flatnonzero(lengths <= np.quantile(lengths, quantile))

    def _drawn(self, epoch: int) -> NDArray[np.int64]:
        """The real lines of an epoch; the second, third, ... copy of a line has `_COPY` added so many times."""
        members = self._members()
        if self.balance is None:
            return members
        weights = self.balance[members]
        rng = generator_for("balance", self.seed, epoch)
        drawn = np.sort(rng.choice(members, size=len(members), p=weights / weights.sum()))
        first = np.searchsorted(drawn, drawn)  # where the run of equal lines begins that each stands in
        indices: NDArray[np.int64] = drawn + _COPY * (np.arange(len(drawn)) - first)
        return indices

    def _share(self, epoch: int) -> float:
        if self.course is None or self.course.share is None:
            return self.synthetic_share
        return self.course.synthetic_share(epoch)

    def _num_synthetic(self, real: int, share: float) -> int:
        return 0 if self.synthetic is None else round(real * share / (1 - share))

    def _synthetic_widths(self, epoch: int, count: int) -> NDArray[np.float64]:
        """Guessed from the text: rendering a line only to bucket it would double its cost."""
        if self.synthetic is None:
            return np.zeros(0)
        per_character = 0.3 * self.spec.height
        return np.array([per_character * len(self.synthetic.text(epoch, index)) for index in range(count)])


@dataclass(frozen=True, slots=True)
class Lacking:
    """The characters of a text that a model cannot write: it travels to the workers that draw texts."""

    vocab: Vocab
    normalization: TextNormalization

    def __call__(self, text: str) -> set[str]:
        """Those that a target would be without, though they stand in the picture."""
        return {symbol for symbol in self.normalization(text) if symbol not in self.vocab}


def synthetic_lines(
    section: SyntheticSection, spec: ImageSpec, seed: int, samples: Sequence[Sample], lacking: Lacking
) -> SyntheticLines:
    """The rendered lines of a recipe; `samples` are the train lines whose texts they may take.

    Only words that the model can write are drawn: from a picture with more it would learn to skip what it sees.

    Raises:
        TrainingError: the fonts' folder holds no font.
    """
    folder = Path(expand(section.fonts))
    fonts = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".ttf", ".otf"))
    if not fonts:
        raise TrainingError(f"{folder}: holds no .ttf or .otf font to render synthetic lines with")
    lines = SyntheticLines(
        {language: Path(expand(path)) for language, path in section.corpora.items()},
        fonts,
        seed,
        height=spec.height,
        style=section.style or "plain",
        transcriptions=Transcriptions.of(samples) if section.texts else None,
    )
    return lines.within(lacking)


def character_weights(texts: Sequence[str], *, epsilon: float = 1.0) -> dict[str, float]:
    """w_c = max(1, fbar / (epsilon + f_c)) of every character (eq. 3).

    Args:
        texts: of training lines, never of others (2.34).
        epsilon: added to a character's count (*our reading*: the paper prints no value).
    """
    counts = Counter[str]()
    for text in texts:
        counts.update(text)
    mean = sum(counts.values()) / max(1, len(counts))
    return {character: max(1.0, mean / (epsilon + count)) for character, count in counts.items()}


def balance_of(
    texts: Sequence[str], weights: Mapping[str, float], *, most: float = 10.0
) -> NDArray[np.float64]:
    """Each line's weight: the mean over its characters of min(w_c, `most`); 1 for an empty one (P9)."""
    capped = {character: min(weight, most) for character, weight in weights.items()}
    return np.array([sum(capped[c] for c in text) / len(text) if text else 1.0 for text in texts])


@dataclass(frozen=True, slots=True)
class ValidationLines:
    """Lines to measure on: neither augmented nor shuffled, batched by width."""

    samples: Sequence[Sample]
    widths: Sequence[int]
    spec: ImageSpec

    def batches(self, batch_size: int) -> Iterator[tuple[list[int], Batch]]:
        """Batches of similar width with the indices of their samples."""
        order = np.argsort(np.asarray(self.widths), kind="stable").tolist()
        for start in range(0, len(order), batch_size):
            indices = order[start : start + batch_size]
            lines = [
                Prepared(prepare(load_image(s.image), self.spec), s.text, s.key)
                for s in (self.samples[i] for i in indices)
            ]
            yield indices, collate(lines, size_steps=_size_steps(self.spec))

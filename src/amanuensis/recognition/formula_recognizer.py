"""`FormulaRecognizer`: pictures of formulas in, LaTeX out, with what it doubts and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amanuensis.decoding.attention import search
from amanuensis.decoding.hypothesis import Hypothesis
from amanuensis.errors import AmanuensisError
from amanuensis.images import load_image
from amanuensis.images.formula import prepare_formula
from amanuensis.ink import Ink, read_inkml, read_strokes_json, render
from amanuensis.latex import print_latex
from amanuensis.recognition.catalog import DEFAULT_FORMULA_MODEL, find_model
from amanuensis.recognition.config import MathConfig
from amanuensis.recognition.formula_runtime import FormulaRuntime, OnnxFormulaRuntime
from amanuensis.recognition.recognizer import Load, is_one
from amanuensis.records import Alternative, Choice, Reading, Span

INK_SUFFIXES = frozenset({".inkml", ".json"})


def load_formula(source: Any) -> NDArray[np.uint8]:
    """A formula as a grey picture: `Ink` and files of strokes (InkML, JSON) are drawn, all else is an image.

    Args:
        source: an `Ink`, a path, or anything that `load_image` takes.

    Returns:
        (H, W) uint8.

    Raises:
        DataError: a file of strokes cannot be read, or holds no ink.
        ImageError: an image cannot be read.
    """
    if isinstance(source, Ink):
        return render(source)
    if isinstance(source, str | Path) and Path(source).suffix.lower() in INK_SUFFIXES:
        return render(_ink_of(Path(source)))
    return load_image(source)


def _ink_of(path: Path) -> Ink:
    return read_inkml(path).ink if path.suffix.lower() == ".inkml" else read_strokes_json(path)


class FormulaRecognizer:
    """A formula model, ready to read.

    Example:
        ```python
        recognizer = FormulaRecognizer.load("math-small")
        [reading] = recognizer.read("formula.png")
        print(reading.text, reading.confidence)
        ```
    """

    def __init__(self, config: MathConfig, runtime: FormulaRuntime) -> None:
        self.config = config
        self._runtime = runtime

    @classmethod
    def load(
        cls, model: str | Path = DEFAULT_FORMULA_MODEL, *, threads: int = 1, beam: int | None = None
    ) -> FormulaRecognizer:
        """Load a model for reading.

        Args:
            model: a model folder, the name of a shipped model, or a hub id; see `find_model`.
            threads: CPU threads it may use.
            beam: hypotheses kept in the search; by default what the model's config says.

        Raises:
            ModelError: no such model, it is incomplete, or it reads lines of text.
        """
        runtime = OnnxFormulaRuntime(find_model(model), threads)
        config = runtime.config
        if beam is not None:
            config = replace(config, decoder=replace(config.decoder, beam=beam))
        return cls(config, runtime)

    def read(self, images: Any, *, n_best: int = 1) -> list[Reading]:
        """Read one formula, or many.

        Args:
            images: a picture of a formula - a path, encoded bytes, an array (H, W) or (H, W, C), a Pillow image,
                an `ImageSource` such as `InkImage` - or an iterable of them.
            n_best: how many hypotheses to look for; those after the first are the reading's `alternatives`.

        Returns:
            A reading for every picture, in the same order; a list of one for a single picture. `text` is LaTeX;
            each span is a token.

        Raises:
            ImageError: one of them cannot be read. `read_each` goes on with the rest.
        """
        readings = []
        one = is_one(images) or isinstance(images, Ink)
        for result in self.read_each([images] if one else images, n_best=n_best):
            if isinstance(result, AmanuensisError):
                raise result
            readings.append(result)
        return readings

    def read_each(
        self, sources: Iterable[Any], *, load: Load = load_formula, n_best: int = 1
    ) -> Iterator[Reading | AmanuensisError]:
        """Read many formulas, lazily; one that cannot be read gives its error in its place."""
        for source in sources:
            try:
                yield self._read(load(source), n_best=n_best)
            except AmanuensisError as error:
                yield error

    def complete(self, image: Any, prefix: Sequence[str]) -> Reading:
        """Read a formula again when somebody has corrected its beginning.

        Args:
            image: as for `read`, one picture.
            prefix: the tokens that it begins with.

        Raises:
            ImageError: it cannot be read.
            VocabularyError: the model cannot write one of the tokens.
        """
        return self._read(load_formula(image), n_best=1, prefix=self.config.vocabulary.encode(prefix))

    def _read(self, grey: NDArray[np.uint8], *, n_best: int, prefix: Sequence[int] = ()) -> Reading:
        decoder = self._runtime.decoder(prepare_formula(grey, self.config.image))
        found = search(decoder, self.config.decoder.settings(n_best=n_best), prefix=prefix)
        best = found[0]
        spans = self._spans(best)
        others = tuple(Alternative(self._latex(other), other.confidence) for other in found[1:])
        return Reading(self._latex(best), best.confidence, spans, others)

    def _latex(self, hypothesis: Hypothesis) -> str:
        return print_latex(self.config.vocabulary.decode(hypothesis.tokens))

    def _spans(self, hypothesis: Hypothesis) -> tuple[Span, ...]:
        """One span per token; its place is where the attention's mass lies, in pixels of the prepared picture."""
        vocab, stride = self.config.vocabulary, self.config.stride
        tokens = vocab.decode(hypothesis.tokens)
        centers = hypothesis.centers or ((0.0, 0.0),) * len(tokens)
        doubts = hypothesis.disagreement or (None,) * len(tokens)
        spans = []
        for i, token in enumerate(tokens):
            row, column = (stride * c for c in centers[i])
            second = hypothesis.alternatives[i]
            written = "".join(vocab.decode([second.token])) or "<end>"
            spans.append(
                Span(
                    token,
                    max(0.0, column - stride / 2),
                    column + stride / 2,
                    hypothesis.probabilities[i],
                    row=row,
                    second=Choice(written, second.probability),
                    disagreement=doubts[i],
                )
            )
        return tuple(spans)

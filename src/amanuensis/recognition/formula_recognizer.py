"""`FormulaRecognizer`: pictures of formulas in, LaTeX out, with what it doubts and where."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amanuensis.decoding.attention import search
from amanuensis.decoding.hypothesis import Hypothesis
from amanuensis.errors import AmanuensisError, ImageError, ModelError
from amanuensis.images import load_image
from amanuensis.images.formula import normalize_formula, to_input
from amanuensis.ink import Ink, read_inkml, read_strokes_json, render
from amanuensis.language.ngram import NGramModel
from amanuensis.latex import print_latex
from amanuensis.recognition.catalog import DEFAULT_FORMULA_MODEL, find_model
from amanuensis.recognition.config import MathConfig
from amanuensis.recognition.folder import read_math_config
from amanuensis.recognition.formula_decoder import Branch
from amanuensis.recognition.formula_language import find_language_model, scorer_for, weighed
from amanuensis.recognition.formula_runtime import FormulaRuntime, OnnxFormulaRuntime, RuntimeEnsemble
from amanuensis.recognition.formula_spans import Grid, mended_spans, token_spans
from amanuensis.recognition.recognizer import Load, is_one
from amanuensis.records import Alternative, Reading

INK_SUFFIXES = frozenset({".inkml", ".json"})


@dataclass(frozen=True, slots=True)
class FormulaOptions:
    """What a user may ask of a formula model in place of what its config says; None leaves that as it is.

    Attributes:
        beam: hypotheses kept in the search.
        branch: which branch reads, from 1 on; "all" for their ensemble, which also tells where they disagree.
        language_model: a file that `amanuensis lm train` wrote, "none" to read without, None for the model's own.
        language_weight: how much it counts; 0 leaves it out.
    """

    beam: int | None = None
    branch: Branch | None = None
    language_model: Path | str | None = None
    language_weight: float | None = None

    def changed(self, config: MathConfig) -> MathConfig:
        """A model's config with these options in its decoder.

        Raises:
            ModelError: a value is impossible, or a language model is given without a weight.
        """
        decoder = config.decoder
        if self.beam is not None:
            decoder = replace(decoder, beam=self.beam)
        if self.branch is not None:
            decoder = replace(decoder, branch=self.branch)
        return replace(config, decoder=weighed(decoder, self.language_model, self.language_weight))


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

    def __init__(
        self, config: MathConfig, runtime: FormulaRuntime, language_model: NGramModel | None = None
    ) -> None:
        """Put a recognizer together; `load` does it from a model folder.

        Args:
            config: what the model is, and how its search goes.
            runtime: its networks.
            language_model: of tokens; it counts by the `language_weight` of the config's decoder.
        """
        self.config = config
        self._runtime = runtime
        self._scorer = None if language_model is None else scorer_for(language_model, config.vocabulary)

    @classmethod
    def load(
        cls,
        model: str | Path | Sequence[str | Path] = DEFAULT_FORMULA_MODEL,
        *,
        threads: int = 1,
        beam: int | None = None,
        branch: Branch | None = None,
        language_model: Path | str | None = None,
        language_weight: float | None = None,
    ) -> FormulaRecognizer:
        """Load a model for reading, or several that read together.

        Args:
            model: a model folder, the name of a shipped model, or a hub id; see `find_model`. Of several, whose
                probabilities are averaged at every token, the first one's search and language model count.
            threads: CPU threads that each may use.
            beam: hypotheses kept in the search; by default, here and below, what the model's config says.
            branch: which branch reads, from 1 on; "all" for their ensemble.
            language_model: a file that `amanuensis lm train` wrote, or "none" to read without.
            language_weight: how much it counts; 0 leaves it out.

        Raises:
            ModelError: no such model or branch, it is incomplete, it reads lines of text, or models that are to read
                together write other tokens.
        """
        options = FormulaOptions(beam, branch, language_model, language_weight)
        folders = [find_model(one) for one in ([model] if isinstance(model, str | Path) else model)]
        if not folders:
            raise ModelError("no model to read with is given")
        config = options.changed(read_math_config(folders[0]))
        which = config.decoder.branch
        runtimes = [OnnxFormulaRuntime(folder, threads, branch=which) for folder in folders]
        beside = find_language_model(folders[0], config.decoder, language_model)
        if len(runtimes) == 1:
            return cls(config, runtimes[0], beside)
        config = replace(config, name="+".join(runtime.config.name for runtime in runtimes))
        return cls(config, RuntimeEnsemble(runtimes), beside)

    def searching(
        self, *, beam: int | None = None, language_weight: float | None = None
    ) -> FormulaRecognizer:
        """The same networks and language model under another search; nothing is loaded again.

        Raises:
            ModelError: a value is impossible, or a language model is to count and none was loaded.
        """
        config = FormulaOptions(beam=beam, language_weight=language_weight).changed(self.config)
        if config.decoder.language_weight and self._scorer is None:
            raise ModelError(f"{config.name}: no language model was loaded that could count")
        changed = copy.copy(self)
        changed.config = config
        return changed

    def read(self, images: Any, *, n_best: int = 1) -> list[Reading]:
        """Read one formula, or many.

        Args:
            images: a picture of a formula - a path, encoded bytes, an array (H, W) or (H, W, C), a Pillow image,
                an `ImageSource` such as `InkImage` - or an iterable of them.
            n_best: how many hypotheses to look for; those after the first are the reading's `alternatives`.

        Returns:
            A reading for every picture, in the same order; a list of one for a single picture. `text` is LaTeX;
            each span is a token. Both are well-formed: a token that was added for that has a confidence of 0.

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
        spec = self.config.image
        bitmap, measured = normalize_formula(grey, spec)
        if not bitmap.any():
            raise ImageError("; ".join(measured.warnings) or "no writing found")
        decoder = self._runtime.decoder(to_input(bitmap, spec))
        settings = self.config.decoder.settings(n_best=n_best)
        found = search(decoder, settings, language_model=self._scorer, prefix=prefix)
        best = found[0]
        grid = Grid(self.config.stride / spec.scale / measured.scale, measured.origin)
        spans = mended_spans(token_spans(best, self.config.vocabulary, grid))
        others = tuple(Alternative(self._latex(other), other.confidence) for other in found[1:])
        return Reading(
            self._latex(best), best.confidence, spans, others, (*measured.warnings, *_remarks(best))
        )

    def _latex(self, hypothesis: Hypothesis) -> str:
        return print_latex(self.config.vocabulary.decode(hypothesis.tokens))


_CUT = {
    "length": "the formula was cut at its greatest length",
    "loop": "the network repeated itself and was stopped",
}


def _remarks(hypothesis: Hypothesis) -> tuple[str, ...]:
    return (_CUT[hypothesis.ended],) if hypothesis.ended in _CUT else ()

"""`Recognizer`: pictures of lines in, readings out. Command line, Python and evaluation read through it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from amanuensis.decoding.fusion import CharacterFusion, WordFusion
from amanuensis.errors import AmanuensisError, ImageError, ModelError
from amanuensis.images import dark_on_light, load_image, looks_like_page, prepare, scale_of
from amanuensis.recognition.catalog import DEFAULT_MODEL, find_model
from amanuensis.recognition.config import TextConfig
from amanuensis.recognition.decoder import Decoder
from amanuensis.recognition.language import (
    LineLanguage,
    LineOptions,
    chosen_decoder,
    open_language,
    scorer_of,
)
from amanuensis.recognition.reading import raw_reading
from amanuensis.recognition.runtime import DEFAULT_BATCH_SIZE, OnnxRuntime, Runtime
from amanuensis.records import ImageSource, Reading

Load = Callable[[Any], NDArray[np.uint8]]

# A chunk is read at once: large enough to fill batches of one width, small enough for memory (50 MB).
_CHUNK_LINES = 128
_CHUNK_WIDTH = 200_000


@dataclass(frozen=True, slots=True)
class _Line:
    """A prepared line (H, W), the width of its source in pixels, and prepared pixels per source pixel."""

    image: NDArray[np.float32]
    width: int
    scale: float


class Recognizer:
    """A model, ready to read.

    Attributes:
        config: what it is; its decoder is the search.
        runtime: the network.
        language: what reads along; None if nothing does.

    Example:
        ```python
        recognizer = Recognizer.load("text-small")
        [reading] = recognizer.read("line.png")
        print(reading.text, reading.confidence)
        ```
    """

    def __init__(self, config: TextConfig, runtime: Runtime, language: LineLanguage | None = None) -> None:
        """Put a recognizer together; see `load`.

        Args:
            config: what the model is; its decoder is the search.
            runtime: the network.
            language: what the decoder names.

        Raises:
            ModelError: the decoder names a language model, and there is none, or one of another script.
        """
        self.config = config
        self.runtime = runtime
        self.language = language
        self._scorer: CharacterFusion | WordFusion | None = None
        if config.decoder.language_model:
            if language is None:
                raise ModelError(f"{config.name}: no language model {config.decoder.language_model} is given")
            self._scorer = scorer_of(config.decoder, language, config.vocabulary)

    @classmethod
    def load(
        cls,
        model: str | Path = DEFAULT_MODEL,
        *,
        threads: int = 1,
        batch_size: int = DEFAULT_BATCH_SIZE,
        language: str | None = None,
        options: LineOptions | None = None,
    ) -> Recognizer:
        """Load a model for reading.

        Args:
            model: a model folder, the name of a shipped model, or a hub id; see `find_model`.
            threads: CPU threads it may use.
            batch_size: lines that go through the network together; it changes speed and memory only.
            language: ISO 639-3 code of the lines ("eng", "fra", "lat"): with a language model for it, if one was tuned
                for this model.
            options: all that can be said of the search; by default what the model's config says.

        Raises:
            ModelError: no such model, it is incomplete, or it has no decoder for the language.
        """
        options = options or LineOptions()
        if language is not None:
            options = replace(options, language=language)
        folder = find_model(model)
        runtime = OnnxRuntime(folder, threads, batch_size=batch_size)
        decoder = chosen_decoder(runtime.config, options)
        return cls(replace(runtime.config, decoder=decoder), runtime, open_language(decoder, folder))

    def searching(self, decoder: Decoder) -> Recognizer:
        """The same model with another search, which may weigh the same language model otherwise."""
        return Recognizer(replace(self.config, decoder=decoder), self.runtime, self.language)

    @property
    def uncalibrated(self) -> Recognizer:
        """The same reader with the network's own confidences, to fit a calibration to; nothing is loaded again."""
        changed = copy.copy(self)
        changed.config = replace(self.config, calibration={})
        return changed

    def read(self, images: Any) -> list[Reading]:
        """Read one line, or many.

        Args:
            images: a picture of a line - a path, encoded bytes, an array (H, W) or (H, W, C), a Pillow
                image, an `ImageSource` - or an iterable of them.

        Returns:
            A reading for every picture, in the same order; a list of one for a single picture.

        Raises:
            ImageError: one of them cannot be read, or is a page. `read_each` goes on with the rest.
        """
        readings = []
        for result in self.read_each([images] if is_one(images) else images):
            if isinstance(result, AmanuensisError):
                raise result
            readings.append(result)
        return readings

    def read_each(
        self, sources: Iterable[Any], *, load: Load = load_image
    ) -> Iterator[Reading | AmanuensisError]:
        """Read many lines, lazily; one that cannot be read gives its error in its place.

        Args:
            sources: anything that `load` takes; drawn as they are needed, some hundred ahead at most.
            load: gives the grey picture of a source, (H, W) uint8.

        Yields:
            For every source, in order, its reading, or what is wrong with it.
        """
        chunk: list[_Line | AmanuensisError] = []
        width = 0
        for source in sources:
            line = self._line(source, load)
            width += line.image.shape[1] if isinstance(line, _Line) else 0
            chunk.append(line)
            if len(chunk) == _CHUNK_LINES or width >= _CHUNK_WIDTH:
                yield from self._read_chunk(chunk)
                chunk, width = [], 0
        yield from self._read_chunk(chunk)

    def _line(self, source: Any, load: Load) -> _Line | AmanuensisError:
        try:
            grey = load(source)
            if reason := looks_like_page(dark_on_light(grey)):
                raise ImageError(f"{_name_of(source)}: {reason}")
            return _Line(
                prepare(grey, self.config.image), grey.shape[1], scale_of(grey.shape, self.config.image)
            )
        except AmanuensisError as error:
            return error

    def _read_chunk(self, chunk: Sequence[_Line | AmanuensisError]) -> Iterator[Reading | AmanuensisError]:
        lines = [line for line in chunk if isinstance(line, _Line)]
        logits = iter(self.runtime.logits([line.image for line in lines]) if lines else [])
        for line in chunk:
            yield line if isinstance(line, AmanuensisError) else self._reading(line, next(logits))

    def _reading(self, line: _Line, logits: NDArray[np.float32]) -> Reading | AmanuensisError:
        config = self.config
        try:
            path = config.decoder(logits, self._scorer)
        except AmanuensisError as error:  # NaN in the outputs
            return error
        judged = self._scorer.log_probabilities(path.tokens) if self._scorer else ()
        raw = raw_reading(
            path, config, pixels_per_frame=config.stride / line.scale, width=line.width, judged=judged
        )
        return config.chosen_calibration(raw)


def is_one(images: Any) -> bool:
    """Whether this is one picture and not an iterable of them."""
    return isinstance(images, str | bytes | Path | np.ndarray | Image.Image | ImageSource)


def _name_of(source: Any) -> str:
    return str(source) if isinstance(source, str | Path) else getattr(source, "name", "") or "the image"

"""How a model's logits become a string: its decoder, with settings that are stored in the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import PurePath
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from amanuensis.decoding import Path, best_path, prefix_beam, viterbi_align
from amanuensis.decoding.caution import WordScorer, worthwhile
from amanuensis.errors import ModelError

Method = Literal["best-path", "prefix-beam"]
_OF_WORDS = ("word_model", "word_weight", "unknown_word")
_OF_LANGUAGE = ("language_model", "language_weight", "length_bonus", "change_margin", *_OF_WORDS)


@dataclass(frozen=True, slots=True)
class Decoder:
    """Settings of the search over a line's logits.

    Attributes:
        method: "best-path" (greedy), or "prefix-beam" (the best string of a beam).
        beam: prefixes kept per frame; of no effect on the best path.
        prune: symbols less probable than this in a frame are not tried; of no effect on the best path.
        language_model: what reads along: a file in the model folder, or the name of a shipped one; "" for none.
        language_weight: how much that counts: 0 is not at all.
        length_bonus: added for every character, as each costs something by the language model.
        change_margin: what every word that it changes must gain, in natural logarithms (`decoding.caution`); 0 takes
            all its changes.
        word_model: a language model of words that judges finished words beside it; "" for none.
        word_weight: how much that counts.
        unknown_word: added for a word that it lacks: a penalty is below 0.
    """

    method: Method = "best-path"
    beam: int = 16
    prune: float = 1e-4
    language_model: str = ""
    language_weight: float = 0.0
    length_bonus: float = 0.0
    change_margin: float = 0.0
    word_model: str = ""
    word_weight: float = 0.0
    unknown_word: float = 0.0

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            known = ", ".join(get_args(Method))
            raise ModelError(f"there is no decoding method {self.method!r}; there are: {known}")
        if type(self.beam) is not int or self.beam < 1:
            raise ModelError(f"a decoder's beam must be a whole number of at least 1, not {self.beam!r}")
        if not isinstance(self.prune, int | float) or not 0 <= self.prune < 1:
            raise ModelError(f"a decoder's prune must be a probability below 1, not {self.prune!r}")
        for name in (self.language_model, self.word_model):
            if not isinstance(name, str):
                raise ModelError(f"a decoder's language model must be a name, not {name!r}")
        for weight in (self.language_weight, self.word_weight):
            if not _is_number(weight) or weight < 0:
                raise ModelError(f"a language model's weight must be at least 0, not {weight!r}")
        if not _is_number(self.change_margin) or self.change_margin < 0:
            raise ModelError(f"a decoder's change_margin must be at least 0, not {self.change_margin!r}")
        for what in ("length_bonus", "unknown_word"):
            if not _is_number(getattr(self, what)):
                raise ModelError(f"a decoder's {what} must be a number, not {getattr(self, what)!r}")
        if self.language_model and self.method == "best-path":
            raise ModelError("the best path takes no language model; a decoder with one is a prefix-beam")
        if self.word_model and not self.language_model:
            raise ModelError(f"{self.word_model}: a model of words needs one of characters beside it")

    @property
    def mode(self) -> str:
        """What sets apart searches whose confidences mean different things: each is calibrated on its own."""
        return f"{self.method} {PurePath(self.language_model).name}" if self.language_model else self.method

    def __call__(self, logits: NDArray[np.floating], scorer: WordScorer[Any] | None = None) -> Path:
        """Decode one line: (T, V) logits to the string and the frames it was read from.

        A beam finds strings, not paths: its best string is aligned again, so that spans and confidence mean
        the same with either method.

        Args:
            logits: (T, V) of the network.
            scorer: the language model, if the decoder names one.
        """
        if self.method == "best-path":
            return best_path(logits)
        tokens = prefix_beam(logits, beam=self.beam, prune=self.prune, scorer=scorer)[0].tokens
        if scorer is not None and self.change_margin:
            tokens = worthwhile(logits, tokens, scorer, margin=self.change_margin)
        return viterbi_align(logits, tokens)

    def without_language(self) -> Decoder:
        """The same search with nothing that reads along."""
        plain = Decoder()
        return replace(self, **{name: getattr(plain, name) for name in _OF_LANGUAGE})

    def searching(self, method: str) -> Decoder:
        """With another method; on the best path nothing can read along."""
        decoder = self.without_language() if method == "best-path" else self
        return replace(decoder, method=cast(Method, method))

    def to_dict(self) -> dict[str, Any]:
        """As stored in a model's `config.json`."""
        if self.method == "best-path":
            return {"method": self.method}
        left_out = {*(() if self.language_model else _OF_LANGUAGE), *(() if self.word_model else _OF_WORDS)}
        return {name: value for name, value in asdict(self).items() if name not in left_out}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Decoder:
        """The inverse of `to_dict`.

        Raises:
            ModelError: a key is unknown or a value impossible.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(stored) - known):
            raise ModelError(
                f"unknown keys of a decoder: {', '.join(unknown)}; known: {', '.join(sorted(known))}"
            )
        return cls(**stored)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and np.isfinite(value)

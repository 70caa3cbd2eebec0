"""How a model's logits become a string: its decoder, with settings that are stored in the model."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import PurePath
from typing import Any, Literal, TypeVar, cast, get_args

import numpy as np
from numpy.typing import NDArray

from amanuensis.decoding import Path, StringScorer, best_path, prefix_beam, viterbi_align
from amanuensis.errors import ModelError

Method = Literal["best-path", "prefix-beam"]
State = TypeVar("State", bound=Hashable)


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
    """

    method: Method = "best-path"
    beam: int = 16
    prune: float = 1e-4
    language_model: str = ""
    language_weight: float = 0.0
    length_bonus: float = 0.0

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            known = ", ".join(get_args(Method))
            raise ModelError(f"there is no decoding method {self.method!r}; there are: {known}")
        if type(self.beam) is not int or self.beam < 1:
            raise ModelError(f"a decoder's beam must be a whole number of at least 1, not {self.beam!r}")
        if not isinstance(self.prune, int | float) or not 0 <= self.prune < 1:
            raise ModelError(f"a decoder's prune must be a probability below 1, not {self.prune!r}")
        if not isinstance(self.language_model, str):
            raise ModelError(f"a decoder's language model must be a name, not {self.language_model!r}")
        if not _is_number(self.language_weight) or self.language_weight < 0:
            raise ModelError(f"a language model's weight must be at least 0, not {self.language_weight!r}")
        if not _is_number(self.length_bonus):
            raise ModelError(f"a decoder's length bonus must be a number, not {self.length_bonus!r}")
        if self.language_model and self.method == "best-path":
            raise ModelError("the best path takes no language model; a decoder with one is a prefix-beam")

    @property
    def mode(self) -> str:
        """What sets apart searches whose confidences mean different things: each is calibrated on its own."""
        return f"{self.method} {PurePath(self.language_model).name}" if self.language_model else self.method

    def __call__(self, logits: NDArray[np.floating], scorer: StringScorer[State] | None = None) -> Path:
        """Decode one line: (T, V) logits to the string and the frames it was read from.

        A beam finds strings, not paths: its best string is aligned again, so that spans and confidence mean
        the same with either method.

        Args:
            logits: (T, V) of the network.
            scorer: the language model, if the decoder names one.
        """
        if self.method == "best-path":
            return best_path(logits)
        best = prefix_beam(logits, beam=self.beam, prune=self.prune, scorer=scorer)[0]
        return viterbi_align(logits, best.tokens)

    def without_language(self) -> Decoder:
        """The same search with nothing that reads along."""
        return replace(self, language_model="", language_weight=0.0, length_bonus=0.0)

    def searching(self, method: str) -> Decoder:
        """With another method; on the best path nothing can read along."""
        decoder = self.without_language() if method == "best-path" else self
        return replace(decoder, method=cast(Method, method))

    def to_dict(self) -> dict[str, Any]:
        """As stored in a model's `config.json`."""
        if self.method == "best-path":
            return {"method": self.method}
        stored = asdict(self)
        of_language = ("language_model", "language_weight", "length_bonus")
        return stored if self.language_model else {k: v for k, v in stored.items() if k not in of_language}

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

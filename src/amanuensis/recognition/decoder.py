"""How a model's logits become a string: its decoder, with settings that are stored in the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from amanuensis.decoding import Path, best_path, prefix_beam, viterbi_align
from amanuensis.errors import ModelError

Method = Literal["best-path", "prefix-beam"]


@dataclass(frozen=True, slots=True)
class Decoder:
    """Settings of the search over a line's logits.

    Attributes:
        method: "best-path" (greedy), or "prefix-beam" (the most probable string of a beam).
        beam: prefixes kept per frame; of no effect on the best path.
        prune: symbols less probable than this in a frame are not tried; of no effect on the best path.
    """

    method: Method = "best-path"
    beam: int = 16
    prune: float = 1e-4

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            known = ", ".join(get_args(Method))
            raise ModelError(f"there is no decoding method {self.method!r}; there are: {known}")
        if type(self.beam) is not int or self.beam < 1:
            raise ModelError(f"a decoder's beam must be a whole number of at least 1, not {self.beam!r}")
        if not isinstance(self.prune, int | float) or not 0 <= self.prune < 1:
            raise ModelError(f"a decoder's prune must be a probability below 1, not {self.prune!r}")

    @property
    def mode(self) -> str:
        """What sets apart searches whose confidences mean different things: each is calibrated on its own."""
        return self.method

    def __call__(self, logits: NDArray[np.floating]) -> Path:
        """Decode one line: (T, V) logits to the string and the frames it was read from.

        A beam finds strings, not paths: its best string is aligned again, so that spans and confidence mean
        the same with either method.
        """
        if self.method == "best-path":
            return best_path(logits)
        best = prefix_beam(logits, beam=self.beam, prune=self.prune)[0]
        return viterbi_align(logits, best.tokens)

    def to_dict(self) -> dict[str, Any]:
        """As stored in a model's `config.json`."""
        return {"method": self.method} if self.method == "best-path" else asdict(self)

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

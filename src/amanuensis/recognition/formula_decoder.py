"""How a formula network's outputs become tokens: the search, with settings that are stored in the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from amanuensis.decoding.attention import SearchSettings
from amanuensis.errors import ModelError, RecipeError


@dataclass(frozen=True, slots=True)
class FormulaDecoder:
    """Settings of the search over a formula's tokens; see `decoding.attention.SearchSettings`.

    Attributes:
        beam: hypotheses kept; 1 is greedy.
        max_length: tokens at most.
        length_penalty: the exponent of the length that a log-probability is divided by.
        language_weight: of a language model over tokens, if the model folder has one.
    """

    beam: int = 1
    max_length: int = 200
    length_penalty: float = 1.0
    language_weight: float = 0.0

    def __post_init__(self) -> None:
        try:
            self.settings()
        except RecipeError as error:
            raise ModelError(f"a decoder's settings: {error}") from error

    def settings(self, *, n_best: int = 1) -> SearchSettings:
        """As the search takes them; `n_best` hypotheses need a beam as wide."""
        return SearchSettings(**asdict(self) | {"beam": max(self.beam, n_best)}, n_best=n_best)

    def to_dict(self) -> dict[str, Any]:
        """As stored in a model's `config.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> FormulaDecoder:
        """The inverse of `to_dict`.

        Raises:
            ModelError: a key is unknown or a value impossible.
        """
        known = {field.name: field.type for field in fields(cls)}
        if unknown := sorted(set(stored) - set(known)):
            raise ModelError(f"unknown keys of a decoder: {', '.join(unknown)}; known: {', '.join(known)}")
        for key, value in stored.items():
            if isinstance(value, bool) or not isinstance(value, int if known[key] == "int" else int | float):
                raise ModelError(f"a decoder's {key} must be a number, not {value!r}")
        return cls(**stored)

"""How a formula network's outputs become tokens: the search, with settings that are stored in the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from amanuensis.decoding.attention import SearchSettings
from amanuensis.errors import ModelError, RecipeError

Branch = int | Literal["all"]
"""A branch of a network, from 1 on, or the ensemble of all."""

ALL_BRANCHES: Literal["all"] = "all"


@dataclass(frozen=True, slots=True)
class FormulaDecoder:
    """Settings of the search over a formula's tokens; see `decoding.attention.SearchSettings`.

    Attributes:
        beam: hypotheses kept; 1 is greedy.
        max_length: tokens at most.
        length_penalty: the exponent of the length that a log-probability is divided by.
        language_weight: of a language model over tokens; above 0 only if the model folder has one.
        branch: which one reads (CATNet's "Ours-1", "Ours-2"), or "all" for their ensemble ("Ours-E").
    """

    beam: int = 1
    max_length: int = 200
    length_penalty: float = 1.0
    language_weight: float = 0.0
    branch: Branch = 1

    def __post_init__(self) -> None:
        checked_branch(self.branch)
        try:
            self.settings()
        except RecipeError as error:
            raise ModelError(f"a decoder's settings: {error}") from error

    def settings(self, *, n_best: int = 1) -> SearchSettings:
        """As the search takes them; `n_best` hypotheses need a beam as wide."""
        return SearchSettings(
            beam=max(self.beam, n_best),
            max_length=self.max_length,
            n_best=n_best,
            length_penalty=self.length_penalty,
            language_weight=self.language_weight,
        )

    def to_dict(self) -> dict[str, Any]:
        """As stored in a model's `config.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> FormulaDecoder:
        """The inverse of `to_dict`; what is not stored is as by default.

        Raises:
            ModelError: a key is unknown or a value impossible.
        """
        known = {field.name: field.type for field in fields(cls)}
        if unknown := sorted(set(stored) - set(known)):
            raise ModelError(f"unknown keys of a decoder: {', '.join(unknown)}; known: {', '.join(known)}")
        for key, value in stored.items():
            kind = int if known[key] == "int" else int | float
            if key != "branch" and (isinstance(value, bool) or not isinstance(value, kind)):
                raise ModelError(f"a decoder's {key} must be a number, not {value!r}")
        return cls(**stored)


def checked_branch(branch: object) -> None:
    """Refuse what is no branch of any model.

    Raises:
        ModelError: it is neither a number from 1 on nor "all".
    """
    if branch != ALL_BRANCHES and (type(branch) is not int or branch < 1):
        raise ModelError(f"a branch is a number from 1 on, or {ALL_BRANCHES!r}, not {branch!r}")

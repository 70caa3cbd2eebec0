"""Text normalization: one definition, stored in every model, applied alike in training, scoring and reading."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

from amanuensis.errors import ModelError

UnicodeForm = Literal["NFC", "NFD", "NFKC", "NFKD"]


@dataclass(frozen=True, slots=True)
class TextNormalization:
    """How a transcription is spelt before it is compared or learned.

    Attributes:
        form: Unicode normalization form; NFC by default, a compatibility form only if asked for.
        collapse_whitespace: runs of white space become one space, and the ends are stripped.
    """

    form: UnicodeForm = "NFC"
    collapse_whitespace: bool = True

    def __call__(self, text: str) -> str:
        """The normalized text."""
        text = unicodedata.normalize(self.form, text)
        return " ".join(text.split()) if self.collapse_whitespace else text

    def to_dict(self) -> dict[str, Any]:
        """As stored in a model's `config.json`."""
        return {"form": self.form, "collapse_whitespace": self.collapse_whitespace}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> TextNormalization:
        """The inverse of `to_dict`.

        Raises:
            ModelError: a key or a form is unknown.
        """
        unknown = set(stored) - {"form", "collapse_whitespace"}
        if unknown or stored.get("form", "NFC") not in ("NFC", "NFD", "NFKC", "NFKD"):
            raise ModelError(f"text normalization {stored!r} is not one this version knows")
        return cls(**stored)

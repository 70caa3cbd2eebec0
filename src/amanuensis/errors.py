"""Everything that can go wrong for a user: what was wrong, where, and what would be right.

Messages name the file, key or sample first. The command line prints them without a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class AmanuensisError(Exception):
    """The root of all errors that a user's input or environment can cause."""


class ImageError(AmanuensisError):
    """An image cannot be read, or is not what the caller needs (a page instead of a line)."""


class MissingImageError(ImageError):
    """The image of a page is not there.

    Attributes:
        awaited: paths of which one will have changed when it is there: its own, or the folders that were looked in.
    """

    def __init__(self, message: str, awaited: Iterable[Path]) -> None:
        super().__init__(message)
        self.awaited = tuple(awaited)


class DataError(AmanuensisError):
    """A data set, table, transcription file or result file is missing or malformed."""


class VocabularyError(AmanuensisError):
    """A text holds a symbol that a vocabulary lacks."""


class RecipeError(AmanuensisError):
    """A recipe has unknown keys or impossible values; all problems are reported at once."""


class ModelError(AmanuensisError):
    """A model folder is missing, incomplete or of a format that this version does not read."""


class TrainingError(AmanuensisError):
    """A training run cannot start or go on."""


class ProgramError(AmanuensisError):
    """Another program that was asked for is not installed, fails, or takes too long."""


class MissingExtraError(AmanuensisError):
    """A feature needs an optional dependency; the message says which command installs it."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an extra: pip install 'amanuensis[{extra}]'")
        self.extra = extra

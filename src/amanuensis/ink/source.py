"""The bytes of a file of strokes, no more than a formula can need."""

from __future__ import annotations

from pathlib import Path

from amanuensis.errors import DataError

MAX_BYTES = 16_000_000  # the largest InkML file of CROHME is a twentieth of it


def read_source(source: Path | str | bytes, *, kind: str) -> tuple[str, bytes]:
    """What to call the source in messages, and its bytes.

    Args:
        source: a file, or the bytes of one.
        kind: what bytes are called, e.g. "InkML".

    Raises:
        DataError: naming the source: it cannot be read, or is larger than 16 MB.
    """
    if isinstance(source, bytes):
        name, data = f"{kind} bytes", source
    else:
        name = str(source)
        try:
            with Path(source).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{name}: cannot be read: {reason}") from error
    if len(data) > MAX_BYTES:
        raise DataError(f"{name}: larger than {MAX_BYTES // 1_000_000} MB: no {kind} of a formula")
    return name, data

"""Who read a page, with what, and when: written into every format that has a place for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime

from amanuensis import __version__
from amanuensis.errors import DataError

SOFTWARE = "amanuensis"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a reading.

    Attributes:
        model: the name of the model, or of several.
        when: in UTC; one moment for a whole run, so that what is written does not depend on how it was cut up.
        version: of this software.
    """

    model: str
    when: datetime
    version: str = __version__

    @property
    def software(self) -> str:
        """Name and version."""
        return f"{SOFTWARE} {self.version}"

    @property
    def timestamp(self) -> str:
        """As XML's dateTime, in UTC."""
        return self.when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of_run() -> datetime:
    """Now; or what SOURCE_DATE_EPOCH says, for builds that are to be the same byte for byte.

    Raises:
        DataError: SOURCE_DATE_EPOCH is no count of seconds.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return datetime.fromtimestamp(int(given), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise DataError(f"SOURCE_DATE_EPOCH is {given[:40]!r}; seconds since 1970 are needed") from error

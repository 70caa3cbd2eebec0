"""What every finder of lines gives, and what a finder is (our addition)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from amanuensis.pages.segment_ink import Grey
from amanuensis.records import Points


@dataclass(frozen=True, slots=True)
class FoundLine:
    """Where a line stands, in pixels of the page's image; one of the two may be () where a finder gives none."""

    polygon: Points
    baseline: Points


@dataclass(frozen=True, slots=True)
class FoundLines:
    """What a finder found on a page.

    Attributes:
        lines: in no order.
        num_left_out: marks that were taken for specks, or for writing that runs up or down: nothing is dropped unsaid.
    """

    lines: tuple[FoundLine, ...]
    num_left_out: int = 0


class LineFinder(Protocol):
    """Whatever finds lines."""

    @property
    def name(self) -> str:
        """As results and page files record it."""

    def find(self, grey: Grey) -> FoundLines:
        """The lines of a page (H, W), in its pixels; a page without writing has none."""

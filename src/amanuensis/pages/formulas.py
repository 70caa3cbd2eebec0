"""Formulas on pages: what their file marks as such is read by a formula model, into LaTeX (our addition).

A region that is marked and has no lines is one picture; its reading becomes a line of its own. Words are not told:
LaTeX has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

from amanuensis.errors import AmanuensisError
from amanuensis.records import Page, Reading, Region, TextLine

NEEDS_MODEL = "a formula: a model that reads formulas is needed (--formulas MODEL)"


class FormulaReader(Protocol):
    """What reads pictures of formulas: a `FormulaRecognizer`."""

    def read_each(self, images: Iterable[Any], *, load: Any = ...) -> Iterator[Reading | AmanuensisError]:
        """For every picture, in order, its reading or what is wrong with it."""


def with_formula_lines(page: Page) -> Page:
    """The page with a line in every formula region that has none: what stands there is read as one."""
    taken = {line.id for line in page.lines}
    return replace(page, regions=tuple(_with_line(region, taken) for region in page.regions))


def _with_line(region: Region, taken: set[str]) -> Region:
    if not region.is_formula or region.lines:
        return region
    name = f"{region.id}_formula"
    while name in taken:
        name += "_"
    taken.add(name)
    return replace(region, lines=(TextLine(name, region.polygon, is_formula=True),))

"""Finding the lines of a page: the finders by name, and what turns their lines into a page (our addition).

`classical` needs nothing but the core; `detector` is a network from the extra `pages`, which sees what is writing and
what is a stamp, a frame or a stain. Both mark the cores of lines (see `segment_cores`); joining, outlines and baselines
are the same. `kraken` is another program that is run, if it is installed. Order is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from amanuensis.errors import DataError
from amanuensis.pages.order import Block, blocks_in_order
from amanuensis.pages.segment_barriers import Barriers
from amanuensis.pages.segment_classical import core_pieces
from amanuensis.pages.segment_cores import Core
from amanuensis.pages.segment_detector import Detector, detector_file
from amanuensis.pages.segment_found import FoundLine, FoundLines, LineFinder
from amanuensis.pages.segment_ink import Grey, Mask, page_ink
from amanuensis.pages.segment_joining import join_pieces, without_specks
from amanuensis.pages.segment_kraken import KrakenFinder
from amanuensis.pages.segment_outlines import outlines
from amanuensis.pages.segment_regions import homes_of
from amanuensis.records import Page, Points, Region, TextLine

FINDERS = ("auto", "classical", "detector", "kraken")
"""What `line_finder` knows by name; auto is the detector where it is installed, and never kraken."""

LONG_SIDE = 1600
"""Pixels that a page's longer side is brought to for finding lines: more shows no more of them, and takes longer.

Smaller pages stay as they are.
"""


@dataclass(frozen=True, slots=True)
class CoreFinder:
    """Finds lines by their cores.

    Attributes:
        name: of the method.
        pieces: gives the cores of pieces of lines in a small page and its ink (H, W each), in their pixels.
    """

    name: str
    pieces: Callable[[Grey, Mask], list[Core]]

    def find(self, grey: Grey) -> FoundLines:
        """The lines of a page; see `LineFinder`."""
        scale = min(1.0, LONG_SIDE / max(grey.shape))
        small = _reduced(grey, scale)
        ink = page_ink(small)
        barriers = Barriers(ink.strokes)
        pieces = without_specks(barriers.cut(self.pieces(small, ink.writing)))
        found = outlines(join_pieces(pieces.kept, barriers), ink.writing)
        return FoundLines(
            tuple(
                FoundLine(_points(one.polygon, scale, grey.shape), _points(one.baseline, scale, grey.shape))
                for one in found
            ),
            pieces.num_left_out,
        )


def line_finder(name: str = "auto", *, threads: int = 1) -> LineFinder:
    """The finder of that name, one of `FINDERS`.

    Args:
        name: auto takes the detector where the extra `pages` is installed.
        threads: CPU threads that the detector or kraken may use.

    Raises:
        DataError: there is no such finder.
        MissingExtraError: the detector is asked for, and not installed.
        ProgramError: kraken is asked for, and not installed.
    """
    if name not in FINDERS:
        raise DataError(f"no line finder is called {name!r}; there are {', '.join(FINDERS)}")
    if name == "classical" or (name == "auto" and detector_file() is None):
        return CoreFinder("classical", lambda small, ink: core_pieces(ink))
    if name == "kraken":
        return KrakenFinder.installed(threads=threads)
    detector = Detector(threads=threads)
    return CoreFinder("detector", lambda small, ink: detector.pieces(small))


def segment(page: Page, grey: Grey, finder: LineFinder) -> Page:
    """The page with the lines that are found on it, in regions and in reading order.

    Regions of text that the page has keep their place, order and kind, and take the lines that lie in them; lines
    outside get regions of their own, after them. A region of a formula is read as one picture: what is found in it is
    no line. On a page without regions all are new.

    Args:
        page: without lines; its size must be that of `grey`.
        grey: (H, W), its picture.
        finder: what finds the lines.

    Raises:
        ProgramError: kraken fails on this page.
    """
    found = finder.find(grey)
    homes = homes_of(found.lines, page.regions)
    outside = [line for line, home in zip(found.lines, homes, strict=True) if home is None]
    numbers = iter(range(1, len(found.lines) + 1))
    given = [
        region if region.is_formula else replace(region, lines=_in_order(_of(found.lines, homes, i), numbers))
        for i, region in enumerate(page.regions)
    ]
    added = _new_regions(outside, numbers, taken={region.id for region in page.regions})
    remarks = _remarks(found, len(outside) if page.regions else 0)
    return replace(page, regions=(*given, *added), remarks=(*page.remarks, *remarks))


def _of(lines: Sequence[FoundLine], homes: Sequence[int | None], region: int) -> list[FoundLine]:
    return [line for line, home in zip(lines, homes, strict=True) if home == region]


def _in_order(lines: Sequence[FoundLine], numbers: Iterator[int]) -> tuple[TextLine, ...]:
    """The lines of a region, in reading order."""
    return tuple(_text_line(lines[i], numbers) for block in _blocks(lines) for i in block.lines)


def _new_regions(lines: Sequence[FoundLine], numbers: Iterator[int], *, taken: Set[str]) -> list[Region]:
    """Regions for lines that are in none, in reading order."""
    names = (name for n in count(1) if (name := f"region_{n}") not in taken)
    return [
        Region(
            next(names),
            _box([lines[i].polygon or lines[i].baseline for i in block.lines]),
            tuple(_text_line(lines[i], numbers) for i in block.lines),
            kind=block.kind,
        )
        for block in _blocks(lines)
    ]


def _blocks(lines: Sequence[FoundLine]) -> list[Block]:
    return blocks_in_order([(line.polygon, line.baseline) for line in lines])


def _text_line(line: FoundLine, numbers: Iterator[int]) -> TextLine:
    return TextLine(f"line_{next(numbers)}", line.polygon, line.baseline)


def _remarks(found: FoundLines, outside: int) -> tuple[str, ...]:
    if not found.lines:
        return ("no line was found",)
    remarks = []
    if found.num_left_out:
        marks = "1 mark was" if found.num_left_out == 1 else f"{found.num_left_out} marks were"
        remarks.append(f"{marks} taken for no line: specks, or writing that runs up or down")
    if outside:
        stand = "1 line stands" if outside == 1 else f"{outside} lines stand"
        remarks.append(f"{stand} outside of the regions that the file gives")
    return tuple(remarks)


def _reduced(grey: Grey, scale: float) -> Grey:
    if scale == 1.0:
        return grey
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    return np.asarray(Image.fromarray(grey).resize((width, height), Image.Resampling.BOX))


def _points(points: NDArray[np.float64], scale: float, shape: tuple[int, ...]) -> Points:
    """In whole pixels of the page: 0, 0 is the middle of the first; what repeats the point before it is left out."""
    limits = np.array([shape[1] - 1, shape[0] - 1])
    whole = np.clip(np.rint((points + 0.5) / scale - 0.5), 0, limits).astype(int).tolist()
    return tuple((x, y) for i, (x, y) in enumerate(whole) if i == 0 or whole[i - 1] != [x, y])


def _box(polygons: Sequence[Points]) -> Points:
    """The corners of the smallest upright box about polygons."""
    xs = [x for polygon in polygons for x, _ in polygon]
    ys = [y for polygon in polygons for _, y in polygon]
    return ((min(xs), min(ys)), (max(xs), min(ys)), (max(xs), max(ys)), (min(xs), max(ys)))

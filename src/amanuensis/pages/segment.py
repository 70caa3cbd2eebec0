"""Finding the lines of a page: the finders by name, and what turns their lines into a page (our addition).

`classical` needs nothing but the core; `detector` is a network from the extra `pages`, which sees what is writing and
what is a stamp, a frame or a stain. Both mark the cores of lines (see `segment_cores`); joining, outlines and baselines
are the same. `kraken` is another program that is run, if it is installed. Order is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from amanuensis.errors import DataError
from amanuensis.pages.order import blocks_in_order
from amanuensis.pages.segment_barriers import Barriers
from amanuensis.pages.segment_classical import core_pieces
from amanuensis.pages.segment_cores import Core
from amanuensis.pages.segment_detector import Detector, detector_file
from amanuensis.pages.segment_found import FoundLine, FoundLines, LineFinder
from amanuensis.pages.segment_ink import Grey, Mask, page_ink
from amanuensis.pages.segment_joining import join_pieces, without_specks
from amanuensis.pages.segment_kraken import KrakenFinder
from amanuensis.pages.segment_outlines import outlines
from amanuensis.records import Page, Points, Region, TextLine

FINDERS = ("auto", "classical", "detector", "kraken")
"""What `line_finder` knows by name; auto is the detector where it is installed, and never kraken."""

LONG_SIDE = 1600
"""Pixels that a page's longer side is brought to for finding lines; smaller pages stay as they are."""


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
    """The page with the lines that are found on it, in regions and in reading order; what it had is replaced.

    Args:
        page: of which the size must be that of `grey`.
        grey: (H, W), its picture.
        finder: what finds the lines.

    Raises:
        ProgramError: kraken fails on this page.
    """
    found = finder.find(grey)
    blocks = blocks_in_order([(line.polygon, line.baseline) for line in found.lines])
    numbers = iter(range(1, len(found.lines) + 1))
    regions = tuple(
        Region(
            f"region_{number}",
            _box([found.lines[i].polygon or found.lines[i].baseline for i in block.lines]),
            tuple(
                TextLine(f"line_{next(numbers)}", found.lines[i].polygon, found.lines[i].baseline)
                for i in block.lines
            ),
            kind=block.kind,
        )
        for number, block in enumerate(blocks, start=1)
    )
    return replace(page, regions=regions, remarks=(*page.remarks, *_remarks(found)))


def _remarks(found: FoundLines) -> tuple[str, ...]:
    if not found.lines:
        return ("no line was found",)
    if not found.num_left_out:
        return ()
    marks = "1 mark was" if found.num_left_out == 1 else f"{found.num_left_out} marks were"
    return (f"{marks} taken for no line: specks, or writing that runs up or down",)


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

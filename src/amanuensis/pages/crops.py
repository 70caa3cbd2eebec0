"""Lines cut out of their page: along the polygon, else about the baseline, else as a box; never none.

As the line images of public data sets were cut that the shipped models learned from: what lies outside of the outline
gets the page's median grey, and a line that slopes is turned level. Our addition: every crop knows the way back to its
page, and an outline that is none (a sliver, a point, outside of the image) is replaced and not dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from amanuensis.errors import AmanuensisError, ImageError
from amanuensis.pages.coordinates import box_of, clip, rectangle, twice_area
from amanuensis.records import Page, Points, Region, TextLine

Outline = Literal["polygon", "baseline", "box"]

_LEVEL = math.radians(1.0)  # a smaller slope is left: turning blurs
_THINNEST = 4  # pixels; less is no line
_ABOVE, _BELOW = 0.75, 0.3  # of the line height, about the baseline
_SHARE_OF_PAGE = 0.025  # the height of a line on a page that tells nothing better


@dataclass(frozen=True, slots=True, eq=False)
class LineCrop:
    """A line's picture, and where it was.

    Attributes:
        grey: (H, W) uint8.
        inside: (H, W) True within the outline.
        to_page: (2, 3) so that `to_page @ (x, y, 1)` is the place on the page of the crop's pixel x, y.
        outline: what it was cut along.
    """

    grey: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    to_page: NDArray[np.float64]
    outline: Outline


class LineCutter:
    """Cuts lines out of one page.

    Args:
        grey: (H, W) the page's picture.
        page: its lines; the height of those that have no outline is that of the others.
    """

    def __init__(self, grey: NDArray[np.uint8], page: Page) -> None:
        self._page = page
        self._image = Image.fromarray(np.ascontiguousarray(grey))
        counts = np.cumsum(self._image.histogram())
        self._paper = int(np.searchsorted(counts, grey.size / 2))
        self._outlines = _Outlines(page, self._image.size)

    def cut_all(self) -> Iterator[tuple[TextLine, LineCrop | AmanuensisError]]:
        """Every line of the page in reading order with its picture, or with why it has none."""
        for region in self._page.regions:
            for line in region.lines:
                try:
                    yield line, self.cut(line, region)
                except ImageError as error:
                    yield line, error

    def cut(self, line: TextLine, region: Region | None = None) -> LineCrop:
        """The picture of a line.

        Args:
            line: what to cut.
            region: where it stands; its outline serves a line that has none and is alone in it.

        Raises:
            ImageError: the line has neither outline nor baseline.
        """
        outline, points = self._outlines.of(line, region)
        return self._cut_along(points, _slope(line.baseline), outline)

    def _cut_along(self, points: Points, slope: float, outline: Outline) -> LineCrop:
        turned = _turned(points, slope if abs(slope) >= _LEVEL else 0.0)
        grey = np.array(self._sampled(turned))
        inside = _filled(turned.polygon, grey.shape)
        grey[~inside] = self._paper
        return LineCrop(grey, inside, turned.to_page, outline)

    def _sampled(self, turned: _Turned) -> Image.Image:
        """The page seen through the crop's frame: copied where it is upright, else interpolated."""
        (a, b, x), (c, d, y) = turned.to_page.tolist()
        width, height = turned.size
        if not b:
            return self._image.crop((round(x), round(y), round(x) + width, round(y) + height))
        # Pillow's coordinates have pixels' centers at one half.
        coefficients = (a, b, x + 0.5 - (a + b) / 2, c, d, y + 0.5 - (c + d) / 2)
        return self._image.transform(
            turned.size,
            Image.Transform.AFFINE,
            coefficients,
            Image.Resampling.BICUBIC,
            fillcolor=self._paper,
        )


class _Outlines:
    """What the lines of a page are cut along, in a picture of a size (width, height)."""

    def __init__(self, page: Page, size: tuple[int, int]) -> None:
        self._name = page.id
        self._size = size
        self._line_height = line_height(page)

    def of(self, line: TextLine, region: Region | None) -> tuple[Outline, Points]:
        polygon, baseline = self.on_page(line.polygon), self.on_page(line.baseline)
        if _is_outline(polygon):
            return "polygon", polygon
        if len(baseline) > 1:
            envelope = self.on_page(_envelope(baseline, self._line_height))
            if _is_outline(envelope):
                return "baseline", envelope
        points = polygon or baseline
        if not points and region is not None and len(region.lines) == 1:
            points = self.on_page(region.polygon)
        if not points:
            raise ImageError(f"{self._name}: line {line.id} has neither outline nor baseline")
        return "box", self.on_page(self._widened(points))

    def on_page(self, points: Points) -> Points:
        return clip(points, *self._size)

    def _widened(self, points: Points) -> Points:
        """The box about points, at least as high as a line, and as wide as high."""
        left, top, right, bottom = box_of(points)
        across, down = (
            math.ceil(max(0.0, self._line_height - size) / 2) for size in (right - left, bottom - top)
        )
        return rectangle((left - across, top - down, right + across, bottom + down))


def with_outlines(page: Page) -> Page:
    """The page with outlines for its lines that have none, the very ones that they are cut along.

    Found lines can then be compared with them. A line that cannot be cut stays as it is.
    """
    outlines = _Outlines(page, (page.width, page.height))

    def filled(line: TextLine, region: Region) -> TextLine:
        if _is_outline(line.polygon):
            return line
        try:
            return replace(line, polygon=outlines.of(line, region)[1])
        except ImageError:
            return line

    return replace(
        page,
        regions=tuple(
            replace(region, lines=tuple(filled(line, region) for line in region.lines))
            for region in page.regions
        ),
    )


def line_height(page: Page) -> float:
    """The usual height of the page's lines in pixels: of their outlines; else the distance of baselines; else a guess.

    An outline's height is its area over its length: it may be bent or lean.
    """
    outlined = [line.polygon for line in page.lines if _is_outline(line.polygon)]
    if outlined:
        return float(np.median([twice_area(points) / 2 / _length(points) for points in outlined]))
    middles = [np.mean(line.baseline, axis=0)[1] for line in page.lines if line.baseline]
    steps = [step for step in np.diff(np.sort(middles)).tolist() if step >= _THINNEST]
    return float(np.median(steps)) if steps else max(float(_THINNEST), _SHARE_OF_PAGE * page.height)


def _length(points: Points) -> int:
    left, top, right, bottom = box_of(points)
    return max(right - left, bottom - top)


def _is_outline(points: Points) -> bool:
    """Whether points enclose enough to be a line."""
    if len(points) < 3:
        return False
    left, top, right, bottom = box_of(points)
    large = min(right - left, bottom - top) >= _THINNEST
    return large and twice_area(points) >= _THINNEST * _length(points)


def _slope(baseline: Points) -> float:
    """The angle of a baseline in radians, from its one end to the other.

    One that runs leftwards is read backwards; one that runs rather up or down is taken as it runs.
    """
    if len(baseline) < 2:
        return 0.0
    (x, y), (end_x, end_y) = baseline[0], baseline[-1]
    if end_x < x and x - end_x >= abs(end_y - y):
        x, y, end_x, end_y = end_x, end_y, x, y
    return math.atan2(end_y - y, end_x - x)


def _envelope(baseline: Points, height: float) -> Points:
    """A band about a baseline: what is above and below it, at right angles to its slope."""
    slope = _slope(baseline)
    up, right = (math.sin(slope), -math.cos(slope)), (math.cos(slope), math.sin(slope))
    points = sorted(baseline, key=lambda point: point[0] * right[0] + point[1] * right[1])
    above = [(x + up[0] * height * _ABOVE, y + up[1] * height * _ABOVE) for x, y in points]
    below = [(x - up[0] * height * _BELOW, y - up[1] * height * _BELOW) for x, y in reversed(points)]
    return tuple((round(x), round(y)) for x, y in above + below)


@dataclass(frozen=True, slots=True, eq=False)
class _Turned:
    """A frame about a polygon, level with its line: the polygon in it, its size, the way to the page."""

    polygon: list[tuple[float, float]]
    size: tuple[int, int]
    to_page: NDArray[np.float64]


def _turned(points: Points, slope: float) -> _Turned:
    along = np.array([math.cos(slope), math.sin(slope)])
    across = np.array([-along[1], along[0]])
    axes = np.stack([along, across])
    turned = np.array(points, dtype=np.float64) @ axes.T
    corner = np.floor(turned.min(axis=0) + 1e-6)
    size = np.ceil(turned.max(axis=0) - corner - 1e-6).astype(int) + 1
    to_page = np.column_stack([axes.T, axes.T @ corner])
    polygon = [(float(x), float(y)) for x, y in turned - corner]
    return _Turned(polygon, (int(size[0]), int(size[1])), to_page)


def _filled(polygon: list[tuple[float, float]], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = Image.new("1", (shape[1], shape[0]))
    ImageDraw.Draw(mask).polygon(polygon, fill=1, outline=1)
    return np.array(mask)

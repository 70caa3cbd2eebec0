"""A page to be read: what is known of it, and its picture, which stays in its file until it is needed.

Sources are plain data, so that other processes can open them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from amanuensis.errors import AmanuensisError, DataError, ImageError, MissingImageError
from amanuensis.images import image_resolution, image_size, load_image
from amanuensis.images.load import MAX_PIXELS
from amanuensis.pages.image_names import find_image
from amanuensis.records import Page, TextLine

MAX_PAGES = 10_000
"""Of one file."""

_SAME_SHAPE = 0.01  # relative difference of the scales in x and y that rounding explains


class Picture(Protocol):
    """The picture of one page."""

    def file(self) -> Path:
        """The file that it lies in.

        Raises:
            ImageError: it is not there.
        """

    def size(self) -> tuple[int, int]:
        """Width and height in pixels, without decoding it.

        Raises:
            ImageError: it cannot be opened.
        """

    def load(self) -> NDArray[np.uint8]:
        """(H, W) grey, upright.

        Raises:
            ImageError: it cannot be read.
        """

    def resolution(self) -> float | None:
        """Pixels per inch; None where the file does not say, or says what no scanner does."""


@dataclass(frozen=True, slots=True)
class ImagePicture:
    """A picture in an image file, or frame `frame` of a TIFF, counted from 0."""

    path: Path
    frame: int = 0

    def file(self) -> Path:
        """The image file."""
        return self.path

    def size(self) -> tuple[int, int]:
        """Width and height in pixels; see `Picture`."""
        return image_size(self.path, frame=self.frame)

    def load(self) -> NDArray[np.uint8]:
        """(H, W) grey; see `Picture`."""
        return load_image(self.path, frame=self.frame)

    def resolution(self) -> float | None:
        """Pixels per inch; see `Picture`."""
        return image_resolution(self.path)


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture that a page file names, found when it is needed: a page without its image is one failure."""

    page_file: Path
    name: str
    frame: int = 0

    def size(self) -> tuple[int, int]:
        """Width and height in pixels; see `Picture`."""
        return image_size(self.file(), frame=self.frame)

    def load(self) -> NDArray[np.uint8]:
        """(H, W) grey; see `Picture`."""
        return load_image(self.file(), frame=self.frame)

    def file(self) -> Path:
        """Where it lies; see `Picture`."""
        return find_image(self.page_file, self.name)

    def resolution(self) -> float | None:
        """Pixels per inch; see `Picture`."""
        return image_resolution(self.file())


@dataclass(frozen=True, slots=True)
class PageSource:
    """A page to be read.

    Attributes:
        page: what its file says: regions and lines where it is PAGE or ALTO. Its size is 0 x 0 where the picture
            could not be opened; loading it says why.
        picture: its picture.
        given: the PAGE or ALTO file that it came from, to be updated in place; None for bare pictures.
        form: "page" or "alto", what that file is; "" for bare pictures.
    """

    page: Page
    picture: Picture
    given: Path | None = None
    form: Literal["page", "alto", ""] = ""

    @property
    def name(self) -> str:
        """For messages: the file, with the page's number (from 1) where it has several."""
        return f"{self.page.source}[{self.page.frame + 1}]" if self.page.frame else self.page.source

    def files(self) -> tuple[Path, ...]:
        """The files that it comes from: its own, and that of its picture where that is another one.

        Of a picture that is not there, what will have changed when it comes, see `MissingImageError`.
        """
        own = Path(self.page.source)
        try:
            picture = self.picture.file()
        except MissingImageError as error:
            return (own, *error.awaited)
        except AmanuensisError:
            return (own,)
        return (own,) if picture == own else (own, picture)

    def in_place(self, page: Page) -> Page | None:
        """The page, read, with the lines of its file and no others; None where others were read or found.

        What was added for a formula that nobody read is left out: the file would lose all else for it.
        """
        given = {line.id for line in self.page.lines}
        regions = tuple(
            replace(
                region,
                lines=tuple(
                    line for line in region.lines if line.id in given or not _is_unread_formula(line)
                ),
            )
            for region in page.regions
        )
        kept = replace(page, regions=regions)
        return kept if {line.id for line in kept.lines} == given else None

    def load(self) -> NDArray[np.uint8]:
        """The picture in the size that the page file gives, so that its coordinates fit: (H, W) grey.

        A picture that is the same page in another resolution is brought to that size.

        Raises:
            ImageError: it cannot be read, or is of another shape: not the picture that the file was made for.
        """
        grey = self.picture.load()
        height, width = grey.shape
        wanted = (self.page.width, self.page.height)
        if (width, height) == wanted or 0 in wanted:
            return grey
        if not is_same_shape((width, height), wanted):
            raise ImageError(
                f"{self.name}: made for an image of {wanted[0]} x {wanted[1]} pixels, but {self.page.image} has "
                f"{width} x {height}: the lines would be cut in wrong places"
            )
        return np.array(Image.fromarray(grey).resize(wanted, Image.Resampling.LANCZOS))


def _is_unread_formula(line: TextLine) -> bool:
    return line.is_formula and line.reading is None


def is_same_shape(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes (width, height) differ by scale alone."""
    across, down = size[0] / other[0], size[1] / other[1]
    return abs(across - down) <= _SAME_SHAPE * max(across, down)


def size_or_nothing(picture: Picture) -> tuple[int, int]:
    """The picture's size, or 0 x 0 where it cannot be opened: its page is still counted."""
    try:
        return picture.size()
    except AmanuensisError:
        return 0, 0


def page_size(given: tuple[float, float], picture: Picture, where: str) -> tuple[int, int]:
    """Width and height of a page in pixels: as its file gives them; where it gives none, as its picture has them.

    Raises:
        DataError: it is larger than any picture may be, and its picture would be brought to that size.
    """
    width, height = (round(side) for side in given)
    if not (width and height):
        return size_or_nothing(picture)
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{where}: a page of {given[0]:g} x {given[1]:g} is more than {MAX_PIXELS // 1_000_000} million pixels"
        )
    return width, height


def page_id(path: Path, frame: int, total: int) -> str:
    """What a page of a file is called: its stem; with the page's number where it has several."""
    return path.stem if total == 1 else f"{path.stem}-{frame + 1:04}"


def picture_name(name: str) -> str:
    """How page files call the picture of a page that has no image file of its own: as the format png writes it.

    A page file cannot name a frame of a TIFF or a page of a PDF; naming the whole file would show its first page.
    """
    return f"{name}.png"


def check_num_pages(total: int, path: Path) -> None:
    """Refuse files of no page, or of more than `MAX_PAGES`.

    Raises:
        DataError: it is one.
    """
    if not 1 <= total <= MAX_PAGES:
        raise DataError(f"{path}: {total} pages; 1 to {MAX_PAGES:,} are read from one file")

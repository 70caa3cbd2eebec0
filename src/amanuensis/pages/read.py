"""Pages from files: images, PDF, PAGE, ALTO, IIIF manifests. What it is, a look at the file's beginning tells.

Nothing is fetched. A file that cannot be read as a whole is an error here; a page whose picture is missing or broken is
given like any other, and is an error when it is loaded: so pages are counted before they fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from amanuensis.errors import DataError
from amanuensis.images import frame_sizes
from amanuensis.pages.alto_xml import image_name, is_alto, read_alto_xml
from amanuensis.pages.iiif import read_manifest
from amanuensis.pages.image_names import checked_name
from amanuensis.pages.page_xml import is_page, read_page_xml
from amanuensis.pages.pdf import read_pdf, read_pdf_page
from amanuensis.pages.sources import (
    ImagePicture,
    NamedPicture,
    PageSource,
    check_num_pages,
    page_id,
    picture_name,
)
from amanuensis.pages.xml_files import parse_page_file, read_bytes
from amanuensis.records import Page

_LOOKED_AT = 1024  # bytes at the beginning, as PDF readers do
_PDF = b"%PDF-"
_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe<\0", b"\xfe\xff\0<")  # XML of that encoding, which is refused by name


def read(path: Path | str) -> Iterator[PageSource]:
    """The pages of a file, in order.

    Args:
        path: an image (each frame of a TIFF is a page), a PDF, a PAGE or ALTO file whose image lies beside it, or a
            IIIF presentation manifest (version 2 or 3) whose images lie beside it.

    Raises:
        DataError: the file is none of these, is broken, or names images outside of its folder.
        ImageError: the image cannot be opened, or is needed to tell what the millimeters of an ALTO file are.
        MissingExtraError: a PDF, and the extra `pages` is not installed.
    """
    path = Path(path)
    beginning = _beginning(path)
    if _PDF in beginning:
        yield from read_pdf(path)
    elif _looks_like_xml(beginning):
        yield from _read_xml(path)
    elif beginning.removeprefix(_MARK).lstrip().startswith(b"{"):
        yield from read_manifest(path)
    else:
        yield from _read_images(path)


def read_one(path: Path | str, number: int) -> PageSource:
    """One page of a file, without a look at the other pages where the format allows it.

    Args:
        path: as `read` takes it.
        number: which page, counted from 0.

    Raises:
        DataError, ImageError, MissingExtraError: as `read`, or there is no such page.
    """
    path = Path(path)
    if _PDF in _beginning(path):
        return read_pdf_page(path, number)
    source = next(islice(read(path), number, None), None)
    if source is None:
        raise DataError(f"{path}: there is no page {number + 1}")
    return source


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LOOKED_AT)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def is_page_file(path: Path) -> bool:
    """Whether an XML file is PAGE or ALTO, of any version.

    Raises:
        DataError: it cannot be read, or is broken.
    """
    root = parse_page_file(read_bytes(path), str(path))
    return is_page(root) or is_alto(root)


def _looks_like_xml(beginning: bytes) -> bool:
    return beginning.startswith(_UTF_16) or beginning.removeprefix(_MARK).lstrip().startswith(b"<")


def _read_images(path: Path) -> Iterator[PageSource]:
    sizes = frame_sizes(path)
    check_num_pages(len(sizes), path)
    for frame, (width, height) in enumerate(sizes):
        name = page_id(path, frame, len(sizes))
        image = path.name if len(sizes) == 1 else picture_name(name)
        page = Page(name, image, width, height, source=str(path), frame=frame)
        yield PageSource(page, ImagePicture(path, frame))


def _read_xml(path: Path) -> Iterator[PageSource]:
    root = parse_page_file(read_bytes(path), str(path))
    if is_page(root):
        page = read_page_xml(root, path)
        checked_name(page.image, str(path))
        yield PageSource(page, NamedPicture(path, page.image), path, "page")
    elif is_alto(root):
        checked_name(image_name(root) or path.stem, str(path))
        for page in read_alto_xml(root, path):
            yield PageSource(page, NamedPicture(path, page.image, page.frame), path, "alto")
    else:
        raise DataError(f"{path}: XML, but neither PAGE nor ALTO: its root is {root.tag[:80]}")

"""IIIF presentation manifests (versions 2 and 3) from a local file; their images lie beside it. Nothing is fetched.

A canvas names its image by an address. Here the last telling part of it is looked for as a file: of an image
service .../iiif/2/ms1%2F0001r.jp2/full/full/0/default.jpg that is 0001r. Where it is not there, the canvas's label
is tried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from amanuensis.errors import DataError, ImageError, MissingImageError
from amanuensis.images import image_resolution, image_size, load_image
from amanuensis.pages.image_names import IMAGE_SUFFIXES, is_there
from amanuensis.pages.sources import PageSource, check_num_pages, size_or_nothing
from amanuensis.pages.xml_files import read_bytes
from amanuensis.records import Page

# What the Image API appends to an image's identifier: region/size/rotation/quality.format
_REQUEST = re.compile(
    r"/(full|square|pct:[^/]+|\d+(,\d+)*)/[^/]+/!?[\d.]+/(default|native|color|gray|bitonal)\.\w+$"
)
_NO_FILE_NAME = re.compile(r"[\\/\0:]|^\.*$")
_LONGEST = 255  # bytes of a file's name


@dataclass(frozen=True, slots=True)
class CanvasPicture:
    """The image of a canvas.

    Attributes:
        manifest: the manifest's file; images are looked for in its folder and in a folder `images` there.
        names: what its file may be called, without suffix or with one, the likeliest first.
    """

    manifest: Path
    names: tuple[str, ...]

    def size(self) -> tuple[int, int]:
        """Width and height in pixels; see `Picture`."""
        return image_size(self.file())

    def load(self) -> NDArray[np.uint8]:
        """(H, W) grey; see `Picture`."""
        return load_image(self.file())

    def resolution(self) -> float | None:
        """Pixels per inch; see `Picture`."""
        return image_resolution(self.file())

    def file(self) -> Path:
        """Where it lies; see `Picture`."""
        folders = (self.manifest.parent, self.manifest.parent / "images")
        for name in self.names:
            for folder in folders:
                for suffix in ("", *IMAGE_SUFFIXES):
                    path = folder / f"{name}{suffix}"
                    if path != self.manifest and is_there(path):
                        return path
        raise MissingImageError(
            f"{self.manifest}: no image of a canvas lies beside it; looked for {' or '.join(self.names) or 'nothing'}",
            folders,
        )


def read_manifest(path: Path) -> Iterator[PageSource]:
    """The canvases of a manifest, in order.

    Raises:
        DataError: it is no JSON, no manifest, or has no canvas.
    """
    try:
        manifest = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: broken JSON: {error}") from error
    canvases = _canvases(manifest)
    if canvases is None:
        raise DataError(f"{path}: JSON, but no IIIF presentation manifest of version 2 or 3")
    check_num_pages(len(canvases), path)
    for frame, canvas in enumerate(canvases):
        picture = CanvasPicture(path, _file_names(canvas))
        width, height = size_or_nothing(picture)
        name = f"{path.stem}-{frame + 1:04}"
        yield PageSource(
            Page(name, _image_name(picture), width, height, source=str(path), frame=frame), picture
        )


def _canvases(manifest: Any) -> list[dict[str, Any]] | None:
    """The canvases of either version; None where it is no manifest."""
    if not isinstance(manifest, dict):
        return None
    if manifest.get("type") == "Manifest":
        return _records(manifest.get("items"))
    if manifest.get("@type") == "sc:Manifest":
        sequences = _records(manifest.get("sequences"))
        return _records(sequences[0].get("canvases")) if sequences else []
    return None


def _records(value: Any) -> list[dict[str, Any]]:
    """The JSON objects of an array, or the one that stands in its place."""
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, dict)]


def _bodies(canvas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The images that are painted on a canvas, of either version."""
    for annotation in _records(canvas.get("images")):
        yield from _records(annotation.get("resource"))
    for page in _records(canvas.get("items")):
        for annotation in _records(page.get("items")):
            yield from _records(annotation.get("body"))


def _addresses(canvas: dict[str, Any]) -> Iterator[str]:
    """The services' addresses before the images': they end in the identifier."""
    bodies = list(_bodies(canvas))
    records = [service for body in bodies for service in _records(body.get("service"))] + bodies
    for record in records:
        address = record.get("id", record.get("@id"))
        if isinstance(address, str):
            yield address


def _file_names(canvas: dict[str, Any]) -> tuple[str, ...]:
    """What the image's file may be called: mere names, without any folder."""
    names = []
    for address in _addresses(canvas):
        with suppress(ValueError):  # what is no address names no file
            path = _REQUEST.sub("", urlsplit(address).path)
            names.append(unquote(path.rstrip("/").rpartition("/")[2]).rpartition("/")[2])
    names.append(_label(canvas.get("label")))
    with_stems = [form for name in names for form in (name, name.rpartition(".")[0])]
    return tuple(dict.fromkeys(name for name in with_stems if _may_be_file(name)))


def _may_be_file(name: str) -> bool:
    return not _NO_FILE_NAME.search(name) and len(name.encode(errors="replace")) <= _LONGEST


def _label(label: Any) -> str:
    """A label in its first language: a string in version 2, arrays by language in version 3."""
    if isinstance(label, dict):
        label = next(iter(label.values()), "")
    if isinstance(label, list):
        label = next(iter(label), "")
    return label if isinstance(label, str) else ""


def _image_name(picture: CanvasPicture) -> str:
    """Relative to the manifest; the likeliest name where the image is not there."""
    try:
        return picture.file().relative_to(picture.manifest.parent).as_posix()
    except ImageError:
        return next(iter(picture.names), "")

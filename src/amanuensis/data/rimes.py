"""RIMES, line task of ICDAR 2011: `training_2011.xml` and `eval_2011_annotated.xml`, boxes in page images.

`DocumentList > SinglePage[FileName] > Paragraph > Line[Left Top Right Bottom Value]`. The last tenth of the
training lines in file order is the validation split (paper, after the reader of HTR-Flor, D4), counted over
every line of the file, so that a missing image moves no other line.
"""

from __future__ import annotations

import html
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from amanuensis.data.dataset import Collector
from amanuensis.data.iam import images_by_stem
from amanuensis.data.xml import read_xml
from amanuensis.errors import DataError, ImageError
from amanuensis.images import load_image

TRAINING, EVALUATION = "training_2011.xml", "eval_2011_annotated.xml"


@dataclass(frozen=True, slots=True)
class Crop:
    """A box of a page image as an image of its own; coordinates in pixels, right and bottom exclusive."""

    path: Path
    box: tuple[int, int, int, int]

    @property
    def name(self) -> str:
        """The page and the box."""
        left, top, right, bottom = self.box
        return f"{self.path}[{left},{top},{right},{bottom}]"

    def read(self) -> bytes:
        """The box as a grey PNG.

        Raises:
            ImageError: the page cannot be read, or the box lies outside.
        """
        left, top, right, bottom = self.box
        encoded = io.BytesIO()
        line = _page(self.path)[top:bottom, left:right]
        if not line.size:
            raise ImageError(f"{self.name}: the box lies outside the page")
        Image.fromarray(line).save(encoded, "PNG", compress_level=1)
        return encoded.getvalue()


@lru_cache(maxsize=1)
def _page(path: Path) -> NDArray[np.uint8]:
    """A page, kept until the next one is read: its lines mostly follow one another."""
    return load_image(path)


def detect_rimes(path: Path) -> bool:
    """A folder with one of the two annotation files, as distributed or patched."""
    return any(_annotation(path, name) is not None for name in (TRAINING, EVALUATION))


def read_rimes(path: Path, collector: Collector) -> None:
    """Read both annotation files; one that is missing is named."""
    images = images_by_stem(path)
    for name in (TRAINING, EVALUATION):
        file = _annotation(path, name)
        if file is None:
            collector.problem(str(path / name), "the file is missing")
            continue
        try:
            lines = _lines(read_xml(file))
        except DataError as error:
            collector.problem(str(file), str(error).removeprefix(f"{file}: "))
            continue
        num_train = len(lines) * 9 // 10
        for number, (page, index, line) in enumerate(lines):
            split = "test" if name == EVALUATION else "train" if number < num_train else "val"
            _add(file, f"{page}-{index}", line, images, split, collector)


def _annotation(path: Path, name: str) -> Path | None:
    """The annotation file; Laia's patched one ("training_2011.patched.xml") goes before the original."""
    patched = path / name.replace(".xml", ".patched.xml")
    return next((file for file in (patched, path / name) if file.is_file()), None)


def _lines(root: Element) -> list[tuple[str, int, Element]]:
    """(page, number on the page, element) of every line in file order."""
    return [
        (PurePosixPath(page.get("FileName", "")).stem, index, line)
        for page in root.iter("SinglePage")
        for index, line in enumerate(page.iter("Line"))
    ]


def _add(
    file: Path, id_: str, line: Element, images: Mapping[str, Path], split: str, collector: Collector
) -> None:
    """Add one line. Boxes may stick out of the page on the left or top; the page's own edge cuts the rest."""
    where = f"{file}:{id_}"
    page = id_.rpartition("-")[0]
    try:
        left, top, right, bottom = (max(0, int(line.attrib[k])) for k in ("Left", "Top", "Right", "Bottom"))
    except (KeyError, ValueError):
        collector.problem(where, "the line's box is not given by four numbers")
        return
    if right <= left or bottom <= top:
        collector.problem(where, f"the line's box is empty: {left}-{right} x {top}-{bottom}")
        return
    if page not in images:
        collector.problem(where, f"the image of the page {page!r} is missing")
        return
    text = html.unescape(line.get("Value", ""))
    collector.add(where, id_, Crop(images[page], (left, top, right, bottom)), text, split=split, page=page)

"""Contact sheets and data sets of synthetic lines: to look at them, beside real ones, before training on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from amanuensis.data.synthetic import SyntheticLines
from amanuensis.errors import DataError
from amanuensis.images import load_image
from amanuensis.randomness import generator_for
from amanuensis.records import Sample

_GAP = 8  # pixels between lines
_MARGIN = 40  # pixels left of them, for their numbers


@dataclass(frozen=True, slots=True, eq=False)
class Exhibit:
    """A line on a contact sheet.

    Attributes:
        image: (H, W) uint8.
        text: its transcription.
        source: the key of a real line, "" for a synthetic one.
    """

    image: NDArray[np.uint8]
    text: str
    source: str = ""


def exhibits(
    lines: SyntheticLines, count: int, *, real: Sequence[Sample] = (), seed: int = 0, height: int = 64
) -> list[Exhibit]:
    """Synthetic lines of epoch 0; where there are real ones, as many of these among them at random.

    Args:
        lines: where the synthetic ones come from.
        count: of all lines; half of them are real if there are any real ones.
        real: to draw from.
        seed: of which real ones are drawn, and of the order.
        height: of the images in pixels: real lines are scaled to it.

    Raises:
        DataError: a synthetic line cannot be made.
        ImageError: a real image cannot be read.
    """
    rng = generator_for("contact sheet", seed)
    chosen = rng.permutation(len(real))[: count // 2].tolist()
    shown = [Exhibit(_scaled(real[i], height), real[i].text, real[i].key) for i in chosen]
    shown += [Exhibit(*lines.sample(0, index)) for index in range(count - len(shown))]
    return [shown[i] for i in rng.permutation(len(shown))] if real else shown


def _scaled(sample: Sample, height: int) -> NDArray[np.uint8]:
    """A real line at the height of the sheet."""
    image = Image.fromarray(load_image(sample.image))
    width = max(1, round(image.width * height / image.height))
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def contact_sheet(shown: Sequence[Exhibit]) -> Image.Image:
    """Lines one below the other, numbered from 1, on white."""
    if not shown:
        raise DataError("a contact sheet needs at least one line")
    row = max(exhibit.image.shape[0] for exhibit in shown) + _GAP
    width = max(exhibit.image.shape[1] for exhibit in shown)
    page = Image.new("L", (_MARGIN + width, row * len(shown)), 255)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(16)
    for number, exhibit in enumerate(shown):
        draw.text((6, row * number + row // 3), str(number + 1), fill=0, font=font)
        page.paste(Image.fromarray(exhibit.image), (_MARGIN, row * number))
    return page


def write_dataset(lines: SyntheticLines, folder: Path, count: int) -> None:
    """Writes the first lines of epoch 0 as a data set: `labels.tsv` beside `lines/`, all of the split train.

    `labels.tsv` is written last: a folder without it is of a run that did not end.

    Raises:
        DataError: the folder holds a data set already, or a line cannot be made.
        OSError: it cannot be written.
    """
    table = folder / "labels.tsv"
    if table.exists():
        raise DataError(f"{table}: is there already; name a new folder for synthetic lines")
    (folder / "lines").mkdir(parents=True, exist_ok=True)
    rows = ["image\ttext\tsplit\twriter"]
    for index in range(count):
        image, text = lines.sample(0, index)
        name = f"lines/{index:06d}.png"
        Image.fromarray(image).save(folder / name)
        rows.append(f"{name}\t{text}\ttrain\t")
    unfinished = folder / "labels.tsv.part"
    unfinished.write_text("\n".join(rows) + "\n", encoding="utf-8")
    unfinished.replace(table)

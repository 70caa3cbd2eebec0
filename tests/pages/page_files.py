"""Small PAGE and ALTO files of the dialects that are met, and their picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

PAGE_2019 = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
PAGE_2013 = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2013-07-15"
ALTO_4 = "http://www.loc.gov/standards/alto/ns-v4#"


def write_image(path: Path, size: tuple[int, int] = (200, 100)) -> Path:
    """A light picture with some dark pixels: width, height."""
    pixels = np.full((size[1], size[0]), 230, np.uint8)
    pixels[40:60:2, 20:180] = 30
    Image.fromarray(pixels).save(path)
    return path


def page_line(name: str, text: str | None = None, *, top: int = 10, custom: str = "") -> str:
    """A text line of 160 x 20 pixels from (20, top) on."""
    said = "" if text is None else f"<TextEquiv><Unicode>{text}</Unicode></TextEquiv>"
    points = f"20,{top} 180,{top} 180,{top + 20} 20,{top + 20}"
    return (
        f'<TextLine id="{name}" custom="{custom}"><Coords points="{points}"/>'
        f'<Baseline points="20,{top + 15} 180,{top + 15}"/>{said}</TextLine>'
    )


def region(name: str, inside: str, tag: str = "TextRegion") -> str:
    """A region that holds something."""
    return f'<{tag} id="{name}"><Coords points="0,0 199,0 199,99 0,99"/>{inside}</{tag}>'


def page_xml(body: str, *, image: str = "scan.png", year: str = PAGE_2013) -> str:
    """A PAGE document of 200 x 100 pixels."""
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<PcGts xmlns="{year}"><Metadata>'
        f"<Creator>x</Creator><Created>2020-01-01T00:00:00</Created>"
        f"<LastChange>2020-01-01T00:00:00</LastChange></Metadata>\n"
        f'<Page imageFilename="{image}" imageWidth="200" imageHeight="100">\n{body}\n</Page></PcGts>\n'
    )


def alto_xml(
    body: str, *, image: str = "scan.png", unit: str = "pixel", size: tuple[int, int] = (200, 100)
) -> str:
    """An ALTO document with one page."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<alto xmlns="{ALTO_4}">\n<Description><MeasurementUnit>{unit}'
        f"</MeasurementUnit><sourceImageInformation><fileName>{image}</fileName></sourceImageInformation>"
        f'</Description>\n<Layout><Page ID="p" PHYSICAL_IMG_NR="1" WIDTH="{size[0]}" HEIGHT="{size[1]}">\n'
        f"<PrintSpace>{body}</PrintSpace></Page></Layout></alto>\n"
    )


def write(folder: Path, text: str, name: str = "scan.xml") -> Path:
    """The document beside its picture `scan.png`."""
    write_image(folder / "scan.png")
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name

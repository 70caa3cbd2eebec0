"""Searchable PDF: the page's picture, and its text unseen above it, every word in its place (our addition).

The text is set in fonts without ink (Type 3, one empty glyph, and a table that says which character each code is), so
that any script can be searched and copied and no font has to be embedded.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from amanuensis.pages.coordinates import Box, box_of
from amanuensis.pages.outlines import line_baseline, line_outline
from amanuensis.pages.provenance import Provenance
from amanuensis.pages.sources import PageSource
from amanuensis.records import Page, TextLine

RESOLUTION = 300
"""Pixels per inch of a picture that does not say."""

_QUALITY = 85  # of pictures that are no JPEG yet
_CODES = 255  # characters of a font; code 0 is left out
_WIDTH = 0.5  # of every character, in font sizes
_FALL = 0.25  # of a line's height that is below its baseline
_JPEG_MODES = {"L": "DeviceGray", "RGB": "DeviceRGB"}
_ORIENTATION = 0x0112
_Course = Literal["across", "up", "down"]


@dataclass(frozen=True, slots=True)
class _Photo:
    """A JPEG as PDF embeds it."""

    data: bytes
    size: tuple[int, int]
    color: str
    resolution: float


def searchable_pdf(leaves: Sequence[tuple[Page, PageSource]], provenance: Provenance) -> bytes:
    """Pages with their text as one PDF.

    A JPEG is embedded as it is; any other picture as a grey one.

    Args:
        leaves: pages that were read, and where their pictures are.
        provenance: what read them.

    Raises:
        ImageError: a picture cannot be read.
    """
    file = _File()
    fonts = _Fonts(character for page, _ in leaves for line in page.lines for character in line.text + " ")
    catalog, tree = file.reserve(), file.reserve()
    named = fonts.write(file)
    kids = [_write_leaf(file, tree, page, _photo(source), fonts, named) for page, source in leaves]
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    file.put(tree, f"<< /Type /Pages /Kids [{listed}] /Count {len(kids)} >>")
    file.put(catalog, f"<< /Type /Catalog /Pages {tree} 0 R >>")
    produced = _text_string(f"{provenance.software} ({provenance.model})")
    title = _text_string(leaves[0][0].id if leaves else "")
    created = provenance.when.strftime("D:%Y%m%d%H%M%SZ")
    information = file.add(f"<< /Producer {produced} /Title {title} /CreationDate ({created}) >>")
    return file.finish(catalog, information)


def _write_leaf(file: _File, tree: int, page: Page, photo: _Photo, fonts: _Fonts, named: str) -> int:
    width, height = (72 * side / photo.resolution for side in (page.width, page.height))
    picture = file.add(
        f"<< /Type /XObject /Subtype /Image /Width {photo.size[0]} /Height {photo.size[1]} /ColorSpace /{photo.color} "
        f"/BitsPerComponent 8 /Filter /DCTDecode",
        photo.data,
    )
    drawn = f"q {width:.3f} 0 0 {height:.3f} 0 0 cm /Im Do Q\n"
    scale = 72 / photo.resolution
    # From here on one unit is a pixel, but y still points up.
    text = "".join(_set_line(line, page, fonts) for line in page.lines)
    content = f"{drawn}q {scale:.6f} 0 0 {scale:.6f} 0 0 cm BT\n{text}ET Q\n".encode()
    stream = file.add("<< /Filter /FlateDecode", zlib.compress(content))
    resources = f"<< /XObject << /Im {picture} 0 R >> /Font << {named} >> >>"
    return file.add(
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {width:.3f} {height:.3f}] /Resources {resources} "
        f"/Contents {stream} 0 R >>"
    )


def _set_line(line: TextLine, page: Page, fonts: _Fonts) -> str:
    """The words of a line, or its text as a whole; a space behind each."""
    outline = box_of(line_outline(line, page))
    words = [(word.text, word.box) for word in line.words] or [(line.text, outline)]
    course = _course(line, page)
    return "".join(_set_word(f"{text} ", box, page.height, fonts, course) for text, box in words if text)


def _course(line: TextLine, page: Page) -> _Course:
    """Where the line runs to; across from the left, whichever end its baseline begins at."""
    (x, y), (end_x, end_y) = (line_baseline(line, page)[i] for i in (0, -1))
    if abs(end_y - y) <= abs(end_x - x):
        return "across"
    return "down" if end_y > y else "up"


def _set_word(text: str, box: Box, page_height: int, fonts: _Fonts, course: _Course) -> str:
    left, top, right, bottom = box
    width, height = right - left + 1, bottom - top + 1
    along, across = (width, height) if course == "across" else (height, width)
    stretch = 100 * along / (_WIDTH * across * max(1, len(text) - 1))
    fall = _FALL * across
    matrix = {
        "across": f"1 0 0 1 {left} {page_height - bottom - 1 + fall:.1f}",
        "up": f"0 1 -1 0 {right + 1 - fall:.1f} {page_height - bottom - 1}",
        "down": f"0 -1 1 0 {left + fall:.1f} {page_height - top}",
    }[course]
    shown = "".join(f"/F{font} {across} Tf <{codes}> Tj " for font, codes in fonts.encoded(text))
    return f"{matrix} Tm {stretch:.2f} Tz {shown}\n"


def _photo(source: PageSource) -> _Photo:
    """The picture as JPEG: the file itself where it is one that a PDF shows alike."""
    ready = _ready_jpeg(source)
    if ready is not None:
        return ready
    grey = Image.fromarray(source.load())
    encoded = io.BytesIO()
    grey.save(encoded, "JPEG", quality=_QUALITY)
    return _Photo(encoded.getvalue(), grey.size, _JPEG_MODES["L"], _resolution(source))


def _resolution(source: PageSource) -> float:
    """Pixels of the page per inch of its picture, which may have more or fewer of them."""
    width, _ = source.picture.size()
    return (source.picture.resolution() or RESOLUTION) * source.page.width / width


def _ready_jpeg(source: PageSource) -> _Photo | None:
    path = source.picture.file()
    data = path.read_bytes() if path.suffix.lower() in (".jpg", ".jpeg") else b""
    if not data.startswith(b"\xff\xd8"):
        return None
    source.load()  # a broken file is an error here, and no blank page in a viewer
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        turned = image.getexif().get(_ORIENTATION, 1) != 1
        if turned or image.mode not in _JPEG_MODES:
            return None
        return _Photo(data, image.size, _JPEG_MODES[image.mode], _resolution(source))


class _Fonts:
    """Fonts without ink that have all characters of a document, up to 255 each."""

    def __init__(self, characters: Iterable[str]) -> None:
        self._known = sorted(set(characters))
        self._places = {character: divmod(i, _CODES) for i, character in enumerate(self._known)}

    def encoded(self, text: str) -> list[tuple[int, str]]:
        """Runs of one font each: its number, and the codes as hexadecimal digits."""
        runs: list[tuple[int, str]] = []
        for character in text:
            font, code = self._places[character]
            digits = f"{code + 1:02x}"
            if runs and runs[-1][0] == font:
                runs[-1] = (font, runs[-1][1] + digits)
            else:
                runs.append((font, digits))
        return runs

    def write(self, file: _File) -> str:
        """Write the fonts; the entries of a page's resources."""
        if not self._known:
            return ""
        # Its box is what viewers mark when text is selected.
        glyph = file.add("<<", f"{1000 * _WIDTH:.0f} 0 0 -250 {1000 * _WIDTH:.0f} 750 d1".encode())
        numbers = range(math.ceil(len(self._known) / _CODES))
        return " ".join(f"/F{number} {self._write_font(file, number, glyph)} 0 R" for number in numbers)

    def _write_font(self, file: _File, number: int, glyph: int) -> int:
        characters = self._known[number * _CODES : (number + 1) * _CODES]
        table = file.add("<<", _character_table(characters))
        count = len(characters)
        return file.add(
            "<< /Type /Font /Subtype /Type3 /FontBBox [0 -250 500 750] /FontMatrix [0.001 0 0 0.001 0 0] "
            f"/CharProcs << /g {glyph} 0 R >> /Encoding << /Type /Encoding /Differences [1{' /g' * count}] >> "
            f"/FirstChar 1 /LastChar {count} /Widths [{' '.join([f'{1000 * _WIDTH:.0f}'] * count)}] "
            f"/Resources << >> /ToUnicode {table} 0 R >>"
        )


def _character_table(characters: Sequence[str]) -> bytes:
    """Which character each code is, in the language of CMaps; at most 100 entries a block."""
    rows = [
        f"<{code:02x}> <{c.encode('utf-16-be', errors='replace').hex()}>"
        for code, c in enumerate(characters, 1)
    ]
    blocks = [rows[i : i + 100] for i in range(0, len(rows), 100)]
    listed = "\n".join(f"{len(b)} beginbfchar\n" + "\n".join(b) + "\nendbfchar" for b in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        "1 begincodespacerange <00> <ff> endcodespacerange\n"
        f"{listed}\nendcmap CMapName currentdict /CMap defineresource pop end end\n"
    ).encode()


class _File:
    """The objects of a PDF, and at the end their table."""

    def __init__(self) -> None:
        self._objects: dict[int, bytes] = {}
        self._count = 0

    def reserve(self) -> int:
        """The number of an object that comes later."""
        self._count += 1
        return self._count

    def put(self, number: int, dictionary: str, stream: bytes | None = None) -> None:
        """An object under its number; the dictionary of a stream is left open for its length."""
        if stream is None:
            body = dictionary.encode()
        else:
            body = f"{dictionary} /Length {len(stream)} >>\nstream\n".encode() + stream + b"\nendstream"
        self._objects[number] = body

    def add(self, dictionary: str, stream: bytes | None = None) -> int:
        """A new object; its number."""
        number = self.reserve()
        self.put(number, dictionary, stream)
        return number

    def finish(self, catalog: int, information: int) -> bytes:
        """The whole file."""
        data = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
        places = []
        for number in range(1, self._count + 1):
            places.append(len(data))
            data += f"{number} 0 obj\n".encode() + self._objects[number] + b"\nendobj\n"
        start = len(data)
        data += f"xref\n0 {self._count + 1}\n0000000000 65535 f \n".encode()
        data += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
        trailer = f"<< /Size {self._count + 1} /Root {catalog} 0 R /Info {information} 0 R >>"
        data += f"trailer\n{trailer}\nstartxref\n{start}\n%%EOF\n".encode()
        return bytes(data)


def _text_string(text: str) -> str:
    """A string of the document's information, in UTF-16 as hexadecimal digits."""
    return f"<feff{text.encode('utf-16-be', errors='replace').hex()}>"

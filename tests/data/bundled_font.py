"""Pillow's own font as a file: the only one that every machine with Pillow has."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import ImageFont


def write_bundled_font(folder: Path) -> Path:
    bundled = ImageFont.load_default(20)
    assert isinstance(bundled, ImageFont.FreeTypeFont)
    assert isinstance(bundled.path, BytesIO)
    path = folder / "bundled.ttf"
    path.write_bytes(bundled.path.getvalue())
    return path

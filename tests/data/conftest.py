"""Small data sets, made by the tests in the layouts that the real ones are distributed in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Writer = Callable[..., Path]


@pytest.fixture
def image(tmp_path: Path) -> Writer:
    """Write a small grey image; different `shade`s give different bytes."""

    def write(name: str, *, shade: int = 200, size: tuple[int, int] = (40, 16)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.new("L", size, 255)
        picture.paste(shade % 256, (4, 4, size[0] - 4, size[1] - 4))
        picture.paste(shade // 256, (6, 6, 8, 8))
        picture.save(path)
        return path

    return write


@pytest.fixture
def text(tmp_path: Path) -> Writer:
    """Write a text file, or bytes as they are."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write

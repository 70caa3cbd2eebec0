"""Drawn words as a data set, and recipes written as TOML, for tests of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WORDS = ["minim", "annum", "unum", "mammon", "numina", "munia", "amnium", "animam", "unam", "nummum"]


def draw_lines(folder: Path, words: list[str], splits: list[str]) -> None:
    folder.mkdir()
    font = ImageFont.load_default(40)
    rows = ["image\ttext\tsplit\twriter"]
    for number, (word, split) in enumerate(zip(words, splits, strict=True)):
        image = Image.new("L", (40 * len(word), 64), 230)
        ImageDraw.Draw(image).text((10, 8), word, fill=20, font=font)
        image.save(folder / f"p{number}_0.png")
        rows.append(f"p{number}_0.png\t{word}\t{split}\t")
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_recipe(path: Path, recipe: dict[str, Any]) -> Path:
    """The recipe as TOML (its values are numbers, strings, lists and tables of these)."""
    text = [f"{k} = {_toml(v)}" for k, v in recipe.items() if not isinstance(v, dict)]
    for section, values in recipe.items():
        if isinstance(values, dict):
            text.append(f"[{section}]")
            text += [f"{k} = {_toml(v)}" for k, v in values.items()]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return path


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)

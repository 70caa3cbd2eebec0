"""How far the boxes of words lie from their ink, on lines whose words were drawn one by one: in pixels.

    python benchmarks/word_boxes.py --fonts FONTS --corpus FILE [--model MODEL] [--lines N] [--seed N] [--out FILE]

Every line is drawn with one handwriting font on a page, level or sloping, and read with the model; it counts where the
reading has as many words as were drawn. Beside it: what the alignment alone would give, without a look at the ink.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from amanuensis import Recognizer
from amanuensis.pages import read_lines
from amanuensis.records import Page, Region, TextLine

SIZE = 64  # of the font, in pixels
SLOPE = 4.0  # degrees at most
NEAR = 3  # pixels: what nobody sees


@dataclass(frozen=True)
class Drawn:
    """A page with one line, and left and right of each word's ink along the line, in pixels."""

    grey: np.ndarray
    page: Page
    words: list[tuple[float, float]]
    slope: float
    start: tuple[float, float]


def draw(text: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> Drawn | None:
    """None where the font has no ink for a word."""
    words = text.split()
    space = font.getlength(" ") * rng.uniform(0.8, 1.6)
    x = 60.0
    places: list[tuple[float, float]] = []
    boxes = []
    for word in words:
        box = font.getbbox(word, anchor="ls")
        if box[2] <= box[0]:
            return None
        boxes.append((x, word))
        x += font.getlength(word) + space
    width, height = round(x + 60), 4 * SIZE
    paper = Image.new("L", (width, height), 235)
    pen = ImageDraw.Draw(paper)
    for left, word in boxes:
        before = np.array(paper)
        pen.text((left, 2.5 * SIZE), word, font=font, fill=40, anchor="ls")
        columns = np.flatnonzero(((np.asarray(paper) < 140) & (before >= 140)).any(axis=0))
        if not columns.size:
            return None
        places.append((float(columns[0]), float(columns[-1])))
    return _turned(paper, places, math.radians(rng.uniform(-SLOPE, SLOPE)))


def _turned(paper: Image.Image, places: list[tuple[float, float]], slope: float) -> Drawn:
    """The line on a larger page, turned about its left end."""
    width, height = paper.size
    axes = np.array([[math.cos(slope), math.sin(slope)], [-math.sin(slope), math.cos(slope)]])
    start = np.array([80.0, 80.0 + max(0.0, -math.sin(slope)) * width])
    page_width = round(width + 200)
    page_height = round(height + abs(math.sin(slope)) * width + 200)
    offset = -axes @ start
    turned = paper.transform(
        (page_width, page_height),
        Image.Transform.AFFINE,
        (*axes[0], offset[0], *axes[1], offset[1]),
        Image.Resampling.BICUBIC,
        fillcolor=235,
    )
    top, bottom = 1.2 * SIZE, 3.4 * SIZE
    corners = [(0, top), (width - 1, top), (width - 1, bottom), (0, bottom)]
    polygon = tuple(tuple(int(v) for v in np.rint(np.array(c) @ axes + start)) for c in corners)
    baseline = tuple(
        tuple(int(v) for v in np.rint(np.array(c) @ axes + start))
        for c in [(0, 2.5 * SIZE), (width - 1, 2.5 * SIZE)]
    )
    line = TextLine("l", polygon, baseline)
    page = Page("p", "p.png", page_width, page_height, (Region("r", (), (line,)),))
    return Drawn(np.asarray(turned), page, places, slope, (float(start[0]), float(start[1])))


def errors(drawn: Drawn, recognizer: Recognizer) -> dict[str, list[float]] | None:
    """Absolute errors of left and right edges along the line; None where the words differ in number."""
    [line] = read_lines(drawn.page, drawn.grey, recognizer).lines
    if line.reading is None or len(line.words) != len(drawn.words):
        return None
    along = np.array([math.cos(drawn.slope), math.sin(drawn.slope)])
    result: dict[str, list[float]] = {"boxes": [], "alignment": []}
    for word, span, (left, right) in zip(line.words, line.reading.words, drawn.words, strict=True):
        # An upright box about a sloping strip is wider than the strip by its height times the slope.
        slack = (
            (word.box[3] - word.box[1]) * abs(math.sin(drawn.slope))
            if abs(drawn.slope) >= math.radians(1)
            else 0.0
        )
        middle = (word.box[1] + word.box[3]) / 2
        lefts = (np.array([word.box[0] + slack / 2, middle]) - drawn.start) @ along
        rights = (np.array([word.box[2] - slack / 2, middle]) - drawn.start) @ along
        result["boxes"] += [abs(float(lefts) - left), abs(float(rights) - right)]
        result["alignment"] += [abs(span.start - left), abs(span.end - 1 - right)]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fonts", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--model", default="text-small")
    parser.add_argument("--lines", type=int, default=300)
    parser.add_argument("--out", type=Path, help="errors of every line, as JSON")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    opened = gzip.open if options.corpus.suffix == ".gz" else open
    with opened(options.corpus, "rt", encoding="utf-8") as file:
        texts = [" ".join(row.split()[:8]) for row in file if len(row.split()) > 2]
    if not texts:
        parser.error(f"{options.corpus} has no sentence of three words")
    fonts = sorted(options.fonts.glob("*.ttf"))
    recognizer = Recognizer.load(options.model)
    lines: list[dict[str, object]] = []
    while len(lines) < options.lines:
        text = texts[int(rng.integers(len(texts)))]
        path = fonts[int(rng.integers(len(fonts)))]
        drawn = draw(text, ImageFont.truetype(str(path), SIZE), rng)
        if drawn is not None:
            told = errors(drawn, recognizer)
            lines.append({"font": path.stem, "words": len(drawn.words), **(told or {})})
    counted = [line for line in lines if "boxes" in line]
    result = {
        "lines": len(lines),
        "with as many words": len(counted),
        "font size": SIZE,
        **{key: _summary([line[key] for line in counted], options.seed) for key in ("boxes", "alignment")},
    }
    print(json.dumps(result, indent=1))
    if options.out:
        rounded = [
            {k: [round(x, 2) for x in v] if isinstance(v, list) else v for k, v in line.items()}
            for line in lines
        ]
        rows = ",\n".join(json.dumps(line) for line in rounded)
        options.out.write_text(f'{{"summary": {json.dumps(result)},\n"lines": [\n{rows}\n]}}\n')


def _summary(errors_of_lines: list[list[float]], seed: int) -> dict[str, object]:
    """In pixels; the interval of the share is over lines."""
    values = np.concatenate(errors_of_lines)
    near = np.array([(np.array(line) <= NEAR).sum() for line in errors_of_lines])
    edges = np.array([len(line) for line in errors_of_lines])
    drawn = np.random.default_rng(seed).integers(len(edges), size=(1000, len(edges)))
    shares = near[drawn].sum(axis=1) / edges[drawn].sum(axis=1)
    return {
        "edges": len(values),
        "median": round(float(np.median(values)), 2),
        "mean": round(float(np.mean(values)), 2),
        "95 %": round(float(np.quantile(values, 0.95)), 2),
        f"within {NEAR} pixels": round(float(np.mean(values <= NEAR)), 4),
        "interval of that, 95 %": [round(float(q), 4) for q in np.quantile(shares, (0.025, 0.975))],
    }


if __name__ == "__main__":
    main()

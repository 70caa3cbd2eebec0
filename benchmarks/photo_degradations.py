"""Twenty ways in which a phone shows a formula: bitmaps in, photos out, for measuring how robust reading is.

    python benchmarks/photo_degradations.py formula.png ... --out sheets

draws one contact sheet for every bitmap (white strokes on black, as CROHME's are published): the photos in the upper
rows of each pair, below them what `amanuensis.images.formula` makes of them.

From a script: `degradations()` gives them by name; each takes a bitmap and a generator and gives an RGB picture. The
same generator state gives the same picture.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from amanuensis.images import load_image
from amanuensis.images.formula import FormulaSpec, normalize_formula

Bitmap = NDArray[np.uint8]
Photo = NDArray[np.uint8]
Degradation = Callable[[Bitmap, np.random.Generator], Photo]

WIDTH, HEIGHT = 1600, 1200  # of a photo, unless the degradation is about size
_FILLS = 0.62  # share of the photo that the formula takes, in the direction where it is tightest
_LARGEST_ZOOM = 8.0

WHITE_PAPER = (236, 234, 228)
CREAM_PAPER = (238, 226, 196)
SLATE = (24, 26, 30)
BLACK_INK = (38, 36, 42)
BLUE_INK = (34, 52, 140)
RED_INK = (176, 38, 44)
GRAPHITE = (116, 116, 118)
RULE_BLUE = (150, 178, 214)
RULE_GREY = (84, 88, 96)


@dataclass(frozen=True)
class Sheet:
    """What lies before the camera, before light and lens.

    Attributes:
        ink: (H, W) float in [0, 1], how much of each pixel is covered.
        zoom: photo pixels per bitmap pixel.
        paper: its color.
        pen: the ink's color.
        rules: (H, W) in [0, 1], printed lines below the ink; None if blank.
        rule_color: theirs.
    """

    ink: NDArray[np.float64]
    zoom: float
    paper: tuple[int, int, int] = WHITE_PAPER
    pen: tuple[int, int, int] = BLACK_INK
    rules: NDArray[np.float64] | None = None
    rule_color: tuple[int, int, int] = RULE_BLUE

    def colors(self) -> NDArray[np.float64]:
        """(H, W, 3) in [0, 255]."""
        picture = np.broadcast_to(np.asarray(self.paper, float), (*self.ink.shape, 3))
        if self.rules is not None:
            picture = _over(picture, self.rules, self.rule_color)
        return _over(picture, self.ink, self.pen)


def _over(
    picture: NDArray[np.float64], cover: NDArray[np.float64], color: tuple[int, int, int]
) -> NDArray[np.float64]:
    """Ink of a color over a picture, where it covers it."""
    share = cover[..., None]
    return picture * (1 - share) + share * np.asarray(color, float)


# A blurred edge that is cut at another level is a wider or a narrower stroke: blur in bitmap pixels, and the level.
_PENS = {"usual": (0.8, 0.45), "thick": (1.6, 0.22), "fine": (0.9, 0.76)}


def sheet(bitmap: Bitmap, rng: np.random.Generator, *, pen: str = "usual") -> Sheet:
    """The formula somewhere near the middle of a photo, its strokes smooth."""
    height, width = bitmap.shape
    zoom = min(_FILLS * WIDTH / width, _FILLS * HEIGHT / height, _LARGEST_ZOOM)
    blur, level = _PENS[pen]
    # Padded, so that a thick pen has room.
    drawn = Image.fromarray(np.pad(bitmap, 6))
    size = round(drawn.width * zoom), round(drawn.height * zoom)
    smooth = drawn.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(blur * zoom))
    strokes = np.clip((np.asarray(smooth, float) / 255 - level) * 2.5 * zoom + 0.5, 0, 1)
    top = round((HEIGHT - size[1]) * rng.uniform(0.3, 0.7))
    left = round((WIDTH - size[0]) * rng.uniform(0.3, 0.7))
    ink = np.zeros((HEIGHT, WIDTH))
    ink[top : top + size[1], left : left + size[0]] = strokes
    return Sheet(ink, zoom)


def _photographed(
    picture: NDArray[np.float64], rng: np.random.Generator, *, noise: float = 3.0, blur: float = 0.8
) -> Photo:
    """Lens and sensor: a little blur, a little light falling off to the corners, a little noise."""
    y, x = _grid(picture.shape)
    falloff = 1 - 0.1 * ((x - 0.5) ** 2 + (y - 0.5) ** 2) / 0.5
    return _sensed(_blurred(picture * falloff[..., None], blur), rng, noise)


def _sensed(picture: NDArray[np.float64], rng: np.random.Generator, noise: float) -> Photo:
    grain = rng.normal(0, noise, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def _blurred(picture: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), float)


def _grid(shape: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Row and column of every pixel, each in [0, 1]."""
    height, width = shape[:2]
    return np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)[None, :]


def _clouds(shape: tuple[int, ...], rng: np.random.Generator, cells: int) -> NDArray[np.float64]:
    """Smooth random hills in about [-1, 1], some `cells` of them along the width."""
    height, width = shape[:2]
    rough = rng.normal(0, 1, (max(2, cells * height // width), cells)).astype(np.float32)
    hills = np.asarray(Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC), float)
    return hills / max(1e-6, np.abs(hills).max())


def _parallels(
    shape: tuple[int, ...], gap: float, thickness: float, *, tilt: float = 0.0, across: bool = False
) -> NDArray[np.float64]:
    """Printed lines, `gap` pixels apart, from edge to edge; `across`: upright ones."""
    rows, columns = np.indices(shape[:2], dtype=float)
    along, over = (rows, columns) if across else (columns, rows)
    phase = (over + tilt * along + 0.4 * gap) % gap
    return np.clip(thickness / 2 + 0.5 - np.abs(phase - gap / 2), 0, 1)


def clean(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """A good photo of black ink on white paper: what the others are compared with."""
    return _photographed(sheet(bitmap, rng).colors(), rng)


def shadow(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """A hand's soft shadow over one side, half of the light gone."""
    picture = sheet(bitmap, rng).colors()
    y, x = _grid(picture.shape)
    edge = x + 0.5 * y - rng.uniform(0.55, 0.85)
    light = 1 - 0.55 / (1 + np.exp(18 * edge))
    return _photographed(picture * light[..., None], rng)


def ruled_faint(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """Blue ballpoint between a school notebook's pale blue lines."""
    page = replace(sheet(bitmap, rng), pen=BLUE_INK)
    rules = _parallels(page.ink.shape, 25 * page.zoom * rng.uniform(0.9, 1.2), 0.5 * page.zoom, tilt=0.01)
    return _photographed(replace(page, rules=rules).colors(), rng)


def ruled_dark(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """Dark grey lines, a margin line, and the page lies a little aslant."""
    page = sheet(bitmap, rng)
    rules = _parallels(page.ink.shape, 40 * page.zoom, 0.9 * page.zoom, tilt=rng.uniform(-0.03, 0.03))
    rules[:, WIDTH // 12 : WIDTH // 12 + round(0.8 * page.zoom)] = 1
    return _photographed(replace(page, rules=rules, rule_color=RULE_GREY).colors(), rng)


def grid_paper(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """Squared paper."""
    page = sheet(bitmap, rng)
    gap, tilt = 16 * page.zoom, rng.uniform(-0.02, 0.02)
    lying = _parallels(page.ink.shape, gap, 0.45 * page.zoom, tilt=tilt)
    upright = _parallels(page.ink.shape, gap, 0.45 * page.zoom, tilt=-tilt, across=True)
    rules = np.maximum(lying, upright)
    return _photographed(replace(page, rules=rules, rule_color=(140, 160, 190)).colors(), rng)


def out_of_focus(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """A blur about as wide as the pen."""
    page = sheet(bitmap, rng)
    return _photographed(page.colors(), rng, blur=1.3 * page.zoom)


def moved(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """The hand moved while the shutter was open: a smear of nearly two pen widths."""
    page = sheet(bitmap, rng)
    picture = page.colors()
    angle, length = rng.uniform(0, np.pi), 5 * page.zoom
    steps = np.linspace(-0.5, 0.5, max(2, round(length / 2)))
    shifts = [(round(length * s * np.sin(angle)), round(length * s * np.cos(angle))) for s in steps]
    smeared = np.mean([np.roll(picture, shift, axis=(0, 1)) for shift in shifts], axis=0)
    return _photographed(smeared, rng)


def _turned(bitmap: Bitmap, rng: np.random.Generator, degrees: float) -> Photo:
    picture = sheet(bitmap, rng).colors()
    image = Image.fromarray(picture.astype(np.uint8))
    turned = image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=WHITE_PAPER)
    return _photographed(np.asarray(turned, float), rng)


def turned_3(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """Turned by 3 degrees, either way."""
    return _turned(bitmap, rng, 3.0 * rng.choice([-1, 1]))


def turned_7(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """Turned by 7 degrees, either way."""
    return _turned(bitmap, rng, 7.0 * rng.choice([-1, 1]))


def perspective(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """Photographed from one side: the far edge is a fifth shorter."""
    picture = sheet(bitmap, rng).colors()
    inset = 0.1 * HEIGHT
    quad = [(0, -inset), (0, HEIGHT + inset), (WIDTH, HEIGHT), (WIDTH, 0)]
    if rng.random() < 0.5:
        quad = [(0, 0), (0, HEIGHT), (WIDTH, HEIGHT + inset), (WIDTH, -inset)]
    image = Image.fromarray(picture.astype(np.uint8))
    seen = image.transform(
        image.size,
        Image.Transform.PERSPECTIVE,
        _perspective_coefficients(quad),
        Image.Resampling.BICUBIC,
        fillcolor=WHITE_PAPER,
    )
    return _photographed(np.asarray(seen, float), rng)


def _perspective_coefficients(quad: list[tuple[float, float]]) -> list[float]:
    """Pillow's eight numbers that take the photo's corners (from the upper left, anticlockwise) to `quad`."""
    corners = [(0, 0), (0, HEIGHT), (WIDTH, HEIGHT), (WIDTH, 0)]
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, quad, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.solve(np.asarray(rows, float), np.asarray(values, float)).tolist()


def pencil(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """Graphite: grey, and the paper's grain shows through."""
    page = sheet(bitmap, rng)
    grain = _blurred(rng.uniform(0, 255, page.ink.shape), 1.2) / 255
    grain = np.clip(0.85 + 6 * (grain - 0.5), 0.25, 1)
    pressure = 0.85 + 0.15 * _clouds(page.ink.shape, rng, 12)
    return _photographed(replace(page, ink=page.ink * grain * pressure, pen=GRAPHITE).colors(), rng)


def red_on_cream(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """Red ink on cream paper."""
    return _photographed(replace(sheet(bitmap, rng), pen=RED_INK, paper=CREAM_PAPER).colors(), rng)


def low_light(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """An evening's photo: dark, noisy, a little soft."""
    picture = _blurred(sheet(bitmap, rng).colors() * 0.4, 2.0)
    return _sensed(picture, rng, 14.0)


def jpeg_25(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """Sent through a messenger: JPEG at quality 25, half the size."""
    photo = Image.fromarray(clean(bitmap, rng)).reduce(2)
    stored = io.BytesIO()
    photo.save(stored, "JPEG", quality=25)
    return np.asarray(Image.open(stored)).copy()


def small(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """A thumbnail: the bitmap's own size halved, grey edges, dark on light."""
    del rng
    picture = Image.fromarray(255 - bitmap)
    half = picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)), Image.Resampling.BOX)
    return np.asarray(half.convert("RGB")).copy()


def large(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """A scan at three times the bitmap's size, cut close."""
    picture = Image.fromarray(255 - bitmap)
    scan = picture.resize((picture.width * 3, picture.height * 3), Image.Resampling.BICUBIC)
    return _photographed(np.asarray(scan.convert("RGB"), float) * 0.92, rng, noise=2.0)


def thick_marker(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """A felt marker, twice as wide as the pen."""
    return _photographed(sheet(bitmap, rng, pen="thick").colors(), rng)


def fine_liner(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """A fine liner, half as wide."""
    return _photographed(sheet(bitmap, rng, pen="fine").colors(), rng)


def dark_mode(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """A tablet's screenshot in dark mode: light grey on nearly black, smooth edges, no noise."""
    page = replace(sheet(bitmap, rng), paper=SLATE, pen=(214, 218, 226))
    return page.colors().astype(np.uint8)


def whiteboard(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """A blue marker on a whiteboard with the lamp's reflection and remains of what was wiped off."""
    page = replace(sheet(bitmap, rng, pen="thick"), pen=(40, 60, 150), paper=(206, 210, 212))
    picture = page.colors()
    y, x = _grid(picture.shape)
    cx, cy = rng.uniform(0.2, 0.8, 2)
    glare = 40 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 0.02)
    wiped = 8 * _clouds(picture.shape, rng, 9)
    light = 0.82 + 0.18 * x
    return _photographed(picture * light[..., None] + (glare + wiped)[..., None], rng)


def crumpled(bitmap: Bitmap, rng: np.random.Generator) -> Photo:
    """Paper that was crumpled: facets of different light, with creases between them."""
    picture = sheet(bitmap, rng).colors()
    points = rng.uniform(0, 1, (40, 2)) * picture.shape[:2]
    tones = rng.uniform(0.78, 1.04, 40)
    rows, columns = np.indices((HEIGHT // 4, WIDTH // 4)) * 4
    distances = np.stack([np.hypot(rows - y, columns - x) for y, x in points])
    nearest = np.argsort(distances, axis=0)[:2]
    first, second = np.take_along_axis(distances, nearest, axis=0)
    facets = tones[nearest[0]] - 0.14 * np.exp(-(second - first) / 8)
    light = np.asarray(
        Image.fromarray(facets.astype(np.float32)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), float
    )
    return _photographed(picture * light[..., None], rng)


_ALL = (
    shadow,
    ruled_faint,
    ruled_dark,
    grid_paper,
    out_of_focus,
    moved,
    turned_3,
    turned_7,
    perspective,
    pencil,
    red_on_cream,
    low_light,
    jpeg_25,
    small,
    large,
    thick_marker,
    fine_liner,
    dark_mode,
    whiteboard,
    crumpled,
)


def degradations() -> dict[str, Degradation]:
    """All twenty by name, in a fixed order; `clean`, which is none, is not among them."""
    return {function.__name__: function for function in _ALL}


def contact_sheet(bitmap: Bitmap, *, seed: int = 0, columns: int = 7) -> Image.Image:
    """The bitmap, a clean photo and all degradations, each with what `normalize_formula` makes of it."""
    pairs = [("bitmap", bitmap, bitmap)]
    for name, degrade in {"clean": clean, **degradations()}.items():
        photo = degrade(bitmap, np.random.default_rng(seed))
        grey = load_image(photo)
        pairs.append((name, photo, normalize_formula(grey, FormulaSpec())[0]))
    width, height = 240, 180
    rows = -(-len(pairs) // columns)
    sheet_image = Image.new("RGB", (columns * (width + 8), rows * (2 * height + 24)), (90, 120, 90))
    draw = ImageDraw.Draw(sheet_image)
    for place, (name, photo, normalized) in enumerate(pairs):
        x, y = place % columns * (width + 8), place // columns * (2 * height + 24)
        draw.text((x + 2, y + 2), name, fill="white")
        for drop, picture in ((14, photo), (16 + height, normalized)):
            thumbnail = Image.fromarray(picture).convert("RGB")
            thumbnail.thumbnail((width, height), Image.Resampling.LANCZOS)
            sheet_image.paste(thumbnail, (x, y + drop))
    return sheet_image


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bitmaps", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("sheets"))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for path in arguments.bitmaps:
        contact_sheet(load_image(path), seed=arguments.seed).save(arguments.out / f"{path.stem}.png")


if __name__ == "__main__":
    main()

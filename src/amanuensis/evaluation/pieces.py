"""Pieces of the HTML report, as markup: pictures of lines, differences between texts, bars and plots."""

from __future__ import annotations

import base64
import io
import unicodedata
from collections.abc import Sequence
from html import escape
from pathlib import Path

from PIL import Image

from amanuensis.errors import ImageError
from amanuensis.images import load_image
from amanuensis.metrics import ReliabilityBin, aligned_pieces
from amanuensis.records import ImageSource

# In CSS pixels; what is embedded has up to twice as many, so that it is sharp on a good screen.
_PICTURE_HEIGHT = 64
_PICTURE_WIDTH = 1008


def percent(rate: float) -> str:
    """A ratio as a number of per cent, without the sign."""
    return f"{100 * rate:.1f}"


def picture(image: Path | ImageSource) -> str:
    """An `img` element with the line inside it, or why there is none."""
    try:
        grey = Image.fromarray(load_image(image))
    except (ImageError, OSError) as error:
        return f'<p class="quiet">{escape(str(error))}</p>'
    scale = min(1.0, _PICTURE_HEIGHT / grey.height, _PICTURE_WIDTH / grey.width)
    width, height = (max(1, round(side * scale)) for side in grey.size)
    stored = (min(grey.width, 2 * width), min(grey.height, 2 * height))
    buffer = io.BytesIO()
    grey.resize(stored, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=72, optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img width="{width}" height="{height}" alt="the line" src="data:image/jpeg;base64,{data}">'


def differences(reference: str, hypothesis: str) -> tuple[str, str]:
    """Both texts with what differs marked: what was missed as `del`, what was read instead as `ins`."""
    written, read = [], []
    for a, b in aligned_pieces(reference, hypothesis):
        if a == b:
            written.append(escape(a))
            read.append(escape(b))
            continue
        written.append(f"<del>{_visible(a)}</del>" if a else "")
        read.append(f"<ins>{_visible(b)}</ins>" if b else '<span class="gap">‸</span>')
    return "".join(written), "".join(read)


def glyph(character: str) -> str:
    """One character made visible, with its Unicode name to be read when pointed at; "" is nothing."""
    if not character:
        return '<span class="glyph quiet" title="nothing">∅</span>'
    name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
    return f'<span class="glyph" title="{escape(name)}">{_visible(character)}</span>'


def bar(rate: float, interval: tuple[float, float] | None, *, largest: float) -> str:
    """A bar of an error rate with a whisker for its interval, drawn on a scale from 0 to `largest`."""
    scale = 100 / largest if largest else 0
    whisker = ""
    if interval is not None:
        low, high = (f"{min(100.0, limit * scale):.2f}%" for limit in interval)
        whisker = f'<line x1="{low}" x2="{high}" y1="8" y2="8" class="whisker"/>'
    width = min(100.0, rate * scale)
    return (
        '<svg aria-hidden="true"><rect width="100%" height="10" y="3" rx="2" class="trough"/>'
        f'<rect width="{width:.2f}%" height="10" y="3" rx="2" class="fill"/>{whisker}</svg>'
    )


def reliability_plot(bins: Sequence[ReliabilityBin], *, claims: str, right: str) -> str:
    """A square of confidence against accuracy; dots on the diagonal can be believed.

    Args:
        bins: as large as they hold many claims.
        claims: what is claimed about: "words".
        right: what is right of them: "words right".
    """
    side, left, top = 250, 38, 8
    grid, dots = [], []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = left + tick * side, top + (1 - tick) * side
        grid.append(f'<path d="M{left} {y}h{side}M{x} {top}v{side}" stroke="var(--rule)" fill="none"/>')
        grid.append(f'<text x="{x}" y="{top + side + 15}" text-anchor="middle">{100 * tick:.0f}</text>')
        grid.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{100 * tick:.0f}</text>')
    most = max((b.n for b in bins), default=1)
    for b in bins:
        x, y, radius = (
            left + b.confidence * side,
            top + (1 - b.accuracy) * side,
            2.5 + 8 * (b.n / most) ** 0.5,
        )
        told = f"{b.n} {claims}: confidence {percent(b.confidence)} %, right {percent(b.accuracy)} %"
        dots.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="var(--blue)" fill-opacity=".65">'
            f"<title>{told}</title></circle>"
        )
    return (
        f'<svg viewBox="0 0 300 300" role="img" aria-label="confidence of {escape(claims)} against accuracy">'
        f"{''.join(grid)}"
        f'<path d="M{left} {top + side}L{left + side} {top}" stroke="var(--quiet)" stroke-dasharray="4 4"/>'
        f"{''.join(dots)}"
        f'<text x="{left + side / 2}" y="{top + side + 33}" text-anchor="middle">confidence, %</text>'
        f'<text transform="translate(9 {top + side / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(right)}, %</text></svg>"
    )


def _visible(text: str) -> str:
    """The text escaped, with spaces shown and a leading combining mark put on a dotted circle."""
    seen = text.replace(" ", "␣").replace("\u00a0", "⍽")
    if unicodedata.category(text[0]).startswith("M"):
        seen = f"◌{seen}"
    return escape(seen)

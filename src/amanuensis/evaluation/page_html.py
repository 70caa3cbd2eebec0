"""The report of whole pages as one HTML page: numbers by set and page, and pictures of what became of every line."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from amanuensis.errors import AmanuensisError
from amanuensis.evaluation.page_matching import FATES, Fate
from amanuensis.evaluation.page_results import PageOutcome
from amanuensis.evaluation.pages import PageReport, ScoredPage, TruePage, summarize
from amanuensis.evaluation.pieces import percent
from amanuensis.evaluation.style import STYLE
from amanuensis.recognition import write_atomically
from amanuensis.records import Points

_LONG_SIDE = 1100  # pixels of a page's picture
_PAPER = 0.45  # of a picture's contrast that is kept
_COLORS: dict[Fate | str, tuple[int, int, int]] = {
    "found": (0, 120, 70),
    "split": (0, 92, 185),
    "merged": (150, 60, 170),
    "missed": (190, 30, 30),
    "line": (120, 120, 120),
}
_RATES = {
    "on_true_lines": "on true lines",
    "order_free": "order-free",
    "with_extra_lines": "with extra lines",
    "in_reading_order": "in reading order",
}


def write_page_html(report: PageReport, sources: Mapping[str, TruePage], path: Path | str) -> None:
    """Write the report; it appears whole or not at all.

    Args:
        report: what to show.
        sources: the pages by id ("set/page"); their pictures are read again.
        path: of the file.
    """
    outcomes = {outcome.id: outcome for outcome in report.results.outcomes}
    figures = [
        _figure(page, sources[page.id], outcomes.get(page.id) or PageOutcome(page.id))
        for page in report.pages
    ]
    title = f"{escape(report.results.model)} on whole pages"
    body = (
        f'<h1>{title}</h1><p class="quiet">lines found by {escape(report.results.finder)} · '
        f"{len(report.pages)} pages</p>{_table(report)}"
        f"<h2>Pages</h2><p>{_legend()}</p>{''.join(figures)}{_FOOTER}"
    )
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(Path(path), text.encode())


_FOOTER = (
    '<footer class="quiet"><p>A true line is found if one found line of its own overlaps it by at least half '
    "(intersection over union). Order-free, found lines are compared with the true line that they lie on; what was "
    "read where nothing is transcribed counts only with the extra lines. Intervals are 95 % bootstraps over pages. "
    "Seconds are CPU seconds a page.</p></footer>"
)


def _table(report: PageReport) -> str:
    rows = [(name, summarize(pages), "") for name, pages in report.sets.items()]
    if len(rows) > 1:
        rows.append(("all", summarize(report.pages), ' class="total"'))
    rows += [(page.id, summarize([page]), "") for page in report.pages]
    head = "".join(
        f"<th>{told}</th>"
        for told in ("", "lines", *FATES, "extra", "recall %", *(f"CER % {told}" for told in _RATES.values()))
    )
    body = "".join(_row(*row) for row in rows)
    return f'<h2>Numbers</h2><div class="scroll"><table><tr>{head}<th>load, find, read</th></tr>{body}</table></div>'


def _row(name: str, numbers: Mapping[str, Any], kind: str) -> str:
    seconds = numbers["seconds"]
    cells = [
        f"{numbers['lines']:,}",
        *(f"{numbers[fate]:,}" for fate in FATES),
        f"{numbers['extra']:,}",
        percent(numbers["recall"]) + _range(numbers["recall_interval"]),
        *(
            percent(one["rate"]) + _range(one["interval"])
            for one in (numbers["cer"][rate] for rate in _RATES)
        ),
        f"{seconds['load']:.2f}, {seconds['find']:.2f}, {seconds['read']:.2f} s",
    ]
    return f"<tr{kind}><td>{escape(name)}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _range(interval: Sequence[float] | None) -> str:
    if interval is None:
        return ""
    return f' <span class="quiet">({percent(interval[0])}–{percent(interval[1])})</span>'


def _legend() -> str:
    told: dict[Fate | str, str] = {fate: f"true lines that are {fate}" for fate in FATES}
    told["line"] = "lines as they were found"
    return " · ".join(
        f'<b style="color:rgb{_COLORS[name]}">■</b> {escape(words)}' for name, words in told.items()
    )


def _figure(page: ScoredPage, source: TruePage, outcome: PageOutcome) -> str:
    rates = ", ".join(f"{told} {percent(page.edits[rate].rate)} %" for rate, told in _RATES.items())
    facts = page.error or f"CER {rates}"
    return (
        f"<figure>{_picture(page, source, outcome)}"
        f"<figcaption>{escape(page.id)} · {escape(facts)}</figcaption></figure>"
    )


def _picture(page: ScoredPage, source: TruePage, outcome: PageOutcome) -> str:
    """The page with its true lines in the colors of their fates, over the found ones; or why there is none."""
    try:
        grey = Image.fromarray(source.load())
    except (AmanuensisError, OSError) as error:
        return f'<p class="quiet">{escape(str(error))}</p>'
    scale = min(1.0, _LONG_SIDE / max(grey.size))
    width, height = (max(1, round(side * scale)) for side in grey.size)
    pale = 255 - (255 - np.asarray(grey.resize((width, height)), np.float32)) * _PAPER
    shown = Image.fromarray(pale.astype(np.uint8)).convert("RGB")
    draw = ImageDraw.Draw(shown)
    for line in outcome.found:
        _draw(draw, line.polygon, scale, "line")
    for true, fate in zip(source.page.lines, page.matching.fates, strict=True):
        _draw(draw, true.polygon, scale, fate)
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=70, optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img width="{width}" height="{height}" alt="the page" src="data:image/jpeg;base64,{data}">'


def _draw(draw: ImageDraw.ImageDraw, points: Points, scale: float, kind: str) -> None:
    if len(points) > 1:
        draw.polygon([(x * scale, y * scale) for x, y in points], outline=_COLORS[kind], width=2)

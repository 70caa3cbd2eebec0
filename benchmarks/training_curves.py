"""Validation errors of trainings, update by update, as a picture.

    python benchmarks/training_curves.py runs/text-teacher --measure cer -o docs/images/text-teacher.svg
    python benchmarks/training_curves.py benchmarks/results/curves/text-teacher.jsonl -o again.svg
    python benchmarks/training_curves.py runs/histdb-student* --seeds --most 20 -o docs/images/seeds.svg

A run's folder gives its `log.jsonl`; --keep writes what is drawn of it, a line a validation, to draw it again without
the run. With --seeds runs whose names differ by `-seed2`, `-seed3` alone are one curve, their mean, in a band from the
best to the worst of them. The scale of errors is logarithmic: from 30 to 15 % is as far as from 20 to 10 %.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 760, 360
LEFT, TOP, BOTTOM = 64, 20, 44
FEW = 40  # validations; more are drawn as a line alone
LINE = 15  # px from one label to the next
LETTER = 7  # px, what a label's letter takes at most on average
COLORS = ("#1b6ca8", "#c4541d", "#3d8b40", "#7a4fa3", "#8a6d1d", "#b5336b", "#4c5a67")
TICKS = (0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)  # percent


@dataclass(frozen=True)
class Curve:
    """A training's validations, or those of several seeds.

    Attributes:
        name: of the run.
        points: (update, error as a share), in order.
        band: (update, smallest, largest error) of the seeds; empty of one training.
    """

    name: str
    points: list[tuple[int, float]]
    band: tuple[tuple[int, float, float], ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, or files that --keep wrote")
    parser.add_argument("--measure", default="cer", choices=("cer", "wer", "ser"))
    parser.add_argument("--reference", action="append", default=[], type=_reference, metavar="NAME=PERCENT")
    parser.add_argument("--seeds", action="store_true", help="one curve for runs that differ by -seedN alone")
    parser.add_argument("--most", type=float, metavar="PERCENT", help="leave out errors above this")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the points of every run there")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="SVG")
    arguments = parser.parse_args()
    curves = []
    for path in arguments.runs:
        name = path.name if path.is_dir() else path.stem
        events = list(validations(path / "log.jsonl" if path.is_dir() else path, arguments.measure))
        if not events:
            parser.error(f"{path}: no validation with {arguments.measure}")
        if arguments.keep:
            rows = (json.dumps({"event": "validation", **event}) for event in events)
            arguments.keep.mkdir(parents=True, exist_ok=True)
            (arguments.keep / f"{name}.jsonl").write_text("".join(f"{row}\n" for row in rows))
        curves.append(Curve(name, [(int(event["step"]), event[arguments.measure]) for event in events]))
    if arguments.seeds:
        curves = list(of_seeds(curves))
    if arguments.most:
        curves = [below(curve, arguments.most / 100) for curve in curves]
    arguments.output.write_text(picture(curves, arguments.reference, arguments.measure.upper()))


def _reference(told: str) -> tuple[str, float]:
    """A level to draw: its name and the error as a share."""
    name, _, percent = told.rpartition("=")
    return name, float(percent) / 100


def validations(log: Path, measure: str) -> Iterator[dict[str, float]]:
    """Update, lines and error of every validation in a log."""
    if not log.is_file():
        return
    for line in log.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["event"] == "validation" and measure in event:
            yield {name: event[name] for name in ("step", "n", measure)}


def of_seeds(curves: Sequence[Curve]) -> Iterator[Curve]:
    """A curve for all seeds of a run: the mean and the range at the updates that all of them reached."""
    names: dict[str, list[Curve]] = {}
    for curve in curves:
        names.setdefault(re.sub(r"-seed\d+$", "", curve.name), []).append(curve)
    for name, seeds in names.items():
        errors = [dict(curve.points) for curve in seeds]
        steps = [step for step, _ in seeds[0].points if all(step in one for one in errors)]
        at = [(step, [one[step] for one in errors]) for step in steps]
        means = [(step, sum(found) / len(found)) for step, found in at]
        told = f"{name}, {len(seeds)} seeds" if len(seeds) > 1 else name
        yield Curve(told, means, tuple((step, min(found), max(found)) for step, found in at))


def below(curve: Curve, most: float) -> Curve:
    """A curve from the first update on after which no error is larger."""
    first = max((step for step, error in curve.points if error > most), default=-1)
    points = [point for point in curve.points if point[0] > first]
    band = ((step, low, min(high, most)) for step, low, high in curve.band if step > first)
    return Curve(curve.name, points, tuple(band))


def picture(curves: Sequence[Curve], references: Sequence[tuple[str, float]], measure: str) -> str:
    """The curves as SVG."""
    errors = [error for curve in curves for _, error in curve.points] + [error for _, error in references]
    last = max(step for curve in curves for step, _ in curve.points)
    low, high = max(TICKS[0], 90 * min(errors)), max(1.0, 110 * max(errors))

    named = [*references, *((curve.name, curve.points[-1][1]) for curve in curves)]
    labels = [f"{name} {100 * error:.3g} %" for name, error in named]
    end = WIDTH - LETTER * max(map(len, labels)) - 8

    def x(step: float) -> float:
        return LEFT + (end - LEFT) * step / last

    def y(error: float) -> float:
        share = math.log(max(100 * error, low) / low) / math.log(high / low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for tick in (t for t in TICKS if low <= t <= high):
        level = y(tick / 100)
        parts.append(f'<path d="M{LEFT} {level:.1f}H{end}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{level + 4:.1f}" text-anchor="end">{tick:g} %</text>')
    step = 10 ** math.floor(math.log10(last))
    step = step // 2 if last / step < 3 else step
    parts += [
        f'<text x="{x(update):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{update:,}</text>'
        for update in range(0, last + 1, max(1, step))
    ]
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 8}">updates; {escape(measure)} on validation samples</text>')
    levels = apart([y(error) for _, error in named])
    for (_, error), label, level in zip(references, labels, levels, strict=False):
        parts.append(f'<path d="M{LEFT} {y(error):.1f}H{end}" stroke="#777" stroke-dasharray="5 4"/>')
        parts.append(_label(end, level, label, "#555"))
    told = zip(curves, labels[len(references) :], levels[len(references) :], strict=True)
    dotted = max(len(curve.points) for curve in curves) < FEW
    for number, (curve, label, level) in enumerate(told):
        color = COLORS[number % len(COLORS)]
        if curve.band:
            edge = [(x(step), y(low)) for step, low, _ in curve.band]
            edge += [(x(step), y(high)) for step, _, high in reversed(curve.band)]
            parts.append(f'<path d="M{_path(edge)}Z" fill="{color}" opacity="0.15"/>')
        places = [(x(update), y(error)) for update, error in curve.points]
        parts.append(f'<path d="M{_path(places)}" fill="none" stroke="{color}" stroke-width="2"/>')
        if dotted:
            parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{color}"/>' for a, b in places]
        parts.append(_label(end, level, label, color))
    style = 'font-family="sans-serif" font-size="12" fill="#333"'
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {style}>\n{body}\n</svg>\n'
    )


def apart(levels: Sequence[float]) -> list[float]:
    """Levels of labels, moved down as far as each needs to stand below the one above it."""
    moved = list(levels)
    below_last = -math.inf
    for index in sorted(range(len(levels)), key=lambda index: levels[index]):
        moved[index] = max(levels[index], below_last)
        below_last = moved[index] + LINE
    too_far = max(0.0, max(moved, default=0.0) - (HEIGHT - BOTTOM))
    return [level - too_far for level in moved]


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "L".join(f"{a:.1f} {b:.1f}" for a, b in places)


def _label(left: float, level: float, text: str, color: str) -> str:
    return f'<text x="{left + 8:.1f}" y="{level + 4:.1f}" fill="{color}">{escape(text)}</text>'


if __name__ == "__main__":
    main()

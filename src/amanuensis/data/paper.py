"""Paper: its tone, grain, laid lines, stains, ruling, uneven light, and the writing of the other side.

Our addition to HTR-JAND's Algorithm 2. Tones are those of grey pictures; tinted and browned paper is darker.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amanuensis.data.handwriting import Range
from amanuensis.data.inking import soften
from amanuensis.data.placing import PlacedLine
from amanuensis.data.textures import Grey, Textures


@dataclass(frozen=True, slots=True)
class PaperStyle:
    """What the papers of a style are like; ranges are drawn from once a line, single numbers are shares of lines.

    Attributes:
        tone: grey level of clean paper.
        grain, mottle, clouds: standard deviations of grey levels: fine, blotchy, large.
        light: how many grey levels the light falls off along and across the line.
        laid: share of papers with the lines of a mould.
        stained: share with a stain or foxing.
        see_through: share that show the writing of the other side ...
        see_through_strength: ... and how much of its ink.
        ruled: share that is ruled ...
        rule_darkness: ... and how much light a rule takes.
        squared: share of ruled paper that has upright rules too.
    """

    tone: Range
    grain: Range = (0.5, 4.0)
    mottle: Range = (0.5, 3.0)
    clouds: Range = (0.0, 5.0)
    light: Range = (0.0, 14.0)
    laid: float = 0.0
    stained: float = 0.05
    see_through: float = 0.3
    see_through_strength: Range = (0.04, 0.22)
    ruled: float = 0.1
    rule_darkness: Range = (0.08, 0.4)
    squared: float = 0.0


def sheet(line: PlacedLine, style: PaperStyle, textures: Textures, rng: np.random.Generator) -> Grey:
    """The paper under a line: (H, W) grey levels."""
    shape = line.ink.shape
    paper = np.full(shape, np.float32(rng.uniform(*style.tone)))
    for strength, noise in (
        (style.grain, textures.grain),
        (style.mottle, textures.mottle),
        (style.clouds, textures.clouds),
    ):
        paper += np.float32(rng.uniform(*strength)) * textures.piece(noise, (shape[0], shape[1]), rng)
    fall = rng.uniform(*style.light) * rng.normal(0, 0.5, 2)
    paper += np.linspace(-fall[0], fall[0], shape[1], dtype=np.float32)
    paper += np.linspace(-fall[1], fall[1], shape[0], dtype=np.float32)[:, None]
    laid, stained, shining, ruled = rng.random(4).tolist()
    if laid < style.laid:
        paper += _mould(shape, rng)
    if stained < style.stained:
        paper *= _stains((shape[0], shape[1]), textures, rng)
    if shining < style.see_through:
        paper *= 1 - np.float32(rng.uniform(*style.see_through_strength)) * _other_side(line, rng)
    if ruled < style.ruled:
        _rule(paper, line, style, rng)
    return paper


def _mould(shape: tuple[int, ...], rng: np.random.Generator) -> Grey:
    """The lines that a mould's wires leave in paper, close ones one way and wide ones the other: (H, W)."""
    fine, wide = float(rng.uniform(4, 8)), float(rng.uniform(60, 130))
    strength, start = float(rng.uniform(0.5, 2.5)), float(rng.random())
    rows = strength * np.sin(2 * np.pi * (np.arange(shape[0]) / fine + start))
    columns = -1.5 * strength * (((np.arange(shape[1]) / wide + start) % 1) < 0.03)
    lines: Grey = (rows[:, None] + columns).astype(np.float32)
    return lines


def _stains(shape: tuple[int, int], textures: Textures, rng: np.random.Generator) -> Grey:
    """Factors up to 1: foxing all over, or one stain with a darker rim: (H, W)."""
    if rng.random() < 0.5:
        spots = np.clip(textures.piece(textures.mottle, shape, rng) - np.float32(rng.uniform(1.6, 2.4)), 0, 1)
        foxing: Grey = 1 - np.float32(rng.uniform(0.1, 0.4)) * spots
        return foxing
    height, width = shape
    x, y = rng.uniform(0, width), rng.uniform(-0.5, 1.5) * height
    radius = rng.uniform(0.4, 2.5) * height
    away = np.hypot(np.arange(width)[None] - x, (np.arange(height)[:, None] - y) * rng.uniform(0.7, 1.4))
    edge = away.astype(np.float32) / np.float32(radius)
    edge += np.float32(0.08) * textures.piece(textures.clouds, shape, rng)
    inside = np.clip((1 - edge) * 12, 0, 1)
    rim = np.clip(1 - np.abs(edge - 1) * 15, 0, 1)
    stain: Grey = 1 - np.float32(rng.uniform(0.03, 0.12)) * inside - np.float32(rng.uniform(0.0, 0.1)) * rim
    return stain


def _other_side(line: PlacedLine, rng: np.random.Generator) -> Grey:
    """The writing of the other side: this line's own, in a mirror, elsewhere, soft: (H, W) in [0, 1]."""
    height, width = line.ink.shape
    shift = int(rng.integers(width)), int(rng.uniform(0.3, 0.9) * height)
    ghost = np.roll(line.ink[:, ::-1], (shift[1], shift[0]), axis=(0, 1)).astype(np.float32) * np.float32(
        1 / 255
    )
    for _ in range(int(rng.integers(1, 4))):
        ghost = soften(ghost, 0.3)
    return ghost


def _rule(paper: Grey, line: PlacedLine, style: PaperStyle, rng: np.random.Generator) -> None:
    """Rules the paper near the baseline, along its slope; squared paper upright too."""
    height, width = paper.shape
    factor = np.float32(1 - rng.uniform(*style.rule_darkness))
    fit = np.polyfit(line.columns, line.baseline, 1)
    row = np.polyval(fit, np.arange(width)) + rng.normal(0.1, 0.15) * line.x_height
    pitch = float(rng.uniform(1.6, 3.5)) * line.x_height
    thickness = 2 if rng.random() < 0.3 else 1
    columns = np.arange(width)
    for number in range(-4, 5):
        rows = (row + number * pitch).astype(int)
        for offset in range(thickness):
            inside = (rows + offset >= 0) & (rows + offset < height)
            paper[rows[inside] + offset, columns[inside]] *= factor
    if rng.random() < style.squared:
        first = int(rng.integers(max(1, int(pitch))))
        paper[:, first :: max(4, int(pitch))] *= factor

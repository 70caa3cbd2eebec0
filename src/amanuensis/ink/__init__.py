"""Ink: strokes of a pen, from InkML or JSON, varied for training, drawn as formula networks read them."""

from amanuensis.ink.distort import distort, vary_settings
from amanuensis.ink.inkml import InkDocument, format_inkml, read_inkml
from amanuensis.ink.render import InkImage, RenderSettings, render, stroke_boxes, stroke_height
from amanuensis.ink.strokes import Ink, InkSymbol
from amanuensis.ink.strokes_json import format_strokes_json, read_strokes_json

__all__ = [
    "Ink",
    "InkDocument",
    "InkImage",
    "InkSymbol",
    "RenderSettings",
    "distort",
    "format_inkml",
    "format_strokes_json",
    "read_inkml",
    "read_strokes_json",
    "render",
    "stroke_boxes",
    "stroke_height",
    "vary_settings",
]

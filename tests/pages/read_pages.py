"""Pages as if they were read: what writers are given."""

from __future__ import annotations

from datetime import UTC, datetime

from amanuensis.pages import Provenance
from amanuensis.records import Page, Reading, Region, TextLine, Word

BY = Provenance("small", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "1.2")


def read_line(name: str, text: str, *, top: int = 10, confidence: float = 0.12346) -> TextLine:
    """A line with equally wide words from x = 20 to 180."""
    words = text.split()
    step = 160 // max(1, len(words))
    boxes = [(20 + i * step, top, 20 + (i + 1) * step - 5, top + 20) for i in range(len(words))]
    return TextLine(
        name,
        ((20, top), (180, top), (180, top + 20), (20, top + 20)),
        ((20, top + 15), (100, top + 16), (180, top + 15)),
        transcription="old",
        reading=Reading(text, confidence),
        words=tuple(Word(word, box, 0.98765) for word, box in zip(words, boxes, strict=True)),
    )


def page_of(*regions: Region, image: str = "scan.png") -> Page:
    return Page("scan", image, 200, 100, regions, "scan.png")


ORDINARY = page_of(
    Region(
        "r2",
        ((0, 0), (199, 0), (199, 50)),
        (read_line("b", "été & <fin>"), read_line("a", "x y z", top=40)),
        "heading",
    ),
    Region("r1", ((0, 60), (199, 60), (199, 99)), (read_line("c", "d e f", top=70),), "MainZone"),
)

ODD = page_of(
    Region("1 bad id", (), (TextLine("l"), TextLine("l", ((5, 5),)), TextLine("é", ((5, 5), (9, 9))))),
    Region("l", (), (TextLine("l", (), ((10, 50), (90, 52))),), kind="a;b} {c", is_formula=True),
    Region("l", ((3, 3), (9, 3), (9, 9)), kind="formula", is_formula=True),
    Region(
        "m",
        (),
        (
            TextLine("problem", ((1, 1), (50, 1), (50, 9)), problem="too \"narrow\" < 3"),
            TextLine("given", ((1, 20), (50, 20), (50, 30)), transcription="as \x0bgiven\ud800"),
            TextLine("", ((1, 40), (1, 60), (1, 50)), reading=Reading("", 1.0)),
            TextLine("formula", ((1, 70), (9, 70), (9, 80)), reading=Reading(r"x ^ { 2 }", 0.5), is_formula=True),
        ),
    ),
)  # fmt: skip
EMPTY = page_of()
PAGES = {"ordinary": ORDINARY, "odd": ODD, "empty": EMPTY}

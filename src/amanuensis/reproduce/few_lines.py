"""What some dozens or hundreds of lines of a user's own are worth: tuned from a model that reads, against from scratch.

Our addition (product.md: users have few lines). Washington's first 50, 200 and all 325 train lines stand for a user's
own; its 168 validation lines choose the weights in every row, which is more than such a user would have. Tuned ones are
trained by the recipe that is made for so many lines; those from scratch get many times as many updates. Synthetic lines
write the train lines' own texts in other hands, and make no training longer.
"""

from __future__ import annotations

from amanuensis.reproduce.line_systems import FewLines, LineSystem
from amanuensis.reproduce.line_tables import LineReading, LineRow, LineTable

FEW_LINES_SET = "washington"
NUM_LINES = (50, 200, 325)
START = "text-small"

_SCRATCH_UPDATES = 3_000  # 24,000 lines: 480 epochs of 50, 74 of 325
_SHARE = ("synthetic.share=0.3",)
# By lines: the recipe that docs/training.md names for so many, and the updates that its epochs have.
_TUNED = {50: ("finetune-few", 780), 200: ("finetune-hundreds", 1_000), 325: ("finetune-hundreds", 1_640)}


def few_lines_table(start: str = START) -> LineTable:
    """The table of all sizes.

    Args:
        start: the model that is tuned.
    """
    rows: list[LineRow] = []
    for number in NUM_LINES:
        rows += _rows(number, start)
    return LineTable(
        "Few lines: tuned from a model that reads, against from scratch",
        tuple(rows),
        (
            "Weights are chosen on the set's own validation lines in every row.",
            "Synthetic lines (3 in 10) write the train lines' texts in other hands; updates are the same without.",
        ),
        ("against from scratch", "against without synthetic lines"),
    )


def _rows(number: int, start: str) -> list[LineRow]:
    recipe, updates = _TUNED[number]
    # About as many validations as the tuned ones have: an epoch of 50 lines is over in 7 updates.
    seldom = (f"training.validate_every={max(1, round(_SCRATCH_UPDATES * 8 / number / 50))}",)
    scratch = FewLines(number, None, "histdb-student", _SCRATCH_UPDATES, seldom)
    tuned = FewLines(number, start, recipe, updates)
    names = [f"{number}, from scratch", f"{number}, tuned"]
    rows = []
    for name, few in zip(names, (scratch, tuned), strict=True):
        other = None if few.start is None else names[0]
        mixed = FewLines(few.lines, few.start, few.recipe, few.updates, (*few.changes, *_SHARE))
        with_synthetic = LineSystem("student", ("synthetic",), mixed)
        against = (other and f"{other}, synthetic", name)
        rows.append(LineRow(name, LineReading(LineSystem("student", (), few)), {}, (other, None)))
        rows.append(LineRow(f"{name}, synthetic", LineReading(with_synthetic), {}, against))
    return rows

"""HTR-JAND's Tables III and V and our clean ablations: their rows, what the paper prints, what each was trained with.

Source: HTR-JAND, Tables III, V and VII (text.md 1.9; readings 2.1, 2.11, 2.15, 2.27). Table V as it is printed goes
from the Student (Baseline, +KD) to the Teacher (+CL), to an ensemble (+EL) and to a corrected one (+LBC): we name the
model in every row. The clean ablations, each row with all above it, are ours. What the paper prints is kept as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from amanuensis.reproduce.line_systems import TITLES, LineSystem, Network

COMBINED = "combined"
Triple = tuple[str, str, str]
"""CER, WER and SER in per cent, as printed."""


@dataclass(frozen=True, slots=True)
class LineReading:
    """What reads in a row.

    Attributes:
        system: of the network, or of an ensemble's members.
        ensemble: whether the trainings of all seeds vote (2.27), in place of being averaged.
        corrected: whether a lexicon of train and valid words corrects (2.11).
        specialist: whether each data set has a model of its own (2.15), in place of one of all sets.
    """

    system: LineSystem
    ensemble: bool = False
    corrected: bool = False
    specialist: bool = False

    @property
    def title(self) -> str:
        """The model that reads, for people."""
        told = self.system.title + (", one a set" if self.specialist else "")
        return (f"ensemble of {told}" if self.ensemble else told) + (", corrected" if self.corrected else "")


@dataclass(frozen=True, slots=True)
class LineRow:
    """A row of a table.

    Attributes:
        title: as the paper prints it, or ours.
        reading: what reads.
        paper: by data set, as printed.
        against: titles of the rows that it is compared with, one for each of the table's `compared`.
    """

    title: str
    reading: LineReading
    paper: Mapping[str, Triple]
    against: tuple[str | None, str | None] = (None, None)


@dataclass(frozen=True, slots=True)
class LineTable:
    """A table.

    Attributes:
        title, rows: what is printed.
        notes: what a reader must know beside them.
        compared: headers of the columns of `LineRow.against`.
    """

    title: str
    rows: tuple[LineRow, ...]
    notes: tuple[str, ...] = ()
    compared: tuple[str, str] = ("against the baseline", "against the row above")


STUDENT, TEACHER = LineSystem("student"), LineSystem("teacher")
STUDENT_KD, TEACHER_CL = LineSystem("student", ("kd",)), LineSystem("teacher", ("cl",))
STUDENT_KD_CL = LineSystem("student", ("kd", "cl"))

PAPER_TEACHER: Mapping[str, Triple] = {
    "iam": ("2.34", "8.22", "80.12"),
    "rimes": ("2.21", "7.11", "75.76"),
    "bentham": ("3.12", "6.98", "78.90"),
    "saintgall": ("4.01", "11.33", "71.33"),
    "washington": ("4.76", "13.30", "68.22"),
    COMBINED: ("2.89", "7.88", "82.45"),
}
PAPER_SETS = PAPER_TEACHER.keys() - {COMBINED}
"""The data sets that the paper's combined figures are of."""

PAPER_STUDENT: Mapping[str, Triple] = {
    "iam": ("4.59", "18.54", "91.45"),
    "rimes": ("6.22", "21.99", "94.01"),
    "bentham": ("5.13", "17.01", "89.33"),
    "saintgall": ("4.23", "24.78", "94.55"),
    "washington": ("6.99", "22.11", "92.11"),
    COMBINED: ("12.91", "28.45", "95.90"),
}
_BASELINE: Mapping[str, Triple] = {
    "iam": ("12.21", "28.32", "95.34"),
    "rimes": ("15.34", "31.45", "94.10"),
    "bentham": ("20.11", "36.89", "97.00"),
    "saintgall": ("7.56", "18.12", "89.32"),
    "washington": ("8.44", "20.12", "91.56"),
}
_ENSEMBLE: Mapping[str, Triple] = {
    "iam": ("2.02", "5.22", "78.12"),
    "rimes": ("1.89", "5.43", "68.78"),
    "bentham": ("3.12", "6.11", "76.53"),
    "saintgall": ("3.81", "9.27", "68.17"),
    "washington": ("3.12", "15.32", "63.14"),
}
_CORRECTED: Mapping[str, Triple] = {
    "iam": ("1.23", "3.78", "19.22"),
    "rimes": ("1.02", "2.45", "12.45"),
    "bentham": ("2.02", "4.23", "21.67"),
    "saintgall": ("2.21", "6.89", "15.54"),
    "washington": ("2.98", "6.34", "11.22"),
}


def _without_union(printed: Mapping[str, Triple]) -> Mapping[str, Triple]:
    """Table V has no combined column."""
    return {name: triple for name, triple in printed.items() if name != COMBINED}


def _clean(network: Network, methods: tuple[str, ...]) -> LineTable:
    """The ablation of one network: every row has one method more than the row above."""
    rows = [LineRow("base", LineReading(LineSystem(network)), {})]
    for number in range(1, len(methods) + 1):
        reading = LineReading(LineSystem(network, methods[:number]))
        rows.append(LineRow(f"+{TITLES[methods[number - 1]]}", reading, {}, ("base", rows[-1].title)))
    full = LineSystem(network, methods)
    rows.append(LineRow("+EL", LineReading(full, ensemble=True), {}, ("base", rows[-1].title)))
    rows.append(LineRow("+LBC", LineReading(full, ensemble=True, corrected=True), {}, ("base", "+EL")))
    if network == "student":
        rows.append(LineRow("joint", LineReading(LineSystem(network, ("joint",))), {}, ("base", "+KD")))
        rows.append(LineRow("its Teacher", LineReading(LineSystem("teacher")), {}, ("base", "+KD")))
    notes = ["The paper has no such table (2.1); +balance (eq. 3) and the order of the last three are ours."]
    if network == "student":
        notes.append("joint and its Teacher are compared with +KD, not with the row above.")
    title = f"Clean ablation of the {network.capitalize()}: each row with all above it"
    return LineTable(title, tuple(rows), tuple(notes))


LINE_TABLES: Mapping[str, LineTable] = {
    "3": LineTable(
        "Table III: Teacher and Student",
        (
            LineRow("Teacher", LineReading(TEACHER_CL), PAPER_TEACHER),
            LineRow("Student", LineReading(STUDENT_KD), PAPER_STUDENT, ("Teacher", None)),
            LineRow("Teacher, one a set", LineReading(TEACHER_CL, specialist=True), {}, ("Teacher", None)),
            LineRow("Student, one a set", LineReading(STUDENT_KD, specialist=True), {}, ("Student", None)),
        ),
        (
            "The paper does not say whether its columns are of one model or of one a set: both are here (2.15).",
            "Its Teacher is that of Table V's +CL, its Student that of +KD, in every cell (2.1).",
        ),
        ("against the Teacher, or one model of all", "and against"),
    ),
    "5": LineTable(
        "Table V as printed, with the model of every row",
        (
            LineRow("Baseline", LineReading(STUDENT), _BASELINE),
            LineRow("+KD", LineReading(STUDENT_KD), _without_union(PAPER_STUDENT), ("Baseline", None)),
            LineRow("+CL", LineReading(TEACHER_CL), _without_union(PAPER_TEACHER), ("Baseline", "+KD")),
            LineRow("+EL", LineReading(TEACHER_CL, ensemble=True), _ENSEMBLE, ("Baseline", "+CL")),
            LineRow(
                "+LBC",
                LineReading(TEACHER_CL, ensemble=True, corrected=True),
                _CORRECTED,
                ("Baseline", "+EL"),
            ),
            LineRow(
                "Student (+CL)", LineReading(STUDENT_KD_CL), {"iam": ("4.12", "", "")}, ("Baseline", "+KD")
            ),
        ),
        (
            "Not cumulative: the network changes at +CL (2.1). 'Student (+CL)' is Table VII's.",
            "The paper's baseline is not said to have had the training of what it is compared with; ours has (2.17).",
        ),
    ),
    "student": _clean("student", ("kd", "cl", "synthetic", "balance", "mtl")),
    "teacher": _clean("teacher", ("cl", "synthetic", "balance", "mtl")),
}
"""The paper's tables by number, and the two clean ablations by network."""

"""The papers' tables from our own runs: what is trained for each row, and what was read, beside what is printed."""

from amanuensis.reproduce.printed import NO_RECIPE, NOT_RUN, Printed, printed_table
from amanuensis.reproduce.readings import READINGS, Reading, reading_commands
from amanuensis.reproduce.scored import Source, formulas_by_year
from amanuensis.reproduce.systems import SCALES, SYSTEMS, Training, training_of
from amanuensis.reproduce.tables import TABLES, Table, reading_named, years_of

__all__ = [
    "NOT_RUN",
    "NO_RECIPE",
    "READINGS",
    "SCALES",
    "SYSTEMS",
    "TABLES",
    "Printed",
    "Reading",
    "Source",
    "Table",
    "Training",
    "formulas_by_year",
    "printed_table",
    "reading_commands",
    "reading_named",
    "training_of",
    "years_of",
]

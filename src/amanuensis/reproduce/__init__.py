"""The papers' tables from our own runs: what is trained for each row, and what was read, beside what is printed."""

from amanuensis.reproduce.few_lines import FEW_LINES_SET, START, few_lines_table
from amanuensis.reproduce.line_printed import printed_line_table
from amanuensis.reproduce.line_runs import (
    Job,
    Machine,
    is_read_elsewhere,
    is_trained,
    jobs_of,
    samples_of,
    work,
)
from amanuensis.reproduce.line_scores import LineSource
from amanuensis.reproduce.line_speed import measure_rows, printed_speed_table
from amanuensis.reproduce.line_systems import LINE_SCALES, LineStudy, LineSystem, set_name
from amanuensis.reproduce.line_tables import LINE_TABLES, LineRow, LineTable
from amanuensis.reproduce.line_together import read_together
from amanuensis.reproduce.printed import NO_RECIPE, NOT_RUN, Printed, printed_table
from amanuensis.reproduce.readings import READINGS, Reading, reading_commands
from amanuensis.reproduce.scored import Source, formulas_by_year
from amanuensis.reproduce.systems import SCALES, SYSTEMS, Training, training_of
from amanuensis.reproduce.tables import TABLES, Table, reading_named, years_of

__all__ = [
    "FEW_LINES_SET",
    "LINE_SCALES",
    "LINE_TABLES",
    "NOT_RUN",
    "NO_RECIPE",
    "READINGS",
    "SCALES",
    "START",
    "SYSTEMS",
    "TABLES",
    "Job",
    "LineRow",
    "LineSource",
    "LineStudy",
    "LineSystem",
    "LineTable",
    "Machine",
    "Printed",
    "Reading",
    "Source",
    "Table",
    "Training",
    "few_lines_table",
    "formulas_by_year",
    "is_read_elsewhere",
    "is_trained",
    "jobs_of",
    "measure_rows",
    "printed_line_table",
    "printed_speed_table",
    "printed_table",
    "read_together",
    "reading_commands",
    "reading_named",
    "samples_of",
    "set_name",
    "training_of",
    "work",
    "years_of",
]

"""CATNet's Tables 1 to 7: their rows, what the paper prints in them, and which of our readings each row is.

Source: CATNet, Tables 1-7; math.md 1.7 and C25-C36. What a paper prints is kept as printed, as a text with its
source, and never stands in a column of ours. Figures that cannot be are left as they are and named in the notes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from amanuensis.metrics.expressions import LENGTHS, FormulaScores, Proportion
from amanuensis.reproduce.readings import READINGS
from amanuensis.reproduce.systems import known


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of ours, and whether the paper prints it too."""

    name: str
    of: Callable[[FormulaScores], str]
    printed: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        title: as the paper prints it.
        reading: of `READINGS`; None for figures of the literature that we have no recipe for.
        paper: as printed, one for each of the table's printed columns; "" is an empty cell.
        source: whose figures these are.
        against: the reading that it is tested against; None for a baseline.
    """

    title: str
    reading: str | None
    paper: tuple[str, ...] = ()
    source: str = "CATNet"
    against: str | None = "baseline"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns, and its rows by the year of the test set that they are of."""

    title: str
    columns: tuple[Column, ...]
    rows: Mapping[int, tuple[Row, ...]]
    notes: tuple[str, ...] = ()


def _share(part: Proportion) -> str:
    """A percentage with its k and n; of nothing, a dash."""
    return "-" if part.ratio is None else f"{100 * part.ratio:.2f} ({part.k}/{part.n})"


def _wer(scores: FormulaScores) -> str:
    edits = scores.token_edits
    return f"{100 * edits.rate:.2f} ({edits.edits}/{edits.length})"


def _trees(scores: FormulaScores) -> str:
    return "-" if scores.by_tree is None else _share(scores.by_tree.exprate)


def _by_length(bucket: int, scores: FormulaScores) -> str:
    return _share(scores.by_length[bucket])


RATES = (
    Column("ExpRate %", lambda scores: _share(scores.by_token.exprate)),
    Column("<= 1 %", lambda scores: _share(scores.by_token.exprate_1)),
    Column("<= 2 %", lambda scores: _share(scores.by_token.exprate_2)),
)
WER = Column("WER %", _wer)
TREES = Column("by trees %", _trees, printed=False)
CLASSES = (
    Column("del", lambda scores: str(scores.classes.deletion)),
    Column("ins", lambda scores: str(scores.classes.insertion)),
    Column("str", lambda scores: str(scores.classes.structure)),
    Column("the three", lambda scores: str(scores.classes.parsing)),
    Column("sub", lambda scores: str(scores.classes.substitution)),
    Column("all", lambda scores: f"{scores.classes.total} of {scores.n}"),
)
BY_LENGTH = tuple(Column(name, partial(_by_length, i)) for i, name in enumerate(LENGTHS))

BASELINE = ("50.60", "68.05", "71.56")
OURS = ("57.40", "72.92", "80.58")

TABLES: Mapping[int, Table] = {
    1: Table(
        "Table 1: comparison with prior work",
        (*RATES, TREES),
        {
            2014: (
                Row("WAP", None, ("46.55", "61.16", "65.21"), "Zhang 2017"),
                Row("DWAP-TD", None, ("49.10", "64.20", "67.8"), "Zhang 2020"),
                Row("DWAP", "baseline", BASELINE, "Zhang 2018", None),
                Row("DWAP-MSA", None, ("52.80", "68.10", "72.00"), "Zhang 2018"),
                Row("WS WAP", None, ("53.65", "-", "-"), "Truong 2020"),
                Row("BTTR", "bttr", ("53.96", "66.02", "70.28"), "Zhao 2021"),
                Row("Ours-1", "catnet", OURS),
                Row("Ours-2", "branch-2", ("56.69", "72.11", "81.14")),
                Row("Ours-E", "ensemble", ("56.95", "72.92", "81.03")),
                Row("Ours-1-LM", "language-model", ("58.62", "74.34", "81.74")),
            ),
            2016: (
                Row("WAP", None, ("44.55", "57.10", "61.55"), "Zhang 2017"),
                Row("DWAP-TD", None, ("48.50", "62.30", "65.30"), "Zhang 2020"),
                Row("DWAP", "baseline", ("47.43", "60.21", "63.35"), "Zhang 2018", None),
                Row("DWAP-MSA", None, ("52.80", "68.10", "72.00"), "Zhang 2018"),
                Row("WS WAP", None, ("51.96", "64.34", "70.10"), "Truong 2020"),
                Row("BTTR", "bttr", ("52.31", "63.90", "68.61"), "Zhao 2021"),
                Row("Ours-1", "catnet", ("53.53", "69.31", "78.38")),
                Row("Ours-2", "branch-2", ("53.62", "69.92", "78.73")),
                Row("Ours-E", "ensemble", ("53.69", "69.83", "78.81")),
                Row("Ours-1-LM", "language-model", ("55.54", "71.40", "79.95")),
            ),
            2019: (
                Row("DWAP", "baseline", ("41.7", "55.50", "59.30"), "Zhang 2018", None),
                Row("DWAP-TD", None, ("51.40", "66.10", "69.10"), "Zhang 2020"),
                Row("BTTR", "bttr", ("52.96", "65.97", "69.14"), "Zhao 2021"),
                Row("Ours-1", "catnet", ("53.54", "68.72", "76.75")),
                Row("Ours-2", "branch-2", ("53.96", "69.47", "77.31")),
                Row("Ours-E", "ensemble", ("54.05", "69.31", "76.90")),
                Row("Ours-1-LM", "language-model", ("54.96", "69.64", "77.65")),
            ),
        },
        (
            "The paper's figures of others are as CATNet prints them; that of DWAP is said to be an ensemble of five, "
            "chosen on the test set (C36).",
            "DWAP-MSA on 2016 repeats the row of 2014; its own paper says 50.1 (C35).",
            "The paper chose its models on the test set of 2014 (C22); ours are chosen on that of 2013.",
            "<= 1 and <= 2 of others are likely counted on symbol graphs and not on tokens, as ours are (C25).",
            "BTTR reads from left to right only, without the joint rescoring of both directions.",
        ),
    ),
    2: Table(
        "Table 2: ablation, each row with all above it",
        (*RATES, WER, TREES),
        {
            2014: (
                Row("Baseline", "baseline", (*BASELINE, "13.12"), against=None),
                Row("+M-branch", "two-branches", ("52.74", "68.86", "77.69", "11.73")),
                Row("+KL", "kl", ("54.56", "70.49", "78.30", "11.15")),
                Row("+Focal loss", "focal", ("56.29", "73.02", "81.14", "10.27")),
                Row("+M-scale", "multi-scale", ("56.55", "72.82", "80.22", "10.27")),
                Row("+Embedding", "catnet", (*OURS, "10.22")),
                Row("+LM", "language-model", ("58.64", "74.34", "81.74", "9.73")),
            )
        },
        ("80.58, 56.55 and 58.64 of the paper are no shares of 986 formulas (C34).",),
    ),
    3: Table(
        "Table 3: failing formulas by kind of error",
        CLASSES,
        {
            2014: (
                Row("Baseline", "baseline", ("147", "83", "28", "258", "229", "487"), against=None),
                Row("+Two-branches", "two-branches", ("135", "82", "24", "241", "225", "466")),
                Row("+KL", "kl", ("142", "54", "23", "217", "229", "448")),
                Row("+Focal", "focal", ("140", "46", "24", "210", "221", "431")),
                Row("+M+E", "catnet", ("125", "51", "20", "193", "224", "420")),
                Row("+LM", "language-model", ("120", "55", "20", "193", "213", "408")),
            )
        },
        (
            "The paper's sums of the three are 219, 196 and 195 where it prints 217, 193 and 193 (C27).",
            "Which class a formula falls in is our reading (C26).",
        ),
    ),
    4: Table(
        "Table 4: other encoders and decoders, without and with mutual learning",
        (*RATES, TREES),
        {
            2014: (
                Row("WAP-M2", "mobilenet-v2", ("40.61", "", ""), against=None),
                Row("WAP-M2-Dual", "mobilenet-v2-dual", ("46.29", "", ""), against="mobilenet-v2"),
                Row("WAP-X", "xception", ("43.05", "", ""), against=None),
                Row("WAP-X-Dual", "xception-dual", ("45.69", "", ""), against="xception"),
                Row("WAP-ResNet18", "resnet-18", ("", "", ""), "named in the text", None),
                Row("WAP-ResNet18-Dual", "resnet-18-dual", ("", "", ""), "named in the text", "resnet-18"),
                Row("WAP-ResNet34", "resnet-34", ("", "", ""), "named in the text", None),
                Row("WAP-ResNet34-Dual", "resnet-34-dual", ("", "", ""), "named in the text", "resnet-34"),
                Row("DWAP", "baseline", BASELINE, against=None),
                Row("DWAP-Dual", "catnet", ("57.40", "70.49", "78.30")),
                Row("DWAP-LSTM", "lstm", ("49.64", "", ""), against=None),
                Row("DWAP-LSTM-Dual", "lstm-dual", ("56.95", "", ""), against="lstm"),
                Row("BTTR", "bttr", ("48.13", "", ""), against=None),
                Row("BTTR-Dual", "bttr-dual", ("50.46", "", ""), against="bttr"),
            )
        },
        (
            "M2 and X are taken for MobileNetV2 and Xception (C31); where pictures are halved, these encoders and the "
            "ResNets read them whole.",
            "The paper's DWAP-Dual prints the <= 1 and <= 2 of '+KL' (C32), its BTTR is not that of its Table 1, and "
            "the shares of WAP, LSTM and BTTR rows are none of 986 (C34).",
            "BTTR reads from left to right only, without the joint rescoring of both directions.",
        ),
    ),
    5: Table(
        "Table 5: other ways of teaching",
        (*RATES, TREES),
        {
            2014: (
                Row("Baseline", "baseline", BASELINE, against=None),
                Row("One branch", "one-branch", ("", "", ""), "our addition"),
                Row("Baseline+KD", "kd", ("", "", "")),
                Row("Baseline+DML", "dml", ("55.23", "", "")),
                Row("Baseline+DML w L2", "dml-l2", ("53.20", "", "")),
                Row("Baseline+KDCL-naive", "kdcl", ("", "", "")),
                Row("Ours(One+Two)", "catnet", OURS),
            )
        },
        (
            "KD, DML and KDCL have the final system's kernels and loss and one branch a network: only who teaches "
            "differs. 'One branch' is the same without teaching; KD's teacher is the trained baseline (C29).",
        ),
    ),
    6: Table(
        "Table 6: numbers of encoders and decoders",
        (*RATES, TREES),
        {
            2014: (
                Row("Baseline", "baseline", BASELINE, against=None),
                Row("Two+One", "two-encoders", ("50.46", "", "")),
                Row("Ours(One+Two)", "catnet", OURS),
                Row("One+Three", "three-branches", ("56.39", "71.71", "79.31")),
                Row("One+Four", "four-branches", ("55.68", "72.01", "79.92")),
            )
        },
        ("Two+One: one decoder runs on each encoder's map, and reads the first (C30).",),
    ),
    7: Table(
        "Table 7: wrong formulas in percent, by the length of the caption",
        BY_LENGTH,
        {
            2014: (
                Row("Baseline", "baseline", ("36.07", "45.96", "52.83", "56.91", "73.17"), against=None),
                Row("WAP-TD", None, ("", "", "", "", "")),
                Row("BTTR", "bttr", ("", "", "", "", "")),
                Row("Ours-sub1", "catnet", ("26.43", "39.19", "46.22", "45.52", "65.85")),
            )
        },
        (
            "Lengths are LaTeX tokens; the paper's unit is unknown: its shares fit no such counts, and its fourth "
            "header is misprinted (C28).",
        ),
    ),
}


def reading_named(name: str) -> str:
    """The reading of `READINGS` that a row's title or its own name means, whatever the case.

    Raises:
        RecipeError: nothing is called so, with all the names that there are.
    """
    titles = {row.title: row.reading for t in TABLES.values() for rows in t.rows.values() for row in rows}
    names = {**{title: reading for title, reading in titles.items() if reading}, **{n: n for n in READINGS}}
    folded = {known_name.casefold(): reading for known_name, reading in names.items()}
    return folded.get(name.casefold()) or known(names, name, "row")


def years_of(reading: str) -> tuple[int, ...]:
    """The test sets that the tables show a reading on."""
    found = (
        year for t in TABLES.values() for year, rows in t.rows.items() if reading in {r.reading for r in rows}
    )
    return tuple(sorted(set(found)))

"""Figures of HTR-JAND's tables that cannot be of one evaluation, found by arithmetic (text.md 2.14).

A wrong line has at least one wrong word, so SER is at most WER times the words a line; and the rate of a union lies
between those of its parts. `metrics.check_consistency` asserts both of every figure of ours; here the paper's are held
against them, with the words a line that its test sets have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from amanuensis.records import Sample
from amanuensis.reproduce.line_tables import COMBINED, LineRow, LineTable, Triple

_ROUNDED = 0.005  # of a printed percentage


def impossible_figures(table: LineTable, samples: Mapping[str, Sequence[Sample]]) -> list[str]:
    """A sentence for each printed figure that cannot be.

    Args:
        table: whose printed figures.
        samples: lines by data set; sets without lines are not looked at, as their words are not counted.
    """
    told: list[str] = []
    for row in table.rows:
        told += [*_too_many_wrong_lines(row, samples), *_unions_outside(row)]
    return told


def _too_many_wrong_lines(row: LineRow, samples: Mapping[str, Sequence[Sample]]) -> Iterator[str]:
    for name, lines in samples.items():
        if name not in row.paper or not lines or not all(row.paper[name]):
            continue
        _, wer, ser = map(float, row.paper[name])
        words = sum(len(sample.text.split()) for sample in lines) / len(lines)
        if ser - _ROUNDED > (wer + _ROUNDED) * words:
            yield (
                f"The paper's {row.title} on {name} cannot be: SER {ser:.2f} % of lines wrong needs "
                f"{ser / wer:.1f} words a line at WER {wer:.2f} %; there are {words:.1f} (2.14)."
            )


def _unions_outside(row: LineRow) -> Iterator[str]:
    if COMBINED not in row.paper:
        return
    parts = [triple for name, triple in row.paper.items() if name != COMBINED]
    for position, measure in enumerate(("CER", "WER")):
        rates = sorted(_rates(parts, position))
        union = float(row.paper[COMBINED][position])
        if not rates[0] - _ROUNDED <= union <= rates[-1] + _ROUNDED:
            yield (
                f"The paper's {row.title}: combined {measure} {union:.2f} % is outside its parts, "
                f"{rates[0]:.2f} to {rates[-1]:.2f} % (2.14)."
            )


def _rates(triples: Sequence[Triple], position: int) -> list[float]:
    return [float(triple[position]) for triple in triples]

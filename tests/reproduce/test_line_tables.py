"""Tables of line readers from result files: what was not run says so, seeds are averaged, the paper stands apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from amanuensis.errors import DataError
from amanuensis.evaluation import Outcome, Results, write_results
from amanuensis.language import TextNormalization
from amanuensis.records import Sample
from amanuensis.reproduce import (
    LINE_TABLES,
    NOT_RUN,
    LineSource,
    LineStudy,
    Printed,
    few_lines_table,
    printed_line_table,
    printed_speed_table,
)
from amanuensis.reproduce.line_claims import impossible_figures

SAMPLES = {
    name: [
        Sample(f"{page}-{i}", Path("none.png"), "abcd efgh ij", "test", name, page)
        for page in "pqr"
        for i in "12"
    ]
    for name in ("saintgall", "washington")
}


def _write(
    folder: Path, model: str, wrong: int = 0, *, sets: tuple[str, ...] = tuple(SAMPLES), **more: str
) -> None:
    """What a model read: `wrong` characters of every line are wrong."""
    samples = [s for name in sets for s in SAMPLES[name]]
    outcomes = tuple(Outcome(s.key, "x" * wrong + s.text[wrong:], 0.5) for s in samples)
    decoder = {"method": more.get("method", "best-path")}
    results = Results(model, more.get("split", "test"), sets, TextNormalization(), decoder, {}, outcomes)
    write_results(results, folder / f"{len(list(folder.glob('*.jsonl')))}.jsonl")


def _print(name: str, folder: Path, seeds: tuple[int, ...] = (1, 2)) -> tuple[list[Printed], list[str]]:
    study = LineStudy.of("cpu", runs=folder / "runs")
    return printed_line_table(LINE_TABLES[name], LineSource(study, folder, SAMPLES, "test", seeds))


def _row(part: Printed, title: str) -> dict[str, str]:
    return dict(zip(part.header, next(row for row in part.rows if row[0] == title), strict=True))


@pytest.mark.parametrize("name", LINE_TABLES)
def test_without_results_nothing_of_ours_is_told(name: str, tmp_path: Path) -> None:
    parts, _ = _print(name, tmp_path / "nowhere")
    assert [part.document["sets"] for part in parts] == [
        ["saintgall"],
        ["washington"],
        ["saintgall", "washington"],
    ]
    for part in parts:
        for row in part.rows:
            cells = dict(zip(part.header, row, strict=True))
            ours = [
                cell for head, cell in cells.items() if head not in ("row", "model") and "paper" not in head
            ]
            assert ours == [NOT_RUN, *[""] * (len(ours) - 1)]
        assert {row["status"] for row in part.document["rows"]} == {NOT_RUN}


def test_figures_are_over_all_seeds_with_intervals_and_differences(tmp_path: Path) -> None:
    _write(tmp_path, "histdb-student", 3)
    _write(tmp_path, "histdb-student-seed2", 1)
    _write(tmp_path, "histdb-student-kd", 1)
    parts, _ = _print("5", tmp_path)
    base, kd = (_row(parts[0], title) for title in ("Baseline", "+KD"))
    assert (base["seeds"], base["CER %"], base["WER %"], base["SER %"]) == (
        "1, 2",
        "16.67",
        "33.33",
        "100.00",
    )
    assert base["95 % interval"] == "8.33 to 25.00"  # every page alike: what seeds differ by
    assert kd["CER %"] == "8.33"
    assert kd["against the baseline"] == "-8.33 (-16.67 to +0.00) = -50 %"
    assert (kd["paper CER"], kd["paper WER"], kd["paper SER"]) == ("4.23", "24.78", "94.55")
    assert _row(parts[2], "+KD")["paper CER"] == "-"  # Table V has no combined column
    document = next(row for row in parts[0].document["rows"] if row["row"] == "Baseline")
    assert document["cer"]["by_seed"] == [3 / 12, 1 / 12]
    assert _row(parts[0], "+CL")["seeds"] == NOT_RUN


def test_trainings_of_all_seeds_vote_on_what_each_of_them_read(tmp_path: Path) -> None:
    full = "teacher-histdb-cl"
    _write(tmp_path, full, 3)
    _write(tmp_path, f"{full}-seed2", 1)
    part = _print("5", tmp_path, (1, 2, 3))[0][2]
    assert (_row(part, "+CL")["voted CER %"], _row(part, "+EL")["seeds"]) == ("", NOT_RUN)  # one is missing
    _write(tmp_path, f"{full}-seed3", 1, sets=("washington",))
    saintgall, washington, both = _print("5", tmp_path, (1, 2, 3))[0]
    assert [_row(one, "+EL")["seeds"] for one in (saintgall, both)] == [NOT_RUN, NOT_RUN]
    assert _row(washington, "+CL")["CER %"] == "13.89"  # 3, 1 and 1 of 12
    assert _row(washington, "+CL")["voted CER %"] == _row(washington, "+EL")["CER %"] == "8.33"
    assert _row(washington, "+EL")["voted CER %"] == ""
    told = next(row for row in washington.document["rows"] if row["row"] == "+CL")
    assert told["vote"]["rate"] == 1 / 12
    assert told["vote"]["against_one"]["difference"] == pytest.approx(1 / 12 - 5 / 36)


def test_a_row_without_its_baseline_says_what_it_was_not_compared_with(tmp_path: Path) -> None:
    _write(tmp_path, "histdb-student-kd-cl")
    cells = _row(_print("student", tmp_path)[0][0], "+CL")
    assert cells["CER %"] == "0.00"
    assert (cells["against the baseline"], cells["against the row above"]) == ("base not run", "+KD not run")


def test_only_plain_readings_of_the_split_count_and_a_part_is_not_a_whole(tmp_path: Path) -> None:
    _write(tmp_path, "histdb-student", sets=("washington",))
    _write(tmp_path, "histdb-student", 5, sets=("saintgall",), split="val")
    _write(tmp_path, "histdb-student", 5, sets=("saintgall",), method="prefix-beam")
    saintgall, washington, both = _print("5", tmp_path)[0]
    assert _row(washington, "Baseline")["CER %"] == "0.00"
    assert _row(saintgall, "Baseline")["seeds"] == _row(both, "Baseline")["seeds"] == NOT_RUN
    _write(tmp_path, "histdb-student", 6, sets=("saintgall",))  # the other set in a file of its own
    assert _row(_print("5", tmp_path)[0][2], "Baseline")["CER %"] == "25.00"
    _write(tmp_path, "histdb-student", sets=("saintgall",))
    with pytest.raises(DataError, match=r"histdb-student has read 'saintgall/p-1' in another file"):
        _print("5", tmp_path)


def test_specialists_read_each_their_own_set(tmp_path: Path) -> None:
    _write(tmp_path, "teacher-histdb-cl-on-saintgall", 3, sets=("saintgall",))
    assert _row(_print("3", tmp_path)[0][2], "Teacher, one a set")["seeds"] == NOT_RUN
    _write(tmp_path, "teacher-histdb-cl-on-washington", 1, sets=("washington",))
    parts, _ = _print("3", tmp_path)
    assert [_row(part, "Teacher, one a set")["CER %"] for part in parts] == ["25.00", "8.33", "16.67"]


def test_a_line_that_is_missing_counts_as_wrong(tmp_path: Path) -> None:
    outcomes = tuple(Outcome(s.key, s.text, 0.5) for s in SAMPLES["washington"][1:])
    header = ("test", ("washington",), TextNormalization(), {"method": "best-path"}, {})
    write_results(Results("histdb-student", *header, outcomes), tmp_path / "0.jsonl")
    parts, notes = _print("5", tmp_path)
    assert _row(parts[1], "Baseline")["SER %"] == "16.67"
    assert [note for note in notes if "count as wrong" in note] == [
        "Baseline on washington: 1 lines are not in all of its results; they count as wrong."
    ]
    source = LineSource(LineStudy.of("cpu", runs=tmp_path / "runs"), tmp_path, SAMPLES, "test", (1,))
    outcome = Outcome("washington/p-1", "abcd efgh ij", 0.5)
    write_results(Results("teacher-histdb-cl", *header, (outcome,)), tmp_path / "1.jsonl")
    assert "Teacher (+CL) on washington: 5 lines are not in all of its results" in str(
        printed_speed_table(source)[1]
    )


def test_the_papers_totals_stand_beside_those_of_its_five_sets_alone(tmp_path: Path) -> None:
    assert _row(_print("3", tmp_path)[0][2], "Teacher")["paper CER"] == "-"
    names = ("iam", "rimes", "bentham", "saintgall", "washington")
    samples = {name: [Sample("1", Path("none.png"), "abc", "test", name)] for name in names}
    source = LineSource(LineStudy.of("cpu", names), tmp_path, samples, "test", (1,))
    assert _row(printed_line_table(LINE_TABLES["3"], source)[0][-1], "Teacher")["paper CER"] == "2.89"


def test_a_scale_is_told_of_tables_that_have_one() -> None:
    source = LineSource(LineStudy.of("cpu", ("x/saintgall",)), Path("none"), SAMPLES, "val", (1,))
    assert not any(
        "48,000" in note or "paper" in note for note in printed_line_table(few_lines_table(), source)[1]
    )
    told = printed_line_table(LINE_TABLES["5"], source)[1]
    assert "48,000" in told[0]
    assert any("The split is val" in note for note in told)


def test_impossible_figures_of_the_paper_are_named_by_arithmetic() -> None:
    told = impossible_figures(LINE_TABLES["3"], {})
    assert told == [
        "The paper's Student: combined CER 12.91 % is outside its parts, 4.23 to 6.99 % (2.14).",
        "The paper's Student: combined WER 28.45 % is outside its parts, 17.01 to 24.78 % (2.14).",
    ]
    words = {n: [Sample("1", Path("x"), " ".join("w" * n), "test", "iam")] for n in (9, 16)}
    found = impossible_figures(LINE_TABLES["5"], {"iam": words[9]})
    assert [re.match(r"The paper's (\S+) on iam cannot be", line)[1] for line in found] == ["+CL", "+EL"]
    assert "needs 15.0 words a line" in found[1]
    assert impossible_figures(LINE_TABLES["5"], {"iam": words[16]}) == []

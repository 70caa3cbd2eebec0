"""Tables from result files: what was not run says so, and no figure of the paper stands where ours should."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from amanuensis.errors import DataError
from amanuensis.evaluation import Outcome, Results, write_results
from amanuensis.language import TextNormalization
from amanuensis.records import Sample
from amanuensis.reproduce import NO_RECIPE, NOT_RUN, TABLES, Printed, Source, formulas_by_year, printed_table
from amanuensis.reproduce.scored import trained

CAPTIONS = ("x + 1", "x ^ { 2 }", "\\frac { a } { b }", "y = 1", "a + a + a + a + a + a")
SAMPLES = [
    Sample(f"f{i}", Path("none.png"), caption, "test", f"crohme-{year}")
    for year in (2014, 2016, 2019)
    for i, caption in enumerate(CAPTIONS)
]


def _write(folder: Path, model: str, read: dict[str, str], **decoder: object) -> Path:
    """A result file of a model that read all captions of 2014 right, but for `read`."""
    texts = {sample.key: sample.text for sample in SAMPLES if sample.dataset == "crohme-2014"} | read
    outcomes = tuple(Outcome(key, text, 0.5) for key, text in texts.items() if text != "left out")
    search = {"beam": 10, "branch": 1, "language_weight": 0.0, **decoder}
    results = Results(model, "test", ("crohme-2014",), TextNormalization(), search, {}, outcomes)
    path = folder / f"{len(list(folder.glob('*')))}.jsonl"
    write_results(results, path)
    return path


def _source(folder: Path, scale: str = "small", max_tokens: int | None = None) -> Source:
    return Source(folder, scale, 1, formulas_by_year(SAMPLES, (2014, 2016, 2019), max_tokens))


def _print(number: int, folder: Path, **options: object) -> tuple[list[Printed], list[str]]:
    return printed_table(TABLES[number], _source(folder, **options), runs=folder / "runs")


def _ours(part: Printed, row: tuple[str, ...]) -> list[str]:
    """The cells of a row that do not say whose they are: all between the method and the paper's."""
    first = next(i for i, name in enumerate(part.header) if name.startswith("paper"))
    return list(row[1:first])


@pytest.mark.parametrize("number", TABLES)
def test_without_results_nothing_of_ours_is_told(number: int, tmp_path: Path) -> None:
    parts, _ = _print(number, tmp_path)
    assert len(parts) == len(TABLES[number].rows)
    for part in parts:
        for row in part.rows:
            assert len(row) == len(part.header)
            ours = _ours(part, row)
            assert ours[0] in (NOT_RUN, NO_RECIPE)
            assert not any(re.search(r"\d", cell) for cell in ours)
        assert {row["status"] for row in part.document["rows"]} <= {"not run", "literature"}
        assert all(row["ours"] is None for row in part.document["rows"])


@pytest.mark.parametrize("number", TABLES)
def test_one_file_fills_its_row_and_no_other(number: int, tmp_path: Path) -> None:
    _write(tmp_path, "math-small", {"crohme-2014/f0": "x + 7"})
    parts, _ = _print(number, tmp_path)
    rows = [
        (row, cells, part)
        for part, (year, of_year) in zip(parts, TABLES[number].rows.items(), strict=True)
        for row, cells in zip(of_year, part.rows, strict=True)
        if year == 2014
    ]
    for row, cells, part in rows:
        ours = _ours(part, cells)
        figures = [cell for cell in ours[: len(TABLES[number].columns)] if re.search(r"\d", cell)]
        assert bool(figures) == (row.reading == "catnet"), row
        printed = set(row.paper) - {"", "-"}
        assert not printed & {part for cell in ours for part in cell.split()}
    assert sum(row.reading == "catnet" for row, _, _ in rows) >= 1


def test_every_percentage_has_its_k_and_n_and_every_row_its_test(tmp_path: Path) -> None:
    _write(tmp_path, "math-small-baseline", {"crohme-2014/f0": "x", "crohme-2014/f1": "x"})
    _write(tmp_path, "math-small-kl", {"crohme-2014/f0": "x + 7"})
    [part], _ = _print(2, tmp_path)
    rows = {row[0]: dict(zip(part.header, row, strict=True)) for row in part.rows}
    assert rows["Baseline"]["ExpRate %"] == "60.00 (3/5)"
    assert rows["+KL"]["ExpRate %"] == "80.00 (4/5)"
    assert rows["+KL"]["<= 1 %"] == "100.00 (5/5)"
    assert rows["+KL"]["WER %"] == "3.45 (1/29)"
    assert rows["+KL"]["against its baseline"] == "+1 -0, p 1"
    assert rows["+KL"]["search"] == "beam 10"
    assert rows["+KL"]["paper ExpRate %"] == "54.56"
    assert rows["Baseline"]["against its baseline"] == ""
    assert rows["+LM"]["ExpRate %"] == NOT_RUN
    [kl] = [row for row in part.document["rows"] if row["reading"] == "kl"]
    assert kl["ours"]["exprate"]["k"] == 4
    assert json.dumps(part.document)


def test_branches_and_language_model_are_told_apart_by_the_header_alone(tmp_path: Path) -> None:
    _write(tmp_path, "math-small", {"crohme-2014/f0": "x"}, branch="all")
    _write(tmp_path, "math-small", {"crohme-2014/f0": "y"}, language_weight=0.2)
    _write(tmp_path, "math-small-seed2", {})
    _write(tmp_path, "math-cpu", {})
    parts, _ = _print(1, tmp_path)
    ran = {row["method"] for row in parts[0].document["rows"] if row["ours"]}
    assert ran == {"Ours-E", "Ours-1-LM"}
    assert [row[0] for row in parts[1].rows if re.search(r"\d", row[1])] == []


def test_formulas_that_a_file_lacks_count_as_wrong_and_are_said(tmp_path: Path) -> None:
    _write(tmp_path, "math-small", {"crohme-2014/f3": "left out"})
    [part], notes = _print(6, tmp_path)
    [row] = [row for row in part.rows if row[0] == "Ours(One+Two)"]
    assert row[1] == "80.00 (4/5)"
    assert row[part.header.index("against its baseline")] == "baseline not run"
    assert any("1 formulas are not in its results" in note for note in notes)


def test_a_scale_of_short_captions_scores_short_captions_and_says_so(tmp_path: Path) -> None:
    _write(tmp_path, "math-cpu", {})
    [part], notes = _print(6, tmp_path, scale="cpu", max_tokens=10)
    assert "4 formulas with captions of up to 20 tokens" in part.title
    assert [row[1] for row in part.rows if row[0] == "Ours(One+Two)"] == ["100.00 (4/4)"]
    assert any("quarter of the updates" in note for note in notes)
    assert any("not to be compared" in note for note in notes)


def test_two_files_of_one_row_and_a_folder_that_is_not_there_are_errors(tmp_path: Path) -> None:
    files = [_write(tmp_path, "math-small", {}, beam=beam) for beam in (1, 10)]
    with pytest.raises(DataError, match=rf"{files[0].name} and .*{files[1].name}.*catnet on 2014"):
        _print(6, tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        _print(6, tmp_path / "results")
    (tmp_path / "2.jsonl").write_text("no result file")
    with pytest.raises(DataError, match=r"2\.jsonl"):
        _print(6, tmp_path)


def test_results_of_pages_in_the_folder_are_passed_over(tmp_path: Path) -> None:
    _write(tmp_path, "math-small", {})
    (tmp_path / "pages.jsonl").write_text('{"format": 1, "kind": "pages"}\n{"id": "set/p"}\n')
    [part], _ = _print(6, tmp_path)
    assert [row[1] for row in part.rows if row[0] == "Ours(One+Two)"] == ["100.00 (5/5)"]


def test_different_numbers_of_updates_are_said(tmp_path: Path) -> None:
    for name, step in (("math-small", 40), ("math-small-baseline", 30)):
        _write(tmp_path, name, {})
        run = tmp_path / "runs" / name
        run.mkdir(parents=True)
        events = [{"event": "validation", "step": s, "seconds": 36.0 * s} for s in (10, step)]
        (run / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    [part], notes = _print(6, tmp_path)
    trainings = [row[part.header.index("training")] for row in part.rows]
    assert trainings[0] == "30 updates, 0.3 h"
    assert trainings[2] == "40 updates, 0.4 h"
    assert any("baseline 30, catnet 40" in note or "catnet 40, baseline 30" in note for note in notes)
    assert trained(tmp_path) is None
    (tmp_path / "log.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match="not the log"):
        trained(tmp_path)

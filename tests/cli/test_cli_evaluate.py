from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tiny_model import draw


def test_json_and_nothing_else(run, tiny_model: Path, dataset: Path) -> None:
    result = run("evaluate", dataset, "--split", "test", "-m", tiny_model, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["n"] == 4
    assert report["cer"] == pytest.approx(1 / 9)
    assert report["ser"] == pytest.approx(1 / 4)
    assert {"wer", "cer_interval", "seconds", "lines_per_second"} <= set(report)
    assert set(report["sets"]) == {"bars"}
    assert (report["failed"], report["problems"]) == ([], [])


def test_every_evaluation_leaves_its_results_and_they_score_the_same(
    run, tiny_model: Path, dataset: Path
) -> None:
    first = run("evaluate", dataset, "--split", "test", "-m", tiny_model, "--json")
    results = Path("results-tiny-test.jsonl")
    assert str(results) in first.stderr
    assert "éa" not in results.read_text()
    again = run("evaluate", dataset, "--split", "test", "--from-results", results, "--json")
    numbers = [json.loads(result.stdout) for result in (first, again)]
    assert numbers[0]["n"] == numbers[1]["n"] == 4
    assert numbers[0]["pages"] == numbers[1]["pages"]
    assert numbers[0]["cer_interval"] == numbers[1]["cer_interval"]


def test_results_go_where_they_are_asked_to(run, tiny_model: Path, dataset: Path) -> None:
    run("evaluate", dataset, "--split", "test", "-m", tiny_model, "--results", "mine.jsonl")
    assert [path.name for path in Path.cwd().iterdir()] == ["mine.jsonl"]


def test_a_table_and_an_html_report(run, tiny_model: Path, dataset: Path) -> None:
    result = run("evaluate", dataset, "--split", "test", "-m", tiny_model, "--html", "report.html")
    assert "bars" in result.stdout
    assert "11.11" in result.stdout
    assert "<html" in Path("report.html").read_text()


def test_a_limit_spreads_over_the_data(run, tiny_model: Path, dataset: Path) -> None:
    result = run("evaluate", dataset, "--split", "test", "-m", tiny_model, "--json", "--limit", 2)
    assert json.loads(result.stdout)["n"] == 2
    rows = [json.loads(line) for line in Path("results-tiny-test.jsonl").read_text().splitlines()[1:]]
    assert [row["text"] for row in rows] == ["ab", "a b"]


def test_what_was_read_is_never_written_over_unasked(run, tiny_model: Path, dataset: Path) -> None:
    arguments = ["evaluate", dataset, "--split", "test"]
    first = Path("results-tiny-test.jsonl")
    run(*arguments, "-m", tiny_model)
    before = first.read_bytes()
    again = run(*arguments, "-m", tiny_model, "--decoder", "prefix-beam", "--against", first)
    assert again.exit_code == 0, again.stderr
    assert "results-tiny-test-2.jsonl" in again.stderr
    Path("words.txt").write_text("ab\n")
    correct = ("--correct", "lexicon", "--lexicon", "words.txt")
    for more in (
        ("-m", tiny_model, "--results", first, "--against", first),
        ("--from-results", first, *correct, "--results", first),
        ("--from-results", "results-tiny-test-2.jsonl", *correct, "--results", first, "--against", first),
    ):
        refused = run(*arguments, *more)
        assert refused.exit_code == 1
        assert f"{first}: is read itself" in refused.stderr
    assert first.read_bytes() == before


def test_totals_without_a_set_and_other_words(run, tiny_model: Path, dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(dataset, tmp_path / "others")
    arguments = ["evaluate", dataset, tmp_path / "others", "--split", "test", "-m", tiny_model]
    report = json.loads(run(*arguments, "--without", "others", "--tokenizer", "punctuation", "--json").stdout)
    assert (report["n"], report["without"]["n"], report["tokenizer"]) == (8, 4, "punctuation")
    table = run(*arguments, "--without", "others").stdout.splitlines()
    assert [row.split("  ")[0] for row in table[1:]] == ["bars", "others", "all", "without others"]


def test_a_beam_reads_too(run, tiny_model: Path, dataset: Path) -> None:
    result = run(
        "evaluate", dataset, "--split", "test", "-m", tiny_model, "--decoder", "prefix-beam", "--json"
    )
    assert json.loads(result.stdout)["ser"] == 0.25


def test_a_broken_image_counts_as_wrong_and_fails(run, tiny_model: Path, dataset: Path) -> None:
    (dataset / "lines" / "p0_1.png").write_bytes(b"broken")
    result = run("evaluate", dataset, "--split", "test", "-m", tiny_model, "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["n"] == 4
    assert report["cer"] == pytest.approx(3 / 9)
    assert [failed["id"] for failed in report["failed"]] == ["bars/lines/p0_1"]


def test_a_missing_image_is_a_problem_that_is_told(run, tiny_model: Path, dataset: Path) -> None:
    (dataset / "lines" / "p0_1.png").unlink()
    result = run("evaluate", dataset, "--split", "test", "-m", tiny_model, "--json")
    [problem] = json.loads(result.stdout)["problems"]
    assert "p0_1.png" in problem
    assert "p0_1.png" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ([], 2, "train (2)"),
        (["--split", "val"], 1, "test (4)"),
        (["--split", "x"], 1, "unknown split"),
        (["--split", "test", "--from-results", "none.jsonl"], 1, "none.jsonl"),
        (["--split", "test", "--from-results", "a", "--results", "b"], 2, "either read"),
        (["--split", "test", "-m", "no-such-model", "--decoder", "guess"], 1, "no-such-model"),
        (["--split", "test", "--tokenizer", "syllables"], 2, "syllables"),
        (["--split", "test", "-m", "no-such-model"], 1, "no-such-model"),
    ],
)
def test_wrong_usage(run, dataset: Path, arguments: list[str], status: int, told: str) -> None:
    result = run("evaluate", dataset, *arguments, "--json")
    assert result.exit_code == status
    assert told in result.stderr
    assert result.stdout == ""


def test_a_place_that_cannot_be_written_is_told_before_reading(run, tiny_model: Path, dataset: Path) -> None:
    result = run("evaluate", dataset, "--split", "test", "-m", tiny_model, "--results", dataset)
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def _change(path: Path, name: str, **header: object) -> list[dict[str, object]]:
    """The rows of a result file; a copy of it with another header is written to `name`."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    _write(name, {**rows[0], **header}, *rows[1:])
    return rows


def _write(name: str, *rows: dict[str, object]) -> None:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_rival_that_lacks_lines_is_refused_before_reading_and_one_that_failed_is_told(
    run, tiny_model: Path, dataset: Path
) -> None:
    arguments = ("evaluate", dataset, "--split", "test", "-m", tiny_model)
    run(*arguments, "--results", "own.jsonl")
    header, first, *rest = _change(Path("own.jsonl"), "nfd.jsonl", normalization={"form": "NFD"})
    _write("part.jsonl", header, first)
    refused = run(*arguments, "--against", "part.jsonl", "--results", "new.jsonl")
    assert refused.exit_code == 1
    assert f"lacks 3 of the 4 samples to be compared, the first of them '{rest[0]['id']}'" in refused.stderr
    assert not Path("new.jsonl").exists()
    _write("failed.jsonl", header, {"id": first["id"], "error": "broken"}, *rest)
    scored = ("evaluate", dataset, "--split", "test", "--from-results", "own.jsonl")
    assert (
        "1 sample could not be read there and count as read empty"
        in run(*scored, "--against", "failed.jsonl").stderr
    )
    assert json.loads(run(*scored, "--against", "failed.jsonl", "--json").stdout)["against"]["failed"] == 1


def test_a_rival_of_another_spelling_is_compared_in_one(run, tiny_model: Path, dataset: Path) -> None:
    table = dataset / "labels.tsv"
    table.write_text(table.read_text(encoding="utf-8").replace("\tba\ttest", "\té\ttest"), encoding="utf-8")
    Image.fromarray(draw("é")).save(dataset / "lines" / "p1_1.png")
    arguments = ("evaluate", dataset, "--split", "test", "-m", tiny_model)
    run(*arguments, "--results", "own.jsonl")
    _change(Path("own.jsonl"), "nfd.jsonl", normalization={"form": "NFD"})
    told = json.loads(run(*arguments, "--against", "nfd.jsonl", "--json").stdout)["against"]
    assert (told["difference"], told["right_words"], told["harmed_words"], told["rescued_words"]) == (
        0,
        4,
        0,
        0,
    )


def test_results_of_pages_are_not_taken_for_lines(run, dataset: Path) -> None:
    _write("pages.jsonl", {"format": 1, "kind": "pages"}, {"id": "set/p", "found": [], "true": []})
    result = run("evaluate", dataset, "--split", "test", "--from-results", "pages.jsonl")
    assert (result.exit_code, "evaluate --pages" in result.stderr) == (1, True)


def test_an_unknown_decoder(run, tiny_model: Path, dataset: Path) -> None:
    result = run("evaluate", dataset, "--split", "test", "-m", tiny_model, "--decoder", "guess")
    assert result.exit_code == 1
    assert "best-path, prefix-beam" in result.stderr


def test_models_that_read_together_tell_their_sums(run, tiny_model: Path, dataset: Path) -> None:
    arguments = [
        "evaluate",
        dataset,
        "--split",
        "test",
        "-m",
        tiny_model,
        "-m",
        f"{tiny_model}@bars",
        "--json",
    ]
    report = json.loads(run(*arguments, "--results", "two.jsonl").stdout)
    assert (report["model"], report["ser"]) == ("tiny+tiny", 0.25)
    ensemble = report["ensemble"]
    assert (ensemble["combination"], ensemble["parameters"]) == ("vote", 2)
    assert [(one["only"], one["seconds"] > 0) for one in ensemble["members"]] == [
        ([], True),
        (["bars"], True),
    ]
    again = run("evaluate", dataset, "--split", "test", "--from-results", "two.jsonl", "--json")
    assert json.loads(again.stdout)["ensemble"] == ensemble
    averaged = json.loads(run(*arguments[:6], "-m", tiny_model, "--combine", "frames", "--json").stdout)
    assert (averaged["ser"], averaged["ensemble"]["combination"]) == (0.25, "frames")

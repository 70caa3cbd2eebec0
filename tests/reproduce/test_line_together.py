"""The rows +LBC: read once all members are trained, known by what their files say, and by nothing less."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from amanuensis.evaluation import read_results, write_results
from amanuensis.reproduce import LINE_TABLES, LineSource, LineStudy, Machine, read_together, samples_of
from amanuensis.reproduce.line_tables import LineReading
from amanuensis.training import RunFolder, load_recipe
from amanuensis.training.run import Beginning
from tiny_model import CONFIG, draw, write_tiny_model

ROWS = LINE_TABLES["5"].rows
[TOGETHER] = [row.reading for row in ROWS if row.title == "+EL"]
[CORRECTED] = [row.reading for row in ROWS if row.title == "+LBC"]
SETS = ["own"]


@pytest.fixture
def source(tmp_path: Path) -> LineSource:
    """Bars that tiny models read, two of which are trained Teachers with a curriculum."""
    own = tmp_path / "own"
    own.mkdir()
    rows = ["image\ttext\tsplit\twriter"]
    for split, text in (("train", "aébb"), ("val", "abba"), ("test", "baab"), ("test", "ab éé")):
        Image.fromarray(draw(text, scale=2)).save(own / f"{split}-{text}.png")
        rows.append(f"{split}-{text}.png\t{text}\t{split}\t")
    (own / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    study = LineStudy.of("cpu", (str(own),), runs=tmp_path / "runs")
    for seed in (1, 2):
        name = study.name(TOGETHER.system, seed)
        write_tiny_model(study.runs / name / "best", name=name)
        plan = study.training(TOGETHER.system, seed)
        RunFolder(study.runs / name).begin(
            load_recipe(plan.recipe, plan.overrides), Beginning(CONFIG, {}, 1, {})
        )
        event = {"event": "validation", "step": 1, "seconds": 1.0}
        (study.runs / name / "log.jsonl").write_text(json.dumps(event) + "\n")
    return _source(study, tmp_path, (1, 2))


def _source(study: LineStudy, folder: Path, seeds: tuple[int, ...]) -> LineSource:
    """Files of results are read anew."""
    return LineSource(study, folder / "results", samples_of(study.sets, "test"), "test", seeds)


def _again(source: LineSource, seeds: tuple[int, ...] = (1, 2)) -> LineSource:
    return _source(source.study, source.results.parent, seeds)


def _work(source: LineSource) -> tuple[list[str], list[str]]:
    """What was said and what failed."""
    said: list[str] = []
    failures = read_together(ROWS, source, Machine(say=said.append))
    return said, failures


def test_an_ensemble_is_read_and_corrected_once_and_is_one_reader(source: LineSource) -> None:
    said, failures = _work(source)
    assert failures == []
    name = "teacher-histdb-cl-on-own-vote-of-1-2-lexicon"
    assert said == [f"{name}: reads 2 test lines"]
    done = _again(source)
    corrected = done.read(CORRECTED, SETS)
    assert (corrected.seeds, len(corrected.trainings)) == ((1, 2), 1)
    assert [line.hypothesis for line in corrected.trainings[0]] == ["baab", "ab éé"]
    header = read_results(source.results / f"{name}-test.jsonl")
    assert header.correction["lexicon"] == ["train", "val"]
    assert len(header.ensemble["members"]) == 2
    assert _work(done) == ([], [])
    assert done.read(LineReading(TOGETHER.system), SETS) is None  # no member was read alone
    assert done.read(TOGETHER, SETS) is None  # so there is nothing to vote on


def test_lines_that_a_file_lacks_are_read_beside_it(source: LineSource) -> None:
    _work(source)
    [path] = source.results.glob("*.jsonl")
    results = read_results(path)
    write_results(replace(results, outcomes=results.outcomes[:1]), path)
    assert _again(source).read(CORRECTED, SETS).num_not_read == 1
    said, _ = _work(_again(source))
    assert said == ["teacher-histdb-cl-on-own-vote-of-1-2-lexicon: reads 1 test lines"]
    assert len(read_results(path).outcomes) == 1
    assert _again(source).read(CORRECTED, SETS).num_not_read == 0


def test_all_members_must_be_trained_and_one_is_no_ensemble(source: LineSource) -> None:
    assert _work(_again(source, (1, 2, 3))) == ([], [])
    assert _work(_again(source, (1,))) == ([], [])
    assert _again(source, (1,)).read(CORRECTED, SETS) is None


@pytest.mark.parametrize("change", [{"lexicon": ["words.txt"]}, {"oracle": True}])
def test_another_lexicon_is_not_the_rows(source: LineSource, change: dict[str, object]) -> None:
    _work(source)
    [path] = source.results.glob("*lexicon*")
    results = read_results(path)
    write_results(replace(results, correction={**results.correction, **change}), path)
    assert _again(source).read(CORRECTED, SETS) is None


def test_a_member_that_cannot_be_loaded_is_named(source: LineSource) -> None:
    (source.study.runs / "teacher-histdb-cl-on-own-seed2/best/model.onnx").unlink()
    said, failures = _work(source)
    assert len(said) == len(failures) == 1
    assert failures[0].startswith("teacher-histdb-cl-on-own-vote-of-1-2-lexicon: ")

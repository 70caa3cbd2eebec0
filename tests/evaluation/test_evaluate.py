import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from amanuensis.errors import DataError, ImageError, ModelError
from amanuensis.evaluation import Outcome, evaluate, read_results, score, write_results
from amanuensis.evaluation.report import MISSING
from amanuensis.language import TextNormalization
from amanuensis.records import Reading, Sample


class ToyDecoder:
    def to_dict(self):
        return {"method": "by heart"}


@dataclass(frozen=True)
class ToyConfig:
    name: str = "toy"
    normalization: TextNormalization = field(default_factory=TextNormalization)
    decoder: ToyDecoder = field(default_factory=ToyDecoder)


class ToyRecognizer:
    """Reads what a dictionary says stands in an image; an image that is not in it is unreadable."""

    config = ToyConfig()

    def __init__(self, texts):
        self.texts = texts
        self.calls = []

    def read(self, images):
        self.calls.append(len(images))
        readings = []
        for image in images:
            if image.name not in self.texts:
                raise ImageError(f"{image}: zero bytes")
            readings.append(Reading(self.texts[image.name], 0.9))
        return readings


def line(identity, text, *, dataset="letters", page="1", writer="", split="test"):
    return Sample(identity, Path(f"{dataset}-{identity}.png"), text, split, dataset, page, writer)


def perfect(samples):
    return {sample.image.name: sample.text for sample in samples}


def many(num, *, dataset="letters", lines_per_page=5, text="abcde fghi"):
    return [
        line(str(i), text, dataset=dataset, page=str(i // lines_per_page), writer=f"w{i // lines_per_page}")
        for i in range(num)
    ]


def test_every_sample_has_one_outcome_in_order():
    samples = many(150)
    told = []
    results = evaluate(ToyRecognizer(perfect(samples)), samples, progress=lambda *n: told.append(n))
    assert [outcome.id for outcome in results.outcomes] == [sample.key for sample in samples]
    assert (results.model, results.split, results.datasets) == ("toy", "test", ("letters",))
    assert told[-1] == (150, 150)
    assert told == sorted(told)
    assert results.seconds["letters"] > 0


def test_bad_images_are_named_counted_as_wrong_and_change_no_other_reading():
    samples = many(100)
    texts = perfect(samples)
    bad = [samples[0], samples[63], samples[64], samples[99]]
    for sample in bad:
        del texts[sample.image.name]
    results = evaluate(ToyRecognizer(texts), samples)
    report = score(results, samples)
    assert [failed.sample for failed in report.failed] == bad
    assert report.to_dict()["failed"][0] == {"id": "letters/0", "reason": "letters-0.png: zero bytes"}
    assert report.total.scores.n == 100
    assert report.total.scores.wrong_lines == 4
    assert report.total.scores.cer == pytest.approx(4 / 100)


class Specialists(ToyRecognizer):
    """Models that read together, none of which reads the set `closed`."""

    def for_set(self, name):
        if name == "closed":
            raise ModelError(f"none of the models reads {name}")
        return self

    def to_dict(self):
        return {}


def test_a_set_that_nobody_reads_is_told_before_another_is_read():
    samples = [line("1", "ab"), line("1", "ab", dataset="closed")]
    specialists = Specialists(perfect(samples))
    with pytest.raises(ModelError, match="closed"):
        evaluate(specialists, samples)
    assert specialists.calls == []


def test_a_mistake_of_the_program_is_not_taken_for_a_bad_image():
    class Broken(ToyRecognizer):
        def read(self, images):
            raise ValueError("shapes do not match")

    with pytest.raises(ValueError, match="shapes"):
        evaluate(Broken({}), many(3))

    class TooFew(ToyRecognizer):
        def read(self, images):
            return super().read(images)[:-1]

    with pytest.raises(ValueError, match="shorter"):
        evaluate(TooFew(perfect(many(3))), many(3))


def test_an_output_missing_from_the_results_counts_as_wrong():
    samples = many(10)
    results = evaluate(ToyRecognizer(perfect(samples)), samples)
    fewer = replace(results, outcomes=results.outcomes[:-1])
    report = score(fewer, samples)
    assert report.total.scores.n == 10
    assert report.total.scores.cer == pytest.approx(0.1)
    assert report.to_dict()["failed"] == [{"id": "letters/9", "reason": MISSING}]


def test_references_stay_out_of_the_result_file(tmp_path):
    samples = many(3, text="a secret text")
    write_results(evaluate(ToyRecognizer({"letters-0.png": "a text"}), samples), tmp_path / "results.jsonl")
    assert "secret" not in (tmp_path / "results.jsonl").read_text(encoding="utf-8")


def test_scoring_from_a_file_gives_the_same_report(tmp_path):
    samples = many(12)
    texts = {**perfect(samples), "letters-3.png": "abcd fghi"}
    results = evaluate(ToyRecognizer(texts), samples)
    write_results(results, tmp_path / "results.jsonl")
    again = score(read_results(tmp_path / "results.jsonl"), samples).to_dict()
    fresh = score(results, samples).to_dict()
    for timed in ("seconds", "lines_per_second", "sets"):
        again.pop(timed), fresh.pop(timed)
    assert again == fresh


def test_the_report_is_json_with_the_promised_keys():
    samples = many(20) + many(10, dataset="diary", lines_per_page=2)
    report = json.loads(
        json.dumps(score(evaluate(ToyRecognizer(perfect(samples)), samples), samples).to_dict())
    )
    promised = {"n", "cer", "wer", "ser", "cer_interval", "seconds", "lines_per_second"}
    assert promised | {"sets", "failed", "cer_folded", "wer_folded"} <= set(report)
    assert set(report["sets"]) == {"letters", "diary"}
    assert all(promised <= set(of_set) for of_set in report["sets"].values())
    assert (report["n"], report["sets"]["diary"]["n"]) == (30, 10)
    assert report["decoder"] == {"method": "by heart"}
    assert report["cer"] == 0
    assert report["cer_interval"] == [0, 0]
    assert report["seconds"] == pytest.approx(sum(of_set["seconds"] for of_set in report["sets"].values()))


def test_both_sides_meet_in_the_models_own_spelling():
    sample = line("1", "de\u0301ja\u0300  vu")
    recognizer = ToyRecognizer({sample.image.name: "d\u00e9j\u00e0 vu "})
    assert score(evaluate(recognizer, [sample]), [sample]).total.scores.wrong_lines == 0
    recognizer.config = ToyConfig(normalization=TextNormalization(collapse_whitespace=False))
    assert score(evaluate(recognizer, [sample]), [sample]).total.scores.characters.edits == 2


def test_totals_with_and_without_a_set_and_without_case_and_punctuation():
    samples = many(10) + many(10, dataset="medieval", text="Dñs, x")
    texts = perfect(samples) | {f"medieval-{i}.png": "dñs x" for i in range(10)}
    report = score(evaluate(ToyRecognizer(texts), samples), samples, without=["medieval"])
    assert report.total.scores.characters.edits == 20
    assert report.total.folded.characters.edits == 0
    assert report.without.scores == report.sets["letters"].scores
    assert report.to_dict()["without"]["sets"] == ("medieval",)
    with pytest.raises(DataError, match="mediaeval"):
        score(report.results, samples, without=["mediaeval"])


def test_fewer_folders_can_be_scored_from_the_same_results_but_not_foreign_ones():
    samples = many(10) + many(5, dataset="diary")
    results = evaluate(ToyRecognizer(perfect(samples)), samples)
    report = score(results, samples[:10])
    assert (report.total.scores.n, report.num_unused) == (10, 5)
    assert report.total.seconds == results.seconds["letters"]
    # Nobody timed these three lines alone.
    assert score(results, samples[:3]).to_dict()["lines_per_second"] is None
    with pytest.raises(DataError, match="none of the results"):
        score(results, [line("9", "x", dataset="elsewhere")])


def test_intervals_are_over_pages_and_over_writers_only_where_there_are_ten():
    samples = many(100, lines_per_page=10)
    texts = perfect(samples) | {f"letters-{i}.png": "" for i in range(10)}
    results = evaluate(ToyRecognizer(texts), samples)
    ten = score(results, samples).total
    low, high = ten.cer_interval
    assert low < 0.1 < high
    assert ten.cer_interval_writers == ten.cer_interval
    nine = [replace(sample, writer=f"w{i % 9}") for i, sample in enumerate(samples)]
    assert score(results, nine).total.cer_interval_writers is None
    single = [replace(sample, page="1") for sample in samples]
    assert score(results, single).total.cer_interval is None
    unknown = [replace(sample, page="", writer="") for sample in samples]
    by_line = score(results, unknown).total
    assert by_line.cer_interval[1] - by_line.cer_interval[0] < high - low
    assert by_line.cer_interval_writers is None


def test_pages_and_writers_of_different_sets_are_different():
    samples = [line("1", "ab", page="7", writer="x"), line("2", "ab", dataset="diary", page="7", writer="x")]
    texts = perfect(samples) | {"diary-2.png": "a"}
    report = score(evaluate(ToyRecognizer(texts), samples), samples)
    assert {name: scores.cer for name, scores in report.pages.items()} == {"diary/7": 0.5, "letters/7": 0.0}
    assert list(report.writers) == ["diary/x", "letters/x"]
    assert report.confusions == {("b", ""): 1}


def test_no_samples_make_an_empty_report():
    report = score(evaluate(ToyRecognizer({}), []), []).to_dict()
    assert (report["n"], report["cer"], report["cer_interval"], report["sets"]) == (0, 0.0, None, {})


def test_two_samples_of_one_name_are_refused():
    samples = [line("1", "a"), line("1", "b")]
    with pytest.raises(DataError, match="letters/1"):
        evaluate(ToyRecognizer(perfect(samples)), samples)
    with pytest.raises(DataError, match="letters/1"):
        score(evaluate(ToyRecognizer({}), []), samples)


def test_an_outcome_of_a_failure_has_no_text():
    assert Outcome("a", error="gone") == Outcome("a", text="", confidence=None, error="gone")

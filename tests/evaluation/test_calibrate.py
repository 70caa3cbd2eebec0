import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from amanuensis.errors import DataError
from amanuensis.evaluation import Outcome, Results, read_results, score, try_calibration, write_results
from amanuensis.language import TextNormalization
from amanuensis.metrics import LogOddsMap
from amanuensis.recognition import Calibration
from amanuensis.records import Sample


def sample(number, text, *, page="1", split="val"):
    return Sample(str(number), Path(f"{number}.png"), text, split, "letters", page)


def results_of(outcomes):
    return Results("toy", "val", ("letters",), TextNormalization(), {"method": "toy"}, {}, tuple(outcomes))


def honest_lines(num, seed=0, boast=0.0):
    """Lines of one-letter words, right as often as was claimed, less the boast."""
    rng = np.random.default_rng(seed)
    samples, outcomes = [], []
    for number in range(num):
        chances = rng.uniform(0.05, 0.95, 6)
        wrong = rng.random(6) > chances
        samples.append(sample(number, " ".join("x" if bad else "a" for bad in wrong), page=str(number // 4)))
        told = tuple(np.minimum(0.99, chances + boast).tolist())
        characters = tuple(one for word in told for one in (word, 0.99))[:-1]
        text = " ".join("a" * 6)
        outcomes.append(Outcome(f"letters/{number}", text, 0.7, words=told, characters=characters))
    return results_of(outcomes), samples


def test_what_is_claimed_of_each_level_and_what_is_right_of_it():
    samples = [sample(1, "the old house"), sample(2, "a")]
    outcomes = [
        Outcome("letters/1", "tho old", 0.6, words=(0.2, 0.9), characters=(0.9,) * 7),
        Outcome("letters/2", error="gone"),
    ]
    told = score(results_of(outcomes), samples).to_dict()["calibration"]
    assert {level: told[level]["n"] for level in told} == {"characters": 7, "words": 2, "lines": 1}
    assert told["words"]["bins"] == [
        {"n": 1, "confidence": 0.2, "right": 0.0},
        {"n": 1, "confidence": 0.9, "right": 1.0},
    ]
    assert sum(one["right"] for one in told["characters"]["bins"]) == 6
    assert told["lines"]["bins"] == [
        {"n": 1, "confidence": 0.6, "right": pytest.approx(1 - 7 / 13, abs=1e-5)}
    ]
    assert told["lines"]["ece"] == pytest.approx(0.6 - 6 / 13)


def test_results_without_word_confidences_are_judged_by_lines_alone():
    told = score(results_of([Outcome("letters/1", "ab", 0.6)]), [sample(1, "ab")]).to_dict()
    assert list(told["calibration"]) == ["lines"]


def test_a_boast_is_found_and_mended_on_pages_that_were_not_fitted_on():
    results, samples = honest_lines(400, boast=0.3)
    calibration, trials = try_calibration(results, samples)
    words = next(trial for trial in trials if trial.level == "words")
    assert (words.n, calibration.fitted_on) == (2400, 400)
    assert words.before > 0.2
    assert words.after < 0.06
    assert calibration.words(0.8) < 0.65


def test_honest_confidences_are_hardly_changed():
    calibration, _ = try_calibration(*honest_lines(600))
    assert all(calibration.words(p) == pytest.approx(p, abs=0.05) for p in (0.1, 0.3, 0.5, 0.7, 0.9))


def test_one_page_says_nothing_about_others():
    results, samples = honest_lines(20)
    _, trials = try_calibration(results, [replace(one, page="1") for one in samples])
    assert [trial.after for trial in trials] == [None, None, None]


def test_test_lines_are_never_fitted_on():
    results, samples = honest_lines(4)
    with pytest.raises(DataError, match=r"letters/2.*never on a test split"):
        try_calibration(results, [*samples[:2], replace(samples[2], split="test"), samples[3]])


def test_results_that_kept_no_confidences_cannot_be_fitted():
    with pytest.raises(DataError, match="no confidences of characters"):
        try_calibration(results_of([Outcome("letters/1", "ab", 0.6)]), [sample(1, "ab")])


def test_a_calibration_that_asks_a_language_model_is_no_support_without_one():
    asking = Calibration(words=LogOddsMap(1.0, 0.0, 0.5, 0.1))
    with pytest.raises(DataError, match="none has judged these words"):
        try_calibration(*honest_lines(20), toward=asking)


def test_confidences_come_back_from_the_file(tmp_path):
    results, _ = honest_lines(3)
    write_results(results, tmp_path / "r.jsonl")
    again = read_results(tmp_path / "r.jsonl")
    assert again.outcomes[2].words == pytest.approx(results.outcomes[2].words, abs=1e-4)
    assert again.outcomes[2].characters == pytest.approx(results.outcomes[2].characters, abs=1e-4)


@pytest.mark.parametrize(
    ("key", "told", "complaint"),
    [
        ("words", [0.1], "1 word confidences for 2 words"),
        ("characters", [0.1] * 4, "4 character confidences for 3 characters"),
        ("words", "sure", "not a list of numbers"),
        ("words", [True, 0.5], "not a list of numbers"),
    ],
)
def test_confidences_that_do_not_fit_are_named(tmp_path, key, told, complaint):
    path = tmp_path / "r.jsonl"
    write_results(results_of([]), path)
    row = {"id": "letters/1", "text": "a b", "confidence": 0.5, key: told}
    path.write_text(path.read_text() + json.dumps(row) + "\n")
    with pytest.raises(DataError, match=rf":2: letters/1: .*{complaint}"):
        read_results(path)

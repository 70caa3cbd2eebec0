"""Weights of a language model for lines, tried on validation lines: CER and harm as if each were read alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from amanuensis.data import read_dataset
from amanuensis.errors import DataError, ModelError
from amanuensis.evaluation.language_tuning import (
    MAX_HARM,
    WEIGHTS,
    LanguageTrial,
    best_language_trial,
    is_shown,
    num_trials,
    try_language,
)
from amanuensis.language import NGramModel
from amanuensis.metrics import EditCounts, HarmCounts, TextScores, count_harm
from amanuensis.recognition import LineOptions, Recognizer
from tiny_model import draw, write_tiny_model

# Two pictures that the network reads as they are drawn; the second text is what the writer meant.
LINES = [("ab ab", "ab ab"), ("ab bb", "ab ab"), ("éb ab", "éb ab")]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "bars"
    folder.mkdir()
    rows = ["image\ttext\tsplit\twriter"]
    for i, (drawn, text) in enumerate([*LINES, ("ab", "ab")]):
        Image.fromarray(draw(drawn)).save(folder / f"{i}.png")
        rows.append(f"{i}.png\t{text}\t{'val' if i < len(LINES) else 'test'}\t")
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def recognizer(tmp_path: Path) -> Recognizer:
    NGramModel.train(["ab ab"] * 20 + ["éa b"], 4, unit="characters").save(tmp_path / "ab.lm")
    options = LineOptions(language_model=str(tmp_path / "ab.lm"), language_weight=0.1)
    return Recognizer.load(write_tiny_model(tmp_path / "model", gain=1.2), options=options)


def test_each_trial_is_what_reading_with_it_gives(recognizer, data) -> None:
    samples = read_dataset(data).split("val")
    told: list[tuple[int, int]] = []
    trials = list(try_language(recognizer, samples, progress=lambda *counts: told.append(counts)))
    assert [trial.weight for trial in trials[: 1 + len(WEIGHTS)]] == [0, *(weight for weight, _ in WEIGHTS)]
    assert len(trials) == num_trials()
    assert {trial.margin > 0 for trial in trials[1:]} == {True, False}
    assert told[-1] == (len(trials) * len(samples),) * 2
    greedy = [
        reading.text
        for reading in Recognizer.read(recognizer.searching(_greedy(recognizer)), _images(samples))
    ]
    assert greedy == [drawn for drawn, _ in LINES]
    for trial in trials[1:]:
        decoder = replace(
            recognizer.config.decoder,
            language_weight=trial.weight,
            length_bonus=trial.bonus,
            change_margin=trial.margin,
        )
        texts = [reading.text for reading in recognizer.searching(decoder).read(_images(samples))]
        lines = list(zip(samples, greedy, texts, strict=True))
        harm = sum((count_harm(s.text, g, t) for s, g, t in lines), start=HarmCounts())
        assert trial.harm == harm
        assert trial.scores.n == len(samples)
    assert trials[0].harm.harmed == trials[0].harm.rescued == 0
    assert any(trial.harm.rescued for trial in trials)


def test_the_network_reads_each_line_once(recognizer, data, monkeypatch) -> None:
    read = []
    logits = recognizer.runtime.logits
    monkeypatch.setattr(recognizer.runtime, "logits", lambda images: read.extend(images) or logits(images))
    list(try_language(recognizer, read_dataset(data).split("val")))
    assert len(read) == len(LINES)


def test_what_cannot_be_tuned_is_told(recognizer, data, tmp_path) -> None:
    with pytest.raises(DataError, match="is of a test set"):
        list(try_language(recognizer, read_dataset(data).samples))
    with pytest.raises(DataError, match="no line"):
        list(try_language(recognizer, []))
    with pytest.raises(ModelError, match="no language model"):
        list(try_language(Recognizer.load(tmp_path / "model"), read_dataset(data).split("val")))


def trial(weight, edits, harmed, right=1000):
    scores = TextScores(n=10, characters=EditCounts(edits, 1000), words=EditCounts(0, 2 * right))
    return LanguageTrial(weight, 0, 0, scores, HarmCounts(2 * right, right, harmed, 0), 1.0)


def test_the_best_is_shown_to_harm_no_more_than_it_may() -> None:
    none, small, strong = trial(0, 100, 0), trial(0.1, 80, 4), trial(0.5, 60, 9)
    # 9 of 1,000 are within 1 %, and the truth may well be 1.6 %.
    assert best_language_trial([none, small, strong]) is small
    assert best_language_trial([none, small, strong], max_harm=0.02) is strong
    assert best_language_trial([none, trial(0.1, 100, 0)]) is none
    assert best_language_trial([none, small, strong], max_harm=0) is none
    assert MAX_HARM == 0.01


def test_too_few_words_to_show_anything_leave_the_least_harm() -> None:
    none, small, middle, strong = (
        trial(w, e, h, 200) for w, e, h in ((0, 100, 0), (0.1, 90, 1), (0.2, 80, 1), (0.5, 60, 2))
    )
    assert not any(is_shown(one, MAX_HARM) for one in (small, middle, strong))
    assert best_language_trial([none, small, middle, strong]) is middle
    assert best_language_trial([none, trial(0.1, 60, 3, 200)]) is none  # 1.5 % was seen
    assert best_language_trial([none]) is none


def _images(samples):
    return [sample.image for sample in samples]


def _greedy(recognizer):
    return recognizer.config.decoder.searching("best-path")

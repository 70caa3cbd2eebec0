from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from amanuensis.errors import ImageError, ModelError
from amanuensis.language import Vocab
from amanuensis.metrics import LogOddsMap
from amanuensis.recognition import (
    Calibration,
    LineEnsemble,
    Member,
    Recognizer,
    load_recognizer,
    read_config,
    write_config,
)
from amanuensis.recognition.line_ensemble import AveragedRuntime, vote
from amanuensis.records import Alternative, Reading, Span
from tiny_model import draw, write_tiny_model


@pytest.fixture
def recognizer(tiny_model: Path) -> Recognizer:
    return Recognizer.load(tiny_model)


class Fixed:
    """A runtime that writes what it is told, whatever it sees."""

    def __init__(self, *frames: list[float]) -> None:
        self.frames = np.log(np.array(frames, np.float32))

    def logits(self, images):
        return [self.frames for _ in images]


def saying(recognizer: Recognizer, text: str, chance: float, name: str) -> Recognizer:
    """Reads every line as `text`; each character has this chance, the rest is blank."""
    symbols = recognizer.config.vocabulary.symbols
    frames = []
    for character in text:
        frame = [0.001] * (len(symbols) + 1)
        frame[symbols.index(character) + 1], frame[0] = chance, 0.999 - chance
        frames += [frame, [0.996, *[0.001] * len(symbols)]]
    return Recognizer(replace(recognizer.config, name=name), Fixed(*frames))


def reading_of(text: str, confidence: float) -> Reading:
    return Reading(text, confidence, tuple(Span(c, i, i + 1, confidence) for i, c in enumerate(text)))


IMAGES = ["ab", "bé a", "", "aab"]


@pytest.mark.parametrize("combination", ["vote", "frames"])
def test_an_ensemble_of_one_equals_the_one(recognizer: Recognizer, combination: str) -> None:
    ensemble = LineEnsemble([Member(recognizer)], combination=combination)
    images = [draw(text) for text in IMAGES]
    assert ensemble.read(images) == recognizer.read(images)
    assert ensemble.config == recognizer.config


@pytest.mark.parametrize("combination", ["vote", "frames"])
def test_twice_the_same_reads_the_same(recognizer: Recognizer, combination: str) -> None:
    ensemble = LineEnsemble([Member(recognizer)] * 2, combination=combination)
    images = [draw(text) for text in IMAGES]
    for one, two in zip(recognizer.read(images), ensemble.read(images), strict=True):
        assert (one.text, one.confidence) == (two.text, pytest.approx(two.confidence))
    assert ensemble.config.parameters == 2 * recognizer.config.parameters
    assert ensemble.config.name == "tiny+tiny"


def test_the_vote_keeps_what_others_read_and_where_they_differ() -> None:
    told = vote([reading_of("house", 0.5), reading_of("mouse", 0.9), reading_of("house", 0.6)])
    assert (told.text, told.confidence) == ("house", 0.6)
    assert [span.disagreement for span in told.spans] == [0.5, 0, 0, 0, 0]
    assert told.alternatives == (Alternative("mouse", 0.9),)


def test_models_vote_on_pictures_that_are_loaded_once(recognizer: Recognizer) -> None:
    members = [
        saying(recognizer, "ab", 0.6, "one"),
        saying(recognizer, "ba", 0.95, "two"),
        saying(recognizer, "ab", 0.6, "three"),
    ]
    loaded = []

    def load(source):
        loaded.append(source)
        if source == "bad":
            raise ImageError("bad: no image")
        return draw("a")

    ensemble = LineEnsemble([Member(one) for one in members])
    first, bad, last = ensemble.read_each(["x", "bad", "y"], load=load)
    assert (first.text, last.text) == ("ab", "ab")
    assert isinstance(bad, ImageError)
    assert loaded == ["x", "bad", "y"]
    told = ensemble.to_dict()
    assert told["parameters"] == sum(one["parameters"] for one in told["members"])
    assert [one["model"] for one in told["members"]] == ["one", "two", "three"]
    assert all(one["seconds"] >= 0 for one in told["members"])


def test_frames_are_averaged_as_probabilities(recognizer: Recognizer) -> None:
    a, b = Fixed([0.7, 0.1, 0.2]), Fixed([0.1, 0.5, 0.4])
    [mean] = AveragedRuntime([a, b]).logits([np.zeros((1, 1), np.float32)])
    np.testing.assert_allclose(np.exp(mean), [[0.4, 0.3, 0.3]], rtol=1e-5)


def test_a_sure_frame_outweighs_two_doubtful_ones_but_not_their_vote(recognizer: Recognizer) -> None:
    members = [
        Member(saying(recognizer, text, p, text))
        for text, p in (("a", 0.55), ("a", 0.55), ("b", 0.999 - 1e-4))
    ]
    [voted] = LineEnsemble(members).read(draw("a"))
    assert voted.text == "a"
    pair = [members[0], members[2]]
    [averaged] = LineEnsemble(pair, combination="frames").read(draw("a"))
    assert averaged.text == "b"


def test_a_specialist_votes_on_its_own_lines_only(recognizer: Recognizer) -> None:
    general = Member(saying(recognizer, "ab", 0.6, "general"))
    special = Member(saying(recognizer, "ba", 0.9, "special"), frozenset({"washington", "eng"}))
    ensemble = LineEnsemble([general, special])
    assert ensemble.read(draw("a"))[0].text == "ba"  # nothing is known: both vote
    assert ensemble.for_set("saintgall").read(draw("a"))[0].text == "ab"
    assert ensemble.for_set("washington").read(draw("a"))[0].text == "ba"
    english = LineEnsemble([general, special], context=frozenset({"eng"}))
    assert english.for_set("letters").read(draw("a"))[0].text == "ba"
    assert ensemble.to_dict()["members"][1]["only"] == ["eng", "washington"]
    with pytest.raises(ModelError, match="none of the models reads saintgall"):
        LineEnsemble([special]).for_set("saintgall")


def test_what_cannot_be_put_together_says_why(recognizer: Recognizer) -> None:
    other = Recognizer(
        replace(recognizer.config, name="other", vocabulary=Vocab(["x"]), stride=8), Fixed([1.0, 0.1])
    )
    with pytest.raises(ModelError, match="tiny and other differ in their alphabet and stride"):
        LineEnsemble([Member(recognizer), Member(other)], combination="frames")
    with pytest.raises(ModelError, match="specialists can vote"):
        LineEnsemble([Member(recognizer, frozenset({"a"}))], combination="frames")
    with pytest.raises(ModelError, match="at least one"):
        LineEnsemble([])


def test_models_as_users_name_them(tiny_model: Path, tmp_path: Path) -> None:
    odd = write_tiny_model(tmp_path / "model@home")
    assert isinstance(load_recognizer([odd]), Recognizer)
    assert isinstance(load_recognizer(str(odd)), Recognizer)
    ensemble = load_recognizer([str(tiny_model), f"{odd}@fra, letters"])
    assert isinstance(ensemble, LineEnsemble)
    assert [member.only for member in ensemble.members] == [frozenset(), frozenset({"fra", "letters"})]
    assert load_recognizer([f"{tiny_model}@fra"]).read(draw("ab"))[0].text == "ab"
    with pytest.raises(ModelError, match="behind the @"):
        load_recognizer(f"{tiny_model}@,")
    with pytest.raises(ModelError, match="no-such"):
        load_recognizer(f"{tmp_path}/no-such@fra")


def test_members_keep_calibrations_of_their_own_and_the_average_has_none(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = write_tiny_model(tmp_path / "calibrated", gain=1.5)
    lowered = Calibration(lines=LogOddsMap(1.0, -2.0), fitted_on=1)
    write_config(folder, replace(read_config(folder), calibration={"best-path": lowered}))
    calibrated = Member(Recognizer.load(folder))
    [alone] = calibrated.recognizer.read(draw("ab"))
    [voted] = LineEnsemble([calibrated, calibrated]).read(draw("ab"))
    [averaged] = LineEnsemble([calibrated, calibrated], combination="frames").read(draw("ab"))
    assert voted.confidence == alone.confidence < averaged.confidence

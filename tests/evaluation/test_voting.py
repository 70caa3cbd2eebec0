"""A vote on result files is the vote that models take while they read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from amanuensis.errors import DataError
from amanuensis.evaluation import Outcome, Results, evaluate, vote_on
from amanuensis.language import TextNormalization
from amanuensis.recognition import LineEnsemble, Member, Recognizer
from amanuensis.recognition.runtime import Runtime
from amanuensis.records import Sample
from tiny_model import draw

PLAIN = {"method": "best-path"}


def _results(model: str, *texts: str | None, confidence: float = 0.5, **more: object) -> Results:
    """What a model read of lines 0, 1, ...; None: it could not."""
    outcomes = tuple(
        Outcome(str(number), error="broken") if text is None else Outcome(str(number), text, confidence)
        for number, text in enumerate(texts)
    )
    results = Results(model, "test", ("own",), TextNormalization(), PLAIN, {"own": 1.5}, outcomes)
    return replace(results, **more)


def test_the_reading_of_least_risk_wins_and_costs_are_sums() -> None:
    first = _results("a", "cat", "one", confidence=0.9)
    voted = vote_on([first, _results("b", "cot", "two"), _results("c", "cots", "two")])
    assert [outcome.text for outcome in voted.outcomes] == ["cot", "two"]
    assert [outcome.confidence for outcome in voted.outcomes] == [0.5, 0.5]
    assert voted.model == "a+b+c"
    assert voted.seconds == {"own": 4.5}
    assert voted.ensemble["combination"] == "vote"
    assert [member["model"] for member in voted.ensemble["members"]] == ["a", "b", "c"]


def test_who_could_not_read_a_line_has_no_voice_and_a_line_of_some_is_no_line_of_all() -> None:
    voted = vote_on([_results("a", None, None, "x"), _results("b", "cat", None)])
    assert [(outcome.text, outcome.error) for outcome in voted.outcomes] == [("cat", None), ("", "broken")]


def test_one_alone_is_itself() -> None:
    alone = _results("a", "cat", None)
    assert vote_on([alone]).outcomes == alone.outcomes


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"split": "val"}, "splits"),
        ({"decoder": {"method": "prefix-beam"}}, "searches"),
        ({"normalization": TextNormalization(form="NFD")}, "spellings"),
        ({"correction": {"kind": "lexicon"}}, "corrections"),
    ],
)
def test_what_cannot_be_compared_cannot_vote(change: dict[str, object], told: str) -> None:
    with pytest.raises(DataError, match=rf"a and b cannot vote: their {told} differ"):
        vote_on([_results("a", "cat"), _results("b", "cat", **change)])
    with pytest.raises(DataError, match="no results"):
        vote_on([])


def test_it_is_what_an_ensemble_reads(tiny_model: Path, tmp_path: Path) -> None:
    samples = []
    for text in ("ab", "ba", "a b", "éab"):
        Image.fromarray(draw(text)).save(tmp_path / f"{text}.png")
        samples.append(Sample(text, tmp_path / f"{text}.png", text, "test", "own"))
    seeing, backwards = Recognizer.load(tiny_model), Recognizer.load(tiny_model)
    backwards.runtime = Backwards(seeing.runtime)
    apart = [evaluate(one, samples).outcomes for one in (seeing, backwards)]
    assert [outcome.text for outcome in apart[0]] == ["ab", "ba", "a b", "éab"]
    assert [outcome.text for outcome in apart[1]] == ["ba", "ab", "b a", "baé"]
    for members in ([seeing], [seeing, backwards], [seeing, backwards, backwards]):
        together = evaluate(LineEnsemble([Member(one) for one in members]), samples)
        assert vote_on([evaluate(one, samples) for one in members]).outcomes == together.outcomes


class Backwards:
    """A network that reads lines from their other end."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def logits(self, images):
        return [line[::-1] for line in self._runtime.logits(images)]

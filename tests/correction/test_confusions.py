"""What mistakes look like, and how likely a word is in the light of them."""

from __future__ import annotations

import itertools
import math

import pytest

from amanuensis.correction import Confusions
from amanuensis.correction.confusions import log_likelihoods
from amanuensis.errors import ModelError


def test_mistakes_are_counted_from_alignments() -> None:
    confusions = Confusions.learn([("maison", "maisom"), ("ab", "b"), ("c", "cd")])
    assert confusions.counts == {("n", "m"): 1, ("a", ""): 1, ("", "d"): 1}
    assert confusions.num_read == 9


def test_what_was_confused_is_likelier_than_what_was_not() -> None:
    confusions = Confusions({("n", "m"): 90, ("o", "a"): 90, ("", "m"): 10}, num_read=1000)
    assert confusions.written("m", "n") > 0.5 > confusions.written("m", "o") > 0
    assert confusions.written("m", "") > confusions.written("m", "q") > 0
    assert sum(confusions.written("m", c) for c in ("n", "o", "")) < 1.01


def test_counts_survive_their_file_and_damage_is_named() -> None:
    confusions = Confusions({("n", "m"): 3, ("", "x"): 1}, num_read=10)
    again = Confusions.from_dict(confusions.to_dict())
    assert (again.counts, again.num_read) == (confusions.counts, 10)
    with pytest.raises(ModelError, match="confusions"):
        Confusions.from_dict({"counts": [["a", "b"]], "read": 1})


def brute_force(read: str, sure: list[float], candidate: str, confusions: Confusions) -> float:
    """The best of all alignments, tried one by one."""
    best = -math.inf
    moves = [(1, 1), (1, 0), (0, 1)]
    for length in range(max(len(read), len(candidate)), len(read) + len(candidate) + 1):
        for path in itertools.product(moves, repeat=length):
            if sum(a for a, _ in path) != len(read) or sum(b for _, b in path) != len(candidate):
                continue
            i = j = 0
            total = 0.0
            for a, b in path:
                if a and b:
                    wrong = math.log(1 - sure[i]) + math.log(confusions.written(read[i], candidate[j]))
                    total += math.log(sure[i]) if read[i] == candidate[j] else wrong
                elif a:
                    total += math.log(1 - sure[i]) + math.log(confusions.written(read[i], ""))
                else:
                    total += math.log(confusions.missing(candidate[j]))
                i, j = i + a, j + b
            best = max(best, total)
    return best


@pytest.mark.parametrize("read", ["a", "ab", "bba"])
def test_likelihoods_are_those_of_brute_force(read: str) -> None:
    confusions = Confusions({("a", "b"): 5, ("c", "a"): 2, ("", "b"): 3, ("a", ""): 4}, num_read=50)
    sure = [0.9, 0.3, 0.6][: len(read)]
    candidates = ["a", "ab", "cab", "b", "c"]
    found = log_likelihoods(read, sure, candidates, confusions)
    for candidate, told in zip(candidates, found, strict=True):
        assert told == pytest.approx(brute_force(read, sure, candidate, confusions))


def test_a_certain_reading_never_makes_another_word_impossible() -> None:
    [same, other] = log_likelihoods("ab", [1.0, 1.0], ["ab", "ac"], Confusions())
    assert -math.inf < other < same <= 0

"""A language model's changes that are not worth it go back to the best path: against the definition, on toys."""

import numpy as np
import pytest

from amanuensis.decoding import best_path, log_softmax, prefix_beam, string_log_probabilities
from amanuensis.decoding.caution import Marks, worthwhile
from amanuensis.decoding.fusion import CharacterFusion, WordFusion
from amanuensis.language import NGramModel, Vocab
from amanuensis.recognition import Decoder

VOCAB = Vocab(["a", "b", " ", "1", "2"])
MODEL = NGramModel.train(["ab ab", "ab 1b", "a b"] * 3, 3, unit="characters")


def written(*columns):
    """Logits (T, 6) that see each column's symbols with the probabilities given; blanks between columns."""
    rows = []
    for column in columns:
        rows.append([column.get(symbol, 1e-4) for symbol in ("", *VOCAB.symbols)])
        rows.append([1 - 5e-4, *[1e-4] * 5])
    return np.log(np.array(rows) / np.array(rows).sum(axis=1, keepdims=True))


def read(logits, scorer, margin):
    """The text with a margin, by the decoder as a model stores it."""
    decoder = Decoder("prefix-beam", prune=0, language_model="x", language_weight=1, change_margin=margin)
    return VOCAB.decode(decoder(logits, scorer).tokens)


def score(logits, text, scorer, weight):
    [probability] = string_log_probabilities(log_softmax(logits), [VOCAB.encode(text)])
    return probability + weight * MODEL.log_probability(text)


# "bb ab 1b": the first b was rather an a, the last word's digit is a 2 nearly as surely.
LINE = written({"b": 0.6, "a": 0.4}, {"b": 0.99}, {" ": 0.99}, {"a": 0.55, "b": 0.45}, {"a": 0.6, "b": 0.4})


def test_a_word_changes_by_what_it_gains() -> None:
    weight = 0.8
    scorer = CharacterFusion(MODEL, VOCAB, weight=weight)
    greedy = VOCAB.decode(best_path(LINE).tokens)
    best = VOCAB.decode(prefix_beam(LINE, prune=0, beam=200, scorer=scorer)[0].tokens)
    assert (greedy, best) == ("bb aa", "ab ab")
    gains = {
        "bb ab": score(LINE, best, scorer, weight) - score(LINE, "bb ab", scorer, weight),
        "ab aa": score(LINE, best, scorer, weight) - score(LINE, "ab aa", scorer, weight),
    }
    first, second = sorted(gains, key=gains.__getitem__)
    assert 0 < gains[first] < gains[second]
    for margin in (0.0, gains[first] - 1e-6):
        assert read(LINE, scorer, margin) == "ab ab"
    for margin in (gains[first] + 1e-6, gains[second] - 1e-6):
        assert read(LINE, scorer, margin) == first
    assert read(LINE, scorer, gains[second] + 1e-6) == greedy
    assert read(LINE, scorer, 1e9) == greedy


def test_no_digit_becomes_another_one() -> None:
    line = written({"a": 0.99}, {"b": 0.99}, {" ": 0.99}, {"2": 0.6, "1": 0.4}, {"a": 0.55, "b": 0.45})
    scorer = CharacterFusion(MODEL, VOCAB, weight=1.0)
    assert VOCAB.decode(best_path(line).tokens) == "ab 2a"
    assert read(line, scorer, 0.0) == "ab 1b"  # without a margin nothing is asked
    assert read(line, scorer, 1e-6) == "ab 2a"
    kept = written({"a": 0.99}, {"b": 0.99}, {" ": 0.99}, {"1": 0.9}, {"a": 0.55, "b": 0.45})
    assert read(kept, scorer, 1e-6) == "ab 1b"  # the same digit in a word that changes


def test_words_that_were_joined_or_parted_are_one_change() -> None:
    line = written({"a": 0.99}, {"b": 0.99}, {" ": 0.45, "b": 0.55}, {"a": 0.99}, {"b": 0.99})
    scorer = CharacterFusion(MODEL, VOCAB, weight=1.0)
    assert VOCAB.decode(best_path(line).tokens) == "abbab"
    assert read(line, scorer, 0.5) == "ab ab"
    assert read(line, scorer, 50.0) == "abbab"


def test_a_larger_margin_takes_no_more() -> None:
    scorer = CharacterFusion(MODEL, VOCAB, weight=0.7, bonus=0.5)
    words = WordFusion(
        scorer, NGramModel.train([["ab"], ["a", "b"]], 2, unit="words"), VOCAB, weight=0.5, unknown=-1
    )
    changed = 0
    for seed in range(30):
        logits = np.random.default_rng(seed).normal(scale=2, size=(12, 6))
        greedy = best_path(logits).tokens
        for asked in (scorer, words):
            best = prefix_beam(logits, scorer=asked)[0].tokens
            found = [worthwhile(logits, best, asked, margin=margin) for margin in (1e-9, 0.5, 1, 2, 1e9)]
            assert found[-1] == greedy
            away = [sum(1 for _ in _differing(greedy, one)) for one in found]
            changed += away[0] > 0
            assert all(before == after or b <= a for (before, after), a, b in _pairs(found, away))
    assert changed > 10


def _pairs(found, away):
    return [((found[i], found[i + 1]), away[i], away[i + 1]) for i in range(len(found) - 1)]


def _differing(one, other):
    from rapidfuzz.distance import Levenshtein  # noqa: PLC0415

    return (step for step in Levenshtein.editops(one, other))


def test_nothing_read_and_nothing_changed_are_no_trouble() -> None:
    scorer = CharacterFusion(MODEL, VOCAB, weight=1.0)
    empty = np.zeros((0, 6))
    assert worthwhile(empty, (), scorer, margin=1.0) == ()
    same = best_path(LINE).tokens
    assert worthwhile(LINE, same, scorer, margin=1.0) == same


def test_spaces_and_digits_of_any_script_are_known() -> None:
    marks = Marks.of(Vocab(["a", "٣", " ", "7", "²"]))
    assert (marks.spaces, marks.digits) == ({3}, {2, 4, 5})


@pytest.mark.parametrize("margin", [-1.0, float("nan"), "much"])
def test_an_impossible_margin_is_named(margin) -> None:
    from amanuensis.errors import ModelError  # noqa: PLC0415

    with pytest.raises(ModelError, match="change_margin"):
        Decoder("prefix-beam", language_model="x", language_weight=0.1, change_margin=margin)

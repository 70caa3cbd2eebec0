"""A beam with a language model against exhaustive search over every string on toys."""

import math

import numpy as np
import pytest
from test_search import all_strings, toys

from amanuensis.decoding import best_path, log_softmax, prefix_beam, score_string, string_log_probabilities
from amanuensis.decoding.fusion import CharacterFusion, WordFusion
from amanuensis.language import NGramModel, Vocab

VOCAB = Vocab(["a", "b", " "])
TEXTS = ["ab a", "ba ab", "a b", "abba", "b"]


def character_model(order=3):
    return NGramModel.train(TEXTS, order, unit="characters")


@pytest.mark.parametrize("weight", [0.3, 2.0])
@pytest.mark.parametrize("logits", [toy for toy in toys() if toy.shape[1] <= 4][:9])
def test_a_wide_beam_finds_what_exhaustive_search_finds(logits, weight):
    model = character_model()
    scorer = CharacterFusion(model, VOCAB, weight=weight, bonus=0.4)
    total, _ = all_strings(log_softmax(logits))
    expected = {
        string: math.log(p) + weight * model.log_probability(VOCAB.decode(string)) + 0.4 * len(string)
        for string, p in total.items()
    }
    found = prefix_beam(logits, beam=1000, prune=0, scorer=scorer)
    assert {hypothesis.tokens for hypothesis in found} == set(expected)
    assert found[0].score == pytest.approx(max(expected.values()))
    for hypothesis in found:
        assert hypothesis.score == pytest.approx(expected[hypothesis.tokens])
        assert math.exp(hypothesis.log_probability) == pytest.approx(total[hypothesis.tokens])


@pytest.mark.parametrize("beam", [1, 3, 16])
def test_a_narrow_beam_is_never_worse_than_the_best_path(beam):
    scorer = CharacterFusion(character_model(), VOCAB, weight=0.5, bonus=1.0)
    for seed in range(20):
        logits = np.random.default_rng(seed).normal(scale=2, size=(15, 4))
        greedy = best_path(logits).tokens
        [probability] = string_log_probabilities(log_softmax(logits), [greedy])
        found = prefix_beam(logits, beam=beam, prune=0.01, scorer=scorer)
        assert found[0].score >= probability + score_string(scorer, greedy) - 1e-9
        assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


def test_weight_zero_changes_nothing_and_a_bonus_lengthens():
    for seed in range(10):
        logits = np.random.default_rng(seed).normal(scale=1.5, size=(8, 4))
        silent = CharacterFusion(character_model(), VOCAB, weight=0, bonus=0)
        assert prefix_beam(logits, scorer=silent) == prefix_beam(logits)
        long = CharacterFusion(character_model(), VOCAB, weight=0, bonus=3)
        assert len(prefix_beam(logits, scorer=long)[0].tokens) >= len(prefix_beam(logits)[0].tokens)


def test_a_language_model_decides_what_the_picture_leaves_open():
    logits = np.log(np.array([[0.02, 0.94, 0.02, 0.02], [0.02, 0.02, 0.02, 0.94], [0.02, 0.5, 0.46, 0.02]]))
    assert VOCAB.decode(prefix_beam(logits)[0].tokens) == "a a"
    model = NGramModel.train(["a b"] * 5 + ["b a"], 3, unit="characters")
    scorer = CharacterFusion(model, VOCAB, weight=0.5)
    assert VOCAB.decode(prefix_beam(logits, scorer=scorer)[0].tokens) == "a b"


def test_symbols_that_the_model_lacks_are_unknown_not_impossible():
    vocab = Vocab(["a", "ꝵ"])
    logits = np.log(np.array([[0.05, 0.05, 0.9], [0.9, 0.05, 0.05], [0.05, 0.9, 0.05]]))
    scorer = CharacterFusion(character_model(), vocab, weight=0.2, bonus=0.4)
    assert vocab.decode(prefix_beam(logits, scorer=scorer)[0].tokens) == "ꝵa"


def test_no_frames_are_the_empty_string():
    scorer = CharacterFusion(character_model(), VOCAB, weight=1)
    [only] = prefix_beam(np.zeros((0, 4)), scorer=scorer)
    assert (only.tokens, only.log_probability) == ((), 0.0)
    assert only.score == pytest.approx(character_model().log_probability(""))


def slow_word_score(model, text, *, weight, unknown):
    """Every word by the words before it, straight from the definition."""
    total, context = 0.0, ()
    for word in text.split(" "):
        if not word:
            continue
        known = next((w for w in (word, word.lower(), word.capitalize()) if w in model.symbols), None)
        index = model.unknown if known is None else model.symbols.index(known)
        total += weight * model.class_log_prob(context, index) + (unknown if known is None else 0)
        context = model.context((*context, index))
    return total


@pytest.mark.parametrize("logits", [toy for toy in toys() if toy.shape[1] == 4][:3])
def test_words_are_judged_when_they_end_as_exhaustive_search_has_it(logits):
    characters = CharacterFusion(character_model(), VOCAB, weight=0.2, bonus=0.1)
    texts = [["ab", "a"], ["ba", "ab", "a"], ["a", "b"]]
    model = NGramModel.train(texts, 2, unit="words")
    scorer = WordFusion(characters, model, VOCAB, weight=0.7, unknown=-1.5)
    total, _ = all_strings(log_softmax(logits))
    expected = {
        string: math.log(p)
        + score_string(characters, string)
        + slow_word_score(model, VOCAB.decode(string), weight=0.7, unknown=-1.5)
        for string, p in total.items()
    }
    found = prefix_beam(logits, beam=1000, prune=0, scorer=scorer)
    assert found[0].score == pytest.approx(max(expected.values()))
    for hypothesis in found:
        assert hypothesis.score == pytest.approx(expected[hypothesis.tokens])


def test_an_unknown_word_is_possible_and_costs_its_penalty():
    vocab = Vocab(["c", "a", "t", "7", "C", " "])
    characters = CharacterFusion(NGramModel.train(["cat"], 2, unit="characters"), vocab, weight=0)
    model = NGramModel.train([["cat"], ["cat", "cat"]], 2, unit="words")

    def worth(text, unknown):
        scorer = WordFusion(characters, model, vocab, weight=1, unknown=unknown)
        return score_string(scorer, tuple(vocab.encode(text)))

    assert worth("tac", -2) == pytest.approx(worth("tac", 0) - 2)
    assert worth("cat", -2) == worth("cat", 0) == worth("Cat", 0) > worth("tac", 0)
    assert worth("7 77", -2) == worth("", -2) == 0  # numbers are not judged
    assert worth("cat ", 0) == worth("cat", 0) == worth("  cat", 0)


@pytest.mark.parametrize("text", ["", "a", "ab ba", "bb"])
@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_what_a_model_says_of_each_symbol_sums_to_what_it_says_of_the_text(text, weight):
    model = character_model()
    scorer = CharacterFusion(model, VOCAB, weight=weight, bonus=0.4)
    words = WordFusion(scorer, NGramModel.train(["ab a"], 1, unit="words"), VOCAB, weight=1.0)
    said = scorer.log_probabilities(VOCAB.encode(text))
    assert len(said) == len(text) + 1
    assert sum(said) == pytest.approx(model.log_probability(text))
    assert words.log_probabilities(VOCAB.encode(text)) == said

"""Kneser-Ney against its definition, pruning, quantized probabilities: what the arrays must mean."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from amanuensis.errors import RecipeError
from amanuensis.language import Estimation, NGramModel

TEXTS = [
    "abracadabra",
    "banana band",
    "cab",
    "abba",
    "a dab",
    "",
    "bad cab",
    "banana",
    "radar",
    "a bar",
    "crab",
]
KNESER_NEY = Estimation("kneser-ney")


def slow_kneser_ney(texts, order, context, symbol):
    """Modified Kneser-Ney straight from its definition, with Counters of strings; "<" begins, ">" ends."""
    rows = [f"<{text}>" for text in texts]
    classes = [*sorted(set("".join(texts))), "?", ">"]
    raw = [
        Counter(row[i : i + n] for row in rows for i in range(len(row) - n + 1)) for n in range(1, order + 1)
    ]

    def counts(n):
        if n == order:
            found = dict(raw[n - 1])
        else:
            before = Counter(longer[1:] for longer in raw[n])
            found = {g: raw[n - 1][g] if g[0] == "<" else before[g] for g in raw[n - 1]}
        if n == 1:
            found.pop("<", None)
        return found

    def discounts(found):
        n1, n2, n3, n4 = (sum(c == i for c in found.values()) for i in (1, 2, 3, 4))
        if not all((n1, n2, n3, n4)):
            return [0, 0.5, 1, 1.5]
        y = n1 / (n1 + 2 * n2)
        d = [0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        return d if all(0 <= d[i] <= i for i in range(4)) else [0, 0.5, 1, 1.5]

    def probability(h, w):
        lower = probability(h[1:], w) if h else 1 / len(classes)
        found = counts(len(h) + 1)
        taken = discounts(found)
        follow = {g[-1]: c for g, c in found.items() if g[:-1] == h}
        total = sum(follow.values())
        if not total:
            return lower
        own = follow.get(w, 0)
        given = sum(taken[min(c, 3)] for c in follow.values())
        return (own - taken[min(own, 3)] + given * lower) / total

    history = f"<{context}"
    return probability(history[max(0, len(history) - order + 1) :], symbol)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_kneser_ney_is_that_of_its_definition(order):
    model = NGramModel.train(TEXTS, order, how=KNESER_NEY)
    for context in ["", "a", "ba", "ban", "never", "cab a"]:
        for symbol in sorted(set("".join(TEXTS))):
            expected = slow_kneser_ney(TEXTS, order, context, symbol)
            assert model.log_prob(context, symbol) == pytest.approx(math.log(expected), rel=1e-5)
        assert np.exp(model.next_log_probs(context)).sum() == pytest.approx(1)


@pytest.mark.parametrize("smoothing", ["witten-bell", "kneser-ney"])
@pytest.mark.parametrize("max_ngrams", [1, 7, 25, 60, 10_000])
def test_a_pruned_model_is_small_and_still_a_model(smoothing, max_ngrams):
    model = NGramModel.train(TEXTS, 4, how=Estimation(smoothing, max_ngrams))
    whole = NGramModel.train(TEXTS, 4, how=Estimation(smoothing))
    assert sum(model.num_ngrams[1:]) <= max_ngrams
    assert model.num_ngrams[0] == whole.num_ngrams[0]
    for context in ["", "a", "ban", "never", "cab a"]:
        assert np.exp(model.next_log_probs(context)).sum() == pytest.approx(1)
    assert model.perplexity(TEXTS) >= whole.perplexity(TEXTS) - 1e-6
    if max_ngrams >= sum(whole.num_ngrams):
        assert model.perplexity(TEXTS) == pytest.approx(whole.perplexity(TEXTS), rel=1e-5)


def test_more_ngrams_are_a_better_model_and_the_best_are_kept():
    sizes = (2, 10, 30, 60, 120)
    found = [NGramModel.train(TEXTS, 3, how=Estimation(max_ngrams=n)).perplexity(TEXTS) for n in sizes]
    assert found == sorted(found, reverse=True)
    # "qu" is sure and frequent; everything else is even.
    text = ["qu" * 30, *("".join(pair) for pair in itertools.product("abc", repeat=2))]
    model = NGramModel.train(text, 2, how=Estimation(max_ngrams=2))
    assert model.log_prob("q", "u") > math.log(0.9)


def test_what_follows_in_one_class_is_what_follows_in_all():
    model = NGramModel.train(TEXTS, 4, how=Estimation("kneser-ney", 40))
    for context in itertools.product([*range(model.num_classes), model.begin], repeat=2):
        shortened = model.context(context)
        found = [model.class_log_prob(shortened, i) for i in range(model.num_classes)]
        assert model.class_log_probs(shortened) == pytest.approx(found)


@pytest.mark.parametrize("order", [1, 3])
def test_eight_bits_lose_little_and_survive_a_file(tmp_path, order):
    model = NGramModel.train(TEXTS, order, how=Estimation(bits=8))
    exact = NGramModel.train(TEXTS, order)
    assert model.perplexity(TEXTS) == pytest.approx(exact.perplexity(TEXTS), rel=0.02)
    model.save(tmp_path / "small.lm")
    loaded = NGramModel.load(tmp_path / "small.lm")
    assert loaded.perplexity(TEXTS) == model.perplexity(TEXTS)
    assert loaded.to_bytes() == model.to_bytes()


def test_symbols_of_more_than_a_byte_are_kept(tmp_path):
    words = [[f"w{i}", f"w{i + 1}"] for i in range(400)]
    NGramModel.train(words, 2, unit="words").save(tmp_path / "words.lm")
    loaded = NGramModel.load(tmp_path / "words.lm")
    assert loaded.log_prob(["w399"], "w400") > loaded.log_prob(["w399"], "w398")
    with pytest.raises(ValueError, match=r"cannot set"):
        loaded.trie.levels[0].symbols.flags.writeable = True  # the mapped file, not a copy of it


@pytest.mark.parametrize("wrong", [{"smoothing": "none"}, {"max_ngrams": 0}, {"bits": 16}])
def test_impossible_estimations_are_refused(wrong):
    with pytest.raises(RecipeError):
        Estimation(**wrong)

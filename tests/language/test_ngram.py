import itertools
import json
import math
from collections import Counter

import numpy as np
import pytest

from amanuensis.decoding.attention import TokenScorer
from amanuensis.errors import DataError, ModelError, RecipeError, VocabularyError
from amanuensis.language import NGramModel, NGramScorer

CAPTIONS = [
    c.split() for c in ("x ^ { 2 }", "x + y", "x + x", "\\frac { x } { y }", "y", "x ^ { 2 } + y ^ { 2 }")
]


def slow_probability(captions, order, context, symbol, symbols):
    """Witten-Bell straight from its definition; begin is "<", the end ">", an unknown symbol "?"."""
    rows = [["<", *(s if s in symbols else "?" for s in caption), ">"] for caption in captions]
    history = ["<", *(s if s in symbols else "?" for s in context)]
    symbol = symbol if symbol in symbols or symbol == ">" else "?"

    def probability(h):
        follow = Counter(
            row[i + len(h)] for row in rows for i in range(len(row) - len(h)) if row[i : i + len(h)] == h
        )
        follow.pop("<", None)
        lower = probability(h[1:]) if h else 1 / (len(symbols) + 2)
        n, t = follow.total(), len(follow)
        return (follow[symbol] + t * lower) / (n + t) if n else lower

    return probability(history[max(0, len(history) - order + 1) :])


@pytest.mark.parametrize("order", range(1, 7))
def test_probabilities_are_those_of_the_definition(order):
    model = NGramModel.train(CAPTIONS, order)
    symbols = sorted({s for c in CAPTIONS for s in c})
    assert model.symbols == tuple(symbols)
    for context in [[], ["x"], ["x", "^", "{"], ["y", "y", "x", "+"], ["never"], ["x", "never", "x"]]:
        for symbol in [*symbols, "other"]:
            expected = slow_probability(CAPTIONS, order, context, symbol, symbols)
            assert model.log_prob(context, symbol) == pytest.approx(math.log(expected))
        expected = slow_probability(CAPTIONS, order, context, ">", symbols)
        assert model.log_prob(context, None) == pytest.approx(math.log(expected))


def test_a_closed_vocabulary_makes_other_symbols_unknown():
    model = NGramModel.train(CAPTIONS, 3, vocabulary=["y", "x", "z"])
    assert model.symbols == ("y", "x", "z")
    for context, symbol in [([], "x"), (["x"], "z"), (["x", "^"], "{"), (["x", "+"], "y")]:
        expected = slow_probability(CAPTIONS, 3, context, symbol, ["y", "x", "z"])
        assert model.log_prob(context, symbol) == pytest.approx(math.log(expected))
    assert model.log_prob(["x"], "+") == model.log_prob(["x"], "never seen")


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_what_may_follow_sums_to_one_and_nothing_is_impossible(order):
    model = NGramModel.train(CAPTIONS, order, vocabulary=["x", "y", "+", "unused"])
    rng = np.random.default_rng(0)
    for length in range(8):
        context = rng.choice(["x", "y", "+", "unused", "unknown"], size=length).tolist()
        probs = np.exp(model.next_log_probs(context))
        assert probs.shape == (model.num_classes,)
        assert probs.sum() == pytest.approx(1)
        assert (probs > 0).all()


def test_the_probabilities_of_all_short_sequences_sum_to_nearly_one():
    model = NGramModel.train(["ab", "b", ""], 3)
    strings = (s for length in range(8) for s in itertools.product("ab?", repeat=length))
    total = sum(math.exp(model.log_probability(string)) for string in strings)
    # What is missing is the tail: P(8 symbols or more) is below the total of all that did not end by then.
    assert 0.98 < total < 1


def test_perplexity_counts_ends_and_is_that_of_all_tokens_together():
    model = NGramModel.train(CAPTIONS, 2)
    corpus = [["x", "+", "y"], [], ["unknown"]]
    logs = [model.log_prob(c[:i], s) for c in corpus for i, s in enumerate([*c, None])]
    assert len(logs) == 4 + 1 + 2
    assert model.perplexity(corpus) == pytest.approx(math.exp(-sum(logs) / len(logs)))
    assert model.perplexity(CAPTIONS) < NGramModel.train(CAPTIONS, 1).perplexity(CAPTIONS)


def test_characters_of_a_text_are_symbols_like_any_other():
    text = ["the cat", "the hat", "a cat"]
    assert NGramModel.train(text, 3).perplexity(text) == NGramModel.train(map(list, text), 3).perplexity(text)


def test_sequences_shorter_than_the_order_and_empty_ones_train():
    model = NGramModel.train([[], ["x"]], 6)
    assert model.num_ngrams == (4, 3, 1, 0, 0, 0)
    assert np.exp(model.next_log_probs([])).sum() == pytest.approx(1)
    loaded = NGramModel.from_bytes(model.to_bytes())
    assert (loaded.order, loaded.log_probability("x")) == (6, model.log_probability("x"))


def test_a_saved_model_is_the_same_model_and_the_same_bytes(tmp_path):
    for order, captions in [(1, CAPTIONS), (4, CAPTIONS), (3, ["é\n\ud800x", "ß"])]:
        model = NGramModel.train(captions, order)
        model.save(tmp_path / "lm.bin")
        model.save(tmp_path / "lm.bin")
        loaded = NGramModel.load(tmp_path / "lm.bin")
        assert (loaded.symbols, loaded.order, loaded.num_ngrams) == (model.symbols, order, model.num_ngrams)
        assert loaded.perplexity(captions) == model.perplexity(captions)
        assert loaded.to_bytes() == NGramModel.train(captions, order).to_bytes()
        assert [p.name for p in tmp_path.iterdir()] == ["lm.bin"]


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    model = NGramModel.train(CAPTIONS, 2)
    model.save(tmp_path / "lm.bin")
    monkeypatch.setattr(NGramModel, "to_bytes", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.save(tmp_path / "lm.bin")
    assert [p.name for p in tmp_path.iterdir()] == ["lm.bin"]
    assert NGramModel.load(tmp_path / "lm.bin").order == 2


def test_every_truncation_and_many_damages_are_told(tmp_path):
    content = NGramModel.train(CAPTIONS, 2).to_bytes()
    for length in range(len(content)):
        with pytest.raises(ModelError, match="here"):
            NGramModel.from_bytes(content[:length], name="here")
    rng = np.random.default_rng(0)
    for _ in range(500):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] = rng.integers(256)
        try:
            model = NGramModel.from_bytes(bytes(damaged))
        except ModelError:
            continue
        # Damage that cannot be told from a count still gives probabilities.
        assert np.exp(model.next_log_probs(["x"])).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"version": 1},
        {"bits": 16},
        {"crc": 0},
        {"symbols": "xy"},
        {"symbols": [1, 2]},
        {"symbols": ["x", "x"]},
        {"ngrams": []},
        {"ngrams": [0]},
        {"ngrams": [True]},
        {"ngrams": [10**12]},
        {"ngrams": [1] * 9},
    ],
)
def test_a_header_of_another_kind_is_refused(change):
    line, _, body = NGramModel.train(["xy"], 1).to_bytes().partition(b"\n")
    changed = json.dumps({**json.loads(line), **change}).encode() + b"\n" + body
    with pytest.raises(ModelError):
        NGramModel.from_bytes(changed)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"none\.bin"):
        NGramModel.load(tmp_path / "none.bin")


@pytest.mark.parametrize("order", [0, 9])
def test_an_impossible_order_is_refused(order):
    with pytest.raises(RecipeError, match="1 to 8"):
        NGramModel.train(CAPTIONS, order)


def test_nothing_to_train_or_measure_on_is_an_error():
    with pytest.raises(DataError):
        NGramModel.train([], 2)
    with pytest.raises(DataError):
        NGramModel.train(CAPTIONS, 2).perplexity([])
    with pytest.raises(VocabularyError):
        NGramModel.train(CAPTIONS, 2, vocabulary=["x", "x"])


@pytest.mark.parametrize("order", [1, 2, 4])
def test_a_scorer_speaks_in_the_tokens_of_its_decoder(order):
    model = NGramModel.train(CAPTIONS, order)
    # The end first, one token that the model lacks, then start and padding.
    tokens = [None, "y", "x", "\\sum", "^", None, None]
    scorer: TokenScorer = NGramScorer(model, tokens, end=0)
    state, caption = scorer.begin(), []
    for token in (2, 4, 3, 1):
        scores = scorer.scores(state)
        expected = [model.log_prob(caption, t) for t in (None, "y", "x", "\\sum", "^")]
        assert scores[:5] == pytest.approx(expected)
        assert (scores[5:] == -np.inf).all()
        state = scorer.advance(state, token)
        caption.append(tokens[token])

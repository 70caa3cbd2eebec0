import itertools
import math

import numpy as np
import pytest

from amanuensis.decoding.attention import SearchSettings, StepOutput, search
from amanuensis.decoding.ensemble import Ensemble
from amanuensis.decoding.loops import LoopGuard
from amanuensis.errors import DataError, ModelError, RecipeError


class Toy:
    """A decoder whose next token depends on the last two: `table` (V, V, V) of log-probabilities.

    It looks at the cell of a 2 x 3 map that its last token names. Token 0 ends, V - 2 starts, V - 1 is padding.
    """

    end = 0

    def __init__(self, seed=0, num_symbols=3, *, sharpness=1.0):
        self.num_classes = num_symbols + 3
        self.start, pad = num_symbols + 1, num_symbols + 2
        self.forbidden = (pad,)
        logits = sharpness * np.random.default_rng(seed).normal(size=(self.num_classes,) * 3)
        self.table = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        self.calls = 0

    def begin(self):
        return (np.array([self.start]), np.zeros((1, 2)))

    def step(self, tokens, state):
        self.calls += 1
        last, count = state
        attention = np.zeros((len(tokens), 6))
        attention[np.arange(len(tokens)), tokens % 6] = 1
        state = (tokens.copy(), count + 1)
        return StepOutput(self.table[last, tokens], attention.reshape(-1, 2, 3), state)

    def log_probability(self, tokens):
        walk = [self.start, self.start, *tokens, self.end]
        return sum(self.table[a, b, c] for a, b, c in zip(walk, walk[1:], walk[2:], strict=False))

    def strings(self, max_length):
        symbols = range(1, self.num_classes - 2)
        for length in range(max_length + 1):
            yield from itertools.product(symbols, repeat=length)


class Peaked(Toy):
    """A decoder that writes a given string, then `rest` for ever if that is not its end."""

    def __init__(self, tokens, rest=0, num_symbols=9):
        super().__init__(num_symbols=num_symbols)
        self.tokens, self.rest = tokens, rest

    def step(self, tokens, state):
        output = super().step(tokens, state)
        at = output.state[1][:, 0].astype(int) - 1
        wanted = [self.tokens[i] if i < len(self.tokens) else self.rest for i in at]
        probs = np.full((len(tokens), self.num_classes), 0.1 / (self.num_classes - 1))
        probs[np.arange(len(tokens)), wanted] = 0.9
        return output._replace(log_probs=np.log(probs))


class Bigrams:
    """A language model over a toy's tokens."""

    def __init__(self, seed, num_classes):
        logits = 2 * np.random.default_rng(seed).normal(size=(num_classes, num_classes))
        self.table = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))

    def begin(self):
        return -1

    def advance(self, state, token):
        return token

    def scores(self, state):
        return self.table[state]

    def log_probability(self, tokens):
        return sum(self.table[a, b] for a, b in itertools.pairwise([-1, *tokens, 0]))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
def test_a_beam_wide_enough_finds_what_an_exhaustive_search_finds(seed, penalty):
    toy = Toy(seed)
    settings = SearchSettings(beam=400, n_best=5, max_length=4, length_penalty=penalty)
    scores = {t: toy.log_probability(t) / (len(t) + 1) ** penalty for t in toy.strings(4)}
    best = sorted(scores, key=scores.get, reverse=True)[:5]
    found = search(toy, settings)
    assert [h.tokens for h in found] == best
    assert [h.score for h in found] == pytest.approx([scores[t] for t in best])


@pytest.mark.parametrize("seed", range(3))
def test_the_same_with_a_language_model(seed):
    toy = Toy(seed)
    model = Bigrams(seed, toy.num_classes)
    settings = SearchSettings(beam=400, n_best=3, max_length=4, language_weight=0.3)
    scores = {
        t: (toy.log_probability(t) + 0.3 * model.log_probability(t)) / (len(t) + 1) for t in toy.strings(4)
    }
    best = sorted(scores, key=scores.get, reverse=True)[:3]
    found = search(toy, settings, language_model=model)
    assert [h.tokens for h in found] == best
    assert [h.score for h in found] == pytest.approx([scores[t] for t in best])
    # What the decoder itself thinks of them stays apart from what the language model thinks.
    assert [h.log_probability for h in found] == pytest.approx([toy.log_probability(t) for t in best])


@pytest.mark.parametrize("seed", range(20))
def test_a_beam_is_never_worse_by_its_own_score_than_greedy(seed):
    toy = Toy(seed, num_symbols=6, sharpness=2.0)
    for beam, penalty in itertools.product([2, 3, 10], [0.0, 1.0]):
        greedy = search(toy, SearchSettings(max_length=12, length_penalty=penalty))[0]
        best = search(toy, SearchSettings(beam=beam, max_length=12, length_penalty=penalty))[0]
        assert best.score >= greedy.score - 1e-12


@pytest.mark.parametrize("seed", [*range(20), 347])
def test_nor_is_it_where_the_greedy_hypothesis_is_a_loop_that_scores_more_once_it_is_cut(seed):
    toy = Toy(seed, num_symbols=4, sharpness=2.0)
    for beam, penalty in itertools.product([2, 10], [0.0, 1.0]):
        values = {"max_length": 30, "length_penalty": penalty, "loop_guard": LoopGuard(3, 2, 6)}
        greedy, best = (search(toy, SearchSettings(beam=b, **values))[0] for b in (1, beam))
        assert best.score >= greedy.score - 1e-12


@pytest.mark.parametrize("seed", range(10))
def test_a_beam_of_one_takes_the_most_probable_token_each_time(seed):
    toy = Toy(seed, num_symbols=6, sharpness=2.0)
    toy.table[..., [toy.start, *toy.forbidden]] = -np.inf
    walk = [toy.start, toy.start]
    while walk[-1] != toy.end and len(walk) < 10:
        walk.append(int(toy.table[walk[-2], walk[-1]].argmax()))
    expected = tuple(token for token in walk[2:] if token != toy.end)
    assert search(toy, SearchSettings(max_length=8))[0].tokens == expected


def test_every_hypothesis_is_scored_as_its_tokens_and_an_end_however_it_ended():
    for seed in range(10):
        toy = Toy(seed, sharpness=2.0)
        settings = SearchSettings(beam=4, n_best=4, max_length=20, loop_guard=LoopGuard(3, 2, 4))
        for h in search(toy, settings):
            assert h.log_probability == pytest.approx(toy.log_probability(h.tokens))
            parts = [*h.probabilities, h.end_probability]
            assert math.log(math.prod(parts)) == pytest.approx(h.log_probability)
            assert h.confidence == pytest.approx(math.exp(h.log_probability) ** (1 / len(parts)))


def test_the_hypotheses_of_one_search_are_all_different():
    for seed in range(10):
        settings = SearchSettings(beam=8, n_best=8, max_length=20, loop_guard=LoopGuard(3, 2, 4))
        strings = [h.tokens for h in search(Toy(seed, sharpness=2.0), settings)]
        assert len(set(strings)) == len(strings)


def test_start_and_padding_are_never_written_even_if_they_are_likeliest():
    toy = Toy()
    logits = toy.table.copy()
    logits[..., [toy.start, *toy.forbidden]] += 5
    toy.table = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    for h in search(toy, SearchSettings(beam=5, n_best=5, max_length=10)):
        assert not {toy.start, *toy.forbidden} & {*h.tokens, *(a.token for a in h.alternatives)}


def test_a_decoder_that_never_ends_is_cut_at_the_greatest_length():
    rest = [1 + i * i % 7 for i in range(100)]
    settings = SearchSettings(max_length=30, loop_guard=None)
    for beam in (1, 4):
        found = search(Peaked(rest), SearchSettings(beam=beam, max_length=30, loop_guard=None))[0]
        assert found.tokens == tuple(rest[:30])
        assert found.ended == "length"
    whole = search(Peaked(rest[:30]), settings)[0]
    assert (whole.tokens, whole.ended) == (tuple(rest[:30]), "end")


def test_a_decoder_that_repeats_itself_is_cut_after_the_first_cycle():
    found = search(Peaked([3, 4] + [5, 6, 7] * 60))[0]
    assert (found.tokens, found.ended) == ((3, 4, 5, 6, 7), "loop")
    assert found.attention.shape == (5, 2, 3)
    assert found.end_probability == pytest.approx(0.1 / 11)


@pytest.mark.parametrize(
    "tokens",
    [
        [1] * 20,  # 3.333...
        [1, 2, 3, 4] * 5 + [1] + [5] * 5,  # 9 ^ { 9 ^ { 9 ... } } }
        [1, 2, 3, 4, 5, 6, 7, 8, 9] * 5,
        [1, 2] * 11,
    ],
)
def test_what_formulas_do_repeat_is_no_loop(tokens):
    assert search(Peaked(tokens))[0].tokens == tuple(tokens)
    assert search(Peaked(tokens))[0].ended == "end"


def test_the_loop_guard_answers_at_the_first_token_that_closes_the_loop():
    guard = LoopGuard(max_period=4, min_cycles=3, min_tokens=6)
    string = [9, 1, 2, 1, 2, 1, 2, 1]
    assert [guard.cut(string[:n]) for n in range(8)] == [None] * 7 + [3]
    assert guard.cut([1] * 5) is None
    assert guard.cut([1] * 6) == 1
    assert guard.cut([]) is None


def test_second_choices_are_the_likeliest_other_token_at_their_place():
    toy = Toy(3, num_symbols=5, sharpness=2.0)
    h = search(toy, SearchSettings(max_length=6))[0]
    walk = [toy.start, toy.start, *h.tokens]
    for i, (chosen, other) in enumerate(zip(h.tokens, h.alternatives, strict=True)):
        row = np.exp(toy.table[walk[i], walk[i + 1]])
        assert h.probabilities[i] == pytest.approx(row[chosen])
        row[[chosen, toy.start, *toy.forbidden]] = 0
        assert (other.token, other.probability) == (row.argmax(), pytest.approx(row.max()))


def test_attention_and_its_center_belong_to_their_token():
    h = search(Peaked([4, 2, 5, 1]), SearchSettings(beam=3))[0]
    # The toy looks at the cell that the token before names; the start is token 10.
    cells = [10 % 6, 4, 2, 5]
    assert [int(m.argmax()) for m in h.attention] == cells
    assert h.centers == tuple((c // 3 + 0.5, c % 3 + 0.5) for c in cells)


def test_a_reading_decoded_again_from_its_own_prefix_is_the_same():
    toy = Toy(5, num_symbols=6, sharpness=2.0)
    first = search(toy, SearchSettings(max_length=12))[0]
    for n in range(len(first.tokens) + 1):
        again = search(toy, SearchSettings(max_length=12), prefix=first.tokens[:n])[0]
        assert (again.tokens, again.num_fixed) == (first.tokens, n)
        assert again.probabilities == pytest.approx(first.probabilities)
        free = [*first.probabilities[n:], first.end_probability]
        assert again.log_probability == pytest.approx(math.log(math.prod(free)))


def test_a_prefix_is_kept_by_all_and_never_weighed_or_cut():
    toy = Toy(0)
    toy.table[:, :, 2] = -np.inf
    prefix = [2] * 40
    found = search(toy, SearchSettings(beam=4, n_best=4, max_length=43), prefix=prefix)
    assert all(h.tokens[:40] == (2,) * 40 and h.log_probability > -np.inf for h in found)


def test_a_wide_beam_with_a_prefix_finds_the_best_of_the_strings_that_begin_with_it():
    toy = Toy(2)
    settings = SearchSettings(beam=400, max_length=5, length_penalty=0.0)
    best = max((t for t in toy.strings(5) if t[:2] == (3, 1)), key=toy.log_probability)
    assert search(toy, settings, prefix=(3, 1))[0].tokens == best


@pytest.mark.parametrize("prefix", [[0], [4], [5], [77], [-1], [1] * 21])
def test_a_prefix_that_cannot_be_written_is_refused(prefix):
    with pytest.raises(DataError, match="prefix"):
        search(Toy(), SearchSettings(max_length=20), prefix=prefix)


def test_a_language_model_of_weight_zero_is_none_and_a_heavy_one_is_heard():
    toy = Toy(1, num_symbols=6)
    model = Bigrams(1, toy.num_classes)
    silent = SearchSettings(beam=3, n_best=3, max_length=8)
    without = search(toy, silent)
    assert [h.tokens for h in search(toy, silent, language_model=model)] == [h.tokens for h in without]
    loud = SearchSettings(beam=3, n_best=3, max_length=8, language_weight=5.0)
    assert [h.tokens for h in search(toy, loud, language_model=model)] != [h.tokens for h in without]


def test_a_language_model_of_another_vocabulary_is_refused():
    with pytest.raises(DataError, match="language model"):
        search(Toy(), SearchSettings(language_weight=1.0), language_model=Bigrams(0, 4))


def test_an_ensemble_of_one_decoder_with_itself_is_that_decoder():
    for settings in (SearchSettings(max_length=9), SearchSettings(beam=4, n_best=4, max_length=9)):
        alone = search(Toy(4, 6), settings)
        twice = search(Ensemble([Toy(4, 6), Toy(4, 6)]), settings)
        assert [h.tokens for h in twice] == [h.tokens for h in alone]
        assert [h.log_probability for h in twice] == pytest.approx([h.log_probability for h in alone])
        assert all(h.disagreement == pytest.approx([0.0] * len(h.tokens)) for h in twice)
        assert all(h.disagreement is None for h in alone)
        for a, b in zip(alone, twice, strict=True):
            np.testing.assert_allclose(a.attention, b.attention)


def test_an_ensemble_averages_probabilities_at_every_step_of_a_beam():
    one, two = Toy(1), Toy(2)
    mean = Toy()
    mean.table = np.log((np.exp(one.table) + np.exp(two.table)) / 2)
    settings = SearchSettings(beam=6, n_best=6, max_length=6)
    expected, found = search(mean, settings), search(Ensemble([one, two]), settings)
    assert [h.tokens for h in found] == [h.tokens for h in expected]
    walk = [one.start, one.start, *found[0].tokens]
    rows = [np.exp([t.table[a, b] for t in (one, two)]) for a, b in itertools.pairwise(walk)]
    distances = [np.abs(p - q).sum() / 2 for p, q in rows[: len(found[0].tokens)]]
    assert found[0].disagreement == pytest.approx(distances)


def test_decoders_that_do_not_belong_together_are_no_ensemble():
    with pytest.raises(ModelError, match="at least one"):
        Ensemble([])
    with pytest.raises(ModelError, match="start, end"):
        Ensemble([Toy(num_symbols=3), Toy(num_symbols=4)])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.5])
def test_what_is_no_log_probability_is_refused(bad):
    toy = Toy()
    toy.table[..., 1] = bad
    with pytest.raises(DataError, match="token 1"):
        search(toy)


def test_nothing_but_forbidden_tokens_is_an_error():
    toy = Toy()
    toy.table[:] = -np.inf
    toy.table[..., toy.forbidden[0]] = 0
    with pytest.raises(DataError, match="must not be written"):
        search(toy)


def test_an_end_at_once_is_the_empty_reading():
    h = search(Peaked([]), SearchSettings(beam=2))[0]
    assert (h.tokens, h.probabilities, h.alternatives, h.ended) == ((), (), (), "end")
    assert h.attention is None
    assert h.confidence == pytest.approx(0.9)
    cut = search(Peaked([1, 2]), SearchSettings(max_length=0))[0]
    assert (cut.tokens, cut.ended) == ((), "length")


def test_a_sure_reading_ends_the_search_early():
    toy = Peaked([1, 2, 3])
    search(toy, SearchSettings(beam=10))
    assert toy.calls < 50


@pytest.mark.parametrize(
    "values",
    [{"beam": 0}, {"n_best": 2}, {"max_length": -1}, {"length_penalty": -1.0}, {"language_weight": math.nan}],
)
def test_impossible_settings_are_refused(values):
    with pytest.raises(RecipeError):
        SearchSettings(**values)

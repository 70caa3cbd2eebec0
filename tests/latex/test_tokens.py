import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanuensis.errors import DataError, VocabularyError
from amanuensis.latex import TokenVocab, tokenize
from amanuensis.latex.tokens import MAX_CHARACTERS, MAX_NESTING


@pytest.mark.parametrize(
    ("latex", "tokens"),
    [
        (r"$\frac{a}{b}$", r"\frac { a } { b }"),
        (r"x_{10}^2", r"x _ { 1 0 } ^ 2"),
        (r"\alpha\beta x", r"\alpha \beta x"),
        (r"\{a\}\%", r"\{ a \} \%"),
        ("a % the rest\n+b%", "a + b"),
        (r"\left(\mbox{ab}\right)", r"\left ( \mbox { a b } \right )"),
        ("\t\n $ $", ""),
        ("", ""),
    ],
)
def test_tokens_of_a_source(latex, tokens):
    assert tokenize(latex) == tuple(tokens.split())


def test_a_backslash_before_white_space_is_one_token_whatever_the_space():
    assert tokenize("a\\ b\\\nc") == ("a", "\\ ", "b", "\\ ", "c")


def test_two_backslashes_are_a_token_and_do_not_hide_the_end():
    assert tokenize("a\\\\") == ("a", "\\\\")
    with pytest.raises(DataError, match="backslash"):
        tokenize("a\\\\\\")


def test_a_percent_sign_after_a_backslash_begins_no_comment():
    assert tokenize("5\\% x") == ("5", "\\%", "x")
    assert tokenize("5\\\\% x") == ("5", "\\\\")


@given(st.text(max_size=200))
def test_any_text_is_tokens_or_a_data_error_and_its_caption_is_stable(latex):
    try:
        tokens = tokenize(latex)
    except DataError:
        return
    assert all(tokens)
    if "\\ " not in tokens:
        assert tokenize(" ".join(tokens)) == tokens


@pytest.mark.parametrize(
    "latex", ["x" * (MAX_CHARACTERS + 1), "{" * (MAX_NESTING + 1), "x^{" * 3000 + "}" * 3000]
)
def test_hostile_sources_are_refused_at_once(latex):
    began = time.perf_counter()
    with pytest.raises(DataError):
        tokenize(latex)
    assert time.perf_counter() - began < 1


def test_indices_begin_with_the_end_and_close_with_start_and_padding():
    vocab = TokenVocab(["x", "\\frac", "{"])
    assert (vocab.end, vocab.start, vocab.pad, vocab.num_classes, len(vocab)) == (0, 4, 5, 6, 3)
    assert vocab.encode(["{", "x"]) == [3, 1]
    assert "x" in vocab
    assert "<sos>" not in vocab


def test_decoding_stops_at_the_end_and_skips_start_and_padding():
    vocab = TokenVocab(["x", "y"])
    assert vocab.decode([vocab.start, 1, vocab.pad, 2, vocab.end, 1]) == ("x", "y")
    assert vocab.decode([]) == ()


@given(st.lists(st.sampled_from(["x", "\\frac", "{", "}"])))
def test_decoding_undoes_encoding(tokens):
    vocab = TokenVocab(["{", "}", "\\frac", "x"])
    assert vocab.decode([*vocab.encode(tokens), vocab.end]) == tuple(tokens)


def test_missing_tokens_and_wrong_indices_are_named():
    vocab = TokenVocab(["x"])
    with pytest.raises(VocabularyError, match=r"lacks: '\\\\pi', 'z'"):
        vocab.encode(["z", "x", "\\pi"])
    for index in (-1, 4):
        with pytest.raises(VocabularyError, match=str(index)):
            vocab.decode([index])


@pytest.mark.parametrize("symbols", [["x", "x"], [""], ["a b"], ["<eol>", "x"], ["<pad>"]])
def test_impossible_vocabularies_are_refused(symbols):
    with pytest.raises(VocabularyError):
        TokenVocab(symbols)


def test_a_vocabulary_of_captions_is_sorted_and_round_trips_through_its_symbols():
    vocab = TokenVocab.from_captions([("x", "+"), ("+", "\\pi")])
    assert vocab.symbols == ("+", "\\pi", "x")
    assert TokenVocab(list(vocab.symbols)) == vocab
    assert hash(TokenVocab(vocab.symbols)) == hash(vocab)
    assert TokenVocab(["x", "+", "\\pi"]) != vocab

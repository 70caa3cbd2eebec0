"""ARPA out and in again, files of other toolkits, and files that are none."""

import math

import numpy as np
import pytest

from amanuensis.errors import ModelError
from amanuensis.language import Estimation, NGramModel, read_arpa, write_arpa
from amanuensis.language import arpa as module

TEXTS = ["a cat", "a hat", "the cat é", ""]
# As a toolkit writes it: unsorted, no back-off where nothing follows, comments before the head.
FOREIGN = """made elsewhere

\\data\\
ngram 1=4
ngram 2=2

\\1-grams:
-0.5\tx\t-0.3
-1.0\t</s>
-99\t<s>\t-0.2
-0.7\ta\t-0.1

\\2-grams:
-0.2\tx a
-0.4\t<s> x

\\end\\
"""


@pytest.mark.parametrize("smoothing", ["witten-bell", "kneser-ney"])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_what_was_written_is_read_again(tmp_path, smoothing, order):
    model = NGramModel.train(TEXTS, order, unit="characters", how=Estimation(smoothing))
    write_arpa(model, tmp_path / "lm.arpa")
    again = read_arpa(tmp_path / "lm.arpa", "characters")
    assert (again.symbols, again.unit, again.num_ngrams) == (model.symbols, "characters", model.num_ngrams)
    for text in [*TEXTS, "unknown q", "tac a"]:
        assert again.log_probability(text) == pytest.approx(model.log_probability(text), rel=1e-5)


def test_a_file_of_another_toolkit_means_what_it_says(tmp_path):
    (tmp_path / "lm.arpa").write_text(FOREIGN)
    model = read_arpa(tmp_path / "lm.arpa", "words")
    assert model.symbols == ("a", "x")
    log10 = math.log(10)
    assert model.log_prob([], "x") == pytest.approx(-0.4 * log10)
    assert model.log_prob(["x"], "a") == pytest.approx(-0.2 * log10)
    assert model.log_prob(["x"], "x") == pytest.approx((-0.3 - 0.5) * log10)
    assert model.log_prob(["x"], None) == pytest.approx((-0.3 - 1.0) * log10)
    assert model.log_prob([], "new") == pytest.approx((-0.2 - 7) * log10)
    assert np.isfinite(model.next_log_probs(["a"])).all()


@pytest.mark.parametrize(
    ("changed", "to", "message"),
    [
        ("ngram 2=2", "ngram 2=3", r"its head tells \[4, 3\]"),
        ("ngram 2=2", "ngram two", "line 5"),
        ("-0.2\tx a", "-0.2\tx a a a", "line 14: .* is no n-gram of 2"),
        ("-0.2\tx a", "0.2\tx a", "line 14: 0.2 is no logarithm"),
        ("-0.2\tx a", "nan\tx a", "line 14"),
        ("-0.2\tx a", "much\tx a", "line 14: .* numbers"),
        ("-0.2\tx a", "-0.2\tx b", "'b' stands in a longer n-gram"),
        ("-0.2\tx a", "-0.4\t<s> x", "twice"),
        ("\\data\\\nngram 1=4\nngram 2=2", "", "no ARPA file"),
        (FOREIGN, "", "no ARPA file"),
    ],
)
def test_what_is_no_arpa_is_told(tmp_path, changed, to, message):
    (tmp_path / "lm.arpa").write_text(FOREIGN.replace(changed, to))
    with pytest.raises(ModelError, match=message):
        read_arpa(tmp_path / "lm.arpa", "words")


def test_wrong_encodings_long_lines_and_absent_files_are_told(tmp_path, monkeypatch):
    (tmp_path / "lm.arpa").write_bytes(FOREIGN.replace("x", "é").encode("latin-1"))
    with pytest.raises(ModelError, match="line 8: not UTF-8"):
        read_arpa(tmp_path / "lm.arpa", "words")
    with pytest.raises(ModelError, match=r"gone\.arpa: the language model cannot be read"):
        read_arpa(tmp_path / "gone.arpa", "words")
    monkeypatch.setattr(module, "MAX_LINE", 100)
    (tmp_path / "lm.arpa").write_text("x" * 10_000)
    with pytest.raises(ModelError, match="line 1: longer than 100 bytes"):
        read_arpa(tmp_path / "lm.arpa", "words")


def test_an_ngram_needs_its_beginning(tmp_path):
    text = FOREIGN.replace("ngram 2=2\n", "ngram 2=2\nngram 3=1\n")
    (tmp_path / "lm.arpa").write_text(text.replace("\n\\end", "\n\\3-grams:\n-0.1\ta x a\n\n\\end"))
    with pytest.raises(ModelError, match="without its beginning"):
        read_arpa(tmp_path / "lm.arpa", "words")


@pytest.mark.parametrize("symbol", ["two words", "<s>", "\u00a0", "<space>"])
def test_symbols_that_arpa_cannot_say_are_refused(tmp_path, symbol):
    with pytest.raises(ModelError, match="cannot stand"):
        write_arpa(NGramModel.train([[symbol]], 1), tmp_path / "lm.arpa")


def test_ngrams_of_several_begins_are_passed_over(tmp_path):
    """As toolkits write them that put two begins before a sequence for trigrams."""
    head = FOREIGN.replace("ngram 2=2\n", "ngram 2=3\nngram 3=2\n")
    bigrams = head.replace("-0.4\t<s> x", "-0.4\t<s> x\t-0.1\n-99\t<s> <s>\t-0.1")
    trigrams = bigrams.replace("\\end\\", "\\3-grams:\n-0.3\t<s> <s> x\n-0.25\t<s> x a\n\n\\end\\")
    (tmp_path / "lm.arpa").write_text(trigrams)
    model = read_arpa(tmp_path / "lm.arpa", "words")
    assert model.num_ngrams == (5, 2, 1)
    assert np.isfinite(model.next_log_probs([])).all()
    assert model.log_prob([], "x") == pytest.approx(-0.4 * math.log(10))
    assert model.log_prob(["x"], "a") == pytest.approx(-0.25 * math.log(10))

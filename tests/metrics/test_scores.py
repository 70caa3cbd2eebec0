import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanuensis.language import TextNormalization
from amanuensis.metrics import (
    EditCounts,
    LinePair,
    TextScores,
    aligned_pieces,
    character_edits,
    check_consistency,
    confusions,
    fold_text,
    score_line,
    score_lines,
    word_edits,
)

NORMALIZATION = TextNormalization()
texts = st.text(alphabet="ab ,é", max_size=8)


def levenshtein(a, b):
    """The textbook recursion, as a table."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


@given(texts, texts)
def test_edits_are_levenshtein_distances(reference, hypothesis):
    assert character_edits(reference, hypothesis) == EditCounts(
        levenshtein(reference, hypothesis), len(reference)
    )
    words, read = reference.split(), hypothesis.split()
    assert word_edits(reference, hypothesis) == EditCounts(levenshtein(words, read), len(words))


def test_punctuation_is_set_apart_but_combining_marks_are_not():
    assert word_edits("Sir, yes.", "Sir yes", tokenizer="punctuation") == EditCounts(2, 4)
    assert word_edits("Sir, yes.", "Sir yes") == EditCounts(2, 2)
    assert word_edits("q̃d oꝑat᷑", "q̃d oꝑat᷑", tokenizer="punctuation") == EditCounts(0, 2)


def test_rates_are_of_corpus_counts_not_averages_of_lines():
    pairs = [LinePair("abcdefghij", "abcdefghij"), LinePair("ab", "xy")]
    scores = score_lines(pairs, normalization=NORMALIZATION)
    assert scores.n == 2
    assert scores.cer == pytest.approx(2 / 12)
    assert scores.wer == pytest.approx(1 / 2)
    assert scores.ser == pytest.approx(1 / 2)


def test_invented_text_exceeds_one_and_empty_references_stay_finite():
    assert score_lines([LinePair("ab", "abcdefgh")], normalization=NORMALIZATION).cer == 3.0
    assert score_lines([LinePair("", "abc")], normalization=NORMALIZATION).cer == 3.0
    assert score_lines([LinePair("", "")], normalization=NORMALIZATION).cer == 0.0
    nothing = score_lines([], normalization=NORMALIZATION)
    assert (nothing.n, nothing.cer, nothing.wer, nothing.ser) == (0, 0.0, 0.0, 0.0)


def test_both_sides_are_normalized():
    decomposed = LinePair("cafe\u0301  noir ", " caf\u00e9 noir")
    assert score_lines([decomposed], normalization=NORMALIZATION).wrong_lines == 0
    assert score_lines([decomposed], normalization=str).wrong_lines == 1


@given(st.lists(st.tuples(texts, texts).map(lambda pair: LinePair(*pair)), max_size=6), st.integers(0, 6))
def test_corpora_add_and_are_consistent(pairs, cut):
    for tokenizer in ("whitespace", "punctuation"):
        parts = [
            score_lines(some, normalization=NORMALIZATION, tokenizer=tokenizer)
            for some in (pairs[:cut], pairs[cut:])
        ]
        total = score_lines(pairs, normalization=NORMALIZATION, tokenizer=tokenizer)
        assert parts[0] + parts[1] == total
        check_consistency(total, parts)


def test_impossible_scores_are_found():
    # 40 wrong lines cannot come from 20 wrong words.
    with pytest.raises(AssertionError, match="wrong word"):
        check_consistency(TextScores(50, EditCounts(100, 2000), EditCounts(20, 400), wrong_lines=40), [])
    with pytest.raises(AssertionError, match="wrong character"):
        check_consistency(TextScores(50, EditCounts(3, 2000), EditCounts(20, 400), wrong_lines=4), [])
    part = score_line(LinePair("ab cd", "ab ce"), normalization=NORMALIZATION)
    worse = TextScores(1, EditCounts(4, 5), EditCounts(2, 2), wrong_lines=1)
    with pytest.raises(AssertionError, match="add up"):
        check_consistency(worse, [part])


def test_confusions_name_both_sides_and_the_missing_ones():
    pairs = [LinePair("rn", "m"), LinePair("cat", "cart"), LinePair("e\u0301", "e")]
    counts = confusions(pairs, normalization=NORMALIZATION)
    assert counts["", "r"] == 1
    assert counts["\u00e9", "e"] == 1
    assert sum(counts.values()) == sum(
        score_line(p, normalization=NORMALIZATION).characters.edits for p in pairs
    )
    assert not confusions([LinePair("same", "same")], normalization=NORMALIZATION)


@given(texts, texts)
def test_aligned_pieces_spell_both_sides_and_hold_all_edits(reference, hypothesis):
    pieces = aligned_pieces(reference, hypothesis)
    assert "".join(piece for piece, _ in pieces) == reference
    assert "".join(piece for _, piece in pieces) == hypothesis
    edits = sum(max(len(a), len(b)) for a, b in pieces if a != b)
    assert edits == character_edits(reference, hypothesis).edits


def test_folding_drops_case_and_punctuation_and_nothing_else():
    assert (
        fold_text("Sir, — the 2 Regim^ts.  cost \u00a35 q\u0303d!")
        == "sir the 2 regim^ts cost \u00a35 q\u0303d"
    )
    assert fold_text("...") == ""

"""Lexicons: what a word is, what files are read, what is near."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from amanuensis.errors import DataError
from amanuensis.language import lexicon as module
from amanuensis.language.lexicon import Lexicon, read_lexicon, read_lexicons, word_places


def words(text: str) -> list[str]:
    return [text[start:end] for start, end in word_places(text)]


def test_words_are_runs_of_letters_and_their_marks() -> None:
    assert words("l'ami, peut-être 12 3e. (Paris)") == ["l", "ami", "peut", "être", "e", "Paris"]
    assert words("q\u0303 p\u0305ter") == [
        "q\u0303",
        "p\u0305ter",
    ]  # medieval abbreviations keep their strokes
    assert words("") == words(" .,12 ") == []
    assert words("\u0301a") == ["a"]  # a mark on nothing begins no word


def test_case_is_kept_in_forms_and_ignored_in_looking_up() -> None:
    lexicon = Lexicon.from_texts(["Paris et Paris", "Et paris"])
    assert "PARIS" in lexicon
    assert lexicon.count("paris") == 3
    assert lexicon.form("PARIS") == "Paris"
    assert len(lexicon) == 2


def test_a_word_after_another_is_more_likely_where_the_pair_was_seen() -> None:
    lexicon = Lexicon.from_texts(["the cat sat"] * 50 + ["a dog ran"] * 50)
    assert lexicon.log_prob("cat", "the") > lexicon.log_prob("dog", "the")
    assert lexicon.log_prob("cat") == pytest.approx(lexicon.log_prob("dog"))
    assert lexicon.log_prob("mouse") == -float("inf")


@given(
    st.lists(st.text("abcé", min_size=1, max_size=6), min_size=1, max_size=20),
    st.text("abcé", min_size=1, max_size=6),
    st.integers(0, 3),
)
def test_near_words_are_those_of_brute_force(some: list[str], asked: str, distance: int) -> None:
    lexicon = Lexicon.from_texts(some)
    expected = {word for word in some if Levenshtein.distance(word, asked) <= distance}
    found = lexicon.near(asked, distance=distance, limit=100)
    assert set(found) == expected
    assert [Levenshtein.distance(asked, word) for word in found] == sorted(
        Levenshtein.distance(asked, word) for word in found
    )


def test_no_word_is_compared_that_is_longer_than_any_word() -> None:
    assert Lexicon.from_texts(["a"]).near("a" * 100_000, distance=3, limit=5) == []


@pytest.mark.parametrize("packed", [False, True])
def test_a_table_or_a_list_is_read_packed_or_not(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "words.txt"
    content = "\ufeffmaison\t12\nParis\n\nNew York\t3\nporte-plume\t2\n".encode()
    path.write_bytes(gzip.compress(content) if packed else content)
    lexicon = read_lexicon(path)
    assert {w: lexicon.count(w) for w in ("maison", "paris", "new", "york", "plume")} == {
        **{"maison": 12, "paris": 1, "new": 3, "york": 3, "plume": 2}
    }
    assert lexicon.pairs["new", "york"] == 3


def test_a_lexicon_survives_its_file_and_pairs_add_no_words(tmp_path: Path) -> None:
    lexicon = Lexicon.from_texts(["la maison", "la maison", "La rue"])
    (tmp_path / "a.tsv.gz").write_bytes(lexicon.to_bytes())
    again = read_lexicon(tmp_path / "a.tsv.gz")
    assert again.forms == lexicon.forms
    assert again.pairs == {("la", "maison"): 2}  # seen once is left out
    assert again.to_bytes() == lexicon.to_bytes()
    both = read_lexicons([tmp_path / "a.tsv.gz", tmp_path / "a.tsv.gz"])
    assert both.count("la") == 6


def test_how_many_words_stand_behind_a_list_survives_the_file(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("".join(f"N{'o' * i}m\n" for i in range(100)))
    lexicon = read_lexicon(tmp_path / "names.txt").union(Lexicon.from_texts(["la maison"]))
    (tmp_path / "a.tsv.gz").write_bytes(lexicon.to_bytes())
    again = read_lexicon(tmp_path / "a.tsv.gz")
    assert again.total == lexicon.total == 1_000_002
    assert again.log_prob("maison") == lexicon.log_prob("maison") < -13
    assert again.to_bytes() == lexicon.to_bytes()


def test_a_lexicon_as_it_is_stored_is_the_one_that_is_read_again(tmp_path: Path) -> None:
    lexicon = Lexicon.from_texts(["la maison paris", "La maison Paris", "la rue"])
    (tmp_path / "a.tsv.gz").write_bytes(lexicon.to_bytes())
    again, stored = read_lexicon(tmp_path / "a.tsv.gz"), lexicon.as_stored()
    assert (stored.forms, stored.pairs, stored.total) == (again.forms, again.pairs, again.total)
    assert ("la", "rue") not in stored.pairs
    assert stored.form("paris") == again.form("paris")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not one word"),
        (b"12\n---\n", "not one word"),
        (b"maison\tdouze\n", "words.txt:1: 'douze' is no count"),
        (b"maison\t0\n", "no count"),
        (b"maison\t5\n\n \n\nrue\tdeux\n", "words.txt:5: 'deux' is no count"),
        ("caf\xe9\n".encode("latin-1"), "UTF-8"),
        (b"PK\x03\x04\0\0", "NUL"),
        (b"\x1f\x8bnonsense", "cannot be read"),
    ],
)
def test_what_is_no_lexicon_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        read_lexicon(path)


def test_a_missing_file_and_none_at_all_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_lexicon(tmp_path / "none.txt")
    with pytest.raises(DataError, match="no lexicon is given"):
        read_lexicons([])


def test_a_small_file_that_unpacks_to_a_great_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LEXICON_BYTES", 1000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"a" * 100_000))
    with pytest.raises(DataError, match="no lexicon"):
        read_lexicon(tmp_path / "bomb.gz")

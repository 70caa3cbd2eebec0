from __future__ import annotations

import pytest

from amanuensis.errors import VocabularyError
from amanuensis.language import CharacterTable, Vocab, unify


def test_unify_removes_what_is_rare_in_training() -> None:
    vocab, removed = unify(["aab§", "ab c", "À"], min_count=2)
    assert vocab == Vocab(["a", "b"])
    assert removed == {"§": 1, " ": 1, "c": 1, "À": 1}
    everything, none = unify(iter(["ba"]), min_count=1)
    assert everything.symbols == ("a", "b")
    assert not none


@pytest.mark.parametrize("texts", [[], [""], ["ab"]])
def test_unify_keeps_something(texts: list[str]) -> None:
    with pytest.raises(VocabularyError, match="lower min_count"):
        unify(texts, min_count=2)


def test_table() -> None:
    samples = [("p/1", "aaa é"), ("p/2", "abé"), ("p/3", "aéé"), ("p/4", "é a")]
    table = CharacterTable.compare(samples, Vocab([" ", "a", "b", "z"]), rare_below=3, num_examples=2)
    assert [(r.symbol, r.count, r.status, r.examples) for r in table.rows] == [
        ("é", 5, "new", ("p/1", "p/2")),
        ("z", 0, "missing", ()),
        (" ", 2, "rare", ("p/1", "p/4")),
        ("b", 1, "rare", ("p/2",)),
        ("a", 6, "known", ("p/1", "p/2")),
    ]
    assert [row.symbol for row in table.of("rare")] == [" ", "b"]
    lines = str(table).splitlines()
    assert len(lines) == 4  # what is known needs no look
    assert "U+00E9" in lines[0]
    assert "LATIN SMALL LETTER E WITH ACUTE" in lines[0]
    assert lines[0].endswith("in p/1, p/2")
    assert "'z'" in lines[1]


def test_table_of_nothing() -> None:
    assert CharacterTable.compare([], Vocab([])).rows == ()
    assert [r.status for r in CharacterTable.compare([], Vocab(["a", "\ue000"])).rows] == ["missing"] * 2
    assert "no name" in str(CharacterTable.compare([("x", "\ue000")], Vocab([])))

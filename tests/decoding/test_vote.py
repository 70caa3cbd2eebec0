from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanuensis.decoding.vote import disagreement, least_risk

TEXTS = st.lists(st.text(alphabet="abc", max_size=5), min_size=1, max_size=5)


def distance(a: str, b: str) -> int:
    """Levenshtein's, by its recursion."""
    if not a or not b:
        return len(a) + len(b)
    return min(distance(a[1:], b) + 1, distance(a, b[1:]) + 1, distance(a[1:], b[1:]) + (a[0] != b[0]))


@given(TEXTS, st.data())
def test_nobody_would_cost_fewer_edits(texts: list[str], data: st.DataObject) -> None:
    confidences = data.draw(st.lists(st.floats(0, 1), min_size=len(texts), max_size=len(texts)))
    chosen = least_risk(texts, confidences)
    risks = [sum(distance(text, truth) for truth in texts) for text in texts]
    assert risks[chosen] == min(risks)
    assert confidences[chosen] == max(c for c, r in zip(confidences, risks, strict=True) if r == min(risks))


def test_two_agree_against_a_surer_third() -> None:
    assert least_risk(["house", "horse", "house"], [0.3, 0.99, 0.4]) == 2


def test_between_two_the_surer_wins_and_then_the_first() -> None:
    assert least_risk(["house", "mouse"], [0.3, 0.4]) == 1
    assert least_risk(["house", "mouse"], [0.4, 0.4]) == 0


def test_a_compromise_nobody_else_read_can_win() -> None:
    assert least_risk(["hause", "hourse", "house"], [0.9, 0.9, 0.1]) == 2


def test_who_lacks_a_character_disagrees() -> None:
    assert disagreement("house", ["house", "mouse"]) == [0.5, 0, 0, 0, 0]
    assert disagreement("ab", ["", "xy", "a"]) == pytest.approx([2 / 3, 1])
    assert disagreement("", ["abc"]) == []

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanuensis.errors import ModelError
from amanuensis.recognition import GAP, GapMarkingReader, with_gaps
from amanuensis.recognition.words import words_of_spans
from amanuensis.records import Reading, Span


def reading_of(text: str, confidences: list[float]) -> Reading:
    spans = tuple(
        Span(c, 10.0 * i, 10.0 * i + 8, p) for i, (c, p) in enumerate(zip(text, confidences, strict=True))
    )
    return Reading(text, 0.7, spans, words=tuple(words_of_spans(spans)))


def test_words_stand_where_their_symbols_do_and_are_as_sure_as_these_together() -> None:
    first, second = reading_of("ab  c", [0.9, 0.5, 0.1, 0.1, 0.8]).words
    assert (first.text, first.start, first.end, first.confidence) == ("ab", 0.0, 18.0, pytest.approx(0.45))
    assert (second.text, second.start, second.end, second.confidence) == ("c", 40.0, 48.0, 0.8)
    assert not first.is_gap


def test_neighbours_share_a_gap_and_what_was_read_is_kept() -> None:
    reading = reading_of("ab cd e fg", [0.9, 0.9, 1, 0.1, 0.1, 1, 0.2, 1, 0.8, 0.9])
    marked = with_gaps(reading, 0.3)
    assert marked.text == f"ab {GAP} fg"
    gap = marked.words[1]
    assert (gap.text, gap.read, gap.start, gap.end) == (GAP, "cd e", 30.0, 68.0)
    assert gap.confidence == pytest.approx(0.2)
    assert [span.text for span in marked.spans] == ["a", "b", " ", GAP, " ", "f", "g"]
    assert marked.confidence == reading.confidence


def test_spaces_between_words_that_are_shown_stay() -> None:
    marked = with_gaps(reading_of(" a  b c ", [1, 1, 1, 1, 1, 1, 0.1, 1]), 0.5)
    assert marked.text == f" a  b {GAP} "


def test_a_line_of_doubts_is_one_gap_and_an_empty_one_none() -> None:
    assert with_gaps(reading_of("a b", [0.1, 0.9, 0.1]), 0.5).text == GAP
    empty = Reading("", 0.1)
    assert with_gaps(empty, 1.0) == empty


WORDS = st.text(alphabet="ab \t", max_size=14)


@given(WORDS, st.data())
def test_text_spans_and_words_always_agree(text: str, data: st.DataObject) -> None:
    confidences = data.draw(st.lists(st.floats(0, 1), min_size=len(text), max_size=len(text)))
    reading = reading_of(text, confidences)
    assert with_gaps(reading, 0) == reading
    marked = with_gaps(reading, data.draw(st.floats(0, 1)))
    assert "".join(span.text for span in marked.spans) == marked.text
    assert [word.text for word in marked.words] == marked.text.split()
    assert " ".join(word.read or word.text for word in marked.words).split() == text.split()
    assert f"{GAP} {GAP}" not in marked.text


class TwoLines:
    """Reads one line, and fails at another."""

    config = None

    def read(self, images):
        return [reading_of("a b", [0.9, 1, 0.1])]

    def read_each(self, sources, *, load=str):
        yield reading_of("a b", [0.9, 1, 0.1])
        yield ModelError(load(next(iter(sources))))


def test_a_reader_that_marks_gaps_reads_as_the_one_inside_does() -> None:
    reader = GapMarkingReader(TwoLines(), 0.5)
    assert [reading.text for reading in reader.read(["x"])] == [f"a {GAP}"]
    reading, error = reader.read_each(["y"], load=lambda source: f"cannot read {source}")
    assert (reading.text, str(error)) == (f"a {GAP}", "cannot read y")


def test_a_reading_without_words_has_no_gaps() -> None:
    formula = Reading("x", 0.1, (Span("x", 0, 1, 0.1),))
    assert with_gaps(formula, 0.9) == formula


@pytest.mark.parametrize("below", [-0.1, 1.1, float("nan")])
def test_a_threshold_is_a_confidence(below: float) -> None:
    with pytest.raises(ModelError, match="between 0 and 1"):
        with_gaps(Reading("", 1.0), below)


def test_a_language_model_judges_a_word_with_what_ends_it() -> None:
    said = [-1.0, -2.0, -0.5, -3.0]
    spans = [
        Span(c, 10.0 * i, 10.0 * i + 8, 0.5, language=one)
        for i, (c, one) in enumerate(zip("ab c", said, strict=True))
    ]
    assert [word.language for word in words_of_spans(spans, end=-0.25)] == [-3.5, -3.25]
    assert [word.language for word in words_of_spans(spans[:3], end=-0.25)] == [-3.5]
    assert [word.language for word in words_of_spans(spans)] == [-3.5, None]
    assert words_of_spans([], end=-0.25) == []

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from amanuensis.decoding import Path
from amanuensis.language import TextNormalization, Vocab
from amanuensis.recognition.spans import readable, spans_of_path
from amanuensis.records import Span


def _spans(text: str) -> list[Span]:
    return [Span(symbol, float(i), float(i + 1), 0.5 + i / 100) for i, symbol in enumerate(text)]


def test_frames_become_pixels() -> None:
    path = Path(tokens=(2, 1), starts=(0, 3), ends=(2, 4), confidences=(0.9, 0.8), log_probability=-1.0)
    spans = spans_of_path(path, Vocab("ab"), pixels_per_frame=2.5, width=9)
    assert spans == [Span("b", 0.0, 5.0, 0.9), Span("a", 7.5, 9.0, 0.8)]


def test_a_letter_and_its_accent_become_one_span() -> None:
    [x, e] = readable(_spans("xe\u0301"), TextNormalization())
    assert (x.text, e.text) == ("x", "é")
    assert (e.start, e.end, e.confidence) == (1.0, 3.0, 0.51)


def test_a_decomposing_form_gives_a_span_per_symbol() -> None:
    spans = readable(_spans("é"), TextNormalization(form="NFD"))
    assert [span.text for span in spans] == ["e", "\u0301"]
    assert {(span.start, span.end) for span in spans} == {(0.0, 1.0)}


@given(st.text(alphabet="ab \t\u00a0e\u0301\u0323\u1112\u1161\u11abﬁ\u212b", max_size=12))
def test_spans_spell_the_normalized_text(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        for collapse in (True, False):
            normalization = TextNormalization(form=form, collapse_whitespace=collapse)
            spans = readable(_spans(text), normalization)
            assert "".join(span.text for span in spans) == normalization(unicodedata.normalize(form, text))
            assert [span.start for span in spans] == sorted(span.start for span in spans)


def test_what_a_language_model_says_follows_letters_and_marks() -> None:
    spans = [
        Span(text, 0.0, 1.0, 0.5, language=said)
        for text, said in [("e", -1.0), ("\u0301", -2.0), (" ", -0.5), (" ", -4.0), ("b", -0.25)]
    ]
    composed = readable(spans, TextNormalization("NFC"))
    assert [(span.text, span.language) for span in composed] == [("é", -3.0), (" ", -0.5), ("b", -0.25)]
    apart = readable(spans[:2], TextNormalization("NFD"))
    assert [span.language for span in apart] == [-1.5, -1.5]

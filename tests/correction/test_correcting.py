"""The pipeline of Algorithm 5, and a lexicon in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanuensis.correction import (
    Confusions,
    Correction,
    CorrectorConfig,
    LexiconCorrector,
    LexiconSettings,
    Proposal,
    Segment,
    correct,
    load_correction,
    read_corrector_config,
    shipped_correctors,
    write_lexicon_corrector,
)
from amanuensis.correction.pipeline import apply, differences, formatted
from amanuensis.correction.segment import segments_of
from amanuensis.language.lexicon import Lexicon
from amanuensis.records import Alternative, Reading, Span, WordSpan

LEXICON = Lexicon.from_texts(
    ["la maison est grande", "la maison de Paris", "le grand jardin", "il mange"] * 20
)


def reading(text: str, *doubtful: int, sure: float = 0.97, doubt: float = 0.3) -> Reading:
    """A reading with ten pixels a character; some characters are doubtful."""
    spans = tuple(
        Span(character, 10.0 * place, 10.0 * place + 10, doubt if place in doubtful else sure)
        for place, character in enumerate(text)
    )
    words, place = [], 0
    for word in text.split(" "):
        words.append(WordSpan(word, 10.0 * place, 10.0 * (place + len(word)), 0.5))
        place += len(word) + 1
    return Reading(text, 0.9, spans, words=tuple(words) if text else ())


def corrected(text: str, *doubtful: int, **settings: float) -> str:
    corrector = LexiconCorrector(LEXICON, settings=LexiconSettings(**settings))  # type: ignore[arg-type]
    [done] = correct([reading(text, *doubtful)], Correction("lexicon", corrector, 0.5))
    assert "".join(done.reading.tokens) == done.reading.text
    return done.reading.text


def test_an_unknown_doubtful_word_becomes_the_word_it_resembles() -> None:
    assert corrected("la maisom de Paris", 8) == "la maison de Paris"


def test_what_was_read_surely_stays_though_no_lexicon_has_it() -> None:
    sure = reading("la maisom de Paris", sure=0.9999)
    corrector = LexiconCorrector(LEXICON, settings=LexiconSettings(unknown_letter=1.0))
    [done] = correct([sure], Correction("lexicon", corrector, 0.5))
    assert done.reading is sure


def test_capitals_numbers_and_punctuation_are_respected() -> None:
    assert corrected("LA MAISOM, 1914!", 8) == "LA MAISON, 1914!"
    assert corrected("Maisom (1)", 5) == "Maison (1)"
    assert corrected("12 mai5om", 6, 7) == "12 mai5om"
    assert corrected("parls", 3) == "Paris"  # the lexicon's own capital


def test_short_words_and_halves_of_words_at_the_end_of_a_line_are_left_alone() -> None:
    assert corrected("lu", 1) == "lu"
    assert corrected("la maisom-", 8) == "la maisom-"
    corrector = LexiconCorrector(LEXICON)
    lines = [reading("la mai-"), reading("maisom est", 5)]
    [_, second] = correct(lines, Correction("lexicon", corrector, 0.5))
    assert second.reading.text == "maisom est"
    [alone] = correct(lines[1:], Correction("lexicon", corrector, 0.5))
    assert alone.reading.text == "maison est"


def test_nothing_is_applied_that_is_not_surer_than_theta() -> None:
    corrector = LexiconCorrector(LEXICON)
    [done] = correct([reading("la maisom", 8)], Correction("lexicon", corrector, 1.0))
    assert done.reading.text == "la maisom"
    assert done.applied == ()


def test_confusions_decide_between_words_equally_near() -> None:
    lexicon = Lexicon.from_texts(["main pain bain"] * 10)
    texts = []
    for written in ("m", "p", "b"):
        corrector = LexiconCorrector(lexicon, Confusions({(written, "n"): 50}, num_read=500))
        [done] = correct([reading("nain", 0)], Correction("lexicon", corrector, 0.3))
        texts.append(done.reading.text)
    assert texts == ["main", "pain", "bain"]


def test_the_words_beside_decide_between_words_equally_near() -> None:
    lexicon = Lexicon.from_texts(["le pain", "la main"] * 50)
    corrector = LexiconCorrector(lexicon, settings=LexiconSettings(weight=1.0))
    readings = [reading("le nain", 3), reading("la nain", 3)]
    texts = [done.reading.text for done in correct(readings, Correction("lexicon", corrector, 0.5))]
    assert texts == ["le pain", "la main"]


def test_a_word_of_another_reading_is_a_candidate_however_far() -> None:
    lexicon = Lexicon.from_texts(["la bibliothèque"] * 10)
    seen = reading("la bbltq", 3, 4, 5, 6, 7)
    far = Reading(seen.text, 0.9, seen.spans, alternatives=(Alternative("la bibliothèque", 0.85),))
    corrector = LexiconCorrector(lexicon, settings=LexiconSettings(distance=1))
    proposed = corrector.propose(segments_of([seen, far], context=0))
    assert proposed[0] == []
    assert [p.text for p in proposed[1]] == ["bibliothèque"]


def test_no_lines_and_empty_lines_and_readings_without_spans() -> None:
    correction = Correction("lexicon", LexiconCorrector(LEXICON), 0.5)
    assert list(correct([], correction)) == []
    [empty, bare] = correct([reading(""), Reading("la maisom", 0.4)], correction)
    assert empty.reading.text == ""
    assert bare.reading == Reading("la maison", 0.4, uncorrected="la maisom")


def test_places_stay_and_new_characters_share_the_room_of_the_old() -> None:
    before = reading("ab cd ef")
    after = apply(before, [Proposal(3, 5, "xyzw", 0.8)])
    assert after.text == "ab xyzw ef"
    assert after.uncorrected == "ab cd ef"
    assert after.spans[:3] == before.spans[:3]
    assert [(span.start, span.end) for span in after.spans[3:7]] == [(30, 35), (35, 40), (40, 45), (45, 50)]
    assert {span.confidence for span in after.spans[3:7]} == {0.8}
    assert after.spans[7:] == before.spans[5:]
    assert [word.text for word in after.words] == ["ab", "xyzw", "ef"]
    assert (after.words[0], after.words[2]) == (
        before.words[0],
        before.words[2],
    )  # with their own confidences
    assert after.confidence == before.confidence


def test_a_line_that_is_not_changed_is_the_same_object() -> None:
    before = reading("ab cd")
    assert apply(before, []) is before
    assert apply(before, [Proposal(0, 2, "ab", 0.9)]) is before


@given(st.text("ab c", max_size=12), st.text("ab c", max_size=12))
def test_any_rewriting_keeps_one_span_a_character_from_left_to_right(text: str, candidate: str) -> None:
    spans = tuple(Span(c, 10.0 * i, 10.0 * i + 10, 0.5) for i, c in enumerate(text))
    after = apply(Reading(text, 0.5, spans), differences(text, candidate, 0.9))
    assert after.text in ({text} if text == candidate else {formatted(candidate)})
    if text:
        assert "".join(after.tokens) == after.text
    edges = [edge for span in after.spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)


@pytest.mark.parametrize(
    ("name", "read", "meant"),
    [("lexicon-fra", "la maisom ancienne", "maison"), ("lexicon-eng", "my dear fricnd", "friend")],
)
def test_shipped_lexicons_correct_and_say_what_they_are_worth(name: str, read: str, meant: str) -> None:
    folder = shipped_correctors()[name]
    assert (folder / "README.md").is_file()
    config = read_corrector_config(folder)
    assert config.scores["harm_rate"] <= 0.01
    assert config.scores["cer_difference_interval"][1] < 0  # better than leaving lines alone, not by luck
    wrong = 8 if name == "lexicon-fra" else 11
    [done] = correct([reading(read, wrong)], load_correction("lexicon", corrector=name))
    assert done.reading.text.split()[1 if name == "lexicon-fra" else 2] == meant


def test_context_is_the_lines_around_and_ends_at_the_page() -> None:
    lines = [reading("a"), reading("b"), reading("c")]
    first, second, _ = segments_of(lines, context=2)
    assert (first.before, first.after) == ((), ("b", "c"))
    assert (second.before, second.after) == (("a",), ("c",))


class Shouting:
    """A corrector that writes in capitals what it can see."""

    def propose(self, segments: Sequence[Segment]) -> list[list[Proposal]]:
        return [[Proposal(0, len(s.text), s.text.upper(), min(s.confidences))] for s in segments]


def test_a_short_list_of_names_does_not_draw_every_other_word_to_it(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("Anne\nBerthe\nCamille\n", encoding="utf-8")
    correction = load_correction("lexicon", lexicons=[tmp_path / "names.txt"])
    lines = [reading("l'annee derniere", 6, sure=0.95, doubt=0.7), reading("Bertbe", 4, doubt=0.2)]
    texts = [done.reading.text for done in correct(lines, correction)]
    assert texts == ["l'annee derniere", "Berthe"]


def test_a_corrected_line_is_formatted_and_loses_the_places_of_spaces_that_go() -> None:
    before = reading("a b a")
    after = apply(before, [Proposal(2, 3, "", 0.9)])
    assert after.text == "".join(after.tokens) == "a a"
    assert [(span.start, span.end) for span in after.spans] == [(0, 10), (10, 20), (40, 50)]
    assert [word.text for word in after.words] == ["a", "a"]
    assert apply(before, [Proposal(0, 1, "", 0.9), Proposal(4, 5, "", 0.9)]).text == "b"
    assert apply(before, [Proposal(1, 2, "\u00a0 ", 0.9)]) is before  # a space is a space
    assert apply(Reading("a b a", 0.5), [Proposal(2, 3, "", 0.9)]) == Reading("a a", 0.5, uncorrected="a b a")


def test_any_corrector_fits_into_the_pipeline() -> None:
    lines = [reading("ab"), reading("cd", 1)]
    texts = [done.reading.text for done in correct(lines, Correction("t5", Shouting(), 0.5))]
    assert texts == ["AB", "cd"]


def test_a_proposal_outside_the_line_is_a_mistake_of_the_program() -> None:
    with pytest.raises(AssertionError, match="lies outside"):
        apply(reading("ab"), [Proposal(1, 5, "x", 0.9)])


def test_the_old_corrector_comes_back_where_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CorrectorConfig(kind="lexicon", theta=0.5)
    write_lexicon_corrector(tmp_path / "mine", LexiconCorrector(LEXICON), config=config)
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError("the disk is gone")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="the disk is gone"):
        write_lexicon_corrector(tmp_path / "mine", LexiconCorrector(LEXICON), config=config)
    assert read_corrector_config(tmp_path / "mine") == config

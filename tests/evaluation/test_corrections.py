"""Before and after: the counts of a correction, and the lines that show it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from amanuensis.errors import DataError
from amanuensis.evaluation import (
    Outcome,
    Results,
    html_report,
    read_results,
    report_corrections,
    score,
    write_results,
)
from amanuensis.language import TextNormalization
from amanuensis.records import Sample


def sample(identity: str, text: str, page: str, dataset: str = "letters") -> Sample:
    return Sample(identity, Path("none.png"), text, "test", dataset, page)


SAMPLES = [
    sample("1", "la maison", "a"),
    sample("2", "le chat dort", "a"),
    sample("3", "un vieux nom", "b"),
    sample("4", "perdu", "b", "notes"),
]
OUTCOMES = (
    Outcome("letters/1", "la maison", 0.8, uncorrected="la maisom"),
    Outcome("letters/2", "le char dort", 0.8, uncorrected="le chat dort"),
    Outcome("letters/3", "un vieux nom", 0.8),
    Outcome("notes/4", error="zero bytes"),
)
RESULTS = Results(
    "toy", "test", ("letters", "notes"), TextNormalization(), {"method": "by heart"}, {}, OUTCOMES,
    correction={"kind": "lexicon", "theta": 0.5, "milliseconds_per_line": 3.0},
)  # fmt: skip


def test_counts_before_and_after() -> None:
    told = report_corrections(score(RESULTS, SAMPLES), known={"la", "maison", "chat", "vieux"}).to_dict()
    assert (told["n"], told["changed"]) == (4, 2)
    assert told["cer_before"] == pytest.approx((1 + 0 + 0 + 5) / 38)
    assert told["cer"] == pytest.approx((0 + 1 + 0 + 5) / 38)
    assert (told["right_words"], told["rescued_words"], told["harmed_words"]) == (7, 1, 1)
    assert told["harm_rate"] == pytest.approx(1 / 7)
    assert told["oov_rate"] == pytest.approx(5 / 9)
    assert told["sets"]["notes"]["changed"] == 0
    assert told["milliseconds_per_line"] == 3.0


def test_gains_come_before_losses_and_what_is_the_same_is_not_shown() -> None:
    samples = report_corrections(score(RESULTS, SAMPLES)).samples
    assert [line.sample.id for line in samples] == ["1", "2"]


def test_what_was_not_corrected_has_no_report() -> None:
    plain = replace(RESULTS, correction=None)
    with pytest.raises(DataError, match="were not corrected"):
        report_corrections(score(plain, SAMPLES))


def test_both_texts_survive_a_result_file(tmp_path: Path) -> None:
    write_results(RESULTS, tmp_path / "r.jsonl")
    assert read_results(tmp_path / "r.jsonl") == RESULTS
    damaged = (tmp_path / "r.jsonl").read_text().replace('"uncorrected": "la maisom"', '"uncorrected": 7')
    (tmp_path / "r.jsonl").write_text(damaged)
    with pytest.raises(DataError, match="before the correction is no text"):
        read_results(tmp_path / "r.jsonl")


def test_the_report_shows_the_correction_and_escapes_what_was_read() -> None:
    wild = replace(
        RESULTS,
        outcomes=(Outcome("letters/1", "la <b>", 0.8, uncorrected="<i>"), *OUTCOMES[1:]),
        correction={"kind": "<i>", "theta": "<i>"},
    )
    report = score(wild, SAMPLES)
    page = html_report(report, corrections=report_corrections(report))
    assert "<h2>Correction</h2>" in page
    assert "<i>" not in page
    assert "<h2>Correction</h2>" not in html_report(score(RESULTS, SAMPLES))

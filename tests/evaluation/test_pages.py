from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from amanuensis.errors import DataError, ImageError
from amanuensis.evaluation import (
    PageOutcome,
    PageResults,
    ReadLine,
    evaluate_page,
    match_lines,
    read_page_results,
    score_pages,
    write_page_html,
    write_page_results,
)
from amanuensis.language import TextNormalization
from amanuensis.records import Page, Points, Reading, Region, TextLine

SIZE = (1000, 800)


def box(left: int, top: int, right: int, bottom: int) -> Points:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


ROWS = [box(100, y, 900, y + 40) for y in (100, 200, 300)]
TEXTS = ["first line", "second line", "third line"]


def true_page(name: str = "p") -> Page:
    lines = tuple(
        TextLine(f"l{i}", row, transcription=text)
        for i, (row, text) in enumerate(zip(ROWS, TEXTS, strict=True))
    )
    return Page(name, f"{name}.png", *SIZE, (Region("r", (), lines),))


def results_of(*outcomes: PageOutcome) -> PageResults:
    return PageResults("tiny", "toy", TextNormalization(), {"method": "best-path"}, outcomes)


def read_lines(*lines: tuple[Points, str]) -> tuple[ReadLine, ...]:
    return tuple(ReadLine(text, 0.9, polygon) for polygon, text in lines)


def rates(report: object) -> dict[str, int]:
    return {name: one["edits"] for name, one in report.to_dict()["cer"].items()}  # type: ignore[attr-defined]


def test_overlap_is_intersection_over_union_of_pixels() -> None:
    half = box(100, 100, 490, 140)  # a little less than half of the first row
    assert match_lines(ROWS[:1], [half], size=SIZE).fates == ("missed",)
    more = box(100, 100, 520, 140)
    assert match_lines(ROWS[:1], [more], size=SIZE).fates == ("found",)


def test_each_found_line_serves_one_true_line_the_better() -> None:
    near, exact = box(100, 105, 900, 145), ROWS[0]
    matching = match_lines([ROWS[0]], [near, exact], size=SIZE)
    assert matching.partners == (1,)
    assert matching.num_extra == 1


def test_split_merged_and_missed_lines_are_told_apart() -> None:
    pieces = [box(100, 100, 420, 140), box(460, 100, 900, 140)]
    merger = box(100, 195, 900, 345)
    beside = box(100, 600, 900, 640)
    matching = match_lines(ROWS, [*pieces, merger, beside], size=SIZE)
    # The larger piece is more than half of the first line, so it is found and not split.
    assert matching.fates == ("found", "merged", "merged")
    assert matching.num_extra == 2
    thirds = [box(x, 100, x + 250, 140) for x in (100, 370, 640)]
    matching = match_lines(ROWS, thirds, size=SIZE)
    assert matching.fates == ("split", "missed", "missed")
    assert matching.num_extra == 0
    assert matching.homes == (0, 0, 0)


@pytest.mark.parametrize("found", [[], [()], [((5, 5), (9, 9))]])
def test_no_outline_no_line(found: list[Points]) -> None:
    matching = match_lines(ROWS, found, size=SIZE)
    assert matching.fates == ("missed",) * 3
    assert matching.num_extra == len(found)
    assert match_lines([], ROWS, size=SIZE).num_extra == 3


def test_every_true_line_has_exactly_one_fate() -> None:
    rng = np.random.default_rng(3)

    def some() -> list[Points]:
        corners = rng.integers(0, 700, (8, 2)).tolist()
        return [box(x, y, x + 20 + 3 * i, y + 15 + i) for i, (x, y) in enumerate(corners)]

    for _ in range(20):
        true, found = some(), some()
        matching = match_lines(true, found, size=SIZE)
        assert len(matching.fates) == len(true)
        partners = [partner for partner in matching.partners if partner is not None]
        assert len(partners) == len(set(partners)) == matching.fates.count("found")
        assert 0 <= matching.num_extra <= len(found) - len(partners)


def test_order_counts_in_reading_order_only_and_extra_lines_where_they_are_said_to() -> None:
    extra = box(100, 600, 900, 640)
    found = read_lines((ROWS[1], TEXTS[1]), (ROWS[0], TEXTS[0]), (ROWS[2], "third lime"), (extra, "stamp"))
    true = tuple(ReadLine(text, 0.9, id=f"l{i}") for i, text in enumerate(TEXTS))
    report = score_pages(results_of(PageOutcome("set/p", found, true)), {"set": {"p": true_page()}})
    told = rates(report)
    assert (told["on_true_lines"], told["order_free"], told["with_extra_lines"]) == (0, 1, 6)
    assert told["in_reading_order"] > 6
    numbers = report.to_dict()
    assert (numbers["found"], numbers["extra"], numbers["recall"], numbers["precision"]) == (3, 1, 1.0, 0.75)


def test_pieces_are_read_from_left_to_right_and_missed_lines_as_empty() -> None:
    found = read_lines((box(520, 100, 900, 140), "line"), (box(100, 100, 510, 140), "first"))
    report = score_pages(results_of(PageOutcome("set/p", found)), {"set": {"p": true_page()}})
    assert rates(report)["order_free"] == len(TEXTS[1]) + len(TEXTS[2])


def test_what_is_read_where_nothing_is_transcribed_counts_as_an_extra_line_alone() -> None:
    page = true_page()
    [region] = page.regions
    lines = (replace(region.lines[0], transcription=None), *region.lines[1:])
    page = replace(page, regions=(replace(region, lines=lines),))
    found = read_lines(*zip(ROWS, ["whatever", *TEXTS[1:]], strict=True))
    report = score_pages(results_of(PageOutcome("set/p", found)), {"set": {"p": page}})
    assert rates(report)["order_free"] == 0
    assert rates(report)["with_extra_lines"] == len("whatever")
    assert report.to_dict()["recall"] == 1.0


def test_a_page_that_failed_or_is_not_in_the_results_counts_as_missed() -> None:
    pages = {"set": {"p": true_page(), "q": true_page("q")}}
    report = score_pages(results_of(PageOutcome("set/p", error="broken")), pages)
    numbers = report.to_dict()
    assert (numbers["missed"], numbers["lines"]) == (6, 6)
    assert numbers["cer"]["order_free"]["rate"] == 1.0
    assert [one["reason"] for one in numbers["failed"]] == ["broken", "not in the results"]
    with pytest.raises(DataError, match="other/p"):
        score_pages(results_of(PageOutcome("other/p")), pages)


def test_results_come_back_from_their_file_without_transcriptions(tmp_path: Path) -> None:
    found = read_lines((ROWS[0], "read"))
    outcome = PageOutcome("set/p", found, (ReadLine("true", None, id="l0"),), {"load": 0.5, "find": 1.25})
    results = results_of(outcome, PageOutcome("set/q", error="no image"))
    write_page_results(results, tmp_path / "r.jsonl")
    assert read_page_results(tmp_path / "r.jsonl") == results
    for broken in ("", "{", '{"format": 1}', '{"format": 1, "kind": "pages"}'):
        (tmp_path / "b.jsonl").write_text(broken)
        with pytest.raises(DataError, match=r"b\.jsonl"):
            read_page_results(tmp_path / "b.jsonl")


class Toy:
    """A page of its own picture, found and read by rote."""

    def __init__(self, page: Page, *, broken: bool = False) -> None:
        self.page = page
        self._broken = broken

    def load(self) -> np.ndarray:
        if self._broken:
            raise ImageError("p.png: broken")
        return np.full((SIZE[1], SIZE[0]), 255, np.uint8)

    def find(self, page: Page, grey: np.ndarray) -> Page:
        lines = tuple(TextLine(f"n{i}", row) for i, row in enumerate(ROWS[:2]))
        return replace(page, regions=(Region("r", (), lines),))

    def read(self, page: Page, grey: np.ndarray) -> Page:
        [region] = page.regions
        lines = tuple(replace(line, reading=Reading(f"read {line.id}", 0.5)) for line in region.lines)
        return replace(page, regions=(replace(region, lines=lines),))


def test_a_page_is_found_read_and_timed_and_a_broken_one_says_why() -> None:
    toy = Toy(true_page())
    outcome = evaluate_page("set/p", toy, toy)
    assert [line.text for line in outcome.found] == ["read n0", "read n1"]
    assert [(line.id, line.text) for line in outcome.true] == [(f"l{i}", f"read l{i}") for i in range(3)]
    assert set(outcome.seconds) == {"load", "find", "read"}
    assert evaluate_page("set/p", Toy(true_page(), broken=True), toy).error == "p.png: broken"


def test_the_report_shows_every_page_and_why_one_has_no_picture(tmp_path: Path) -> None:
    pages = {"p": Toy(true_page()), "q": Toy(true_page("q"), broken=True)}
    outcomes = [evaluate_page(f"<set>/{name}", toy, toy) for name, toy in pages.items()]
    report = score_pages(results_of(*outcomes), {"<set>": {name: toy.page for name, toy in pages.items()}})
    write_page_html(
        report, {f"<set>/{name}": toy for name, toy in pages.items()}, tmp_path / "new" / "r.html"
    )
    html = (tmp_path / "new" / "r.html").read_text()
    assert html.count("<figure>") == 2
    assert html.count("data:image/jpeg") == 1
    assert "p.png: broken" in html
    assert "<set>" not in html
    assert TEXTS[0] not in html

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from amanuensis.data import sequences as module
from amanuensis.data.sequences import MAX_LINE_BYTES, Taking, into_lines, read_sequences, unit_of
from amanuensis.errors import DataError
from drawn_formulas import CAPTIONS, draw_formulas


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_all_latex_becomes_captions_of_one_form(tmp_path: Path) -> None:
    file = write(tmp_path / "f.txt", "x ^ { 2 }\n\n  \n$x^2$\nx \\le y\n\\left( \\frac12 \\right)\n")
    caption = ("x", "^", "{", "2", "}")
    assert read_sequences([file], "tokens").train == (
        caption,
        caption,
        ("x", "\\leq", "y"),
        ("(", "\\frac", "{", "1", "}", "{", "2", "}", ")"),
    )
    assert len(read_sequences([file], "tokens", Taking(distinct=True)).train) == 3


def test_what_no_caption_can_say_is_named_and_the_rest_is_taken(tmp_path: Path) -> None:
    file = write(tmp_path / "f.txt", "x\n\\begin{array}{c} x \\end{array}\ny\n")
    found = read_sequences([file], "tokens")
    assert found.train == (("x",), ("y",))
    assert [problem.where for problem in found.problems] == [f"{file}, line 2"]


def test_lines_are_characters_or_words(tmp_path: Path) -> None:
    file = write(tmp_path / "t.txt", "\ufeffa  cat\na cat\n")
    assert read_sequences([file], "characters").train == ("a cat", "a cat")
    assert read_sequences([file], "words", Taking(distinct=True)).train == (("a", "cat"),)


def test_compressed_files_read_alike(tmp_path: Path) -> None:
    (tmp_path / "t.txt.gz").write_bytes(gzip.compress("é é\n".encode()))
    assert read_sequences([tmp_path / "t.txt.gz"], "words").train == (("é", "é"),)


def test_of_a_data_set_train_is_counted_val_is_kept_apart_and_test_is_not_seen(tmp_path: Path) -> None:
    data = draw_formulas(
        tmp_path / "drawn", train=(*CAPTIONS, CAPTIONS[0]), val=("y = 7",), test=("7 + 7 + 7",)
    )
    found = read_sequences([data], "tokens", Taking(distinct=True))
    assert [" ".join(tokens) for tokens in found.train] == list(CAPTIONS)
    assert found.val == (("y", "=", "7"),)
    assert len(read_sequences([data], "tokens").train) == len(CAPTIONS) + 1


def test_lines_without_a_split_are_trained_on_only_where_no_line_has_one(tmp_path: Path) -> None:
    for number in (1, 2):
        write(tmp_path / "lines" / f"{number}.png", "never opened")
    table = write(tmp_path / "lines" / "lines.tsv", "1.png\ta cat\n2.png\ta dog\n")
    assert read_sequences([tmp_path / "lines"], "characters").train == ("a cat", "a dog")
    write(table, "image\ttext\tsplit\n1.png\ta cat\t\n2.png\ta dog\ttest\n")
    with pytest.raises(DataError, match=r"no train split .* no split, test"):
        read_sequences([tmp_path / "lines"], "characters")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no sequence of tokens was found"),
        (b"\n \n", "no sequence of tokens was found"),
        (b"\\begin{array}\n", r"no sequence .* the first problem: .*line 1"),
        ("x\nça\n".encode("latin-1"), r"line 2: not UTF-8 \(.* 0xe7\)"),
        ("x\n".encode("utf-16"), "line 1: holds zero bytes"),
        (b"\x89PNG\r\n\x1a\n\0", "line 1: not UTF-8"),
        (b"x" * (MAX_LINE_BYTES + 1), "line 1: longer than"),
    ],
)
def test_a_file_that_is_no_corpus_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "c.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_sequences([tmp_path / "c.txt"], "tokens")


def test_a_line_that_unpacks_to_gigabytes_is_told_at_once(tmp_path: Path) -> None:
    packed = tmp_path / "bomb.txt.gz"
    with gzip.open(packed, "wb", compresslevel=1) as file:
        for _ in range(64):
            file.write(bytes([120]) * 2**20)
    with pytest.raises(DataError, match="line 1: longer than 1,048,576 bytes"):
        read_sequences([packed], "characters")


@pytest.mark.parametrize(
    "damage", [b"no gzip at all", gzip.compress(b"x\n" * 9)[:-6]], ids=["no gzip", "cut off"]
)
def test_a_damaged_or_missing_file_is_told(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "c.txt.gz").write_bytes(damage)
    for name in ("c.txt.gz", "gone.txt"):
        with pytest.raises(DataError, match=f"{name}: cannot be read"):
            read_sequences([tmp_path / name], "tokens")


def test_what_is_too_much_to_count_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SYMBOLS", 5)
    file = write(tmp_path / "t.txt", "ab\ncd\nef\n")
    found = read_sequences([file], "characters")
    assert (found.train, found.complete) == (("ab", "cd"), False)
    write(file, "ab\nab\nab\nab\n")
    assert read_sequences([file], "characters", Taking(distinct=True)).train == ("ab",)
    assert not read_sequences([file], "characters").complete


def test_every_fiftieth_block_of_a_text_is_held_out(tmp_path: Path) -> None:
    rows = [f"row {i}" for i in range(12_345)]
    found = read_sequences([write(tmp_path / "t.txt", "\n".join(rows))], "characters")
    assert found.held_out == (*rows[4900:5000], *rows[9900:10000])
    assert set(found.train) == set(rows) - set(found.held_out)


def test_text_becomes_lines_of_handwriting_in_the_spelling_of_transcribers(tmp_path: Path) -> None:
    file = write(tmp_path / "t.txt", "“Yes” — she\nsaid: incomprehensibilities.\nNo\n")
    found = read_sequences([file], "characters", Taking(line_length=12))
    assert found.train == ('"Yes" - she', "said:", "incomprehensibilities.", "No")
    assert list(into_lines([], 9)) == list(into_lines(["", " "], 9)) == []
    assert list(into_lines(["aa b", "cc"], 4)) == ["aa b", "cc"]


def test_texts_of_data_sets_count_several_times_and_rows_once(tmp_path: Path) -> None:
    data = draw_formulas(tmp_path / "drawn", train=CAPTIONS[:2], val=("y = 7",))
    file = write(tmp_path / "f.txt", "x\n")
    found = read_sequences([data, file], "tokens", Taking(repeat=3))
    assert len(found.train) == 3 * 2 + 1
    assert len(found.val) == 1
    assert unit_of([file]) == "characters"
    assert unit_of([file, data]) == "tokens"


def test_what_is_measured_is_all_rows_and_one_split(tmp_path: Path) -> None:
    data = draw_formulas(tmp_path / "drawn", val=("y = 7",), test=("7 + x",))
    file = write(tmp_path / "f.txt", "x\n\ny\n")
    assert len(module.read_measured([data, file], "tokens", "val")) == 3
    with pytest.raises(DataError, match="nothing is in the split"):
        module.read_measured([write_labels(tmp_path / "bars")], "characters", "val")
    with pytest.raises(DataError, match="nothing to measure"):
        module.read_measured([write(tmp_path / "empty.txt", "\n")], "characters", "val")


def write_labels(folder: Path) -> Path:
    folder.mkdir()
    (folder / "1.png").write_bytes(b"never opened")
    write(folder / "labels.tsv", "image\ttext\tsplit\twriter\n1.png\tab\ttrain\t\n")
    return folder


def test_letters_are_composed_as_readings_have_them(tmp_path: Path) -> None:
    file = write(tmp_path / "t.txt", "l'e\u0301te\u0301  dernier\n")
    assert read_sequences([file], "characters").train == ("l'\u00e9t\u00e9 dernier",)
    assert read_sequences([file], "words").train == (("l", "\u00e9t\u00e9", "dernier"),)

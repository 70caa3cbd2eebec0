import json
import os

import pytest

from amanuensis.errors import DataError
from amanuensis.evaluation import Outcome, Results, read_results, write_results
from amanuensis.language import TextNormalization

RESULTS = Results(
    model="toy",
    split="test",
    datasets=("a", "b"),
    normalization=TextNormalization("NFD", collapse_whitespace=False),
    decoder={"method": "prefix-beam", "beam": 8},
    seconds={"a": 1.5, "b": 0.25},
    outcomes=(
        Outcome("a/1", 'Cher Père,\u2028\u00a0ꝑ᷑ \\ "x"', 0.75),
        Outcome("a/2", "", 1.0),
        Outcome("b/1", error="b/1.png: zero bytes"),
    ),
)


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "new" / "results.jsonl"
    write_results(RESULTS, path)
    assert read_results(path) == RESULTS
    assert [entry.name for entry in path.parent.iterdir()] == ["results.jsonl"]
    header = json.loads(path.read_text(encoding="utf-8").split("\n")[0])
    assert header["format"] == 1
    assert header["datasets"] == ["a", "b"]


def test_no_results_are_results_too(tmp_path):
    nothing = Results("toy", "", (), TextNormalization(), {}, {}, ())
    write_results(nothing, tmp_path / "none.jsonl")
    assert read_results(tmp_path / "none.jsonl") == nothing


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "results.jsonl"
    write_results(RESULTS, path)
    before = path.read_bytes()

    def full_disk(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_results(Results("other", "", (), TextNormalization(), {}, {}, ()), path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


HEADER = json.dumps(
    {
        "format": 1,
        "model": "m",
        "split": "test",
        "datasets": [],
        "normalization": {"form": "NFC"},
        "decoder": {},
        "seconds": {},
    }
)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("", "empty"),
        ("[]", ":1:"),
        ('{"format": 2}', "format 2"),
        ('{"format": 1, "kind": "pages"}\n{"id": "set/p", "found": [], "true": []}', "evaluate --pages"),
        (HEADER[:-1] + ', "correction": {"kind": "x", "theta": "<script>"}}', "theta"),
        (HEADER[:-1] + ', "correction": {"kind": 1}}', "kind"),
        (
            HEADER[:-1] + ', "correction": {"kind": "x", "milliseconds_per_line": "5"}}',
            "milliseconds_per_line",
        ),
        (HEADER[:-1] + ', "correction": {"theta": 0.5}}', "kind"),
        (HEADER[:-1] + ', "correction": "lexicon"}', "header"),
        ('{"format": 1}', "header"),
        (HEADER.replace("NFC", "NFX"), "header"),
        (HEADER + "\n{", ":2:"),
        (HEADER + '\n{"text": "x"}', ":2: no id"),
        (HEADER + '\n{"id": "a"}', ":2: a has neither"),
        (HEADER + '\n{"id": "a", "text": "x", "confidence": "high"}', "high"),
        (HEADER + '\n{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}', ":3: a second result for 'a'"),
    ],
)
def test_a_malformed_file_is_named_with_its_line(tmp_path, content, where):
    path = tmp_path / "bad.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as raised:
        read_results(path)
    assert where in str(raised.value)
    assert "bad.jsonl" in str(raised.value)


def test_a_missing_or_binary_file_is_a_data_error(tmp_path):
    (tmp_path / "image.png").write_bytes(b"\x89PNG\xff")
    for name in ("nowhere.jsonl", "image.png", "."):
        with pytest.raises(DataError, match="not a result file"):
            read_results(tmp_path / name)

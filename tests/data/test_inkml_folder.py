from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from amanuensis.data.dataset import Collector, Dataset
from amanuensis.data.inkml_folder import detect_inkml, read_inkml_folder
from amanuensis.images import load_image

Writer = Callable[..., Path]


def inkml(truth: str, *labels: str, writer: str = "w") -> str:
    """A file whose symbols are upright strokes side by side."""
    traces = "".join(f'<trace id="{i}">{10 * i} 0, {10 * i} 20</trace>' for i in range(max(len(labels), 1)))
    groups = "".join(
        f'<traceGroup><annotation type="truth">{label}</annotation><traceView traceDataRef="{i}"/></traceGroup>'
        for i, label in enumerate(labels)
    )
    truth = f'<annotation type="truth">{truth}</annotation>' if truth else ""
    return f'<ink>{truth}<annotation type="writer">{writer}</annotation>{traces}{groups}</ink>'


def read(path: Path) -> Dataset:
    assert detect_inkml(path)
    collector = Collector(path if path.is_dir() else path.parent, "ink")
    read_inkml_folder(path, collector)
    return collector.dataset("inkml")


def test_files_of_a_folder_and_of_its_splits(tmp_path: Path, text: Writer) -> None:
    text("b.inkml", inkml("$x^2$", writer="w1"))
    text("a.InkML", inkml("\\frac12"))
    text("train/a.inkml", inkml("$a_{i}^b$"))
    text("valid/c.inkml", inkml("$log x$", "\\log", "x"))
    text("notes/d.inkml", inkml("z"))
    text("readme.txt", "no ink")
    dataset = read(tmp_path)
    assert not dataset.problems
    assert [(s.id, s.split, s.text, s.writer) for s in dataset.samples] == [
        ("a", "", "\\frac { 1 } { 2 }", "w"),
        ("b", "", "x ^ { 2 }", "w1"),
        ("train/a", "train", "a _ { i } ^ { b }", "w"),
        ("valid/c", "val", "\\log x", "w"),
    ]
    assert load_image(dataset.samples[0].image).shape == (28 + 1 + 2 + 23, 26)


def test_one_file_is_a_data_set_too(tmp_path: Path, text: Writer) -> None:
    file = text("one.inkml", inkml("1"))
    assert [(s.id, s.text) for s in read(file).samples] == [("one", "1")]


def test_what_is_no_sample_is_named_once_and_what_is_broken_in_part_is_read(
    tmp_path: Path, text: Writer
) -> None:
    text("a.inkml", inkml("x"))
    text("broken.inkml", "<ink>")
    text("empty.inkml", b"")
    text("no_truth.inkml", inkml(""))
    text("not_latex.inkml", inkml("\\begin{array}"))
    text("part.inkml", inkml("y", "y").replace('Ref="0"', 'Ref="7"'))
    dataset = read(tmp_path)
    assert [s.id for s in dataset.samples] == ["a", "part"]
    assert [Path(p.where).name for p in dataset.problems] == [
        "broken.inkml",
        "empty.inkml",
        "no_truth.inkml",
        "not_latex.inkml",
        "part.inkml",
    ]
    assert not any("inkml" in p.reason for p in dataset.problems)  # the file is named already
    assert "not there: 7" in dataset.problems[-1].reason


def test_a_folder_without_ink(tmp_path: Path, text: Writer) -> None:
    text("notes/a.inkml", inkml("x"))
    assert not detect_inkml(tmp_path)
    assert not detect_inkml(tmp_path / "gone.inkml")

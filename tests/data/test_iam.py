from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from amanuensis.data import read_dataset, train_samples
from amanuensis.data.xml import read_xml
from amanuensis.errors import DataError

Writer = Callable[..., Path]

LINES = """\
#--- lines.txt ---------------------------------------------------------------#
# format: a01-000u-00 ok 154 19 408 746 1663 91 A|MOVE|to|stop|Mr.|Gaitskell|from
a01-000u-00 ok 154 19 408 746 1663 91 A|MOVE|to|stop|Mr.|Gaitskell|from
a01-000u-01 err 156 19 395 932 1850 105 said|,|"|no|"|&amp;|M P
a01-003-00 ok 156 19 395 932 1850 105 a|line|of|val
b02-001-00 ok 156 19 395 932 1850 105 test
c03-000a-00 ok 156 19 395 932 1850 105 second|validation|set
d04-001-00 ok 1 2 3 4 5 6 in|no|list
"""

TASK = "largeWriterIndependentTextLineRecognitionTask"


@pytest.fixture
def iam(tmp_path: Path, image: Writer, text: Writer) -> Path:
    text("ascii/lines.txt", LINES)
    text("ascii/forms.txt", "# comment\na01-000u 000 2 prt 7 5 52 36\nb02-001 151 2 prt 7 5 52 36\n")
    for line in LINES.splitlines()[2:]:
        id_ = line.split()[0]
        form = "-".join(id_.split("-")[:2])
        image(f"lines/{form[:3]}/{form}/{id_}.png")
    return tmp_path


def splits(path: Path) -> dict[str, str]:
    return {sample.id: sample.split for sample in read_dataset(path).samples}


def test_lines_of_the_large_task(iam: Path, text: Writer) -> None:
    text(f"{TASK}/trainset.txt", "a01-000u-00\na01-000u-01\n")
    text(f"{TASK}/validationset1.txt", "a01-003-00\n")
    text(f"{TASK}/validationset2.txt", "c03-000a-00\n")
    text(f"{TASK}/testset.txt", "b02-001-00\nz99-999-00\n")
    dataset = read_dataset(iam)
    assert dataset.layout == "iam-lines"
    first, second = dataset.samples[:2]
    assert (first.id, first.text, first.page, first.writer) == (
        "a01-000u-00",
        "A MOVE to stop Mr. Gaitskell from",
        "a01-000u",
        "000",
    )
    assert second.text == 'said , " no " & M P'
    assert splits(iam) == {
        "a01-000u-00": "train",
        "a01-000u-01": "train",
        "a01-003-00": "val",
        "b02-001-00": "test",
        "c03-000a-00": "",
        "d04-001-00": "",
    }
    assert [str(p) for p in dataset.problems] == [
        f"{iam / TASK / 'testset.txt'}:2: 'z99-999-00' is listed, but has no transcription"
    ]


@pytest.mark.parametrize(
    ("names", "folder"),
    [
        (("train.uttlist", "validation.uttlist", "test.uttlist"), "splits"),
        (("tr.lst", "va.lst", "te.lst"), "part/aachen"),
    ],
)
def test_aachen_lists_of_forms(iam: Path, text: Writer, names: tuple[str, ...], folder: str) -> None:
    for name, forms in zip(names, ("a01-000u\n", "a01-003\n", "b02-001\n"), strict=True):
        text(f"{folder}/{name}", forms)
    assert splits(iam) == {
        "a01-000u-00": "train",
        "a01-000u-01": "train",
        "a01-003-00": "val",
        "b02-001-00": "test",
        "c03-000a-00": "",
        "d04-001-00": "",
    }
    assert not read_dataset(iam).problems


def test_a_line_in_two_lists_is_named(iam: Path, text: Writer) -> None:
    text("splits/train.uttlist", "a01-000u\na01-003\n")
    text("splits/validation.uttlist", "")
    text("splits/test.uttlist", "b02-001\na01-003\n")
    (problem,) = read_dataset(iam).problems
    assert problem.where.endswith("test.uttlist:2")
    assert "already listed" in problem.reason
    assert splits(iam)["a01-003-00"] == "train"


def test_no_lists_no_splits(iam: Path) -> None:
    assert set(splits(iam).values()) == {""}


def test_broken_rows_and_missing_images(iam: Path, text: Writer) -> None:
    (iam / "lines/a01/a01-003/a01-003-00.png").unlink()
    text("ascii/lines.txt", LINES + "e05-000-00 ok 1 2 3\ngarbage\n")
    dataset = read_dataset(iam)
    assert len(dataset.samples) == 5
    assert [p.where.rpartition(":")[2] for p in dataset.problems] == ["5", "9", "10"]
    assert "a01-003-00.png is missing" in dataset.problems[0].reason


FORM = """<?xml version="1.0" encoding="{encoding}"?>
{doctype}<form created="2002-01-14" id="a01-000u" status="final" version="3.0_beta" writer-id="000">
  <machine-printed-part><machine-print-line text="A MOVE"/></machine-printed-part>
  <handwritten-part>
    <line id="a01-000u-00" segmentation="ok" text="said, &amp;quot;no&amp;quot; &amp;amp; M P">
      <word id="a01-000u-00-00" text="said"><cmp height="51" width="27" x="408" y="768"/></word>
    </line>
    <line id="a01-000u-01" segmentation="err" text="Ünal, "/>
    <line text="a line without id"/>
  </handwritten-part>
</form>
"""

NAMED = '<!DOCTYPE form SYSTEM "http://www.iam.unibe.ch/~fki/iamDB/form-metadata.dtd">\n'
BOMB = '<!DOCTYPE form [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n'


@pytest.mark.parametrize("doctype", ["", NAMED])
def test_xml_has_the_written_spacing_and_goes_first(iam: Path, text: Writer, doctype: str) -> None:
    form = FORM.format(encoding="ISO-8859-1", doctype=doctype)
    text("xml/a01-000u.xml", form.encode("latin-1"))
    text(f"{TASK}/trainset.txt", "a01-000u-00\n")
    text(f"{TASK}/validationset1.txt", "")
    text(f"{TASK}/testset.txt", "a01-000u-01\n")
    dataset = read_dataset(iam)
    assert dataset.layout == "iam-xml"
    assert [(s.id, s.text, s.split, s.writer) for s in dataset.samples] == [
        ("a01-000u-00", 'said, "no" & M P', "train", "000"),
        ("a01-000u-01", "Ünal, ", "test", "000"),
    ]
    assert [p.reason for p in dataset.problems] == ["a line without id or text"]
    assert read_dataset(iam, layout="iam-lines").samples[1].text == 'said , " no " & M P'


@pytest.mark.parametrize(
    "data",
    [
        FORM.format(encoding="UTF-8", doctype=BOMB).encode(),
        FORM.format(encoding="UTF-16", doctype=BOMB).encode("utf-16"),
        FORM.format(encoding="UTF-8", doctype=NAMED + BOMB).encode(),
        b'<!DOCTYPE form SYSTEM "a>b" [<!ENTITY % x SYSTEM "file:///etc/passwd">]><form/>',
        b"<form>",
        b"",
        b'<?xml version="1.0" encoding="no-such"?><form/>',
    ],
)
def test_xml_that_is_refused(tmp_path: Path, text: Writer, data: bytes) -> None:
    path = text("x.xml", data)
    with pytest.raises(DataError, match="XML"):
        read_xml(path)


def test_a_broken_form_is_named_and_the_others_are_read(iam: Path, text: Writer) -> None:
    text("xml/a01-000u.xml", FORM.format(encoding="UTF-8", doctype=""))
    text("xml/b02-001.xml", FORM.format(encoding="UTF-8", doctype=BOMB))
    text("xml/c03-000a.xml", "<form")
    dataset = read_dataset(iam)
    assert len(dataset.samples) == 2
    assert [Path(p.where).name for p in dataset.problems if p.where.endswith(".xml")] == [
        "a01-000u.xml",
        "b02-001.xml",
        "c03-000a.xml",
    ]


def test_the_second_validation_set_and_unlisted_lines_are_not_trained_on(iam: Path, text: Writer) -> None:
    text(f"{TASK}/trainset.txt", "a01-000u-00\na01-000u-01\n")
    text(f"{TASK}/validationset1.txt", "a01-003-00\n")
    text(f"{TASK}/validationset2.txt", "c03-000a-00\n")
    text(f"{TASK}/testset.txt", "b02-001-00\n")
    trained = train_samples(read_dataset(iam).samples)
    assert [sample.id for sample in trained] == ["a01-000u-00", "a01-000u-01"]

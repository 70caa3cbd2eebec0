"""A collection from end to end, with pages whose fate is known."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from amanuensis.errors import AmanuensisError, DataError
from amanuensis.jobs import (
    LocalEngine,
    Order,
    PageOutput,
    PageTask,
    Plan,
    Shard,
    Summary,
    read_collection,
    read_status,
)
from amanuensis.jobs.tasks import Bench, Outcome, UnreadPageError, do_page
from toy_work import ToyWork, Witness, write_pages


class Here:
    """An engine without processes."""

    def run(self, bench: Bench, tasks: Iterator[PageTask]) -> Iterator[Outcome]:
        read = bench.work.open()
        for task in tasks:
            yield do_page(read, task, bench)


class CutError(Exception):
    """The run is cut off."""


class CutAfter(Witness):
    """Cuts the run off after so many pages, as a power failure would, between two pages."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def finished(self, outcome: Outcome) -> None:
        super().finished(outcome)
        if len(self.outcomes) == self.number:
            raise CutError


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def work(tmp_path: Path) -> ToyWork:
    return ToyWork(tmp_path / "log")


def read(
    tasks: Sequence[PageTask], work: ToyWork, out: Path, watch: Witness | None = None, **order: object
) -> Summary:
    return read_collection(tasks, work, Order(folder=out, **order), engine=Here(), watch=watch or Witness())


def results(out: Path) -> dict[str, bytes]:
    """All that a user sees in the output folder."""
    files = (path for path in out.rglob("*") if path.is_file() and ".amanuensis" not in path.parts)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def test_every_page_is_read_once_and_failures_are_named(tmp_path: Path, work: ToyWork, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["one", "broken", "two", "bug"])
    witness = Witness()
    summary = read(tasks, work, out, witness)
    assert (summary.num_done, summary.num_failed, summary.num_lines) == (2, 2, 6)
    assert witness.plan == Plan(new=4)
    assert results(out) == {
        "box 0/000.txt": b"ONE\n", "box 0/000.page": b"0", "box 0/002.txt": b"TWO\n", "box 0/002.page": b"0",
    }  # fmt: skip
    status = read_status(out)
    assert [failure.name for failure in status.failures] == ["box 1/001", "box 1/003"]
    assert status.failures[0].reason == "broken"
    assert "ZeroDivisionError: by nothing" in status.failures[1].reason
    assert (status.num_done, status.num_waiting, status.num_lines) == (2, 0, 6)


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_a_run_that_was_cut_off_goes_on(tmp_path: Path, work: ToyWork, out: Path, cut: int) -> None:
    tasks = write_pages(tmp_path / "in", ["a", "b", "broken", "c", "d"])
    straight = tmp_path / "straight"
    read(tasks, ToyWork(tmp_path / "other"), straight)
    with pytest.raises(CutError):
        read(tasks, work, out, CutAfter(cut))
    witness = Witness()
    read(tasks, work, out, witness)
    assert len(witness.outcomes) == 5 - cut
    assert work.read() == sorted(task.name for task in tasks)
    assert results(out) == results(straight)
    assert read(tasks, work, out).plan == Plan(done=4, failed=1)


def test_what_changed_is_read_again(tmp_path: Path, work: ToyWork, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["a", "b", "c", "d"])
    read(tasks, work, out)
    tasks[0].source.write_text("other")
    (out / "box 1/001.txt").unlink()
    (out / "box 0/002.txt").write_bytes(b"torn")
    assert read(tasks, work, out).plan == Plan(changed=3, done=1)
    assert results(out)["box 0/000.txt"] == b"OTHER\n"
    assert results(out)["box 0/002.txt"] == b"C\n"


def test_failed_pages_are_tried_again_on_request_or_when_mended(
    tmp_path: Path, work: ToyWork, out: Path
) -> None:
    tasks = write_pages(tmp_path / "in", ["broken", "broken"])
    read(tasks, work, out)
    assert read(tasks, work, out).plan == Plan(failed=2)
    assert read(tasks, work, out, retry_failed=True).plan == Plan(again=2)
    tasks[0].source.write_text("mended")
    assert read(tasks, work, out).plan == Plan(changed=1, failed=1)
    assert read_status(out).num_failed == 1


def test_other_settings_are_refused_with_what_differs(tmp_path: Path, work: ToyWork, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["a", "b"])
    read(tasks, work, out, settings={"model": "small 12ab", "formats": "txt"})
    with pytest.raises(DataError, match=r"model: small 12ab, now large 34cd.*--restart"):
        read(tasks, work, out, settings={"model": "large 34cd", "formats": "txt"})
    with pytest.raises(DataError, match=r"formats: txt, now not set"):
        read(tasks, work, out, settings={"model": "small 12ab"})
    again = read(tasks, work, out, settings={"model": "large 34cd"}, restart=True)
    assert again.plan == Plan(new=2)
    assert read_status(out).settings == {"model": "large 34cd"}


def test_settings_bind_as_soon_as_a_page_is_read(tmp_path: Path, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["broken", "a"])
    missing = ToyWork(tmp_path / "log", "missing")
    with pytest.raises(AmanuensisError, match="no such model"):
        read(tasks, missing, out, settings={"model": "missing"})
    read(tasks, ToyWork(tmp_path / "log"), out, settings={"model": "toy", "theta": "0.5"})
    assert read_status(out).settings == {"model": "toy", "theta": "0.5"}
    with pytest.raises(DataError, match=r"theta: 0\.5, now not set"):
        read(tasks, ToyWork(tmp_path / "log"), out, settings={"model": "toy"})


def test_shards_keep_to_one_way_of_reading(tmp_path: Path, work: ToyWork, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", [f"w{i}" for i in range(8)])
    a, b = {"model": "a", "begun": "today"}, {"model": "b", "begun": "today"}
    read(tasks, work, out, shard=Shard(1, 2), settings=a)
    with pytest.raises(DataError, match=r"model: a, now b.*use the same settings or choose another folder$"):
        read(tasks, work, out, shard=Shard(2, 2), settings=b)
    read(tasks, work, out, shard=Shard(2, 2), settings={**a, "begun": "tomorrow"})
    with pytest.raises(DataError, match="model: a, now b"):
        read(tasks, work, out, shard=Shard(1, 2), settings=b, restart=True)
    assert read(tasks, work, out, shard=Shard(1, 2), settings=a).num_done == 0  # nothing was forgotten
    assert read(tasks, work, out, shard=Shard(1, 2), settings=a, restart=True).num_done > 0


def test_shards_that_begin_at_once_do_not_mix(tmp_path: Path, work: ToyWork, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", [f"w{i}" for i in range(8)])

    class Second(Witness):
        def planned(self, plan: Plan) -> None:
            read(tasks, work, out, shard=Shard(2, 2), settings={"model": "b"})

    with pytest.raises(DataError, match="model: b, now a"):
        read(tasks, work, out, Second(), shard=Shard(1, 2), settings={"model": "a"})


def test_results_replace_nothing_that_is_read(tmp_path: Path, work: ToyWork) -> None:
    """Its own source, another one, by whatever way the folder is named; nothing of such a page is written."""
    folder = tmp_path / "in"
    write_pages(folder, [])
    (tmp_path / "link").symlink_to(folder)
    names = ["a.txt", "b.word", "b.page", "d.word"]
    for name in names:
        (folder / name).write_text("word")
    tasks = [PageTask(task, folder / name) for task, name in zip("abcd", names, strict=True)]
    assert read(tasks, work, tmp_path / "link").num_done == 2
    assert [failure.name for failure in read_status(folder).failures] == ["a", "b"]
    assert "b.page, which is read" in read_status(folder).failures[1].reason
    assert {path.name for path in folder.glob("[abcd].*")} == {*names, "c.txt", "c.page", "d.txt", "d.page"}
    assert {(folder / name).read_text() for name in names} == {"word"}


def test_results_do_not_replace_the_image_of_their_source(tmp_path: Path) -> None:
    [task] = write_pages(tmp_path, ["a"])
    image = tmp_path / "box 0/000.png"
    image.parent.mkdir()
    image.write_bytes(b"image")
    output = PageOutput({".txt": b"text", ".png": b"overlay"}, inputs=(image,))
    outcome = do_page(lambda _: output, task, Bench(ToyWork(tmp_path / "log"), tmp_path, tmp_path))
    assert (outcome.state, image.read_bytes()) == ("failed", b"image")
    assert not (tmp_path / "box 0/000.txt").exists()


def test_a_page_that_failed_is_read_again_when_what_it_lacked_comes(tmp_path: Path, out: Path) -> None:
    tasks, image = write_pages(tmp_path / "in", ["a"]), tmp_path / "in/a.png"

    class NeedsImage(ToyWork):
        def _read(self, task: PageTask) -> PageOutput:
            if not image.exists():
                raise UnreadPageError("no image", (image,))
            return super()._read(task)

    work = NeedsImage(tmp_path / "log")
    assert read(tasks, work, out).num_failed == 1
    assert read(tasks, work, out).plan == Plan(failed=1)
    image.touch()
    assert read(tasks, work, out).plan == Plan(changed=1)
    assert read_status(out).num_done == 1


def test_two_files_of_one_name_do_not_replace_each_other(tmp_path: Path, work: ToyWork, out: Path) -> None:
    read(write_pages(tmp_path / "a", ["one"]), work, out)
    with pytest.raises(DataError, match=r"holds the results of .*000\.word"):
        read(write_pages(tmp_path / "b", ["two"]), work, out)
    assert results(out)["box 0/000.txt"] == b"ONE\n"


def test_a_collection_may_move(tmp_path: Path, work: ToyWork, out: Path) -> None:
    read(write_pages(tmp_path / "a", ["one", "broken"]), work, out)
    shutil.move(tmp_path / "a", tmp_path / "b")
    moved = [PageTask(f"box {i}/00{i}", tmp_path / "b" / f"00{i}.word") for i in (0, 1)]
    assert read(moved, work, out).plan == Plan(done=1, failed=1)


def test_a_collection_may_grow_and_pages_that_are_gone_keep_their_results(
    tmp_path: Path, work: ToyWork, out: Path
) -> None:
    tasks = write_pages(tmp_path / "in", ["a", "b", "c"])
    read(tasks[:2], work, out)
    tasks[0].source.unlink()
    assert read(tasks[1:], work, out).plan == Plan(new=1, done=1)
    assert read_status(out).num_done == 3


def test_the_failure_of_a_folder_ends_when_it_can_be_listed(tmp_path: Path, work: ToyWork, out: Path) -> None:
    first, second = write_pages(tmp_path / "in", ["a", "b"])
    second = replace(second, name="b/1")
    closed = [PageTask(f"{name}/*", tmp_path / "missing") for name in ("b", "c")]
    read([first, *closed], work, out)
    assert read_status(out).num_failed == 2
    read([first, *closed], work, out)
    assert read_status(out).num_failed == 2
    read([first, second], work, out)  # b is open now; c was not asked for
    status = read_status(out)
    assert (status.num_done, [failure.name for failure in status.failures]) == (2, ["c/*"])


def test_a_file_that_vanishes_is_a_failure(tmp_path: Path, work: ToyWork, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["a", "b"])
    tasks[1].source.unlink()
    assert read(tasks, work, out).num_failed == 1
    assert read_status(out).failures[0].reason == "No such file or directory"
    tasks[1].source.write_text("back")
    assert read(tasks, work, out).plan == Plan(changed=1, done=1)


def test_shards_read_everything_once(tmp_path: Path, work: ToyWork, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", [f"w{i}" for i in range(20)])
    summaries = [read(tasks, work, out, shard=Shard(i, 3)) for i in (1, 2)]
    assert read_status(out).missing_shards == (3,)
    summaries.append(read(tasks, work, out, shard=Shard(3, 3)))
    assert sum(summary.num_done for summary in summaries) == 20
    assert max(summary.num_done for summary in summaries) < 14
    assert work.read() == sorted(task.name for task in tasks)
    status = read_status(out)
    assert (status.num_done, status.num_shards, status.missing_shards) == (20, 3, ())


def test_a_folder_keeps_to_its_cut(tmp_path: Path, work: ToyWork, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["a", "b"])
    read(tasks, work, out, shard=Shard(1, 2))
    with pytest.raises(DataError, match=r"begun with --shard 1/2 to 2/2"):
        read(tasks, work, out)
    read(tasks, work, tmp_path / "whole")
    with pytest.raises(DataError, match=r"begun without --shard"):
        read(tasks, work, tmp_path / "whole", shard=Shard(1, 2))


def test_only_one_run_at_a_time(tmp_path: Path, work: ToyWork, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["a"])

    class Second(Witness):
        def planned(self, plan: Plan) -> None:
            with pytest.raises(DataError, match="another run is writing into it"):
                read(tasks, work, out)
            with pytest.raises(DataError, match="another run is writing into it"):
                read(tasks, work, out, restart=True)
            assert read_status(out).num_waiting == 1

    read(tasks, work, out, Second())
    read(tasks, work, out)


def test_no_pages_at_all(work: ToyWork, out: Path) -> None:
    assert read([], work, out).plan == Plan()
    assert read_status(out).num_done == 0


def test_no_journal_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no collection was read into this folder"):
        read_status(tmp_path)


def test_a_file_that_is_no_journal(tmp_path: Path, work: ToyWork, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["a"])
    (out / ".amanuensis").mkdir(parents=True)
    path = out / ".amanuensis/journal-1-of-1.sqlite"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(DataError, match=r"no journal.*--restart"):
        read(tasks, work, out)
    with pytest.raises(DataError, match="cannot be read"):
        read_status(out)
    assert read(tasks, work, out, restart=True).num_done == 1
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(DataError, match="format 99"):
        read(tasks, work, out)


def test_a_disk_that_is_full_stops_the_run(
    tmp_path: Path, work: ToyWork, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes, *, scratch_folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    tasks = write_pages(tmp_path / "in", ["a", "b"])
    monkeypatch.setattr("amanuensis.jobs.tasks.write_atomically", full)
    with pytest.raises(DataError, match=r"box 0/000\.txt: cannot be written: No space left"):
        read(tasks, work, out)
    assert read_status(out).num_waiting == 2


def test_names_that_cannot_be_written_fail_their_pages(tmp_path: Path, work: ToyWork, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["a", "b", "c"])
    (out / "box 0/002.txt").mkdir(parents=True)
    (out / "box 1").write_text("a file where a folder should be")
    long = PageTask("x" * 253, tasks[0].source)
    assert read([*tasks, long], work, out).num_failed == 3
    told = {failure.name: failure.reason for failure in read_status(out).failures}
    assert set(told) == {"box 1/001", "box 0/002", long.name}
    assert "File name too long" in told[long.name]
    assert results(out)["box 0/000.txt"] == b"A\n"


def test_a_lock_that_is_broken_is_named(tmp_path: Path, work: ToyWork, out: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["a"])
    read(tasks, work, out)
    lock = out / ".amanuensis/lock-1-of-1"
    lock.write_bytes(b"no database" * 100)
    with pytest.raises(DataError, match=r"lock-1-of-1: cannot be locked: .*remove it"):
        read(tasks, work, out)
    lock.unlink()
    assert read(tasks, work, out).plan == Plan(done=1)


def test_a_journal_that_breaks_is_named(tmp_path: Path, work: ToyWork, out: Path) -> None:
    class Breaks(Witness):
        def planned(self, plan: Plan) -> None:
            database = sqlite3.connect(out / ".amanuensis/journal-1-of-1.sqlite")
            database.execute("ALTER TABLE runs RENAME TO gone")
            database.close()

    with pytest.raises(DataError, match=r"journal-1-of-1\.sqlite: no such table"):
        read(write_pages(tmp_path / "in", ["a"]), work, out, Breaks())


def test_unfinished_files_of_a_killed_run_are_removed(tmp_path: Path, work: ToyWork, out: Path) -> None:
    scratch = out / ".amanuensis/scratch-1-of-1"
    scratch.mkdir(parents=True)
    (scratch / ".half").write_bytes(b"ha")
    read(write_pages(tmp_path / "in", ["a"]), work, out)
    assert not scratch.exists()


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/2/3", "-1/2", ""])
def test_shards_that_are_none(text: str) -> None:
    with pytest.raises(DataError, match="--shard"):
        Shard.parse(text)


def test_a_shard_is_told_by_the_name_alone() -> None:
    names = [f"page {i}" for i in range(1000)]
    parts = [{name for name in names if Shard.parse(f"{i}/4").holds(name)} for i in (1, 2, 3, 4)]
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert all(200 < len(part) < 300 for part in parts)


# With processes


def test_workers_write_what_one_process_writes(tmp_path: Path, work: ToyWork, out: Path) -> None:
    """A crash, a fault and a fault of ours among them; each page is begun once."""
    tasks = write_pages(tmp_path / "in", ["a", "crash", "b", "broken", "bug", "c", "d"])
    witness = Witness()
    summary = read_collection(tasks, work, Order(folder=out), engine=LocalEngine(2), watch=witness)
    assert (summary.num_done, summary.num_failed) == (4, 3)
    assert work.read() == sorted(task.name for task in tasks)
    assert "SIGKILL" in witness.outcomes["box 1/001"].reason
    read([task for task in tasks if "crash" not in task.source.read_text()], work, tmp_path / "here")
    assert results(out) == results(tmp_path / "here")


@pytest.mark.parametrize(("model", "told"), [("missing", "missing: no such model"), ("heavy", "status 3")])
def test_work_that_cannot_be_opened_is_said_once(tmp_path: Path, out: Path, model: str, told: str) -> None:
    tasks = write_pages(tmp_path / "in", ["a", "b", "c"])
    with pytest.raises(AmanuensisError, match=told):
        read_collection(
            tasks, ToyWork(tmp_path / "log", model), Order(folder=out), engine=LocalEngine(2), watch=Witness()
        )
    assert read_status(out).num_waiting == 3

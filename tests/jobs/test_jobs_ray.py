"""Ray Data as the engine: the same journal and the same files. Ray is large; without it these tests are skipped."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from amanuensis.errors import AmanuensisError, DataError, MissingExtraError
from amanuensis.jobs import LocalEngine, Order, RayEngine, read_collection, read_status
from amanuensis.jobs.ray_engine import _Actor
from amanuensis.jobs.tasks import Bench
from toy_work import ToyWork, Witness, write_pages

HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="needs the extra ray")
WARNINGS = pytest.mark.filterwarnings("ignore")  # of Ray's own start


def results(out: Path) -> dict[str, bytes]:
    files = (path for path in out.rglob("*") if path.is_file() and ".amanuensis" not in path.parts)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


@needs_ray
@WARNINGS
def test_two_cpus_write_the_same_files(tmp_path: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["a", "broken", "b", "bug", "c", "d", "e", "f", "g"])
    work, out = ToyWork(tmp_path / "log"), tmp_path / "ray"
    first, whole = Order(folder=out), Order(folder=tmp_path / "local")
    read_collection(tasks[:3], work, first, engine=LocalEngine(1), watch=Witness())
    witness = Witness()
    summary = read_collection(tasks, work, first, engine=RayEngine(2), watch=witness)
    assert (summary.num_done, summary.num_failed) == (5, 1)
    assert work.read() == sorted(task.name for task in tasks)
    read_collection(tasks, ToyWork(tmp_path / "other"), whole, engine=LocalEngine(2), watch=Witness())
    assert results(out) == results(whole.folder)
    assert read_status(out).failures == read_status(whole.folder).failures


@needs_ray
@WARNINGS
def test_work_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["a"])
    order = Order(folder=tmp_path / "out")
    with pytest.raises(AmanuensisError, match="missing: no such model"):
        read_collection(
            tasks, ToyWork(tmp_path / "log", "missing"), order, engine=RayEngine(1), watch=Witness()
        )
    assert read_status(order.folder).num_waiting == 1


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_ray_the_cure_is_said(tmp_path: Path) -> None:
    order = Order(folder=tmp_path / "out")
    with pytest.raises(MissingExtraError, match=r"amanuensis\[ray\]"):
        read_collection([], ToyWork(tmp_path / "log"), order, engine=RayEngine(1), watch=Witness())


# Without Ray: what an actor does that Ray starts in place of a dead one, and what is said when Ray gives up


def test_a_page_that_ended_its_actor_is_not_read_again(tmp_path: Path) -> None:
    tasks = write_pages(tmp_path / "in", ["crash", "a"])
    bench = Bench(ToyWork(tmp_path / "log"), tmp_path / "out", tmp_path)
    crash, row = ({"name": task.name, "source": str(task.source), "page": 0} for task in tasks)
    first = multiprocessing.get_context("spawn").Process(target=_Actor(bench, str(Path.cwd())), args=(crash,))
    first.start()
    first.join()
    assert first.exitcode == -9
    actor = _Actor(bench, str(Path.cwd()))
    failed, done = (json.loads(actor(each)["outcome"]) for each in (crash, row))
    assert (failed["state"], done["state"]) == ("failed", "done")
    assert "its process ended" in failed["reason"]
    assert bench.work.read() == sorted(task.name for task in tasks)
    assert json.loads(actor(row)["outcome"])["state"] == "done"  # a page that was done may be read again


def test_when_ray_gives_up_the_pages_that_were_being_read_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class RayError(Exception):
        pass

    def rows() -> Iterator[dict[str, str]]:
        scratch = tmp_path / "out/.amanuensis/scratch-1-of-1"
        (scratch / "reading-1").write_text("in/000.word")
        (scratch / "reading-2").symlink_to("gone")  # as if its actor were just done with it
        raise RayError("the actor died\nat length")
        yield {}

    data = SimpleNamespace(
        from_items=lambda *_, **__: SimpleNamespace(map=lambda *_, **__: SimpleNamespace(iter_rows=rows)),
        ActorPoolStrategy=SimpleNamespace,
    )
    ray = SimpleNamespace(
        data=data, exceptions=SimpleNamespace(RayError=RayError), is_initialized=lambda: True
    )
    monkeypatch.setattr("amanuensis.jobs.ray_engine._ray", lambda: ray)
    order, work = Order(folder=tmp_path / "out"), ToyWork(tmp_path / "log")
    with pytest.raises(DataError, match=r"^Ray gave up: the actor died; pages .*: in/000\.word$"):
        read_collection(
            write_pages(tmp_path / "in", ["a"]), work, order, engine=RayEngine(1), watch=Witness()
        )

"""Ray Data as the engine: the same journal and the same files. Ray is large; without it these tests are skipped."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from amanuensis.errors import AmanuensisError, MissingExtraError
from amanuensis.jobs import LocalEngine, Order, RayEngine, read_collection, read_status
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

"""Run what a table of line readers lacks: train or resume, then read; within a time, and again where it was cut off.

Trainings go seed by seed, so that a time that is too short for all leaves whole tables of fewer seeds. A run that fails
is named and the rest goes on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from amanuensis.errors import AmanuensisError, DataError
from amanuensis.records import Sample
from amanuensis.reproduce.line_scores import LineSource
from amanuensis.reproduce.line_systems import LineStudy, LineSystem, set_name, set_path
from amanuensis.reproduce.line_tables import LineRow
from amanuensis.reproduce.scored import trained
from amanuensis.reproduce.systems import Training

if TYPE_CHECKING:
    from amanuensis.data import Dataset

_TOO_SHORT = 30.0  # seconds; no training gets anywhere in less


@dataclass(frozen=True, slots=True)
class Job:
    """One training of a study, and the results that it is to leave."""

    study: LineStudy
    system: LineSystem
    seed: int

    @property
    def training(self) -> Training:
        """How it is trained."""
        return self.study.training(self.system, self.seed)

    @property
    def run(self) -> Path:
        """Its folder."""
        return self.study.runs / self.study.name(self.system, self.seed)

    @property
    def teacher(self) -> Job | None:
        """The training of the Teacher that must be at its end before; None for most."""
        return Job(self.study, self.study.teacher(), 1) if "kd" in self.system.methods else None


@dataclass(frozen=True, slots=True)
class Machine:
    """How jobs are worked on.

    Attributes:
        seconds: after which to stop; None: when all is done.
        device, threads, quiet: see `training.RunOptions`.
        say: told what is done.
        clock: monotonic seconds.
    """

    seconds: float | None = None
    device: str | None = None
    threads: int | None = None
    quiet: bool = False
    say: Callable[[str], None] = print
    clock: Callable[[], float] = field(default=time.monotonic)


def jobs_of(rows: Iterable[LineRow], study: LineStudy, seeds: Sequence[int]) -> list[Job]:
    """The trainings that rows need, each once: seed by seed, Teachers before their Students.

    Args:
        rows: of any tables.
        study: of the trainings.
        seeds: of each.
    """
    rows = list(rows)
    jobs: dict[Job, None] = {}
    for seed in seeds:
        for row in rows:
            specialist = row.reading.specialist
            for one in [study.alone(name) for name in study.sets] if specialist else [study]:
                job = Job(one, row.reading.system, seed)
                for needed in (job.teacher, job):
                    if needed is not None:
                        jobs[needed] = None
    return list(jobs)


def is_trained(job: Job) -> bool:
    """Whether a job's training is at its end: by its log, or where it stopped early, by its state.

    Raises:
        DataError: its log cannot be read.
        TrainingError: its state cannot be read, or the run is of another recipe: its name does not tell all changes.
    """
    from amanuensis.training import RunFolder, load_recipe  # noqa: PLC0415 - needs PyTorch

    told, plan, folder = trained(job.run), job.training, RunFolder(job.run)
    begun = None if told is None else folder.resume(load_recipe(plan.recipe, plan.overrides))
    if told is None or begun is None:
        return False
    if told.updates >= begun.total_steps:
        return True
    progress = folder.progress()
    return progress is not None and progress.finished


def is_read_elsewhere(job: Job, source: LineSource) -> bool:
    """Whether all lines of a job were read, and the training that read them is not in our folder.

    Raises:
        DataError: see `LineSource.files`.
    """
    found = source.files.get((job.run.name, False))
    return found is not None and not job.run.exists() and not _lacking(job, source)


def work(jobs: Sequence[Job], source: LineSource, machine: Machine) -> list[str]:
    """Train and read what is missing.

    Args:
        jobs: in the order in which they are done.
        source: what is to be read, and where the results go.
        machine: how, and how long.

    Returns:
        A sentence for every job that failed; jobs that the time did not suffice for are said, not returned.

    Raises:
        DataError: the results cannot be read, see `LineSource.files`; nothing is trained then.
    """
    source.files  # noqa: B018 - read now, so that a broken one is told before hours of training
    began, failures = machine.clock(), []
    read_elsewhere = {job for job in jobs if is_read_elsewhere(job, source)}
    teachers = {job.teacher for job in jobs if job not in read_elsewhere}
    jobs = [job for job in jobs if job not in read_elsewhere or job in teachers]
    if passed_over := len(read_elsewhere - teachers):
        machine.say(f"trainings whose results lie there without their runs are not done again: {passed_over}")
    for number, job in enumerate(jobs, start=1):
        left = None if machine.seconds is None else machine.seconds - (machine.clock() - began)
        if left is not None and left < _TOO_SHORT:
            machine.say(
                f"the time is over; {len(jobs) - number + 1} of {len(jobs)} trainings were not reached"
            )
            break
        try:
            with alone(job.run) as free:
                if free:
                    _do(job, source, machine, left)
                else:
                    machine.say(f"{job.run.name}: another process works on it; passed over")
        except (AmanuensisError, OSError) as error:
            failures.append(f"{job.run.name}: {error}")
            machine.say(f"failed: {failures[-1]}")
    return failures


def _lacking(job: Job, source: LineSource) -> list[Sample]:
    """The lines that a training has not read."""
    return source.lacking(job.run.name, map(set_name, job.study.sets))


@contextmanager
def alone(run: Path) -> Iterator[bool]:
    """Whether no other process of this machine works on a run while we do; the lock ends with its process."""
    try:
        import fcntl  # noqa: PLC0415
    except ImportError:  # Windows
        yield True
        return
    run.parent.mkdir(parents=True, exist_ok=True)
    with (run.parent / f"{run.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _do(job: Job, source: LineSource, machine: Machine, left: float | None) -> None:
    if not is_trained(job):
        if job.teacher is not None and not is_trained(job.teacher):
            raise DataError(f"it learns from {job.teacher.run.name}, whose training is not at its end")
        machine.say(job.training.command(job.study.runs))
        _train(job, machine, left)
        if not is_trained(job):
            machine.say(f"{job.run.name}: paused; the same command goes on with it")
            return
    now = replace(source)  # as the folder is now: another process may have read them
    if lacking := _lacking(job, now):
        machine.say(f"{job.run.name}: reads {len(lacking):,} {source.split} lines")
        _read(job, lacking, source, machine)


def _train(job: Job, machine: Machine, left: float | None) -> None:
    from amanuensis import training  # noqa: PLC0415 - needs PyTorch

    plan = job.training
    options = training.RunOptions(
        out=job.run,
        resume=(job.run / "run.json").exists(),
        start_from=plan.start,
        pause_after=None if left is None else f"{max(1, int(left))}s",
        device=machine.device,
        threads=machine.threads,
        quiet=machine.quiet,
    )
    training.train(plan.recipe, overrides=plan.overrides, options=options)


def _read(job: Job, samples: Sequence[Sample], source: LineSource, machine: Machine) -> None:
    from amanuensis.evaluation import evaluate, write_results  # noqa: PLC0415 - needs ONNX Runtime
    from amanuensis.recognition import LineOptions, Recognizer  # noqa: PLC0415

    plain = LineOptions(method="best-path", language_model="none")
    recognizer = Recognizer.load(job.run / "best", threads=machine.threads or 1, options=plain)
    results = evaluate(recognizer, samples)
    outcomes = tuple(
        replace(outcome, words=(), characters=()) for outcome in results.outcomes
    )  # 6 times as long
    sets = "+".join(dict.fromkeys(sample.dataset for sample in samples))
    write_results(replace(results, outcomes=outcomes), source.new_file(f"{job.run.name}-{sets}"))


def datasets_of(sets: Sequence[str]) -> Mapping[str, Dataset]:
    """Data sets by their names.

    Raises:
        DataError: $AMANUENSIS_DATA is needed and not set, or a set cannot be read.
    """
    from amanuensis.data import read_dataset  # noqa: PLC0415

    found: dict[str, Dataset] = {}
    for one in sets:
        path = os.path.expandvars(set_path(one))
        if "$" in path:
            raise DataError(
                f"where is the data set {one!r}? Set AMANUENSIS_DATA, or give its path with a slash in it"
            )
        found[set_name(one)] = read_dataset(Path(path))
    return found


def samples_of(sets: Sequence[str], split: str) -> Mapping[str, Sequence[Sample]]:
    """The lines of a split by the names of their sets.

    Raises:
        DataError: see `datasets_of`, or a set has no such line.
    """
    found = {name: dataset.split(split) for name, dataset in datasets_of(sets).items()}
    if empty := [name for name, samples in found.items() if not samples]:
        raise DataError(f"{empty[0]}: no line is in the split {split!r}")
    return found

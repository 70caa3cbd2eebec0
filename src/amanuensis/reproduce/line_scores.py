"""From result files to what each training of a row read: found by what the files' headers say, scored line by line.

Files of one model and split may be several, of different lines (one a data set); two readings of one line are an error
and not a choice. A line that a model was not given counts as wrong where it was given others of that data set,
and tables say how many. Trainings of all seeds vote on what each of them has read: no model is needed for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from amanuensis.errors import DataError
from amanuensis.evaluation import Results, ScoredLine, free_path, read_results, score, vote_on
from amanuensis.evaluation.report import MISSING
from amanuensis.metrics import EditCounts
from amanuensis.records import Sample
from amanuensis.reproduce.line_systems import LineStudy
from amanuensis.reproduce.line_tables import LineReading
from amanuensis.reproduce.scored import result_files

Lines = tuple[ScoredLine, ...]

TRAIN_AND_VALID = ("train", "val")
"""What a correction's header calls the lexicon of the row +LBC."""

MEASURES: Mapping[str, Callable[[ScoredLine], EditCounts]] = {
    "CER": lambda line: line.scores.characters,
    "WER": lambda line: line.scores.words,
    "SER": lambda line: EditCounts(line.scores.wrong_lines, 1),
}
"""Error rates and their counts of one line."""


@dataclass(frozen=True, slots=True)
class Read:
    """What the trainings of a row read: of each its lines, all the same ones in the same order; and which seeds."""

    trainings: tuple[Lines, ...]
    seeds: tuple[int, ...]

    def counts(self, measure: str) -> list[list[EditCounts]]:
        """Of each training the counts of each line."""
        return [[MEASURES[measure](line) for line in lines] for lines in self.trainings]

    @property
    def num_not_read(self) -> int:
        """Lines that the result files of a training do not mention, and that count as wrong."""
        return len({line.sample.key for lines in self.trainings for line in lines if line.error == MISSING})

    @property
    def pages(self) -> list[str]:
        """The page of each line; one that has none is a page of its own."""
        samples = [line.sample for line in self.trainings[0]]
        return [f"{s.dataset}/page/{s.page}" if s.page else s.key for s in samples]


@dataclass(frozen=True)
class LineSource:
    """Where the figures of a table come from.

    Attributes:
        study: of the trainings.
        results: the folder of result files.
        samples: the lines that count, by data set.
        split: theirs.
        seeds: of the trainings that are shown.
    """

    study: LineStudy
    results: Path
    samples: Mapping[str, Sequence[Sample]]
    split: str
    seeds: tuple[int, ...]

    def read(self, reading: LineReading, sets: Sequence[str]) -> Read | None:
        """What a row's trainings read of some sets; None where none of them was run on all of these.

        Trainings that read together are one reader, of all the seeds, and of two at least.

        Raises:
            DataError: see `files`.
        """
        if reading.ensemble:
            lines = self._lines(reading, sets, self.seeds) if len(self.seeds) > 1 else None
            return None if lines is None else Read((lines,), self.seeds)
        found = {seed: self._lines(reading, sets, (seed,)) for seed in self.seeds}
        there = {seed: lines for seed, lines in found.items() if lines is not None}
        return Read(tuple(there.values()), tuple(there)) if there else None

    def _lines(self, reading: LineReading, sets: Sequence[str], seeds: Sequence[int]) -> Lines | None:
        """One reader's lines of some sets; of specialists each set is read by its own."""
        lines: list[ScoredLine] = []
        for one in sets:
            study = self.study.alone(self._given(one)) if reading.specialist else self.study
            models = tuple(study.name(reading.system, seed) for seed in seeds)
            of_set = self._lines_of_set(models, one, corrected=reading.corrected)
            if of_set is None:
                return None
            lines += of_set
        return tuple(lines)

    def _lines_of_set(self, models: tuple[str, ...], name: str, *, corrected: bool) -> Lines | None:
        """What models read together of a set: as a file has it, or by a vote on what each of them read."""
        key = "+".join(models), corrected, name
        if key not in self.scored and not corrected and len(models) > 1:
            alone = [self.files.get((model, False)) for model in models]
            there = [results for results in alone if results is not None]
            if len(there) == len(models):
                together = self._by_set(vote_on(there))
                self.scored.update({(key[0], False, one): lines for one, lines in together.items()})
        return self.scored.get(key)

    def _given(self, name: str) -> str:
        """A set as the study names it, perhaps by its path."""
        return next(one for one in self.study.sets if Path(one).name == name)

    def lacking(self, model: str, sets: Iterable[str], *, corrected: bool = False) -> list[Sample]:
        """The lines of some sets that a model has not read; a file may hold only some of a set's.

        Raises:
            DataError: see `files`.
        """
        found = self.files.get((model, corrected))
        read = set() if found is None else {outcome.id for outcome in found.outcomes}
        return [sample for name in sets for sample in self.samples.get(name, ()) if sample.key not in read]

    def new_file(self, name: str) -> Path:
        """Where results of that name go: what was read before is never written over."""
        return free_path(self.results / f"{name}-{self.split}.jsonl")

    @cached_property
    def files(self) -> Mapping[tuple[str, bool], Results]:
        """All that was read greedily of the split, by the model's name and by whether a lexicon corrected it.

        Raises:
            DataError: a file is no result file, or two hold one line of one model.
        """
        merged: dict[tuple[str, bool], Results] = {}
        for path in result_files(self.results):
            results = read_results(path)
            if results.split != self.split or not is_plain(results):
                continue
            key = results.model, results.correction is not None
            merged[key] = _united(merged.get(key), results, path)
        return merged

    @cached_property
    def scored(self) -> dict[tuple[str, bool, str], Lines]:
        """The scored lines by model, correction and data set; votes are added when they are asked for."""
        return {
            (*key, name): lines
            for key, results in self.files.items()
            for name, lines in self._by_set(results).items()
        }

    def _by_set(self, results: Results) -> dict[str, Lines]:
        """The scored lines of the sets that were read."""
        return {
            name: score(results, samples).lines
            for name, samples in self.samples.items()
            if samples and any(outcome.id in keys_of(samples) for outcome in results.outcomes)
        }


def keys_of(samples: Iterable[Sample]) -> set[str]:
    """Their keys."""
    return {sample.key for sample in samples}


def is_plain(results: Results) -> bool:
    """Whether lines were read by best path, as the headline of every table is.

    Those of several models must be a vote; a correction must be by the lexicon of train and valid lines alone.
    """
    correction, ensemble = results.correction, results.ensemble
    return (
        results.decoder.get("method") == "best-path"
        and (correction is None or correction.get("lexicon") == list(TRAIN_AND_VALID))
        and (correction is None or not correction.get("oracle"))
        and (ensemble is None or ensemble.get("combination") == "vote")
    )


def _united(before: Results | None, more: Results, path: Path) -> Results:
    if before is None:
        return more
    known = {outcome.id for outcome in before.outcomes}
    if twice := [outcome.id for outcome in more.outcomes if outcome.id in known]:
        raise DataError(
            f"{path}: {more.model} has read {twice[0]!r} in another file of the folder too; leave one of them"
        )
    return replace(
        before,
        datasets=(*before.datasets, *more.datasets),
        seconds={**before.seconds, **more.seconds},
        outcomes=(*before.outcomes, *more.outcomes),
    )

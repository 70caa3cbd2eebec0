"""The rows +LBC: the trainings of a system read together, and a lexicon corrects what they read.

Source: HTR-JAND, Table V (readings 2.11 and 2.27). *Our reading*: members are the trainings of all seeds, which vote
over strings; the lexicon holds the words of the train and valid lines and nothing else, with weights that were tuned on
other data. The file of such a reading says all that in its header, and is known by it. The rows +EL need no file: they
are a vote on what was read (`LineSource.read`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from amanuensis.errors import AmanuensisError
from amanuensis.reproduce.line_runs import Job, Machine, alone, datasets_of, is_trained
from amanuensis.reproduce.line_scores import TRAIN_AND_VALID, LineSource
from amanuensis.reproduce.line_tables import LineReading, LineRow

if TYPE_CHECKING:
    from amanuensis.correction import Correction
    from amanuensis.evaluation import Results
    from amanuensis.language import TextNormalization
    from amanuensis.recognition import LineEnsemble
    from amanuensis.records import Sample


@dataclass(frozen=True, slots=True)
class _Together:
    """A reading of a source by several trainings."""

    reading: LineReading
    source: LineSource

    @property
    def name(self) -> str:
        """Of its file."""
        study, seeds = self.source.study, self.source.seeds
        return f"{study.name(self.reading.system)}-vote-of-{'-'.join(map(str, seeds))}-lexicon"

    @property
    def jobs(self) -> list[Job]:
        """The members' trainings."""
        return [Job(self.source.study, self.reading.system, seed) for seed in self.source.seeds]

    @property
    def model(self) -> str:
        """What its results call it."""
        return "+".join(job.run.name for job in self.jobs)

    def recognizer(self, machine: Machine) -> LineEnsemble:
        """The ensemble, its members reading greedily."""
        from amanuensis.recognition import LineEnsemble, LineOptions, Member, Recognizer  # noqa: PLC0415

        plain = LineOptions(method="best-path", language_model="none")
        folders = [job.run / "best" for job in self.jobs]
        threads = machine.threads or 1
        return LineEnsemble([Member(Recognizer.load(one, threads=threads, options=plain)) for one in folders])

    def read(self, samples: Sequence[Sample], machine: Machine) -> Results:
        """What it reads of some lines, corrected."""
        from amanuensis.correction import CorrectingRecognizer  # noqa: PLC0415 - needs ONNX Runtime
        from amanuensis.evaluation import evaluate  # noqa: PLC0415

        ensemble = self.recognizer(machine)
        correcting = CorrectingRecognizer(ensemble, self._correction(ensemble.config.normalization))
        results = evaluate(correcting, samples)
        return replace(results, correction=correcting.to_dict(), ensemble=ensemble.to_dict())

    def _correction(self, spelt: TextNormalization) -> Correction:
        from amanuensis.correction import Correction, LexiconCorrector  # noqa: PLC0415
        from amanuensis.correction.loading import DEFAULT_THETA  # noqa: PLC0415
        from amanuensis.language.lexicon import Lexicon  # noqa: PLC0415

        sets = datasets_of(self.source.study.sets).values()
        texts = [
            spelt(s.text) for dataset in sets for split in ("train", "val") for s in dataset.split(split)
        ]
        facts = {"lexicon": list(TRAIN_AND_VALID)}
        return Correction("lexicon", LexiconCorrector(Lexicon.from_texts(texts)), DEFAULT_THETA, 0, facts)


def read_together(rows: Iterable[LineRow], source: LineSource, machine: Machine) -> list[str]:
    """Read what corrected rows of several trainings lack, once all of these are trained.

    Args:
        rows: of any tables; others are passed over.
        source: what is to be read, of which seeds, and where the results go.
        machine: how.

    Returns:
        A sentence for every reading that failed.
    """
    failures = []
    for reading in dict.fromkeys(row.reading for row in rows):
        together = _Together(reading, replace(source))  # as the folder is now
        if not reading.corrected or len(source.seeds) < 2:
            continue
        try:
            with alone(source.study.runs / together.name) as free:
                if free:
                    _do(together, machine)
                else:
                    machine.say(f"{together.name}: another process reads it; passed over")
        except (AmanuensisError, OSError) as error:
            failures.append(f"{together.name}: {error}")
    return failures


def _do(together: _Together, machine: Machine) -> None:
    """Read the lines that are lacking, if all members are trained."""
    from amanuensis.evaluation import write_results  # noqa: PLC0415 - needs ONNX Runtime

    source = together.source
    samples = source.lacking(together.model, source.samples, corrected=True)
    if samples and all(map(is_trained, together.jobs)):
        machine.say(f"{together.name}: reads {len(samples):,} {source.split} lines")
        write_results(together.read(samples, machine), source.new_file(together.name))

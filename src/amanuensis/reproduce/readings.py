"""How the rows of CATNet's tables read: a system that was trained, by one branch or all, with a language model or not.

Source: CATNet, section 4.4 (math.md 1.5): "Ours-1", "Ours-2", "Ours-E" and "Ours-1-LM" are one network. Reading is
`amanuensis evaluate`; the file of results that it leaves tells model, branch and language model, and so is known again.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from amanuensis.evaluation import Results
from amanuensis.reproduce.systems import FINAL, SYSTEMS, training_name

BEAM = 10  # WAP's and ABM's; the paper prints none
_DATA = "DATA"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a system reads.

    Attributes:
        system: of `SYSTEMS`.
        branch: as `evaluate --branch` takes it.
        language_model: whether one reads along.
    """

    system: str
    branch: int | str = 1
    language_model: bool = False

    def made(self, results: Results, scale: str, seed: int) -> bool:
        """Whether results are of this reading."""
        decoder = results.decoder
        return (
            results.model == training_name(self.system, scale, seed)
            and decoder.get("branch", 1) == self.branch
            and bool(decoder.get("language_weight", 0)) == self.language_model
        )


READINGS: Mapping[str, Reading] = {
    **{name: Reading(name) for name in SYSTEMS},
    "branch-2": Reading(FINAL, branch=2),
    "ensemble": Reading(FINAL, branch="all"),
    "language-model": Reading(FINAL, language_model=True),
}


def reading_commands(name: str, scale: str, *, seed: int, runs: Path, split: str) -> list[str]:
    """What a user types to read test formulas as a reading of `READINGS` does, once its system is trained.

    Args:
        name: of the reading.
        scale: of `SCALES`.
        seed: of the run.
        runs: the folder of all runs.
        split: as `evaluate --split` takes it.
    """
    reading = READINGS[name]
    run = runs / training_name(reading.system, scale, seed)
    model, lm = run / "best", runs / f"math-{scale}.lm"
    options = ["--beam", str(BEAM)]
    before: list[list[str]] = []
    if reading.branch != 1:
        model = run / "all-branches"
        before.append(["amanuensis", "export", str(run), "-o", str(model), "--all-branches"])
        options += ["--branch", str(reading.branch)]
    if reading.language_model:
        before.append(["amanuensis", "lm", "train", _DATA, "-o", str(lm)])
        before.append(["amanuensis", "lm", "tune", str(model), _DATA, "--lm", str(lm), "--limit", "200"])
        options += ["--lm", str(lm), "--lm-weight", "WEIGHT"]
    results = f"results/{run.name}.jsonl" if name == reading.system else f"results/{run.name}-{name}.jsonl"
    read = ["amanuensis", "evaluate", _DATA, "--split", split, "-m", str(model), *options]
    return [_typed(command) for command in (*before, [*read, "--results", results])]


def _typed(command: list[str]) -> str:
    """As a shell reads it, the data being where the recipes look for it."""
    return " ".join(
        '"$AMANUENSIS_DATA/math/crohme"' if part == _DATA else shlex.quote(part) for part in command
    )

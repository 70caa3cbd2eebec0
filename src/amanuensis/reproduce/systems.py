"""What CATNet's tables compare, as trainings: for every system the changes to one recipe, at three scales.

Source: CATNet, Tables 1-7 (math.md 1.7, readings C29-C32). A system differs from the final one (`math-paper`,
`math-small`) by what its row takes away or changes, and by nothing else: data, batches and updates are the recipe's,
so they are the same for all.

*Our reading* of Table 5, "all models use same training strategy except for the mutual learning methods": two networks
of one branch each have the final system's kernels and loss, and only who teaches differs; KD's teacher is the trained
baseline (C29). "One branch" is *our addition*: the same without any teaching.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from amanuensis.errors import RecipeError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a reproduction is.

    Attributes:
        recipe: of the final system.
        changes: to that recipe, for all systems.
        halved: whether pictures are read at half their size.
        max_tokens: only captions as long as that are trained on and scored; None: all.
        label: for people.
    """

    recipe: str
    changes: tuple[str, ...]
    halved: bool
    max_tokens: int | None
    label: str


SCALES: Mapping[str, Scale] = {
    "paper": Scale("math-paper", (), False, None, "the paper's networks and training"),
    "small": Scale(
        "math-small", (), True, None, "small networks at half resolution, our additions in training"
    ),
    "cpu": Scale(
        "math-small",
        (
            "training.epochs=5",
            "formula.phases=[{ epochs = 1, max_tokens = 10 }, { epochs = 4, max_tokens = 20 }]",
        ),
        True,
        20,
        "small networks at half resolution, our additions in training, a quarter of the updates, "
        "captions of up to 20 tokens only",
    ),
}


@dataclass(frozen=True, slots=True)
class System:
    """One trained network.

    Attributes:
        changes: to the recipe of the final system, as `--set` takes them.
        paper, small: further changes, made first: at the paper's size, or where pictures are halved.
        teacher: the system that must have been trained before.
    """

    changes: tuple[str, ...] = ()
    paper: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    teacher: str | None = None


_ONE = ("network.options.branches=1",)
_ONE_KERNEL = ("network.options.kernels=[11]",)
_NO_TEACHING = ("formula.mutual=0",)
_CE = ("formula.classification=ce",)
_BASELINE = (*_ONE, *_ONE_KERNEL, *_CE, *_NO_TEACHING)
_OWN_EMBEDDINGS = ("network.options.shared_embedding=false",)

# These encoders reduce sixteenfold whatever they are given: halved pictures would be too coarse for them.
_WHOLE_PICTURES = ("image.spec=full", "network.options.encoder_width=272")
_BTTR = ('network={ name = "bttr" }',)
_BTTR_SMALL = ('network={ name = "bttr-small" }',)


def _encoder(name: str) -> dict[str, System]:
    """The baseline and the final system with another encoder (C31)."""
    change = (f"network.options.encoder={name}",)
    return {
        name: System((*_BASELINE, *change), small=_WHOLE_PICTURES),
        f"{name}-dual": System(change, small=_WHOLE_PICTURES),
    }


FINAL = "catnet"

SYSTEMS: Mapping[str, System] = {
    "baseline": System(_BASELINE),
    "two-branches": System((*_OWN_EMBEDDINGS, *_ONE_KERNEL, *_CE, *_NO_TEACHING)),
    "kl": System((*_OWN_EMBEDDINGS, *_ONE_KERNEL, *_CE)),
    "focal": System((*_OWN_EMBEDDINGS, *_ONE_KERNEL)),
    "multi-scale": System(_OWN_EMBEDDINGS),
    FINAL: System(),
    **_encoder("mobilenet-v2"),
    **_encoder("xception"),
    **_encoder("resnet-18"),
    **_encoder("resnet-34"),
    "lstm": System((*_BASELINE, "network.options.cell=lstm")),
    "lstm-dual": System(("network.options.cell=lstm",)),
    "bttr": System((*_CE, *_NO_TEACHING), _BTTR, _BTTR_SMALL),
    "bttr-dual": System(("network.options.decoders=2",), _BTTR, _BTTR_SMALL),
    "one-branch": System((*_ONE, *_NO_TEACHING)),
    "kd": System((*_ONE, "formula.method=kd"), teacher="baseline"),
    "dml": System((*_ONE, "formula.method=dml")),
    "dml-l2": System((*_ONE, "formula.method=dml", "formula.l2_weight=1.0")),
    "kdcl": System((*_ONE, "formula.method=kdcl")),
    "two-encoders": System((*_ONE, "network.options.encoders=2")),
    "three-branches": System(("network.options.branches=3",)),
    "four-branches": System(("network.options.branches=4",)),
}


@dataclass(frozen=True, slots=True)
class Training:
    """A system's training at a scale: a recipe's name and the changes to it.

    Attributes:
        name: of the run and of the model that it leaves.
        recipe: its base.
        overrides: as `train --set` takes them.
        teacher: the model folder that it needs; None for most.
        start: the model that it starts from; None for most.
    """

    name: str
    recipe: str
    overrides: tuple[str, ...]
    teacher: Path | None
    start: str | None = None

    def command(self, runs: Path) -> str:
        """What a user types to do the same."""
        changes = [part for change in self.overrides for part in ("--set", change)]
        start = ["--from", self.start] if self.start else []
        return shlex.join(
            ["amanuensis", "train", self.recipe, *start, *changes, "--out", (runs / self.name).as_posix()]
        )


def training_of(system: str, scale: str, *, seed: int = 1, runs: Path = Path("runs")) -> Training:
    """How a system is trained.

    Args:
        system: of `SYSTEMS`.
        scale: of `SCALES`.
        seed: of the run; the recipes' is 1.
        runs: the folder of all runs, where a teacher is looked for.

    Raises:
        RecipeError: there is no such system or scale.
    """
    chosen, size = known(SYSTEMS, system, "system"), known(SCALES, scale, "scale")
    name = training_name(system, scale, seed)
    teacher = runs / training_name(chosen.teacher, scale, seed) / "best" if chosen.teacher else None
    overrides = [*size.changes, *(chosen.small if size.halved else chosen.paper), *chosen.changes]
    if seed != 1:
        overrides.append(f"seed={seed}")
    if teacher is not None:
        overrides.append(f"formula.teacher={teacher.as_posix()}")
    if name != size.recipe:
        overrides.append(f"card.name={name}")
    return Training(name, size.recipe, tuple(overrides), teacher)


def training_name(system: str, scale: str, seed: int = 1) -> str:
    """What a run and its model are called; the final system of a shipped recipe as the recipe."""
    parts = ["math", scale, *([system] if system != FINAL else []), *([f"seed{seed}"] if seed != 1 else [])]
    return "-".join(parts)


def known(table: Mapping[str, T], name: str, what: str) -> T:
    """What a table calls `name`.

    Raises:
        RecipeError: nothing is called so, with the nearest name and all that there are.
    """
    if name not in table:
        near = difflib.get_close_matches(name, table, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise RecipeError(f"no {what} is called {name!r}{hint} There are: {', '.join(table)}")
    return table[name]

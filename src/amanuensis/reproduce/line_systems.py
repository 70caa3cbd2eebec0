"""What HTR-JAND's tables compare, as trainings: a network and the methods that it is trained with, at two scales.

Source: HTR-JAND, Tables III, V and VII (text.md 1.9, readings 2.1, 2.7, 2.15 and 2.17). The paper's Table V goes from
the Student to the Teacher half-way and does not say so; here every training names its network. A baseline has the same
data, augmentation and number of updates as what is compared with it (2.17), however long its epochs are.

*Our reading*: one Teacher, trained without any of the methods and with seed 1, teaches the Students of all seeds (2.7);
the order of the methods in the clean ablation is that of 2.1, with balance (eq. 3), which it does not name, before MTL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from amanuensis.errors import RecipeError
from amanuensis.reproduce.systems import Training, known

Network = Literal["student", "teacher"]

_SYNTHETIC = '{ fonts = "$AMANUENSIS_DATA/fonts", texts = "train", style = "archive", share = 0.4 }'

METHODS: Mapping[str, tuple[str, ...]] = {
    "kd": (),  # its Teacher depends on the run
    "joint": (),  # its Teacher depends on the scale
    "cl": ("curriculum={}",),
    "synthetic": (f"synthetic={_SYNTHETIC}",),
    "balance": ("balance={}",),
    "mtl": ("multi_task={}",),
}
"""What a system may be trained with, in the order of its name, and what that changes in a recipe."""

TITLES: Mapping[str, str] = {
    "kd": "KD",
    "joint": "joint KD (Algorithm 4)",
    "cl": "CL",
    "synthetic": "synthetic",
    "balance": "balance",
    "mtl": "MTL",
}


@dataclass(frozen=True, slots=True)
class LineScale:
    """How large a reproduction is.

    Attributes:
        recipes: of the two networks, trained without any method.
        updates: of all trainings of a network.
        joint: the network that learns beside the Student in Algorithm 4, as TOML.
        sets: the data sets of those recipes.
        label: for people.
    """

    recipes: Mapping[Network, str]
    updates: Mapping[Network, int]
    joint: str
    sets: tuple[str, ...]
    label: str


LINE_SCALES: Mapping[str, LineScale] = {
    "cpu": LineScale(
        {"student": "histdb-student", "teacher": "teacher-histdb"},
        {"student": 6_000, "teacher": 7_200},
        '{ name = "htr-jand-teacher-cpu", options = { dropout = 0.2 } }',
        ("saintgall", "washington"),
        "networks with a quarter of the frames; 48,000 lines a Student, 57,600 a Teacher",
    ),
    "paper": LineScale(
        {"student": "paper-student", "teacher": "paper-teacher"},
        # 100 epochs of the 26,342 lines of the paper's union in batches of 16; it prints neither.
        {"student": 164_700, "teacher": 164_700},
        '{ name = "htr-jand-teacher" }',
        ("saintgall",),
        "the paper's networks; 2.6 million lines each",
    ),
}


@dataclass(frozen=True, slots=True)
class FewLines:
    """A training on a user's few lines.

    Attributes:
        lines: the first ones of the train split.
        start: the model that is tuned; None: from scratch.
        recipe: by which.
        updates: so many.
        changes: to the recipe, as `train --set` takes them.
    """

    lines: int
    start: str | None
    recipe: str
    updates: int
    changes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """In the names of runs; a start model that is given by its folder is called by all of its path."""
        start = (self.start or "scratch").strip("/").replace("/", "-")
        return f"{self.lines}-lines-from-{start}"

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.start} tuned by {self.recipe}" if self.start else "Student from scratch"


@dataclass(frozen=True, slots=True)
class LineSystem:
    """A network and how it is trained.

    Attributes:
        network: which one.
        methods: names of `METHODS`, in their order.
        fewer: what it is trained on and from, if not on all lines and from nothing.
    """

    network: Network
    methods: tuple[str, ...] = ()
    fewer: FewLines | None = None

    def __post_init__(self) -> None:
        assert self.methods == tuple(name for name in METHODS if name in self.methods), self.methods
        assert self.network == "student" or not {"kd", "joint"} & set(self.methods), "a Teacher is not taught"

    @property
    def title(self) -> str:
        """For people: "Student + KD + CL"."""
        first = self.network.capitalize() if self.fewer is None else self.fewer.title
        return " + ".join([first, *(TITLES[name] for name in self.methods)])


@dataclass(frozen=True, slots=True)
class LineStudy:
    """What holds for all trainings of a reproduction.

    Attributes:
        scale: of `LINE_SCALES`.
        sets: data sets: names of folders in $AMANUENSIS_DATA/text, or paths.
        runs: the folder of all runs, where Teachers are looked for.
        changes: to every recipe, as `train --set` takes them, made last.
    """

    scale: str
    sets: tuple[str, ...]
    runs: Path = Path("runs")
    changes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        scale: str,
        sets: tuple[str, ...] = (),
        *,
        runs: Path = Path("runs"),
        changes: tuple[str, ...] = (),
    ) -> LineStudy:
        """The study of a scale; without `sets` of the scale's own.

        Raises:
            RecipeError: there is no such scale, or two sets have one name.
        """
        chosen = sets or known(LINE_SCALES, scale, "scale").sets
        names = [set_name(one) for one in chosen]
        if len(set(names)) < len(names):
            raise RecipeError(f"two data sets have one name: {', '.join(names)}")
        return cls(scale, chosen, runs, changes)

    def name(self, system: LineSystem, seed: int = 1) -> str:
        """What a run and its model are called; those of shipped recipes as the recipe."""
        scale = known(LINE_SCALES, self.scale, "scale")
        first = scale.recipes[system.network] if system.fewer is None else system.fewer.name
        own_sets = self.sets == scale.sets and system.fewer is None
        on = [] if own_sets else ["on", *map(set_name, self.sets)]
        return "-".join([first, *system.methods, *on, *([f"seed{seed}"] if seed != 1 else [])])

    def alone(self, one: str) -> LineStudy:
        """The study of one set: its trainings are specialists (2.15)."""
        return LineStudy(self.scale, (one,), self.runs, self.changes)

    def teacher(self) -> LineSystem:
        """Who teaches the Students."""
        return LineSystem("teacher")

    def training(self, system: LineSystem, seed: int = 1) -> Training:
        """How a system is trained on the study's sets."""
        scale, few = known(LINE_SCALES, self.scale, "scale"), system.fewer
        name = self.name(system, seed)
        updates = scale.updates[system.network] if few is None else few.updates
        overrides = [f"training.updates={updates}", f"seed={seed}", f"card.name={name}"]
        if few is not None:
            overrides.append(f"data.max_lines={few.lines}")
        if self.sets != scale.sets or few is not None:
            overrides.append(f"data.paths={[set_path(one) for one in self.sets]}")
        for method in system.methods:
            overrides += METHODS[method]
        teacher = self.runs / self.name(self.teacher()) / "best" if "kd" in system.methods else None
        if teacher is not None:
            overrides.append(f"distillation.teacher={teacher.as_posix()}")
        if "joint" in system.methods:
            overrides.append(f"distillation.joint={scale.joint}")
        overrides += few.changes if few else ()
        recipe = scale.recipes[system.network] if few is None else few.recipe
        start = None if few is None else few.start
        return Training(name, recipe, (*overrides, *self.changes), teacher, start)


def set_name(one: str) -> str:
    """How a data set is called: the last part of its path."""
    return Path(one).name


def set_path(one: str) -> str:
    """Where a data set lies: as it is given, or by its name in $AMANUENSIS_DATA/text."""
    return one if "/" in one else f"$AMANUENSIS_DATA/text/{one}"

"""Recipes: a complete training run as TOML, read strictly.

An unknown key is an error with the nearest known name; all problems are reported at once (a misspelt key that
trains with the default is the first silent failure of this field).
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from amanuensis.errors import RecipeError


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Share = Annotated[float, Field(ge=0, le=1)]
_Positive = Annotated[float, Field(gt=0)]


class NetworkSection(_Section):
    """`[network]`: a name of `amanuensis.models.NETWORKS` and changed fields of its configuration."""

    name: str
    options: dict[str, Any] = {}


class ImageSection(_Section):
    """`[image]`: a name of `amanuensis.images.IMAGE_SPECS`, or for formulas of `FORMULA_SPECS`."""

    spec: str = "cpu"


class TextSection(_Section):
    """`[text]`: normalization, and the train count below which a character is left out of the alphabet (D6)."""

    form: Literal["NFC", "NFD", "NFKC", "NFKD"] = "NFC"
    min_count: int = Field(default=1, ge=1)


class DataSection(_Section):
    """`[data]`: where the lines lie and which of them train and validate. Test splits cannot be named.

    Attributes:
        paths: folders or files of any layout; `$NAME` and `*` are expanded.
        exclude: names of data sets that are left out; one that none has is told.
        validation_share: of the train lines, taken by page for sets that have no val split.
        max_lines: train on the first lines only (overfitting checks, studies of data size).
        validate_on_train: measure on the training lines (overfitting checks only).
        folds, held_out: leave out one of so many parts of the train pages, for predictions of lines that were not
            learned (`amanuensis correction pairs`).
    """

    paths: list[str]
    exclude: list[str] = []
    validation_share: float = Field(default=0.1, ge=0, lt=1)
    max_lines: int | None = Field(default=None, ge=1)
    validate_on_train: bool = False
    folds: int | None = Field(default=None, ge=2)
    held_out: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _has_the_fold(self) -> DataSection:
        """A part that is not there would leave nothing out."""
        if self.held_out and self.folds is None:
            raise ValueError(f"held_out = {self.held_out} needs folds: of how many parts it is one")
        if self.folds is not None and self.held_out >= self.folds:
            raise ValueError(
                f"held_out = {self.held_out}, but the {self.folds} folds are 0 to {self.folds - 1}"
            )
        return self


class SyntheticSection(_Section):
    """`[synthetic]`: rendered lines beside the real ones.

    Attributes:
        fonts: a folder of handwriting fonts; `$NAME` is expanded, here and in `corpora`.
        share: of the union of real and synthetic lines (Algorithm 2: exactly r); with a curriculum r_max of eq. 33.
        texts: where their texts come from: the corpora, if it is not given; "train": the run's own train lines; "both".
        corpora: language -> text file.
        style: of `amanuensis.data.styles`, or several with their weights; "plain" if it is not given.
    """

    fonts: str
    share: float = Field(gt=0, lt=1)
    texts: Literal["train", "both"] | None = None
    corpora: dict[str, str] = {}
    style: str | dict[str, float] | None = None

    @model_validator(mode="after")
    def _has_texts(self) -> SyntheticSection:
        if self.texts == "train" and self.corpora:
            raise ValueError("texts = 'train' reads no corpora: leave them out, or write 'both'")
        if self.texts != "train" and not self.corpora:
            raise ValueError("there is nothing to write: name corpora, or write texts = 'train'")
        return self


class AugmentationSection(_Section):
    """`[augmentation]`: a name of `amanuensis.images.AUGMENTATIONS`."""

    preset: str = "none"


class ObjectiveSection(_Section):
    """`[objective]`: CTC and auxiliary CTC (eq. 19 with gamma = beta = 0).

    Attributes:
        auxiliary_weight: delta; the main head has 1 - delta.
        auxiliary_start: extra start of delta, outside the sum of eq. 19, falling linearly (our addition, spec 3.6) ...
        auxiliary_warmup: ... over this share of all steps.
    """

    auxiliary_weight: float = Field(default=0.1, ge=0, le=1)
    auxiliary_start: float = Field(default=1.0, ge=0)
    auxiliary_warmup: float = Field(default=0.3, ge=0, le=1)


class DistillationSection(_Section):
    """`[distillation]`: a Student learns from a Teacher too (eq. 19 with all four terms); `training.distillation`.

    Attributes:
        teacher: a trained model's folder, name or hub id; `$NAME` is expanded. It never changes.
        joint: in its place, the network of a Teacher that learns beside, from scratch (Algorithm 4 literally).
        temperature: tau.
        alpha, gamma: weights of CTC and of distillation, at the beginning and at the end; linear between, by stage in a
            curriculum. delta is `objective.auxiliary_weight`, and beta, of the cross-entropy on a forced alignment,
            what is left of 1: with the paper's numbers nothing.
        skip_blank: frames whose blank the Teacher holds more probable than this do not teach (2.6 names 0.99).
        transcripts: learn what the Teacher reads in place of the transcriptions (sequence-level distillation, 2.6).
        align_by: whose logits the alignment is found with, "teacher" or "student".
        align_blanks: whether frames aligned with the blank count.
        remember_mb: the Teacher's answers that may be kept in memory; only where lines look the same in every epoch,
            that is without augmentation, synthetic lines and a curriculum.
    """

    teacher: str | None = None
    joint: NetworkSection | None = None
    temperature: float = Field(default=2.0, gt=0)
    alpha: tuple[_Positive, _Positive] = (0.7, 0.4)
    gamma: tuple[_Share, _Share] = (0.2, 0.5)
    skip_blank: float | None = Field(default=None, gt=0, lt=1)
    transcripts: bool = False
    align_by: Literal["teacher", "student"] = "teacher"
    align_blanks: bool = True
    remember_mb: int = Field(default=512, ge=0)

    @model_validator(mode="after")
    def _has_one_teacher(self) -> DistillationSection:
        if (self.teacher is None) == (self.joint is None):
            raise ValueError(
                "name either a teacher, a trained model, or with joint a network that learns beside"
            )
        return self


class CurriculumSection(_Section):
    """`[curriculum]`: five stages (2.23), each left when it is mastered or its time is over (Algorithm 3).

    Attributes:
        threshold: the first stage is mastered when 1 - CER on validation is above it; ...
        threshold_step: ... every later one asks so much more.
        short: stage 1 keeps to real lines no longer than this quantile of their lengths.
        augmentations: presets of stages 1 to 4; stage 5 has that of `[augmentation]`.
        start_share: r_0 of eq. 33; r_max is `synthetic.share`.
        synthetic: "staged": no synthetic lines in stages 1 and 2, then eq. 33; "literal": eq. 33 from epoch 0;
            "performance": as staged, but raised only when validation has improved (2.24).
    """

    threshold: float = Field(default=0.5, ge=0, le=1)
    threshold_step: float = Field(default=0.1, ge=0)
    short: float = Field(default=0.25, gt=0, le=1)
    augmentations: tuple[str, str, str, str] = ("none", "none", "none", "paper")
    start_share: float = Field(default=0.1, ge=0, lt=1)
    synthetic: Literal["staged", "literal", "performance"] = "staged"


class BalanceSection(_Section):
    """`[balance]`: real lines are drawn with replacement, those with rare characters more often (eq. 3, P9).

    Attributes:
        max_weight: of a character.
        epsilon: of eq. 3, added to a character's count.
    """

    max_weight: float = Field(default=10.0, ge=1)
    epsilon: float = Field(default=1.0, ge=0)


class MultiTaskSection(_Section):
    """`[multi_task]`: each data set's loss weighs by its last validation CER (eq. 36, 2.15); synthetic lines weigh 1.

    Attributes:
        clip: the smallest and the largest weight; their mean, before they are clipped, is 1.
    """

    clip: tuple[_Positive, _Positive] = (0.5, 2.0)


class OptimizerSection(_Section):
    """`[optimizer]`: AdamW, CATNet's Adadelta with its `rho` and `eps`, or Muon (our addition)."""

    name: Literal["adamw", "adadelta", "muon"] = "adamw"
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    betas: tuple[float, float] = (0.9, 0.99)
    rho: float = Field(default=0.95, gt=0, lt=1)
    eps: float = Field(default=1e-6, gt=0)


class ScheduleSection(_Section):
    """`[schedule]`: a name of `amanuensis.training.schedules.SCHEDULES`, and CATNet's halving.

    Attributes:
        warmup: a share of all steps.
        halve_after: validations without a smaller error, after which the rate is halved (CATNet: 15); it takes the
            place of early stopping.
        max_halvings: one more ends the training (CATNet: 10).
    """

    name: str = "one-cycle"
    warmup: float = Field(default=0.1, ge=0, lt=1)
    halve_after: int | None = Field(default=None, ge=1)
    max_halvings: int = Field(default=10, ge=1)


class TrainingSection(_Section):
    """`[training]`: how long, in what batches, and when to stop, save and measure.

    Attributes:
        epochs: passes over the real train lines; `--budget` replaces them by a time.
        updates: so many in all, in place of those that the epochs have: for comparisons, as synthetic lines make
            epochs longer. A curriculum's stages go by the epochs or by the updates, whichever are over first.
        batch_size: lines whose gradients are computed together.
        accumulate: batches whose gradients make one update.
        clip_norm: largest gradient norm.
        patience, min_improvement: early stopping on the validation loss (R5: 10 epochs, 0.001), where the error does
            not improve either.
        checkpoint_every: updates between two states to resume from (one is also saved at the beginning and with every
            validation).
        workers: processes that prepare images.
        precision: of the forward pass's products while training; weights and reading stay float32. "bf16" trains half
            as fast again on CPUs with AVX512-BF16 and on GPUs (docs/experiments.md), and is emulated elsewhere.
    """

    epochs: int = Field(ge=1)
    updates: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=16, ge=1)
    accumulate: int = Field(default=1, ge=1)
    clip_norm: float = Field(default=5.0, gt=0)
    patience: int = Field(default=10, ge=1)
    min_improvement: float = Field(default=0.001, ge=0)
    validate_every: int = Field(default=1, ge=1)
    checkpoint_every: int = Field(default=200, ge=1)
    workers: int = Field(default=1, ge=0)
    precision: Literal["fp32", "bf16"] = "fp32"


class Phase(_Section):
    """Some epochs on short captions only: spec 3.3 (our addition)."""

    epochs: int = Field(ge=1)
    max_tokens: int = Field(ge=1)


class FormulaSection(_Section):
    """`[formula]`: what trainings of formula networks have beside the rest (CATNet).

    Attributes:
        classification: "dfl", the dual focal loss (eq. 9), or "ce" (eq. 8).
        method: who teaches. "mutual", as when it is not given: the network's branches teach each other (eq. 13). The
            others are those of Table 5: "kd", a trained model; "dml" and "kdcl", a second network that learns beside.
        mutual: weight of the KL, whoever teaches, in the profile's own units (C13); 0 leaves it out.
        profile: "paper" (sums over steps, alpha 5000) or "per_token" (C13).
        temperature: of the softened probabilities (eq. 11).
        teacher: of "kd": a model's folder, name or hub id; `$NAME` is expanded.
        l2_weight: of "dml": how much the two encoders' maps are drawn to each other.
        detach, direction: of "mutual": whether a peer is a constant to its learner, and then whose distribution comes
            first in the KL, "literal" (the learner's, eq. 12) or "peer_first" (C11).
        distort: how much the ink is varied, 0 to 1 (our addition); bitmaps cannot be.
        exchange: share of the formulas of an epoch in which symbols are exchanged for others of their kind, as letters
            and digits are, from other hands (our addition); it needs ink that says which strokes make which symbol, as
            CROHME's.
        excerpts: share of the formulas of an epoch of which a part is shown in place of the whole: a numerator, one
            side of an equation (our addition); it needs such ink too.
        guidance: how much attention is shown where symbols stand at the beginning (our addition); it needs
            ink that says so, as CROHME's, and falls to 0 ...
        guidance_until: ... at this share of all steps.
        phases: short captions first.
        validate_on: at most so many validation samples are read while training, the same ones each time.
    """

    classification: Literal["ce", "dfl"] = "dfl"
    method: Literal["mutual", "kd", "dml", "kdcl"] | None = None
    mutual: float = Field(default=0.5, ge=0)
    profile: Literal["paper", "per_token"] = "per_token"
    temperature: float = Field(default=4.0, gt=0)
    teacher: str | None = None
    l2_weight: float | None = Field(default=None, gt=0)
    detach: bool | None = None
    direction: Literal["literal", "peer_first"] | None = None
    distort: float = Field(default=0.0, ge=0, le=1)
    exchange: float = Field(default=0.0, ge=0, le=1)
    excerpts: float = Field(default=0.0, ge=0, le=1)
    guidance: float | None = Field(default=None, gt=0)
    guidance_until: float = Field(default=0.7, gt=0, le=1)
    phases: list[Phase] = []
    validate_on: int = Field(default=200, ge=1)

    @model_validator(mode="after")
    def _keys_fit_the_method(self) -> FormulaSection:
        """A key that the method does not read would change nothing: that must not go unsaid."""
        method = self.method or "mutual"
        for key, of in (
            ("teacher", "kd"),
            ("l2_weight", "dml"),
            ("detach", "mutual"),
            ("direction", "mutual"),
        ):
            if getattr(self, key) is not None and method != of:
                raise ValueError(f"{key} is read by the method {of!r} alone; this one is {method!r}")
        if method == "kd" and not self.teacher:
            raise ValueError("the method 'kd' needs a teacher: a model's folder or name")
        if method != "mutual" and self.mutual == 0:
            raise ValueError(f"with mutual = 0 the method {method!r} would teach nothing; give it a weight")
        if self.direction is not None and not self.detach:
            raise ValueError("without detach = true both directions are the same loss; leave direction out")
        return self

    @property
    def trains_two(self) -> bool:
        """Whether a second complete network learns beside the one that is kept."""
        return self.method in ("dml", "kdcl")


class FineTuningSection(_Section):
    """`[fine_tuning]`: for runs that start from a model.

    Attributes:
        freeze: parts of the network that keep their weights, e.g. ["blocks"] for the CNN.
        freeze_share: of all steps, after which they train too.
    """

    freeze: list[str] = []
    freeze_share: float = Field(default=1.0, ge=0, le=1)


class DataCredit(_Section):
    """A data set as the model card names it."""

    name: str
    licence: str


class CardSection(_Section):
    """`[card]`: what the model's card and `models list` say."""

    name: str = ""
    description: str = ""
    languages: list[str] = []
    licence: str = ""
    data: list[DataCredit] = []


class Recipe(_Section):
    """A complete run. See the recipes shipped in `amanuensis/recipes/` for examples.

    A recipe without `[network]` needs `--from MODEL`. A run that starts from a model takes its network, image spec
    and text normalization from it, whatever the recipe says.
    """

    description: str
    task: Literal["text", "math"] = "text"
    seed: int = 1
    network: NetworkSection | None = None
    image: ImageSection = ImageSection()
    text: TextSection = TextSection()
    data: DataSection
    synthetic: SyntheticSection | None = None
    augmentation: AugmentationSection = AugmentationSection()
    objective: ObjectiveSection = ObjectiveSection()
    distillation: DistillationSection | None = None
    curriculum: CurriculumSection | None = None
    balance: BalanceSection | None = None
    multi_task: MultiTaskSection | None = None
    formula: FormulaSection = FormulaSection()
    optimizer: OptimizerSection = OptimizerSection()
    schedule: ScheduleSection = ScheduleSection()
    training: TrainingSection
    fine_tuning: FineTuningSection | None = None
    card: CardSection = CardSection()

    @model_validator(mode="after")
    def _sections_fit_the_task(self) -> Recipe:
        """A section that the task does not read would change nothing: that must not go unsaid."""
        lines = ["objective", "text", "synthetic", "augmentation"]
        lines += ["distillation", "curriculum", "balance", "multi_task"]
        unread = {"text": ["formula"], "math": lines}[self.task]
        if given := [name for name in unread if name in self.model_fields_set]:
            raise ValueError(f"a recipe of the task {self.task!r} does not read [{given[0]}]")
        return self

    @model_validator(mode="after")
    def _weights_leave_no_debt(self) -> Recipe:
        """The four weights of eq. 19 sum to 1, so beta, what the other three leave, must not be negative."""
        if self.distillation is None:
            return self
        delta = self.objective.auxiliary_weight
        for alpha, gamma in zip(self.distillation.alpha, self.distillation.gamma, strict=True):
            if alpha + gamma + delta > 1 + 1e-9:
                raise ValueError(
                    f"distillation: alpha {alpha} + gamma {gamma} + objective.auxiliary_weight {delta} is over 1"
                )
        return self

    @model_validator(mode="after")
    def _shares_rise(self) -> Recipe:
        """Eq. 33 goes up from r_0 to r_max."""
        if self.curriculum and self.synthetic and self.curriculum.start_share > self.synthetic.share:
            raise ValueError(
                f"curriculum.start_share {self.curriculum.start_share} is over synthetic.share "
                f"{self.synthetic.share}, to which it rises"
            )
        return self


def shipped_recipes() -> dict[str, str]:
    """Name -> description of every recipe in the package."""
    return {name: _parse(text, name)["description"] for name, text in _shipped_texts().items()}


def _shipped_texts() -> dict[str, str]:
    folder = resources.files("amanuensis") / "recipes"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name.removesuffix(".toml"): f.read_text(encoding="utf-8") for f in files}


def load_recipe(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe by shipped name or path and apply `section.key=value` overrides (values as in TOML).

    Raises:
        RecipeError: no such recipe, broken TOML, or every key and value that is wrong.
    """
    raw = _raw_recipe(name_or_path)
    for override in overrides:
        _apply(raw, override)
    return validate_recipe(raw, str(name_or_path))


def validate_recipe(raw: dict[str, Any], name: str) -> Recipe:
    """A recipe from its parsed TOML.

    Raises:
        RecipeError: listing all problems, unknown keys with the nearest known name.
    """
    try:
        return Recipe.model_validate(raw)
    except ValidationError as error:
        problems = [_explain(problem) for problem in error.errors()]
        raise RecipeError(f"recipe {name}: " + "; ".join(problems)) from None


def _raw_recipe(name_or_path: str | Path) -> dict[str, Any]:
    path = Path(name_or_path)
    if path.suffix == ".toml" or path.is_file():
        try:
            return _parse(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"recipe {path}: cannot be read: {error}") from None
    shipped = _shipped_texts()
    if str(name_or_path) not in shipped:
        near = difflib.get_close_matches(str(name_or_path), shipped, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise RecipeError(f"no recipe is called {str(name_or_path)!r}{hint} There are: {', '.join(shipped)}")
    return _parse(shipped[str(name_or_path)], str(name_or_path))


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"recipe {name}: not valid TOML: {error}") from None


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"--set {override!r}: write it as section.key=value")
    *sections, last = key.strip().split(".")
    target = raw
    for section in sections:
        target = target.setdefault(section, {})
        if not isinstance(target, dict):
            raise RecipeError(f"--set {override!r}: {section} is a value, not a section")
    target[last] = _toml_value(value.strip())


def _toml_value(text: str) -> Any:
    """A TOML value; a bare word is a string, so that `--set network.name=htr-jand-student` needs no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explain(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "value_error":  # a validator of ours: its message says all there is to say
        return ": ".join(filter(None, [where, str(problem["ctx"]["error"])]))
    if problem["type"] != "extra_forbidden":
        return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]} (got {problem['input']!r})"
    known = _known_keys(problem["loc"][:-1])
    near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return f"{where}: unknown key; {hint}"


def _known_keys(location: tuple[Any, ...]) -> list[str]:
    model: Any = Recipe
    for part in location:
        if not isinstance(part, str):
            continue
        annotation = model.model_fields[part].annotation
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        model = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return list(model.model_fields)


def expand(path: str) -> str:
    """A path with `$NAME` and `~` replaced.

    Raises:
        RecipeError: an environment variable is not set.
    """
    for name in re.findall(r"\$\{?(\w+)\}?", path):
        if name not in os.environ:
            raise RecipeError(
                f"{path}: the environment variable {name} is not set; set it to the folder of the data"
            )
    return os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111 - one call beside expandvars


def to_toml_dict(recipe: Recipe) -> dict[str, Any]:
    """The complete recipe, defaults included, as plain values."""
    return recipe.model_dump(mode="json", exclude_none=True)

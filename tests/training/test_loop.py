"""The loop on a network of a dozen parameters: what an update is, when it is refused, when training ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from amanuensis.data import read_dataset
from amanuensis.errors import TrainingError
from amanuensis.images import AUGMENTATIONS, IMAGE_SPECS
from amanuensis.language import TextNormalization, Vocab
from amanuensis.models import LineOutput
from amanuensis.training.curriculum import Course, Promotion, five_stages
from amanuensis.training.distributed import World
from amanuensis.training.lines import TrainingLines
from amanuensis.training.loop import MAX_SKIPPED_IN_A_ROW, Fit, FitSettings
from amanuensis.training.objectives import CtcObjective
from amanuensis.training.optimizers import OptimizerSettings, make_optimizer
from amanuensis.training.schedules import SCHEDULES
from amanuensis.training.state import Progress, load_state, save_state
from amanuensis.training.validation import Validation

SETTINGS = FitSettings(
    seed=1,
    learning_rate=0.1,
    schedule=SCHEDULES["constant"],
    warmup=0.0,
    batch_size=1,
    accumulate=1,
    clip_norm=5.0,
    patience=2,
    min_improvement=0.001,
    halve_after=None,
    max_halvings=10,
    validate_every=1,
    checkpoint_every=100,
    workers=0,
)


class Linear(nn.Module):
    """Columns to logits, nothing else: no batch statistics, so lines do not see each other."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.blocks = nn.Identity()
        self.head = nn.Linear(64, num_classes)

    def forward(self, images: torch.Tensor, widths: torch.Tensor) -> LineOutput:
        return LineOutput(self.head(images[:, 0].transpose(1, 2)), widths, None, None)


class Told:
    """A recorder that remembers."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self.refused: list[Sequence[str]] = []
        self.best: list[bool] = []

    def step(self, progress: Progress, values: dict[str, float]) -> None:
        self.steps.append(values)

    def validation(self, progress: Progress, result: Validation, *, best: bool) -> None:
        self.best.append(best)

    def skipped(self, progress: Progress, keys: Sequence[str]) -> None:
        self.refused.append(keys)

    def checkpoint(self, progress: Progress) -> None:
        pass


def _optimizer(network: nn.Module, settings: FitSettings, name: str = "adamw") -> torch.optim.Optimizer:
    of_optimizer = OptimizerSettings(name=name, learning_rate=settings.learning_rate, weight_decay=0.0)
    return make_optimizer(network, of_optimizer, freeze=settings.freeze)


def _fit(
    folder: Path,
    settings: FitSettings,
    *,
    steps: int,
    losses: Sequence[float] = (1.0,),
    errors: Sequence[float] | None = None,
) -> Fit:
    """A run whose validations say these losses and error rates; by default they are the same numbers."""
    torch.manual_seed(0)
    samples = read_dataset(folder).split("train")[:4]
    vocab = Vocab.from_texts(s.text for s in samples)
    network = Linear(vocab.num_classes)
    lines = TrainingLines(samples, [1] * 4, IMAGE_SPECS["cpu"], AUGMENTATIONS["none"], 1)
    told = iter(zip(losses, errors or losses, strict=True))

    def validate() -> Validation:
        loss, cer = next(told)
        return Validation(
            loss, "CER", cer, {"n": 1, "cer": cer, "sets": {"drawn": {"n": 1, "cer": cer}}}, ("", ""), 0.0
        )

    return Fit(
        network,
        _optimizer(network, settings),
        CtcObjective(vocab, TextNormalization()),
        lines,
        validate,
        settings,
        Progress(total_steps=steps),
        Told(),
        torch.device("cpu"),
        World(),
    )


def test_one_batch_of_four_is_four_accumulated_batches_of_one(lines: Path) -> None:
    whole = _fit(lines, replace(SETTINGS, batch_size=4), steps=1)
    parts = _fit(lines, replace(SETTINGS, accumulate=4), steps=1)
    whole()
    parts()
    assert torch.allclose(whole.network.head.weight, parts.network.head.weight, atol=1e-6)
    assert parts.progress.step == whole.progress.step == 1
    one, other = whole.recorder.steps[0], parts.recorder.steps[0]
    assert one["ctc"] == pytest.approx(other["ctc"], rel=1e-5)
    assert one["gradient_norm"] == pytest.approx(other["gradient_norm"], rel=1e-4)


def test_the_loss_falls(lines: Path) -> None:
    fit = _fit(
        lines,
        replace(SETTINGS, batch_size=4, learning_rate=0.02),
        steps=30,
        losses=[1.0 / (i + 1) for i in range(30)],
    )
    fit()
    assert fit.recorder.steps[-1]["ctc"] < 0.7 * fit.recorder.steps[0]["ctc"]


def test_a_gradient_that_is_not_finite_is_refused_counted_and_named(lines: Path) -> None:
    fit = _fit(lines, replace(SETTINGS, batch_size=4), steps=2, losses=[1.0, 1.0])
    fit.network.head.weight.register_hook(_once_nan())
    start = fit.network.head.weight.detach().clone()
    fit()
    assert fit.progress.skipped == 1
    assert len(fit.recorder.refused[0]) == 4
    assert fit.network.head.weight.isfinite().all()
    assert not torch.equal(fit.network.head.weight, start)


def _once_nan():
    calls = 0

    def hook(gradient: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return gradient * float("nan") if calls == 1 else gradient

    return hook


def test_endless_refusals_end_the_run_with_an_error(lines: Path) -> None:
    fit = _fit(lines, replace(SETTINGS, batch_size=4, validate_every=10**6), steps=100)
    with torch.no_grad():
        fit.network.head.weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match="learning_rate"):
        fit()
    assert fit.progress.skipped == MAX_SKIPPED_IN_A_ROW


def test_early_stopping_counts_validations_without_improvement(lines: Path) -> None:
    losses = [1.0, 0.5, 0.4999, 0.4995, 0.3]
    fit = _fit(lines, replace(SETTINGS, batch_size=4), steps=50, losses=losses, errors=[0.4] * 5)
    fit()
    assert fit.progress.epoch == 4  # 0.4999 and 0.4995 improve by less than 0.001
    assert "not improved for 2 times" in fit.progress.stopped
    assert fit.progress.best_loss == 0.5


def test_a_run_that_reads_better_and_better_goes_on_whatever_the_loss_says(lines: Path) -> None:
    errors = [0.5, 0.4, 0.4, 0.3, 0.3, 0.3, 0.2]
    fit = _fit(lines, replace(SETTINGS, batch_size=4), steps=50, losses=[1.0] * 7, errors=errors)
    fit()
    assert fit.progress.epoch == 6  # patience of 2 since 0.3; the smallest error was not to come yet
    assert fit.progress.best_error == 0.3


def test_improvements_that_are_small_alone_count_together(lines: Path) -> None:
    steadily = [0.2 - 0.0009 * epoch for epoch in range(8)]
    fit = _fit(lines, replace(SETTINGS, batch_size=4), steps=8, losses=steadily)
    fit()
    assert (fit.progress.epoch, fit.progress.stopped) == (8, "")


def test_no_state_is_kept_between_the_last_update_and_its_validation(lines: Path) -> None:
    """A run that was cut off there would be at its end, its last weights neither measured nor kept."""
    kept: list[int] = []

    class Keeping(Told):
        def checkpoint(self, progress: Progress) -> None:
            kept.append(progress.step)

    fit = _fit(lines, replace(SETTINGS, batch_size=4, checkpoint_every=1), steps=3, losses=[1.0, 0.9, 0.8])
    fit.recorder = Keeping()
    fit()
    assert kept == [1, 2]
    assert len(fit.recorder.best) == 3


def _course() -> Course:
    stages = five_stages(0.5, [AUGMENTATIONS["none"]] * 5)
    return Course(stages, promotion=Promotion(epochs=1000), sets=["drawn", "other"])


def test_early_stopping_waits_for_the_last_stage_and_begins_anew_there(lines: Path) -> None:
    losses = (
        [0.9] * 4 + [0.4, 0.3, 0.2, 0.1] + [0.5] * 3
    )  # error and loss; stages ask for less than 0.5, 0.4, 0.3, 0.2
    fit = _fit(lines, replace(SETTINGS, batch_size=4), steps=100, losses=losses)
    fit.source = replace(fit.source, course=_course())
    fit.__post_init__()
    fit()
    assert fit.progress.epoch == 10  # four in stage 1, stages 2, 3, 4, then the patience of 2 in stage 5
    assert fit.progress.course is not None
    assert (fit.progress.course.stage, fit.progress.course.began) == (5, 8)
    assert [step["stage"] for step in fit.recorder.steps] == [1] * 5 + [2, 3, 4] + [5] * 2
    assert [step["lines"] for step in fit.recorder.steps] == [3] * 5 + [4] * 5  # short lines first
    assert fit.recorder.steps[-1]["weight of drawn"] == 1.0


def test_a_course_goes_on_where_the_state_left_it(lines: Path, tmp_path: Path) -> None:
    errors = [0.45, 0.35, 0.25, 0.15, 0.1, 0.1]
    straight = _fit(lines, replace(SETTINGS, batch_size=4), steps=30, losses=errors)
    straight.source = replace(straight.source, course=_course())
    straight.settings = replace(straight.settings, patience=1)
    straight.__post_init__()

    class Saving(Told):
        def validation(self, progress: Progress, result: Validation, *, best: bool) -> None:
            if progress.step == 2:
                save_state(tmp_path / "state", straight.network, straight.optimizer, progress)

    straight.recorder = Saving()
    straight()
    resumed = _fit(lines, straight.settings, steps=30, losses=errors[2:])
    resumed.progress = load_state(tmp_path / "state", resumed.network, resumed.optimizer)
    assert resumed.progress.course is not None
    assert (resumed.progress.course.stage, resumed.progress.course.threshold) == (3, pytest.approx(0.7))
    resumed.source = replace(resumed.source, course=_course())
    resumed.__post_init__()
    resumed()
    assert replace(resumed.progress, seconds=0) == replace(straight.progress, seconds=0)
    assert torch.equal(resumed.network.head.weight, straight.network.head.weight)


def test_frozen_parts_keep_their_weights_until_their_share_is_over(lines: Path) -> None:
    frozen = _fit(
        lines, replace(SETTINGS, batch_size=4, freeze=("head",), patience=99), steps=3, losses=[1.0] * 3
    )
    before = frozen.network.head.weight.detach().clone()
    frozen()
    assert torch.equal(frozen.network.head.weight, before)
    thawed = _fit(
        lines,
        replace(SETTINGS, batch_size=4, freeze=("head",), freeze_share=0.5, patience=99),
        steps=3,
        losses=[1.0] * 3,
    )
    thawed()
    assert not torch.equal(thawed.network.head.weight, before)


def test_biases_do_not_decay(lines: Path) -> None:
    fit = _fit(lines, SETTINGS, steps=1)
    settings = OptimizerSettings(name="adamw", learning_rate=0.1, weight_decay=0.1)
    optimizer = make_optimizer(fit.network, settings)
    decays = {p.dim(): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert decays == {1: 0.0, 2: 0.1}


def test_a_stale_error_halves_the_rate_until_it_was_halved_enough(lines: Path) -> None:
    """CATNet's schedule: spec C23; the loss, however good, does not count."""
    errors = [0.5, 0.6, 0.6, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]
    fit = _fit(
        lines,
        replace(SETTINGS, batch_size=4, halve_after=2, max_halvings=2, patience=1),
        steps=100,
        losses=errors,
    )
    fit()
    rates = [step["learning_rate"] for step in fit.recorder.steps]
    assert rates == pytest.approx([0.1] * 3 + [0.05] * 3 + [0.025] * 2 + [0.0125] * 0)
    assert fit.progress.halvings == 3
    assert "halved 2 times" in fit.progress.stopped


@pytest.mark.parametrize("name", ["adamw", "adadelta", "muon"])
def test_optimizers_learn_and_their_state_comes_back(lines: Path, tmp_path: Path, name: str) -> None:
    fit = _fit(lines, replace(SETTINGS, batch_size=4), steps=4, losses=[1.0] * 4)
    fit.optimizer = _optimizer(fit.network, SETTINGS, name)
    before = fit.network.head.weight.detach().clone()
    fit()
    assert not torch.equal(before, fit.network.head.weight)
    save_state(tmp_path / "state", fit.network, fit.optimizer, fit.progress)
    other = _fit(lines, replace(SETTINGS, batch_size=4), steps=4)
    fresh = _optimizer(other.network, SETTINGS, name)
    assert load_state(tmp_path / "state", other.network, fresh) == fit.progress
    for one, two in zip(fit.optimizer.state.values(), fresh.state.values(), strict=True):
        assert all(torch.equal(torch.as_tensor(one[key]), torch.as_tensor(two[key])) for key in one)

"""Losses of formulas against brute force, the balance of their terms, and who learns from whom."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

from amanuensis.errors import TrainingError, VocabularyError
from amanuensis.latex import TokenVocab
from amanuensis.models.bttr import Bttr, BttrConfig, following, right_to_left
from amanuensis.models.catnet import Catnet, CatnetConfig, FormulaOutput
from amanuensis.training.batches import Batch
from amanuensis.training.formula_losses import (
    PAPER,
    PER_TOKEN,
    Profile,
    cross_entropy,
    dual_focal,
    feature_distance,
    mutual_kl,
    teacher_kl,
)
from amanuensis.training.formula_objectives import (
    DeepMutualLearning,
    FormulaObjective,
    KdclNaive,
    KnowledgeDistillation,
    Peers,
    best_answers,
)
from amanuensis.training.formula_terms import FormulaTerms, Targets
from amanuensis.training.objectives import InBfloat16, Objective

VOCAB = TokenVocab(["a", "b", "{", "}", "\\frac"])
TEXTS = ("\\frac { a } { b }", "a b", "b", "")

Classify = Callable[[Tensor, Tensor, Tensor], Tensor]


def _steps(*lengths: int) -> Tensor:
    return torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]


def _random(num_branches: int = 2, seed: int = 0) -> tuple[list[Tensor], Tensor, Tensor]:
    """Branches (3, 4, 5) in double precision, targets, and real steps of 4, 2 and 1."""
    rng = torch.Generator().manual_seed(seed)
    logits = [
        (3 * torch.randn(3, 4, 5, generator=rng, dtype=torch.float64)).requires_grad_()
        for _ in range(num_branches)
    ]
    return logits, torch.randint(5, (3, 4), generator=rng), _steps(4, 2, 1)


def _slow_focal(p: Tensor, target: int) -> Tensor:
    """Equation 9 as printed, of one step's probabilities."""
    wanted = torch.eye(len(p), dtype=p.dtype)[target]
    return -torch.log(1 - (p - wanted) ** 2).sum()


def _slow_kl(first: Sequence[float], second: Sequence[float]) -> float:
    return math.fsum(p * math.log(p / q) for p, q in zip(first, second, strict=True))


# Classification


def test_cross_entropy_is_the_captions_negative_log_probability() -> None:
    (logits,), targets, valid = _random(1)
    p = logits.detach().softmax(2)
    expected = [-sum(math.log(p[b, t, targets[b, t]]) for t in range(4) if valid[b, t]) for b in range(3)]
    assert cross_entropy(logits, targets, valid).tolist() == pytest.approx(expected)


def test_dual_focal_is_equation_9_in_value_and_gradient() -> None:
    (logits,), targets, valid = _random(1)
    found = dual_focal(logits, targets, valid)
    p = logits.softmax(2)
    slow = torch.stack(
        [sum((_slow_focal(p[b, t], int(targets[b, t])) for t in range(4) if valid[b, t]), p.new_zeros(()))
         for b in range(3)]
    )  # fmt: skip
    assert torch.allclose(found, slow)
    (expected,) = torch.autograd.grad(slow.sum(), logits)
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    assert torch.allclose(gradient, expected)


def test_dual_focal_is_cross_entropy_a_bounded_term_and_the_false_classes() -> None:
    (logits,), targets, valid = _random(1)
    p = logits.detach().softmax(2)
    own = p.gather(2, targets[..., None])[..., 0]
    false = (1 - p**2).log().sum(2) - (1 - own**2).log()
    bounded = -(2 - own).log()
    assert float(bounded.min()) >= -math.log(2)
    expected = cross_entropy(logits, targets, valid) + ((bounded - false) * valid).sum(1)
    assert torch.allclose(dual_focal(logits, targets, valid), expected)


@pytest.mark.parametrize("margin", [8.0, 16.1, 17.0, 30.0, 90.0, 500.0])
@pytest.mark.parametrize("target", [0, 1])
def test_dual_focal_stays_exact_where_a_probability_rounds_to_one(margin: float, target: int) -> None:
    # 16.1 is p = 1 - 1e-7; from 17 on float32 cannot tell p from 1, and the false class's log(1 - p) is lost.
    single = torch.tensor([[[margin, 0.0, -1.0]]], requires_grad=True)
    double = single.detach().double().requires_grad_()
    targets, valid = torch.tensor([[target]]), _steps(1)
    loss = dual_focal(single, targets, valid).sum()
    log_p = double.log_softmax(2)[0, 0]
    p, rest = log_p.exp(), torch.stack([torch.logsumexp(double[0, 0, 1:], 0) - double[0, 0].logsumexp(0)])
    complement = torch.cat([rest, torch.log1p(-p[1:])])
    false = [complement[i] + torch.log1p(p[i]) for i in range(3) if i != target]
    exact = -log_p[target] - torch.log1p(1 - p[target]) - torch.stack(false).sum()
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5, abs=1e-6)
    (gradient,) = torch.autograd.grad(loss, single)
    (expected,) = torch.autograd.grad(exact, double)
    assert torch.allclose(gradient.double(), expected, rtol=1e-4, atol=1e-6)


def test_a_confident_false_class_costs_more_than_in_cross_entropy() -> None:
    targets, valid = torch.tensor([[0]]), _steps(1)
    wrong, unsure = torch.tensor([[[0.0, 6.0, 0.0]]]), torch.tensor([[[0.0, 0.1, 0.0]]])
    extra = [
        float(dual_focal(logits, targets, valid) - cross_entropy(logits, targets, valid))
        for logits in (wrong, unsure)
    ]
    assert extra[0] > 3.5
    assert extra[1] < 0.5


@pytest.mark.parametrize("loss", [cross_entropy, dual_focal])
def test_padded_steps_contribute_nothing_even_if_they_are_not_finite(loss: Classify) -> None:
    (logits,), targets, valid = _random(1)
    spoiled = logits.detach().masked_fill(~valid[..., None], math.nan).requires_grad_()
    assert torch.equal(loss(spoiled, targets, valid), loss(logits, targets, valid))
    (gradient,) = torch.autograd.grad(loss(spoiled, targets, valid).sum(), spoiled)
    assert float(gradient[~valid].abs().max()) == 0
    assert bool(gradient.isfinite().all())
    kl = mutual_kl([spoiled, logits.detach() + torch.arange(5)], valid)
    assert float(torch.autograd.grad(kl.sum(), spoiled)[0][~valid].abs().max()) == 0


# Mutual learning


@pytest.mark.parametrize("num_branches", [2, 3, 4])
def test_mutual_kl_is_the_sum_over_all_ordered_pairs_and_real_steps(num_branches: int) -> None:
    logits, _, valid = _random(num_branches)
    soft = [(branch.detach() / 4).softmax(2) for branch in logits]
    expected = [
        16 * math.fsum(
            _slow_kl(p[b, t].tolist(), q[b, t].tolist())
            for p, q in itertools.permutations(soft, 2)
            for t in range(4)
            if valid[b, t]
        )
        for b in range(3)
    ]  # fmt: skip
    assert mutual_kl(logits, valid).tolist() == pytest.approx(expected)


def test_equal_branches_and_a_single_one_have_nothing_to_teach() -> None:
    (logits,), _, valid = _random(1)
    kl = mutual_kl([logits, logits.detach() + 3.0, logits.detach()], valid)  # a softmax does not see the 3
    assert kl.abs().max().item() < 1e-12
    assert float(torch.autograd.grad(kl.sum(), logits)[0].abs().max()) < 1e-12
    assert mutual_kl([logits], valid).tolist() == [0, 0, 0]


@pytest.mark.parametrize("num_branches", [2, 3])
def test_the_symmetric_sum_does_not_depend_on_the_direction_unless_peers_are_detached(
    num_branches: int,
) -> None:
    logits, _, valid = _random(num_branches)

    def gradients(*, detach: bool) -> list[Tensor]:
        both = [mutual_kl(logits, valid, detach=detach, direction=d) for d in ("literal", "peer_first")]
        assert torch.allclose(both[0], both[1])
        return [torch.autograd.grad(kl.sum(), logits[0])[0] for kl in both]

    assert torch.allclose(*gradients(detach=False))
    assert not torch.allclose(*gradients(detach=True))


def test_a_detached_peer_gets_no_gradient_from_its_learner() -> None:
    (learner, peer), _, valid = _random(2)
    kl = teacher_kl(learner, peer, valid).sum()
    to_learner, to_peer = torch.autograd.grad(kl, [learner, peer], allow_unused=True)
    assert to_learner.abs().max() > 0
    assert to_peer is None
    # Each branch of a detached pair gets just what its own peer teaches it.
    (found,) = torch.autograd.grad(
        mutual_kl([learner, peer], valid, detach=True, direction="peer_first").sum(), learner
    )
    assert torch.allclose(found, to_learner)


def test_temperature_squared_keeps_the_gradients_size() -> None:
    (a, b), _, valid = _random(2)
    small = [(logits.detach() * 0.01).requires_grad_() for logits in (a, b)]
    norms = [
        float(torch.autograd.grad(mutual_kl(small, valid, temperature=t).sum(), small[0])[0].norm())
        for t in (1.0, 4.0, 16.0)
    ]
    assert norms == pytest.approx([norms[0]] * 3, rel=0.02)


# The profiles


def test_the_paper_profile_balances_the_terms_as_the_specification_says() -> None:
    # C13's measured batch: K 113, 8.75 steps a caption, T^2 = 16. Weight of T^2 KL a step, beside a loss a step.
    def effective(profile: Profile) -> float:
        sums, steps = torch.tensor([7.0, 10.5]), torch.tensor([7, 10])  # 1 and 1.05 a step
        return float(profile.teaching(sums, steps, 113) / profile.classification(sums, steps))

    assert 16 * effective(Profile(weight=5000, per_token=False, mean_steps=8.75)) == pytest.approx(
        80.9, rel=0.001
    )
    assert 16 * effective(PER_TOKEN) == pytest.approx(8)
    assert effective(PAPER) == pytest.approx(2.68, abs=0.01)  # lambda 2.7 at the mean caption
    assert effective(PAPER) == pytest.approx(effective(Profile(weight=5000 / 113 / 16.5, per_token=True)))


def test_of_one_caption_own_steps_are_the_specification_to_the_letter() -> None:
    logits, targets, valid = _random(2)
    logits = [branch.detach() for branch in logits]
    own = Profile(weight=5000, per_token=False, mean_steps=None)
    kl = mutual_kl([b[1:2] for b in logits], valid[1:2])
    assert float(own.teaching(kl, torch.tensor([2]), 5)) == pytest.approx(5000 * float(kl) / 2 / 5)
    ce = cross_entropy(logits[0], targets, valid)[1:2]
    assert float(own.classification(ce, torch.tensor([2]))) == pytest.approx(float(ce))


def test_a_mean_over_the_batchs_steps_is_no_sum_over_samples() -> None:
    # Why `Profile` does not take C12 at its word: the average over all steps of a batch of captions of different
    # lengths is not the average of its captions', so accumulated batches would train differently.
    logits, _, valid = _random(2)
    kl, steps = mutual_kl([branch.detach() for branch in logits], valid), valid.sum(1)
    assert float(3 * kl.sum() / steps.sum()) != pytest.approx(float((kl / steps).sum()), rel=0.01)


# Targets


def test_targets_begin_end_and_run_backwards() -> None:
    targets = Targets.of(("a b", ""), VOCAB, torch.device("cpu"))
    a, b, start, end, pad = 1, 2, VOCAB.start, VOCAB.end, VOCAB.pad
    assert targets.inputs.tolist() == [[start, a, b], [start, pad, pad]]
    assert targets.forward.tolist() == [[a, b, end], [end, pad, pad]]
    assert targets.backward.tolist() == [[b, a, start], [start, pad, pad]]
    assert targets.valid.tolist() == [[True, True, True], [True, False, False]]
    assert targets.steps.tolist() == [3, 1]
    assert Targets.of((), VOCAB, torch.device("cpu")).inputs.shape == (0, 0)


def test_a_caption_with_an_unknown_token_is_named() -> None:
    with pytest.raises(VocabularyError, match=r"'a .*' holds .* lacks: .*alpha"):
        Targets.of(("b", "a \\alpha"), VOCAB, torch.device("cpu"))


def test_backward_targets_are_what_the_transformer_answers() -> None:
    targets = Targets.of(TEXTS, VOCAB, torch.device("cpu"))
    turned = right_to_left(targets.inputs, end=VOCAB.end, pad=VOCAB.pad)
    answers = following(turned, last=VOCAB.start, pad=VOCAB.pad)
    assert torch.equal(answers[targets.valid], targets.backward[targets.valid])


# Objectives


def _terms(**changes: object) -> FormulaTerms:
    return FormulaTerms(vocab=VOCAB, **changes)  # type: ignore[arg-type]


def _catnet(seed: int = 0, **changes: object) -> Catnet:
    torch.manual_seed(seed)
    shape: dict[str, object] = {
        "growth": 4, "blocks": (1, 1), "attention": 6, "embedding": 8, "hidden": 8, "kernels": (3, 5),
        "dropout": 0.0,
    }  # fmt: skip
    return Catnet(CatnetConfig(**{**shape, **changes}), VOCAB.num_classes).eval()  # type: ignore[arg-type]


def _batch(texts: Sequence[str] = TEXTS) -> Batch:
    rng = torch.Generator().manual_seed(1)
    sizes = torch.tensor([[48, 90], [40, 64], [33, 40], [20, 24]])[: len(texts)]
    images = torch.zeros(len(texts), 1, 48, 90)
    for image, (height, width) in zip(images, sizes.tolist(), strict=True):
        image[0, :height, :width] = torch.rand(height, width, generator=rng).round()
    return Batch(images, sizes, tuple(texts), tuple(f"s/{i}" for i in range(len(texts))))


def _alone(batch: Batch, row: int) -> Batch:
    return Batch(batch.images[row : row + 1], batch.sizes[row : row + 1], (batch.texts[row],), ("",))


def _gradient(network: nn.Module, objective: Objective, batches: Sequence[Batch]) -> Tensor:
    """What a loop accumulates over batches, per sample."""
    network.zero_grad()
    num_samples = sum(len(batch.texts) for batch in batches)
    for batch in batches:
        (objective(network, batch, 0.0).total / num_samples).backward()
    return torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])


OWN_STEPS = Profile(weight=0.5, per_token=True, mean_steps=None)


def _objectives(profile: Profile) -> list[Objective]:
    terms = _terms(profile=profile)
    return [
        FormulaObjective(terms=terms),
        FormulaObjective(terms=_terms(profile=profile, classification="ce"), detach=True),
        KnowledgeDistillation(terms, _catnet(7, branches=1)),
        DeepMutualLearning(terms=terms, l2_weight=0.3),
        KdclNaive(terms=terms),
    ]


@pytest.mark.parametrize("profile", [PAPER, PER_TOKEN, OWN_STEPS])
def test_one_batch_of_4_gives_the_update_of_4_batches_of_1(profile: Profile) -> None:
    # In evaluation mode: while training, batch normalization sees its own batch, whatever the loss.
    peers, batch = Peers([_catnet(0, branches=1), _catnet(1, branches=1)]).eval(), _batch()
    for objective in _objectives(profile):
        whole = _gradient(peers, objective, [batch])
        parts = _gradient(peers, objective, [_alone(batch, row) for row in range(4)])
        assert float((whole - parts).abs().max()) < 1e-4 * float(whole.abs().max())


@pytest.mark.parametrize("objective", _objectives(PER_TOKEN), ids=lambda o: type(o).__name__)
def test_total_is_the_sum_of_named_parts_and_validation_needs_no_gradient(objective: Objective) -> None:
    peers, batch = Peers([_catnet(0, branches=1), _catnet(1, branches=1)]).eval(), _batch()
    with torch.inference_mode():
        loss = objective(peers, batch, 1.0)
        output = peers(batch.images, batch.sizes, Targets.of(TEXTS, VOCAB, torch.device("cpu")).inputs)
        validation = objective.of_output(output, TEXTS)  # type: ignore[attr-defined]
    assert float(loss.total) == pytest.approx(sum(loss.parts.values()), rel=1e-6)
    assert len(loss.parts) > 1
    known = {name: value for name, value in loss.parts.items() if name != "distillation"}
    assert validation.parts == pytest.approx(known)


def test_one_branch_is_the_baseline_and_weight_0_leaves_mutual_learning_out() -> None:
    batch, ce = _batch(), _terms(classification="ce")
    alone = FormulaObjective(terms=ce)(_catnet(branches=1), batch, 0.0)
    assert set(alone.parts) == {"ce"}
    output = _catnet(branches=2)(
        batch.images, batch.sizes, Targets.of(TEXTS, VOCAB, torch.device("cpu")).inputs
    )
    both = FormulaObjective(terms=ce).of_output(output, TEXTS)
    without = FormulaObjective(
        terms=_terms(classification="ce", profile=Profile(weight=0.0, per_token=True))
    ).of_output(output, TEXTS)
    assert set(both.parts) == {"ce", "mutual"}
    assert set(without.parts) == {"ce"}
    assert without.parts["ce"] == pytest.approx(both.parts["ce"])


def test_two_encoders_with_one_decoder_teach_each_other() -> None:
    network = _catnet(branches=1, encoders=2)
    loss = FormulaObjective(terms=_terms())(network, _batch(), 0.0)
    assert loss.parts["mutual"] > 0
    loss.total.backward()
    assert all(p.grad is not None for p in network.parameters())


def test_branches_teach_only_those_that_read_in_their_direction() -> None:
    torch.manual_seed(0)
    logits = tuple(torch.randn(4, 8, VOCAB.num_classes) for _ in range(4))
    output = FormulaOutput(logits, (), (), torch.ones(4, 1, 1, dtype=torch.bool))
    directions = (False, True, False, True)
    valid = Targets.of(TEXTS, VOCAB, torch.device("cpu")).valid
    found = FormulaObjective(terms=_terms(reversed_branches=directions)).of_output(output, TEXTS)
    kl = mutual_kl(logits[0::2], valid) + mutual_kl(logits[1::2], valid)
    assert found.parts["mutual"] == pytest.approx(float(0.5 * kl.sum() / 16.5), rel=1e-5)
    chosen = FormulaObjective(terms=_terms(reversed_branches=directions, groups=((1, 3),)))
    kl = mutual_kl(logits[1::2], valid)
    assert chosen.of_output(output, TEXTS).parts["mutual"] == pytest.approx(
        float(0.5 * kl.sum() / 16.5), rel=1e-5
    )


def test_a_two_way_transformer_learns_its_own_directions() -> None:
    torch.manual_seed(0)
    config = BttrConfig(
        **{"growth": 4, "blocks": (1, 1), "encoder_dropout": 0.0, "dropout": 0.0},  # type: ignore[arg-type]
        **{"decoders": 2, "width": 16, "heads": 2, "layers": 1, "feed_forward": 16},  # type: ignore[arg-type]
    )
    network = Bttr(config, VOCAB.num_classes).eval()
    objective = FormulaObjective(terms=_terms(reversed_branches=config.reversed_branches))
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.02)
    first = last = 0.0
    small = Batch(torch.rand(2, 1, 20, 32).round(), torch.tensor([[20, 32]] * 2), TEXTS[:2], ("", ""))
    for step in range(30):
        optimizer.zero_grad()
        loss = objective(network, small, 0.0)
        loss.total.backward()
        optimizer.step()
        first, last = (loss.parts["dfl"] if step == 0 else first), loss.parts["dfl"]
    assert last < 0.1 * first


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": 0.0}, "temperature of 0.0"),
        ({"reversed_branches": (False, True), "groups": ((0, 1),)}, "mixes reading directions"),
        ({"reversed_branches": (False, True), "groups": ((0, 2),)}, "branches are 0 to 1"),
    ],
)
def test_terms_that_mean_nothing_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        _terms(**changes)


def test_groups_and_directions_that_the_network_lacks_are_named() -> None:
    batch, network = _batch(), _catnet(branches=2)
    with pytest.raises(TrainingError, match="branches are 0 to 1"):
        FormulaObjective(terms=_terms(groups=((0, 5),)))(network, batch, 0.0)
    with pytest.raises(TrainingError, match="has 2 branches, reversed_branches names 3"):
        FormulaObjective(terms=_terms(reversed_branches=(False,) * 3))(network, batch, 0.0)


# Teachers


def test_the_teacher_does_not_move_and_never_trains() -> None:
    teacher = _catnet(7, branches=1, dropout=0.5).train()  # as it came from its own training
    before = copy.deepcopy(teacher.state_dict())
    objective = KnowledgeDistillation(_terms(), teacher)
    student, batch = _catnet(0).train(), _batch()
    optimizer = torch.optim.AdamW(student.parameters(), lr=0.1)
    losses = [objective(student, batch, 0.0) for _ in range(2)]
    losses[1].total.backward()
    optimizer.step()
    assert not objective.teacher.training
    assert all(p.grad is None for p in objective.teacher.parameters())
    for state in (objective.teacher.state_dict(), teacher.state_dict()):
        assert all(torch.equal(state[name], value) for name, value in before.items())


def test_a_student_that_answers_as_its_teacher_has_nothing_to_learn_from_it() -> None:
    network, batch = _catnet(0, branches=1), _batch()
    loss = KnowledgeDistillation(_terms(), network)(network, batch, 0.0)
    assert loss.parts["distillation"] == pytest.approx(0, abs=1e-6)
    assert next(network.parameters()).requires_grad  # the copy was frozen, not the student


def test_a_teacher_of_another_vocabulary_is_refused() -> None:
    other = Catnet(_catnet(branches=1).config, 5)
    batch = _batch(("", "a"))
    with pytest.raises(TrainingError, match="teacher has 5 classes, the student 8"):
        KnowledgeDistillation(_terms(), _Widened(other))(_catnet(), batch, 0.0)
    with pytest.raises(TrainingError, match="reversed_branches"):
        KnowledgeDistillation(_terms(reversed_branches=(True,)), other)


class _Widened(nn.Module):
    """A teacher whose embedding knows all tokens but that answers with five classes."""

    def __init__(self, network: Catnet) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, sizes: Tensor, tokens: Tensor) -> FormulaOutput:
        output: FormulaOutput = self.network(images, sizes, tokens.clamp(max=4))
        return output


def test_deep_mutual_learning_teaches_peers_one_by_one() -> None:
    first, second = _catnet(0, branches=1), _catnet(1, branches=1)
    peers, batch = Peers([first, second]), _batch()
    objective = DeepMutualLearning(terms=_terms(classification="ce"))
    objective(peers, batch, 0.0).total.backward()
    found = torch.cat([p.grad.flatten() for p in first.parameters()])
    # As if the second network were a teacher that does not change.
    alone = KnowledgeDistillation(_terms(classification="ce"), second)
    assert torch.allclose(found, 4 * _gradient(first, alone, [batch]), rtol=1e-4, atol=1e-6)


def test_the_l2_term_compares_valid_cells_only() -> None:
    maps = torch.arange(12.0).reshape(1, 2, 2, 3)
    mask = torch.tensor([[[True, True, False], [False, False, False]]])
    other = maps.clone()
    other[..., 2] = math.inf
    other[0, 0, 0, 0] += 3.0
    found = feature_distance(maps, other, mask)
    assert found.tolist() == [pytest.approx(9 / 4)]  # 3 squared over two channels and two cells


def test_l2_between_peers_reaches_both_encoders_and_needs_two() -> None:
    first, second = _catnet(0, branches=1), _catnet(1, branches=1)
    silent = DeepMutualLearning(terms=_terms())
    loud = DeepMutualLearning(terms=_terms(), l2_weight=1.0)
    peers, batch = Peers([first, second]), _batch()
    a, b = (_gradient(peers, objective, [batch]) for objective in (silent, loud))
    size = len(torch.nn.utils.parameters_to_vector(first.parameters()))
    assert all(float((x - y).abs().max()) > 0 for x, y in ((a[:size], b[:size]), (a[size:], b[size:])))
    with pytest.raises(TrainingError, match="l2_weight"):
        loud(first, batch, 0.0)
    with pytest.raises(TrainingError, match="l2_weight"):
        loud(Peers([first, _catnet(1, branches=1, growth=6)]), batch, 0.0)


def test_of_each_sample_the_best_reader_teaches() -> None:
    logits, targets, valid = _random(3)
    best = best_answers(logits, targets, valid)
    losses = torch.stack([cross_entropy(branch, targets, valid) for branch in logits])
    chosen = losses.argmin(0).tolist()
    assert len(set(chosen)) > 1  # the toy has more than one best
    for row, k in enumerate(chosen):
        assert torch.equal(best[row], logits[k][row])
    assert not best.requires_grad


def test_the_best_reader_learns_nothing_from_the_others() -> None:
    targets = Targets.of(("a b",), VOCAB, torch.device("cpu"))
    torch.manual_seed(0)
    good = (5 * torch.nn.functional.one_hot(targets.forward, VOCAB.num_classes).float()).requires_grad_()
    poor = torch.randn(1, 3, VOCAB.num_classes, requires_grad=True)
    output = FormulaOutput((poor, good), (), (), torch.ones(1, 1, 1, dtype=torch.bool))

    def gradients(objective: FormulaObjective | KdclNaive) -> tuple[Tensor, ...]:
        return torch.autograd.grad(objective.of_output(output, ("a b",)).total, [poor, good])

    taught = gradients(KdclNaive(terms=_terms()))
    plain = gradients(FormulaObjective(terms=_terms(profile=Profile(weight=0.0, per_token=True))))
    assert not torch.allclose(taught[0], plain[0])
    assert torch.allclose(taught[1], plain[1], atol=1e-7)


def test_in_bfloat16_the_gradient_points_the_same_way() -> None:
    network, batch = _catnet(0).train(), _batch()
    objective = FormulaObjective(terms=_terms())
    exact = _gradient(network, objective, [batch])
    rough = _gradient(network, InBfloat16(objective), [batch])
    assert float((exact - rough).abs().max()) > 0  # the precision took effect
    assert float(torch.cosine_similarity(exact, rough, dim=0)) > 0.97

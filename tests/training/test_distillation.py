"""Distillation against brute force: the KL, interpolation in time, the four weights; a Teacher that never changes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from amanuensis.errors import RecipeError
from amanuensis.images import IMAGE_SPECS
from amanuensis.language import TextNormalization, Vocab
from amanuensis.models import LineOutput, build_network
from amanuensis.recognition import Architecture, TextConfig
from amanuensis.training.alignment import forced_alignment, frame_cross_entropy, interpolate_time
from amanuensis.training.batches import Batch
from amanuensis.training.distillation import (
    Distillation,
    DistillationSettings,
    FrozenTeacher,
    JointDistillation,
    StudentAndTeacher,
    StudentLoss,
    Taught,
    check_teacher,
    distillation_kl,
    fingerprint_of,
    transcripts,
)
from amanuensis.training.objectives import CtcObjective, InBfloat16, WeightPlan

VOCAB = Vocab("abc")
SMALL = {"channels": [4, 4, 6], "hidden": 8, "heads": 1}


def _by_hand(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> float:
    """tau^2 times the mean over frames of sum_c p log(p / q), with plain numbers."""
    total = 0.0
    for s, t in zip(student.tolist(), teacher.tolist(), strict=True):
        p, q = ([math.exp(x / temperature) for x in logits] for logits in (t, s))
        p, q = ([x / sum(e) for x in e] for e in (p, q))
        total += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    return temperature**2 * total / len(teacher)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_the_kl_is_the_teachers_from_the_students_over_valid_frames(temperature: float) -> None:
    torch.manual_seed(0)
    student, teacher = torch.randn(3, 6, 4) * 3, torch.randn(3, 6, 4) * 3
    lengths = torch.tensor([6, 4, 1])
    found = distillation_kl(student, Taught(teacher, lengths), temperature=temperature)
    expected = [_by_hand(student[i, :n], teacher[i, :n], temperature) for i, n in enumerate(lengths.tolist())]
    assert found.tolist() == pytest.approx(expected, rel=1e-4)
    assert distillation_kl(teacher, Taught(teacher, lengths)).tolist() == pytest.approx([0, 0, 0], abs=1e-6)


def test_padding_gives_no_gradient_and_blank_frames_can_be_left_out() -> None:
    torch.manual_seed(0)
    student = torch.randn(2, 4, 3, requires_grad=True)
    teacher = torch.randn(2, 4, 3)
    teacher[0, 1, 0] = teacher[1, :, 0] = (
        20.0  # sure of the blank in a frame of the first line, in all of the second
    )
    taught = Taught(teacher, torch.tensor([3, 4]))
    found = distillation_kl(student, taught, skip_blank=0.99)
    expected = _by_hand(student[0, [0, 2]].detach(), teacher[0, [0, 2]], 2.0)
    assert found.tolist() == pytest.approx([expected, 0.0], rel=1e-4)
    found.sum().backward()
    assert (student.grad[0, [1, 3]] == 0).all()
    assert (student.grad[1] == 0).all()
    assert (student.grad[0, 0] != 0).any()


@pytest.mark.parametrize(("frames", "wanted"), [(5, 11), (12, 3), (1, 4), (7, 1), (9, 8)])
def test_interpolation_is_linear_in_time_for_each_line_alone(frames: int, wanted: int) -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, frames + 2, 3)
    lengths, to_lengths = torch.tensor([frames, frames + 2]), torch.tensor([wanted, wanted + 1])
    found = interpolate_time(logits, lengths, to_lengths, wanted + 1)
    assert found.shape == (2, wanted + 1, 3)
    for row, (length, to) in enumerate(zip(lengths.tolist(), to_lengths.tolist(), strict=True)):
        line = logits[row, :length].T[None]
        expected = F.interpolate(line, size=to, mode="linear", align_corners=False)[0].T
        assert torch.allclose(found[row, :to], expected, atol=1e-5)


def test_equal_lengths_are_left_as_they_are_even_beside_others() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 8, 3)
    same = torch.tensor([8, 5])
    assert interpolate_time(logits, same, same, 8) is logits
    mixed = interpolate_time(logits, same, torch.tensor([8, 7]), 8)
    assert torch.equal(mixed[0], logits[0])


def test_weights_sum_to_one_at_all_times_and_the_papers_leave_none_for_cross_entropy() -> None:
    plans = [WeightPlan(), WeightPlan(alpha=(0.5, 0.2), gamma=(0.2, 0.5)), WeightPlan(alpha=(0.6, 0.4))]
    for plan in plans:
        for i in range(101):
            for weights in (plan.at(i / 100), plan.at(i / 100).without_auxiliary()):
                parts = (weights.ctc, weights.cross_entropy, weights.distillation, weights.auxiliary)
                assert sum(parts) == pytest.approx(1, abs=1e-8)
                assert min(parts) >= 0
    paper = WeightPlan()
    first, last = paper.at(0), paper.at(1)
    assert (first.ctc, first.distillation, first.auxiliary) == (0.7, 0.2, 0.1)
    assert (last.ctc, last.distillation, last.auxiliary) == pytest.approx((0.4, 0.5, 0.1))
    assert first.cross_entropy == last.cross_entropy == paper.at(0.37).cross_entropy == 0
    assert plans[1].at(0.5).cross_entropy == pytest.approx(0.2)


def _network(name: str = "student", **options: object) -> nn.Module:
    return build_network(f"htr-jand-{name}-cpu", VOCAB.num_classes, {**SMALL, **options})


def _batch() -> Batch:
    torch.manual_seed(1)
    widths = (128, 100, 64)
    images = torch.rand(3, 1, 64, 128) * 2 - 1
    sizes = torch.tensor([[64, w] for w in widths])
    for row, width in enumerate(widths):
        images[row, :, :, width:] = 0
    return Batch(images, sizes, ("abc", "aab", "c"), ("s/0", "s/1", "t/2"))


def _loss(**settings: object) -> StudentLoss:
    plan = settings.pop("weights", WeightPlan())
    ctc = CtcObjective(VOCAB, TextNormalization(), auxiliary_warmup=0.0)
    return StudentLoss(ctc=ctc, settings=DistillationSettings(weights=plan, **settings))


@pytest.mark.parametrize("align_by", ["teacher", "student"])
def test_the_loss_is_the_four_terms_by_their_weights(align_by: str) -> None:
    torch.manual_seed(2)
    student = LineOutput(torch.randn(3, 9, 4), torch.tensor([9, 8, 5]), torch.randn(3, 9, 4), None)
    taught = Taught(torch.randn(3, 18, 4), torch.tensor([18, 16, 10]))  # half the stride
    plan = WeightPlan(alpha=(0.4, 0.4), gamma=(0.2, 0.2))
    loss = _loss(weights=plan, align_by=align_by)(student, taught, _batch(), 0.5)
    assert set(loss.parts) == {"ctc", "cross_entropy", "distillation", "auxiliary"}
    weighed = {"ctc": 0.4, "cross_entropy": 0.3, "distillation": 0.2, "auxiliary": 0.1}
    assert loss.total.item() == pytest.approx(sum(w * loss.parts[k] for k, w in weighed.items()), rel=1e-5)
    matched = interpolate_time(student.logits, student.lengths, taught.lengths, 18)
    targets = [VOCAB.encode(text) for text in _batch().texts]
    told, seen = (taught.logits, matched) if align_by == "teacher" else (student.logits,) * 2
    lengths = taught.lengths if align_by == "teacher" else student.lengths
    expected = frame_cross_entropy(seen, forced_alignment(told, lengths, targets)).sum()
    assert loss.parts["cross_entropy"] == pytest.approx(float(expected), rel=1e-5)
    assert loss.parts["distillation"] == pytest.approx(
        float(distillation_kl(matched, taught).sum()), rel=1e-5
    )


def test_the_paper_takes_no_cross_entropy_and_without_an_auxiliary_head_weights_still_sum_to_one() -> None:
    torch.manual_seed(2)
    student = LineOutput(torch.randn(3, 9, 4), torch.tensor([9, 8, 5]), None, None)
    loss = _loss()(student, Taught(torch.randn(3, 9, 4), student.lengths), _batch(), 1.0)
    expected = (0.4 * loss.parts["ctc"] + 0.5 * loss.parts["distillation"]) / 0.9
    assert loss.total.item() == pytest.approx(expected, rel=1e-5)
    assert set(loss.parts) == {"ctc", "distillation"}


def test_a_loss_is_a_sum_over_lines() -> None:
    torch.manual_seed(3)
    objective = Distillation(
        _loss(weights=WeightPlan(alpha=(0.5, 0.2)), skip_blank=0.9), FrozenTeacher(_network("teacher"))
    )
    network, batch = _network().eval(), _batch()
    whole = objective(network, batch, 0.3)
    parts = [
        objective(
            network,
            Batch(
                batch.images[i : i + 1], batch.sizes[i : i + 1], batch.texts[i : i + 1], batch.keys[i : i + 1]
            ),
            0.3,
        )
        for i in range(3)
    ]
    assert whole.total.item() == pytest.approx(sum(p.total.item() for p in parts), rel=1e-4)
    for name, value in whole.parts.items():
        assert value == pytest.approx(sum(p.parts[name] for p in parts), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("remember", [0, 2**20])
@pytest.mark.parametrize("in_bfloat16", [False, True])
def test_the_teacher_is_untouched_to_the_last_bit(remember: int, in_bfloat16: bool) -> None:
    torch.manual_seed(4)
    trained = _network("teacher", dropout=0.5).train()
    before = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    teacher = FrozenTeacher(trained, remember=remember)
    objective = Distillation(_loss(), teacher)
    network = _network().train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = (InBfloat16(objective) if in_bfloat16 else objective)(network, _batch(), 0.5)
        loss.total.backward()
        optimizer.step()
        losses.append(loss.total.item())
    assert losses[-1] < losses[0]
    assert not teacher.network.training
    assert all(p.grad is None and not p.requires_grad for p in teacher.network.parameters())
    for state in (trained.state_dict(), teacher.network.state_dict()):
        assert all(torch.equal(before[name], tensor) for name, tensor in state.items())
    assert fingerprint_of(before) == fingerprint_of(teacher.network.state_dict())


def test_what_is_remembered_is_a_function_of_the_line_and_is_bounded() -> None:
    torch.manual_seed(5)
    trained, batch = _network("teacher"), _batch()
    roomy, tight = FrozenTeacher(trained, remember=2**20), FrozenTeacher(trained, remember=300)
    first = roomy(batch)
    assert len(roomy._answers) == 3
    assert sum(a.numel() * 2 for a in tight._answers.values()) <= 300
    turned = Batch(batch.images[[2, 0]], batch.sizes[[2, 0]], batch.texts[:2], ("t/2", "s/0"))
    for again in (roomy(turned), tight(turned), FrozenTeacher(trained, remember=2**20)(turned)):
        assert again.lengths.tolist() == [16, 32]
        assert torch.equal(again.logits[0, :16], first.logits[2, :16])
        assert torch.equal(again.logits[1], first.logits[0])
    assert len(tight._answers) == 1  # the 32 frames of the other would take 256 bytes more
    exact = FrozenTeacher(trained)(batch)
    assert torch.allclose(exact.logits[0], first.logits[0], atol=2e-3)


def test_transcripts_take_the_targets_place_where_they_fit() -> None:
    logits = torch.full((3, 6, 4), -5.0)
    for row, path in enumerate(["11022_", "3_3_3_", "______"]):
        for frame, symbol in enumerate(path.replace("_", "0")):
            logits[row, frame, int(symbol)] = 5.0
    taught = Taught(logits, torch.tensor([6, 6, 6]))
    assert transcripts(taught) == [[1, 2], [3, 3, 3], []]
    assert transcripts(Taught(logits, torch.tensor([2, 3, 0]))) == [[1], [3, 3], []]
    loss, lengths = _loss(transcripts=True), torch.tensor([6, 4, 6])
    # The second reading needs five frames and has four; the third is empty: there the transcription stands.
    assert loss._targets(_batch().texts, taught, lengths) == [[1, 2], VOCAB.encode("aab"), VOCAB.encode("c")]
    assert _loss()._targets(_batch().texts, taught, lengths)[0] == VOCAB.encode("abc")


def test_in_algorithm_4_the_student_does_not_pull_the_teacher() -> None:
    torch.manual_seed(6)
    both = StudentAndTeacher([_network(), _network("teacher")]).eval()
    batch = _batch()
    loss = JointDistillation(_loss())(both, batch, 0.5)
    loss.total.backward()
    student, teacher = both.networks
    assert {"ctc", "distillation", "auxiliary", "teacher_ctc", "teacher_auxiliary"} == set(loss.parts)
    found = [p.grad.clone() for p in teacher.parameters()]
    teacher.zero_grad()
    ctc = CtcObjective(VOCAB, TextNormalization(), auxiliary_warmup=0.0)
    ctc(teacher, batch, 0.5).total.backward()
    assert all(torch.allclose(g, p.grad, atol=1e-5) for g, p in zip(found, teacher.parameters(), strict=True))
    assert all(p.grad is not None for p in student.parameters())


def test_a_teacher_that_cannot_answer_is_refused_by_name() -> None:
    network = _network()

    def config(symbols: str = "abc", spec: str = "cpu", form: str = "NFC") -> TextConfig:
        return TextConfig(
            name="old",
            architecture=Architecture("htr-jand-student-cpu", SMALL),
            vocabulary=Vocab(symbols),
            image=IMAGE_SPECS[spec],
            normalization=TextNormalization(form=form),
            stride=network.stride,
            parameters=1,
        )

    check_teacher(config(), config())
    with pytest.raises(RecipeError, match=r"old .* it lacks: 'd'; that the Student lacks: 'a'"):
        check_teacher(config(), config("bcd"))
    with pytest.raises(RecipeError, match="one alphabet"):
        check_teacher(config("acb"), config())
    with pytest.raises(RecipeError, match=r"image\.spec"):
        check_teacher(config(spec="paper"), config())
    with pytest.raises(RecipeError, match=r"text\.form"):
        check_teacher(config(form="NFD"), config())

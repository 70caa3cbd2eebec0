"""Knowledge distillation of line readers: a Student learns from the lines and from a Teacher's answers to them.

Source: HTR-JAND, eqs. 19, 23, 28-31, 34 and 35, Algorithm 4. The paper contradicts itself on the order of the KL, its
factor, the weights and who trains when; ours are the readings 2.5 to 2.8: KL of the Teacher's distribution from the
Student's times tau^2, averaged over the Teacher's frames, the Teacher trained before and frozen. Two variants of 2.6
are options: frames that the Teacher leaves blank do not teach, and its transcripts take the place of the targets.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from amanuensis.decoding import min_frames
from amanuensis.errors import RecipeError
from amanuensis.language import BLANK
from amanuensis.models import LineOutput
from amanuensis.models.layers import valid_columns
from amanuensis.recognition import TextConfig
from amanuensis.training.alignment import forced_alignment, frame_cross_entropy, interpolate_time
from amanuensis.training.batches import Batch
from amanuensis.training.curriculum import Course
from amanuensis.training.formula_objectives import Peers
from amanuensis.training.objectives import CtcObjective, Loss, WeightPlan, ctc_of_lines, summed

_REMEMBERED_STEP = (
    64  # pixels; widths of lines that are read alone are multiples of it, as those of batches are
)


class Taught(NamedTuple):
    """A Teacher's answer to a batch: logits (B, T, V), a constant, and valid frames (B,)."""

    logits: Tensor
    lengths: Tensor


class FrozenTeacher:
    """A trained network that answers and never changes: a copy, in evaluation mode, that no optimizer reaches.

    Args:
        network: the trained reader.
        remember: bytes of answers to keep; 0 keeps none. Only for lines that look the same in every epoch. Then every
            line is read alone and its answer rounded to float16, so that it is a function of the line: neither batch
            mates nor whether it was remembered change it, and a resumed run equals a straight one.
    """

    def __init__(self, network: nn.Module, *, remember: int = 0) -> None:
        frozen = copy.deepcopy(network).train(False).requires_grad_(False)
        self.network = frozen.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._room = remember
        self._remembers = remember > 0
        self._answers: dict[str, Tensor] = {}

    def __call__(self, batch: Batch) -> Taught:
        """The answer to a batch, on its device."""
        self.network.to(batch.images.device)
        if not self._remembers:
            return self._read(batch.images, batch.widths)
        answers = [self._remembered(batch, row).to(batch.images.device) for row in range(len(batch.keys))]
        lengths = torch.tensor([len(answer) for answer in answers], device=batch.images.device)
        return Taught(nn.utils.rnn.pad_sequence(answers, batch_first=True).float(), lengths)

    @torch.no_grad()
    def _read(self, images: Tensor, widths: Tensor) -> Taught:
        output: LineOutput = self.network(images, widths)
        return Taught(output.logits.float(), output.lengths)

    def _remembered(self, batch: Batch, row: int) -> Tensor:
        """(T, V) float16, of one line."""
        key = batch.keys[row]
        if key in self._answers:
            return self._answers[key]
        # Never wider than the batch: a model of fixed width has padding of its own.
        columns = -(-int(batch.widths[row]) // _REMEMBERED_STEP) * _REMEMBERED_STEP
        taught = self._read(batch.images[row : row + 1, :, :, :columns], batch.widths[row : row + 1])
        answer = taught.logits[0, : int(taught.lengths[0])].to("cpu", torch.float16)
        size = answer.numel() * answer.element_size()
        if size <= self._room:
            self._room -= size
            self._answers[key] = answer
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationSettings:
    """What a recipe says about distillation; see `recipe.DistillationSection`."""

    weights: WeightPlan
    temperature: float = 2.0
    skip_blank: float | None = None
    transcripts: bool = False
    align_by: Literal["teacher", "student"] = "teacher"
    align_blanks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentLoss:
    """The four terms of eq. 19 for a Student's output and a Teacher's answer.

    Attributes:
        ctc: targets, the auxiliary head's warm-up, and the weights of data sets.
        settings: of the distillation.
        course: by whose stages the weights move, or None: by the share of updates made.
    """

    ctc: CtcObjective
    settings: DistillationSettings
    course: Course | None = None

    def __call__(self, student: LineOutput, taught: Taught, batch: Batch, done: float) -> Loss:
        """The loss of a batch."""
        weights = self.settings.weights.at(self.course.position(done) if self.course else done)
        if student.auxiliary is None:
            weights = weights.without_auxiliary()
        shares = {"ctc": weights.ctc, "distillation": weights.distillation}
        targets = self._targets(batch.texts, taught, student.lengths)
        terms = {"ctc": ctc_of_lines(student.logits, student.lengths, targets)}
        matched = interpolate_time(student.logits, student.lengths, taught.lengths, taught.logits.shape[1])
        terms["distillation"] = distillation_kl(
            matched,
            taught,
            temperature=self.settings.temperature,
            skip_blank=self.settings.skip_blank,
        )
        if weights.cross_entropy > 0:
            shares["cross_entropy"] = weights.cross_entropy
            terms["cross_entropy"] = self._cross_entropy(student, matched, taught, targets)
        if student.auxiliary is not None:
            pull = self.ctc.weight_at(done) - self.ctc.auxiliary_weight  # outside the sum, and only at first
            shares["auxiliary"] = weights.auxiliary + pull
            terms["auxiliary"] = ctc_of_lines(student.auxiliary, student.lengths, targets)
        return summed(terms, shares, self.ctc.weights_of(batch))

    def _targets(self, texts: Sequence[str], taught: Taught, lengths: Tensor) -> list[list[int]]:
        """What the CTC heads learn: the transcriptions, or what the Teacher read where that fits the frames."""
        targets = [self.ctc.encode(text) for text in texts]
        if not self.settings.transcripts:
            return targets
        found = zip(transcripts(taught), targets, lengths.tolist(), strict=True)
        return [read if read and min_frames(read) <= most else target for read, target, most in found]

    def _cross_entropy(
        self, student: LineOutput, matched: Tensor, taught: Taught, targets: Sequence[Sequence[int]]
    ) -> Tensor:
        """(B,) cross-entropy on the path through the Teacher's frames, or the Student's own (2.8)."""
        blanks = self.settings.align_blanks
        if self.settings.align_by == "teacher":
            labels = forced_alignment(taught.logits, taught.lengths, targets)
            return frame_cross_entropy(matched, labels, blanks=blanks)
        labels = forced_alignment(student.logits, student.lengths, targets)
        return frame_cross_entropy(student.logits, labels, blanks=blanks)


@dataclass(frozen=True, slots=True)
class Distillation:
    """The Student learns from a Teacher that was trained before (2.7, phase 2)."""

    loss: StudentLoss
    teacher: FrozenTeacher

    def __call__(self, network: nn.Module, batch: Batch, done: float) -> Loss:
        """See `Objective`."""
        return self.loss(network(batch.images, batch.widths), self.teacher(batch), batch, done)


class StudentAndTeacher(Peers):
    """Both networks of Algorithm 4 as one; the first, the Student, is the one that is kept to read with."""

    def forward(  # type: ignore[override]  # lines have widths, formulas sizes and tokens
        self, images: Tensor, widths: Tensor
    ) -> tuple[LineOutput, LineOutput]:
        """The Student's output and the Teacher's."""
        student, teacher = self.networks
        return student(images, widths), teacher(images, widths)


@dataclass(frozen=True, slots=True)
class JointDistillation:
    """Algorithm 4 literally: the Teacher learns beside, by its own CTC and auxiliary losses alone (2.7).

    In the KL it is a constant, so the Student does not pull it.
    """

    loss: StudentLoss

    def __call__(self, network: nn.Module, batch: Batch, done: float) -> Loss:
        """See `Objective`; the network is `StudentAndTeacher`."""
        student, teacher = network(batch.images, batch.widths)
        own = self.loss.ctc.of_batch(teacher, batch, done)
        taught = Taught(teacher.logits.detach().float(), teacher.lengths)
        loss = self.loss(student, taught, batch, done)
        parts: Mapping[str, float] = {f"teacher_{name}": value for name, value in own.parts.items()}
        return Loss(loss.total + own.total, {**loss.parts, **parts})


def distillation_kl(
    student: Tensor, taught: Taught, *, temperature: float = 2.0, skip_blank: float | None = None
) -> Tensor:
    """tau^2 KL(Teacher || Student) of the softened distributions, averaged over the Teacher's frames (eqs. 28-31).

    Args:
        student: (B, T, V) logits in the Teacher's frames.
        taught: the Teacher's logits and lengths.
        temperature: tau.
        skip_blank: frames whose blank the Teacher holds more probable than this do not teach (2.6: its answers are
            mostly blanks); None: all do.

    Returns:
        (B,) natural logarithms; 0 for a line without a frame that teaches.
    """
    learned = (student.float() / temperature).log_softmax(dim=2)
    known = (taught.logits.float() / temperature).log_softmax(dim=2)
    divergences = (known.exp() * (known - learned)).sum(dim=2)
    teaches = valid_columns(taught.lengths, taught.logits.shape[1])
    if skip_blank is not None:
        teaches = teaches & (taught.logits.float().softmax(dim=2)[:, :, BLANK] <= skip_blank)
    sums = divergences.masked_fill(~teaches, 0.0).sum(dim=1)
    return temperature**2 * sums / teaches.sum(dim=1).clamp(min=1)


def transcripts(taught: Taught) -> list[list[int]]:
    """What the Teacher reads, greedily: symbol indices without blanks."""
    rows = zip(taught.logits.argmax(dim=2).tolist(), taught.lengths.tolist(), strict=True)
    return [
        [
            now
            for before, now in zip([BLANK, *path], path[:length], strict=False)
            if now not in (BLANK, before)
        ]
        for path, length in rows
    ]


def check_teacher(teacher: TextConfig, student: TextConfig) -> None:
    """A Teacher can answer for a Student that writes the same symbols and sees the same pictures.

    Raises:
        RecipeError: naming what differs.
    """
    name = f"distillation.teacher: {teacher.name}"
    if teacher.vocabulary != student.vocabulary:
        ours, theirs = set(student.vocabulary.symbols), set(teacher.vocabulary.symbols)
        lacks, more = (
            " ".join(map(repr, sorted(found))) or "none" for found in (ours - theirs, theirs - ours)
        )
        raise RecipeError(
            f"{name} and the Student must have learned one alphabet. Characters that it lacks: {lacks}; that the "
            f"Student lacks: {more}. Train the Teacher on these lines too, or raise text.min_count"
        )
    if teacher.normalization != student.normalization:
        raise RecipeError(f"{name} spells texts in {teacher.normalization.form}: text.form must be the same")
    if teacher.image != student.image:
        raise RecipeError(
            f"{name} reads lines {teacher.image.height} px high, {teacher.image.width or 'any'} px wide; "
            "image.spec must be the one it was trained with"
        )


def fingerprint_of(tensors: Mapping[str, Tensor]) -> str:
    """32 hexadecimal digits over the names and values of weights: which Teacher it was."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()

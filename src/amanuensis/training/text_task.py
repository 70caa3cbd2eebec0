"""Training readers of lines: alphabet, network, objective and lines of a recipe, and their validation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from amanuensis.data.synthetic import SyntheticLines
from amanuensis.decoding import best_path, min_frames
from amanuensis.errors import RecipeError, TrainingError
from amanuensis.evaluation import ClaimedLine, Outcome, fit_calibration, outcome_of, page_of
from amanuensis.images import AUGMENTATIONS, IMAGE_SPECS, Augmentation
from amanuensis.language import CharacterTable, TextNormalization, Vocab, unify
from amanuensis.metrics import LinePair, TextScores, score_lines
from amanuensis.models import HtrJand, LineOutput, build_network, network_config, num_parameters
from amanuensis.randomness import seed_for
from amanuensis.recognition import (
    Architecture,
    Calibration,
    ModelConfig,
    TextConfig,
    TrainingData,
    raw_reading,
)
from amanuensis.records import Sample
from amanuensis.training.curriculum import Course, Promotion, Stage, SyntheticShare, five_stages
from amanuensis.training.distillation import (
    Distillation,
    DistillationSettings,
    FrozenTeacher,
    JointDistillation,
    StudentAndTeacher,
    StudentLoss,
    check_teacher,
    fingerprint_of,
)
from amanuensis.training.lines import (
    Lacking,
    TrainingLines,
    ValidationLines,
    balance_of,
    character_weights,
    synthetic_lines,
)
from amanuensis.training.objectives import CtcObjective, Objective, SetWeights, WeightPlan
from amanuensis.training.progress import Console
from amanuensis.training.recipe import Recipe, expand
from amanuensis.training.sources import Lines, Sources, fitting, packed_otherwise, read_sources, readable
from amanuensis.training.task import Parts, check_frozen, check_left, chosen_architecture, named, versions
from amanuensis.training.validation import Validation
from amanuensis.training.weights import Start, line_network_of, load_start

_TRIED_TEXTS = 1000  # of synthetic lines, to see what the alphabet cannot write
PRINTABLE_ASCII = "".join(map(chr, range(0x20, 0x7F)))


def read_samples(recipe: Recipe) -> Sources:
    """The lines of a recipe; see `read_sources`."""
    return read_sources(recipe.data, recipe.seed)


def model_config(recipe: Recipe, sources: Sources, start: Start | None, console: Console) -> TextConfig:
    """What the run's model will be: alphabet (D6), network, image spec; the start model's where there is one.

    Raises:
        RecipeError: the recipe names no network and no model to start from is given, or they contradict each other or
            the Teacher.
    """
    told = None if start is None else _text_config_of(start)
    if told and recipe.distillation and recipe.distillation.joint:
        raise RecipeError("distillation.joint trains two networks from scratch; leave --from out")
    teacher = _trained_teacher(recipe)
    normalization = told.normalization if told else TextNormalization(form=recipe.text.form)
    architecture = _architecture(recipe, told)
    vocab = _alphabet(recipe, sources, told, teacher, console)
    network = build_network(architecture.name, vocab.num_classes, architecture.options)
    card = recipe.card
    config = TextConfig(
        name=card.name or (f"{told.name}-tuned" if told else architecture.name),
        description=card.description,
        architecture=architecture,
        vocabulary=vocab,
        image=told.image if told else named(IMAGE_SPECS, recipe.image.spec, "image.spec"),
        normalization=normalization,
        stride=network.stride,
        parameters=num_parameters(network),
        languages=tuple(card.languages) or (told.languages if told else ()),
        data=tuple(TrainingData(credit.name, credit.licence) for credit in card.data),
        licence=card.licence,
        recipe=_told_recipe(recipe, teacher),
        versions=versions(),
    )
    if teacher is not None:
        check_teacher(_text_config_of(teacher), config)
    return config


def _alphabet(
    recipe: Recipe, sources: Sources, told: TextConfig | None, teacher: Start | None, console: Console
) -> Vocab:
    """The characters that the model will write; a Student that starts afresh takes its Teacher's, if they suffice."""
    normalization = told.normalization if told else TextNormalization(form=recipe.text.form)
    texts = [normalization(sample.text) for sample in sources.train]
    if recipe.synthetic and recipe.synthetic.corpora and teacher is None:
        # A corpus may hold what the lines lack; each printable character is let in once, however rare.
        texts += [PRINTABLE_ASCII] * recipe.text.min_count
    vocab, removed = unify(texts, recipe.text.min_count)
    if told is None and teacher is not None:
        known = _text_config_of(teacher).vocabulary
        vocab = known if set(vocab.symbols) <= set(known.symbols) else vocab
    keys = (sample.key for sample in sources.train)
    table = CharacterTable.compare(zip(keys, texts, strict=False), told.vocabulary if told else vocab)
    console.say(f"characters that are new, missing or rare in train:\n{table}")
    if removed and not told:
        console.say(
            f"left out of the alphabet: {len(removed)} characters seen fewer than {recipe.text.min_count} times"
        )
    return told.vocabulary.union(vocab) if told else vocab


def _trained_teacher(recipe: Recipe) -> Start | None:
    """The Teacher that a recipe names, if it names one that was trained before.

    Raises:
        ModelError: there is no such model, or it has no weights.
    """
    if recipe.distillation is None or recipe.distillation.teacher is None:
        return None
    return load_start(expand(recipe.distillation.teacher))


def _told_recipe(recipe: Recipe, teacher: Start | None) -> str | dict[str, Any]:
    """What a model says of its training: the recipe, and which Teacher it had."""
    if teacher is None:
        return recipe.description
    return {
        "description": recipe.description,
        "teacher": {"name": teacher.config.name, "fingerprint": fingerprint_of(teacher.tensors)},
    }


def _text_config_of(start: Start) -> TextConfig:
    if not isinstance(start.config, TextConfig):
        raise RecipeError(f"{start.config.name} reads formulas; start from a model that reads lines")
    return start.config


def _architecture(recipe: Recipe, start: TextConfig | None) -> Architecture:
    chosen = chosen_architecture(recipe, start)
    if start is None:
        height = named(IMAGE_SPECS, recipe.image.spec, "image.spec").height
        if network_config(chosen.name, chosen.options).height != height:
            raise RecipeError(
                f"network.name: {chosen.name} does not read lines {height} px high; change image.spec"
            )
    return chosen


def assemble(recipe: Recipe, config: ModelConfig, sources: Sources, console: Console) -> Parts:
    """Network, objective and lines; and the lines that are not used, with reasons."""
    assert isinstance(config, TextConfig)
    torch.manual_seed(seed_for("network", recipe.seed))
    student = line_network_of(config)
    course = _course(recipe, sources.train)
    ctc = _ctc_objective(recipe, config, course, sources.train)
    network, objective, stride = _taught(recipe, config, student, ctc, course)
    augmentation = named(AUGMENTATIONS, recipe.augmentation.preset, "augmentation.preset")
    check_frozen(recipe, network)
    if warning := packed_otherwise((*sources.train, *sources.val), config.image):
        console.say(warning)
    console.say(f"opening {len(sources.train) + len(sources.val)} images once")
    train_lines, unreadable = readable(sources.train, config.image, "train")
    val_lines, val_unreadable = readable(sources.val, config.image, "val")
    train_lines, too_long = fitting(train_lines, lambda text: _min_width(text, ctc, stride), "train")
    val = ValidationLines(val_lines.samples, val_lines.widths, config.image)
    left_out = [*sources.problems, *unreadable, *val_unreadable, *too_long]
    check_left(len(train_lines.samples), len(val.samples), left_out)
    reader = _LineReader(config, student, ctc, val, recipe.training.batch_size)
    train = _training_lines(recipe, config, train_lines, ctc, course, augmentation)
    if train.synthetic is not None:
        _tell_unwritable(train.synthetic, console)
    return Parts(network, objective, train, reader, len(val.samples), left_out)


def _tell_unwritable(synthetic: SyntheticLines, console: Console) -> None:
    """What the alphabet cannot write, so that no synthetic line has it."""
    if found := synthetic.left_out(_TRIED_TEXTS):
        told = ", ".join(f"{symbol!r} ({count})" for symbol, count in found.most_common())
        console.say(
            "left out of synthetic lines: words with characters that the alphabet lacks "
            f"(in so many of {_TRIED_TEXTS} texts): {told}"
        )


def _ctc_objective(
    recipe: Recipe, config: TextConfig, course: Course | None, samples: Sequence[Sample]
) -> CtcObjective:
    weights = None
    if recipe.multi_task is not None:
        assert course is not None
        weights = SetWeights(course, {sample.key: sample.dataset for sample in samples})
    return CtcObjective(
        config.vocabulary,
        config.normalization,
        auxiliary_weight=recipe.objective.auxiliary_weight,
        auxiliary_start=recipe.objective.auxiliary_start,
        auxiliary_warmup=recipe.objective.auxiliary_warmup,
        line_weights=weights,
    )


def _course(recipe: Recipe, samples: Sequence[Sample]) -> Course | None:
    """What the recipe's training changes as it goes on: stages, synthetic share, weights of data sets."""
    section, tasks = recipe.curriculum, recipe.multi_task
    if section is None and tasks is None:
        return None
    full = named(AUGMENTATIONS, recipe.augmentation.preset, "augmentation.preset")
    sets = {sample.dataset for sample in samples} if tasks else set()
    clip = tasks.clip if tasks else (1.0, 1.0)
    if section is None:
        return Course([Stage(1.0, full, synthetic=True)], sets=sorted(sets), clip=clip)
    presets = [named(AUGMENTATIONS, name, "curriculum.augmentations") for name in section.augmentations]
    share = None
    if recipe.synthetic:
        most = recipe.synthetic.share
        share = SyntheticShare(first=section.start_share, most=most, policy=section.synthetic)
    return Course(
        five_stages(section.short, [*presets, full]),
        promotion=Promotion(
            threshold=section.threshold, step=section.threshold_step, epochs=recipe.training.epochs
        ),
        share=share,
        sets=sorted(sets),
        clip=clip,
    )


def _taught(
    recipe: Recipe, config: TextConfig, student: HtrJand, ctc: CtcObjective, course: Course | None
) -> tuple[nn.Module, Objective, int]:
    """The network to train, its objective, and the pixels of the widest frame that a target must fit.

    Raises:
        RecipeError: the Teacher does not fit.
        TrainingError: it is not the one that the run was begun with.
    """
    section = recipe.distillation
    if section is None:
        return student, ctc, config.stride
    settings = DistillationSettings(
        weights=WeightPlan(alpha=section.alpha, gamma=section.gamma, delta=recipe.objective.auxiliary_weight),
        **section.model_dump(include={f.name for f in fields(DistillationSettings)} - {"weights"}),
    )
    loss = StudentLoss(ctc=ctc, settings=settings, course=course)
    if section.joint is not None:
        torch.manual_seed(seed_for("teacher", recipe.seed))
        joint = section.joint
        if network_config(joint.name, joint.options).height != config.image.height:
            raise RecipeError(
                f"distillation.joint: {joint.name} does not read lines {config.image.height} px high"
            )
        beside = build_network(joint.name, config.vocabulary.num_classes, joint.options)
        stride = max(config.stride, beside.stride)
        return StudentAndTeacher([student, beside]), JointDistillation(loss), stride
    trained = _teacher_of_the_run(recipe, config)
    alike = recipe.augmentation.preset == "none" and not recipe.synthetic and not recipe.curriculum
    teacher = FrozenTeacher(trained, remember=section.remember_mb * 2**20 if alike else 0)
    return student, Distillation(loss, teacher), max(config.stride, trained.stride)


def _teacher_of_the_run(recipe: Recipe, config: TextConfig) -> HtrJand:
    teacher = _trained_teacher(recipe)
    assert teacher is not None
    known = _text_config_of(teacher)
    check_teacher(known, config)
    if config.recipe != (found := _told_recipe(recipe, teacher)):
        raise TrainingError(
            f"distillation.teacher: {known.name} is not the Teacher that the run was begun with: "
            f"{found} now, {config.recipe} then"
        )
    network = line_network_of(known)
    teacher.put_into(network)
    return network


def _training_lines(
    recipe: Recipe,
    config: TextConfig,
    lines: Lines,
    ctc: CtcObjective,
    course: Course | None,
    augmentation: Augmentation,
) -> TrainingLines:
    balance = None
    if recipe.balance is not None:
        texts = [ctc.vocab.restrict(ctc.normalization(sample.text)) for sample in lines.samples]
        weights = character_weights(texts, epsilon=recipe.balance.epsilon)
        balance = balance_of(texts, weights, most=recipe.balance.max_weight)
    synthetic = None
    if recipe.synthetic is not None:
        lacking = Lacking(config.vocabulary, config.normalization)
        synthetic = synthetic_lines(recipe.synthetic, config.image, recipe.seed, lines.samples, lacking)
    return TrainingLines(
        samples=lines.samples,
        widths=lines.widths,
        spec=config.image,
        augmentation=augmentation,
        seed=recipe.seed,
        synthetic=synthetic,
        synthetic_share=recipe.synthetic.share if recipe.synthetic else 0.0,
        balance=balance,
        course=course,
    )


def _min_width(text: str, objective: CtcObjective, stride: int) -> int:
    """The prepared pixels that a text's CTC target needs; at least one frame."""
    return stride * max(1, min_frames(objective.encode(text)))


@dataclass(frozen=True, slots=True)
class _LineReader:
    """Measures a line network: loss and scores of greedy reading, and what its confidences are worth."""

    config: TextConfig
    network: nn.Module
    objective: CtcObjective
    lines: ValidationLines
    batch_size: int

    @torch.inference_mode()
    def __call__(self, device: torch.device) -> Validation:
        """A validation of the network as it stands."""
        self.network.train(False)
        began = time.monotonic()
        read: dict[int, Outcome] = {}
        loss, num_fitting = 0.0, 0
        for indices, batch in self.lines.batches(self.batch_size):
            on_device = batch.to(device)
            output = self.network(on_device.images, on_device.widths)
            of_batch, fitting = _loss(self.objective, output, batch.texts)
            loss, num_fitting = loss + of_batch, num_fitting + fitting
            logits, lengths = output.logits.float().cpu().numpy(), output.lengths.tolist()
            for row, index in enumerate(indices):
                read[index] = self._read(logits[row, : lengths[row]], self.lines.samples[index].key)
        return self._scored(read, loss / max(1, num_fitting), time.monotonic() - began)

    def _read(self, logits: NDArray[np.float32], key: str) -> Outcome:
        """One line, as the exported model will read it, but for places."""
        stride = self.config.stride
        path = best_path(logits)
        reading = raw_reading(path, self.config, pixels_per_frame=stride, width=stride * len(logits))
        return outcome_of(key, reading.text, reading)

    def _scored(self, read: dict[int, Outcome], loss: float, seconds: float) -> Validation:
        pairs = {
            index: LinePair(self.lines.samples[index].text, outcome.text) for index, outcome in read.items()
        }
        by_dataset: dict[str, list[LinePair]] = {}
        for index, pair in pairs.items():
            by_dataset.setdefault(self.lines.samples[index].dataset, []).append(pair)
        total = self._score(list(pairs.values()))
        sets = {name: self._score(of_set) for name, of_set in sorted(by_dataset.items())}
        scores = {
            **{"n": total.n, "cer": total.cer, "wer": total.wer, "ser": total.ser},
            "sets": {name: {"n": of_set.n, "cer": of_set.cer} for name, of_set in sets.items()},
        }
        first = pairs[0]
        return Validation(
            loss=loss,
            measure="CER",
            error=total.cer,
            scores=scores,
            example=(first.reference, first.hypothesis),
            seconds=seconds,
            calibration={"best-path": self._calibration(read)},
        )

    def _calibration(self, read: dict[int, Outcome]) -> Calibration:
        lines = []
        for index, outcome in read.items():
            sample = self.lines.samples[index]
            reference = self.config.normalization(sample.text)
            lines.append(ClaimedLine(reference, outcome.text, outcome, page_of(sample)))
        return fit_calibration(lines)

    def _score(self, pairs: Sequence[LinePair]) -> TextScores:
        return score_lines(pairs, normalization=self.objective.normalization)


def _loss(objective: CtcObjective, output: LineOutput, texts: Sequence[str]) -> tuple[float, int]:
    """Summed over the lines whose targets fit their frames, and how many; the others count in error rates alone."""
    lengths = output.lengths.tolist()
    rows = [i for i, text in enumerate(texts) if min_frames(objective.encode(text)) <= lengths[i]]
    if not rows:
        return 0.0, 0
    auxiliary = None if output.auxiliary is None else output.auxiliary[rows]
    fitting = LineOutput(output.logits[rows], output.lengths[rows], auxiliary, None)
    return float(objective.of_output(fitting, [texts[i] for i in rows], done=1.0).total), len(rows)

"""Training readers of lines: alphabet, network, objective and lines of a recipe, and their validation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from amanuensis.decoding import best_path, min_frames
from amanuensis.errors import RecipeError
from amanuensis.images import AUGMENTATIONS, IMAGE_SPECS
from amanuensis.language import CharacterTable, TextNormalization, unify
from amanuensis.metrics import LinePair, TextScores, score_lines
from amanuensis.models import LineOutput, build_network, network_config, num_parameters
from amanuensis.randomness import seed_for
from amanuensis.recognition import Architecture, ModelConfig, TextConfig, TrainingData
from amanuensis.training.lines import TrainingLines, ValidationLines
from amanuensis.training.objectives import CtcObjective
from amanuensis.training.progress import Console
from amanuensis.training.recipe import Recipe
from amanuensis.training.sources import Lines, Sources, fitting, readable, synthetic_lines
from amanuensis.training.task import Parts, named, versions
from amanuensis.training.validation import Validation
from amanuensis.training.weights import Start, line_network_of

PRINTABLE_ASCII = "".join(map(chr, range(0x20, 0x7F)))


def model_config(recipe: Recipe, sources: Sources, start: Start | None, console: Console) -> TextConfig:
    """What the run's model will be: alphabet (D6), network, image spec; the start model's where there is one.

    Raises:
        RecipeError: the recipe names no network and no model to start from is given, or they contradict.
    """
    told = None if start is None else _text_config_of(start)
    normalization = told.normalization if told else TextNormalization(form=recipe.text.form)
    texts = [normalization(sample.text) for sample in sources.train]
    if recipe.synthetic:
        # A corpus may hold what the lines lack; each printable character is let in once, however rare.
        texts += [PRINTABLE_ASCII] * recipe.text.min_count
    vocab, removed = unify(texts, recipe.text.min_count)
    keys = (sample.key for sample in sources.train)
    known = told.vocabulary if told else vocab
    table = CharacterTable.compare(zip(keys, texts, strict=False), known)
    console.say(f"characters that are new, missing or rare in train:\n{table}")
    if removed and not told:
        console.say(
            f"left out of the alphabet: {len(removed)} characters seen fewer than {recipe.text.min_count} times"
        )
    architecture = _architecture(recipe, told)
    if told:
        vocab = told.vocabulary.union(vocab)
    network = build_network(architecture.name, vocab.num_classes, architecture.options)
    card = recipe.card
    return TextConfig(
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
        recipe=recipe.description,
        versions=versions(),
    )


def _text_config_of(start: Start) -> TextConfig:
    if not isinstance(start.config, TextConfig):
        raise RecipeError(f"{start.config.name} reads formulas; start from a model that reads lines")
    return start.config


def _architecture(recipe: Recipe, start: TextConfig | None) -> Architecture:
    network = recipe.network
    if start is None:
        if network is None:
            raise RecipeError("this recipe fine-tunes: say which model with --from MODEL")
        height = named(IMAGE_SPECS, recipe.image.spec, "image.spec").height
        if network_config(network.name, network.options).height != height:
            raise RecipeError(
                f"network.name: {network.name} does not read lines {height} px high; change image.spec"
            )
        return Architecture(network.name, network.options)
    told = start.architecture
    if network is not None and network.name != told.name:
        raise RecipeError(f"network.name: {network.name}, but {start.name} is a {told.name}")
    return Architecture(told.name, {**told.options, **(network.options if network else {})})


def assemble(recipe: Recipe, config: ModelConfig, sources: Sources, console: Console) -> Parts:
    """Network, objective and lines; and the lines that are not used, with reasons."""
    assert isinstance(config, TextConfig)
    torch.manual_seed(seed_for("network", recipe.seed))
    network = line_network_of(config)
    objective = CtcObjective(
        config.vocabulary,
        config.normalization,
        auxiliary_weight=recipe.objective.auxiliary_weight,
        auxiliary_start=recipe.objective.auxiliary_start,
        auxiliary_warmup=recipe.objective.auxiliary_warmup,
    )
    console.say(f"opening {len(sources.train) + len(sources.val)} images once")
    train_lines, unreadable = readable(sources.train, config.image, "train")
    val_lines, val_unreadable = readable(sources.val, config.image, "val")
    train_lines, too_long = fitting(
        train_lines, lambda text: _min_width(text, objective, config.stride), "train"
    )
    val = ValidationLines(val_lines.samples, val_lines.widths, config.image)
    left_out = [*sources.problems, *unreadable, *val_unreadable, *too_long]
    reader = _LineReader(network, objective, val, recipe.training.batch_size)
    train = _training_lines(recipe, config, train_lines)
    return Parts(network, objective, train, reader, len(val.samples), left_out)


def _training_lines(recipe: Recipe, config: TextConfig, lines: Lines) -> TrainingLines:
    return TrainingLines(
        samples=lines.samples,
        widths=lines.widths,
        spec=config.image,
        augmentation=named(AUGMENTATIONS, recipe.augmentation.preset, "augmentation.preset"),
        seed=recipe.seed,
        synthetic=synthetic_lines(recipe.synthetic, config.image, recipe.seed),
        synthetic_share=recipe.synthetic.share if recipe.synthetic else 0.0,
    )


def _min_width(text: str, objective: CtcObjective, stride: int) -> int:
    """The prepared pixels that a text's CTC target needs; at least one frame."""
    return stride * max(1, min_frames(objective.encode(text)))


@dataclass(frozen=True, slots=True)
class _LineReader:
    """Measures a line network: loss and scores of greedy reading."""

    network: nn.Module
    objective: CtcObjective
    lines: ValidationLines
    batch_size: int

    @torch.inference_mode()
    def __call__(self, device: torch.device) -> Validation:
        """A validation of the network as it stands."""
        self.network.eval()
        began = time.monotonic()
        pairs: dict[int, LinePair] = {}
        loss = 0.0
        for indices, batch in self.lines.batches(self.batch_size):
            on_device = batch.to(device)
            output = self.network(on_device.images, on_device.widths)
            loss += _loss(self.objective, output, batch.texts)
            logits, lengths = output.logits.float().cpu().numpy(), output.lengths.tolist()
            for row, index in enumerate(indices):
                tokens = best_path(logits[row, : lengths[row]]).tokens
                pairs[index] = LinePair(batch.texts[row], self.objective.vocab.decode(tokens))
        return self._scored(pairs, loss / max(1, len(pairs)), time.monotonic() - began)

    def _scored(self, pairs: dict[int, LinePair], loss: float, seconds: float) -> Validation:
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
        )

    def _score(self, pairs: Sequence[LinePair]) -> TextScores:
        return score_lines(pairs, normalization=self.objective.normalization)


def _loss(objective: CtcObjective, output: LineOutput, texts: Sequence[str]) -> float:
    """Summed over the lines whose targets fit their frames; the others count in the error rates alone."""
    lengths = output.lengths.tolist()
    rows = [i for i, text in enumerate(texts) if min_frames(objective.encode(text)) <= lengths[i]]
    auxiliary = None if output.auxiliary is None else output.auxiliary[rows]
    fitting = LineOutput(output.logits[rows], output.lengths[rows], auxiliary, None)
    return float(objective.of_output(fitting, [texts[i] for i in rows], done=1.0).total) if rows else 0.0

"""Training readers of formulas: vocabulary, network, objective and formulas of a recipe, and their validation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from amanuensis.data.captions import captioned
from amanuensis.decoding.attention import search
from amanuensis.errors import DataError, RecipeError
from amanuensis.images import load_image
from amanuensis.images.formula import FormulaSpec, prepare_formula
from amanuensis.latex import TokenVocab
from amanuensis.metrics import FormulaPair, score_formulas
from amanuensis.models import (
    BttrConfig,
    FormulaConfig,
    FormulaNetwork,
    build_formula_network,
    formula_network_config,
    num_parameters,
)
from amanuensis.randomness import seed_for
from amanuensis.recognition import MathConfig, ModelConfig, TrainingData, find_model
from amanuensis.records import Sample
from amanuensis.training.exchange import SymbolStock
from amanuensis.training.export_formula import TorchFormulaRuntime, released
from amanuensis.training.formula_losses import PAPER, PER_TOKEN
from amanuensis.training.formula_objectives import (
    DeepMutualLearning,
    FormulaLearning,
    FormulaObjective,
    KdclNaive,
    KnowledgeDistillation,
    Peers,
)
from amanuensis.training.formula_terms import FormulaTerms
from amanuensis.training.formulas import Formulas, TrainingFormulas, ValidationFormulas, opened
from amanuensis.training.guidance import Guidance
from amanuensis.training.progress import Console
from amanuensis.training.recipe import FormulaSection, Recipe, expand
from amanuensis.training.sources import LeftOut, Sources, read_sources
from amanuensis.training.task import Parts, check_frozen, check_left, chosen_architecture, named, versions
from amanuensis.training.validation import Validation
from amanuensis.training.weights import Start, formula_network_of, load_network

FORMULA_SPECS = {"full": FormulaSpec(), "half": FormulaSpec(scale=0.5)}
PROFILES = {"paper": PAPER, "per_token": PER_TOKEN}


def read_samples(recipe: Recipe) -> Sources:
    """The formulas of a recipe, their texts as captions; those that no caption can say are left out, by name.

    Raises:
        DataError: as `read_sources`; or no text can be said.
    """
    sources = read_sources(recipe.data, recipe.seed)
    train, odd = _captioned(sources.train, "train")
    val, odd_val = _captioned(sources.val, "val")
    if not train or not val:
        first = (*odd, *odd_val)[0]
        raise DataError(f"no formula is left to train or to validate on; {first.key}: {first.reason}")
    return replace(sources, train=train, val=val, problems=(*sources.problems, *odd, *odd_val))


def _captioned(samples: Sequence[Sample], split: str) -> tuple[tuple[Sample, ...], list[LeftOut]]:
    good: list[Sample] = []
    bad: list[LeftOut] = []
    for sample in samples:
        try:
            good.append(captioned(sample))
        except DataError as error:
            bad.append(LeftOut(sample.key, str(error), split))
    return tuple(good), bad


def model_config(recipe: Recipe, sources: Sources, start: Start | None, console: Console) -> MathConfig:
    """What the run's model will be: vocabulary, network, image spec; the start model's where there is one.

    Raises:
        RecipeError: the recipe names no network and no model to start from is given, or they contradict.
    """
    if start is not None and recipe.formula.trains_two:
        raise RecipeError(
            f"formula.method: {recipe.formula.method!r} trains two networks from scratch; leave --from out"
        )
    told = None if start is None else _math_config_of(start)
    vocab = (
        told.vocabulary if told else TokenVocab.from_captions(sample.text.split() for sample in sources.train)
    )
    console.say(f"{len(vocab)} tokens in the captions of {len(sources.train)} formulas")
    architecture = chosen_architecture(recipe, told)
    network = build_formula_network(architecture.name, vocab.num_classes, architecture.options)
    card = recipe.card
    return MathConfig(
        name=card.name or (f"{told.name}-tuned" if told else architecture.name),
        description=card.description,
        architecture=architecture,
        vocabulary=vocab,
        image=told.image if told else named(FORMULA_SPECS, recipe.image.spec, "image.spec"),
        stride=network.stride,
        parameters=num_parameters(network),
        languages=tuple(card.languages),
        data=tuple(TrainingData(credit.name, credit.licence) for credit in card.data),
        licence=card.licence,
        recipe=recipe.description,
        versions=versions(),
    )


def _math_config_of(start: Start) -> MathConfig:
    if not isinstance(start.config, MathConfig):
        raise RecipeError(f"{start.config.name} reads lines of text; start from a model that reads formulas")
    return start.config


def assemble(recipe: Recipe, config: ModelConfig, sources: Sources, console: Console) -> Parts:
    """Network, objective and formulas; and the formulas that are not used, with reasons."""
    assert isinstance(config, MathConfig)
    torch.manual_seed(seed_for("network", recipe.seed))
    network: nn.Module = formula_network_of(config)
    if recipe.formula.trains_two:
        network = Peers([network, formula_network_of(config)])
    check_frozen(recipe, network)
    objective = formula_objective(recipe.formula, config)
    console.say(f"opening {len(sources.train) + len(sources.val)} pictures once")
    train, unreadable = opened(sources.train, config.image, "train")
    train, unknown = _writable(train, config.vocabulary, "train")
    val, val_unreadable = opened(_fixed_part(sources.val, recipe.formula.validate_on), config.image, "val")
    writable, unwritable = _writable(val, config.vocabulary, "val")
    left_out = [*sources.problems, *unreadable, *unknown, *val_unreadable]
    check_left(len(train.samples), len(writable.samples), [*left_out, *unwritable])
    source = TrainingFormulas(
        train,
        config.image,
        recipe.seed,
        recipe.formula.distort,
        [(phase.epochs, phase.max_tokens) for phase in recipe.formula.phases],
        places=recipe.formula.guidance is not None,
        stock=SymbolStock.of(train.samples) if recipe.formula.exchange else None,
        exchange=recipe.formula.exchange,
        excerpts=recipe.formula.excerpts,
    )
    measured = (ValidationFormulas(formulas, config.image) for formulas in (val, writable))
    reader = _FormulaReader(network, config, objective, *measured)
    return Parts(network, objective, source, reader, len(val.samples), left_out)


def formula_objective(section: FormulaSection, config: MathConfig) -> FormulaLearning:
    """The objective of a recipe's `[formula]`, for a network of that configuration.

    Raises:
        RecipeError: the teacher does not fit.
        ModelError: the teacher cannot be read.
    """
    architecture = config.architecture
    network = formula_network_config(architecture.name, architecture.options)
    terms = _terms(section, config, network)
    if section.method == "kd":
        assert section.teacher is not None
        return KnowledgeDistillation(terms, _teacher(section.teacher, config))
    if section.method == "dml":
        return DeepMutualLearning(terms=terms, l2_weight=section.l2_weight or 0.0)
    if section.method == "kdcl":
        return KdclNaive(terms=terms)
    direction = section.direction or "literal"
    return FormulaObjective(terms=terms, detach=bool(section.detach), direction=direction)


def _guidance(section: FormulaSection, config: MathConfig) -> Guidance | None:
    if section.guidance is None:
        return None
    return Guidance(
        weight=section.guidance,
        until=section.guidance_until,
        stride=config.stride,
        mean_steps=PROFILES[section.profile].mean_steps,
    )


def _terms(section: FormulaSection, config: MathConfig, network: FormulaConfig) -> FormulaTerms:
    backwards = network.reversed_branches if isinstance(network, BttrConfig) else ()
    return FormulaTerms(
        vocab=config.vocabulary,
        classification=section.classification,
        profile=replace(PROFILES[section.profile], weight=section.mutual),
        temperature=section.temperature,
        reversed_branches=backwards * (2 if section.trains_two else 1),
        guidance=_guidance(section, config),
    )


def _teacher(name: str, student: MathConfig) -> nn.Module:
    """The network of a trained model that can answer for a student: same tokens, same pictures."""
    config, network = load_network(Path(find_model(expand(name))))
    if not isinstance(config, MathConfig):
        raise RecipeError(
            f"formula.teacher: {config.name} reads lines of text; name a model that reads formulas"
        )
    if config.vocabulary.symbols != student.vocabulary.symbols:
        raise RecipeError(
            f"formula.teacher: {config.name} writes other tokens than the captions to train on hold"
        )
    if config.image != student.image:
        raise RecipeError(
            f"formula.teacher: {config.name} was trained on pictures of another spec; image.spec must be its own"
        )
    return network


def _writable(formulas: Formulas, vocab: TokenVocab, split: str) -> tuple[Formulas, list[LeftOut]]:
    """The formulas whose captions the vocabulary can write; a model that is fine-tuned keeps its own."""
    kept: list[int] = []
    left_out: list[LeftOut] = []
    for index, sample in enumerate(formulas.samples):
        if missing := sorted({token for token in sample.text.split() if token not in vocab}):
            reason = f"the model cannot write {', '.join(missing)}"
            left_out.append(LeftOut(sample.key, reason, split))
        else:
            kept.append(index)
    return Formulas(
        tuple(formulas.samples[i] for i in kept), tuple(formulas.sizes[i] for i in kept)
    ), left_out


def _fixed_part(samples: tuple[Sample, ...], most: int) -> list[Sample]:
    """At most so many samples, the same ones each time: drawn by their keys alone."""
    ranked = sorted(samples, key=lambda sample: seed_for("validation", sample.key))
    return ranked[:most]


@dataclass(frozen=True, slots=True)
class _FormulaReader:
    """Measures a formula network: scores of the first branch's greedy reading (C24), and loss of all branches.

    A caption that the vocabulary cannot write counts in the scores alone: the loss is of those in `writable`.
    """

    network: nn.Module
    config: MathConfig
    objective: FormulaLearning
    formulas: ValidationFormulas
    writable: ValidationFormulas

    @torch.inference_mode()
    def __call__(self, device: torch.device) -> Validation:
        """A validation of the network as it stands."""
        self.network.train(False)
        began = time.monotonic()
        pairs = self._read()
        scores = score_formulas(pairs)
        loss = self._loss(device)
        rates = scores.by_token
        shown = next((pair for pair in pairs if len(pair.reference) > 8), pairs[0])
        return Validation(
            loss=loss,
            measure="WER",
            error=scores.wer,
            scores={
                "n": scores.n,
                "wer": scores.wer,
                "exprate": rates.exprate.ratio,
                "exprate_1": rates.exprate_1.ratio,
                "exprate_2": rates.exprate_2.ratio,
            },
            example=(" ".join(shown.reference), " ".join(shown.hypothesis or ())),
            seconds=time.monotonic() - began,
        )

    def _read(self) -> list[FormulaPair]:
        reading = released(self.network)
        assert isinstance(reading, FormulaNetwork)
        runtime = TorchFormulaRuntime(self.config, reading)
        pairs = []
        for sample in self.formulas.formulas.samples:
            decoder = runtime.decoder(prepare_formula(load_image(sample.image), self.config.image))
            best = search(decoder, self.config.decoder.settings())[0]
            read = self.config.vocabulary.decode(best.tokens)
            pairs.append(FormulaPair(tuple(sample.text.split()), read))
        return pairs

    def _loss(self, device: torch.device) -> float:
        total = 0.0
        for batch in self.writable.batches(8):
            output, _ = self.objective.terms.run(self.network, batch.to(device))
            total += float(self.objective.of_output(output, batch.texts).total)
        return total / len(self.writable.formulas.samples)

"""Language models that read lines along: where they lie, how much they weigh (our addition; neither paper has one).

A model's `config.json` holds a decoder for every language that was tuned on validation lines (`amanuensis lm tune`):
the language model's name, its weight, the search. The name is a file in the model folder, or one of the language models
that come with the package. A language is used when it is known: the user says it, or the model reads only that one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from amanuensis.decoding.fusion import CharacterFusion, WordFusion
from amanuensis.errors import ModelError
from amanuensis.language import NGramModel, Unit, Vocab
from amanuensis.recognition.config import TextConfig
from amanuensis.recognition.decoder import Decoder

NO_LANGUAGE_MODEL = "none"
SHIPPED_LANGUAGE_MODELS = Path(__file__).parent / "languages"
_SUFFIX = ".lm"


@dataclass(frozen=True, slots=True)
class LineOptions:
    """What a user may ask of the search for a line's text; None leaves it to the model.

    Attributes:
        method: "best-path" or "prefix-beam".
        language: ISO 639-3 code, such as "fra".
        language_model: a file, the name of a shipped language model, or "none".
        language_weight: how much it counts.
        length_bonus: what every character is worth, as it costs something by the language model.
        change_margin: what every word that the language model changes must gain.
        word_model: a file: a language model of words, beside the one of characters.
        word_weight: how much that counts.
    """

    method: str | None = None
    language: str | None = None
    language_model: str | None = None
    language_weight: float | None = None
    length_bonus: float | None = None
    change_margin: float | None = None
    word_model: str | None = None
    word_weight: float | None = None


def shipped_language_models() -> dict[str, Path]:
    """The language models of characters that come with the package, by language, sorted."""
    return {path.stem: path for path in sorted(SHIPPED_LANGUAGE_MODELS.glob(f"*{_SUFFIX}"))}


def language_model_files(config: TextConfig) -> set[str]:
    """The names of language models that a model's decoders may take from its own folder."""
    decoders = (config.decoder, *config.language_decoders.values())
    names = {name for decoder in decoders for name in (decoder.language_model, decoder.word_model)}
    return {name for name in names if name and Path(name).name == name}  # no path out of the folder


def chosen_decoder(config: TextConfig, options: LineOptions) -> Decoder:
    """The search that a user asks for.

    Raises:
        ModelError: no decoder is tuned for the language; a language model without a weight, or a weight, length bonus
            or margin without a language model; or an impossible value.
    """
    _check_best_path(options)
    decoder = _decoder_of_language(config, options)
    if options.language_model == NO_LANGUAGE_MODEL:
        if options.language_weight:
            raise ModelError(f"a language model weighs {options.language_weight:g}, but none is to be used")
        decoder = config.decoder.without_language()
    elif options.language_model is not None:
        decoder = replace(decoder, method="prefix-beam", language_model=options.language_model)
    if options.language_weight is not None:
        decoder = replace(decoder, language_weight=options.language_weight)
    if options.length_bonus is not None:
        decoder = replace(decoder, length_bonus=options.length_bonus)
    if options.change_margin is not None:
        decoder = replace(decoder, change_margin=options.change_margin)
    if options.word_model is not None:
        decoder = replace(decoder, word_model=options.word_model)
    if options.word_weight is not None:
        decoder = replace(decoder, word_weight=options.word_weight)
    if options.method is not None:
        decoder = decoder.searching(options.method)
    if options.length_bonus and not decoder.language_model:
        raise ModelError(
            f"a character is worth {options.length_bonus:g} beside a language model only, and none reads along "
            f"(--language, --lm)"
        )
    if options.change_margin and not decoder.language_model:
        raise ModelError(
            f"a change has to gain {options.change_margin:g} beside a language model only, and none reads along "
            f"(--language, --lm)"
        )
    _check_complete(decoder)
    return decoder


def _check_best_path(options: LineOptions) -> None:
    """What the best path does not look at is not taken silently."""
    model = None if options.language_model == NO_LANGUAGE_MODEL else options.language_model
    given = (
        model,
        options.language_weight,
        options.length_bonus,
        options.change_margin,
        options.word_model,
        options.word_weight,
    )
    if options.method == "best-path" and any(given):
        raise ModelError(
            "on the best path no language model reads along, and nothing of it has a weight: leave that out, or take "
            "--decoder prefix-beam"
        )


def _decoder_of_language(config: TextConfig, options: LineOptions) -> Decoder:
    tuned = config.language_decoders
    if options.language is None:
        only = config.languages[0] if len(config.languages) == 1 else None
        return tuned.get(only, config.decoder) if only else config.decoder
    if options.language in tuned:
        return tuned[options.language]
    if options.language_model is not None:  # the user knows what he wants
        return config.decoder
    there = f"there are: {', '.join(tuned)}" if tuned else "there is none"
    raise ModelError(
        f"{config.name} has no language model tuned for {options.language!r} ({there}). Tune one on lines of your own "
        f"(amanuensis lm tune), name one with its weight (--lm, --lm-weight), or read without --language"
    )


def _check_complete(decoder: Decoder) -> None:
    pairs = (
        (decoder.language_model, decoder.language_weight, "--lm-weight, about 0.05 to 0.5"),
        (decoder.word_model, decoder.word_weight, "--words-weight, about 0.05 to 0.5"),
    )
    for name, weight, option in pairs:
        if name and not weight:
            raise ModelError(
                f"{name}: how much is it to weigh? Say so ({option}), or find out with `amanuensis lm tune`"
            )
        if weight and not name:
            raise ModelError(
                f"a language model weighs {weight:g}, but none is named (--language, --lm, --words)"
            )


def tuned_search(decoder: Decoder, beam: int | None = None) -> Decoder:
    """The beam that weights are tried with: narrow and pruned hard, as it costs little CER and saves half the time."""
    return replace(decoder, beam=beam or 16, prune=0.01)


def find_language_model(name: str, folder: Path | None = None) -> Path:
    """The file of a language model.

    Args:
        name: a file in the model folder, the name of a shipped language model, or a path.
        folder: the model folder.

    Raises:
        ModelError: there is none.
    """
    shipped = shipped_language_models()
    places = [*([folder / name] if folder else []), *([shipped[name]] if name in shipped else []), Path(name)]
    for place in places:
        if place.is_file():
            return place
    raise ModelError(
        f"{name}: no such language model: neither a file nor one that comes along ({', '.join(shipped) or 'none'})"
    )


@dataclass(frozen=True, slots=True)
class LineLanguage:
    """What reads lines along: a model of characters, and perhaps one of words."""

    characters: NGramModel
    words: NGramModel | None = None


def open_language(decoder: Decoder, folder: Path) -> LineLanguage | None:
    """What a decoder names; None if it names nothing.

    Raises:
        ModelError: it is not there, cannot be read, or is of other symbols.
    """
    if not decoder.language_model:
        return None
    characters = _open(find_language_model(decoder.language_model, folder), "characters")
    if not decoder.word_model:
        return LineLanguage(characters)
    return LineLanguage(characters, _open(find_language_model(decoder.word_model, folder), "words"))


def _open(path: Path, unit: Unit) -> NGramModel:
    model = NGramModel.load(path)
    if model.unit != unit:
        raise ModelError(f"{path}: a language model of {model.unit}; one of {unit} is needed here")
    return model


def scorer_of(decoder: Decoder, language: LineLanguage, vocabulary: Vocab) -> CharacterFusion | WordFusion:
    """The language models as a search asks them.

    Raises:
        ModelError: the one of characters knows hardly a symbol of the vocabulary.
    """
    model = language.characters
    known = [symbol for symbol in model.symbols if symbol in vocabulary]
    if 2 * len(known) < min(len(model.symbols), len(vocabulary)):
        raise ModelError(
            f"{decoder.language_model}: this language model knows {len(known)} of the {len(vocabulary)} characters "
            f"that the network writes; is it of another script?"
        )
    characters = CharacterFusion(
        model, vocabulary, weight=decoder.language_weight, bonus=decoder.length_bonus
    )
    if not decoder.word_model:
        return characters
    if language.words is None:
        raise ModelError(f"no language model {decoder.word_model} is given")
    return WordFusion(
        characters,
        language.words,
        vocabulary,
        weight=decoder.word_weight,
        unknown=decoder.unknown_word,
    )

"""A model's `config.json`: all that reading with it and training on from it need, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from amanuensis.errors import ModelError, VocabularyError
from amanuensis.images import ImageSpec
from amanuensis.images.formula import FormulaSpec
from amanuensis.language import TextNormalization, Vocab
from amanuensis.latex import TokenVocab
from amanuensis.recognition.calibration import Calibration
from amanuensis.recognition.decoder import Decoder
from amanuensis.recognition.formula_decoder import FormulaDecoder

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network's name in `amanuensis.models.NETWORKS`, and the options that differ from its defaults."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A data set that a model learned from, and the licence it was given under."""

    name: str
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """What a model is, whatever it reads; `TextConfig` and `MathConfig` add what their tasks need.

    Attributes:
        name: what users call it.
        description: one or two sentences: which hands, which times.
        architecture: the network that `model.safetensors` belongs to.
        stride: prepared pixels per frame (time step) of a line, per cell of a formula's map.
        languages: ISO 639-3 codes.
        data: what it learned from.
        licence: of the weights, an SPDX identifier.
        scores: by split and set; ratios, not percent.
        recipe: the whole recipe of its training, or its name.
        versions: of the software that trained it.
        parameters: trainable ones, as trained.
    """

    task: ClassVar[str]

    name: str
    architecture: Architecture
    stride: int
    parameters: int
    description: str = ""
    languages: tuple[str, ...] = ()
    data: tuple[TrainingData, ...] = ()
    licence: str = ""
    scores: Mapping[str, Any] = field(default_factory=dict)
    recipe: str | Mapping[str, Any] = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As stored in `config.json`."""
        return {
            "format": FORMAT,
            "name": self.name,
            "description": self.description,
            "task": self.task,
            "architecture": {"name": self.architecture.name, "options": dict(self.architecture.options)},
            "parameters": self.parameters,
            "stride": self.stride,
            **self._own_to_dict(),
            "languages": list(self.languages),
            "licence": self.licence,
            "data": [{"name": data.name, "licence": data.licence} for data in self.data],
            "scores": dict(self.scores),
            "recipe": self.recipe if isinstance(self.recipe, str) else dict(self.recipe),
            "versions": dict(self.versions),
        }

    def _own_to_dict(self) -> dict[str, Any]:
        raise TypeError("a config is a TextConfig or a MathConfig")

    @staticmethod
    def from_dict(stored: Mapping[str, Any]) -> TextConfig | MathConfig:
        """The inverse of `to_dict`: the config of the task that is stored.

        Raises:
            ModelError: another format or task, a key missing or unknown, or a value of another kind.
        """
        task = stored.get("task")
        if stored.get("format") == FORMAT and task not in _OWN_PARSERS:
            raise ModelError(f"'task': this version reads models of {', '.join(_OWN_PARSERS)}, not {task!r}")
        parsers = {**_PARSERS, **_OWN_PARSERS.get(str(task), {})}
        _check_keys(stored, parsers)
        values = {key: _parsed(parsers[key], key, stored[key]) for key in parsers if key in stored}
        return TextConfig(**values) if task == "text" else MathConfig(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig(ModelConfig):
    """A reader of lines.

    Attributes:
        vocabulary: the symbols it can write; its outputs are these and the blank.
        image: how a picture becomes its input.
        normalization: how its training texts were spelt, and so how its readings are.
        decoder: the search that its scores were measured with.
        calibration: what its confidences are worth, by the decoder's mode.
        language_decoders: by ISO 639-3 code the search for lines of that language, with a language model.
    """

    task: ClassVar[str] = "text"

    vocabulary: Vocab
    image: ImageSpec
    normalization: TextNormalization = field(default_factory=TextNormalization)
    decoder: Decoder = field(default_factory=Decoder)
    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    language_decoders: Mapping[str, Decoder] = field(default_factory=dict)

    @property
    def chosen_calibration(self) -> Calibration:
        """That of the decoder's mode, or else of its method alone; one that changes nothing where none was fitted."""
        fallback = self.calibration.get(self.decoder.method, Calibration())
        return self.calibration.get(self.decoder.mode, fallback)

    def _own_to_dict(self) -> dict[str, Any]:
        return {
            "vocabulary": list(self.vocabulary.symbols),
            "image": self.image.to_dict(),
            "normalization": self.normalization.to_dict(),
            "decoder": self.decoder.to_dict(),
            "calibration": {mode: fitted.to_dict() for mode, fitted in self.calibration.items()},
            "language_decoders": {code: found.to_dict() for code, found in self.language_decoders.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MathConfig(ModelConfig):
    """A reader of formulas.

    Attributes:
        vocabulary: the tokens it can write, and the specials.
        image: how a bitmap or photo becomes its input.
        decoder: the search that its scores were measured with.
    """

    task: ClassVar[str] = "math"

    vocabulary: TokenVocab
    image: FormulaSpec
    decoder: FormulaDecoder = field(default_factory=FormulaDecoder)

    @property
    def normalization(self) -> TextNormalization:
        """How captions are spelt: tokens between single spaces, nothing else changed."""
        return TextNormalization()

    def _own_to_dict(self) -> dict[str, Any]:
        return {
            "vocabulary": list(self.vocabulary.symbols),
            "image": self.image.to_dict(),
            "decoder": self.decoder.to_dict(),
        }


def _check_keys(stored: Mapping[str, Any], parsers: Mapping[str, Any]) -> None:
    found = stored.get("format")
    if found != FORMAT:
        raise ModelError(f"its format is {found!r}; this version of amanuensis reads format {FORMAT}")
    known = {"format", "task", *parsers}
    if missing := sorted(known - set(stored) - _OPTIONAL):
        raise ModelError(f"missing: {', '.join(missing)}")
    if unknown := sorted(set(stored) - known):
        raise ModelError(f"unknown: {', '.join(unknown)}")


def _parsed(parse: Callable[[Any], Any], key: str, value: Any) -> Any:
    try:
        return parse(value)
    except (TypeError, ValueError, AttributeError, ModelError, VocabularyError) as error:
        raise ModelError(f"{key!r} is not what it should be: {error}") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is needed, not {value!r}")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise TypeError(f"a whole number of at least 1 is needed, not {value!r}")
    return value


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"a table is needed, not {value!r}")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"a list is needed, not {value!r}")
    return tuple(_text(item) for item in value)


def _architecture(value: Any) -> Architecture:
    _exactly(value, ("name", "options"))
    return Architecture(_text(value["name"]), _table(value["options"]))


def _data(value: Any) -> tuple[TrainingData, ...]:
    for item in value:
        _exactly(item, ("name", "licence"))
    return tuple(TrainingData(_text(item["name"]), _text(item["licence"])) for item in value)


def _exactly(value: Any, keys: tuple[str, ...]) -> None:
    if set(_table(value)) != set(keys):
        raise ValueError(f"the keys {', '.join(keys)} are needed, not {', '.join(map(str, value)) or 'none'}")


def _recipe(value: Any) -> str | dict[str, Any]:
    return value if isinstance(value, str) else _table(value)


def _language_decoders(value: Any) -> dict[str, Decoder]:
    return {_text(code): Decoder.from_dict(_table(stored)) for code, stored in _table(value).items()}


_Parsers = Mapping[str, Callable[[Any], Any]]
_PARSERS: _Parsers = {
    "name": _text,
    "description": _text,
    "architecture": _architecture,
    "parameters": _count,
    "stride": _count,
    "languages": _texts,
    "licence": _text,
    "data": _data,
    "scores": _table,
    "recipe": _recipe,
    "versions": _table,
}
_OWN_PARSERS: Mapping[str, _Parsers] = {
    "text": {
        "vocabulary": lambda value: Vocab(_texts(value)),
        "image": lambda value: ImageSpec.from_dict(_table(value)),
        "normalization": lambda value: TextNormalization.from_dict(_table(value)),
        "decoder": lambda value: Decoder.from_dict(_table(value)),
        "calibration": lambda value: {
            mode: Calibration.from_dict(_table(fitted)) for mode, fitted in _table(value).items()
        },
        "language_decoders": _language_decoders,
    },
    "math": {
        "vocabulary": lambda value: TokenVocab(_texts(value)),
        "image": lambda value: FormulaSpec.from_dict(_table(value)),
        "decoder": lambda value: FormulaDecoder.from_dict(_table(value)),
    },
}
_OPTIONAL = {"calibration", "language_decoders"}  # models from before they were kept have none
for _config in (TextConfig, MathConfig):
    assert {*_PARSERS, *_OWN_PARSERS[_config.task]} == {f.name for f in fields(_config)}

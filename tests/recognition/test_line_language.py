"""Which language model reads lines along: what a config holds, what a user asks for, what cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from amanuensis.errors import ModelError
from amanuensis.language import NGramModel
from amanuensis.recognition import (
    Decoder,
    LineEnsemble,
    LineOptions,
    ModelConfig,
    Recognizer,
    load_recognizer,
    write_model,
)
from amanuensis.recognition.language import chosen_decoder, shipped_language_models
from tiny_model import CONFIG, draw, graph

TUNED = Decoder(
    "prefix-beam", language_model="lm-eng.bin", language_weight=0.2, length_bonus=0.4, change_margin=0.1
)


def write(folder: Path, *, languages: tuple[str, ...] = ("eng", "fra")) -> Path:
    """A model that is tuned for English; its language model believes in "bb"."""
    config = replace(CONFIG, languages=languages, language_decoders={"eng": TUNED})
    model = NGramModel.train(["bb"] * 30 + ["ab é"], 3, unit="characters")
    return write_model(folder, config, {"model.onnx": graph(2.0), "lm-eng.bin": model.to_bytes()})


def test_a_language_is_used_when_it_is_known(tmp_path: Path) -> None:
    picture = draw("ab")
    model = write(tmp_path / "model")
    assert Recognizer.load(model).read(picture)[0].text == "ab"
    english = Recognizer.load(model, language="eng")
    assert english.config.decoder == TUNED
    weak = replace(TUNED, language_weight=0.01, length_bonus=0)
    assert english.searching(weak).read(picture)[0].text == "ab"
    strong = LineOptions(language="eng", language_weight=2.0, length_bonus=3.0)
    assert Recognizer.load(model, options=strong).read(picture)[0].text == "bb"
    careful = replace(strong, change_margin=50.0)
    assert Recognizer.load(model, options=careful).read(picture)[0].text == "ab"
    only = write(tmp_path / "only", languages=("eng",))
    assert Recognizer.load(only).config.decoder == TUNED
    assert Recognizer.load(only, options=LineOptions(language_model="none")).config.decoder == Decoder()


def test_a_config_with_decoders_of_languages_is_stored_and_one_without_is_read() -> None:
    config = replace(
        CONFIG, language_decoders={"eng": TUNED, "fra": replace(TUNED, word_model="w", word_weight=1)}
    )
    assert ModelConfig.from_dict(config.to_dict()) == config
    stored = config.to_dict()
    del stored["language_decoders"]
    assert ModelConfig.from_dict(stored).language_decoders == {}
    stored["language_decoders"] = {"eng": {"method": "best-path", "language_model": "x"}}
    with pytest.raises(ModelError, match="language_decoders"):
        ModelConfig.from_dict(stored)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (LineOptions(language="deu"), "no language model tuned for 'deu' .there are: eng"),
        (LineOptions(language_model="a.lm"), "how much is it to weigh"),
        (LineOptions(language_weight=0.2), "none is named"),
        (LineOptions(language_model="none", language_weight=0.2), "none is to be used"),
        (LineOptions(language="eng", word_model="w.lm"), "w.lm: how much"),
        (LineOptions(word_model="w.lm", word_weight=0.2), "needs one of characters"),
        (LineOptions(length_bonus=0.5), "none reads along"),
        (LineOptions("best-path", language="eng", length_bonus=0.5), "on the best path"),
        (LineOptions(change_margin=0.5), "0.5 beside a language model only"),
        (LineOptions("best-path", language="eng", change_margin=0.5), "on the best path"),
        (LineOptions(language="eng", change_margin=-1), "change_margin must be at least 0"),
        (LineOptions("best-path", language_weight=0.3), "on the best path"),
        (LineOptions("best-path", language_model="eng", language_weight=0.3), "on the best path"),
        (LineOptions("best-path", word_weight=0.3), "on the best path"),
        (LineOptions(language="eng", language_weight=-1), "at least 0"),
        (LineOptions(language="eng", language_weight=float("nan")), "at least 0"),
        (LineOptions(method="guess"), "no decoding method"),
    ],
)
def test_what_cannot_be_is_told(options: LineOptions, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        chosen_decoder(replace(CONFIG, languages=("eng", "fra"), language_decoders={"eng": TUNED}), options)


def test_a_weight_of_the_models_language_serves_another_file() -> None:
    config = replace(CONFIG, languages=("eng", "fra"), language_decoders={"eng": TUNED})
    chosen = chosen_decoder(config, LineOptions(language="eng", language_model="mine.lm"))
    assert chosen == replace(TUNED, language_model="mine.lm")
    assert chosen_decoder(config, LineOptions("best-path", language="eng")) == Decoder(prune=TUNED.prune)


def test_language_models_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    model = write(tmp_path / "model")
    NGramModel.train([["ab"]], 1, unit="words").save(tmp_path / "words.lm")
    NGramModel.train(["αβγδ εζ"], 2, unit="characters").save(tmp_path / "greek.lm")
    wrong = {"words.lm": "one of characters", "greek.lm": "another script", "gone.lm": "neither a file"}
    for name, message in wrong.items():
        with pytest.raises(ModelError, match=message):
            Recognizer.load(
                model, options=LineOptions(language_model=str(tmp_path / name), language_weight=1)
            )


def test_shipped_language_models_open_and_are_of_characters() -> None:
    for language, path in shipped_language_models().items():
        model = NGramModel.load(path)
        assert model.unit == "characters", language
        assert path.stat().st_size < 3_000_000


def test_beside_others_a_model_that_was_not_tuned_for_the_language_reads_by_its_own_search(
    tmp_path: Path, tiny_model: Path
) -> None:
    tuned = str(write(tmp_path / "tuned"))

    def decoders(*models: str, language: str, **options: Any) -> list[Decoder]:
        loaded = load_recognizer(models, lines=LineOptions(language=language, **options))
        assert isinstance(loaded, LineEnsemble)
        return [member.recognizer.config.decoder for member in loaded.members]

    special = f"{tiny_model}@eng"
    assert decoders(tuned, special, language="eng") == [TUNED, Decoder()]
    assert decoders(tuned, str(tiny_model), language="eng") == [TUNED, Decoder()]
    assert decoders(tuned, special, language="eng", language_weight=0.3) == [
        replace(TUNED, language_weight=0.3),
        Decoder(),
    ]
    assert decoders(special, language="eng") == [Decoder()]
    for options in ({"language_weight": 0.3}, {"length_bonus": 0.3}):
        with pytest.raises(ModelError, match=r"none is to be used|none reads along"):
            decoders(special, language="eng", **options)
    for models, combination in (
        ([tuned, str(tiny_model)], "vote"),  # nobody knows French: a slip
        ([tuned, special], "vote"),  # nor is the other one chosen by it
        ([str(tiny_model), tuned], "frames"),  # the first one searches
    ):
        language = "fra" if combination == "vote" else "eng"
        with pytest.raises(ModelError, match="no language model tuned for"):
            load_recognizer(models, lines=LineOptions(language=language), combination=combination)

"""The language model that reads formulas along (CATNet's "Ours-1-LM"; spec C37): where it is and how much it weighs.

A model folder may hold one as `lm.bin`; how much it weighs is `language_weight` of the model's decoder. Both can be
given for one reading. A model of characters or words is refused: its symbols are not the decoder's tokens.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from amanuensis.errors import ModelError
from amanuensis.language import NGramModel, NGramScorer
from amanuensis.latex import TokenVocab
from amanuensis.recognition.formula_decoder import FormulaDecoder

LANGUAGE_MODEL_FILE = "lm.bin"
NO_LANGUAGE_MODEL = "none"


def weighed(
    decoder: FormulaDecoder, language_model: Path | str | None, weight: float | None
) -> FormulaDecoder:
    """A model's decoder with the weight that a user asks for.

    Args:
        decoder: of the model.
        language_model: a file, "none", or None for the model's own.
        weight: None for the model's own, which is 0 with "none".

    Raises:
        ModelError: a file without a weight, a weight without a model, or an impossible weight.
    """
    if language_model == NO_LANGUAGE_MODEL:
        if weight:
            raise ModelError(f"a language model weighs {weight:g}, but none is to be used")
        weight = 0.0
    elif language_model is not None and weight is None and not decoder.language_weight:
        raise ModelError(
            f"{language_model}: how much is it to weigh? Say so (--lm-weight, about 0.05 to 0.5), "
            f"or find the best weight with `amanuensis lm tune`"
        )
    return decoder if weight is None else replace(decoder, language_weight=weight)


def find_language_model(
    folder: Path, decoder: FormulaDecoder, chosen: Path | str | None = None
) -> NGramModel | None:
    """The language model that a reading needs; None if it weighs nothing.

    Args:
        folder: a model folder.
        decoder: with the weight to use.
        chosen: a file in place of the folder's own.

    Raises:
        ModelError: it is missing, cannot be read, or is not one of tokens.
    """
    if not decoder.language_weight:
        return None
    path = folder / LANGUAGE_MODEL_FILE if chosen is None else Path(chosen)
    if chosen is None and not path.is_file():
        raise ModelError(
            f"{folder}: a language model weighs {decoder.language_weight:g}, but the model has no "
            f"{LANGUAGE_MODEL_FILE}; give one with --lm FILE, or read without (--lm {NO_LANGUAGE_MODEL})"
        )
    found = NGramModel.load(path)
    if found.unit != "tokens":
        raise ModelError(f"{path}: a language model of {found.unit}; reading formulas needs one of tokens")
    return found


def scorer_for(model: NGramModel, vocab: TokenVocab) -> NGramScorer:
    """The model as a search asks it: by the decoder's indices.

    Raises:
        ModelError: it knows none of the tokens.
    """
    if not set(model.symbols) & set(vocab.symbols):
        raise ModelError(
            "the language model knows none of the tokens that the network writes; "
            f"it knows {' '.join(model.symbols[:5])} ..."
        )
    return NGramScorer(model, [None, *vocab.symbols, None, None], end=vocab.end)

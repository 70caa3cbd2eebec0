"""Fine-tune T5 on pairs, or train a small one from scratch with a SentencePiece model of its own.

*Paper*: T5-small fine-tuned on (prediction, ground truth), SentencePiece trained on D. *Our reading* (spec 2.12): a
pre-trained T5 keeps its own tokenizer, as its embeddings belong to it; SentencePiece is trained only where there is no
pre-trained T5. The tokens for layout are added either way. Needs the extras `train` and `t5`.
"""

from __future__ import annotations

import importlib
import io
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from amanuensis.correction.folder import LEXICON_FILE, CorrectorConfig, write_corrector
from amanuensis.correction.pairs import Pair
from amanuensis.correction.t5 import LAYOUT_TOKENS, T5Corrector, check_installed, load_t5, prompt_of
from amanuensis.errors import DataError, TrainingError
from amanuensis.evaluation.choose_theta import best_theta, try_thetas
from amanuensis.language.lexicon import Lexicon
from amanuensis.training.corrector_pairs import PairSource
from amanuensis.training.corrector_tagger import CorrectorTraining, TrainedCorrector, val_pairs

_IGNORED = -100


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallT5:
    """The size of a T5 that is trained from scratch: by default about 1.5 million parameters, not the paper's 60.

    Attributes:
        pieces: of the SentencePiece model; fewer if the texts have not so many.
        width: of the embeddings.
        layers: of the encoder, and of the decoder.
        heads: of attention.
    """

    pieces: int = 1000
    width: int = 128
    layers: int = 3
    heads: int = 4


def train_t5(
    pairs: Sequence[Pair],
    folder: Path,
    *,
    settings: CorrectorTraining,
    start: str | None = None,
    small: SmallT5 | None = None,
) -> TrainedCorrector:
    """Train T5 as corrector; it is written only if it helps within the bound on harm.

    The lexicon of D, which detects suspects, is that of the train lines while theta is chosen.

    Args:
        pairs: train pairs to learn from, val pairs to choose theta on.
        folder: the corrector's folder.
        settings: how.
        start: a pre-trained T5's folder or hub id; None trains one from scratch.
        small: its size then.

    Raises:
        MissingExtraError: the extra `t5` is not installed.
        ModelError: the pre-trained T5 cannot be loaded.
        DataError: there are no train or no val pairs.
        TrainingError: the loss is not finite.
    """
    check_installed()
    source = PairSource(pairs, injected=settings.injected, seed=settings.seed)
    val = val_pairs(pairs)
    torch.manual_seed(settings.seed)
    texts = [text for pair in source.train for text in (pair.written, pair.read)]
    model, tokenizer = t5_from_scratch(texts, small or SmallT5()) if start is None else _pretrained(start)
    _fit(model, tokenizer, source, settings)
    lexicon = Lexicon.from_texts(pair.written for pair in source.train)
    trials = try_thetas(T5Corrector(model, tokenizer, lexicon), val)
    best = best_theta(trials, max_harm=settings.max_harm)
    if best is None:
        return TrainedCorrector(tuple(trials), None, None)
    config = CorrectorConfig(
        kind="t5",
        theta=best.theta,
        data=tuple(sorted({pair.group for pair in pairs})),
        scores={"lines": len(val), **best.to_dict()},
    )
    write_t5(folder, model, tokenizer, config=config, lexicon=lexicon)
    return TrainedCorrector(tuple(trials), best, folder)


def write_t5(folder: Path, model: Any, tokenizer: Any, *, config: CorrectorConfig, lexicon: Lexicon) -> None:
    """Write a corrector's folder that is also a folder of `transformers`.

    Raises:
        ModelError: something else lies there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".t5-") as scratch:
        model.save_pretrained(scratch, safe_serialization=True)
        tokenizer.save_pretrained(scratch)
        files: dict[str, bytes | Path] = {
            path.name: path for path in Path(scratch).iterdir() if path.is_file()
        }
        write_corrector(folder, config, {**files, LEXICON_FILE: lexicon.to_bytes()})


def sentence_pieces(texts: Iterable[str], number: int) -> list[tuple[str, float]]:
    """Train SentencePiece (unigram, no normalization: old letters stay what they are): pieces and their scores.

    Raises:
        DataError: SentencePiece cannot make pieces of these texts.
    """
    sentencepiece: Any = importlib.import_module("sentencepiece")
    stored = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=stored,
            vocab_size=number,
            model_type="unigram",
            character_coverage=1.0,
            normalization_rule_name="identity",
            hard_vocab_limit=False,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            minloglevel=2,
        )
    except (RuntimeError, OSError) as error:
        raise DataError(f"SentencePiece cannot be trained on these texts: {error}") from error
    trained = sentencepiece.SentencePieceProcessor(model_proto=stored.getvalue())
    return [(trained.id_to_piece(i), trained.get_score(i)) for i in range(trained.get_piece_size())]


def t5_from_scratch(texts: Sequence[str], size: SmallT5) -> tuple[Any, Any]:
    """A T5 with random weights, and a tokenizer trained on these texts; both as `transformers` has them."""
    transformers: Any = importlib.import_module("transformers")
    tokenizer = transformers.T5Tokenizer(
        vocab=sentence_pieces(texts, size.pieces),
        extra_ids=0,
        additional_special_tokens=list(LAYOUT_TOKENS),
    )
    config = transformers.T5Config(
        vocab_size=len(tokenizer),
        d_model=size.width,
        d_kv=size.width // size.heads,
        d_ff=2 * size.width,
        num_layers=size.layers,
        num_heads=size.heads,
        decoder_start_token_id=tokenizer.pad_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return transformers.T5ForConditionalGeneration(config), tokenizer


def _pretrained(start: str) -> tuple[Any, Any]:
    """A T5 that knows the tokens for layout too."""
    corrector = load_t5(start).corrector
    assert isinstance(corrector, T5Corrector)
    if corrector.tokenizer.add_tokens(list(LAYOUT_TOKENS), special_tokens=True):
        corrector.model.resize_token_embeddings(len(corrector.tokenizer))
    return corrector.model, corrector.tokenizer


def _fit(model: Any, tokenizer: Any, source: PairSource, settings: CorrectorTraining) -> None:
    steps = settings.epochs * -(-len(source.train) // settings.batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=steps)
    model.train()
    for epoch in range(settings.epochs):
        pairs = source.epoch(epoch)
        for first in range(0, len(pairs), settings.batch_size):
            loss = model(**_batch(tokenizer, pairs[first : first + settings.batch_size])).loss
            if not torch.isfinite(loss):
                raise TrainingError(
                    f"the loss is {loss.item()} in epoch {epoch + 1}: a smaller learning rate may help"
                )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    model.train(False)


def _batch(tokenizer: Any, pairs: Sequence[Pair]) -> dict[str, Any]:
    inputs = tokenizer([prompt_of(pair.segment) for pair in pairs], return_tensors="pt", padding=True)
    targets = tokenizer([pair.written for pair in pairs], return_tensors="pt", padding=True)
    labels = targets["input_ids"].masked_fill(targets["attention_mask"] == 0, _IGNORED)
    return {"input_ids": inputs["input_ids"], "attention_mask": inputs["attention_mask"], "labels": labels}

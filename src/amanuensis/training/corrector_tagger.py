"""Train the edit tagger on pairs, and keep it only if it is better than leaving lines alone. Our addition."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor, nn

from amanuensis.correction.folder import TAGGER_FILE, CorrectorConfig, write_corrector
from amanuensis.correction.pairs import Pair
from amanuensis.correction.tagger import EditTaggerCorrector, Floats, Ints, code_of, coded_lines
from amanuensis.errors import DataError, TrainingError
from amanuensis.evaluation.choose_theta import ThetaTrial, best_theta, try_thetas
from amanuensis.models.edit_tagger import EditTagger, EditTaggerConfig
from amanuensis.training.corrector_pairs import PairSource

_IGNORED = -100


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectorTraining:
    """How a corrector is trained.

    Attributes:
        epochs: passes over the train pairs.
        batch_size: lines an update.
        learning_rate: of AdamW, at its peak (one cycle).
        injected: the share of lines whose mistakes are drawn anew (`PairSource`).
        max_harm: the share of right words that the corrector may break on validation lines.
        seed: of everything.
    """

    epochs: int = 6
    batch_size: int = 32
    learning_rate: float = 2e-3
    injected: float = 0.3
    max_harm: float = 0.01
    seed: int = 1


@dataclass(frozen=True, slots=True)
class TrainedCorrector:
    """What became of a training.

    Attributes:
        trials: one for every theta, on the val pairs.
        best: the one that was chosen; None if none is better than leaving lines alone: then nothing is written.
        folder: where it lies; None if it was not written.
    """

    trials: tuple[ThetaTrial, ...]
    best: ThetaTrial | None
    folder: Path | None


def train_tagger(pairs: Sequence[Pair], folder: Path, *, settings: CorrectorTraining) -> TrainedCorrector:
    """Train an edit tagger; it is written only if it helps (`ThetaTrial.helps`) within the bound on harm.

    Args:
        pairs: train pairs to learn from, val pairs to choose theta on.
        folder: the corrector's folder.
        settings: how.

    Raises:
        DataError: there are no train or no val pairs.
        TrainingError: the loss is not finite.
    """
    source = PairSource(pairs, injected=settings.injected, seed=settings.seed)
    val = val_pairs(pairs)
    symbols = sorted({character for pair in source.train for character in pair.read + pair.written})
    torch.manual_seed(settings.seed)
    network = EditTagger(EditTaggerConfig(len(symbols)))
    _fit(network, source, symbols, settings)
    corrector = EditTaggerCorrector(symbols, _run(network.train(False)))
    trials = try_thetas(corrector, val)
    best = best_theta(trials, max_harm=settings.max_harm)
    if best is None:
        return TrainedCorrector(tuple(trials), None, None)
    config = CorrectorConfig(
        kind="tagger",
        theta=best.theta,
        settings={"symbols": symbols},
        data=tuple(sorted({pair.group for pair in pairs})),
        scores={"lines": len(val), **best.to_dict()},
    )
    write_corrector(folder, config, {TAGGER_FILE: tagger_graph(network)})
    return TrainedCorrector(tuple(trials), best, folder)


def val_pairs(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that theta is chosen on.

    Raises:
        DataError: there are none.
    """
    val = [pair for pair in pairs if pair.split == "val"]
    if not val:
        raise DataError("no val pairs to choose theta on")
    return val


def edit_labels(read: str, written: str, code: dict[str, int]) -> tuple[list[int], list[int]]:
    """The tags that turn a line into what is written: edits and insertions, each of len(read) + 1 places.

    The first place is the beginning, which is kept. Of several characters missing at one place the first is
    inserted; one that the network does not know cannot be written, and is left as it was read.
    """
    edits, insertions = [0] * (len(read) + 1), [0] * (len(read) + 1)
    for edit in Levenshtein.editops(read, written):
        symbol = 0 if edit.tag == "delete" else code.get(written[edit.dest_pos], 0)
        if edit.tag == "delete":
            edits[edit.src_pos + 1] = 1
        elif edit.tag == "replace" and symbol:
            edits[edit.src_pos + 1] = 1 + symbol
        elif edit.tag == "insert" and not insertions[edit.src_pos]:
            insertions[edit.src_pos] = symbol
    return edits, insertions


def tagger_graph(network: EditTagger) -> bytes:
    """The network as an ONNX graph, of any number of lines of any length."""
    example = (torch.ones(2, 7, dtype=torch.int64), torch.zeros(2, 7))
    axes = {0: "lines", 1: "places"}
    names = ("symbols", "sureness", "edits", "insertions")
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own successor
        path = Path(scratch) / TAGGER_FILE
        torch.onnx.export(
            network.train(False),
            example,
            str(path),
            input_names=list(names[:2]),
            output_names=list(names[2:]),
            dynamic_axes=dict.fromkeys(names, axes),
            opset_version=17,
            dynamo=False,
        )
        return path.read_bytes()


def _fit(
    network: EditTagger, source: PairSource, symbols: Sequence[str], settings: CorrectorTraining
) -> None:
    code = code_of(symbols)
    steps = settings.epochs * -(-len(source.train) // settings.batch_size)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=steps)
    network.train()
    for epoch in range(settings.epochs):
        for batch in _batches(source.epoch(epoch), settings.batch_size):
            loss = _loss(network, batch, code)
            if not torch.isfinite(loss):
                raise TrainingError(
                    f"the loss is {loss.item()} in epoch {epoch + 1}: a smaller learning rate may help"
                )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()


def _batches(pairs: Sequence[Pair], size: int) -> Iterator[Sequence[Pair]]:
    for first in range(0, len(pairs), size):
        yield pairs[first : first + size]


def _loss(network: EditTagger, batch: Sequence[Pair], code: dict[str, int]) -> Tensor:
    """Cross-entropy of edits and of insertions, each a mean over the places of the batch."""
    symbols, sureness = coded_lines([pair.segment for pair in batch], code)
    labels = np.full((2, *symbols.shape), _IGNORED, dtype=np.int64)
    for row, pair in enumerate(batch):
        length = len(pair.read) + 1
        labels[:, row, :length] = edit_labels(pair.read, pair.written, code)
    edits, insertions = network(torch.from_numpy(symbols), torch.from_numpy(sureness))
    targets = torch.from_numpy(labels)
    of_edits = nn.functional.cross_entropy(edits.flatten(0, 1), targets[0].flatten(), ignore_index=_IGNORED)
    of_insertions = nn.functional.cross_entropy(
        insertions.flatten(0, 1), targets[1].flatten(), ignore_index=_IGNORED
    )
    return of_edits + of_insertions


def _run(network: EditTagger) -> Any:
    """The network as the corrector calls it."""

    def run(symbols: Ints, sureness: Floats, /) -> tuple[Floats, Floats]:
        with torch.inference_mode():
            edits, insertions = network(torch.from_numpy(symbols), torch.from_numpy(sureness))
        return edits.numpy(), insertions.numpy()

    return run

"""The small corrector for CPUs: a network tags each character with an edit; run by ONNX Runtime. Our addition.

It sees characters and their confidences and proposes single edits, each with its own probability. See
`amanuensis.models.edit_tagger` for the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from amanuensis.correction.folder import TAGGER_FILE, CorrectorConfig
from amanuensis.correction.segment import Proposal, Segment
from amanuensis.errors import ModelError
from amanuensis.recognition.runtime import open_session

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

KEEP, DELETE = 0, 1  # edits; 2 + i replaces by symbol i
NOTHING = 0  # insertions; 1 + i inserts symbol i
_BATCH = 16
_SCALE, _LIMIT = 4.0, 2.5


class TagNetwork(Protocol):
    """What turns coded lines into logits."""

    def __call__(self, symbols: Ints, sureness: Floats, /) -> tuple[Floats, Floats]:
        """(B, T) symbols and sureness to logits of edits (B, T, V + 2) and insertions (B, T, V + 1)."""


class EditTaggerCorrector:
    """Proposes the edits that a network finds likelier than to keep a character."""

    def __init__(self, symbols: Sequence[str], network: TagNetwork) -> None:
        """Put it together.

        Args:
            symbols: (V) the characters that the network knows, in its order.
            network: the graph, or the network itself while it learns.
        """
        self.symbols = tuple(symbols)
        self._coded = code_of(symbols)
        self._network = network

    def propose(self, segments: Sequence[Segment]) -> list[list[Proposal]]:
        """See `Corrector`. Lines of like length go through the network together."""
        proposals: list[list[Proposal]] = [[] for _ in segments]
        order = sorted(range(len(segments)), key=lambda place: len(segments[place].text))
        for first in range(0, len(order), _BATCH):
            places = order[first : first + _BATCH]
            some = [segments[place] for place in places]
            symbols, sureness = coded_lines(some, self._coded)
            edits, insertions = (softmax(logits) for logits in self._network(symbols, sureness))
            for row, place in enumerate(places):
                text = segments[place].text
                proposals[place] = list(self._found(text, edits[row], insertions[row]))
        return proposals

    def _found(self, text: str, edits: Floats, insertions: Floats) -> Sequence[Proposal]:
        """The edits of one line: (T, V + 2) and (T, V + 1) probabilities, T more than its length."""
        found: list[Proposal] = []
        for place in range(len(text) + 1):
            edit, insertion = int(edits[place].argmax()), int(insertions[place].argmax())
            if place and edit != KEEP:
                new = "" if edit == DELETE else self.symbols[edit - 2]
                found.append(Proposal(place - 1, place, new, float(edits[place, edit])))
            if insertion != NOTHING:
                new = self.symbols[insertion - 1]
                found.append(Proposal(place, place, new, float(insertions[place, insertion])))
        return [proposal for proposal in found if text[proposal.start : proposal.end] != proposal.text]


def code_of(symbols: Sequence[str]) -> dict[str, int]:
    """The network's indices: 0 is what it does not know, 1 + i symbol i, V + 1 the beginning (under "")."""
    return {"": len(symbols) + 1, **{symbol: place for place, symbol in enumerate(symbols, start=1)}}


def coded_lines(segments: Sequence[Segment], code: dict[str, int]) -> tuple[Ints, Floats]:
    """(B, T) symbols and sureness, T one more than the longest line: a beginning, the characters, padding."""
    length = 1 + max(len(segment.text) for segment in segments)
    symbols = np.zeros((len(segments), length), dtype=np.int64)
    sureness = np.zeros((len(segments), length), dtype=np.float32)
    symbols[:, 0] = code[""]
    for row, segment in enumerate(segments):
        end = 1 + len(segment.text)
        symbols[row, 1:end] = [code.get(character, 0) for character in segment.text]
        told = np.clip(np.array(segment.confidences), 1e-6, 1 - 1e-6)
        sureness[row, 1:end] = np.clip(np.log(told / (1 - told)) / _SCALE, -_LIMIT, _LIMIT)
    return symbols, sureness


def softmax(logits: Floats) -> Floats:
    """Probabilities along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Floats = shifted / shifted.sum(axis=-1, keepdims=True)
    return result


def load_tagger(folder: Path, config: CorrectorConfig, *, threads: int = 1) -> EditTaggerCorrector:
    """The tagger of a corrector's folder.

    Raises:
        ModelError: its symbols or its graph are missing or do not belong together.
    """
    symbols = config.settings.get("symbols")
    if not isinstance(symbols, list) or not all(isinstance(one, str) and len(one) == 1 for one in symbols):
        raise ModelError(f"{folder}: a tagger's settings name its symbols, one character each")
    path = folder / TAGGER_FILE
    if not path.is_file():
        raise ModelError(f"{folder}: the corrector has no {TAGGER_FILE}")
    return EditTaggerCorrector(symbols, _OnnxTagger(open_session(path, threads), path, len(symbols)))


class _OnnxTagger:
    """A graph with inputs `symbols` and `sureness` and outputs `edits` and `insertions`."""

    def __init__(self, session: Any, path: Path, num_symbols: int) -> None:
        self._session = session
        names = {node.name for node in session.get_inputs()} | {node.name for node in session.get_outputs()}
        widths = [node.shape[2] for node in session.get_outputs()]
        if names != {"symbols", "sureness", "edits", "insertions"} or widths != [
            num_symbols + 2,
            num_symbols + 1,
        ]:
            raise ModelError(f"{path}: no edit tagger of {num_symbols} symbols")

    def __call__(self, symbols: Ints, sureness: Floats, /) -> tuple[Floats, Floats]:
        edits, insertions = self._session.run(
            ["edits", "insertions"], {"symbols": symbols, "sureness": sureness}
        )
        return edits, insertions

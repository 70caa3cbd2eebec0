"""Several decoders that write one formula together: the paper's "Ours-E" (CATNet, section 4.4; C38).

*Paper*: the branches' probabilities are averaged at every step. *Our reading* for a beam: one hypothesis carries
the states of all branches. *Our addition*: how far the branches differ, as a sign of doubt.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from amanuensis.decoding.ctc import Floats
from amanuensis.decoding.steps import State, StepDecoder, StepOutput
from amanuensis.errors import ModelError


class Ensemble:
    """A `StepDecoder` made of decoders that write the same tokens: branches of one network, or networks.

    Its attention is the mean of theirs; where their maps differ in size, that of the first. Its disagreement is
    the total-variation distance between the distributions of two decoders, in the mean over all pairs: 0 if all
    agree, 1 if no token is likely to any two.
    """

    def __init__(self, decoders: Sequence[StepDecoder]) -> None:
        """Bind decoders of one image together.

        Raises:
            ModelError: there is none, or they differ in the meaning of start and end.
        """
        if not decoders:
            raise ModelError("an ensemble needs at least one decoder")
        marks = {(decoder.start, decoder.end) for decoder in decoders}
        if len(marks) > 1:
            raise ModelError(
                f"the decoders of an ensemble differ in their (start, end) tokens: {sorted(marks)}"
            )
        self._decoders = tuple(decoders)
        self._initial = [decoder.begin() for decoder in decoders]
        ends = list(itertools.accumulate(len(state) for state in self._initial))
        self._parts = [slice(a, b) for a, b in itertools.pairwise([0, *ends])]

    @property
    def start(self) -> int:
        """The token that is given first."""
        return self._decoders[0].start

    @property
    def end(self) -> int:
        """The token that ends a hypothesis."""
        return self._decoders[0].end

    @property
    def forbidden(self) -> tuple[int, ...]:
        """What any of the decoders must not write."""
        return tuple(sorted({token for decoder in self._decoders for token in decoder.forbidden}))

    def begin(self) -> State:
        """The states of all decoders, one after another."""
        return tuple(array for state in self._initial for array in state)

    def step(self, tokens: npt.NDArray[np.int64], state: State) -> StepOutput:
        """Every decoder's step, averaged.

        Raises:
            ModelError: the decoders do not have the same tokens.
        """
        outputs = [
            decoder.step(tokens, state[part])
            for decoder, part in zip(self._decoders, self._parts, strict=True)
        ]
        widths = [output.log_probs.shape[1] for output in outputs]
        if len(set(widths)) > 1:
            raise ModelError(f"the decoders of an ensemble have different numbers of tokens: {widths}")
        log_probs = np.stack([output.log_probs for output in outputs])
        return StepOutput(
            log_probs=np.logaddexp.reduce(log_probs, axis=0) - math.log(len(outputs)),
            attention=_mean_attention([output.attention for output in outputs]),
            state=tuple(array for output in outputs for array in output.state),
            disagreement=_disagreement(np.exp(log_probs)) if len(outputs) > 1 else outputs[0].disagreement,
        )


def _mean_attention(maps: Sequence[Floats | None]) -> Floats | None:
    """(N, H, W): the mean of the maps that there are, if they agree in size; else the first."""
    given = [one for one in maps if one is not None]
    if not given or len({one.shape for one in given}) > 1:
        return given[0] if given else None
    mean: Floats = np.mean(given, axis=0)
    return mean


def _disagreement(probs: Floats) -> Floats:
    """(N,) from (K, N, V): the mean over pairs of half the summed absolute difference."""
    pairs = itertools.combinations(probs, 2)
    mean: Floats = np.mean([np.abs(p - q).sum(axis=1) / 2 for p, q in pairs], axis=0)
    return np.minimum(mean, 1.0)

"""Several readers of lines that read together (spec 2.27; the paper does not say how its ensembles do: our reading).

They vote over strings, or their probabilities are averaged frame by frame. A vote takes any models; averaging takes
models of one alphabet, stride and input, and is poor where they see a character at different frames. A member may be a
specialist, which votes on lines of its own data sets or languages only. The cost of an ensemble is its members' sum.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from amanuensis.decoding import log_softmax
from amanuensis.decoding.vote import disagreement, least_risk
from amanuensis.errors import AmanuensisError, ModelError
from amanuensis.images import load_image
from amanuensis.recognition.config import TextConfig
from amanuensis.recognition.recognizer import Load, Recognizer, is_one
from amanuensis.recognition.runtime import Runtime
from amanuensis.records import Alternative, Reading

Combination = Literal["vote", "frames"]
_LINES_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Member:
    """One model of an ensemble.

    Attributes:
        recognizer: what reads.
        only: the data sets and languages that it reads; empty for all.
    """

    recognizer: Recognizer
    only: frozenset[str] = frozenset()

    def reads(self, context: frozenset[str]) -> bool:
        """Whether it has a vote on lines of which these names are known; if none is, everybody has."""
        return not self.only or not context or bool(self.only & context)


class AveragedRuntime:
    """Networks of one alphabet whose probabilities are averaged at every frame."""

    def __init__(self, runtimes: Sequence[Runtime]) -> None:
        self._runtimes = tuple(runtimes)

    def logits(self, images: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Images (H, W_i) to the logarithms of mean probabilities (T_i, V); of one network, its own logits."""
        found = [runtime.logits(images) for runtime in self._runtimes]
        if len(found) == 1:
            return found[0]
        return [_mean_of_frames(of_line) for of_line in zip(*found, strict=True)]


def _mean_of_frames(logits: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    stacked = np.stack([log_softmax(one) for one in logits])
    mean: NDArray[np.float32] = np.logaddexp.reduce(stacked, axis=0) - np.float32(np.log(len(logits)))
    return mean


class LineEnsemble:
    """Models that read lines together; it stands wherever a `Recognizer` can.

    Attributes:
        config: of the whole: the first member's, under all names and with all parameters.
        members: the models.
        combination: "vote" or "frames".
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        combination: Combination = "vote",
        context: frozenset[str] = frozenset(),
    ) -> None:
        """Put them together.

        Args:
            members: at least one.
            combination: how one reading is made of theirs.
            context: what is known of all lines to be read: their language, their data set.

        Raises:
            ModelError: there is none, nobody reads lines of that context, or their frames cannot be averaged.
        """
        if not members:
            raise ModelError("an ensemble needs at least one model")
        self.members = tuple(members)
        self.combination = combination
        self._context = context
        self._voters = [number for number, member in enumerate(members) if member.reads(context)]
        if not self._voters:
            known = ", ".join(sorted(context))
            raise ModelError(f"none of the models reads {known}; give one that reads everything")
        self._averaged = _averaged(self.members) if combination == "frames" else None
        self._seconds = [0.0] * len(self.members)
        self.config = _joint_config([member.recognizer.config for member in self.members])

    def for_set(self, name: str) -> LineEnsemble:
        """The ensemble as it reads lines of a data set; its time counts in this one's.

        Raises:
            ModelError: no member reads it.
        """
        if self._averaged is not None:
            return self
        context = self._context | {name}
        narrowed = LineEnsemble(self.members, combination=self.combination, context=context)
        narrowed._seconds = self._seconds
        return narrowed

    def to_dict(self) -> dict[str, Any]:
        """Method, members, and the sums of what they cost; as results tell it."""
        seconds = [round(one, 3) for one in self._seconds] if self._averaged is None else None
        return {
            "combination": self.combination,
            "parameters": self.config.parameters,
            "members": [
                {
                    "model": member.recognizer.config.name,
                    "parameters": member.recognizer.config.parameters,
                    "only": sorted(member.only),
                    "seconds": seconds[number] if seconds else None,
                }
                for number, member in enumerate(self.members)
            ],
        }

    def read(self, images: Any) -> list[Reading]:
        """As `Recognizer.read`; of a vote, with the others' readings and where they differ, see `vote`."""
        readings = []
        for result in self.read_each([images] if is_one(images) else images):
            if isinstance(result, AmanuensisError):
                raise result
            readings.append(result)
        return readings

    def read_each(
        self, sources: Iterable[Any], *, load: Load = load_image
    ) -> Iterator[Reading | AmanuensisError]:
        """As `Recognizer.read_each`."""
        if self._averaged is not None:
            yield from self._averaged.read_each(sources, load=load)
            return
        drawn = iter(sources)
        while chunk := list(islice(drawn, _LINES_AT_ONCE)):
            yield from self._voted([_Loaded.of(source, load) for source in chunk])

    def _voted(self, chunk: Sequence[_Loaded]) -> Iterator[Reading | AmanuensisError]:
        told = [self._told_by(number, chunk) for number in self._voters]
        for results in zip(*told, strict=True):
            readings = [result for result in results if isinstance(result, Reading)]
            yield vote(readings) if readings else results[0]

    def _told_by(self, number: int, chunk: Sequence[_Loaded]) -> list[Reading | AmanuensisError]:
        began = time.perf_counter()
        results = list(self.members[number].recognizer.read_each(chunk, load=_Loaded.picture))
        self._seconds[number] += time.perf_counter() - began
        return results


def vote(readings: Sequence[Reading]) -> Reading:
    """The reading of least risk, with what the others read and where they differ from it.

    Its confidences are those of the member that it comes from.

    Args:
        readings: of one line, by different models; at least one.
    """
    chosen = least_risk([one.text for one in readings], [one.confidence for one in readings])
    best = readings[chosen]
    others = [one for number, one in enumerate(readings) if number != chosen]
    if not others:
        return best
    doubts = disagreement(best.text, [other.text for other in others])
    spans = tuple(replace(span, disagreement=doubt) for span, doubt in zip(best.spans, doubts, strict=True))
    different: dict[str, float] = {}
    for other in others:
        if other.text != best.text:
            different[other.text] = max(other.confidence, different.get(other.text, 0.0))
    ordered = sorted(different.items(), key=lambda item: -item[1])
    return replace(best, spans=spans, alternatives=tuple(Alternative(*one) for one in ordered))


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A picture that all members read, loaded once, or why it cannot be."""

    grey: NDArray[np.uint8] | None
    error: AmanuensisError | None

    @classmethod
    def of(cls, source: Any, load: Load) -> _Loaded:
        try:
            return cls(load(source), None)
        except AmanuensisError as error:
            return cls(None, error)

    def picture(self) -> NDArray[np.uint8]:
        if self.error is not None:
            raise self.error
        assert self.grey is not None
        return self.grey


def _joint_config(configs: Sequence[TextConfig]) -> TextConfig:
    if len(configs) == 1:
        return configs[0]
    return replace(
        configs[0],
        name="+".join(config.name for config in configs),
        parameters=sum(config.parameters for config in configs),
        description="",
        scores={},
        calibration={},
    )


def _averaged(members: Sequence[Member]) -> Recognizer:
    """A recognizer over all networks, with the first member's search.

    The mean of probabilities is calibrated otherwise than each of them: its confidences are its own.
    """
    if any(member.only for member in members):
        raise ModelError("frames can be averaged of models that read everything only; specialists can vote")
    first, *rest = [member.recognizer for member in members]
    for other in rest:
        _check_alike(first.config, other.config)
    config = _joint_config([member.recognizer.config for member in members])
    runtime = AveragedRuntime([member.recognizer.runtime for member in members])
    return Recognizer(config, runtime, first.language)


def _check_alike(first: TextConfig, other: TextConfig) -> None:
    differing = {
        "alphabet": first.vocabulary.symbols != other.vocabulary.symbols,
        "stride": first.stride != other.stride,
        "input": first.image != other.image,
    }
    if any(differing.values()):
        told = " and ".join(name for name, differs in differing.items() if differs)
        raise ModelError(
            f"{first.name} and {other.name} differ in their {told}: they can vote, no frames be averaged"
        )

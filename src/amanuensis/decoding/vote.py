"""A vote over strings: which of several readings is the safest (spec 2.27; our reading of the paper's "ensemble").

The paper says only that models are put together. Minimum Bayes risk over the edit distance is the vote that fits how
readings are scored: the string is chosen that would cost the fewest edits if each of the others were the truth.
"""

from __future__ import annotations

from collections.abc import Sequence

from amanuensis.metrics import character_edits, matched


def least_risk(texts: Sequence[str], confidences: Sequence[float]) -> int:
    """The index of the text with the least summed edit distance to the others.

    Where several have it, the surest of them wins (with two texts: always), then the first.

    Args:
        texts: at least one.
        confidences: one for each, in [0, 1].
    """
    risks = [sum(character_edits(truth, text).edits for truth in texts) for text in texts]
    return min(range(len(texts)), key=lambda index: (risks[index], -confidences[index]))


def disagreement(text: str, others: Sequence[str]) -> list[float]:
    """For every character of a text, the share of other texts that do not have it, in [0, 1].

    A text has a character if one optimal alignment keeps it.
    """
    kept = [matched(other, text) for other in others]
    return [1 - sum(has) / len(kept) for has in zip(*kept, strict=True)]

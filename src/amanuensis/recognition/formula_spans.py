"""From a hypothesis to the spans of a formula's tokens: where each stands, what else it could be; mended at need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from amanuensis.decoding.hypothesis import Hypothesis
from amanuensis.latex import TokenVocab, repair
from amanuensis.records import Choice, Span


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the cells of an attention's map lie in the source picture.

    Attributes:
        cell: source pixels per cell.
        origin: (x, y) of the first cell's corner in the source.
    """

    cell: float
    origin: tuple[float, float] = (0.0, 0.0)


def token_spans(hypothesis: Hypothesis, vocab: TokenVocab, grid: Grid) -> tuple[Span, ...]:
    """One span per token; its place is where the attention's mass lies, in pixels of the source picture.

    Args:
        hypothesis: what a search found.
        vocab: what its tokens mean.
        grid: of the attention's map.
    """
    tokens = vocab.decode(hypothesis.tokens)
    centers = hypothesis.centers or ((0.0, 0.0),) * len(tokens)
    doubts = hypothesis.disagreement or (None,) * len(tokens)
    spans = []
    for i, token in enumerate(tokens):
        row, column = (grid.cell * c for c in centers[i])
        left = grid.origin[0] + column - grid.cell / 2
        second = hypothesis.alternatives[i]
        written = "".join(vocab.decode([second.token])) or "<end>"
        spans.append(
            Span(
                token,
                max(0.0, left),
                max(0.0, left + grid.cell),
                hypothesis.probabilities[i],
                row=max(0.0, grid.origin[1] + row),
                second=Choice(written, second.probability),
                disagreement=doubts[i],
            )
        )
    return tuple(spans)


def mended_spans(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Spans whose tokens are well-formed LaTeX (`latex.repair`): a hypothesis that was cut may leave braces open.

    Tokens that stay keep their spans. One that the mending adds was not read: its confidence is 0, and it takes no
    room at the end of the token before it. One that it drops is gone. Well-formed tokens stay as they are.
    """
    tokens = [span.text for span in spans]
    fixed = repair(tokens)
    if fixed == tuple(tokens):
        return tuple(spans)
    mended: list[Span] = []
    for change in Levenshtein.opcodes(tokens, fixed):
        if change.tag == "equal":
            mended += spans[change.src_start : change.src_end]
        else:
            mended += (_added(token, mended) for token in fixed[change.dest_start : change.dest_end])
    return tuple(mended)


def _added(token: str, before: Sequence[Span]) -> Span:
    place, row = (before[-1].end, before[-1].row) if before else (0.0, 0.0)
    return Span(token, place, place, 0.0, row=row)

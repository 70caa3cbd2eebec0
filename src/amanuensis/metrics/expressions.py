"""How well formulas are read: ExpRate, token error rate, kinds of errors, errors by length.

CATNet reports ExpRate with at most 0, 1 and 2 errors, WER, four classes of failing expressions (Table 3) and
error shares by length (Table 7), and tells of none how it is counted. Our reading (spec C25 to C28): an error
is an edit of a LaTeX token or, in figures of their own that never share a column with those, a differing
label of the symbol layout tree. The paper prints percentages that no count gives (C34), so here every one
carries its k and n. Intervals and symbol errors are our addition.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from operator import add
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

from amanuensis.errors import DataError

Tokens = tuple[str, ...]
TreeErrors = Callable[[Tokens, Tokens], int]
LengthUnit = Literal["tokens", "symbols", "tokens+eos"]

STRUCTURE_TOKENS = frozenset({"^", "_", "{", "}", "\\limits"})
"""What C26 strips: tokens that stand for no ink. All others are taken for written symbols (also the brackets
of a root's index, which are not)."""

LENGTHS = ("1-10", "11-20", "21-30", "31-40", "41+")
"""The buckets of Table 7, whose fourth header is misprinted (C28)."""


class FormulaPair(NamedTuple):
    """A formula's caption, and what was read.

    Attributes:
        reference: the caption, not empty.
        hypothesis: the tokens read. None or () is a missing output: wrong, with every token deleted.
    """

    reference: Tokens
    hypothesis: Tokens | None


@dataclass(frozen=True, slots=True)
class Proportion:
    """`k` of `n`; proportions over separate formulas add."""

    k: int = 0
    n: int = 0

    def __post_init__(self) -> None:
        assert 0 <= self.k <= self.n, f"{self.k} of {self.n} is no proportion"

    def __add__(self, other: Proportion) -> Proportion:
        return Proportion(self.k + other.k, self.n + other.n)

    @property
    def ratio(self) -> float | None:
        """The share, in [0, 1]; None of nothing."""
        return self.k / self.n if self.n else None

    def to_dict(self) -> dict[str, Any]:
        """k, n, their ratio and its 95 % interval."""
        return {
            "k": self.k,
            "n": self.n,
            "ratio": self.ratio,
            "interval": proportion_interval(self.k, self.n),
        }


def proportion_interval(k: int, n: int, *, level: float = 0.95) -> tuple[float, float] | None:
    """Wilson's score interval of a proportion, for formulas: each is a draw of its own.

    Unlike the normal interval it stays within [0, 1] and has a width at k = 0 and k = n (Wilson 1927).

    Args:
        k: successes.
        n: trials; of none nothing is known and the interval is None.
        level: how often such intervals hold the truth, in (0, 1).
    """
    if n == 0:
        return None
    z = NormalDist().inv_cdf((1 + level) / 2)
    center = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    # At the ends the exact bounds are 0 and 1, which rounding would miss.
    return (0.0 if k == 0 else center - half), (1.0 if k == n else center + half)


@dataclass(frozen=True, slots=True)
class TokenEdits:
    """Edits by kind, and the length of the references that they are counted against; both in tokens."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    length: int = 0

    def __add__(self, other: TokenEdits) -> TokenEdits:
        return TokenEdits(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def edits(self) -> int:
        """S + D + I, the edit distance."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Edits per token of the references; may exceed 1."""
        return self.edits / max(1, self.length)

    def to_dict(self) -> dict[str, Any]:
        """Edits (k) against tokens (n), their ratio, and the edits by kind."""
        kinds = {"sub": self.substitutions, "del": self.deletions, "ins": self.insertions}
        return {"k": self.edits, "n": self.length, "ratio": self.rate, **kinds}


@dataclass(frozen=True, slots=True)
class ErrorClasses:
    """Numbers of failing expressions by what is wrong in them (Table 3)."""

    deletion: int = 0
    insertion: int = 0
    structure: int = 0
    substitution: int = 0

    def __add__(self, other: ErrorClasses) -> ErrorClasses:
        return ErrorClasses(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def parsing(self) -> int:
        """Deletion, insertion and structure: the paper's first "total", misadded in three of its rows (C27)."""
        return self.deletion + self.insertion + self.structure

    @property
    def total(self) -> int:
        """All four; of exclusive classes it is the number of failing expressions."""
        return self.parsing + self.substitution

    def to_dict(self) -> dict[str, int]:
        """The columns of Table 3, in its order."""
        three = {"del": self.deletion, "ins": self.insertion, "str": self.structure}
        return {**three, "parsing": self.parsing, "sub": self.substitution, "total": self.total}


@dataclass(frozen=True, slots=True)
class ExpRates:
    """Formulas read without an error, with at most one, and with at most two."""

    exprate: Proportion = Proportion()
    exprate_1: Proportion = Proportion()
    exprate_2: Proportion = Proportion()

    def __post_init__(self) -> None:
        assert self.exprate.k <= self.exprate_1.k <= self.exprate_2.k, f"not cumulative: {self}"

    @classmethod
    def of_formula(cls, errors: int) -> ExpRates:
        """The rates of one formula with so many errors."""
        return cls(*(Proportion(int(errors <= allowed), 1) for allowed in range(3)))

    def __add__(self, other: ExpRates) -> ExpRates:
        return ExpRates(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def to_dict(self, prefix: str = "exprate") -> dict[str, Any]:
        """The three as `Proportion.to_dict` tells them, named by the prefix."""
        three = (self.exprate, self.exprate_1, self.exprate_2)
        names = (prefix, f"{prefix}_1", f"{prefix}_2")
        return {name: rate.to_dict() for name, rate in zip(names, three, strict=True)}


@dataclass(frozen=True, slots=True)
class FormulaScores:
    r"""The counts of a corpus of formulas; corpora that were scored alike add.

    Attributes:
        by_token: rates where an error is an edit of a token.
        by_tree: rates where an error is a label of the symbol layout tree; None if trees were not compared.
        token_edits: edits over all tokens.
        symbol_edits: edits over what is left without `STRUCTURE_TOKENS`.
        classes: failing formulas, each in one class (C26). Structure: the symbols are right. Else by what
            edits them: deletion or insertion if there are more of those than of the other, or substitution.
        labels: failing formulas under every label that fits: deletion, insertion and substitution where such
            an edit of symbols occurs, structure where all tokens differ more than the symbols do.
        by_length: wrong formulas of those in each bucket of `LENGTHS`.
        missing: formulas without an output.
        limits: whether `\limits` was compared; if not, it was taken from both sides before all else.
        length_unit: what `by_length` counts in a reference: tokens, symbols, or tokens and the end token.
    """

    by_token: ExpRates = ExpRates()
    by_tree: ExpRates | None = None
    token_edits: TokenEdits = TokenEdits()
    symbol_edits: TokenEdits = TokenEdits()
    classes: ErrorClasses = ErrorClasses()
    labels: ErrorClasses = ErrorClasses()
    by_length: tuple[Proportion, ...] = (Proportion(),) * len(LENGTHS)
    missing: int = 0
    limits: bool = True
    length_unit: LengthUnit = "tokens"

    def __post_init__(self) -> None:
        wrong = self.n - self.exprate.k
        assert self.classes.total == wrong, f"classes do not add up to {wrong} wrong formulas: {self}"
        assert self.labels.total >= wrong, f"wrong formulas without a label: {self}"
        assert reduce(add, self.by_length) == Proportion(wrong, self.n), f"lengths do not add up: {self}"

    def __add__(self, other: FormulaScores) -> FormulaScores:
        """The counts of both corpora.

        Raises:
            DataError: they were not scored alike.
        """
        if self._rules != other._rules:
            raise DataError(
                f"scores made with {self._rules} cannot be added to scores made with {other._rules}"
            )
        return FormulaScores(
            by_token=self.by_token + other.by_token,
            by_tree=self.by_tree + other.by_tree if self.by_tree and other.by_tree else None,
            token_edits=self.token_edits + other.token_edits,
            symbol_edits=self.symbol_edits + other.symbol_edits,
            classes=self.classes + other.classes,
            labels=self.labels + other.labels,
            by_length=tuple(map(add, self.by_length, other.by_length)),
            missing=self.missing + other.missing,
            limits=self.limits,
            length_unit=self.length_unit,
        )

    @property
    def n(self) -> int:
        """Formulas."""
        return self.exprate.n

    @property
    def exprate(self) -> Proportion:
        """Formulas without a token edit: what papers call ExpRate."""
        return self.by_token.exprate

    @property
    def wer(self) -> float:
        """Token edits per token of the captions, a ratio of counts; may exceed 1."""
        return self.token_edits.rate

    @property
    def empty_lengths(self) -> tuple[str, ...]:
        """The buckets of `LENGTHS` that no formula fell in: their error share is unknown, not 0."""
        return tuple(name for name, share in zip(LENGTHS, self.by_length, strict=True) if not share.n)

    @property
    def _rules(self) -> str:
        return f"limits={self.limits}, length_unit={self.length_unit!r}, trees={self.by_tree is not None}"

    def to_dict(self) -> dict[str, Any]:
        """All figures for JSON: each percentage with its k and n; ratios of nothing are null."""
        lengths = zip(LENGTHS, self.by_length, strict=True)
        return {
            "n": self.n,
            "missing": self.missing,
            "limits": self.limits,
            **self.by_token.to_dict(),
            **(self.by_tree.to_dict("exprate_tree") if self.by_tree else {}),
            "wer": self.token_edits.to_dict(),
            "symbol_errors": self.symbol_edits.to_dict(),
            "error_classes": self.classes.to_dict(),
            "error_labels": self.labels.to_dict(),
            "length_unit": self.length_unit,
            "wrong_by_length": {name: share.to_dict() for name, share in lengths},
            "empty_lengths": list(self.empty_lengths),
        }


def score_formula(
    pair: FormulaPair,
    *,
    tree_errors: TreeErrors | None = None,
    limits: bool = True,
    length_unit: LengthUnit = "tokens",
) -> FormulaScores:
    """The counts of one formula; see `score_formulas`."""
    if not pair.reference:
        raise DataError(f"a formula without a caption cannot be scored (what was read: {pair.hypothesis})")
    reference, hypothesis = _sides(pair, limits)
    tokens = _count_edits(reference, hypothesis)
    symbols = _count_edits(_symbols(reference), _symbols(hypothesis))
    wrong = tokens.edits > 0
    shares = [Proportion()] * len(LENGTHS)
    shares[_bucket(reference, length_unit)] = Proportion(int(wrong), 1)
    return FormulaScores(
        by_token=ExpRates.of_formula(tokens.edits),
        by_tree=ExpRates.of_formula(tree_errors(reference, hypothesis)) if tree_errors else None,
        token_edits=tokens,
        symbol_edits=symbols,
        classes=_class_of(symbols) if wrong else ErrorClasses(),
        labels=_labels_of(tokens, symbols),
        by_length=tuple(shares),
        missing=int(not pair.hypothesis),
        limits=limits,
        length_unit=length_unit,
    )


def score_formulas(
    pairs: Iterable[FormulaPair],
    *,
    tree_errors: TreeErrors | None = None,
    limits: bool = True,
    length_unit: LengthUnit = "tokens",
) -> FormulaScores:
    r"""The counts of a corpus.

    Args:
        pairs: one per caption of the data, so that a formula without an output is counted as wrong.
        tree_errors: how many labels of two layout trees differ, for any tokens (`amanuensis.latex.tree`);
            None leaves the tree's figures out.
        limits: False takes `\limits` from both sides first: captions differ in it by convention.
        length_unit: what the length of a reference is, for the errors by length.

    Raises:
        DataError: a reference is empty.
    """
    by_tree = ExpRates() if tree_errors else None
    scores = (
        score_formula(pair, tree_errors=tree_errors, limits=limits, length_unit=length_unit) for pair in pairs
    )
    return reduce(add, scores, FormulaScores(by_tree=by_tree, limits=limits, length_unit=length_unit))


def token_confusions(pairs: Iterable[FormulaPair], *, limits: bool = True) -> Counter[tuple[str, str]]:
    """How often which token was read as which, in the alignments that the edits are counted in.

    Returns:
        Counts by (reference token, hypothesis token); "" stands for the missing side. Tokens read rightly are
        not counted, so the counts add up to the edits of all tokens.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for pair in pairs:
        counts.update((a, b) for a, b in aligned_tokens(*_sides(pair, limits)) if a != b)
    return counts


def aligned_tokens(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[str, str]]:
    """An optimal alignment, one pair per token; "" stands for the side that has none.

    Of all optimal ones it is the one that, from left to right, prefers substitution to deletion to insertion
    (C26): rapidfuzz promises no such order, and its kinds of edits would change with it.
    """
    rest = _remaining_edits(reference, hypothesis)
    pairs, i, j = [], 0, 0
    while i < len(reference) or j < len(hypothesis):
        edits = rest[i][j]
        both = i < len(reference) and j < len(hypothesis)
        if both and edits == rest[i + 1][j + 1] + (reference[i] != hypothesis[j]):
            pairs.append((reference[i], hypothesis[j]))
            i, j = i + 1, j + 1
        elif i < len(reference) and edits == rest[i + 1][j] + 1:
            pairs.append((reference[i], ""))
            i += 1
        else:
            pairs.append(("", hypothesis[j]))
            j += 1
    return pairs


def _remaining_edits(reference: Sequence[str], hypothesis: Sequence[str]) -> list[list[int]]:
    """Entry [i][j] is the edit distance of `reference[i:]` and `hypothesis[j:]`."""
    rows = [list(range(len(hypothesis), -1, -1))]
    for token in reversed(reference):
        below, row = rows[-1], [rows[-1][-1] + 1]
        for j in range(len(hypothesis) - 1, -1, -1):
            row.append(min(below[j + 1] + (token != hypothesis[j]), below[j] + 1, row[-1] + 1))
        rows.append(row[::-1])
    return rows[::-1]


def _count_edits(reference: Tokens, hypothesis: Tokens) -> TokenEdits:
    pairs = aligned_tokens(reference, hypothesis) if reference != hypothesis else []
    kinds = Counter("D" if not b else "I" if not a else "S" for a, b in pairs if a != b)
    return TokenEdits(kinds["S"], kinds["D"], kinds["I"], len(reference))


def _sides(pair: FormulaPair, limits: bool) -> tuple[Tokens, Tokens]:
    """What is compared."""
    left_out = frozenset[str]() if limits else {"\\limits"}
    reference, hypothesis = (tuple(t for t in side or () if t not in left_out) for side in pair)
    return reference, hypothesis


def _symbols(tokens: Tokens) -> Tokens:
    return tuple(token for token in tokens if token not in STRUCTURE_TOKENS)


def _bucket(reference: Tokens, unit: LengthUnit) -> int:
    """The index in `LENGTHS`; a caption that holds no symbol stands with the shortest."""
    length = len(_symbols(reference)) if unit == "symbols" else len(reference) + (unit == "tokens+eos")
    return min(max(length - 1, 0) // 10, len(LENGTHS) - 1)


def _class_of(symbols: TokenEdits) -> ErrorClasses:
    """The one class of a failing formula. D - I is the difference of lengths: no tie-break decides here."""
    if not symbols.edits:
        return ErrorClasses(structure=1)
    if symbols.deletions > symbols.insertions:
        return ErrorClasses(deletion=1)
    if symbols.insertions > symbols.deletions:
        return ErrorClasses(insertion=1)
    return ErrorClasses(substitution=1)


def _labels_of(tokens: TokenEdits, symbols: TokenEdits) -> ErrorClasses:
    return ErrorClasses(
        deletion=int(symbols.deletions > 0),
        insertion=int(symbols.insertions > 0),
        structure=int(tokens.edits > symbols.edits),
        substitution=int(symbols.substitutions > 0),
    )

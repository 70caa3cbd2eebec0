"""Parts of formulas: which there are, and that caption and ink of a part still agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from amanuensis.images.formula import FormulaSpec
from amanuensis.ink import Ink, InkImage, InkSymbol
from amanuensis.latex.grammar import parse
from amanuensis.randomness import generator_for
from amanuensis.records import Sample
from amanuensis.training.excerpts import excerpt, spans
from amanuensis.training.formulas import Formulas, TrainingFormulas


def bar(x: float, y: float, width: float, height: float) -> np.ndarray:
    return np.array([[x, y], [x + width, y + height]])


def formula(text: str, *symbols: tuple[str, np.ndarray]) -> Sample:
    """A formula whose symbols have one stroke each, written in an order of their own."""
    order = np.random.default_rng(5).permutation(len(symbols))
    strokes: list[np.ndarray] = [np.empty(0)] * len(symbols)
    named = []
    for place, (label, stroke) in zip(order.tolist(), symbols, strict=True):
        strokes[place] = stroke
        named.append(InkSymbol(label, (place,)))
    return Sample(text, InkImage(Ink(strokes, named), text), text, "train")


EQUATION = formula(
    r"\frac { 3 + x } { x } = y - z",
    ("-", bar(0, 30, 40, 0)),
    ("3", bar(0, 0, 10, 20)),
    ("+", bar(12, 10, 10, 5)),
    ("x", bar(26, 5, 10, 15)),
    ("x", bar(15, 40, 10, 15)),
    ("=", bar(50, 25, 10, 5)),
    ("y", bar(70, 20, 8, 20)),
    ("-", bar(82, 30, 10, 0)),
    ("z", bar(96, 20, 8, 20)),
)


def parts(text: str) -> set[str]:
    tokens = text.split()
    return {" ".join(tokens[first:last]) for first, last in spans(tokens)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", set()),
        ("a + b", {"a", "b"}),
        ("a - b = c", {"a", "b", "c", "a - b", "b = c"}),
        (r"\frac { a } { b + c }", {"a", "b", "c", "b + c"}),
        (r"\sqrt { x ^ { 2 } }", {"x ^ { 2 }", "2"}),
        ("( a + b ) ^ { 2 } - c", {"( a + b ) ^ { 2 }", "2", "c"}),
        ("f ( x , y )", set()),
        ("- a", {"a"}),
        ("{ a", set()),
    ],
)
def test_the_parts_of_a_caption(text: str, expected: set[str]) -> None:
    assert parts(text) == expected


def test_every_part_is_a_caption() -> None:
    for part in parts(r"\frac { - b \pm \sqrt { b ^ { 2 } - 4 a c } } { 2 a } = x _ { 1 }"):
        parse(part.split())


def test_a_part_has_the_ink_of_its_own_symbols() -> None:
    owner = {
        stroke.tobytes(): symbol.label
        for symbol in ink_of(EQUATION).symbols
        for stroke in own(EQUATION, symbol)
    }
    seen = {}
    for number in range(60):
        drawn = excerpt(EQUATION, generator_for("test", number))
        labels = [symbol.label for symbol in ink_of(drawn).symbols]
        written = {"\\frac": "-"}
        tokens = [written.get(token, token) for token in drawn.text.split() if token not in "{}"]
        assert sorted(labels) == sorted(tokens)
        for symbol in ink_of(drawn).symbols:
            for stroke in own(drawn, symbol):
                assert owner[stroke.tobytes()] == symbol.label
        seen[drawn.text] = ink_of(drawn)
    assert seen.keys() == {
        "3 + x",
        r"\frac { 3 + x } { x }",
        r"\frac { 3 + x } { x } = y",
        "y - z",
    }
    # The numerator's x is the one that stands high, and the bar is not the minus sign.
    assert min(stroke[0, 1] for stroke in seen["3 + x"].strokes) == 0
    assert max(stroke[1, 1] for stroke in seen["3 + x"].strokes) == 20
    assert sorted(stroke[0, 0] for stroke in seen["y - z"].strokes) == [70, 82, 96]


def test_a_part_that_misses_a_symbol_is_never_taken() -> None:
    ink = ink_of(EQUATION)
    unnamed = Ink(ink.strokes, [symbol for symbol in ink.symbols if symbol.label != "+"])
    image = EQUATION.image
    assert isinstance(image, InkImage)
    known = {
        excerpt(replace(EQUATION, image=replace(image, ink=unnamed)), generator_for("test", n)).text
        for n in range(20)
    }
    assert known == {"y - z"}


def test_what_is_no_ink_or_has_no_part_stays_the_same() -> None:
    alone = formula("3 4", ("3", bar(0, 0, 10, 20)), ("4", bar(20, 0, 8, 20)))
    assert excerpt(alone, generator_for("test", 1)) is alone
    bitmap = replace(EQUATION, image=__file__)  # type: ignore[arg-type]
    assert excerpt(bitmap, generator_for("test", 1)) is bitmap


def test_an_epoch_takes_parts_of_about_so_many_formulas_and_the_same_ones_again() -> None:
    samples = tuple(replace(EQUATION, id=str(number)) for number in range(200))
    source = TrainingFormulas(
        Formulas(samples, ((64, 128),) * 200), FormulaSpec(scale=0.5), 1, places=True, excerpts=0.3
    )
    texts = [source.prepared(0, index).text for index in range(200)]
    assert 35 <= sum(text != EQUATION.text for text in texts) <= 85
    assert texts == [source.prepared(0, index).text for index in range(200)]
    assert texts != [source.prepared(1, index).text for index in range(200)]
    for index in range(200):
        places = source.prepared(0, index).places
        assert places is not None
        assert len(places) == len(texts[index].split())


def ink_of(sample: Sample) -> Ink:
    assert isinstance(sample.image, InkImage)
    return sample.image.ink


def own(sample: Sample, symbol: InkSymbol) -> list[np.ndarray]:
    return [ink_of(sample).strokes[i] for i in symbol.strokes]

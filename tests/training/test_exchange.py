"""Formulas that nobody wrote: what is exchanged, what stays, and that picture and caption still agree."""

from __future__ import annotations

import numpy as np
import pytest

from amanuensis.ink import Ink, InkImage, InkSymbol
from amanuensis.randomness import generator_for
from amanuensis.records import Sample
from amanuensis.training.exchange import SymbolStock
from amanuensis.training.places import matched_symbols


def bar(x: float, y: float, width: float, height: float) -> np.ndarray:
    return np.array([[x, y], [x + width, y + height]])


def formula(text: str, *symbols: tuple[str, list[np.ndarray]]) -> Sample:
    strokes, named = [], []
    for label, own in symbols:
        named.append(InkSymbol(label, tuple(range(len(strokes), len(strokes) + len(own)))))
        strokes += own
    return Sample(text, InkImage(Ink(strokes, named), text), text, "train")


DIGITS = formula("3 4", ("3", [bar(0, 0, 10, 20)]), ("4", [bar(20, 0, 8, 20), bar(24, 0, 2, 20)]))
SUM = formula(
    r"\frac { 3 } { x } + y",
    ("-", [bar(0, 30, 40, 0)]),
    ("3", [bar(15, 0, 10, 20)]),
    ("x", [bar(15, 40, 10, 10), bar(15, 40, 10, 10)]),
    ("+", [bar(50, 30, 10, 0), bar(55, 25, 0, 10)]),
    ("y", [bar(70, 25, 8, 20)]),
)
STOCK = SymbolStock.of([DIGITS, SUM])


def ink_of(sample: Sample) -> Ink:
    assert isinstance(sample.image, InkImage)
    return sample.image.ink


def drawn(number: int, sample: Sample = SUM, stock: SymbolStock = STOCK) -> Sample:
    return stock.exchanged(sample, generator_for("test", number))


def test_the_stock_holds_what_has_a_kind_and_no_fraction_bars() -> None:
    assert {label: len(examples) for label, examples in STOCK.strokes.items()} == {
        "3": 2,
        "4": 1,
        "x": 1,
        "+": 1,
        "y": 1,
    }


def test_examples_are_as_large_as_the_unit_about_their_middle() -> None:
    for examples in STOCK.strokes.values():
        points = np.concatenate(examples[0])
        assert np.ptp(points, axis=0).max() == pytest.approx(1)
        assert points.max(axis=0) + points.min(axis=0) == pytest.approx(0, abs=1e-6)


def test_symbols_become_others_of_their_kind_and_the_caption_says_so() -> None:
    captions = [drawn(number).text.split() for number in range(200)]
    above, below, sign, last = ({tokens[place] for tokens in captions} for place in (2, 5, 7, 8))
    assert above == below == last == {"3", "4", "x", "y"}
    assert sign == {"+"}
    assert {tuple(tokens[:2] + tokens[3:5] + tokens[6:7]) for tokens in captions} == {
        ("\\frac", "{", "}", "{", "}")
    }


def test_rare_letters_come_as_often_as_frequent_ones() -> None:
    often = SymbolStock({"x": STOCK.strokes["x"] * 50, "y": STOCK.strokes["y"]})
    last = [drawn(number, stock=often).text.split()[-1] for number in range(400)]
    assert 60 < last.count("x") < 140  # half of a half


@pytest.mark.parametrize(
    ("label", "above", "below"), [("e", 1.0, 0.0), ("P", 1.5, 0.0), ("p", 1.0, 0.7), ("j", 1.5, 0.6)]
)
def test_a_letter_stands_on_the_baseline_at_the_size_of_the_writing(
    label: str, above: float, below: float
) -> None:
    stock = SymbolStock({label: [(np.array([[-0.3, -0.5], [0.3, 0.5]], dtype=np.float32),)]})
    x_3_p = ("x", [bar(0, 10, 10, 10)]), ("3", [bar(20, 5, 10, 15)]), ("p", [bar(40, 10, 10, 17)])
    plain = formula("x 3 p", *x_3_p)  # baseline 20, x 10 high
    for place, x in ((0, 5), (1, 25), (2, 45)):
        changed = next(
            s for s in (drawn(n, plain, stock) for n in range(60)) if s.text.split()[place] == label
        )
        symbol = ink_of(changed).symbols[place]
        assert symbol.label == label
        points = np.concatenate([ink_of(changed).strokes[i] for i in symbol.strokes])
        assert points[:, 1].min() == pytest.approx(20 - 10 * above, abs=1e-4)
        assert points[:, 1].max() == pytest.approx(20 + 10 * below, abs=1e-4)
        assert points[:, 0].mean() == pytest.approx(x, abs=8)


def test_ink_and_caption_agree_on_every_symbol() -> None:
    for number in range(20):
        changed = drawn(number)
        ink, tokens = ink_of(changed), changed.text.split()
        pairs = matched_symbols(tokens, ink)
        assert len(pairs) == len(ink.symbols) == 5
        assert {i for symbol in ink.symbols for i in symbol.strokes} == set(range(len(ink.strokes)))


def test_a_new_symbol_stands_where_the_old_one_stood_as_large_as_it_was() -> None:
    changed = next(s for s in (drawn(n) for n in range(200)) if s.text == r"\frac { 4 } { x } + y")
    four = next(symbol for symbol in ink_of(changed).symbols if symbol.label == "4")
    points = np.concatenate([ink_of(changed).strokes[i] for i in four.strokes])
    assert np.ptp(points[:, 1]) == pytest.approx(20)
    assert (points.max(axis=0) + points.min(axis=0)) / 2 == pytest.approx([20, 10], abs=1)


def test_neighbors_make_room_and_bars_are_stretched() -> None:
    narrow = formula(r"\frac { 3 } { x } y", ("-", [bar(0, 30, 40, 0)]), ("3", [bar(18, 0, 4, 20)]),
                     ("x", [bar(15, 40, 10, 10)]), ("y", [bar(45, 25, 8, 20)]))  # fmt: skip
    wide = SymbolStock({"4": [(np.array([[-0.5, -0.5], [0.5, 0.5]], dtype=np.float32),)]})
    changed = next(s for s in (drawn(n, narrow, wide) for n in range(60)) if s.text == r"\frac { 4 } { x } y")
    ink = ink_of(changed)
    by_label = {
        symbol.label: np.concatenate([ink.strokes[i] for i in symbol.strokes]) for symbol in ink.symbols
    }
    assert np.ptp(by_label["4"][:, 0]) == pytest.approx(20)  # as wide as high
    assert np.ptp(by_label["-"][:, 0]) == pytest.approx(40 + 16)
    assert np.ptp(by_label["y"][:, 0]) == pytest.approx(8)
    assert by_label["y"][:, 0].min() - by_label["-"][:, 0].max() == pytest.approx(5)


def test_it_is_a_function_of_the_generator_alone_and_leaves_the_sample_alone() -> None:
    before = [stroke.copy() for stroke in ink_of(SUM).strokes]
    one, two = drawn(3), drawn(3)
    assert one.text == two.text
    assert all(np.array_equal(a, b) for a, b in zip(ink_of(one).strokes, ink_of(two).strokes, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(before, ink_of(SUM).strokes, strict=True))


def test_ink_without_symbols_and_an_empty_stock_change_nothing() -> None:
    bare = Sample("x", InkImage(Ink([bar(0, 0, 5, 5)]), "x"), "x", "train")
    assert drawn(1, bare) is bare
    assert drawn(1, SUM, SymbolStock({})) is SUM

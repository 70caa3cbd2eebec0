"""Where tokens were written, from ink that names its symbols; and attention that is shown where to look."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from amanuensis.images.formula import FormulaSpec, Measured, normalize_drawing, to_input
from amanuensis.ink import Ink, InkSymbol, RenderSettings, render, stroke_boxes
from amanuensis.latex import tokenize
from amanuensis.training.guidance import Guidance
from amanuensis.training.places import places_of

SETTINGS = RenderSettings()


def cross(x: float, y: float, size: float = 30.0) -> list[np.ndarray]:
    return [
        np.array([[x, y], [x + size, y + size]]),
        np.array([[x + size, y], [x, y + size]]),
    ]


def ink_of(*symbols: tuple[str, float, float]) -> Ink:
    """Each symbol a cross at its place."""
    strokes = [stroke for _, x, y in symbols for stroke in cross(x, y)]
    named = [InkSymbol(label, (2 * i, 2 * i + 1)) for i, (label, _, _) in enumerate(symbols)]
    return Ink(strokes, named)


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("pen", [2, 3, 4])
@pytest.mark.parametrize("height", [20.0, 29.2, 41.0])
def test_boxes_hold_the_ink_of_their_symbol_and_nothing_else(scale: float, pen: int, height: float) -> None:
    """With a thin pen too: then the drawing is drawn anew at another size."""
    ink = ink_of(("x", 0, 0), ("+", 100, 0), ("y", 200, 0))
    spec = FormulaSpec(scale=scale)
    settings = RenderSettings(pen=pen, height=height)
    bitmap, seen = normalize_drawing(render(ink, settings), spec)
    assert seen.clean == (pen in (3, 4))
    rest = to_input(bitmap, spec)
    boxes = places_of(("x", "+", "y"), ink, settings, spec, seen)
    room = 0 if seen.clean else 2 * scale  # strokes that are drawn anew lie where they lay to a pixel or two
    for left, top, right, bottom in boxes:
        rows, columns = (
            slice(max(0, int(np.floor(low - room))), int(np.ceil(high + room)))
            for low, high in ((top, bottom), (left, right))
        )
        inside = rest[rows, columns]
        ink_rows, ink_columns = np.nonzero(inside)
        assert len(ink_rows)
        # The box is the ink's own, but for rounding.
        wide, high = np.ptp(ink_columns) + 1, np.ptp(ink_rows) + 1
        assert abs(wide - (right - left)) <= 1 + room
        assert abs(high - (bottom - top)) <= 1 + room
        inside[:] = 0
    assert not rest.any()


def test_stroke_boxes_are_where_the_pixels_are() -> None:
    ink = Ink([np.array([[0.0, 0.0], [40.0, 60.0]])])
    rows, columns = np.nonzero(render(ink))
    assert stroke_boxes(ink).tolist() == [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]


def test_of_several_symbols_of_one_name_each_token_gets_its_own() -> None:
    # x^2 over x + x, the symbols named in no order.
    ink = ink_of(("x", 100, 150), ("x", 0, 150), ("+", 50, 150), ("x", 40, 0), ("2", 75, -20), ("-", 60, 90))
    caption = tokenize(r"\frac { x ^ { 2 } } { x + x }")
    boxes = places_of(caption, ink, SETTINGS, FormulaSpec(), Measured())
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    above, left, right = (middles[i] for i in (2, 9, 11))
    assert above[1] < left[1]
    assert left[0] < right[0]
    assert left[1] == right[1]


def test_tokens_without_ink_have_no_place() -> None:
    boxes = places_of(
        ("x", "^", "{", "2", "}"), ink_of(("x", 0, 0), ("2", 35, -30)), SETTINGS, FormulaSpec(), Measured()
    )
    assert np.isnan(boxes).all(axis=1).tolist() == [False, True, True, False, True]


def test_a_caption_that_names_other_symbols_has_places_for_what_agrees() -> None:
    boxes = places_of(("x", "+", "x"), ink_of(("x", 0, 0), ("z", 50, 0)), SETTINGS, FormulaSpec(), Measured())
    assert np.isfinite(boxes).all(axis=1).sum() == 1
    assert np.isnan(
        places_of(("\\frac", "{"), ink_of(("x", 0, 0)), SETTINGS, FormulaSpec(), Measured())
    ).all()


def guidance(**changes: object) -> Guidance:
    return Guidance(**{"weight": 1.0, "until": 0.5, "stride": 8, "mean_steps": None} | changes)  # type: ignore[arg-type]


def test_attention_on_the_symbol_costs_nothing_and_elsewhere_much() -> None:
    boxes = np.array([[32.0, 0, 40, 8], [np.nan] * 4], dtype=np.float32)
    attention = torch.zeros(2, 3, 2, 8)
    attention[0, :, 0, 4] = 1  # on the symbol
    attention[1, :, 1, 0] = 1  # away from it
    near, mass = guidance()([attention[:1]], [boxes])
    far, none = guidance()([attention[1:]], [boxes])
    assert float(near) == pytest.approx(0, abs=1e-6)
    assert mass == 1
    assert float(far) > 5
    assert none == 0


def test_the_gradient_draws_attention_to_the_symbol() -> None:
    energy = torch.zeros(1, 1, 2, 8, requires_grad=True)
    attention = energy.flatten(2).softmax(2).view_as(energy)
    term, _ = guidance()([attention], [np.array([[32.0, 0, 40, 8]], dtype=np.float32)])
    term.backward()
    assert energy.grad is not None
    assert float(energy.grad[0, 0, 0, 4]) < 0 < float(energy.grad[0, 0, 1, 0])


def test_samples_without_places_cost_nothing() -> None:
    attention = torch.full((2, 3, 2, 8), 1 / 16)
    known = np.array([[32.0, 0, 40, 8]], dtype=np.float32)
    alone, _ = guidance()([attention[:1]], [known])
    both, _ = guidance()([attention], [known, None])
    assert float(both) == pytest.approx(float(alone))


def test_it_falls_to_nothing_when_its_time_is_over() -> None:
    assert [guidance().factor(done) for done in (0.0, 0.25, 0.5, 0.9)] == [1.0, 0.5, 0.0, 0.0]

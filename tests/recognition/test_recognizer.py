from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amanuensis.errors import ImageError, ModelError
from amanuensis.images import ImageSpec
from amanuensis.recognition import LineOptions, OnnxRuntime, Recognizer, logits_of_lines
from amanuensis.recognition.batching import bucket_width
from tiny_model import CONFIG, STRIDE, SYMBOL, draw, write_tiny_model


@pytest.fixture(scope="module")
def recognizer(tiny_model: Path) -> Recognizer:
    return Recognizer.load(tiny_model)


def test_reads_one_picture(recognizer: Recognizer) -> None:
    [reading] = recognizer.read(draw("aabé b"))
    assert reading.text == "aabé b"
    assert 0.99 < reading.confidence <= 1
    assert [span.text for span in reading.spans] == list("aabé b")


def test_reads_whatever_load_image_takes(recognizer: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "line.png"
    Image.fromarray(draw("ab")).save(path)
    sources = [path, str(path), path.read_bytes(), draw("ab"), Image.fromarray(draw("ab"))]
    assert [reading.text for reading in recognizer.read(sources)] == ["ab"] * 5
    for source in sources:
        assert [reading.text for reading in recognizer.read(source)] == ["ab"]
    assert [reading.text for reading in recognizer.read(iter(sources))] == ["ab"] * 5


def test_reads_none(recognizer: Recognizer) -> None:
    assert recognizer.read([]) == []


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_spans_are_pixels_of_the_source(recognizer: Recognizer, scale: int) -> None:
    [reading] = recognizer.read(draw("bab", scale=scale))
    for i, span in enumerate(reading.spans):
        left = 2 * SYMBOL * i * scale
        assert abs(span.start - left) <= STRIDE * scale
        assert abs(span.end - (left + SYMBOL * scale)) <= STRIDE * scale


def test_spans_stay_inside_the_picture(recognizer: Recognizer) -> None:
    [reading] = recognizer.read(draw("ab", scale=2)[:, :-17])
    assert all(0 <= span.start < span.end <= 47 for span in reading.spans)


def test_a_blank_picture_is_an_empty_reading(recognizer: Recognizer) -> None:
    [reading] = recognizer.read(np.full((16, 40), 255, np.uint8))
    assert reading.text == ""
    assert reading.spans == ()


def test_a_picture_narrower_than_a_frame(recognizer: Recognizer) -> None:
    assert recognizer.read(np.full((16, 1), 255, np.uint8))[0].text == ""


def test_spaces_are_collapsed_with_their_spans(recognizer: Recognizer) -> None:
    [reading] = recognizer.read(draw(" a  b "))
    assert reading.text == "a b"
    assert [span.text for span in reading.spans] == ["a", " ", "b"]


def test_what_a_line_is_read_with_changes_nothing(recognizer: Recognizer) -> None:
    texts = ["".join(symbols) for n in range(1, 5) for symbols in itertools.product("abé", repeat=n)]
    together = recognizer.read(map(draw, texts))
    assert [reading.text for reading in together] == texts
    alone = [recognizer.read(draw(text))[0] for text in texts[::7]]
    assert together[::7] == alone


def test_a_bad_picture_stands_in_its_place(recognizer: Recognizer, tmp_path: Path) -> None:
    missing = tmp_path / "missing.png"
    good, bad, last = recognizer.read_each([draw("a"), missing, draw("b")])
    assert (good.text, last.text) == ("a", "b")
    assert isinstance(bad, ImageError)
    assert str(missing) in str(bad)
    with pytest.raises(ImageError, match=r"missing\.png"):
        recognizer.read([draw("a"), missing])


def test_sources_are_drawn_lazily(recognizer: Recognizer) -> None:
    drawn = []

    def endless():
        for number in itertools.count():
            drawn.append(number)
            yield draw("ab")

    readings = recognizer.read_each(endless())
    assert next(readings).text == "ab"
    assert len(drawn) < 1000


def test_a_page_is_refused_with_what_to_do(recognizer: Recognizer) -> None:
    page = np.full((1200, 800), 255, np.uint8)
    for top in range(40, 1160, 40):
        page[top : top + 18, 40:760:7] = 0
    with pytest.raises(ImageError, match=r"looks like a page.*cut it into lines"):
        recognizer.read(page)


def test_a_wide_line_is_read_in_windows(recognizer: Recognizer) -> None:
    text = "abéb aab" * 40
    assert CONFIG.image.window < draw(text).shape[1]
    [reading] = recognizer.read(draw(text))
    assert reading.text == text
    assert reading.spans[-1].start == pytest.approx(2 * SYMBOL * (len(text) - 1), abs=STRIDE)


def test_beam_and_best_path_agree_where_the_model_is_sure(tiny_model: Path) -> None:
    beam = Recognizer.load(tiny_model, options=LineOptions("prefix-beam"))
    greedy = Recognizer.load(tiny_model)
    [a], [b] = beam.read(draw("abba é")), greedy.read(draw("abba é"))
    assert a.text == b.text == "abba é"
    assert a.confidence == pytest.approx(b.confidence)
    assert [(s.text, s.start) for s in a.spans] == [(s.text, s.start) for s in b.spans]


def test_confidence_falls_with_certainty(tmp_path: Path) -> None:
    unsure = Recognizer.load(write_tiny_model(tmp_path / "m", gain=1.0))
    assert unsure.read(draw("abab"))[0].confidence < 0.7


def test_two_threads_read_the_same(tiny_model: Path) -> None:
    assert Recognizer.load(tiny_model, threads=2).read(draw("ab"))[0].text == "ab"


@pytest.mark.parametrize(
    "wrong", [{"threads": 0}, {"batch_size": 0}, {"options": LineOptions("guess")}, {"language": "fra"}]
)
def test_impossible_settings(tiny_model: Path, wrong: dict) -> None:
    with pytest.raises(ModelError):
        Recognizer.load(tiny_model, **wrong)


def test_a_graph_of_another_model_is_named(tiny_model: Path, tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "m")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"é",', '"é", "x",'))
    with pytest.raises(ModelError, match="not of one model"):
        Recognizer.load(folder).read(draw("a"))


@pytest.mark.parametrize("content", [None, b"", b"no graph"])
def test_a_missing_or_broken_graph(tmp_path: Path, content: bytes | None) -> None:
    folder = write_tiny_model(tmp_path / "m")
    (folder / "model.onnx").unlink()
    if content is not None:
        (folder / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx"):
        OnnxRuntime(folder)


def test_buckets_waste_little_and_grow_with_the_width() -> None:
    widths = [bucket_width(width) for width in range(1, 5000)]
    assert all(padded >= width for width, padded in enumerate(widths, start=1))
    assert all(padded - width < max(16, width / 8) for width, padded in enumerate(widths, start=1))
    assert widths == sorted(widths)
    assert len(set(widths)) < 70


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_batches_hold_one_bucket_and_are_not_too_large(batch_size: int) -> None:
    rng = np.random.default_rng(0)
    seen = []

    def forward(images, widths):
        seen.append((len(images), images.shape[3], widths.tolist()))
        logits = images[:, 0, :, ::4].transpose(0, 2, 1)
        return logits, widths // 4

    spec = ImageSpec(height=2, window=2000, overlap=200)
    images = [rng.random((2, 4 * int(width))).astype(np.float32) for width in rng.integers(1, 1500, 60)]
    logits = logits_of_lines(images, forward, spec=spec, stride=4, batch_size=batch_size)
    for image, found in zip(images, logits, strict=True):
        np.testing.assert_array_equal(found, image[:, ::4].T)
    assert all(rows <= batch_size for rows, _, _ in seen)
    assert all(rows * width <= 16_384 for rows, width, _ in seen)
    assert all(max(widths) <= width for _, width, widths in seen)


def test_a_fixed_width_is_not_padded() -> None:
    shapes = []

    def forward(images, widths):
        shapes.append(images.shape)
        return np.zeros((len(images), 36, 3), np.float32), widths // 24

    spec = ImageSpec.paper()
    logits_of_lines([np.zeros((68, 864), np.float32)] * 3, forward, spec=spec, stride=24, batch_size=2)
    assert shapes == [(2, 1, 68, 864), (1, 1, 68, 864)]

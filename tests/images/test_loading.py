import io
import struct
import threading
import time
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import ExifTags, Image, TiffImagePlugin

from amanuensis.errors import ImageError
from amanuensis.images import frame_sizes, image_size, load_image, num_frames

# No two pixels are alike, so a turn or a flip cannot hide; the corners hold black and white.
PATTERN = np.linspace(0, 255, 12 * 20).round().astype(np.uint8).reshape(12, 20)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(width: int, height: int, depth: int, color: int, rows: bytes) -> bytes:
    """A PNG of a kind that Pillow cannot write."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@dataclass(frozen=True)
class Member:
    name: str
    content: bytes

    def read(self) -> bytes:
        return self.content


# Sources


def test_every_kind_of_source_gives_the_same_picture(tmp_path: Path) -> None:
    content = encoded(Image.fromarray(PATTERN))
    path = tmp_path / "line.png"
    path.write_bytes(content)
    for source in (path, str(path), content, Member("a", content), Image.open(io.BytesIO(content)), PATTERN):
        grey = load_image(source)
        assert grey.dtype == np.uint8
        assert grey.flags.writeable
        np.testing.assert_array_equal(grey, PATTERN)
        assert num_frames(source) == 1


def test_the_caller_keeps_his_own() -> None:
    array, image = PATTERN.copy(), Image.fromarray(PATTERN).convert("RGBA")
    load_image(array)[:] = 7
    load_image(image)[:] = 7
    np.testing.assert_array_equal(array, PATTERN)
    assert image.mode == "RGBA"
    assert image.getpixel((19, 11)) == (255, 255, 255, 255)


# Depths


def test_one_bit() -> None:
    black_and_white = PATTERN > 100
    image = Image.fromarray(black_and_white)
    expected = np.where(black_and_white, 255, 0)
    for content in (
        encoded(image),
        encoded(image, "TIFF"),
        encoded(image, "TIFF", compression="group4"),
        encoded(image, "BMP"),
    ):
        np.testing.assert_array_equal(load_image(content), expected)
    np.testing.assert_array_equal(load_image(black_and_white), expected)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_cut(kind: str) -> None:
    deep = PATTERN.astype(np.uint16) * 257
    np.testing.assert_array_equal(load_image(encoded(Image.fromarray(deep), kind)), PATTERN)


def test_big_endian_sixteen_bits() -> None:
    deep = PATTERN.astype(np.uint16) * 257
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    np.testing.assert_array_equal(load_image(png(20, 12, 16, 0, rows)), PATTERN)


def test_twelve_bits_in_sixteen() -> None:
    deep = np.round(PATTERN * (4095 / 255)).astype(np.uint16)
    np.testing.assert_array_equal(load_image(encoded(Image.fromarray(deep), "TIFF")), PATTERN)


def test_sixteen_bits_of_colour() -> None:
    colours = np.repeat(PATTERN[:, :, None].astype(">u2") * 257, 3, axis=2)
    rows = b"".join(b"\0" + row.tobytes() for row in colours)
    np.testing.assert_allclose(load_image(png(20, 12, 16, 2, rows)), PATTERN, atol=1)


def test_thirty_two_bits_and_floats_of_a_tiff() -> None:
    integers = Image.fromarray(PATTERN.astype(np.int32) * 257)
    np.testing.assert_array_equal(load_image(encoded(integers, "TIFF")), PATTERN)
    bright = Image.fromarray(PATTERN.astype(np.int32) * 1_000_000)
    np.testing.assert_array_equal(load_image(encoded(bright, "TIFF")), PATTERN)
    floats = Image.fromarray(PATTERN.astype(np.float32) / 255)
    np.testing.assert_array_equal(load_image(encoded(floats, "TIFF")), PATTERN)


# Colours and transparency


def test_colours_become_luminance() -> None:
    red, green, blue = (load_image(np.full((2, 2, 3), c, np.uint8))[0, 0] for c in np.eye(3, dtype=int) * 255)
    assert 0 < blue < red < green < 255
    grey_in_rgb = Image.fromarray(PATTERN).convert("RGB")
    np.testing.assert_array_equal(load_image(encoded(grey_in_rgb)), PATTERN)


@pytest.mark.parametrize(("kind", "tolerance"), [("TIFF", 2), ("JPEG", 12)])
def test_cmyk_is_not_inverted(kind: str, tolerance: int) -> None:
    image = Image.fromarray(PATTERN).convert("RGB").convert("CMYK")
    np.testing.assert_allclose(load_image(encoded(image, kind)).astype(int), PATTERN, atol=tolerance)


def test_palette() -> None:
    steps = (PATTERN // 64 * 85).astype(np.uint8)
    image = Image.fromarray(steps).convert("RGB").quantize(4)
    for kind in ("PNG", "GIF", "TIFF", "BMP"):
        np.testing.assert_allclose(load_image(encoded(image, kind)).astype(int), steps, atol=1)


def test_transparency_shows_white_paper() -> None:
    # What lies under transparent pixels is often black; it must not be seen.
    ink = np.zeros((4, 6, 4), np.uint8)
    ink[1:3, 2:4, 3] = 255
    expected = np.full((4, 6), 255)
    expected[1:3, 2:4] = 0
    rgba = Image.fromarray(ink)
    sources = [
        encoded(rgba),
        encoded(rgba, "WEBP", lossless=True),
        encoded(rgba.convert("LA")),
        encoded(rgba.quantize(4)),
        encoded(rgba, "TIFF"),
        encoded(Image.fromarray(255 - ink[:, :, 3]), transparency=255),
        rgba,
        rgba.convert("RGBa"),
        rgba.convert("LA"),
        ink,
        ink[:, :, [0, 3]],
    ]
    for i, source in enumerate(sources):
        np.testing.assert_array_equal(load_image(source), expected, err_msg=f"source {i}")
    half = np.zeros((2, 2, 4), np.uint8)
    half[..., 3] = 128
    np.testing.assert_allclose(load_image(half), 127, atol=1)


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "I", "I;16", "F"]
)
def test_every_mode_of_pillow(mode: str) -> None:
    if mode == "LAB":
        planes = [Image.fromarray(PATTERN), *(Image.new("L", (20, 12), 128),) * 2]
        image = Image.merge("LAB", planes)
    else:
        image = Image.fromarray(PATTERN)
        image = (image if mode[0] in "1IF" else image.convert("RGB")).convert(mode)
    grey = load_image(image)
    assert grey.shape == (12, 20)
    assert grey[0, 0] < 60
    assert grey[-1, -1] > 200


# Turns

STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", STORED_AS)
def test_exif_turns(orientation: int, kind: str) -> None:
    image = Image.fromarray(PATTERN)
    turn = STORED_AS[orientation]
    stored = image if turn is None else image.transpose(turn)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(kind, {})
    content = encoded(stored, kind, exif=exif, **options)
    grey = load_image(content)
    np.testing.assert_allclose(grey.astype(int), PATTERN, atol=8 if kind == "JPEG" else 0)
    assert image_size(content) == (20, 12)
    assert frame_sizes(content) == [(20, 12)]


def test_every_frame_of_a_tiff_has_its_own_turn() -> None:
    upright, lying = Image.fromarray(PATTERN), Image.fromarray(PATTERN).transpose(STORED_AS[6])
    turns = [Image.Exif(), Image.Exif()]
    for exif, orientation in zip(turns, (1, 6), strict=True):
        exif[ExifTags.Base.Orientation] = orientation
    lying.encoderinfo = {"exif": turns[1]}
    content = encoded(upright, "TIFF", save_all=True, append_images=[lying], exif=turns[0])
    sizes = [load_image(content, frame=frame).shape[::-1] for frame in (0, 1)]
    assert frame_sizes(content) == sizes
    assert [image_size(content, frame=frame) for frame in (0, 1)] == sizes


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("upright", [True, False])
def test_a_tiffs_size_does_not_depend_on_how_pillow_gives_it(
    orientation: int, upright: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow 10.3 gives the size as stored, later versions the upright one."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored = (
        Image.fromarray(PATTERN).transpose(STORED_AS[6]) if orientation == 6 else Image.fromarray(PATTERN)
    )
    content = encoded(stored, "TIFF", exif=exif)
    size = (20, 12) if upright else stored.size
    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "size", property(lambda _: size))
    assert image_size(content) == (20, 12)


@pytest.mark.parametrize(
    "garbage", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_broken_exif_turns_nothing(garbage: bytes) -> None:
    content = encoded(Image.fromarray(PATTERN), "JPEG", exif=garbage, quality=95)
    np.testing.assert_allclose(load_image(content).astype(int), PATTERN, atol=8)


# Frames


def test_frames_of_a_tiff(tmp_path: Path) -> None:
    pages = [np.full((4, 5 + i), 40 * i, np.uint8) for i in range(3)]
    path = tmp_path / "scan.tif"
    first, *rest = (Image.fromarray(page) for page in pages)
    first.save(path, save_all=True, append_images=rest)
    assert num_frames(path) == 3
    for i, page in enumerate(pages):
        np.testing.assert_array_equal(load_image(path, frame=i), page)
    for frame in (3, -1):
        with pytest.raises(ImageError, match=rf"scan\.tif: has 3 frames .* no frame {frame}"):
            load_image(path, frame=frame)


def test_frames_of_what_has_one() -> None:
    for source in (PATTERN, Image.fromarray(PATTERN), encoded(Image.fromarray(PATTERN))):
        with pytest.raises(ImageError, match="one frame"):
            load_image(source, frame=1)


def test_frames_of_a_gif() -> None:
    pages = [Image.new("L", (4, 4), level) for level in (0, 255)]
    content = encoded(pages[0], "GIF", save_all=True, append_images=pages[1:])
    assert num_frames(content) == 2
    assert load_image(content, frame=1).mean() == 255


def test_a_phones_second_picture_is_no_frame() -> None:
    photo, depth = Image.fromarray(PATTERN), Image.new("L", (5, 3))
    content = encoded(photo, "MPO", save_all=True, append_images=[depth])
    assert num_frames(content) == 1
    assert load_image(content).shape == PATTERN.shape


# What is no picture


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path, "with\0zero"):
        with pytest.raises(ImageError) as error:
            load_image(path)
        assert str(error.value).startswith(f"{path}: cannot be read")
        with pytest.raises(ImageError):
            num_frames(path)


def test_zero_bytes(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    for source in (path, b"", Member("empty.jpg", b"")):
        with pytest.raises(ImageError, match=r"empty \(zero bytes\)"):
            load_image(source)


@pytest.mark.parametrize(
    "content",
    [b"Dear sir,\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG", b"%PDF-1.7\n", bytes(1000)],
)
def test_no_image(content: bytes) -> None:
    with pytest.raises(ImageError, match=r"member 7: no image of a kind that can be read \(PNG, JPEG, "):
        load_image(Member("member 7", content))


def test_no_format_that_starts_programs() -> None:
    content = encoded(Image.fromarray(PATTERN), "EPS")
    with pytest.raises(ImageError, match="no image of a kind"):
        load_image(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "JPEG2000"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated(kind: str, share: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    path = tmp_path / "cut"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ImageError, match="cut: "):
        load_image(path)


@pytest.mark.parametrize(("width", "height"), [(11_000, 10_000), (100_000, 100_000), (2**31 - 1, 1)])
def test_absurd_size_is_refused_before_decoding(width: int, height: int) -> None:
    start = time.perf_counter()
    with pytest.raises(ImageError, match="more than 100 million pixels"):
        load_image(Member("bomb.png", png(width, height, 8, 0, b"\0" * 1000)))
    with pytest.raises(ImageError, match="more than 100 million pixels"):
        load_image(np.broadcast_to(np.uint8(0), (height, width)))
    assert time.perf_counter() - start < 1


@settings(max_examples=150)
@given(data=st.data())
def test_damaged_files_fail_as_image_errors_or_load(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "JPEG2000"]))
    content = bytearray(encoded(Image.fromarray(PATTERN), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    source = Member("damaged", bytes(content[: data.draw(st.integers(1, len(content)))]))
    failure = None
    try:
        grey = load_image(source)
        assert (grey.dtype, grey.ndim) == (np.uint8, 2)
        assert num_frames(source) >= 1
    except ImageError as error:
        failure = str(error)
    assert failure is None or failure.startswith("damaged: ")


def test_no_warning_of_pillows_leaks() -> None:
    # Of these, Pillow warns: a size that its own limit lets pass, EXIF data without an end.
    large = png(10_000, 9_500, 8, 0, b"")
    odd = encoded(Image.fromarray(PATTERN), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        Image.open(io.BytesIO(large))
        assert seen
        seen.clear()
        with pytest.raises(ImageError, match="broken or truncated"):
            load_image(large)
        load_image(odd)
    assert not seen


def test_warnings_stay_as_they_were() -> None:
    content = encoded(Image.fromarray(PATTERN), "JPEG", exif=b"Exif\0\0garbage")
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [load_image(content) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


# Arrays


@given(
    arrays.arrays(
        dtype=st.sampled_from([np.uint8, np.uint16, np.int64, np.float32, np.bool_]),
        shape=arrays.array_shapes(min_dims=2, max_dims=2, max_side=17),
        elements={"min_value": 0, "max_value": 1},
    )
)
def test_arrays_keep_shape_and_order(values: np.ndarray) -> None:
    grey = load_image(values)
    assert grey.shape == values.shape
    white = 255 if values.dtype.kind in "fb" else 1
    np.testing.assert_allclose(grey, values * float(white), atol=0.5)


def test_ranges_of_arrays() -> None:
    for values in (
        PATTERN.astype(np.uint16),
        PATTERN.astype(np.int32),
        PATTERN.astype(np.float64),
        PATTERN / 255,
        (PATTERN / 255).astype(np.float16),
        PATTERN.astype(np.uint16) * 257,
        PATTERN[:, :, None],
        PATTERN.astype(float)[:, :, None].repeat(3, axis=2),
    ):
        np.testing.assert_allclose(load_image(values).astype(int), PATTERN, atol=1)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_floats_that_overshoot_one_are_white_there(kind: type) -> None:
    ramp = np.linspace(0, 1.02, 50, dtype=kind).reshape(5, 10)
    np.testing.assert_allclose(load_image(ramp), np.minimum(ramp, 1) * 255, atol=0.51)
    np.testing.assert_allclose(load_image(np.linspace(0, 40, 50).reshape(5, 10))[-1, -1], 40)


@pytest.mark.parametrize("high", [1.6, 10.0, 31.0])
def test_floats_between_the_two_ranges_are_refused(high: float) -> None:
    with pytest.raises(ImageError, match=r"up to .* in \[0, 1\] or in \[0, 255\]"):
        load_image(np.array([[0.0, high]]))


def test_strided_arrays() -> None:
    np.testing.assert_array_equal(load_image(PATTERN[::-2, ::3]), PATTERN[::-2, ::3])
    colours = np.asfortranarray(PATTERN[:, :, None].repeat(3, axis=2))
    np.testing.assert_array_equal(load_image(colours[:, ::-1]), PATTERN[:, ::-1])


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(5, np.uint8),
        np.zeros((2, 3, 5), np.uint8),
        np.zeros((3, 20, 20), np.uint8),
        np.zeros((1, 2, 3, 4), np.uint8),
        np.zeros((0, 7), np.uint8),
        np.zeros((7, 0, 3), np.uint8),
        np.array(3),
        np.array([[0.0, np.nan]]),
        np.array([[0.0, np.inf]]),
        np.array([[-1.0, 1.0]]),
        np.array([[-1, 1]]),
        np.zeros((2, 2), complex),
        np.array([["a"]]),
        np.array([[None]]),
    ],
    ids=lambda values: f"{values.dtype}{values.shape}",
)
def test_arrays_that_are_no_pictures(values: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"^image array: "):
        load_image(values)
